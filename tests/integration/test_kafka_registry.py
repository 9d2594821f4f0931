"""Mappings of Kafka with a schema registry, as a user tests them: Confluent's and that of AWS Glue."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from helpers.conformance import needs_shape
from helpers.kafka import ACCESS, subscribe
from helpers.kafka_registry import AVRO, GLUE, JSON_SCHEMA, MSK_CONFIG, PROTOBUF, URL, content, records, validating
from helpers.streams import ACCOUNT, REGION, Destination
from pytest_lambda_esm import ConfigurationError, FakeLambda, KafkaCluster, NotActive, NotSimulated, SchemaRegistry

needs_avro = pytest.mark.skipif(find_spec("fastavro") is None, reason="needs fastavro")
needs_json = pytest.mark.skipif(find_spec("jsonschema") is None, reason="needs jsonschema")
needs_protobuf = pytest.mark.skipif(find_spec("grpc_tools") is None, reason="needs grpcio-tools")


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region=REGION, advice="off") as fake:
        yield fake


@pytest.fixture
def cluster(fake: FakeLambda) -> KafkaCluster:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    return cluster


@pytest.fixture
def registry(cluster: KafkaCluster) -> SchemaRegistry:
    return cluster.schema_registry(URL)


@pytest.fixture
def glue(fake: FakeLambda, cluster: KafkaCluster) -> SchemaRegistry:
    fake.client("glue").create_registry(RegistryName="shop")
    return cluster.schema_registry(GLUE)


def accept(event: dict[str, Any], context: object) -> None:
    pass


# --- what the function gets ----------------------------------------------------------------------------------


@needs_avro
def test_avro_as_json(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    schema_id = registry.register("orders-value", AVRO)
    cluster.produce("orders", registry.encode("orders-value", {"id": "a", "amount": 3}), key="k")
    subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    (record,) = records(fake)
    assert content(record) == b'{"id":"a","amount":3}'
    assert record["valueSchemaMetadata"] == {"dataFormat": "JSON", "schemaId": str(schema_id)}
    assert content(record, "key") == b"k"
    assert "keySchemaMetadata" not in record


@needs_avro
def test_avro_as_it_was_without_the_header(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    schema_id = registry.register("orders-value", json.dumps(AVRO))
    framed = registry.encode("orders-value", {"id": "a"})
    assert framed[:5] == b"\0" + int(schema_id).to_bytes(4, "big")
    cluster.produce("orders", framed)
    subscribe(fake, cluster, accept, **validating(record_format="SOURCE"))
    fake.clock.run_until_idle()
    (record,) = records(fake)
    assert content(record) == framed[5:]
    assert record["valueSchemaMetadata"] == {"dataFormat": "AVRO", "schemaId": str(schema_id)}


@needs_json
def test_key_and_value(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    ids = [registry.register(subject, JSON_SCHEMA, "JSON") for subject in ("orders-key", "orders-value")]
    assert ids[0] == ids[1]  # The same schema.
    key, value = registry.encode("orders-key", {"id": "k"}), registry.encode("orders-value", {"id": "v"})
    cluster.produce("orders", value, key=key)
    subscribe(fake, cluster, accept, **validating("KEY", "VALUE"))
    fake.clock.run_until_idle()
    (record,) = records(fake)
    assert (content(record, "key"), content(record)) == (b'{"id":"k"}', b'{"id":"v"}')
    assert record["keySchemaMetadata"] == record["valueSchemaMetadata"] == {"dataFormat": "JSON", "schemaId": "1"}


@needs_json
def test_a_self_managed_cluster(fake: FakeLambda) -> None:
    cluster = fake.kafka("kafka:9092")
    cluster.create_topic("orders")
    registry = cluster.schema_registry(URL)
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    cluster.produce("orders", registry.encode("orders-value", {"id": "a"}))
    params = validating()
    subscribe(fake, cluster, accept, SelfManagedKafkaEventSourceConfig=params.pop(MSK_CONFIG), **params)
    fake.clock.run_until_idle()
    assert content(records(fake)[0]) == b'{"id":"a"}'


@needs_json
def test_a_mapping_without_its_registry_gets_the_bytes(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry
) -> None:
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    framed = registry.encode("orders-value", {"id": "a"})
    uuid = subscribe(fake, cluster, accept, **validating())
    cluster.produce("orders", framed)
    fake.clock.run_until_idle()
    config = {MSK_CONFIG: {"SchemaRegistryConfig": {}}}
    fake.client("lambda").update_event_source_mapping(UUID=uuid, **config)
    fake.clock.advance(5)
    cluster.produce("orders", framed)
    fake.clock.run_until_idle()
    assert [content(record) for record in records(fake)] == [framed[5:], framed]


@needs_json
def test_no_key_and_no_value_are_valid(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    cluster.produce("orders", None)
    subscribe(fake, cluster, accept, **validating("KEY", "VALUE"))
    fake.clock.run_until_idle()
    (record,) = records(fake)
    assert not {"key", "value", "keySchemaMetadata", "valueSchemaMetadata"} & set(record)


@needs_protobuf
@pytest.mark.parametrize(
    ("message", "value", "place"),
    [
        (None, {"id": "a", "amount": 3}, b"\0"),
        ("Bill", {"id": "a"}, b"\2\2"),
        ("shop.Order.Line", {"bigNumber": "7"}, b"\4\0\0"),
    ],
)
def test_protobuf(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry, message: str | None, value: Any, place: bytes
) -> None:
    registry.register("orders-value", PROTOBUF, "PROTOBUF")
    framed = registry.encode("orders-value", value, message=message)
    assert framed[5:].startswith(place)
    cluster.produce("orders", framed)
    uuid = subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    assert json.loads(content(records(fake)[0])) == value
    config = validating(record_format="SOURCE")[MSK_CONFIG]
    fake.client("lambda").update_event_source_mapping(UUID=uuid, **{MSK_CONFIG: config})
    fake.clock.advance(5)
    cluster.produce("orders", framed)
    fake.clock.run_until_idle()
    record = records(fake)[1]
    assert content(record) == framed[5:]  # The place of the message's type stays.
    assert record["valueSchemaMetadata"] == {"dataFormat": "PROTOBUF", "schemaId": "1"}


# --- AWS Glue ------------------------------------------------------------------------------------------------


def create_schema(fake: FakeLambda, name: str, definition: str, data_format: str, registry: str = "shop") -> str:
    """Create a schema in Glue as code under test does, and return the id of its version."""
    made = fake.client("glue").create_schema(
        RegistryId={"RegistryName": registry},
        SchemaName=name,
        DataFormat=data_format,
        Compatibility="NONE",
        SchemaDefinition=definition,
    )
    return str(made["SchemaVersionId"])


@needs_avro
@pytest.mark.parametrize("compressed", [False, True])
def test_glue(fake: FakeLambda, cluster: KafkaCluster, glue: SchemaRegistry, compressed: bool) -> None:
    version_id = create_schema(fake, "order", json.dumps(AVRO), "AVRO")
    framed = glue.encode("order", {"id": "a"})
    assert framed[:2] == b"\3\0"
    if compressed:
        framed = b"\3\5" + framed[2:18] + zlib.compress(framed[18:])
    cluster.produce("orders", framed)
    subscribe(fake, cluster, accept, **validating(uri=GLUE))
    fake.clock.run_until_idle()
    (record,) = records(fake)
    assert content(record) == b'{"id":"a","amount":null}'
    assert record["valueSchemaMetadata"] == {"dataFormat": "JSON", "schemaId": version_id}


@needs_protobuf
def test_glue_numbers_the_messages_by_name(fake: FakeLambda, cluster: KafkaCluster, glue: SchemaRegistry) -> None:
    create_schema(fake, "order", PROTOBUF, "PROTOBUF")
    assert [glue.encode("order", {}, message=name)[18] for name in ("Bill", "Order", "Order.Line")] == [0, 1, 2]
    cluster.produce("orders", glue.encode("order", {"id": "a"}))
    subscribe(fake, cluster, accept, **validating(uri=GLUE))
    fake.clock.run_until_idle()
    assert content(records(fake)[0]) == b'{"id":"a"}'


def test_an_unknown_schema_of_glue(fake: FakeLambda, cluster: KafkaCluster, glue: SchemaRegistry) -> None:
    create_schema(fake, "order", json.dumps(AVRO), "AVRO")
    with pytest.raises(ConfigurationError, match="Did you mean 'order'"):
        glue.encode("ordr", {})


@needs_json
def test_a_test_can_register_in_glue(fake: FakeLambda, cluster: KafkaCluster, glue: SchemaRegistry) -> None:
    first = glue.register("order", JSON_SCHEMA, "JSON")
    assert glue.register("order", JSON_SCHEMA, "JSON") == first
    second = glue.register("order", {"type": "object"}, "JSON")
    for version_id, definition in ((first, JSON_SCHEMA), (second, {"type": "object"})):
        found = fake.client("glue").get_schema_version(SchemaVersionId=version_id)
        assert json.loads(found["SchemaDefinition"]) == definition


@needs_json
def test_a_schema_of_another_registry_is_not_found(
    fake: FakeLambda, cluster: KafkaCluster, glue: SchemaRegistry
) -> None:
    fake.client("glue").create_registry(RegistryName="other")
    create_schema(fake, "order", json.dumps(JSON_SCHEMA), "JSON", "other")
    framed = cluster.schema_registry(GLUE.replace("shop", "other")).encode("order", {"id": "a"})
    cluster.produce("orders", framed)
    uuid = subscribe(fake, cluster, accept, **validating(uri=GLUE))
    fake.clock.run_until_idle()
    assert records(fake) == []
    assert "SCHEMA_NOT_FOUND" in fake.fates(fake.mapping(uuid))[0].detail


# --- filters -------------------------------------------------------------------------------------------------


@needs_avro
@pytest.mark.parametrize("record_format", ["JSON", "SOURCE"])
def test_filters_see_json(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry, record_format: str
) -> None:
    registry.register("orders-value", AVRO)
    for amount in (1, 5, None):
        cluster.produce("orders", registry.encode("orders-value", {"id": "a", "amount": amount}))
    filters = {"Filters": [{"Pattern": json.dumps({"value": {"amount": [{"numeric": [">", 3]}]}})}]}
    uuid = subscribe(fake, cluster, accept, FilterCriteria=filters, **validating(record_format=record_format))
    fake.clock.run_until_idle()
    assert [record["offset"] for record in records(fake)] == [1]
    assert cluster.committed(uuid) == {"orders-0": 3}


# --- records that are not valid ------------------------------------------------------------------------------


@needs_json
def test_invalid_records_go_to_the_destination(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry
) -> None:
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    good = registry.encode("orders-value", {"id": "a"})
    for value in (good, b"\0\0\0\0\x09{}", b"\0\0\0\0\x01[]", b"{}", good):
        cluster.produce("orders", value)
    destination = Destination(fake)
    uuid = subscribe(fake, cluster, accept, DestinationConfig=destination.config, **validating())
    fake.clock.run_until_idle()
    assert [record["offset"] for record in records(fake)] == [0, 4]
    assert len(fake.invocations) == 1
    found = {
        record["KafkaBatchInfo"]["recordsInfo"]["orders-0"]["firstRecordOffset"]: record
        for record in destination.records()
    }
    assert {offset: record["requestContext"]["condition"] for offset, record in found.items()} == {
        "1": "SCHEMA_NOT_FOUND",
        "2": "DESERIALIZATION_ERROR",
        "3": "DESERIALIZATION_ERROR",
    }
    assert found["1"]["responseContext"] is None
    assert found["1"]["KafkaBatchInfo"]["batchSize"] == 1
    assert cluster.committed(uuid) == {"orders-0": 5}
    mapping = fake.mapping(uuid)
    assert mapping.metrics["SchemaRegistryErrorCount"] == 3
    assert mapping.metrics["OnFailureDestinationDeliveredEventCount"] == 3
    assert mapping.metrics["PolledEventCount"] == 5
    assert sorted(fate.fate for fate in fake.fates(mapping)) == ["done", "done", *["sent to a destination"] * 3]
    (unknown,) = (fate for fate in fake.fates(mapping) if fate.record == "orders-0:1")
    assert unknown.detail.endswith("(the value: the registry https://registry.example.com:8081 has no schema 9)")


def test_an_invalid_record_without_a_destination_is_lost(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry
) -> None:
    cluster.produce("orders", b"nothing of a registry")
    uuid = subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    assert records(fake) == []
    (fate,) = fake.fates(fake.mapping(uuid))
    assert fate.fate == "discarded"
    assert fake.mapping(uuid).metrics["DroppedEventCount"] == 1


def test_a_bucket_gets_the_record_as_it_was(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    s3 = fake.client("s3")
    s3.create_bucket(Bucket="failures")
    cluster.produce("orders", b"\0\0\0\0\x09abc")
    config = {"OnFailure": {"Destination": "arn:aws:s3:::failures"}}
    subscribe(fake, cluster, accept, DestinationConfig=config, **validating())
    fake.clock.run_until_idle()
    (key,) = [each["Key"] for each in s3.list_objects_v2(Bucket="failures")["Contents"]]
    payload = json.loads(s3.get_object(Bucket="failures", Key=key)["Body"].read())["payload"]
    event = json.loads(payload) if isinstance(payload, str) else payload
    (record,) = event["records"]["orders-0"]
    assert content(record) == b"\0\0\0\0\x09abc"
    assert "valueSchemaMetadata" not in record


def test_a_topic_gets_the_record_with_its_condition(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry
) -> None:
    cluster.create_topic("failures")
    cluster.produce("orders", b"\0\0\0\0\x09abc", key="k")
    config = {"OnFailure": {"Destination": "kafka://failures"}}
    subscribe(fake, cluster, accept, DestinationConfig=config, **validating())
    fake.clock.run_until_idle()
    (record,) = cluster.records("failures")
    assert record.json()["requestContext"]["condition"] == "SCHEMA_NOT_FOUND"
    assert record.key == b"k"


@needs_json
def test_a_schema_that_is_registered_later_is_found(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry
) -> None:
    subscribe(fake, cluster, accept, **validating())
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    cluster.produce("orders", registry.encode("orders-value", {"id": "a"}))
    fake.clock.run_until_idle()
    assert len(records(fake)) == 1


@needs_json
def test_a_failing_batch_keeps_an_invalid_record_behind_it(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry
) -> None:
    """A record is discarded once, when the offsets before it are committed."""
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    cluster.produce("orders", registry.encode("orders-value", {"id": "a"}))
    cluster.produce("orders", b"bad")
    destination = Destination(fake)
    attempts: list[int] = []

    def handler(event: dict[str, Any], context: object) -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("not yet")

    subscribe(fake, cluster, handler, DestinationConfig=destination.config, **validating())
    fake.clock.run_until_idle()
    assert len(attempts) == 3
    (record,) = destination.records()
    assert record["requestContext"]["condition"] == "DESERIALIZATION_ERROR"


# --- the state of the mapping --------------------------------------------------------------------------------


def state(fake: FakeLambda, uuid: str) -> tuple[str, str]:
    got = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    return got["StateTransitionReason"], got["LastProcessingResult"]


def test_a_missing_registry(fake: FakeLambda, cluster: KafkaCluster) -> None:
    cluster.produce("orders", b"bad")
    uuid = subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    assert state(fake, uuid) == ("ESM_CONFIG_NOT_VALID", "PROBLEM: Schema registry not found")
    assert "cluster.schema_registry(url)" in str(fake.explain(fake.mapping(uuid)))
    cluster.schema_registry(URL + "/")
    fake.clock.run_until_idle()
    assert state(fake, uuid) == ("USER_INITIATED", "OK")
    assert cluster.committed(uuid) == {"orders-0": 1}


def test_a_missing_registry_of_glue(fake: FakeLambda, cluster: KafkaCluster) -> None:
    uuid = subscribe(fake, cluster, accept, **validating(uri=GLUE))
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == "ESM_CONFIG_NOT_VALID"
    fake.client("glue").create_registry(RegistryName="shop")
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == "USER_INITIATED"
    fake.client("glue").delete_registry(RegistryId={"RegistryName": "shop"})
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == "ESM_CONFIG_NOT_VALID"


def test_a_secret_that_is_there_again(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.require("BASIC_AUTH")
    secrets = fake.client("secretsmanager")
    secret = secrets.create_secret(Name="login", SecretString="{}")["ARN"]
    secrets.delete_secret(SecretId=secret)
    uuid = subscribe(fake, cluster, accept, **validating(AccessConfigs=[{"Type": "BASIC_AUTH", "URI": secret}]))
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == "EVENT_SOURCE_AUTHN_ERROR"
    secrets.restore_secret(SecretId=secret)
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == "USER_INITIATED"


def test_missing_credentials(fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry) -> None:
    registry.require("BASIC_AUTH")
    uuid = subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    expected = ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Schema registry credentials not found")
    assert state(fake, uuid) == expected
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:login"
    config = validating(AccessConfigs=[{"Type": "BASIC_AUTH", "URI": secret}])[MSK_CONFIG]
    client = fake.client("lambda")
    client.update_event_source_mapping(UUID=uuid, **{MSK_CONFIG: config})
    fake.clock.run_until_idle()
    assert state(fake, uuid) == expected  # There is no such secret.
    made = fake.client("secretsmanager").create_secret(Name="login", SecretString="{}")
    config["SchemaRegistryConfig"]["AccessConfigs"][0]["URI"] = made["ARN"]
    client.update_event_source_mapping(UUID=uuid, **{MSK_CONFIG: config})
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == "USER_INITIATED"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("authentication", "EVENT_SOURCE_AUTHN_ERROR"),
        ("authorization", "EVENT_SOURCE_AUTHZ_ERROR"),
        ("connection", "ESM_CONFIG_NOT_VALID"),
    ],
)
def test_a_registry_that_refuses(
    fake: FakeLambda, cluster: KafkaCluster, registry: SchemaRegistry, reason: str, code: str
) -> None:
    registry.refuse(reason)
    uuid = subscribe(fake, cluster, accept, **validating())
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == code
    registry.accept()
    fake.clock.run_until_idle()
    assert state(fake, uuid)[0] == "USER_INITIATED"


# --- misuse --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("registry.example.com", "a registry is given by its URL"),
        ("arn:aws:sqs:us-east-1:123456789012:q", "a registry is given by its URL"),
        (7, "a registry is given by its URL"),
        (GLUE, r"create it with glue\.create_registry"),
    ],
)
def test_other_things_than_registries_are_refused(cluster: KafkaCluster, uri: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        cluster.schema_registry(uri)


def test_a_registry_is_the_same_for_all_clusters(fake: FakeLambda, registry: SchemaRegistry) -> None:
    assert fake.kafka("kafka:9092").schema_registry(URL + "/") is registry
    assert registry.uri == URL


def test_unknown_reasons_and_types_of_access(registry: SchemaRegistry) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'authorization'"):
        registry.refuse("authorisation")
    with pytest.raises(ConfigurationError, match="AccessConfigs have no type 'BASIC'"):
        registry.require("BASIC")


def test_a_closed_fake_refuses_to_register() -> None:
    with FakeLambda(region=REGION) as fake:
        registry = fake.kafka("main").schema_registry(URL)
    with pytest.raises(NotActive):
        registry.register("orders-value", AVRO)


# --- without the libraries -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_format", "module"), [("AVRO", "fastavro"), ("JSON", "jsonschema"), ("PROTOBUF", "google.protobuf")]
)
def test_without_the_extra(
    registry: SchemaRegistry, monkeypatch: pytest.MonkeyPatch, data_format: str, module: str
) -> None:
    for name in [name for name in sys.modules if name.startswith(module)] + [module, f"{module}.json_format"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NotSimulated, match=r'pip install "pytest-lambda-esm\[kafka\]"'):
        registry.register("orders-value", "{}", data_format)


def test_a_poller_without_the_extra(
    fake: FakeLambda, cluster: KafkaCluster, glue: SchemaRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    version_id = create_schema(fake, "order", json.dumps(AVRO), "AVRO")
    monkeypatch.setitem(sys.modules, "fastavro", None)
    uuid = subscribe(fake, cluster, accept, **validating(uri=GLUE))
    cluster.produce("orders", b"\3\0" + bytes.fromhex(version_id.replace("-", "")) + b"\2a\0")
    with pytest.raises(NotSimulated, match=r"pytest-lambda-esm\[kafka\]"):
        fake.clock.run_until_idle()
    assert records(fake) == []
    assert cluster.committed(uuid) == {}


# --- real libraries ------------------------------------------------------------------------------------------

CONSUME = """
import json, sys
from aws_lambda_powertools.utilities.kafka import SchemaConfig, kafka_consumer
event, data_format, schema = json.load(sys.stdin)
if data_format == "PROTOBUF":
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
    message = file.message_type.add(name="Order")
    message.field.add(name="id", number=1, type=9, label=1)
    message.field.add(name="amount", number=2, type=5, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    schema = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))

@kafka_consumer(schema_config=SchemaConfig(value_schema_type=data_format, value_schema=schema))
def handler(event, context):
    return [record.value for record in event.records]

print(json.dumps(handler(event, None)))
"""
"""Read an event with the consumer of Powertools; in another process, since a later freeze_time imports all of it."""


@pytest.mark.parametrize("uri", [URL, GLUE], ids=["confluent", "glue"])
@pytest.mark.parametrize(
    ("data_format", "definition", "record_format", "consumed_as", "needed"),
    [
        ("AVRO", json.dumps(AVRO), "SOURCE", "AVRO", ("fastavro", "avro")),
        ("AVRO", json.dumps(AVRO), "JSON", "JSON", ("fastavro",)),
        ("PROTOBUF", PROTOBUF, "SOURCE", "PROTOBUF", ("grpc_tools",)),
        ("PROTOBUF", PROTOBUF, "JSON", "JSON", ("grpc_tools",)),
        ("JSON", json.dumps(JSON_SCHEMA), "SOURCE", "JSON", ("jsonschema",)),
        ("JSON", json.dumps(JSON_SCHEMA), "JSON", "JSON", ("jsonschema",)),
    ],
    ids=["avro", "avro-as-json", "protobuf", "protobuf-as-json", "json", "json-as-json"],
)
def test_the_consumer_of_powertools_reads_the_events(
    fake: FakeLambda,
    cluster: KafkaCluster,
    uri: str,
    data_format: str,
    definition: str,
    record_format: str,
    consumed_as: str,
    needed: tuple[str, ...],
) -> None:
    for module in ("aws_lambda_powertools.utilities.kafka", *needed):
        if find_spec(module.partition(".")[0]) is None or find_spec(module) is None:
            pytest.skip(f"needs {module}")
    fake.client("glue").create_registry(RegistryName="shop")
    registry = cluster.schema_registry(uri)
    registry.register("order", definition, data_format)
    for value in ({"id": "a", "amount": 3}, {"id": "b", "amount": 4}):
        cluster.produce("orders", registry.encode("order", value))
    subscribe(fake, cluster, accept, **validating(uri=uri, record_format=record_format))
    fake.clock.run_until_idle()
    (invocation,) = fake.invocations
    schema = definition if consumed_as == "AVRO" else None
    given = json.dumps([invocation.event, consumed_as, schema])
    done = subprocess.run([sys.executable, "-c", CONSUME], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"id": "a", "amount": 3}, {"id": "b", "amount": 4}]


# --- queue mode ----------------------------------------------------------------------------------------------


@needs_json
def test_queue_mode(fake: FakeLambda) -> None:
    cluster = fake.kafka("kafka:9092")
    cluster.create_topic("orders")
    registry = cluster.schema_registry(URL)
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    params = validating()
    config = {**params.pop(MSK_CONFIG), "ConsumptionMode": "Queue"}
    needs_shape("SelfManagedKafkaEventSourceConfig", "ConsumptionMode")
    destination = Destination(fake)
    fake.function("consumer", accept)
    created = fake.client("lambda").create_event_source_mapping(
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:9092"]}},
        SourceAccessConfigurations=ACCESS,
        FunctionName="consumer",
        Topics=["orders"],
        SelfManagedKafkaEventSourceConfig=config,
        DestinationConfig=destination.config,
        MaximumRetryAttempts=0,
        **params,
    )
    fake.clock.advance(5)
    for value in (registry.encode("orders-value", {"id": "a"}), b"bad", registry.encode("orders-value", {"id": "b"})):
        cluster.produce("orders", value)
    fake.clock.run_until_idle()
    assert [content(record) for record in records(fake)] == [b'{"id":"a"}', b'{"id":"b"}']
    (record,) = destination.records()
    assert record["requestContext"]["condition"] == "DESERIALIZATION_ERROR"
    fates = sorted(fate.fate for fate in fake.fates(fake.mapping(created["UUID"])))
    assert fates == ["done", "done", "sent to a destination"]
