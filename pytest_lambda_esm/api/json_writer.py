"""From the types of the service model to JSON, as Lambda answers it.

Absent (``None``) members of structures are left out; timestamps are numbers, seconds since the epoch; blobs
are base64. A member that the model of the installed botocore lacks is written as it is, since AWS answers
older clients so, too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

Write = Callable[[Any], Any]
"""Turn a value that is not None into what ``json.dumps`` takes."""


def epoch_seconds(moment: datetime | float) -> float | int:
    """Seconds since the epoch, an int where whole. Raises ValueError for a datetime without a time zone."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError(f"a timestamp needs a time zone: {moment!r}")
        moment = moment.timestamp()
    return int(moment) if moment == int(moment) else moment


def to_json(value: Any) -> bytes:
    """A JSON document without needless spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def _as_it_is(value: Any) -> Any:
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


_SCALARS: Final[Mapping[str, Write]] = MappingProxyType({"timestamp": epoch_seconds, "blob": _base64})


class JsonWriter:
    """Writes values of shapes as JSON values. Prepares each structure once, when it is first needed."""

    def __init__(self) -> None:
        self._structures: dict[str, Callable[[Any], dict[str, Any]]] = {}

    def writer(self, shape: Shape) -> Write:
        """How to write a value (not None) of this shape."""
        if isinstance(shape, StructureShape):
            return self.structure(shape)
        if isinstance(shape, ListShape):
            write_item = self.writer(shape.member)
            return lambda value: [None if item is None else write_item(item) for item in value]
        if isinstance(shape, MapShape):
            write_value = self.writer(shape.value)
            return lambda value: {key: write_value(item) for key, item in value.items() if item is not None}
        return _SCALARS.get(shape.type_name, _as_it_is)

    def structure(self, shape: StructureShape) -> Callable[[Any], dict[str, Any]]:
        """How to write the members of a structure that travel in a body."""
        if shape.name not in self._structures:
            fields: dict[str, tuple[str, Write]] = {}

            def write(value: Any) -> dict[str, Any]:
                result = {}
                for name, item in value.items():
                    if item is not None:
                        wire_name, write_member = fields.get(name, (name, _as_it_is))
                        result[wire_name] = write_member(item)
                return result

            # Filled after it is known, because a structure may contain itself.
            self._structures[shape.name] = write
            for name, member in shape.members.items():
                fields[name] = member.serialization.get("name", name), self.writer(member)
        return self._structures[shape.name]
