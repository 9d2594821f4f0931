"""Asynchronous invocation as recorded from AWS: its timing, its destination records, its dead letters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from helpers.conformance import Facts
from pytest_lambda_esm import FakeLambda

pytestmark = pytest.mark.lambda_esm(advice="off")

FACT_TITLE = "Asynchronous invocation"
REGION, ACCOUNT = "us-east-1", "123456789012"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:my-function"
EVENT = {"hello": "world", "n": 1}


known = Facts(FACT_TITLE)


class Handler:
    """Fails a given number of times, then succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self, event: Any, context: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise Exception("Something went wrong")
        return {"done": True}


def queue(name: str) -> tuple[str, str]:
    url = boto3.client("sqs", region_name=REGION).create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def received(url: str) -> list[dict[str, Any]]:
    answer = boto3.client("sqs", region_name=REGION).receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


@dataclass(frozen=True)
class Row:
    """``attempts`` are the seconds at which the function runs; ``at`` when the record arrives."""

    id: str
    attempts: Sequence[float]
    condition: str
    at: float
    failures: int = 9
    config: dict[str, Any] = field(default_factory=dict)
    reserved: int | None = None
    duration: float = 0
    evidence: str = "recorded"

    @property
    def text(self) -> str:
        attempts = ", ".join(f"{second:g} s" for second in self.attempts) or "none"
        settings = "".join(f" with {name} {value}" for name, value in self.config.items())
        return f"Attempts{settings}: {attempts}. The record has {self.condition} and the count {len(self.attempts)}."


RECORDS = (
    Row("d2-default-retries", [0, 60, 180], "RetriesExhausted", 180),
    Row("d2-duration-counts", [0, 61, 182], "RetriesExhausted", 183, duration=1),
    Row("d2-no-retries", [0], "RetriesExhausted", 0, config={"MaximumRetryAttempts": 0}),
    Row("d2-one-retry", [0, 60], "RetriesExhausted", 60, config={"MaximumRetryAttempts": 1}),
    Row("d2-success-after-a-retry", [0, 60], "Success", 60, failures=1),
    Row("d2-age-60-means-no-retry", [0], "EventAgeExceeded", 0, config={"MaximumEventAgeInSeconds": 60}),
    Row("d2-age-90-means-one-retry", [0, 60], "EventAgeExceeded", 60, config={"MaximumEventAgeInSeconds": 90}),
    Row("d2-zero-reserved-concurrency", [], "ZeroReservedConcurrency", 0, reserved=0),
    Row("d3-success", [0], "Success", 0, failures=0),
)


@pytest.mark.parametrize("row", RECORDS, ids=lambda row: row.id)
def test_destination_record(lambda_esm: FakeLambda, row: Row) -> None:
    url, arn = queue("destination")
    function = lambda_esm.function(
        "my-function", Handler(row.failures), reserved_concurrency=row.reserved, duration=row.duration
    )
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.put_function_event_invoke_config(
        FunctionName="my-function",
        DestinationConfig={"OnSuccess": {"Destination": arn}, "OnFailure": {"Destination": arn}},
        **row.config,
    )
    start = lambda_esm.clock.now
    request = aws_lambda.invoke(FunctionName="my-function", InvocationType="Event", Payload=json.dumps(EVENT))
    request_id = request["ResponseMetadata"]["RequestId"]
    lambda_esm.clock.run_until_idle()

    assert [(entry.started - start).total_seconds() for entry in function.invocations] == row.attempts
    assert {entry.request_id for entry in function.invocations} <= {request_id}
    assert [entry.attempt for entry in function.invocations] == list(range(1, len(row.attempts) + 1))
    assert (lambda_esm.clock.now - start).total_seconds() == row.at
    [message] = received(url)
    assert "AWSTraceHeader" in message["Attributes"]
    record = json.loads(message["Body"])
    moment = lambda_esm.clock.now
    assert record.pop("timestamp") == f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    expected: dict[str, Any] = {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{FUNCTION_ARN}:$LATEST",
            "condition": row.condition,
            "approximateInvokeCount": len(row.attempts),
        },
        "requestPayload": EVENT,
    }
    if row.attempts:
        expected["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST"}
        expected["responsePayload"] = {"done": True}
    if row.attempts and row.condition != "Success":
        expected["responseContext"]["functionError"] = "Unhandled"
        error = function.invocations[-1].error
        assert error is not None
        expected["responsePayload"] = dict(error.payload)
        assert list(error.payload) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert record == expected
    assert list(record) == list(expected)


@known("d2-throttles", "documented", "Throttled events wait 1 s, doubling up to 5 minutes, and use no retries.")
def test_throttles_back_off_and_use_no_retries(lambda_esm: FakeLambda) -> None:
    from pytest_lambda_esm import throttled

    function = lambda_esm.function("my-function", Handler(2))
    function.script(*(throttled() for _ in range(10)))
    start = lambda_esm.clock.now
    lambda_esm.client("lambda").invoke(FunctionName="my-function", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    delays = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert [(entry.started - start).total_seconds() for entry in function.invocations] == [
        sum(delays),
        sum(delays) + 60,
        sum(delays) + 180,
    ]
    assert [entry.attempt for entry in function.invocations] == [1, 2, 3]
    assert function.metrics["Throttles"] == 10


@known(
    "d2-server-errors",
    "documented",
    "Events that meet an error of Lambda itself wait in the same way, and use no retries.",
)
def test_errors_of_lambda_itself_back_off_and_use_no_retries(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("my-function", Handler(2))
    lambda_esm.faults.add("poller.InvokeEvent", "failed", times=3, match={"Function": FUNCTION_ARN})
    start = lambda_esm.clock.now
    lambda_esm.client("lambda").invoke(FunctionName="my-function", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    assert [(entry.started - start).total_seconds() for entry in function.invocations] == [7, 67, 187]
    assert [entry.attempt for entry in function.invocations] == [1, 2, 3]


@known(
    "d2-throttled-for-the-whole-age", "documented", "An event that is throttled until its age ends in EventAgeExceeded."
)
def test_throttles_for_the_whole_age_end_in_event_age_exceeded(lambda_esm: FakeLambda) -> None:
    from pytest_lambda_esm import throttled

    url, arn = queue("destination")
    dead, dead_arn = queue("dead-letters")
    function = lambda_esm.function("my-function", Handler(0), dead_letter=dead_arn)
    function.script(*(throttled() for _ in range(100)))
    lambda_esm.client("lambda").put_function_event_invoke_config(
        FunctionName="my-function",
        MaximumEventAgeInSeconds=600,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    start = lambda_esm.clock.now
    lambda_esm.client("lambda").invoke(FunctionName="my-function", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []
    # Attempts at 0, 1, 3, 7 ... 511; the next one would come at 811.
    assert (lambda_esm.clock.now - start).total_seconds() == 511
    record = json.loads(received(url)[0]["Body"])
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in record
    assert received(dead)[0]["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"


@known("d2-code", "recorded", "A queued event runs the code that the function has when it runs.")
def test_code_is_that_of_the_time_of_execution(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("my-function", lambda event, context: "old")
    lambda_esm.client("lambda").invoke(FunctionName="my-function", InvocationType="Event")
    function = lambda_esm.function("my-function", lambda event, context: "new")
    lambda_esm.clock.run_until_idle()
    assert [entry.result for entry in function.invocations] == ["new"]


@known("d1-config-of-an-alias", "recorded", "An alias has its own config; the config of $LATEST does not apply to it.")
def test_config_of_latest_is_not_that_of_an_alias(lambda_esm: FakeLambda) -> None:
    url, arn = queue("destination")
    function = lambda_esm.function("my-function", Handler(0))
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.publish_version(FunctionName="my-function")
    aws_lambda.create_alias(FunctionName="my-function", Name="live", FunctionVersion="1")
    aws_lambda.put_function_event_invoke_config(
        FunctionName="my-function", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    aws_lambda.invoke(FunctionName="my-function", Qualifier="live", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    assert [entry.context.function_version for entry in function.invocations] == ["1"]
    assert received(url) == []
    aws_lambda.put_function_event_invoke_config(
        FunctionName="my-function", Qualifier="live", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    aws_lambda.invoke(FunctionName="my-function:live", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    record = json.loads(received(url)[0]["Body"])
    assert record["requestContext"]["functionArn"] == f"{FUNCTION_ARN}:live"
    assert record["responseContext"]["executedVersion"] == "1"


# --- destinations --------------------------------------------------------------------------------------------


@known("d3-topic", "documented", "A topic receives the record as its message.")
def test_topic_as_destination(lambda_esm: FakeLambda) -> None:
    url, arn = queue("subscriber")
    sns = lambda_esm.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    fail_towards(lambda_esm, topic)
    assert condition_of(json.loads(received(url)[0]["Body"])) == "RetriesExhausted"


@known("d3-function", "documented", "A function receives the record as its event.")
def test_function_as_destination(lambda_esm: FakeLambda) -> None:
    target = lambda_esm.function("target", lambda event, context: None)
    fail_towards(lambda_esm, target.arn)
    assert [condition_of(entry.event) for entry in target.invocations] == ["RetriesExhausted"]


@known("d3-bucket", "documented", "A bucket receives failures, under a key of function, date, time and a UUID.")
def test_bucket_as_destination(lambda_esm: FakeLambda) -> None:
    s3 = lambda_esm.client("s3")
    s3.create_bucket(Bucket="failures")
    fail_towards(lambda_esm, "arn:aws:s3:::failures")
    [entry] = s3.list_objects_v2(Bucket="failures")["Contents"]
    moment = lambda_esm.clock.now
    prefix = f"aws/lambda/async/my-function/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-"
    assert entry["Key"].startswith(prefix)
    assert len(entry["Key"]) == len(prefix) + 36
    assert condition_of(json.loads(s3.get_object(Bucket="failures", Key=entry["Key"])["Body"].read())) == (
        "RetriesExhausted"
    )


@known(
    "d3-event-bus",
    "recorded",
    "An event bus receives an event with the source lambda, and with the record as its detail.",
)
@pytest.mark.parametrize(("failures", "result"), [(0, "Success"), (9, "Failure")])
def test_event_bus_as_destination(lambda_esm: FakeLambda, failures: int, result: str) -> None:
    subscriber = lambda_esm.function("subscriber", lambda event, context: None)
    events = lambda_esm.client("events")
    bus = events.create_event_bus(Name="bus")["EventBusArn"]
    events.put_rule(Name="all", EventBusName="bus", EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "function", "Arn": subscriber.arn}])
    fail_towards(lambda_esm, bus, failures)
    [event] = [invocation.event for invocation in subscriber.invocations]
    assert event["time"] == "2026-01-01T00:00:00Z"
    assert event["detail-type"] == f"Lambda Function Invocation Result - {result}"
    assert (event["version"], event["source"], event["account"], event["region"]) == ("0", "lambda", ACCOUNT, REGION)
    assert event["resources"] == [bus, f"{FUNCTION_ARN}:$LATEST"]
    assert condition_of(event["detail"]) == ("Success" if result == "Success" else "RetriesExhausted")


def fail_towards(fake: FakeLambda, target: str, failures: int = 9) -> None:
    fake.function("my-function", Handler(failures))
    aws_lambda = fake.client("lambda")
    destinations = {"OnFailure": {"Destination": target}}
    if ":s3:" not in target:
        destinations["OnSuccess"] = {"Destination": target}
    aws_lambda.put_function_event_invoke_config(
        FunctionName="my-function", MaximumRetryAttempts=0, DestinationConfig=destinations
    )
    aws_lambda.invoke(FunctionName="my-function", InvocationType="Event")
    fake.clock.run_until_idle()


def condition_of(record: dict[str, Any]) -> str:
    return str(record["requestContext"]["condition"])


# --- dead letters --------------------------------------------------------------------------------------------


@known("d4-queue", "recorded", "The event as it was sent, with RequestID, ErrorCode (a Number) and ErrorMessage.")
def test_dead_letter_queue(lambda_esm: FakeLambda) -> None:
    url, arn = queue("dead-letters")
    lambda_esm.function("my-function", Handler(9), dead_letter=arn)
    aws_lambda = lambda_esm.client("lambda")
    request = aws_lambda.invoke(FunctionName="my-function", InvocationType="Event", Payload=b'{"hello":  "world"}')
    lambda_esm.clock.run_until_idle()
    [message] = received(url)
    assert message["Body"] == '{"hello":  "world"}'
    assert message["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": request["ResponseMetadata"]["RequestId"]},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "Something went wrong"},
    }


@known("d4-topic", "documented", "A dead-letter topic receives the same.")
def test_dead_letter_topic(lambda_esm: FakeLambda) -> None:
    url, arn = queue("subscriber")
    sns = lambda_esm.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    lambda_esm.function("my-function", Handler(9), dead_letter=topic)
    lambda_esm.client("lambda").invoke(FunctionName="my-function", InvocationType="Event", Payload=b"[1]")
    lambda_esm.clock.run_until_idle()
    [message] = received(url)
    assert message["Body"] == "[1]"
    assert message["MessageAttributes"]["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}


@known("d4-topic-attribute", "recorded", 'ErrorCode in a notification\'s MessageAttributes is the text "200".')
def test_error_code_of_a_dead_letter_topic(lambda_esm: FakeLambda) -> None:
    url, arn = queue("subscriber")
    sns = lambda_esm.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    lambda_esm.function("my-function", Handler(9), dead_letter=topic)
    lambda_esm.client("lambda").invoke(FunctionName="my-function", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    [message] = received(url)
    assert json.loads(message["Body"])["MessageAttributes"]["ErrorCode"] == {"Type": "Number", "Value": "200"}


@known("d4-message", "documented", "ErrorMessage is the first kilobyte of the error's message.")
def test_the_message_is_cut_after_a_kilobyte(lambda_esm: FakeLambda) -> None:
    url, arn = queue("dead-letters")

    def handler(event: Any, context: Any) -> None:
        raise ValueError("é" * 1000)

    lambda_esm.function("my-function", handler, dead_letter=arn)
    lambda_esm.client("lambda").invoke(FunctionName="my-function", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    assert received(url)[0]["MessageAttributes"]["ErrorMessage"]["StringValue"] == "é" * 512


@known("d4-asynchronous-only", "documented", "Synchronous invocations leave no dead letters.")
def test_only_asynchronous_invocations_have_dead_letters(lambda_esm: FakeLambda) -> None:
    url, arn = queue("dead-letters")
    lambda_esm.function("my-function", Handler(9), dead_letter=arn)
    lambda_esm.client("lambda").invoke(FunctionName="my-function")
    lambda_esm.clock.run_until_idle()
    assert received(url) == []


@known("d4-both", "reported", "If a function has a destination and a dead-letter queue, both receive the failed event.")
def test_both_the_destination_and_the_dead_letter_queue_receive_it(lambda_esm: FakeLambda) -> None:
    url, arn = queue("destination")
    dead, dead_arn = queue("dead-letters")
    lambda_esm.function("my-function", Handler(9), dead_letter=dead_arn, reserved_concurrency=0)
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.put_function_event_invoke_config(
        FunctionName="my-function", DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    aws_lambda.invoke(FunctionName="my-function", InvocationType="Event", Payload=b"1")
    lambda_esm.clock.run_until_idle()
    assert condition_of(json.loads(received(url)[0]["Body"])) == "ZeroReservedConcurrency"
    assert [message["Body"] for message in received(dead)] == ["1"]


@known("d4-removing", "recorded", "The answer to the update that removes the target still shows it.")
def test_removing_it_still_shows_it_in_the_answer(lambda_esm: FakeLambda) -> None:
    _, arn = queue("dead-letters")
    lambda_esm.function("my-function", Handler(0))
    aws_lambda = lambda_esm.client("lambda")
    show = aws_lambda.get_function_configuration
    aws_lambda.update_function_configuration(FunctionName="my-function", DeadLetterConfig={"TargetArn": arn})
    assert show(FunctionName="my-function")["DeadLetterConfig"] == {"TargetArn": arn}
    answer = aws_lambda.update_function_configuration(FunctionName="my-function", DeadLetterConfig={})
    assert answer["DeadLetterConfig"] == {"TargetArn": arn}
    assert "DeadLetterConfig" not in show(FunctionName="my-function")


ROWS = (*RECORDS, *known)
"""All facts of this file, for the page of facts."""
