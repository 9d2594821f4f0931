"""The recipes of the how-to page on Kafka. Each is a test, and the project runs them."""

# [setup]
import base64
import json
import sys
from typing import Any

import boto3
import pytest

from pytest_lambda_esm import ConfigurationError


def value_of(record):
    return json.loads(base64.b64decode(record["value"]))


def records_of(event):
    return [record for records in event["records"].values() for record in records]


class Ledger:
    """The function under test books orders; it cannot book one without an amount."""

    def __init__(self):
        self.booked = []

    def handler(self, event, context):
        for record in records_of(event):
            self.booked.append(value_of(record)["amount"])


# [/setup]


# [first]
def test_an_order_is_booked(lambda_esm):
    cluster = lambda_esm.kafka("shop")  # A cluster of Amazon MSK; its ARN or bootstrap servers work, too.
    cluster.create_topic("orders", partitions=3)
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    mapping = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn, FunctionName="ledger", Topics=["orders"], StartingPosition="TRIM_HORIZON"
    )

    made = cluster.produce("orders", {"amount": 12}, key="customer-7", headers={"trace": "abc"})
    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [12]
    assert cluster.committed(mapping["UUID"]) == {f"orders-{made.partition}": 1}


# [/first]


# [producer]
class Shop:
    """Code under test that takes a producer, as ``confluent_kafka.Producer`` is one."""

    def __init__(self, producer):
        self.producer = producer
        self.acknowledged = []

    def order(self, customer, amount):
        value = json.dumps({"amount": amount})
        self.producer.produce("orders", value, key=customer, on_delivery=self.on_delivery)
        self.producer.flush()

    def on_delivery(self, error, message):
        self.acknowledged.append((error, message.topic(), message.offset()))


def test_the_shop_produces_an_order(lambda_esm):
    cluster = lambda_esm.kafka(["kafka-1:9092", "kafka-2:9092"])
    cluster.create_topic("orders")
    shop = Shop(cluster.producer())

    shop.order("customer-7", 12)

    assert shop.acknowledged == [(None, "orders", 0)]
    (record,) = cluster.records("orders")
    assert (record.key, record.json()) == (b"customer-7", {"amount": 12})


# [/producer]


# In the reader's project this is a module that says "from confluent_kafka import Producer".
module = sys.modules[__name__]
Producer: Any = None


# [patch]
def make_shop():
    return Shop(Producer({"bootstrap.servers": "kafka:9092"}))


def test_a_shop_that_makes_its_own_producer(lambda_esm, monkeypatch):
    cluster = lambda_esm.kafka("kafka:9092")
    cluster.create_topic("orders")
    clusters = lambda config: lambda_esm.kafka(config["bootstrap.servers"]).producer()  # noqa: E731
    monkeypatch.setattr(module, "Producer", clusters)

    make_shop().order("customer-7", 12)

    assert len(cluster.records("orders")) == 1


# [/patch]


# [poison]
def test_a_broken_order_is_set_aside(lambda_esm):
    cluster = lambda_esm.kafka("shop")
    cluster.create_topic("orders")
    cluster.create_topic("broken-orders")
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    mapping = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn,
        FunctionName="ledger",
        Topics=["orders"],
        StartingPosition="TRIM_HORIZON",
        ProvisionedPollerConfig={"MinimumPollers": 1},  # The other settings need provisioned pollers.
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": "kafka://broken-orders"}},
    )
    for order in ({"amount": 1}, {"amuont": 2}, {"amount": 3}):
        cluster.produce("orders", order)

    lambda_esm.clock.run_until_idle()

    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["done", "sent to a destination", "done"]
    (failure,) = cluster.records("broken-orders")
    (record,) = records_of(failure.json()["payload"])
    assert value_of(record) == {"amuont": 2}


# [/poison]


# [partial]
def test_only_what_failed_comes_again(lambda_esm):
    cluster = lambda_esm.kafka("shop")
    cluster.create_topic("orders")
    attempts = []

    def handler(event, context):
        attempts.append([record["offset"] for record in records_of(event)])
        if len(attempts) == 1:
            return {"batchItemFailures": [{"itemIdentifier": {"partition": "orders-0", "offset": 1}}]}

    lambda_esm.function("ledger", handler)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn,
        FunctionName="ledger",
        Topics=["orders"],
        StartingPosition="TRIM_HORIZON",
        ProvisionedPollerConfig={"MinimumPollers": 1},
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for amount in (1, 2, 3):
        cluster.produce("orders", {"amount": amount})

    lambda_esm.clock.run_until_idle()

    assert attempts == [[0, 1, 2], [1, 2]]


# [/partial]


# [group]
def test_another_consumer_of_the_group_takes_its_share(lambda_esm):
    cluster = lambda_esm.kafka("shop")
    cluster.create_topic("orders", partitions=2)
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn,
        FunctionName="ledger",
        Topics=["orders"],
        StartingPosition="TRIM_HORIZON",
        AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": "booking"},
    )
    lambda_esm.clock.run_until_idle()

    service = cluster.join("booking")  # Somebody forgot to stop the service that the function replaces.
    for partition in (0, 1):
        cluster.produce("orders", {"amount": partition}, partition=partition)
    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [0]
    assert [record.json() for record in service.poll()] == [{"amount": 1}]


# [/group]


@pytest.fixture
def queue_mode():
    model = boto3.client("lambda", region_name="us-east-1").meta.service_model
    if "ConsumptionMode" not in model.shape_for("SelfManagedKafkaEventSourceConfig").members:
        pytest.skip("the installed botocore has no queue mode")


@pytest.mark.usefixtures("queue_mode")
# [queue]
def test_a_broken_order_does_not_hold_up_the_others(lambda_esm):
    cluster = lambda_esm.kafka("kafka:9092")  # Queue mode is for self-managed clusters.
    cluster.create_topic("orders")
    cluster.configure_share_group("booking", delivery_limit=2, from_start=True)
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    for order in ({"amuont": 1}, {"amount": 2}):
        cluster.produce("orders", order)
    mapping = boto3.client("lambda").create_event_source_mapping(
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:9092"]}},
        SourceAccessConfigurations=[
            {"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:k"}
        ],
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": "booking", "ConsumptionMode": "Queue"},
        FunctionName="ledger",
        Topics=["orders"],
        BatchSize=1,
    )

    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [2]
    fates = {fate.record: fate.fate for fate in lambda_esm.fates(lambda_esm.mapping(mapping["UUID"]))}
    assert fates == {"orders-0:0": "discarded", "orders-0:1": "done"}


# [/queue]


# [trouble]
def test_the_mapping_shows_why_it_does_not_poll(lambda_esm):
    cluster = lambda_esm.kafka("shop")
    client = boto3.client("lambda")
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    uuid = client.create_event_source_mapping(
        EventSourceArn=cluster.arn, FunctionName="ledger", Topics=["orders"], StartingPosition="LATEST"
    )["UUID"]
    lambda_esm.clock.run_until_idle()
    assert client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "PROBLEM: Topic not found"

    cluster.create_topic("orders")
    cluster.refuse("authentication")
    cluster.produce("orders", {"amount": 12})
    lambda_esm.clock.run_until_idle()
    assert client.get_event_source_mapping(UUID=uuid)["StateTransitionReason"] == "EVENT_SOURCE_AUTHN_ERROR"

    cluster.accept()
    lambda_esm.clock.run_until_idle()
    assert ledger.booked == [12]


# [/trouble]


def has_registries():
    from importlib.util import find_spec

    import botocore.session

    model = botocore.session.get_session().get_service_model("lambda")
    return find_spec("fastavro") is not None and "KafkaSchemaRegistryConfig" in model.shape_names


needs_registries = pytest.mark.skipif(not has_registries(), reason='needs the extra "kafka" and a newer botocore')


# [registry]
ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "amount", "type": "int"}, {"name": "currency", "type": "string", "default": "EUR"}],
}


def test_an_order_of_a_schema_registry_is_booked(lambda_esm):
    cluster = lambda_esm.kafka("shop")
    cluster.create_topic("orders")
    cluster.create_topic("broken-orders")
    registry = cluster.schema_registry("https://registry.example.com")
    registry.register("orders-value", ORDER, type="AVRO")
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn,
        FunctionName="ledger",
        Topics=["orders"],
        StartingPosition="TRIM_HORIZON",
        ProvisionedPollerConfig={"MinimumPollers": 1},  # Schema registries need provisioned pollers.
        MaximumRetryAttempts=3,
        DestinationConfig={"OnFailure": {"Destination": "kafka://broken-orders"}},
        AmazonManagedKafkaEventSourceConfig={
            "SchemaRegistryConfig": {
                "SchemaRegistryURI": registry.uri,
                "EventRecordFormat": "JSON",
                "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
            }
        },
    )

    cluster.produce("orders", registry.encode("orders-value", {"amount": 12}))
    cluster.produce("orders", {"amount": 13})  # No serializer of the registry has written this.
    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [12]
    (failure,) = cluster.records("broken-orders")
    assert failure.json()["requestContext"]["condition"] == "DESERIALIZATION_ERROR"


# [/registry]
needs_registries(test_an_order_of_a_schema_registry_is_booked)


# [glue]
def test_an_order_of_a_glue_registry_is_booked(lambda_esm):
    cluster = lambda_esm.kafka("shop")
    cluster.create_topic("orders")
    glue = boto3.client("glue")
    arn = glue.create_registry(RegistryName="shop")["RegistryArn"]
    glue.create_schema(
        RegistryId={"RegistryName": "shop"},
        SchemaName="order",
        DataFormat="AVRO",
        Compatibility="BACKWARD",
        SchemaDefinition=json.dumps(ORDER),
    )
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn,
        FunctionName="ledger",
        Topics=["orders"],
        StartingPosition="TRIM_HORIZON",
        ProvisionedPollerConfig={"MinimumPollers": 1},
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"value": {"currency": ["USD"]}})}]},
        AmazonManagedKafkaEventSourceConfig={
            "SchemaRegistryConfig": {
                "SchemaRegistryURI": arn,
                "EventRecordFormat": "JSON",
                "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
            }
        },
    )

    registry = cluster.schema_registry(arn)
    for order in ({"amount": 12}, {"amount": 13, "currency": "USD"}):
        cluster.produce("orders", registry.encode("order", order))
    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [13]


# [/glue]
needs_registries(test_an_order_of_a_glue_registry_is_booked)


# [misuse]
def test_a_misspelt_topic_is_an_error_of_the_test(lambda_esm):
    cluster = lambda_esm.kafka("shop")
    cluster.create_topic("orders")
    with pytest.raises(ConfigurationError, match="Did you mean 'orders'"):
        cluster.produce("ordres", {"amount": 12})


# [/misuse]
