"""Reads the parameters of an operation from an HTTP request, by the shapes of botocore's service model.

The reverse of ``botocore.serialize``, whose rules these are; seen with botocore 1.36.0 and 1.44.8.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.http.wire import WireRequest

Form = Mapping[str, str]

_NUMBERS: Final = {"integer": int, "long": int, "float": float, "double": float}
_SCALARS: Final = ("string", "blob", "timestamp", "boolean", *_NUMBERS)


# --- JSON ----------------------------------------------------------------------------------------------------


def of_json(shape: Any, value: Any) -> Any:
    """Return a value of a JSON body as a caller of boto3 would have given it."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        return {names[key]: of_json(shape.members[names[key]], each) for key, each in value.items() if key in names}
    if kind == "list":
        return [of_json(shape.member, each) for each in value]
    if kind == "map":
        return {key: of_json(shape.value, each) for key, each in value.items()}
    return base64.b64decode(value) if kind == "blob" else value


# --- the query protocol ----------------------------------------------------------------------------------------


def of_query(shape: Any, form: Form) -> dict[str, Any]:
    """Return the parameters of a form, such as ``Attribute.1.Name=…&Attribute.1.Value=…``."""
    return _structure(shape, form, "")


def _structure(shape: Any, form: Form, prefix: str) -> dict[str, Any]:
    found = {name: _value(member, form, f"{prefix}{_name(member, name)}") for name, member in shape.members.items()}
    return {name: value for name, value in found.items() if value is not None}


def _value(shape: Any, form: Form, key: str) -> Any:
    if shape.type_name in _SCALARS:
        return _scalar(shape, form[key]) if key in form else None
    if not any(each.startswith(f"{key}.") for each in form):
        return None
    if shape.type_name == "structure":
        return _structure(shape, form, f"{key}.")
    return _list(shape, form, key) if shape.type_name == "list" else _map(shape, form, key)


def _list(shape: Any, form: Form, key: str) -> list[Any]:
    flat = shape.serialization.get("flattened")
    alone = shape.member.serialization.get("name")
    # A flattened list has the name of its members, if they have one: Attribute.1, not Attributes.member.1.
    beside = f"{key.rpartition('.')[0]}.{alone}".lstrip(".") if alone else key
    start = beside if flat else f"{key}.{alone or 'member'}"
    starts = (start, key)
    return next((items for each in starts if (items := _items(shape.member, form, each))), [])


def _items(member: Any, form: Form, start: str) -> list[Any]:
    items: list[Any] = []
    while (value := _value(member, form, f"{start}.{len(items) + 1}")) is not None:
        items.append(value)
    return items


def _map(shape: Any, form: Form, key: str) -> dict[str, Any]:
    start = key if shape.serialization.get("flattened") else f"{key}.entry"
    names = [_name(each, default) for each, default in ((shape.key, "key"), (shape.value, "value"))]
    pairs: dict[str, Any] = {}
    number = 1
    while (name := form.get(f"{start}.{number}.{names[0]}")) is not None:
        pairs[name] = _value(shape.value, form, f"{start}.{number}.{names[1]}")
        number += 1
    return pairs


def _name(shape: Any, name: str) -> str:
    return str(shape.serialization.get("queryName", shape.serialization.get("name", name)))


def _scalar(shape: Any, text: str) -> Any:
    kind = shape.type_name
    if kind == "boolean":
        return text.lower() == "true"
    return base64.b64decode(text) if kind == "blob" else _NUMBERS.get(kind, str)(text)


# --- REST ------------------------------------------------------------------------------------------------------


def of_rest(shape: Any, uri: Mapping[str, str], request: WireRequest) -> dict[str, Any]:
    """Return the parameters in the path, in the query string, in headers, and in a body that is not XML."""
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        traits = member.serialization
        place, wire = traits.get("location"), traits.get("name", name)
        if place == "uri" and name in uri:
            found[name] = uri[name]
        elif place == "querystring" and wire in request.query and member.type_name != "map":
            texts = request.query[wire]
            found[name] = texts if member.type_name == "list" else _scalar(member, texts[0])
        elif place == "header" and wire.lower() in request.headers and member.type_name in _SCALARS:
            text = request.headers[wire.lower()]
            found[name] = text if member.type_name == "blob" else _scalar(member, text)
    return {**found, **_rest_body(shape, request)}


def _rest_body(shape: Any, request: WireRequest) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    member = shape.members[payload] if payload else shape
    if not request.body:
        return {}
    if member.type_name == "blob":
        return {payload: request.body}
    if not request.body.lstrip().startswith((b"{", b"[")):
        return {}
    value = of_json(member, json.loads(request.body))
    return {payload: value} if payload else value
