from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from pytest_lambda_esm import NotSimulated
from pytest_lambda_esm.brokers.kafka.protobuf_schemas import ConfluentPlaces, GluePlaces, ProtobufSchema
from pytest_lambda_esm.brokers.kafka.schema_codecs import AvroSchema, InvalidSchema, InvalidValue, JsonSchema, library


def record(**fields: Any) -> str:
    """Return an Avro record with fields of these types."""
    declared = [{"name": name, "type": given} for name, given in fields.items()]
    return json.dumps({"type": "record", "name": "R", "fields": declared})


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(NotSimulated, match=r'format AVRO need fastavro.*pip install "pytest-lambda-esm\[kafka\]"'):
        library("fastavro", "AVRO")


class TestAvro:
    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("fastavro")

    @pytest.mark.parametrize(
        ("declared", "value", "expected"),
        [
            ("int", 3, "3"),
            ("string", "ä", '"ä"'),
            (["null", "string"], None, "null"),
            (["null", "string"], "a", '"a"'),
            ({"type": "array", "items": "int"}, [1, 2], "[1,2]"),
            ({"type": "map", "values": "bytes"}, {"a": b"\xff"}, '{"a":"ÿ"}'),
            ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", '"B"'),
            ("double", float("nan"), '"NaN"'),
            ("double", float("-inf"), '"-Infinity"'),
            ("double", 1.5, "1.5"),
            ({"type": "int", "logicalType": "date"}, 10, "10"),
            (
                {"type": "long", "logicalType": "timestamp-millis"},
                datetime(2026, 1, 1, tzinfo=timezone.utc),
                "1767225600000",
            ),
            ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, Decimal("1.00"), '"d"'),
        ],
        ids=str,
    )
    def test_values(self, declared: Any, value: Any, expected: str) -> None:
        schema = AvroSchema(record(a=declared))
        assert schema.decode(schema.encode({"a": value}, None)).decode() == f'{{"a":{expected}}}'

    def test_a_primitive_schema(self) -> None:
        schema = AvroSchema('"string"')
        assert schema.decode(schema.encode("a", None)) == b'"a"'

    @pytest.mark.parametrize("definition", ["{", '{"type": "recrd"}', '"nothing"'])
    def test_definitions_that_are_not_valid(self, definition: str) -> None:
        with pytest.raises(InvalidSchema):
            AvroSchema(definition)

    @pytest.mark.parametrize("value", [{}, {"a": "text"}, {"a": 1, "b": 2}, None])
    def test_values_that_do_not_fit(self, value: Any) -> None:
        with pytest.raises(InvalidValue, match="does not fit the Avro schema"):
            AvroSchema(record(a="int")).encode(value, None)

    @pytest.mark.parametrize("payload", [b"", b"\x80", b"\x7f" * 3])
    def test_bytes_that_do_not_fit(self, payload: bytes) -> None:
        with pytest.raises(InvalidValue, match="do not fit the Avro schema"):
            AvroSchema(record(a="string")).decode(payload)

    def test_a_message_type_is_for_protobuf(self) -> None:
        with pytest.raises(InvalidValue, match=r"message='Order' is for Protobuf; the schema's format is AVRO"):
            AvroSchema('"int"').encode(1, "Order")


class TestJson:
    SCHEMA = json.dumps({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}})

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("jsonschema")

    def test_the_bytes_stay_as_they_are(self) -> None:
        assert JsonSchema(self.SCHEMA).decode(b' {"id": "a"} ') == b' {"id": "a"} '

    @pytest.mark.parametrize("definition", ["{", '{"type": 7}'])
    def test_definitions_that_are_not_valid(self, definition: str) -> None:
        with pytest.raises(InvalidSchema):
            JsonSchema(definition)

    @pytest.mark.parametrize(("payload", "text"), [(b"{}", "'id' is a required"), (b"\xff", "not JSON"), (b"", "JSON")])
    def test_bytes_that_do_not_fit(self, payload: bytes, text: str) -> None:
        with pytest.raises(InvalidValue, match=text):
            JsonSchema(self.SCHEMA).decode(payload)

    def test_values_that_do_not_fit(self) -> None:
        with pytest.raises(InvalidValue, match=r"7 is not of type 'string' at \$\.id"):
            JsonSchema(self.SCHEMA).encode({"id": 7}, None)
        with pytest.raises(InvalidValue, match="JSON cannot express"):
            JsonSchema("{}").encode({"id": object()}, None)

    def test_nothing_is_fetched(self) -> None:
        schema = JsonSchema('{"properties": {"a": {"$ref": "https://example.com/schema.json"}}}')
        with pytest.raises(InvalidValue, match="cannot be checked"):
            schema.decode(b'{"a": 1}')

    def test_the_draft_is_that_of_the_schema(self) -> None:
        schema = JsonSchema(
            '{"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "null"}]}'
        )
        with pytest.raises(InvalidValue):
            schema.decode(b"[1]")


PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message B { message C {} message A { message D { int64 big_number = 1; } } google.protobuf.Timestamp at = 1; }
message Other { bytes data = 1; }
"""


class TestProtobuf:
    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("grpc_tools.protoc")

    @pytest.mark.parametrize(
        ("message", "confluent", "glue"),
        [
            ("B", b"\0", 0),
            ("B.A", b"\4\0\2", 1),
            ("shop.B.A.D", b"\6\0\2\0", 2),
            ("B.C", b"\4\0\0", 3),
            ("Other", b"\2\2", 4),
        ],
    )
    def test_places_of_message_types(self, message: str, confluent: bytes, glue: int) -> None:
        """The numbers of Glue are those of the example in its serializer."""
        for places, expected in ((ConfluentPlaces(), confluent), (GluePlaces(), bytes((glue,)))):
            schema = ProtobufSchema(PROTO, places)
            assert schema.encode({}, message) == expected
            assert schema.decode(expected) == b"{}"

    def test_many_message_types(self) -> None:
        definition = 'syntax = "proto3";' + "".join(f"message M{number:03} {{}}" for number in range(200))
        for places in (ConfluentPlaces(), GluePlaces()):
            schema = ProtobufSchema(definition, places)
            assert schema.decode(schema.encode({}, "M199") + b"") == b"{}"

    def test_values(self) -> None:
        schema = ProtobufSchema(PROTO, ConfluentPlaces())
        assert schema.decode(schema.encode({"at": "2026-01-01T00:00:00Z"}, None)) == b'{"at":"2026-01-01T00:00:00Z"}'
        assert schema.decode(schema.encode({"data": "AAE="}, "Other")) == b'{"data":"AAE="}'

    def test_a_message_of_a_generated_class(self) -> None:
        timestamps = pytest.importorskip("google.protobuf.timestamp_pb2")
        definition = 'syntax = "proto3"; package google.protobuf; message Timestamp2 { int64 seconds = 1; }'
        schema = ProtobufSchema(definition, ConfluentPlaces())
        with pytest.raises(InvalidValue, match=r"no message 'google\.protobuf\.Timestamp'; it has google"):
            schema.encode(timestamps.Timestamp(seconds=5), None)
        encoded = schema.encode(timestamps.Timestamp(seconds=5), "Timestamp2")
        assert schema.decode(encoded) == b'{"seconds":"5"}'

    @pytest.mark.parametrize(
        ("definition", "text"),
        [
            ("message", "protoc refuses the definition"),
            ('syntax = "proto3"; import "other.proto"; message A {}', "protoc refuses the definition"),
            ('syntax = "proto3";', "has no message"),
        ],
    )
    def test_definitions_that_are_not_valid(
        self, definition: str, text: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(InvalidSchema, match=text):
            ProtobufSchema(definition, ConfluentPlaces())

    @pytest.mark.parametrize("value", [{"nothing": 1}, {"at": "yesterday"}, "text"])
    def test_values_that_do_not_fit(self, value: Any) -> None:
        with pytest.raises(InvalidValue, match="does not fit the Protobuf schema"):
            ProtobufSchema(PROTO, ConfluentPlaces()).encode(value, None)

    @pytest.mark.parametrize("payload", [b"", b"\2\x0a", b"\4\0\x10", b"\0\x0f", b"\x80"])
    def test_bytes_that_do_not_fit(self, payload: bytes) -> None:
        with pytest.raises(InvalidValue, match="do not fit the Protobuf schema"):
            ProtobufSchema(PROTO, ConfluentPlaces()).decode(payload)

    def test_a_required_field_of_proto2(self) -> None:
        schema = ProtobufSchema('syntax = "proto2"; message A { required string id = 1; }', ConfluentPlaces())
        with pytest.raises(InvalidValue, match="a required field is missing"):
            schema.decode(b"\0")
        with pytest.raises(InvalidValue, match="does not fit"):
            schema.encode({}, None)
