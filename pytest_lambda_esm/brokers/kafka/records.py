"""Records of a topic: what a producer gives, what a partition stores, and what a test reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.timing import instant_of

Headers: TypeAlias = "Mapping[str, str | bytes | None] | Iterable[tuple[str, str | bytes | None]] | None"
"""Headers of a record: a mapping, or pairs where a name occurs more than once."""

StoredHeaders: TypeAlias = tuple[tuple[str, bytes | None], ...]


class StoredRecord(NamedTuple):
    """A record in a partition; ``timestamp`` is milliseconds since the epoch. ``value`` None is a tombstone."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: StoredHeaders


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """A record of a topic, as a test or another consumer reads it.

    ``timestamp`` is milliseconds since the epoch. ``key`` is None without a key, ``value`` is None for a tombstone.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: StoredHeaders = ()

    def json(self) -> Any:
        """Return the value, read as JSON; None for a tombstone. Raises ValueError if it is not JSON."""
        return None if self.value is None else json.loads(self.value)


@dataclass(frozen=True, slots=True)
class RecordMetadata:
    """Where a produced record is; ``timestamp`` is milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int


def value_bytes(call: str, value: Any) -> bytes | None:
    """Return a record's value: bytes and text as they are, other objects as JSON. Raises ConfigurationError."""
    __tracebackhide__ = True
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{call}: a value is bytes, a text, an object that JSON can express, or None for a tombstone, not"
            f" {value!r:.200} ({error})"
        ) from None


def key_bytes(call: str, key: Any) -> bytes | None:
    """Return a record's key as bytes. Raises ConfigurationError."""
    __tracebackhide__ = True
    if key is None or isinstance(key, bytes):
        return key
    if isinstance(key, str):
        return key.encode()
    raise ConfigurationError(f"{call}: a key is bytes, a text or None, not {key!r:.200}")


def stored_headers(call: str, headers: Any) -> StoredHeaders:
    """Return headers as pairs of a name and bytes. Raises ConfigurationError."""
    __tracebackhide__ = True
    if not headers:
        return ()
    given = headers.items() if isinstance(headers, Mapping) else headers
    pairs = list(given) if isinstance(given, Iterable) else [headers]
    for pair in pairs:
        fits = isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], str)
        if not fits or not isinstance(pair[1], (str, bytes, type(None))):
            raise ConfigurationError(
                f"{call}: headers are a mapping of names to bytes or texts, or a list of such pairs, not {pair!r:.200}"
            )
    return tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)


def timestamp_of(call: str, given: Any) -> int:
    """Return a timestamp in milliseconds; it is given as an aware datetime or in milliseconds."""
    __tracebackhide__ = True
    if isinstance(given, datetime) and given.tzinfo is not None:
        return instant_of(given) // 1000
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    raise ConfigurationError(
        f"{call}: a timestamp is an aware datetime or whole milliseconds since the epoch, not {given!r}"
    )
