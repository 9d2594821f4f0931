"""Pipes of EventBridge, through plain boto3: sources, filters, enrichment, targets and failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from pytest_lambda_esm import FakeLambda, NotSimulated

EventBridgePipesBackend: Any = pytest.importorskip(
    "moto.pipes.models", reason="this moto has no pipes"
).EventBridgePipesBackend

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipe"
PIPE = f"arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/orders"


@pytest.fixture
def pipes(lambda_esm: FakeLambda) -> Any:
    return lambda_esm.client("pipes")


@pytest.fixture
def pipe(pipes: Any) -> Callable[..., None]:
    def pipe(source: str, target: str, **given: Any) -> None:
        pipes.create_pipe(Name="orders", Source=source, Target=target, RoleArn=ROLE, **given)

    return pipe


def queue(name: str, **attributes: str) -> tuple[str, str]:
    url = boto3.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def send(url: str, *bodies: Any) -> None:
    for body in bodies:
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))


def bodies(url: str) -> list[Any]:
    sqs, found = boto3.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    return found


def test_messages_reach_a_function_as_a_list(lambda_esm: FakeLambda, pipe: Any) -> None:
    function = lambda_esm.function("orders", lambda event, context: None)
    url, arn = queue("orders")
    pipe(arn, function.arn, SourceParameters={"SqsQueueParameters": {"BatchSize": 2}})
    send(url, {"n": 1}, {"n": 2}, {"n": 3})
    lambda_esm.clock.run_until_idle()
    events = [invocation.event for invocation in function.invocations]
    assert sorted(len(event) for event in events) == [1, 2]
    first = events[0][0]
    assert (first["eventSource"], first["eventSourceARN"], json.loads(first["body"])["n"]) == ("aws:sqs", arn, 1)
    assert bodies(url) == []


def test_a_filter_drops_messages(lambda_esm: FakeLambda, pipe: Any) -> None:
    function = lambda_esm.function("orders", lambda event, context: None)
    url, arn = queue("orders")
    pattern = json.dumps({"body": {"n": [{"numeric": [">", 1]}]}})
    pipe(arn, function.arn, SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": pattern}]}})
    send(url, {"n": 1}, {"n": 2})
    lambda_esm.clock.run_until_idle()
    assert [json.loads(record["body"]) for each in function.invocations for record in each.event] == [{"n": 2}]


def test_an_enrichment_makes_what_the_target_gets(lambda_esm: FakeLambda, pipe: Any) -> None:
    def enrich(event: Any, context: Any) -> Any:
        return [{"price": 10 * json.loads(record["body"])["n"]} for record in event]

    enrichment = lambda_esm.function("enrich", enrich)
    (url, arn), (target_url, target) = queue("orders"), queue("priced")
    pipe(arn, target, Enrichment=enrichment.arn)
    send(url, {"n": 1}, {"n": 2})
    lambda_esm.clock.run_until_idle()
    assert bodies(target_url) == [{"price": 10}, {"price": 20}]


def test_an_enrichment_that_returns_nothing_ends_the_batch(lambda_esm: FakeLambda, pipe: Any) -> None:
    enrichment = lambda_esm.function("enrich", lambda event, context: [])
    (url, arn), (target_url, target) = queue("orders"), queue("priced")
    pipe(arn, target, Enrichment=enrichment.arn)
    send(url, {"n": 1})
    lambda_esm.clock.run_until_idle()
    assert bodies(target_url) == []
    assert bodies(url) == []


def test_a_failing_enrichment_brings_the_messages_back(lambda_esm: FakeLambda, pipe: Any) -> None:
    outcomes = iter([ValueError("no"), [{"ok": True}]])

    def enrich(event: Any, context: Any) -> Any:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    enrichment = lambda_esm.function("enrich", enrich)
    (url, arn), (target_url, target) = queue("orders", VisibilityTimeout="30"), queue("priced")
    pipe(arn, target, Enrichment=enrichment.arn)
    send(url, {"n": 1})
    lambda_esm.clock.advance(seconds=29)
    assert bodies(target_url) == []
    lambda_esm.clock.advance(seconds=1)
    assert bodies(target_url) == [{"ok": True}]


def test_a_function_reports_the_messages_that_failed(lambda_esm: FakeLambda, pipe: Any) -> None:
    def handler(event: Any, context: Any) -> Any:
        bad = [record["messageId"] for record in event if json.loads(record["body"])["n"] == 2]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}

    function = lambda_esm.function("orders", handler)
    url, arn = queue("orders", VisibilityTimeout="30")
    pipe(arn, function.arn)
    send(url, {"n": 1}, {"n": 2})
    lambda_esm.clock.advance(seconds=30)
    assert [len(each.event) for each in function.invocations] == [2, 1]


def test_events_reach_a_bus_with_their_default_names(lambda_esm: FakeLambda, pipe: Any) -> None:
    function = lambda_esm.function("audit", lambda event, context: None)
    events = lambda_esm.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["Pipe orders"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": function.arn}])
    url, arn = queue("orders")
    pipe(arn, f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    send(url, {"n": 1})
    lambda_esm.clock.run_until_idle()
    [invocation] = function.invocations
    assert invocation.event["detail-type"] == "Event from aws:sqs"
    assert json.loads(invocation.event["detail"]["body"]) == {"n": 1}


def test_fifo_queues_topics_and_asynchronous_functions(lambda_esm: FakeLambda, pipes: Any, pipe: Any) -> None:
    function = lambda_esm.function("orders", lambda event, context: None)
    (url, arn), (copy_url, copy) = queue("orders"), queue("copy")
    fifo_url, fifo = queue("jobs.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="orders")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=copy, Attributes={"RawMessageDelivery": "true"})
    targets: list[tuple[str, dict[str, Any]]] = [
        (fifo, {"SqsQueueParameters": {"MessageGroupId": "g"}}),
        (topic, {}),
        (function.arn, {"LambdaFunctionParameters": {"InvocationType": "FIRE_AND_FORGET"}}),
    ]
    for number, (target, parameters) in enumerate(targets):
        pipe(arn, target, TargetParameters=parameters)
        send(url, {"n": number})
        lambda_esm.clock.run_until_idle()
        pipes.delete_pipe(Name="orders")
    assert [json.loads(each["body"]) for each in bodies(fifo_url)] == [{"n": 0}]
    assert [json.loads(each["body"]) for each in bodies(copy_url)] == [{"n": 1}]
    [invocation] = function.invocations
    assert [json.loads(each["body"]) for each in invocation.event] == [{"n": 2}]


def test_records_of_kinesis_are_flat(lambda_esm: FakeLambda, pipe: Any) -> None:
    tries = []

    def handler(event: Any, context: Any) -> Any:
        tries.append([record["partitionKey"] for record in event])
        return {"batchItemFailures": [{"itemIdentifier": event[1]["eventID"]}]} if len(tries) == 1 else None

    function = lambda_esm.function("clicks", handler)
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
    pattern = json.dumps({"data": {"n": [{"numeric": [">", 0]}]}})
    pipe(
        arn,
        function.arn,
        SourceParameters={
            "FilterCriteria": {"Filters": [{"Pattern": pattern}]},
            "KinesisStreamParameters": {"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 3},
        },
    )
    for number in range(4):
        kinesis.put_record(StreamName="clicks", PartitionKey=f"k{number}", Data=json.dumps({"n": number}))
    lambda_esm.clock.run_until_idle()
    assert tries == [["k1", "k2", "k3"], ["k2", "k3"]]
    assert {fate.fate for fate in lambda_esm.fates(arn)} == {"done", "filtered out"}


def test_records_of_a_table(lambda_esm: FakeLambda, pipe: Any) -> None:
    function = lambda_esm.function("users", lambda event, context: None)
    dynamodb = boto3.client("dynamodb")
    arn = dynamodb.create_table(
        TableName="users",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    pipe(arn, function.arn, SourceParameters={"DynamoDBStreamParameters": {"StartingPosition": "LATEST"}})
    dynamodb.put_item(TableName="users", Item={"id": {"S": "1"}})
    lambda_esm.clock.run_until_idle()
    [invocation] = function.invocations
    assert [record["dynamodb"]["Keys"] for record in invocation.event] == [{"id": {"S": "1"}}]


def test_templates_shape_what_enrichment_and_target_get(lambda_esm: FakeLambda, pipe: Any) -> None:
    asked = []

    def enrich(event: Any, context: Any) -> Any:
        asked.append(event)
        return [{"price": 10 * each["pieces"]} for each in event]

    enrichment = lambda_esm.function("enrich", enrich)
    (url, arn), (target_url, target) = queue("orders"), queue("priced")
    pipe(
        arn,
        target,
        Enrichment=enrichment.arn,
        EnrichmentParameters={"InputTemplate": '{"pieces": <$.body.items[0].n>, "by": "<aws.pipes.pipe-name>"}'},
        TargetParameters={"InputTemplate": '{"text": "costs <$.price>"}'},
    )
    send(url, {"items": [{"n": 2}]})
    lambda_esm.clock.run_until_idle()
    assert asked == [[{"pieces": 2, "by": "orders"}]]
    assert bodies(target_url) == [{"text": "costs 20"}]


def test_a_pipe_is_stopped_started_and_deleted(lambda_esm: FakeLambda, pipes: Any, pipe: Any) -> None:
    if not hasattr(EventBridgePipesBackend, "start_pipe"):
        pytest.skip("this moto cannot start a pipe")
    function = lambda_esm.function("orders", lambda event, context: None)
    url, arn = queue("orders")
    pipe(arn, function.arn, DesiredState="STOPPED")
    send(url, {"n": 1})
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []
    assert "it does not poll in the state Disabled" in lambda_esm.explain(PIPE)
    pipes.start_pipe(Name="orders")
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1
    pipes.delete_pipe(Name="orders")
    send(url, {"n": 2})
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1


def test_a_target_that_refuses_brings_the_messages_back(lambda_esm: FakeLambda, pipe: Any) -> None:
    (url, arn), (target_url, target) = queue("orders", VisibilityTimeout="30"), queue("jobs")
    pipe(arn, target)
    lambda_esm.faults.add("poller.Send", "refused")
    send(url, {"n": 1})
    lambda_esm.clock.advance(seconds=29)
    assert bodies(target_url) == []
    lambda_esm.clock.advance(seconds=1)
    assert len(bodies(target_url)) == 1


def test_a_pipe_is_no_mapping(lambda_esm: FakeLambda, pipe: Any) -> None:
    function = lambda_esm.function("orders", lambda event, context: None)
    _, arn = queue("orders")
    pipe(arn, function.arn)
    assert lambda_esm.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert lambda_esm.mappings == []


def test_pipes_that_moto_had_before_the_fake() -> None:
    from moto import mock_aws

    with mock_aws():
        pipes, sqs = boto3.client("pipes", REGION), boto3.client("sqs", REGION)
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        target_url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        for name, target in (("orders", f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"), ("other", STATE_MACHINE)):
            pipes.create_pipe(Name=name, Source=QUEUE, Target=target, RoleArn=ROLE)
        with FakeLambda(region=REGION) as fake:
            sqs.send_message(QueueUrl=url, MessageBody="1")
            fake.clock.run_until_idle()
            assert "Messages" in sqs.receive_message(QueueUrl=target_url)
            [advice] = fake.take_advice()
            assert f"pipe other: the target {STATE_MACHINE} is not simulated" in str(advice)


STATE_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:orders"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a state machine": (QUEUE, STATE_MACHINE, {}),
    "an enrichment by a state machine": (QUEUE, FUNCTION, {"Enrichment": STATE_MACHINE}),
    "a broker": (f"arn:aws:mq:{REGION}:{ACCOUNT}:broker:b:b-1", FUNCTION, {}),
    "a wildcard": (QUEUE, FUNCTION, {"TargetParameters": {"InputTemplate": "<$.body[*].n>"}}),
    "a variable": (QUEUE, FUNCTION, {"EnrichmentParameters": {"InputTemplate": "<aws.pipes.color>"}}),
}


@pytest.mark.parametrize(("source", "target", "given"), REFUSED.values(), ids=list(REFUSED))
@pytest.mark.lambda_esm(strict=False)
def test_pipes_that_are_not_simulated(
    lambda_esm: FakeLambda, pipes: Any, pipe: Any, source: str, target: str, given: dict[str, Any]
) -> None:
    with pytest.raises(NotSimulated, match="is not simulated by pytest-lambda-esm"):
        pipe(source, target, **given)
    assert pipes.list_pipes()["Pipes"] == []
    assert len(lambda_esm.errors) == 1
