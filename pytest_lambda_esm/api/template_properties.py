"""CloudFormation's properties as the API's parameters: numbers and switches may be texts there."""

from __future__ import annotations

from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

_SWITCHES: Final = {"true": True, "false": False}
_ENDPOINT_KEYS: Final = {"KafkaBootstrapServers": "KAFKA_BOOTSTRAP_SERVERS"}
"""The one name that differs between a template and the API."""


def coerced(shape: Shape, value: Any, path: str = "") -> Any:
    """A property as the shape of an operation's input wants it. Raises ValueError, in CloudFormation's words."""
    if isinstance(shape, StructureShape):
        return _structure(shape, value, path)
    if isinstance(shape, MapShape):
        return _map(shape, value, path)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise ValueError(f"Property {path} must be of type List")
        return [coerced(shape.member, item, f"{path}/{number}") for number, item in enumerate(value)]
    return _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"Property {path} must be an object")
    unknown = next((name for name in value if name not in shape.members), None)
    if unknown is not None:
        raise ValueError(f"Encountered unsupported property {unknown}")
    return {
        name: coerced(shape.members[name], inner, f"{path}/{name}")
        for name, inner in value.items()
        if inner is not None
    }


def _map(shape: MapShape, value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, list):  # tags are a list of keys and values in a template
        value = {str(tag.get("Key")): tag.get("Value") for tag in value}
    if not isinstance(value, dict):
        raise ValueError(f"Property {path} must be an object")
    return {
        _ENDPOINT_KEYS.get(key, str(key)): coerced(shape.value, inner, f"{path}/{key}") for key, inner in value.items()
    }


def _scalar(shape: Shape, value: Any, path: str) -> Any:
    kind = shape.type_name
    if isinstance(value, (dict, list)):
        raise ValueError(f"Property {path} must be of type {kind}")
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        if str(value).lower() not in _SWITCHES:
            raise ValueError(f"Property {path} must be of type Boolean")
        return _SWITCHES[str(value).lower()]
    if kind in ("integer", "long"):
        return _number(int, value, path)
    if kind in ("float", "double", "timestamp"):
        return _number(float, value, path)
    return value if isinstance(value, str) else str(value)


def _number(kind: type[int] | type[float], value: Any, path: str) -> int | float:
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise ValueError(f"Property {path} must be of type Number") from None
