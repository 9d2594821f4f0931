"""Amazon MQ as a user tests it: the fixture's brokers, and mappings through boto3."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from helpers.mq import ACCESS, ARN, ENGINES, bodies_of, make_login, subscribe
from pytest_lambda_esm import ConfigurationError, FakeLambda, FaultError, LambdaEsmError, MqBroker, NotActive


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        yield fake


def accept(event: dict[str, Any], context: object) -> None:
    pass


def poison(event: dict[str, Any], context: object) -> None:
    if "bad" in bodies_of(event):
        raise ValueError("bad")


def batches(fake: FakeLambda) -> list[list[str]]:
    return [bodies_of(invocation.event) for invocation in fake.invocations]


def create_broker(fake: FakeLambda, name: str, engine: str) -> dict[str, Any]:
    answer: dict[str, Any] = fake.client("mq").create_broker(
        BrokerName=name,
        EngineType=engine,
        EngineVersion="1",
        HostInstanceType="mq.m5.large",
        DeploymentMode="SINGLE_INSTANCE",
        PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True,
        Users=[{"Username": "lambda", "Password": "long-enough-password"}],
    )
    return answer


# --- which broker --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_name_makes_a_broker_in_moto(fake: FakeLambda, engine: str) -> None:
    broker = fake.mq("main", engine=engine)
    (found,) = fake.client("mq").list_brokers()["BrokerSummaries"]
    assert (found["BrokerName"], found["BrokerArn"], found["EngineType"]) == ("main", broker.arn, engine)
    assert broker.engine == engine
    assert fake.mq("main") is broker
    assert fake.mq(broker.arn) is broker
    assert fake.mq("main", engine=engine.lower()) is broker


@pytest.mark.parametrize("engine", ENGINES)
def test_a_broker_that_code_under_test_created_is_the_same(fake: FakeLambda, engine: str) -> None:
    answer = create_broker(fake, "main", engine.upper())
    broker = fake.mq(answer)
    assert (broker.arn, broker.engine) == (answer["BrokerArn"], engine)
    described = fake.client("mq").describe_broker(BrokerId=answer["BrokerId"])
    assert fake.mq(described) is fake.mq("main") is broker
    broker.queue("orders").send("1")
    subscribe(fake, broker, accept)
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"]]


def test_a_broker_in_another_region(fake: FakeLambda) -> None:
    broker = fake.mq("main", region="eu-west-1")
    assert ":eu-west-1:" in broker.arn
    assert fake.mq("main") is not broker


def test_a_mapping_may_ask_for_a_broker_before_the_test_does(fake: FakeLambda) -> None:
    fake.function("consumer", accept)
    fake.client("lambda").create_event_source_mapping(
        FunctionName="consumer", EventSourceArn=ARN, Queues=["orders"], SourceAccessConfigurations=make_login(fake)
    )
    fake.clock.advance(10)
    broker = fake.mq(ARN, engine="RabbitMQ")
    fake.clock.advance(1)
    broker.queue("orders").send("1")
    fake.clock.run_until_idle()
    assert fake.invocations[0].event["eventSource"] == "aws:rmq"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("no name!", "is given by its ARN or its name"),
        ("", "is given by its ARN or its name"),
        (None, "is given by its ARN, its name, or an answer with BrokerArn"),
        ({"ClusterArn": "x"}, "is given by its ARN, its name, or an answer with BrokerArn"),
        ("arn:aws:sqs:us-east-1:123456789012:queue", "not the ARN of a broker"),
        ("arn:aws:mq:us-east-1:123456789012:configuration:x", "not the ARN of a broker"),
        ("arn:aws:mq:us-east-7:123456789012:broker:main:b-1", "there is no region 'us-east-7'"),
    ],
)
def test_what_is_no_broker_is_refused(fake: FakeLambda, given: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        fake.mq(given)
    assert text in str(refused.value)


def test_another_engine_is_refused(fake: FakeLambda) -> None:
    fake.mq("main")
    with pytest.raises(ConfigurationError, match="this broker runs ActiveMQ"):
        fake.mq("main", engine="RabbitMQ")
    fake.mq(ARN).queue("orders")
    with pytest.raises(ConfigurationError, match="this broker runs ActiveMQ"):
        fake.mq(ARN, engine="RabbitMQ")
    with pytest.raises(ConfigurationError, match="Did you mean 'RabbitMQ'"):
        fake.mq("other", engine="RabitMQ")


def test_a_closed_fake_refuses(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    queue = broker.queue("orders")
    fake.__exit__(None, None, None)
    for change in (lambda: queue.send("1"), lambda: broker.queue("x"), lambda: broker.refuse("connection")):
        with pytest.raises(NotActive, match="its fake is closed"):
            change()
    with pytest.raises(NotActive):
        fake.mq("main")


def test_a_deleted_broker_refuses(fake: FakeLambda) -> None:
    answer = create_broker(fake, "main", "ACTIVEMQ")
    broker = fake.mq(answer)
    uuid = subscribe(fake, broker, accept)
    fake.client("mq").delete_broker(BrokerId=answer["BrokerId"])
    with pytest.raises(NotActive, match="has been deleted with delete_broker"):
        broker.queue("orders")
    fake.clock.run_until_idle()
    assert "ESM_CONFIG_NOT_VALID: PROBLEM: Broker not found" in fake.explain(uuid)


def test_moto_reset_empties_the_brokers_of_its_regions(fake: FakeLambda) -> None:
    from moto.moto_api._internal.models import moto_api_backend

    broker, other = fake.mq(ARN), fake.mq("main")
    broker.queue("orders").send("1")
    moto_api_backend.reset()
    for gone in (broker, other):
        with pytest.raises(NotActive, match="was made before moto was reset"):
            gone.queue("orders")
    assert fake.mq(ARN).queues == []
    subscribe(fake, fake.mq(ARN), accept)
    fake.mq(ARN).queue("orders").send("2")
    fake.clock.run_until_idle()
    assert batches(fake) == [["2"]]


def test_a_sweep_begins_each_run_with_empty_brokers(fake: FakeLambda) -> None:
    held: MqBroker | None = None
    for run in fake.sweep(operations=["CreateEventSourceMapping"], errors=["ServiceException"]):
        with run:
            broker = fake.mq("main")
            if held is not None:
                with pytest.raises(NotActive, match="has been restarted"):
                    held.queue("orders")
            held = broker
            assert broker.queues == []
            broker.queue("orders").send("1")
            fake.function("consumer", accept)
            client = fake.client("lambda")
            params = {"EventSourceArn": broker.arn, "Queues": ["orders"], "FunctionName": "consumer"}
            access = make_login(fake)
            for _ in range(3):
                try:
                    client.create_event_source_mapping(**params, SourceAccessConfigurations=access)
                    break
                except client.exceptions.ServiceException:
                    continue
            fake.clock.run_until_idle()
            assert batches(fake) == [["1"]]


def test_a_broker_that_is_made_before_a_sweep_is_refused(fake: FakeLambda) -> None:
    fake.mq(ARN)
    with pytest.raises(FaultError, match="broker 'arn:aws:mq"):
        next(iter(fake.sweep()))


# --- messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_messages_are_what_waits(fake: FakeLambda, engine: str) -> None:
    queue = fake.mq("main", engine=engine).queue("orders")
    queue.send("text", correlation_id="c")
    queue.send(b"\xff", expiration=timedelta(seconds=30))
    first, second = queue.messages
    assert (first.text, first.is_text, first.properties["correlation_id"]) == ("text", True, "c")
    assert (second.body, second.is_text, second.redelivered) == (b"\xff", False, False)
    assert first.sent == datetime(2026, 1, 1, tzinfo=timezone.utc)
    fake.clock.advance(30)
    assert queue.messages == [first]


@pytest.mark.parametrize(
    ("engine", "body", "properties", "text"),
    [
        ("ActiveMQ", {"n": 1}, {}, "a body is a text or bytes, not dict; for an object, send its JSON"),
        ("ActiveMQ", "x", {"priority": 10}, "priority is a whole number from 0 to 9, not 10"),
        ("ActiveMQ", "x", {"priority": True}, "priority is a whole number"),
        ("ActiveMQ", "x", {"delivery_mode": 0}, "delivery_mode is a whole number from 1 to 2"),
        ("ActiveMQ", "x", {"correlation_id": 1}, "correlation_id is a text, not 1"),
        ("ActiveMQ", "x", {"expiration": -1}, "expiration is how many milliseconds"),
        ("ActiveMQ", "x", {"custom": b"x"}, "custom: a JMS property is a text, a number or a bool"),
        ("RabbitMQ", None, {}, "a body is a text or bytes, not NoneType"),
        ("RabbitMQ", "x", {"contenttype": "x"}, "no basic property 'contenttype'. Did you mean 'content_type'"),
        ("RabbitMQ", "x", {"priority": 256}, "priority is a whole number from 0 to 255"),
        ("RabbitMQ", "x", {"expiration": "soon"}, "expiration is how many milliseconds"),
        ("RabbitMQ", "x", {"headers": "x"}, "headers are a mapping"),
        ("RabbitMQ", "x", {"headers": {1: "x"}}, "a name is a text"),
        ("RabbitMQ", "x", {"headers": {"h": object}}, "h: a header is a text, bytes"),
        ("RabbitMQ", "x", {"timestamp": datetime(2026, 1, 1)}, "timestamp is an aware datetime"),
    ],
)
def test_what_no_client_can_send_is_refused(
    fake: FakeLambda, engine: str, body: Any, properties: dict[str, Any], text: str
) -> None:
    queue = fake.mq("main", engine=engine).queue("orders")
    with pytest.raises(ConfigurationError) as refused:
        queue.send(body, **properties)
    assert text in str(refused.value)
    assert queue.messages == []


@pytest.mark.parametrize(
    ("engine", "args", "keywords", "text"),
    [
        ("ActiveMQ", ("",), {}, "has a name of 1 to 255 bytes"),
        ("ActiveMQ", ("q", "/shop"), {}, "virtual_host is for RabbitMQ"),
        ("ActiveMQ", ("q",), {"dead_letter": "x"}, "dead letters go to ActiveMQ.DLQ"),
        ("RabbitMQ", ("q", ""), {}, "a virtual host has a name"),
        ("RabbitMQ", ("q",), {"dead_letter": 1}, "dead_letter is the name of a queue"),
        ("RabbitMQ", ("q",), {"delivery_limit": -1}, "delivery_limit is a whole number from 0"),
        ("RabbitMQ", ("orders",), {"dead_letter": "x"}, "the queue exists, and was declared with"),
    ],
)
def test_queues_that_the_engine_refuses(
    fake: FakeLambda, engine: str, args: tuple[str, ...], keywords: dict[str, Any], text: str
) -> None:
    broker = fake.mq("main", engine=engine)
    broker.queue("orders")
    with pytest.raises(ConfigurationError) as refused:
        broker.queue(*args, **keywords)
    assert text in str(refused.value)


def test_another_refusal_than_a_broker_has(fake: FakeLambda) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'authentication'"):
        fake.mq("main").refuse("authenticate")


# --- polling -------------------------------------------------------------------------------------------------


def test_a_handler_may_send(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    answers = broker.queue("answers")

    def answer(event: dict[str, Any], context: object) -> None:
        time.sleep(2)
        for record, body in zip(event["messages"], bodies_of(event), strict=True):
            answers.send(f"re: {body}", correlation_id=record["messageID"])

    sent = broker.queue("orders").send("1")
    fake.function("consumer", timeout=30)
    subscribe(fake, broker, answer)
    fake.clock.run_until_idle()
    (message,) = answers.messages
    assert (message.text, message.properties["correlation_id"]) == ("re: 1", sent)
    assert message.sent == datetime(2026, 1, 1, 0, 0, 7, 500_000, tzinfo=timezone.utc)


def test_a_function_that_feeds_its_own_queue_is_stopped() -> None:
    with FakeLambda(region="us-east-1", loop_depth=20, advice="off") as fake:
        queue = fake.mq("main").queue("orders")
        queue.send("1")
        subscribe(fake, fake.mq("main"), lambda event, context: queue.send("again"))
        with pytest.raises(LambdaEsmError, match="feeds its own source: message ID:"):
            fake.clock.run_until_idle()


def test_two_mappings_share_a_queue(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    access = make_login(fake)
    for name in ("one", "two"):
        fake.function(name, accept)
        fake.client("lambda").create_event_source_mapping(
            FunctionName=name, EventSourceArn=broker.arn, Queues=["orders"], SourceAccessConfigurations=access
        )
    fake.clock.advance(5)
    for body in "123":
        broker.queue("orders").send(body)
        fake.clock.advance(1)
    assert sorted(body for batch in batches(fake) for body in batch) == ["1", "2", "3"]


def test_fates_of_a_mapping_are_those_of_its_queue(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    order, bill = broker.queue("orders").send("1"), broker.queue("bills").send("2")
    uuid = subscribe(fake, broker, accept)
    fake.clock.run_until_idle()
    assert [(fate.record, fate.fate) for fate in fake.fates(fake.mapping(uuid))] == [(order, "done")]
    assert [(fate.record, fate.fate) for fate in fake.fates(broker.arn)] == [(order, "done"), (bill, "waiting")]


def test_a_dead_letter_has_one_fate_until_another_mapping_is_done_with_it(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    sent = broker.queue("orders").send("bad")
    subscribe(fake, broker, poison)
    fake.clock.run_until_idle()
    assert [(fate.record, fate.fate) for fate in fake.fates(broker.arn)] == [(sent, "dead-lettered")]
    fake.function("undertaker", accept)
    fake.client("lambda").create_event_source_mapping(
        FunctionName="undertaker",
        EventSourceArn=broker.arn,
        Queues=["ActiveMQ.DLQ"],
        SourceAccessConfigurations=ACCESS,
    )
    fake.clock.run_until_idle()
    assert fake.invocations[-1].event["messages"][0]["destination"] == {"physicalName": "ActiveMQ.DLQ"}
    assert [(fate.record, fate.fate) for fate in fake.fates(broker.arn)] == [(sent, "done")]


def test_a_dead_letter_that_fails_again_is_dropped(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    broker.queue("ActiveMQ.DLQ").send("bad")
    subscribe(fake, broker, poison, Queues=["ActiveMQ.DLQ"])
    fake.clock.run_until_idle()
    assert [fate.fate for fate in fake.fates(broker.arn)] == ["discarded"]
    assert broker.queue("ActiveMQ.DLQ").messages == []


@pytest.mark.parametrize("engine", ENGINES)
def test_deleting_the_mapping_keeps_the_messages(fake: FakeLambda, engine: str) -> None:
    broker = fake.mq("main", engine=engine)
    queue = broker.queue("orders")
    queue.send("bad")
    uuid = subscribe(fake, broker, poison)
    fake.clock.advance(2)
    fake.client("lambda").delete_event_source_mapping(UUID=uuid)
    fake.clock.run_until_idle()
    assert [message.text for message in queue.messages] == ["bad"]
    assert [fate.fate for fate in fake.fates(broker.arn)] == ["waiting"]


def test_a_batch_in_flight_completes_after_the_mapping_is_disabled(fake: FakeLambda) -> None:
    broker = fake.mq("main", engine="RabbitMQ")
    queue = broker.queue("orders")
    fake.function("consumer", timeout=60)
    uuid = subscribe(fake, broker, accept)
    fake.function("consumer").takes(30)
    queue.send("1")
    fake.clock.advance(1)
    fake.mapping(uuid).force("Disabled")
    queue.send("2")
    assert "in flight until" in fake.explain(uuid)
    fake.clock.run_until_idle()
    assert {fate.fate for fate in fake.fates(broker.arn)} == {"done", "waiting"}
    fake.mapping(uuid).force("Enabled")
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"], ["2"]]


def test_a_held_state_keeps_the_messages_waiting(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    broker.queue("orders").send("1")
    fake.transitions(creating="manual")
    uuid = subscribe(fake, broker, accept)
    fake.clock.advance(3600)
    assert fake.mapping(uuid).state == "Creating"
    assert not fake.invocations
    fake.mapping(uuid).release()
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"]]


def test_a_reason_that_the_test_forces_does_not_stop_the_polling(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    uuid = subscribe(fake, broker, accept)
    fake.mapping(uuid).force("Enabled", reason="FUNCTION_CONFIG_NOT_VALID")
    broker.queue("orders").send("1")
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"]]
    assert fake.mapping(uuid).history[-1].reason == "FUNCTION_CONFIG_NOT_VALID"


def test_an_update_applies_to_the_next_batch(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    uuid = subscribe(fake, broker, accept)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, BatchSize=1)
    fake.clock.run_until_idle()
    for body in "12":
        broker.queue("orders").send(body)
    fake.clock.run_until_idle()
    assert batches(fake) == [["1"], ["2"]]


def test_faults_strike_the_steps_of_the_poller(fake: FakeLambda) -> None:
    broker = fake.mq("main", engine="RabbitMQ")
    queue = broker.queue("orders")
    subscribe(fake, broker, accept)
    for step, fault in (
        ("Read", "failed"),
        ("Read", "throttled"),
        ("Read", "duplicated"),
        ("Invoke", "throttled"),
        ("Invoke", "failed"),
        ("Delete", "lost"),
    ):
        before = len(fake.invocations)
        fake.faults.add(f"poller.{step}", fault)
        queue.send(f"{step} {fault}")
        fake.clock.run_until_idle()
        events = [bodies_of(invocation.event) for invocation in fake.invocations[before:]]
        expected = 2 if fault in ("duplicated", "lost") else 1
        assert events == [[f"{step} {fault}"]] * expected, (step, fault)
    assert {fate.fate for fate in fake.fates(broker.arn)} == {"done"}
    assert len(fake.fates(broker.arn)) == 6


@pytest.mark.parametrize("fault", ["disabled", "deleted"])
def test_faults_that_end_the_mapping_keep_the_messages(fake: FakeLambda, fault: str) -> None:
    broker = fake.mq("main")
    queue = broker.queue("orders")
    uuid = subscribe(fake, broker, accept)
    fake.faults.add("poller.Read", fault)
    queue.send("1")
    fake.clock.run_until_idle()
    assert fake.mapping(uuid).state == fault.capitalize()
    assert [message.text for message in queue.messages] == ["1"]


def test_a_queue_keeps_its_order(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    subscribe(fake, broker, accept)
    fake.faults.add("poller.Read", "reordered")
    broker.queue("orders").send("1")
    with pytest.raises(FaultError, match="reordered"):
        fake.clock.run_until_idle()


@pytest.mark.parametrize("engine", ENGINES)
def test_weather_loses_no_message(engine: str) -> None:
    weather = {"duplicates": 0.3, "throttles": 0.3}
    with FakeLambda(region="us-east-1", weather=weather, seed=3, advice="off") as fake:
        broker = fake.mq("main", engine=engine)
        for number in range(20):
            broker.queue("orders").send(str(number))
        uuid = subscribe(fake, broker, accept, BatchSize=1)
        fake.clock.run_until_idle()
        assert [fate.fate for fate in fake.fates(uuid)] == ["done"] * 20
        assert len(fake.invocations) > 20


def test_an_error_of_the_test_in_a_handler_keeps_the_messages(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    outcomes = iter([pytest.fail.Exception("stop"), None])

    def handler(event: dict[str, Any], context: object) -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    broker.queue("orders").send("1")
    subscribe(fake, broker, handler)
    with pytest.raises(pytest.fail.Exception, match="stop"):
        fake.clock.run_until_idle()
    fake.clock.run_until_idle()
    assert [fate.fate for fate in fake.fates(broker.arn)] == ["done"]


# --- why -----------------------------------------------------------------------------------------------------


def test_explain_says_what_waits_and_what_fails(fake: FakeLambda) -> None:
    broker = fake.mq("main", engine="RabbitMQ")
    queue = broker.queue("orders")
    uuid = subscribe(fake, broker, poison, BatchSize=1)
    assert "the queue holds no message" in fake.explain(uuid)
    queue.send("bad")
    queue.send("2")
    fake.clock.advance(1)
    explained = fake.explain(uuid)
    assert "a batch of 1 message has been tried 3 times" in explained
    assert "(error, ValueError: bad): the next try comes at 00:00:0" in explained
    assert "all of the mapping's concurrency (1 batches) is in use" in explained
    assert "1 message waits in orders::/, starting with message orders::/:2" in explained


def test_explain_says_how_to_make_a_login(fake: FakeLambda) -> None:
    broker = fake.mq(create_broker(fake, "main", "ACTIVEMQ"))
    uuid = subscribe(fake, broker, accept, SourceAccessConfigurations=ACCESS)
    explained = fake.explain(uuid)
    assert "it does not poll, EVENT_SOURCE_AUTHN_ERROR: PROBLEM: Cannot access secret manager value" in explained
    assert "as a JSON object with 'username' and 'password' of one of ['lambda']" in explained


def test_explain_names_the_longest_timeout(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    uuid = subscribe(fake, broker, accept)
    fake.client("lambda").update_function_configuration(FunctionName="consumer", Timeout=900)
    assert "the longest timeout of a function behind a broker is 840 seconds" in fake.explain(uuid)


def test_explain_says_how_to_make_a_queue(fake: FakeLambda) -> None:
    broker = fake.mq("main", engine="RabbitMQ")
    uuid = subscribe(fake, broker, accept)
    assert "broker.queue('orders', '/') makes it" in fake.explain(uuid)


def test_explain_shows_an_open_batch(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    uuid = subscribe(fake, broker, accept, MaximumBatchingWindowInSeconds=60)
    broker.queue("orders").send("1")
    fake.clock.advance(1)
    assert "a batch is open: 1 of 100 messages; its window ends at 00:01:05" in fake.explain(uuid)


def test_a_function_that_is_deleted_keeps_the_messages(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    uuid = subscribe(fake, broker, accept)
    fake.client("lambda").delete_function(FunctionName="consumer")
    broker.queue("orders").send("1")
    fake.clock.advance(3600)
    assert "does not exist (any more): each batch fails" in fake.explain(uuid)
    assert [fate.fate for fate in fake.fates(broker.arn)] == ["in flight"]


# --- with others ---------------------------------------------------------------------------------------------


def test_powertools_reads_the_events_of_activemq(fake: FakeLambda) -> None:
    data_classes = pytest.importorskip("aws_lambda_powertools.utilities.data_classes.active_mq_event")
    broker = fake.mq("main")
    broker.queue("orders").send(json.dumps({"n": 1}), correlation_id="c", priority=7, testKey="testValue")
    subscribe(fake, broker, accept)
    fake.clock.run_until_idle()
    event = data_classes.ActiveMQEvent(fake.invocations[0].event)
    (message,) = event.messages
    assert (event.event_source, event.event_source_arn) == ("aws:mq", broker.arn)
    assert (message.json_data, message.decoded_data) == ({"n": 1}, '{"n": 1}')
    # The property correlation_id reads another member than AWS documents.
    assert (message.message_type, message.priority, message["correlationId"]) == ("jms/text-message", 7, "c")
    assert (message.destination_physicalname, message.redelivered) == ("orders", False)
    assert message.get("properties") == {"testKey": "testValue"}


def test_powertools_reads_the_events_of_rabbitmq(fake: FakeLambda) -> None:
    data_classes = pytest.importorskip("aws_lambda_powertools.utilities.data_classes.rabbit_mq_event")
    broker = fake.mq("main", engine="RabbitMQ")
    broker.queue("orders").send(json.dumps({"n": 1}), content_type="text/plain", headers={"h": "value1"}, priority=3)
    subscribe(fake, broker, accept)
    fake.clock.run_until_idle()
    event = data_classes.RabbitMQEvent(fake.invocations[0].event)
    (message,) = event.rmq_messages_by_queue["orders::/"]
    assert (event.event_source, event.event_source_arn) == ("aws:rmq", broker.arn)
    assert message.json_data == {"n": 1}
    properties = message.basic_properties
    assert (properties.content_type, properties.priority, properties.body_size) == ("text/plain", 3, 8)
    assert bytes(properties.headers["h"]["bytes"]) == b"value1"
