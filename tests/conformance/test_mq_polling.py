"""How mappings of Amazon MQ poll and retry, what becomes of messages, and the events that they send.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import Any

import pytest

from helpers.conformance import Facts
from helpers.mq import ACCESS, ARN, SECRET, bodies_of, make_login, records_of, subscribe
from pytest_lambda_esm import FakeLambda, MqBroker

START = 1_767_225_600_000


FACTS = Facts("Amazon MQ: events and polling")


class Handler:
    """A handler that keeps each event, and fails while a record's body is bad."""

    def __init__(self, *bad: str) -> None:
        self.bad = set(bad)
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any], context: object) -> None:
        self.events.append(event)
        if self.bad & set(bodies_of(event)):
            raise ValueError("bad")

    @property
    def batches(self) -> list[list[str]]:
        return [bodies_of(event) for event in self.events]

    @property
    def redelivered(self) -> list[list[bool]]:
        return [[record["redelivered"] for record in records_of(event)] for event in self.events]


@pytest.fixture
def activemq(fake: FakeLambda) -> MqBroker:
    return fake.mq(ARN)


@pytest.fixture
def rabbitmq(fake: FakeLambda) -> MqBroker:
    broker = fake.mq(ARN, engine="RabbitMQ")
    broker.queue("orders")
    return broker


def send(broker: MqBroker, *bodies: str, **properties: Any) -> list[str]:
    return [broker.queue("orders").send(body, **properties) for body in bodies]


def state_of(fake: FakeLambda, uuid: str) -> tuple[str, str, str]:
    read = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    return read["State"], read["StateTransitionReason"], read["LastProcessingResult"]


# --- events --------------------------------------------------------------------------------------------------


@FACTS("b6-activemq-event", "documented", "An event of ActiveMQ has a list of messages, texts and bytes alike.")
def test_activemq_event_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    queue = activemq.queue("orders")
    headers = {"delivery_mode": 1, "expiration": 60000, "priority": 1, "correlation_id": "myJMSCoID"}
    ids = [
        queue.send("ABC:AAAA", **headers, index="1", doAlarm=False, myCustomProperty="value"),
        queue.send(base64.b64decode("LQaGQ82S48k="), **{**headers, "priority": 2}, index=1),
    ]
    subscribe(fake, activemq, handler, MaximumBatchingWindowInSeconds=0)
    fake.clock.run_until_idle()
    common = {"timestamp": START, "brokerInTime": START, "brokerOutTime": START + 5000}
    expected = {
        "eventSource": "aws:mq",
        "eventSourceArn": ARN,
        "messages": [
            {
                "messageID": ids[0],
                "messageType": "jms/text-message",
                "deliveryMode": 1,
                "replyTo": None,
                "type": None,
                "expiration": "60000",
                "priority": 1,
                "correlationId": "myJMSCoID",
                "redelivered": False,
                "destination": {"physicalName": "orders"},
                "data": "QUJDOkFBQUE=",
                **common,
                "properties": {"index": "1", "doAlarm": "false", "myCustomProperty": "value"},
            },
            {
                "messageID": ids[1],
                "messageType": "jms/bytes-message",
                "deliveryMode": 1,
                "replyTo": None,
                "type": None,
                "expiration": "60000",
                "priority": 2,
                "correlationId": "myJMSCoID",
                "redelivered": False,
                "destination": {"physicalName": "orders"},
                "data": "LQaGQ82S48k=",
                **common,
                "properties": {"index": "1"},
            },
        ],
    }
    assert json.dumps(handler.events[0]) == json.dumps(expected)
    assert ids[0] == f"ID:b-0123-4567-1.mq.us-east-1.amazonaws.com-37557-{START}-4:1:1:1:1"


@FACTS("b6-activemq-defaults", "chosen", "A message of ActiveMQ that states nothing has the defaults of JMS.")
def test_activemq_defaults_chosen(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    send(activemq, "1", reply_to="answers", type="order")
    subscribe(fake, activemq, handler)
    fake.clock.run_until_idle()
    (record,) = handler.events[0]["messages"]
    members = ("deliveryMode", "replyTo", "type", "expiration", "priority", "correlationId", "properties")
    assert [record[name] for name in members] == [2, "answers", "order", "0", 4, None, {}]


@FACTS("b6-rabbitmq-event", "documented", "An event of RabbitMQ has the messages by queue and virtual host.")
def test_rabbitmq_event_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    body = '{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}'
    rabbitmq.queue("pizzaQueue").send(
        body,
        content_type="text/plain",
        headers={"header1": "value1", "header2": b"value2", "numberInHeader": 10},
        delivery_mode=1,
        priority=34,
        expiration="60000",
        timestamp=2021,
        user_id="AIDACKCEVSQ6C2EXAMPLE",
    )
    subscribe(fake, rabbitmq, handler, Queues=["pizzaQueue"])
    fake.clock.run_until_idle()
    expected = {
        "eventSource": "aws:rmq",
        "eventSourceArn": ARN,
        "rmqMessagesByQueue": {
            "pizzaQueue::/": [
                {
                    "basicProperties": {
                        "contentType": "text/plain",
                        "contentEncoding": None,
                        "headers": {
                            "header1": {"bytes": [118, 97, 108, 117, 101, 49]},
                            "header2": {"bytes": [118, 97, 108, 117, 101, 50]},
                            "numberInHeader": 10,
                        },
                        "deliveryMode": 1,
                        "priority": 34,
                        "correlationId": None,
                        "replyTo": None,
                        "expiration": "60000",
                        "messageId": None,
                        "timestamp": "Jan 1, 1970, 12:33:41 AM",
                        "type": None,
                        "userId": "AIDACKCEVSQ6C2EXAMPLE",
                        "appId": None,
                        "clusterId": None,
                        "bodySize": len(body),
                    },
                    "redelivered": False,
                    "data": "eyJ0aW1lb3V0IjowLCJkYXRhIjoiQ1pybWYwR3c4T3Y0YnFMUXhENEUifQ==",
                }
            ]
        },
    }
    assert json.dumps(handler.events[0]) == json.dumps(expected)


@FACTS("b6-headers", "chosen", "Headers of other types: signed bytes, as Kafka's; nested tables and lists likewise.")
def test_header_types_chosen(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    headers = {"b": b"\x7f\x80\xff", "t": True, "n": None, "f": 1.5, "table": {"x": "y"}, "list": ["a", 1]}
    send(rabbitmq, "1", headers=headers)
    subscribe(fake, rabbitmq, handler)
    fake.clock.run_until_idle()
    (record,) = records_of(handler.events[0])
    assert record["basicProperties"]["headers"] == {
        "b": {"bytes": [127, -128, -1]},
        "t": True,
        "n": None,
        "f": 1.5,
        "table": {"x": {"bytes": [121]}},
        "list": [{"bytes": [97]}, 1],
    }


@FACTS("b6-virtual-host", "documented", "A mapping of RabbitMQ reads from a virtual host, ``/`` if it states none.")
def test_virtual_host_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    send(rabbitmq, "of the default host")
    rabbitmq.queue("orders", "/shop").send("of the shop")
    host = {"Type": "VIRTUAL_HOST", "URI": "/shop"}
    subscribe(fake, rabbitmq, handler, SourceAccessConfigurations=[*make_login(fake), host])
    fake.clock.run_until_idle()
    (event,) = handler.events
    assert list(event["rmqMessagesByQueue"]) == ["orders::/shop"]
    assert handler.batches == [["of the shop"]]


# --- batches -------------------------------------------------------------------------------------------------


@FACTS("c6-batch-size", "documented", "A full batch does not wait for the window; 100 messages are the default.")
def test_batch_size_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    subscribe(fake, rabbitmq, handler, MaximumBatchingWindowInSeconds=300)
    send(rabbitmq, *map(str, range(150)))
    fake.clock.advance(0)
    assert [len(batch) for batch in handler.batches] == [100]
    fake.clock.advance(300)
    assert [len(batch) for batch in handler.batches] == [100, 50]


@FACTS("c6-largest-batch", "documented", "The batch size goes up to 10,000.")
def test_largest_batch_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    send(rabbitmq, *["x"] * 10_001)
    subscribe(fake, rabbitmq, handler, BatchSize=10_000)
    fake.clock.run_until_idle()
    assert [len(batch) for batch in handler.batches] == [10_000, 1]


@FACTS("c6-window", "documented", "Without a batching window, Lambda collects for 500 ms from the first message on.")
def test_default_window_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    subscribe(fake, activemq, handler)
    fake.clock.advance(10)
    send(activemq, "1")
    fake.clock.advance(0.4)
    send(activemq, "2")
    fake.clock.advance(0.099)
    assert handler.batches == []
    fake.clock.advance(0.001)
    assert handler.batches == [["1", "2"]]


@FACTS("c6-pieces", "documented", "A large batch arrives in pieces of at most 6 MB.")
def test_six_megabytes_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    send(activemq, *["x" * 500_000] * 20)
    subscribe(fake, activemq, handler, BatchSize=10_000)
    fake.clock.run_until_idle()
    assert [len(batch) for batch in handler.batches] == [9, 9, 2]
    assert max(len(json.dumps(event)) for event in handler.events) <= 6 * 1024 * 1024


@FACTS("c6-too-large", "documented", "A message over 6 MB is dropped.")
def test_too_large_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    first, large, last = send(rabbitmq, "1", "x" * 5_000_000, "2")
    subscribe(fake, rabbitmq, handler)
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2"]]
    assert {fate.record: fate.fate for fate in fake.fates(ARN)} == {first: "done", large: "discarded", last: "done"}


@FACTS("c6-concurrency", "documented", "ActiveMQ has up to five batches in flight per mapping, RabbitMQ one.")
def test_concurrency_documented(fake: FakeLambda) -> None:
    for name, engine, expected in (("a", "ActiveMQ", 5), ("r", "RabbitMQ", 1)):
        broker = fake.mq(name, engine=engine)
        fake.function(f"slow-{name}", lambda event, context: None, duration=60, timeout=300)
        send(broker, *map(str, range(8)))
        access = make_login(fake) if name == "a" else ACCESS
        subscribe(fake, broker, None, FunctionName=f"slow-{name}", BatchSize=1, SourceAccessConfigurations=access)
        fake.clock.advance(30)
        fates = [fate.fate for fate in fake.fates(broker.arn)]
        assert fates.count("in flight") == expected, engine


@FACTS("c6-reserved", "documented", "Reserved concurrency does not raise the concurrency of a mapping.")
def test_reserved_concurrency_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    fake.function("consumer", duration=60, timeout=300, reserved_concurrency=50)
    handler = Handler()
    subscribe(fake, rabbitmq, handler, BatchSize=1)
    fake.function("consumer").takes(60)
    send(rabbitmq, "1", "2")
    fake.clock.advance(30)
    assert handler.batches == [["1"]]


# --- filters -------------------------------------------------------------------------------------------------


@FACTS("c6-filters", "documented", "What no filter accepts is acknowledged, and does not count towards the batch.")
def test_filters_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    pattern = json.dumps({"data": {"kind": ["order"]}})
    order, other = '{"kind": "order"}', '{"kind": "other"}'
    send(rabbitmq, order, other, other, order, other)
    subscribe(fake, rabbitmq, handler, BatchSize=2, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    fake.clock.run_until_idle()
    assert handler.batches == [[order, order]]
    fates = [fate.fate for fate in fake.fates(ARN)]
    assert (fates.count("done"), fates.count("filtered out")) == (2, 3)
    assert "kind" in next(fate.detail for fate in fake.fates(ARN) if fate.fate == "filtered out")


@FACTS("c6-filters-mismatch", "documented", "Data in another form than a filter expects lets the message through.")
def test_filter_mismatch_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    pattern = json.dumps({"data": {"kind": ["order"]}})
    send(activemq, "plain text", '{"kind": "other"}')
    subscribe(fake, activemq, handler, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    fake.clock.run_until_idle()
    assert handler.batches == [["plain text"]]


# --- failures ------------------------------------------------------------------------------------------------


@FACTS("c6-retry", "documented", "A failed batch is retried as a whole until it succeeds; redelivered is then true.")
def test_retry_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler("bad")
    send(rabbitmq, "1", "bad", "2")
    subscribe(fake, rabbitmq, handler)
    fake.clock.advance(0.5)
    assert [fate.fate for fate in fake.fates(ARN)] == ["in flight"] * 3
    fake.clock.advance(3600)
    handler.bad.clear()
    fake.clock.run_until_idle()
    assert {tuple(batch) for batch in handler.batches} == {("1", "bad", "2")}
    assert len(handler.batches) > 50
    assert handler.redelivered[0] == [False] * 3
    assert handler.redelivered[1:] == [[True] * 3] * (len(handler.batches) - 1)
    assert [fate.fate for fate in fake.fates(ARN)] == ["done"] * 3


@FACTS("c6-order", "chosen", "A batch that is retried keeps its consumer: messages behind it wait.")
def test_order_chosen(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler("bad")
    subscribe(fake, rabbitmq, handler, BatchSize=1)
    send(rabbitmq, "bad", "2")
    fake.clock.advance(100)
    assert {tuple(batch) for batch in handler.batches} == {("bad",)}
    handler.bad.clear()
    fake.clock.run_until_idle()
    assert handler.batches[-2:] == [["bad"], ["2"]]


@FACTS("c6-redeliveries", "documented", "ActiveMQ redelivers six times, then its dead-letter queue has the message.")
def test_activemq_redeliveries_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler("bad")
    (message_id,) = send(activemq, "bad")
    subscribe(fake, activemq, handler)
    fake.clock.run_until_idle()
    assert handler.redelivered == [[False]] + [[True]] * 6
    assert [message.text for message in activemq.queue("ActiveMQ.DLQ").messages] == ["bad"]
    (fate,) = fake.fates(ARN)
    assert (fate.record, fate.fate) == (message_id, "dead-lettered")
    assert fate.detail == "1 given up after 7 attempts, moved to ActiveMQ.DLQ"


@FACTS("c6-redelivery-delay", "documented", "ActiveMQ's default policy redelivers a second later.")
def test_redelivery_delay_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler("bad")
    send(activemq, "bad")
    subscribe(fake, activemq, handler)
    fake.clock.run_until_idle()
    gaps = {(later.started - earlier.started).total_seconds() for earlier, later in pairwise(fake.invocations)}
    assert gaps == {1}


@FACTS("c6-not-persistent", "documented", "ActiveMQ's dead-letter queue takes persistent messages only.")
def test_not_persistent_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    send(activemq, "bad", delivery_mode=1)
    subscribe(fake, activemq, Handler("bad"))
    fake.clock.run_until_idle()
    assert activemq.queue("ActiveMQ.DLQ").messages == []
    assert [fate.fate for fate in fake.fates(ARN)] == ["discarded"]


@FACTS("c6-expiry", "documented", "Retries end when the messages expire; the others of the batch go on.")
def test_expiry_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler("bad")
    first, second = *send(rabbitmq, "bad", expiration=60_000), *send(rabbitmq, "2")
    subscribe(fake, rabbitmq, handler)
    fake.clock.run_until_idle()
    assert handler.batches[0] == ["bad", "2"]
    assert handler.batches[-1] == ["2"]
    assert {fate.record: fate.fate for fate in fake.fates(ARN)} == {first: "expired", second: "done"}


@FACTS("c6-rabbitmq-no-dead-letters", "documented", "RabbitMQ retries without end, and has no dead-letter queue.")
def test_rabbitmq_without_dead_letters_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler("bad")
    send(rabbitmq, "bad")
    subscribe(fake, rabbitmq, handler)
    fake.clock.advance(24 * 3600)
    assert len(handler.batches) > 1000
    assert [fate.fate for fate in fake.fates(ARN)] == ["in flight"]


@FACTS("c6-rabbitmq-dead-letters", "documented", "A queue of RabbitMQ can be declared with a dead-letter queue.")
def test_rabbitmq_dead_letters_documented(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler("bad")
    rabbitmq.queue("limited", dead_letter="failed", delivery_limit=2).send("bad")
    subscribe(fake, rabbitmq, handler, Queues=["limited"])
    fake.clock.run_until_idle()
    assert len(handler.batches) == 3
    assert [message.text for message in rabbitmq.queue("failed").messages] == ["bad"]
    assert [fate.fate for fate in fake.fates(ARN)] == ["dead-lettered"]


@FACTS("c6-throttled", "chosen", "A throttled batch is not a delivery: it stays with the consumer, and comes again.")
def test_throttled_chosen(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    fake.function("consumer", reserved_concurrency=0)
    send(activemq, "1")
    subscribe(fake, activemq, handler)
    fake.clock.advance(3600)
    fake.client("lambda").delete_function_concurrency(FunctionName="consumer")
    fake.clock.run_until_idle()
    assert (handler.batches, handler.redelivered) == ([["1"]], [[False]])


@FACTS("c6-disabled", "chosen", "When a mapping stops to poll, what waits for a retry returns to the queue.")
def test_disabled_chosen(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler("bad")
    uuid = subscribe(fake, activemq, handler)
    send(activemq, "bad", "2")
    fake.clock.advance(1)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.advance(60)
    assert [message.text for message in activemq.queue("orders").messages] == ["bad", "2"]
    assert [message.redelivered for message in activemq.queue("orders").messages] == [True, True]
    handler.bad.clear()
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert handler.batches[-1] == ["bad", "2"]


# --- states --------------------------------------------------------------------------------------------------


@FACTS("c6-results", "documented", "A new mapping has processed nothing; later its result is that of the last batch.")
def test_results_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler("bad")
    uuid = subscribe(fake, activemq, handler)
    assert state_of(fake, uuid) == ("Enabled", "USER_INITIATED", "No records processed")
    send(activemq, "bad")
    fake.clock.advance(0.5)
    assert state_of(fake, uuid) == ("Enabled", "USER_INITIATED", "PROBLEM: Function call failed")
    handler.bad.clear()
    fake.clock.run_until_idle()
    assert state_of(fake, uuid) == ("Enabled", "USER_INITIATED", "OK")


REFUSALS = (
    ("authentication", "EVENT_SOURCE_AUTHN_ERROR", "Lambda failed to authenticate the event source."),
    (
        "authorization",
        "EVENT_SOURCE_AUTHZ_ERROR",
        "Lambda does not have the required permissions to access the event source.",
    ),
    (
        "connection",
        "ESM_CONFIG_NOT_VALID",
        "Connection error. Please check your event source connection configuration.",
    ),
)


@FACTS("c6-refusals", "documented", "A broker that refuses Lambda is the reason that the mapping's state shows.")
def test_refusals_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    uuid = subscribe(fake, activemq, handler)
    for reason, code, text in REFUSALS:
        activemq.refuse(reason)
        send(activemq, reason)
        fake.clock.advance(10)
        assert state_of(fake, uuid) == ("Enabled", code, f"PROBLEM: {text}")
        assert handler.batches == []
    activemq.accept()
    fake.clock.run_until_idle()
    assert state_of(fake, uuid)[:2] == ("Enabled", "USER_INITIATED")
    assert handler.batches == [["authentication", "authorization", "connection"]]


@FACTS("c6-no-secret", "chosen", "A mapping whose secret cannot be read has not been authenticated.")
def test_no_secret_chosen(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    send(activemq, "1")
    uuid = subscribe(fake, activemq, handler, SourceAccessConfigurations=ACCESS)
    fake.clock.advance(10)
    text = (
        f"PROBLEM: Cannot access secret manager value {SECRET}. Please ensure the role can perform the"
        " 'secretsmanager:GetSecretValue' action on your broker in IAM."
    )
    assert state_of(fake, uuid) == ("Enabled", "EVENT_SOURCE_AUTHN_ERROR", text)
    make_login(fake)
    fake.clock.run_until_idle()
    assert state_of(fake, uuid) == ("Enabled", "USER_INITIATED", "OK")
    assert handler.batches == [["1"]]


@FACTS("c6-wrong-login", "documented", "A secret without the login of a user of the broker does not authenticate.")
def test_wrong_login_documented(fake: FakeLambda) -> None:
    made = fake.client("mq").create_broker(
        BrokerName="main",
        EngineType="ACTIVEMQ",
        EngineVersion="5.18",
        HostInstanceType="mq.m5.large",
        DeploymentMode="SINGLE_INSTANCE",
        PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True,
        Users=[{"Username": "admin", "Password": "long-enough-password"}],
    )
    handler = Handler()
    broker = fake.mq(made)
    send(broker, "1")
    access = make_login(fake, username="lambda", password="x")
    uuid = subscribe(fake, broker, handler, SourceAccessConfigurations=access)
    expected = ("Enabled", "EVENT_SOURCE_AUTHN_ERROR", f"PROBLEM: {REFUSALS[0][2]}")
    for text in ('{"username": "lambda", "password": "x"}', '{"username": "admin"}', "admin", "[]"):
        fake.client("secretsmanager").put_secret_value(SecretId="login", SecretString=text)
        fake.clock.advance(1)
        assert state_of(fake, uuid) == expected, text
    good = json.dumps({"username": "admin", "password": "long-enough-password"})
    fake.client("secretsmanager").put_secret_value(SecretId="login", SecretString=good)
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@FACTS("c6-no-queue", "chosen", "A mapping of a queue that RabbitMQ does not have says so, and polls when it appears.")
def test_no_queue_chosen(fake: FakeLambda, rabbitmq: MqBroker) -> None:
    handler = Handler()
    uuid = subscribe(fake, rabbitmq, handler, Queues=["later"])
    assert state_of(fake, uuid) == ("Enabled", "ESM_CONFIG_NOT_VALID", "PROBLEM: Queue not found")
    rabbitmq.queue("later").send("1")
    fake.clock.run_until_idle()
    assert state_of(fake, uuid) == ("Enabled", "USER_INITIATED", "OK")
    assert handler.batches == [["1"]]


@FACTS("c6-queue-by-consumer", "documented", "ActiveMQ creates a queue when a consumer or a producer uses it.")
def test_queue_by_consumer_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    uuid = subscribe(fake, activemq, Handler(), Queues=["new"])
    assert state_of(fake, uuid) == ("Enabled", "USER_INITIATED", "No records processed")
    assert [queue.name for queue in activemq.queues] == ["new"]


@FACTS("c6-no-broker", "chosen", "A mapping whose broker is deleted says so.")
def test_no_broker_chosen(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    uuid = subscribe(fake, broker, Handler())
    (found,) = fake.client("mq").list_brokers()["BrokerSummaries"]
    fake.client("mq").delete_broker(BrokerId=found["BrokerId"])
    fake.clock.advance(1)
    assert state_of(fake, uuid) == ("Enabled", "ESM_CONFIG_NOT_VALID", "PROBLEM: Broker not found")


@FACTS("c6-function-timeout", "documented", "The function behind a broker has a timeout of at most 14 minutes.")
def test_function_timeout_documented(fake: FakeLambda, activemq: MqBroker) -> None:
    handler = Handler()
    uuid = subscribe(fake, activemq, handler)
    fake.client("lambda").update_function_configuration(FunctionName="consumer", Timeout=841)
    send(activemq, "1")
    fake.clock.advance(10)
    code = "FUNCTION_CONFIG_NOT_VALID"
    assert state_of(fake, uuid) == ("Enabled", code, "PROBLEM: The function's configuration is not valid.")
    fake.client("lambda").update_function_configuration(FunctionName="consumer", Timeout=840)
    send(activemq, "2")
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2"]]
