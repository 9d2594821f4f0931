"""Advice in other forms than the plainest one, when it stays away although something failed, and how it is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from helpers import documentdb, mq
from helpers.advice import (
    ACCOUNT,
    REGION,
    REPORTS,
    aws_lambda,
    codes,
    connect,
    connect_kafka,
    fails,
    kafka,
    queue,
    read_stream,
    report,
    reserve,
    send,
    works,
)
from helpers.documentdb import Shop
from helpers.kafka import PROVISIONED, QUEUE, needs_queue_mode
from helpers.kafka import subscribe as subscribe_to_topic
from pytest_lambda_esm import FakeLambda


@pytest.fixture
def fake() -> Any:
    with FakeLambda(region=REGION) as active:
        yield active


def changed_later(fake: FakeLambda) -> None:
    url, arn = queue(VisibilityTimeout="60")
    fake.function("orders", works)
    connect(arn)
    sqs = boto3.client("sqs", region_name=REGION)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})


def short_window(fake: FakeLambda) -> None:
    fake.function("orders", works)
    connect(queue(VisibilityTimeout="60")[1], MaximumBatchingWindowInSeconds=5)


def test_messages_that_come_back_from_throttles(fake: FakeLambda) -> None:
    url, arn = queue()
    fake.function("orders", works)
    connect(arn, BatchSize=1)
    reserve("orders", 0)
    send(url, "a")
    fake.clock.advance(60)
    assert {"ESM103", "ESM129"} == set(codes(fake))


def recreated(fake: FakeLambda) -> None:
    uuid = read_stream(fake, works)
    fake.clock.advance(10)
    aws_lambda().delete_event_source_mapping(UUID=uuid)
    fake.clock.advance(10)
    connect(f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks", "clicks", StartingPosition="LATEST")


def large_state(fake: FakeLambda) -> None:
    read_stream(fake, lambda event, context: {"state": "x" * 1_100_000}, "a", TumblingWindowInSeconds=60)
    fake.clock.advance(10)


def ignored_report_of_a_stream(fake: FakeLambda) -> None:
    read_stream(fake, lambda event, context: report(), "a")
    fake.clock.advance(10)


def wrong_identifier_of_a_stream(fake: FakeLambda) -> None:
    read_stream(fake, lambda event, context: report("unknown"), "a", MaximumRetryAttempts=1, **REPORTS)
    fake.clock.advance(10)


def empty_answer_of_a_stream(fake: FakeLambda) -> None:
    read_stream(fake, works, "a", **REPORTS)
    fake.clock.advance(10)


def ignored_report_of_a_topic(fake: FakeLambda) -> None:
    cluster = kafka(fake)
    fake.function("orders", lambda event, context: report())
    cluster.produce("orders", "a")
    connect_kafka(cluster)
    fake.clock.advance(10)


def blocked_partition(fake: FakeLambda) -> None:
    cluster = kafka(fake)
    fake.function("orders", fails)
    cluster.produce("orders", "a")
    connect_kafka(cluster)
    fake.clock.advance(10)


def two_retries_of_the_default(fake: FakeLambda) -> None:
    fake.function("mailer", works)
    aws_lambda().put_function_event_invoke_config(FunctionName="mailer", MaximumRetryAttempts=1)
    aws_lambda().update_function_event_invoke_config(FunctionName="mailer", MaximumEventAgeInSeconds=60)


def paused_mapping(fake: FakeLambda) -> None:
    fake.function("orders", works)
    connect(queue()[1])
    reserve("orders", 0)


def dead_letters_of_the_function_only(fake: FakeLambda) -> None:
    fake.function("orders", works, dead_letter=queue("letters")[1])
    connect(queue()[1])


def destination_that_is_fifo(fake: FakeLambda) -> None:
    fake.function("mailer", works)
    destinations = {"OnFailure": {"Destination": queue("failures.fifo")[1]}}
    aws_lambda().put_function_event_invoke_config(FunctionName="mailer", DestinationConfig=destinations)


def dead_letters_set_later(fake: FakeLambda) -> None:
    """Both targets are seen where a failed event is delivered to them."""
    fake.function("mailer", fails)
    destinations = {"OnFailure": {"Destination": queue("failures")[1]}}
    aws_lambda().put_function_event_invoke_config(FunctionName="mailer", DestinationConfig=destinations)
    target = {"TargetArn": queue("letters")[1]}
    aws_lambda().update_function_configuration(FunctionName="mailer", DeadLetterConfig=target)
    aws_lambda().invoke(FunctionName="mailer", InvocationType="Event")
    fake.clock.run_until_idle()


def loop_of_events(fake: FakeLambda) -> None:
    fake.function("f", lambda event, context: aws_lambda().invoke(FunctionName="f", InvocationType="Event") and None)
    aws_lambda().invoke(FunctionName="f", InvocationType="Event")
    fake.clock.run_until_idle()


def function_gone_while_it_polls(fake: FakeLambda) -> None:
    url, arn = queue()
    fake.function("orders", works)
    uuid = connect(arn)
    aws_lambda().delete_function(FunctionName="orders")
    send(url, "a")
    fake.clock.advance(10)
    aws_lambda().delete_event_source_mapping(UUID=uuid)


def error_that_a_handler_drops(fake: FakeLambda) -> None:
    fake.function("inner", fails)
    fake.function("outer", lambda event, context: aws_lambda().invoke(FunctionName="inner") and None)
    aws_lambda().invoke(FunctionName="outer")


def ignored_report_of_a_broker(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    broker.queue("orders").send("a")
    mq.subscribe(fake, broker, lambda event, context: report())
    fake.clock.advance(10)


def ignored_report_of_a_collection(fake: FakeLambda) -> None:
    shop = Shop(fake)
    shop.insert("a")
    shop.subscribe(lambda event, context: report())
    fake.clock.advance(10)


def late_start_in_a_collection(fake: FakeLambda) -> None:
    shop = Shop(fake)
    create = shop.fake.client("lambda").create_event_source_mapping
    fake.function("consumer", works)
    create(
        EventSourceArn=documentdb.ARN,
        FunctionName="consumer",
        StartingPosition="LATEST",
        SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": shop.secret}],
        DocumentDBEventSourceConfig={"DatabaseName": "shop", "CollectionName": "orders"},
    )
    shop.insert("a")
    fake.clock.advance(10)


def message_that_passes_because_of_its_format(fake: FakeLambda) -> None:
    broker = fake.mq("main")
    broker.queue("orders").send("no JSON")
    mq.subscribe(fake, broker, works, FilterCriteria={"Filters": [{"Pattern": '{"data": {"kind": ["order"]}}'}]})


def large_change_event(fake: FakeLambda) -> None:
    shop = Shop(fake)
    shop.orders.insert({"_id": "huge", "text": "x" * (6 * 1024 * 1024)})
    shop.subscribe(works)
    fake.clock.advance(10)


def concurrency_with_rabbitmq(fake: FakeLambda) -> None:
    broker = fake.mq("main", engine="RabbitMQ")
    broker.queue("orders")
    mq.subscribe(fake, broker, works)
    reserve("consumer", 2)


FORMS = [
    ("ESM105", wrong_identifier_of_a_stream),
    ("ESM106", ignored_report_of_a_stream),
    ("ESM106", ignored_report_of_a_topic),
    ("ESM107", empty_answer_of_a_stream),
    ("ESM113", blocked_partition),
    ("ESM119", recreated),
    ("ESM121", large_state),
    ("ESM124", function_gone_while_it_polls),
    ("ESM128", two_retries_of_the_default),
    ("ESM129", paused_mapping),
    ("ESM130", dead_letters_of_the_function_only),
    ("ESM130", destination_that_is_fifo),
    ("ESM130", dead_letters_set_later),
    ("ESM135", loop_of_events),
    ("ESM137", error_that_a_handler_drops),
    ("ESM106", ignored_report_of_a_broker),
    ("ESM106", ignored_report_of_a_collection),
    ("ESM118", late_start_in_a_collection),
    ("ESM131", message_that_passes_because_of_its_format),
    ("ESM134", large_change_event),
    ("ESM136", concurrency_with_rabbitmq),
]


@pytest.mark.parametrize(("code", "use"), FORMS, ids=[form[1].__name__ for form in FORMS])
def test_other_forms(fake: FakeLambda, code: str, use: Callable[[FakeLambda], None]) -> None:
    use(fake)
    assert codes(fake) == [code]


def message_that_a_broker_delivers_without_end(fake: FakeLambda) -> None:
    """RabbitMQ sets no limit unless the queue does."""
    broker = fake.mq("main", engine="RabbitMQ")
    broker.queue("orders").send("a")
    mq.subscribe(fake, broker, fails)
    fake.clock.advance(600)


def batches_of_activemq(fake: FakeLambda) -> None:
    broker = fake.mq("main", engine="ActiveMQ")
    broker.queue("orders")
    mq.subscribe(fake, broker, works)
    reserve("consumer", 2)


def endless_retries_of_a_change_stream(fake: FakeLambda) -> None:
    """Mappings of DocumentDB have no setting that limits retries."""
    shop = Shop(fake)
    shop.insert("a")
    shop.subscribe(fails)
    fake.clock.advance(600)


def destination_in_queue_mode(fake: FakeLambda) -> None:
    """Where no retries are stated, queue mode makes none."""
    needs_queue_mode(fake)
    cluster = fake.kafka("kafka:9092")
    cluster.create_topic("orders")
    destination = {"OnFailure": {"Destination": queue("failures")[1]}}
    subscribe_to_topic(fake, cluster, works, **QUEUE, **PROVISIONED, DestinationConfig=destination)


def deliveries_in_queue_mode(fake: FakeLambda) -> None:
    """The broker limits them, and other records of the partition are delivered meanwhile."""
    needs_queue_mode(fake)
    cluster = fake.kafka("kafka:9092")
    cluster.create_topic("orders")
    cluster.produce("orders", "a")
    subscribe_to_topic(fake, cluster, fails, **QUEUE, **PROVISIONED)
    fake.clock.advance(60)


RIGHT = [
    message_that_a_broker_delivers_without_end,
    batches_of_activemq,
    endless_retries_of_a_change_stream,
    destination_in_queue_mode,
    deliveries_in_queue_mode,
]


@pytest.mark.parametrize("use", RIGHT, ids=[use.__name__ for use in RIGHT])
def test_what_has_no_better_way_gets_none(fake: FakeLambda, use: Callable[[FakeLambda], None]) -> None:
    use(fake)
    assert codes(fake) == []


LOOKED_AT: list[Callable[[Any], object]] = [
    lambda response: None,
    lambda response: response["FunctionError"],
    lambda response: "FunctionError" in response,
    lambda response: (response["StatusCode"], response["Payload"].read()),
    lambda response: (response["StatusCode"], dict(response)),
    lambda response: (response["StatusCode"], {**response}),
    lambda response: (response["StatusCode"], list(response.items())),
    lambda response: (response["StatusCode"], response == {}),
    lambda response: (response["StatusCode"], response.pop("FunctionError")),
    lambda response: (response["StatusCode"], response.copy()),
    lambda response: (response["StatusCode"], list(response.values())),
]


@pytest.mark.parametrize("look", LOOKED_AT, ids=range(len(LOOKED_AT)))
def test_a_function_error_that_was_looked_at(fake: FakeLambda, look: Callable[[Any], object]) -> None:
    fake.function("prices", fails)
    response = aws_lambda().invoke(FunctionName="prices")
    look(response)
    assert codes(fake) == []


def test_an_invocation_that_the_test_breaks_off_is_no_failure_of_the_handler(fake: FakeLambda) -> None:
    def handler(event: Any, context: Any) -> None:
        raise KeyboardInterrupt

    url, arn = queue()
    fake.function("orders", handler)
    connect(arn)
    send(url, "a", "b")
    with pytest.raises(KeyboardInterrupt):
        fake.clock.advance(10)
    assert codes(fake) == []


def test_advice_is_returned_once(fake: FakeLambda) -> None:
    changed_later(fake)
    assert codes(fake) == ["ESM101"]
    assert codes(fake) == []


def test_mappings_of_a_region_that_moto_has_reset(fake: FakeLambda) -> None:
    from moto.moto_api._internal.models import moto_api_backend

    fake.function("orders", works)
    connect(queue()[1])
    moto_api_backend.reset()
    assert codes(fake) == []


def test_ignored_codes_are_not_in_the_timeline_either() -> None:
    with FakeLambda(region=REGION, advice_ignore=("ESM112",)) as fake:
        short_window(fake)
        assert codes(fake) == []
        assert not [entry for entry in fake.timeline if entry.kind == "advice"]
