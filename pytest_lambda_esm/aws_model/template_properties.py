"""The properties of a CloudFormation resource, converted to the input of the service's operation.

Templates state numbers and booleans as text or not, spell some names in other cases than the API does (``KmsKeyArn``,
``KMSKeyArn``), and state tags as a list of keys and values.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

_BOOLEANS: Final = {"true": True, "false": False}
_ENDPOINT_KEYS: Final = {"KafkaBootstrapServers": "KAFKA_BOOTSTRAP_SERVERS"}
"""Keys that differ between templates and the API."""


def converted(shape: Shape, value: Any, path: str = "") -> Any:
    """Convert a property to the shape of an operation's input. Raises ValueError with CloudFormation's message."""
    if isinstance(shape, StructureShape):
        return _structure(shape, value, path)
    if isinstance(shape, MapShape):
        return _map(shape, value, path)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise ValueError(f"Property {path} must be of type List")
        return [converted(shape.member, item, f"{path}/{number}") for number, item in enumerate(value)]
    return _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"Property {path} must be an object")
    spellings = {name.lower(): name for name in shape.members}
    found = {name: name if name in shape.members else spellings.get(name.lower()) for name in value}
    unknown = next((name for name, member in found.items() if member is None), None)
    if unknown is not None:
        raise ValueError(f"Encountered unsupported property {unknown}")
    return {
        member: converted(shape.members[member], value[name], f"{path}/{name}")
        for name, member in found.items()
        if member is not None and value[name] is not None
    }


def _map(shape: MapShape, value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, list):  # in templates, tags are a list of keys and values
        value = {str(tag.get("Key")): tag.get("Value") for tag in value}
    if not isinstance(value, dict):
        raise ValueError(f"Property {path} must be an object")
    return {
        _ENDPOINT_KEYS.get(key, str(key)): converted(shape.value, inner, f"{path}/{key}")
        for key, inner in value.items()
    }


def _scalar(shape: Shape, value: Any, path: str) -> Any:
    kind = shape.type_name
    if isinstance(value, (dict, list)):
        raise ValueError(f"Property {path} must be of type {kind}")
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        if str(value).lower() not in _BOOLEANS:
            raise ValueError(f"Property {path} must be of type Boolean")
        return _BOOLEANS[str(value).lower()]
    if kind in ("integer", "long"):
        return _number(int, value, path)
    if kind in ("float", "double"):
        return _number(float, value, path)
    if kind == "timestamp":
        return _timestamp(value, path)
    return value if isinstance(value, str) else str(value)


def _number(kind: type[int] | type[float], value: Any, path: str) -> int | float:
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"Property {path} must be of type Number") from None


def _timestamp(value: Any, path: str) -> float:
    """Return seconds since the epoch; templates state them as a number or in ISO 8601."""
    if isinstance(value, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    return _number(float, value, path)
