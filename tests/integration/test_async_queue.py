"""The asynchronous queue beyond what is recorded: order, duplicates, loops, deleted targets."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from pytest_lambda_esm import ConfigurationError, FakeLambda, HandlerError, returns, throttled

pytestmark = pytest.mark.lambda_esm(advice="off")

ACCOUNT, REGION = "123456789012", "us-east-1"


def send(fake: FakeLambda, name: str, event: Any = None, **params: Any) -> str:
    answer = fake.client("lambda").invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **params
    )
    assert answer["StatusCode"] == 202
    return str(answer["ResponseMetadata"]["RequestId"])


def failing(event: Any, context: Any) -> None:
    raise ValueError(f"event {event}")


def test_nothing_runs_before_the_clock_moves(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    send(lambda_esm, "f")
    assert function.invocations == []
    assert "asynchronous event" in lambda_esm.explain(function)
    lambda_esm.clock.advance()
    assert len(function.invocations) == 1
    assert "asynchronous event" not in lambda_esm.explain(function)


def test_events_run_in_the_order_in_which_they_were_sent(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    for number in range(20):
        send(lambda_esm, "f", number)
    lambda_esm.clock.run_until_idle()
    assert [entry.event for entry in function.invocations] == list(range(20))


@pytest.mark.lambda_esm(async_jitter=1)
def test_events_lose_their_order_when_the_test_asks_for_it(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    for number in range(20):
        send(lambda_esm, "f", number)
    lambda_esm.clock.run_until_idle()
    seen = [entry.event for entry in function.invocations]
    assert sorted(seen) == list(range(20))
    assert seen != sorted(seen)


def test_events_come_twice_when_the_test_asks_for_it(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    function.duplicate_events()
    first, second = send(lambda_esm, "f", 1), send(lambda_esm, "f", 2)
    lambda_esm.clock.run_until_idle()
    assert [entry.request_id for entry in function.invocations] == [first, first, second]
    assert [entry.attempt for entry in function.invocations] == [1, 1, 1]
    with pytest.raises(HandlerError, match="a whole number from 1"):
        function.duplicate_events(0)


def test_fates_of_events(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", failing)
    function.script(returns(1))
    first, second = send(lambda_esm, "f", 1), send(lambda_esm, "f", 2)
    assert [(fate.record, fate.fate) for fate in lambda_esm.fates(function.arn)] == [
        (first, "waiting"),
        (second, "waiting"),
    ]
    lambda_esm.clock.advance()
    assert [(fate.record, fate.fate) for fate in lambda_esm.fates(function.arn)] == [
        (first, "done"),
        (second, "waiting"),
    ]
    lambda_esm.clock.run_until_idle()
    assert [(fate.record, fate.fate) for fate in lambda_esm.fates(function.arn)] == [
        (first, "done"),
        (second, "discarded"),
    ]
    assert function.metrics["AsyncEventsDropped"] == 1
    assert function.metrics["AsyncEventsReceived"] == 2


def test_the_fate_of_an_event_with_only_a_dead_letter_queue(lambda_esm: FakeLambda) -> None:
    sqs = lambda_esm.client("sqs")
    url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead-letters"
    function = lambda_esm.function("f", failing, dead_letter=arn)
    first = send(lambda_esm, "f", 1)
    lambda_esm.clock.run_until_idle()
    sqs.delete_queue(QueueUrl=url)
    second = send(lambda_esm, "f", 2)
    lambda_esm.clock.run_until_idle()
    assert {fate.record: fate.fate for fate in lambda_esm.fates(function.arn)} == {
        first: "sent to a destination",
        second: "discarded",
    }
    assert (function.metrics["AsyncEventsDropped"], function.metrics["DeadLetterErrors"]) == (1, 1)


def test_an_event_is_given_up_after_six_hours(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    function.script(*[throttled()] * 200)
    send(lambda_esm, "f")
    lambda_esm.clock.advance(hours=5, minutes=50)
    assert lambda_esm.fates(function.arn) == [] or lambda_esm.fates(function.arn)[0].fate == "waiting"
    lambda_esm.clock.run_until_idle()
    [fate] = lambda_esm.fates(function.arn)
    assert fate.fate == "discarded"
    assert "EventAgeExceeded" in fate.detail
    assert timedelta(hours=5, minutes=50) < fate.at - lambda_esm.config.start <= timedelta(hours=6)


def test_a_handler_that_changes_its_event(lambda_esm: FakeLambda) -> None:
    """Each attempt gets the event as it was sent, and so do the destination and the dead-letter queue."""
    sqs, seen = lambda_esm.client("sqs"), []
    arns = {}
    for name in ("failures", "dead-letters"):
        sqs.create_queue(QueueName=name)
        arns[name] = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def handler(event: Any, context: Any) -> None:
        seen.append(json.dumps(event))
        event["items"].append("changed")
        event.clear()
        raise ValueError

    function = lambda_esm.function("f", handler, dead_letter=arns["dead-letters"])
    lambda_esm.client("lambda").put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": arns["failures"]}}
    )
    send(lambda_esm, "f", {"items": [1]})
    lambda_esm.clock.run_until_idle()
    assert seen == ['{"items": [1]}'] * 3
    assert [invocation.event for invocation in function.invocations] == [{"items": [1]}] * 3
    for name, sent in (("failures", lambda body: body["requestPayload"]), ("dead-letters", lambda body: body)):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        [message] = sqs.receive_message(QueueUrl=url)["Messages"]
        assert sent(json.loads(message["Body"])) == {"items": [1]}


@pytest.mark.lambda_esm(account_concurrency=150)
def test_a_hundred_stay_unreserved(lambda_esm: FakeLambda) -> None:
    """Reservations leave a hundred concurrent invocations for all other functions."""
    lambda_esm.function("reserving", lambda event, context: None, reserved_concurrency=140)
    function = lambda_esm.function("f", lambda event, context: None, duration=10)
    for number in range(101):
        send(lambda_esm, "f", number)
    lambda_esm.clock.advance(0.5)
    assert (len(function.invocations), function.metrics["Throttles"]) == (100, 1)


def test_an_event_for_a_function_that_is_gone_is_dropped(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    request = send(lambda_esm, "f")
    lambda_esm.client("lambda").delete_function(FunctionName="f")
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []
    [fate] = lambda_esm.fates(function.arn)
    assert (fate.record, fate.fate, fate.detail) == (request, "discarded", "the function does not exist (any more)")


def test_an_event_for_an_alias_that_is_gone_is_dropped(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None)
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.publish_version(FunctionName="f")
    aws_lambda.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    send(lambda_esm, "f", Qualifier="live")
    aws_lambda.delete_alias(FunctionName="f", Name="live")
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []
    assert [fate.fate for fate in lambda_esm.fates(function.arn)] == ["discarded"]


GONE = (
    f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone",
    f"arn:aws:sns:{REGION}:{ACCOUNT}:gone",
    f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:gone",
    f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/gone",
    "arn:aws:s3:::gone",
)


QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/gone"
MAKERS = {
    "sqs": (
        lambda fake: fake.client("sqs").create_queue(QueueName="gone"),
        lambda fake: fake.client("sqs").delete_queue(QueueUrl=QUEUE_URL),
    ),
    "sns": (
        lambda fake: fake.client("sns").create_topic(Name="gone"),
        lambda fake: fake.client("sns").delete_topic(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:gone"),
    ),
    "s3": (
        lambda fake: fake.client("s3").create_bucket(Bucket="gone"),
        lambda fake: fake.client("s3").delete_bucket(Bucket="gone"),
    ),
    "events": (
        lambda fake: fake.client("events").create_event_bus(Name="gone"),
        lambda fake: fake.client("events").delete_event_bus(Name="gone"),
    ),
    "lambda": (
        lambda fake: fake.function("gone"),
        lambda fake: fake.client("lambda").delete_function(FunctionName="gone"),
    ),
}


@pytest.mark.parametrize("target", GONE)
def test_a_destination_that_is_gone_is_a_failed_delivery(lambda_esm: FakeLambda, target: str) -> None:
    function = lambda_esm.function("f", failing, dead_letter=f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone")
    make, remove = MAKERS[target.split(":")[2]]
    make(lambda_esm)
    lambda_esm.client("lambda").put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": target}}
    )
    remove(lambda_esm)
    send(lambda_esm, "f")
    lambda_esm.clock.run_until_idle()
    assert (function.metrics["DestinationDeliveryFailures"], function.metrics["DeadLetterErrors"]) == (1, 1)
    deliveries = [entry for entry in lambda_esm.timeline.of("delivery") if entry.detail.startswith("failed: ")]
    assert [entry.subject for entry in deliveries] == [target, f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"]
    assert lambda_esm.errors == ()


def test_a_fifo_queue_is_no_destination(lambda_esm: FakeLambda) -> None:
    sqs = lambda_esm.client("sqs")
    sqs.create_queue(QueueName="d.fifo", Attributes={"FifoQueue": "true"})
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:d.fifo"
    function = lambda_esm.function("f", failing, dead_letter=target)
    lambda_esm.client("lambda").put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": target}}
    )
    send(lambda_esm, "f")
    lambda_esm.clock.run_until_idle()
    assert (function.metrics["DestinationDeliveryFailures"], function.metrics["DeadLetterErrors"]) == (1, 1)
    [fate] = lambda_esm.fates(function)
    assert fate.fate == "discarded"


def test_explaining_a_function_by_its_name(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", failing)
    lambda_esm.function("other", failing)
    send(lambda_esm, "f")
    send(lambda_esm, "other")
    told = lambda_esm.explain(function)
    assert f"for {function.arn}: attempt 1 is due at" in told
    assert "other" not in told.partition("Next:")[0]
    assert lambda_esm.explain("f") == lambda_esm.explain(function.arn) == told


def test_a_loop_through_the_queue_is_stopped_and_its_event_kept(lambda_esm: FakeLambda) -> None:
    sqs = lambda_esm.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    function = lambda_esm.function(
        "f", lambda event, context: send(lambda_esm, "f", event + 1), dead_letter=f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    )
    send(lambda_esm, "f", 1)
    lambda_esm.clock.run_until_idle()
    assert [entry.event for entry in function.invocations] == list(range(1, 17))
    assert function.metrics["RecursiveInvocationsDropped"] == 1
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "17"


def test_a_function_may_be_allowed_to_loop(lambda_esm: FakeLambda) -> None:
    def handler(event: Any, context: Any) -> None:
        if event < 30:
            send(lambda_esm, "f", event + 1)

    function = lambda_esm.function("f", handler)
    aws_lambda = lambda_esm.client("lambda")
    assert aws_lambda.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate"
    aws_lambda.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    assert aws_lambda.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Allow"
    send(lambda_esm, "f", 1)
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 30
    aws_lambda.put_function_recursion_config(FunctionName="f", RecursiveLoop="Terminate")
    send(lambda_esm, "f", 1)
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 46
    with pytest.raises(aws_lambda.exceptions.ResourceNotFoundException):
        aws_lambda.get_function_recursion_config(FunctionName="gone")


def test_moto_forgets_events_with_everything_else(lambda_esm: FakeLambda) -> None:
    from moto.backends import get_backend

    function = lambda_esm.function("f", lambda event, context: None)
    send(lambda_esm, "f")
    get_backend("lambda")[ACCOUNT][REGION].reset()
    lambda_esm.function("f", lambda event, context: None)
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []


def test_an_event_sent_by_a_handler_is_accepted_at_its_own_time(lambda_esm: FakeLambda) -> None:
    def sender(event: Any, context: Any) -> None:
        time.sleep(2)
        send(lambda_esm, "f")

    lambda_esm.function("sender", sender)
    function = lambda_esm.function("f", lambda event, context: None)
    start = lambda_esm.clock.now
    send(lambda_esm, "sender")
    lambda_esm.clock.advance(1.9)
    assert function.invocations == []
    lambda_esm.clock.run_until_idle()
    assert [entry.started - start for entry in function.invocations] == [timedelta(seconds=2)]


# --- concurrency ---------------------------------------------------------------------------------------------


def test_reserved_concurrency_holds_for_what_runs_at_the_same_time(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("f", lambda event, context: None, duration=10, timeout=20, reserved_concurrency=2)
    start = lambda_esm.clock.now
    for number in range(3):
        send(lambda_esm, "f", number)
    lambda_esm.clock.run_until_idle()
    # The third backs off after 1, 2, 4 and 8 seconds: at 15 s there is room.
    assert [(entry.event, (entry.started - start).total_seconds()) for entry in function.invocations] == [
        (0, 0),
        (1, 0),
        (2, 15),
    ]
    assert function.metrics["Throttles"] == 4


@pytest.mark.lambda_esm(account_concurrency=1)
def test_the_accounts_limit_holds_over_all_functions_and_ways_to_invoke(lambda_esm: FakeLambda) -> None:
    aws_lambda = lambda_esm.client("lambda")
    lambda_esm.function("slow", lambda event, context: None, duration=10, timeout=20)
    other = lambda_esm.function("other", lambda event, context: None)
    send(lambda_esm, "slow")
    lambda_esm.clock.advance(1)
    import boto3
    from botocore.config import Config

    impatient = boto3.client("lambda", region_name=REGION, config=Config(retries={"max_attempts": 0}))
    with pytest.raises(aws_lambda.exceptions.ClientError) as caught:
        impatient.invoke(FunctionName="other")
    assert caught.value.response["Reason"] == "ConcurrentInvocationLimitExceeded"
    lambda_esm.clock.advance(9)
    impatient.invoke(FunctionName="other")
    assert len(other.invocations) == 1


def test_reserved_concurrency_changes_at_once_and_dropped_events_are_not_replayed(lambda_esm: FakeLambda) -> None:
    aws_lambda = lambda_esm.client("lambda")
    function = lambda_esm.function("f", lambda event, context: None)
    aws_lambda.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    send(lambda_esm, "f", 1)
    lambda_esm.clock.run_until_idle()
    aws_lambda.delete_function_concurrency(FunctionName="f")
    send(lambda_esm, "f", 2)
    lambda_esm.clock.run_until_idle()
    assert [entry.event for entry in function.invocations] == [2]


def test_a_throttled_mapping_leaves_the_messages_in_the_queue(lambda_esm: FakeLambda) -> None:
    sqs = lambda_esm.client("sqs")
    url = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    function = lambda_esm.function("f", lambda event, context: None, reserved_concurrency=0)
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.create_event_source_mapping(EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders", FunctionName="f")
    lambda_esm.clock.advance(10)
    sqs.send_message(QueueUrl=url, MessageBody="1")
    lambda_esm.clock.advance(1)
    assert function.invocations == []
    assert function.metrics["Throttles"] >= 1
    aws_lambda.delete_function_concurrency(FunctionName="f")
    lambda_esm.clock.run_until_idle()
    [invocation] = function.invocations
    assert invocation.attempt == 1  # The batch was kept: throttles do not count as receives.


def test_settings_of_a_function_that_are_refused(lambda_esm: FakeLambda) -> None:
    with pytest.raises(ConfigurationError, match="reserved_concurrency takes a whole number from 0"):
        lambda_esm.function("f", reserved_concurrency=-1)
    with pytest.raises(ConfigurationError, match="dead_letter takes an ARN"):
        lambda_esm.function("f", dead_letter="no arn")
    lambda_esm.function("g")
    for values in ({"timeout": 901}, {"timeout": 0}, {"memory": 127}, {"memory": 10_241}):
        [(name, value)] = values.items()
        with pytest.raises(ConfigurationError, match=f"{name} takes .* whole .*, not {value}"):
            lambda_esm.function("large", **values)
    with pytest.raises(ConfigurationError, match="put_function_concurrency"):
        lambda_esm.function("g", reserved_concurrency=1)
