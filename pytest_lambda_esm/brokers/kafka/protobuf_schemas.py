"""Protobuf schemas, compiled from their text with the compiler of grpcio-tools.

A Protobuf schema can have several types of messages. A registry's wire format therefore writes the type's place in the
schema in front of the message: Confluent's as a path of indexes, Glue's as one index of all types in the order of their
full names (``MessageIndexFinder`` of AWS's open-source serializer).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from pytest_lambda_esm.brokers.kafka.schema_codecs import PROTOBUF, InvalidSchema, InvalidValue, compact, library

_FILE: Final = "schema.proto"


class Places(Protocol):
    """How a wire format writes which type of a schema a message has."""

    def write(self, descriptor: Any) -> bytes:
        """Return the place of a type."""
        ...

    def read(self, file: Any, payload: bytes) -> tuple[Any, bytes]:
        """Return the type, and the message behind its place. Raises LookupError or ValueError."""
        ...


class ConfluentPlaces:
    """The number of indexes and the indexes from the outermost type inwards, as zigzag varints; 0 is the first type."""

    def write(self, descriptor: Any) -> bytes:
        """Return the place of a type."""
        path: list[int] = []
        while descriptor is not None:
            outer = descriptor.containing_type
            siblings = _top_level(descriptor.file) if outer is None else list(outer.nested_types)
            path.insert(0, siblings.index(descriptor))
            descriptor = outer
        return b"\0" if path == [0] else b"".join(_varint(number * 2) for number in (len(path), *path))

    def read(self, file: Any, payload: bytes) -> tuple[Any, bytes]:
        """Return the type, and the message behind its place."""
        count, position = _read_varint(payload, 0)
        path = [] if count else [0]
        for _ in range(count // 2):
            index, position = _read_varint(payload, position)
            path.append(index // 2)
        descriptor = _top_level(file)[path[0]]
        for index in path[1:]:
            descriptor = descriptor.nested_types[index]
        return descriptor, payload[position:]


class GluePlaces:
    """The index of a type among all types in the order of their full names, as a varint."""

    def write(self, descriptor: Any) -> bytes:
        """Return the place of a type."""
        return _varint(_by_name(descriptor.file).index(descriptor))

    def read(self, file: Any, payload: bytes) -> tuple[Any, bytes]:
        """Return the type, and the message behind its place."""
        index, position = _read_varint(payload, 0)
        return _by_name(file)[index], payload[position:]


class ProtobufSchema:
    """A Protobuf schema. The JSON of a message is Protobuf's own: names in camel case, 64 bits as text, no defaults."""

    def __init__(self, definition: str, places: Places) -> None:
        self._json_format = library("google.protobuf.json_format", PROTOBUF)
        self._classes = library("google.protobuf.message_factory", PROTOBUF)
        self._places = places
        self._pool = library("google.protobuf.descriptor_pool", PROTOBUF).DescriptorPool()
        for each in _compile(definition):
            self._pool.Add(each)
        self._file = self._pool.FindFileByName(_FILE)
        if not self._file.message_types_by_name:
            raise InvalidSchema("the definition has no message")

    def encode(self, value: Any, message: str | None) -> bytes:
        """Return a message as bytes: an object as Protobuf's JSON has it, or a message of a generated class."""
        try:
            if hasattr(value, "SerializeToString"):
                descriptor, content = self._type(message or value.DESCRIPTOR.full_name), value
            else:
                descriptor = self._type(message)
                made = self._classes.GetMessageClass(descriptor)()
                content = self._json_format.ParseDict(value, made, descriptor_pool=self._pool)
            return self._places.write(descriptor) + bytes(content.SerializeToString(deterministic=True))
        except InvalidValue:
            raise
        except Exception as error:  # The library raises errors of several kinds.
            raise InvalidValue(f"the value does not fit the Protobuf schema: {error}") from error

    def decode(self, payload: bytes) -> bytes:
        """Return the JSON of a message."""
        try:
            descriptor, content = self._places.read(self._file, payload)
            message = self._classes.GetMessageClass(descriptor).FromString(content)
            if not message.IsInitialized():
                raise ValueError("a required field is missing")
            return compact(self._json_format.MessageToDict(message, descriptor_pool=self._pool))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise InvalidValue(f"the bytes do not fit the Protobuf schema: {reason}") from error

    def _type(self, message: str | None) -> Any:
        if message is None:
            return _top_level(self._file)[0]
        known = {each.full_name: each for each in _by_name(self._file)}
        package = f"{self._file.package}." if self._file.package else ""
        for name in (message, package + message):
            if name in known:
                return known[name]
        raise InvalidValue(f"the schema has no message {message!r}; it has {', '.join(sorted(known))}")


def _compile(definition: str) -> list[Any]:
    """Return the descriptors of a schema and of what it imports, in the order of their dependencies."""
    protoc = library("grpc_tools.protoc", PROTOBUF)
    descriptors = library("google.protobuf.descriptor_pb2", PROTOBUF)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, _FILE).write_text(definition, encoding="utf-8")
        made = Path(folder, "descriptors")
        known_types = files("grpc_tools") / "_proto"
        options = [f"-I{folder}", f"-I{known_types}", "--include_imports", f"--descriptor_set_out={made}"]
        if protoc.main(["protoc", *options, _FILE]) != 0:
            raise InvalidSchema(
                "protoc refuses the definition; it has written the reason to stderr. A definition can import the files"
                " of google/protobuf, and no others"
            )
        return list(descriptors.FileDescriptorSet.FromString(made.read_bytes()).file)


def _top_level(file: Any) -> list[Any]:
    return list(file.message_types_by_name.values())  # In the order of the definition.


def _by_name(file: Any) -> list[Any]:
    return sorted(_all_types(_top_level(file)), key=lambda each: each.full_name)


def _all_types(types: list[Any]) -> Iterator[Any]:
    for each in types:
        yield each
        yield from _all_types(list(each.nested_types))


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a varint, and the position behind it. Raises IndexError at the end of the data."""
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return number, position
