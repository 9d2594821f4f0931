"""Kafka mappings with a schema registry: what they deliver, and what happens to records that are not valid.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.conformance import Facts
from helpers.kafka import ARN, subscribe
from helpers.kafka_registry import AVRO, GLUE, JSON_SCHEMA, PROTOBUF, URL, content, records, validating
from helpers.streams import Destination
from pytest_lambda_esm import FakeLambda, KafkaCluster, SchemaRegistry

FACTS = Facts("Kafka: schema registries")

needs_avro = pytest.mark.usefixtures("avro")
needs_json = pytest.mark.usefixtures("json_schema")
needs_protobuf = pytest.mark.usefixtures("protobuf")


@pytest.fixture
def avro() -> None:
    pytest.importorskip("fastavro")


@pytest.fixture
def json_schema() -> None:
    pytest.importorskip("jsonschema")


@pytest.fixture
def protobuf() -> None:
    pytest.importorskip("grpc_tools.protoc")


@pytest.fixture
def cluster(fake: FakeLambda) -> KafkaCluster:
    cluster = fake.kafka(ARN)
    cluster.create_topic("orders")
    return cluster


@pytest.fixture
def registry(cluster: KafkaCluster) -> SchemaRegistry:
    return cluster.schema_registry(URL)


def accept(event: dict[str, Any], context: object) -> None:
    pass


def delivered(fake: FakeLambda, cluster: KafkaCluster, value: bytes | None, **params: Any) -> dict[str, Any]:
    """Produce a value, and return the record that the function gets."""
    cluster.produce("orders", value)
    subscribe(fake, cluster, accept, **params)
    fake.clock.run_until_idle()
    (record,) = records(fake)
    return record


# --- what is delivered ---------------------------------------------------------------------------------------


@FACTS("b5-registry-json", "documented", "With EventRecordFormat JSON, a validated attribute is JSON in base64.")
@needs_avro
def test_json_documented(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.register("orders-value", AVRO)
    record = delivered(fake, cluster, registry.encode("orders-value", {"id": "a"}), **validating())
    assert json.loads(content(record)) == {"id": "a", "amount": None}


@FACTS("b5-registry-source", "documented", "With SOURCE, it is as it was, without the id of the schema.")
@needs_avro
def test_source_documented(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.register("orders-value", AVRO)
    framed = registry.encode("orders-value", {"id": "a"})
    assert content(delivered(fake, cluster, framed, **validating(record_format="SOURCE"))) == framed[5:]


@FACTS("b5-registry-metadata", "documented", "A validated attribute has metadata: data format and id of the schema.")
@needs_avro
def test_metadata_documented(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.register("orders-value", AVRO)
    framed = registry.encode("orders-value", {"id": "a"})
    record = delivered(fake, cluster, framed, **validating(record_format="SOURCE"))
    assert record["valueSchemaMetadata"] == {"dataFormat": "AVRO", "schemaId": "1"}
    assert "keySchemaMetadata" not in record


@FACTS(
    "b5-registry-glue-id",
    "documented",
    "The id is that of the schema's version with Glue, where a record names it behind the bytes 3 and 0, or 3 and 5.",
)
@needs_json
def test_glue_documented(fake: FakeLambda, cluster: KafkaCluster) -> None:
    fake.client("glue").create_registry(RegistryName="shop")
    registry = cluster.schema_registry(GLUE)
    version_id = registry.register("order", JSON_SCHEMA, "JSON")
    framed = registry.encode("order", {"id": "a"})
    assert framed == b"\3\0" + bytes.fromhex(str(version_id).replace("-", "")) + b'{"id":"a"}'
    record = delivered(fake, cluster, framed, **validating(uri=GLUE))
    assert record["valueSchemaMetadata"] == {"dataFormat": "JSON", "schemaId": version_id}


@FACTS(
    "b5-registry-place",
    "reported",
    "A Protobuf message of EventRecordFormat SOURCE still has the place of its type in front: the consumers of"
    " Powertools for AWS Lambda remove it.",
)
@needs_protobuf
def test_place_reported(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.register("orders-value", PROTOBUF, "PROTOBUF")
    framed = registry.encode("orders-value", {"id": "a"})
    record = delivered(fake, cluster, framed, **validating(record_format="SOURCE"))
    assert content(record) == framed[5:] == b"\0\x0a\1a"


@FACTS(
    "b5-registry-data-format",
    "chosen",
    "With EventRecordFormat JSON, the data format is JSON; Powertools for AWS Lambda refuses JSON of another one.",
)
@needs_avro
def test_data_format_chosen(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.register("orders-value", AVRO)
    record = delivered(fake, cluster, registry.encode("orders-value", {"id": "a"}), **validating())
    assert record["valueSchemaMetadata"]["dataFormat"] == "JSON"


@FACTS("b5-registry-protobuf-json", "chosen", "The JSON of a Protobuf message is Protobuf's own mapping to JSON.")
@needs_protobuf
def test_protobuf_json_chosen(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.register("orders-value", PROTOBUF, "PROTOBUF")
    framed = registry.encode("orders-value", {"big_number": 2**40}, message="Order.Line")
    assert json.loads(content(delivered(fake, cluster, framed, **validating()))) == {"bigNumber": str(2**40)}


@FACTS(
    "b5-registry-avro-json",
    "chosen",
    "The JSON of an Avro value has the underlying types: numbers for times, ISO-8859-1 for bytes, and plain unions.",
)
@needs_avro
def test_avro_json_chosen(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    fields = [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "data", "type": "bytes"},
        {"name": "rate", "type": ["null", "double"]},
    ]
    registry.register("orders-value", {"type": "record", "name": "Order", "fields": fields})
    value = {"at": 1_700_000_000_000, "data": b"\xe4", "rate": float("inf")}
    record = delivered(fake, cluster, registry.encode("orders-value", value), **validating())
    assert json.loads(content(record)) == {"at": 1_700_000_000_000, "data": "ä", "rate": "Infinity"}


@FACTS("b5-registry-none", "chosen", "A record without the attribute that is validated is valid.")
def test_no_value_chosen(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    record = delivered(fake, cluster, None, **validating())
    assert not {"value", "valueSchemaMetadata"} & set(record)


@FACTS("c5-registry-filter", "documented", "Filters see the JSON of a value, also with EventRecordFormat SOURCE.")
@needs_avro
@pytest.mark.parametrize("record_format", ["JSON", "SOURCE"], ids=lambda given: f"{given}-documented")
def test_filters_documented(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry, record_format: str
) -> None:
    registry.register("orders-value", AVRO)
    cluster.produce("orders", registry.encode("orders-value", {"id": "other"}))
    filters = {"Filters": [{"Pattern": json.dumps({"value": {"id": ["mine"]}})}]}
    framed = registry.encode("orders-value", {"id": "mine"})
    record = delivered(fake, cluster, framed, FilterCriteria=filters, **validating(record_format=record_format))
    assert record["offset"] == 1


# --- what is not valid ---------------------------------------------------------------------------------------


@FACTS("c5-registry-unknown", "documented", "A record of an unknown schema goes to the destination: SCHEMA_NOT_FOUND.")
@FACTS("c5-registry-unreadable", "documented", "A record that cannot be read goes there, too: DESERIALIZATION_ERROR.")
@FACTS("c5-registry-no-header", "chosen", "A record without the header of its registry is a DESERIALIZATION_ERROR.")
@needs_json
@pytest.mark.parametrize(
    ("value", "condition"),
    [
        (b"\0\0\0\0\7{}", "SCHEMA_NOT_FOUND"),
        (b"\0\0\0\0\1{}", "DESERIALIZATION_ERROR"),
        (b'{"id": "a"}', "DESERIALIZATION_ERROR"),
    ],
    ids=["unknown-documented", "unreadable-documented", "no-header-chosen"],
)
def test_destination(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry, value: bytes, condition: str
) -> None:
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    destination = Destination(fake)
    cluster.produce("orders", value)
    subscribe(fake, cluster, accept, DestinationConfig=destination.config, **validating())
    fake.clock.run_until_idle()
    assert not fake.invocations
    (record,) = destination.records()
    assert record["requestContext"]["condition"] == condition
    assert record["responseContext"] is None


@FACTS("c5-registry-dropped", "documented", "Without a destination, a record that is not valid is dropped.")
def test_dropped_documented(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    cluster.produce("orders", b"bad")
    uuid = subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    assert not fake.invocations
    assert cluster.committed(uuid) == {"orders-0": 1}


@FACTS("s214-registry-errors", "documented", "SchemaRegistryErrorCount counts errors of the schema registry.")
def test_metric_documented(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    cluster.produce("orders", b"bad")
    uuid = subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    assert fake.mapping(uuid).metrics["SchemaRegistryErrorCount"] == 1


@FACTS("a4-registry-missing", "chosen", "A mapping shows that its registry is missing (the text is ours).")
def test_missing_chosen(fake: FakeLambda, cluster: KafkaCluster) -> None:
    uuid = subscribe(fake, cluster, accept, **validating())
    answer = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    assert (answer["StateTransitionReason"], answer["LastProcessingResult"]) == (
        "ESM_CONFIG_NOT_VALID",
        "PROBLEM: Schema registry not found",
    )
