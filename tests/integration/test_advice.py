"""Advice: for each code a scenario in which it appears, and a neighbour in which production works and it stays away."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig
from botocore.exceptions import ReadTimeoutError

from helpers.advice import (
    ACCOUNT,
    REGION,
    REPORTS,
    aws_lambda,
    connect,
    connect_kafka,
    fails,
    kafka,
    put,
    queue,
    read_stream,
    report,
    reserve,
    send,
    works,
)
from helpers.mq import subscribe
from helpers.roles import allow, make_function, make_role
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.advice_catalogue import CATALOGUE

SCENARIOS: dict[str, Callable[[FakeLambda, bool], None]] = {}


def scenario(test: Callable[[FakeLambda, bool], None]) -> Callable[[FakeLambda, bool], None]:
    """Register a function whose name begins with a code. It does the wrong thing, or its neighbour."""
    code = test.__name__.partition("_")[0].upper()
    assert code not in SCENARIOS
    SCENARIOS[code] = test
    return test


@pytest.mark.parametrize("wrong", [True, False], ids=["appears", "stays away"])
@pytest.mark.parametrize("code", CATALOGUE)
def test_each_code(code: str, wrong: bool) -> None:
    with FakeLambda(region=REGION, archive_imports="advise") as fake:
        SCENARIOS[code](fake, wrong)
        advice = [each for each in fake.take_advice() if each.code == code]
        in_timeline = [entry for entry in fake.timeline if entry.kind == "advice" and entry.detail.startswith(code)]
    assert bool(advice) == bool(in_timeline) == wrong, advice
    for each in advice:
        assert str(each).startswith(f"{code}: ")
        assert str(each).endswith(f". See docs/reference/advice/{code}.md")
        assert not re.search(r"\{\w+(!r)?(:\w+)?\}", str(each)), "a placeholder is left"


# --- queues ------------------------------------------------------------------------------------------------


@scenario
def esm101_visibility(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue(VisibilityTimeout="60")
    fake.function("orders", works, timeout=10)
    connect(arn)
    if wrong:
        sqs = boto3.client("sqs", region_name=REGION)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})


@scenario
def esm102_visibility(fake: FakeLambda, wrong: bool) -> None:
    _, arn = queue(VisibilityTimeout="60")
    fake.function("orders", works, timeout=10)
    uuid = connect(arn)
    fake.clock.advance(10)
    assert fake.take_advice() == []
    if wrong:
        aws_lambda().update_event_source_mapping(UUID=uuid, BatchSize=100, MaximumBatchingWindowInSeconds=20)


@scenario
def esm103_low_reserved(fake: FakeLambda, wrong: bool) -> None:
    _, arn = queue(dead_letters=3)
    fake.function("orders", works)
    reserve("orders", 2)
    connect(arn, **({} if wrong else {"ScalingConfig": {"MaximumConcurrency": 2}}))


@scenario
def esm104_overbooked(fake: FakeLambda, wrong: bool) -> None:
    fake.function("orders", works)
    reserve("orders", 5)
    for name in ("first", "second"):
        connect(queue(name)[1], ScalingConfig={"MaximumConcurrency": 5 if wrong else 2})


@scenario
def esm105_identifier(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue()
    member = "receiptHandle" if wrong else "messageId"
    fake.function("orders", lambda event, context: report(event["Records"][0][member]))
    connect(arn, **REPORTS)
    send(url, "a")
    fake.clock.advance(10)


@scenario
def esm106_not_reported(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue()
    fake.function("orders", lambda event, context: report(event["Records"][0]["messageId"]))
    connect(arn, **({} if wrong else REPORTS))
    send(url, "a")
    fake.clock.advance(10)


@scenario
def esm107_empty_answer(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue()
    answers = [None, {} if wrong else report(), None]
    fake.function("orders", lambda event, context: answers.pop(0))
    connect(arn, BatchSize=1, **REPORTS)
    send(url, "a", "b", "c")
    fake.clock.advance(10)


@scenario
def esm108_whole_batch(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue()
    fake.function("orders", fails)
    connect(arn, BatchSize=10 if wrong else 1)
    send(url, "a", "b")
    fake.clock.advance(10)


@scenario
def esm109_overtaken(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue("orders.fifo")

    def handler(event: Any, context: Any) -> Any:
        ids = [record["messageId"] for record in event["Records"]]
        return report(*(ids[1:2] if wrong else ids[1:]))

    fake.function("orders", handler)
    connect(arn, **REPORTS)
    send(url, "a", "b", "c", MessageGroupId="A")
    fake.clock.advance(10)


@scenario
def esm110_blocked_group(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue("orders.fifo", dead_letters=None if wrong else 5)
    fake.function("orders", fails)
    connect(arn)
    send(url, "a", MessageGroupId="A")
    fake.clock.advance(120)


@scenario
def esm111_format(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue()
    fake.function("orders", works)
    pattern = json.dumps({"body": {"kind": ["order"]}})
    connect(arn, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    send(url, "an order" if wrong else '{"kind": "other"}')
    fake.clock.advance(10)


@scenario
def esm112_short_window(fake: FakeLambda, wrong: bool) -> None:
    _, arn = queue(VisibilityTimeout="60")
    fake.function("orders", works)
    connect(arn, MaximumBatchingWindowInSeconds=5 if wrong else 20)


# --- streams -----------------------------------------------------------------------------------------------


@scenario
def esm113_poison(fake: FakeLambda, wrong: bool) -> None:
    read_stream(fake, fails, "a", **({} if wrong else {"MaximumRetryAttempts": 10}))
    fake.clock.advance(60)


@scenario
def esm114_bisect(fake: FakeLambda, wrong: bool) -> None:
    read_stream(fake, fails, "a", "b", BisectBatchOnFunctionError=wrong, MaximumRetryAttempts=1)
    fake.clock.advance(60)


@scenario
def esm115_counter(fake: FakeLambda, wrong: bool) -> None:
    def handler(event: Any, context: Any) -> Any:
        numbers = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
        return report(numbers[-1 if wrong else 0])

    read_stream(fake, handler, "a", "b", MaximumRetryAttempts=1, **REPORTS)
    fake.clock.advance(60)


@scenario
def esm116_throttles(fake: FakeLambda, wrong: bool) -> None:
    read_stream(fake, works, "a", MaximumRetryAttempts=1, **({} if wrong else {"MaximumRecordAgeInSeconds": 60}))
    reserve("clicks", 0)
    fake.clock.advance(120)


@scenario
def esm117_no_data(fake: FakeLambda, wrong: bool) -> None:
    boto3.client("s3", region_name=REGION).create_bucket(Bucket="failures")
    destination = queue("failures")[1] if wrong else "arn:aws:s3:::failures"
    settings = {"DestinationConfig": {"OnFailure": {"Destination": destination}}, "MaximumRetryAttempts": 0}
    read_stream(fake, fails, "a", **settings)
    fake.clock.advance(10)


@scenario
def esm118_latest(fake: FakeLambda, wrong: bool) -> None:
    read_stream(fake, works, "before", StartingPosition="LATEST")
    if wrong:
        put("while it is Creating")
    fake.clock.advance(10)
    put("after")
    fake.clock.advance(10)


@scenario
def esm119_disabled(fake: FakeLambda, wrong: bool) -> None:
    uuid = read_stream(fake, works)
    fake.clock.advance(10)
    aws_lambda().update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.advance(10)
    put("a")
    fake.clock.advance(hours=25 if wrong else 20)
    aws_lambda().update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.advance(10)


@scenario
def esm121_state(fake: FakeLambda, wrong: bool) -> None:
    read_stream(fake, lambda event, context: {} if wrong else {"state": {}}, "a", TumblingWindowInSeconds=60)
    fake.clock.advance(10)


@scenario
def esm122_hopeless(fake: FakeLambda, wrong: bool) -> None:
    table = boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="prices",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    fake.function("prices", works)
    values = [{"numeric": [">", 10]}] if wrong else ["20", {"numeric": [">", 10]}]
    pattern = json.dumps({"dynamodb": {"NewImage": {"price": {"N": values}}}})
    arn = table["TableDescription"]["LatestStreamArn"]
    connect(arn, "prices", StartingPosition="TRIM_HORIZON", FilterCriteria={"Filters": [{"Pattern": pattern}]})


# --- functions and the control plane -----------------------------------------------------------------------


@scenario
def esm124_orphan(fake: FakeLambda, wrong: bool) -> None:
    _, arn = queue()
    fake.function("orders", works)
    uuid = connect(arn)
    fake.clock.advance(10)
    if not wrong:
        aws_lambda().delete_event_source_mapping(UUID=uuid)
    aws_lambda().delete_function(FunctionName="orders")


@scenario
def esm125_latest(fake: FakeLambda, wrong: bool) -> None:
    _, arn = queue()
    fake.function("orders", works)
    version = aws_lambda().publish_version(FunctionName="orders")["Version"]
    aws_lambda().create_alias(FunctionName="orders", Name="live", FunctionVersion=version)
    connect(arn, "orders" if wrong else "orders:live")


@scenario
def esm126_read_timeout(fake: FakeLambda, wrong: bool) -> None:
    fake.function("slow", works, timeout=60, duration=30)
    config = ClientConfig(read_timeout=10, retries={"total_max_attempts": 2 if wrong else 1})
    with suppress(ReadTimeoutError):
        boto3.client("lambda", region_name=REGION, config=config).invoke(FunctionName="slow")


@scenario
def esm128_age(fake: FakeLambda, wrong: bool) -> None:
    fake.function("mailer", works)
    aws_lambda().put_function_event_invoke_config(FunctionName="mailer", MaximumEventAgeInSeconds=60 if wrong else 90)


@scenario
def esm129_paused(fake: FakeLambda, wrong: bool) -> None:
    fake.function("mailer", works)
    reserve("mailer", 0 if wrong else 1)
    aws_lambda().invoke(FunctionName="mailer", InvocationType="Event", Payload=b"{}")
    fake.clock.advance(10)


@scenario
def esm130_targets(fake: FakeLambda, wrong: bool) -> None:
    _, letters = queue("letters")
    fake.function("mailer", works, dead_letter=letters if wrong else None)
    aws_lambda().put_function_event_invoke_config(
        FunctionName="mailer", DestinationConfig={"OnFailure": {"Destination": queue("failures")[1]}}
    )


@scenario
def esm131_kafka_format(fake: FakeLambda, wrong: bool) -> None:
    cluster = kafka(fake)
    cluster.produce("orders", "no JSON" if wrong else '{"kind": "order"}')
    pattern = json.dumps({"value": {"kind": ["order"]}})
    connect_kafka(cluster, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    fake.clock.advance(10)


@scenario
def esm132_group(fake: FakeLambda, wrong: bool) -> None:
    cluster = kafka(fake)
    cluster.produce("orders", "one")
    for group in ("first", "first" if wrong else "second"):
        uuid = connect_kafka(cluster, AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": group})
        fake.clock.advance(10)
        aws_lambda().delete_event_source_mapping(UUID=uuid)
        fake.clock.advance(10)


@scenario
def esm133_kafka_retries(fake: FakeLambda, wrong: bool) -> None:
    destination = {"DestinationConfig": {"OnFailure": {"Destination": queue("failures")[1]}}} if wrong else {}
    connect_kafka(kafka(fake), **destination)


@scenario
def esm134_large_message(fake: FakeLambda, wrong: bool) -> None:
    broker = fake.mq("main", engine="ActiveMQ")
    broker.queue("orders").send("x" * (6 * 1024 * 1024 if wrong else 1000))
    subscribe(fake, broker, works)


@scenario
def esm135_loop(fake: FakeLambda, wrong: bool) -> None:
    url, arn = queue()
    fake.function("orders", lambda event, context: send(url, "again") if wrong or not len(orders) else None)
    orders = fake.function("orders").invocations
    connect(arn)
    send(url, "first")
    fake.clock.advance(10)


@scenario
def esm136_broker(fake: FakeLambda, wrong: bool) -> None:
    failures = iter(range(7 if wrong else 6))

    def handler(event: Any, context: Any) -> None:
        if next(failures, None) is not None:
            raise ValueError("not yet")

    broker = fake.mq("main", engine="ActiveMQ")
    broker.queue("orders").send("a")
    subscribe(fake, broker, handler)
    fake.clock.run_until_idle()


@scenario
def esm137_function_error(fake: FakeLambda, wrong: bool) -> None:
    fake.function("prices", fails)
    response = aws_lambda().invoke(FunctionName="prices")
    assert response["StatusCode"] == 200
    if not wrong:
        assert response.get("FunctionError") == "Unhandled"


@scenario
def esm142_long_list(fake: FakeLambda, wrong: bool) -> None:
    _, arn = queue()
    for number in range(101 if wrong else 100):
        fake.function(f"f{number}", works)
        connect(arn, f"f{number}")
    aws_lambda().list_event_source_mappings(MaxItems=1000)


@scenario
def esm144_coroutine_function(fake: FakeLambda, wrong: bool) -> None:
    async def handler(event: Any, context: Any = None) -> None:
        await asyncio.sleep(1)

    fake.function("prices", handler if wrong else lambda event, context: asyncio.run(handler(event)))
    response = aws_lambda().invoke(FunctionName="prices")
    assert response.get("FunctionError") == ("Unhandled" if wrong else None)


# --- what differs between a test and Lambda ----------------------------------------------------------------


def deploy(code: str, **files: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {"lambda_function": code, **files}.items():
            archive.writestr(f"{name}.py", text)
    iam = boto3.client("iam", region_name=REGION)
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    aws_lambda().create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role=role,
        Handler="lambda_function.lambda_handler",
        Code={"ZipFile": buffer.getvalue()},
    )
    aws_lambda().invoke(FunctionName="f")


COUNT: list[int] = []


@scenario
def esm143_a_policy_does_not_allow_it(fake: FakeLambda, wrong: bool) -> None:
    arn = make_function(make_role(allow("s3:GetObject" if wrong else "s3:ListAllMyBuckets")))
    fake._recorded_world.permissions.advise([arn])
    fake.function("orders", lambda event, context: boto3.client("s3").list_buckets() and None)
    boto3.client("lambda").invoke(FunctionName="orders")


@scenario
def esm201_module_state(fake: FakeLambda, wrong: bool) -> None:
    def handler(event: Any, context: Any) -> None:
        globals()["COUNT"] = [len(COUNT)] if wrong else COUNT

    COUNT.clear()
    function = fake.function("f", handler, duration=10, timeout=3)
    for _ in range(2):
        aws_lambda().invoke(FunctionName="f")
    assert len(function.invocations) == 2


@scenario
def esm202_missing_module(fake: FakeLambda, wrong: bool) -> None:
    imported = "hypothesis" if wrong else "boto3"
    deploy(f"def lambda_handler(event, context):\n    import {imported}\n")


@scenario
def esm203_shadowed_module(fake: FakeLambda, wrong: bool) -> None:
    deploy("def lambda_handler(event, context):\n    import json\n", **({"json": ""} if wrong else {}))


@scenario
def esm204_state_machine(fake: FakeLambda, wrong: bool) -> None:
    arn = fake.function("orders", works).arn if wrong else "arn:aws:states:::sqs:sendMessage"
    states = boto3.client("stepfunctions", region_name=REGION)
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": arn, "End": True}}}
    role = f"arn:aws:iam::{ACCOUNT}:role/states"
    machine = states.create_state_machine(name="checkout", roleArn=role, definition=json.dumps(definition))
    states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")


@scenario
def esm205_ignored_type(fake: FakeLambda, wrong: bool) -> None:
    resource = {"Type": "AWS::ApiGatewayV2::Api" if wrong else "AWS::SNS::Topic"}
    template = json.dumps({"Resources": {"Thing": resource}})
    boto3.client("cloudformation", region_name=REGION).create_stack(StackName="shop", TemplateBody=template)


@scenario
def esm206_never_due(fake: FakeLambda, wrong: bool) -> None:
    boto3.client("scheduler", region_name=REGION).create_schedule(
        Name="report",
        ScheduleExpression="at(2020-01-01T00:00:00)" if wrong else "rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": fake.function("orders", works).arn, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/scheduler"},
    )
