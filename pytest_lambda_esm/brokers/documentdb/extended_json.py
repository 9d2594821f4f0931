"""Values of documents in MongoDB Extended JSON v2, in its relaxed form.

Follows https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/. The types of Python are written here;
those of ``bson`` by ``bson.json_util``, where pymongo is installed.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, Final

from pytest_lambda_esm.errors import ConfigurationError

_LARGEST: Final = 2**63
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class ObjectId(str):
    """An ObjectId, as the text of its 24 hexadecimal digits. ``bson.ObjectId`` takes it, too."""

    __slots__ = ()


def encode(call: str, value: Any) -> Any:
    """Return a value in extended JSON. Raises ConfigurationError, which begins with ``call``, for other types."""
    __tracebackhide__ = True
    if value is None or type(value) in (str, bool):
        return value
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(call, value)
    if type(value).__module__.partition(".")[0] == "bson" and not isinstance(value, Mapping):
        return encode(call, _encode_bson(call, value))
    # Subclasses, such as enumerations and ordered dictionaries.
    for base, encoder in _BASES:
        if isinstance(value, base):
            return encoder(call, value)
    raise ConfigurationError(
        f"{call}: a document has no values of the type {type(value).__name__}; it has texts, numbers, booleans, None,"
        f" datetimes, bytes, lists, dictionaries and the types of bson, not {value!r:.100}"
    )


def id_text(call: str, value: Any) -> str:
    """Return a text that is equal for equal values, such as the ``_id`` of two documents."""
    __tracebackhide__ = True
    return json.dumps(encode(call, value), sort_keys=True)


def _encode_bson(call: str, value: Any) -> Any:
    __tracebackhide__ = True
    from bson import json_util

    try:
        return json_util.default(value, json_util.RELAXED_JSON_OPTIONS)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{call}: {error}") from None


def _encode_int(call: str, value: int) -> int:
    __tracebackhide__ = True
    if not -_LARGEST <= value < _LARGEST:
        raise ConfigurationError(f"{call}: {value} has more than 64 bits, and a document has no such numbers")
    return int(value)


def _encode_float(_: str, value: float) -> Any:
    if math.isfinite(value):
        return float(value)
    text = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return {"$numberDouble": text}


def _encode_moment(_: str, value: datetime) -> Any:
    """Return a moment in milliseconds; one without a time zone is in UTC, as for pymongo."""
    moment = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    if moment < _LONG_AGO:
        delta = moment - _LONG_AGO
        return {
            "$date": {"$numberLong": str((delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000)}
        }
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds").removesuffix(".000")
    return {"$date": f"{text}Z"}


def _encode_bytes(_: str, value: bytes) -> Any:
    return {"$binary": {"base64": base64.b64encode(value).decode("ascii"), "subType": "00"}}


def _encode_object_id(_: str, value: ObjectId) -> Any:
    return {"$oid": str(value)}


def _encode_mapping(call: str, value: Mapping[Any, Any]) -> Any:
    __tracebackhide__ = True
    for name in value:
        if not isinstance(name, str):
            raise ConfigurationError(f"{call}: the names of a document's fields are texts, not {name!r}")
    return {str(name): encode(call, item) for name, item in value.items()}


def _encode_list(call: str, value: list[Any] | tuple[Any, ...]) -> Any:
    __tracebackhide__ = True
    return [encode(call, item) for item in value]


_ENCODERS: Final[dict[type, Callable[[str, Any], Any]]] = {
    int: _encode_int,
    float: _encode_float,
    datetime: _encode_moment,
    bytes: _encode_bytes,
    ObjectId: _encode_object_id,
    dict: _encode_mapping,
    list: _encode_list,
    tuple: _encode_list,
}
_BASES: Final[tuple[tuple[Any, Callable[[str, Any], Any]], ...]] = (
    (str, lambda _, value: str.__str__(value)),
    (int, _encode_int),
    (float, _encode_float),
    (datetime, _encode_moment),
    (bytes, _encode_bytes),
    (Mapping, _encode_mapping),
    ((list, tuple), _encode_list),
)
