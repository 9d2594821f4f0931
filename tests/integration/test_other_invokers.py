"""Services of moto that invoke functions, and the two other operations that invoke functions."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pytest_lambda_esm import FakeLambda, Function, NotSimulated

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def function(lambda_esm: FakeLambda) -> Function:
    return lambda_esm.function("f", lambda event, context: event)


def only_event(fake: FakeLambda, function: Function) -> Any:
    """The only event that arrives when the clock moves, and not before."""
    assert function.invocations == []
    fake.clock.run_until_idle()
    [invocation] = function.invocations
    return invocation.event


def test_sns(lambda_esm: FakeLambda, function: Function) -> None:
    sns = lambda_esm.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn)
    sns.publish(TopicArn=topic, Message="hello")
    event = only_event(lambda_esm, function)
    assert event["Records"][0]["EventSource"] == "aws:sns"
    assert event["Records"][0]["Sns"]["Message"] == "hello"


def test_sns_to_a_function_that_is_gone(lambda_esm: FakeLambda, function: Function) -> None:
    sns = lambda_esm.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn)
    lambda_esm.client("lambda").delete_function(FunctionName="f")
    sns.publish(TopicArn=topic, Message="hello")
    [entry] = lambda_esm.timeline.of("delivery")
    assert entry.detail == f"failed: the function {function.arn} does not exist"


def test_s3_notifications(lambda_esm: FakeLambda, function: Function) -> None:
    s3 = lambda_esm.client("s3")
    s3.create_bucket(Bucket="photos")
    s3.put_bucket_notification_configuration(
        Bucket="photos",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": function.arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(Bucket="photos", Key="k", Body=b"x")
    event = only_event(lambda_esm, function)
    assert event["Records"][0]["s3"]["object"]["key"] == "k"


def test_rules_of_eventbridge(lambda_esm: FakeLambda, function: Function) -> None:
    events = lambda_esm.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "f", "Arn": function.arn}])
    entry = {"Source": "shop", "DetailType": "sold", "Detail": json.dumps({"article": "lamp"})}
    events.put_events(Entries=[entry, {**entry, "Source": "other"}])
    event = only_event(lambda_esm, function)
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "sold", {"article": "lamp"})
    assert (event["account"], event["region"], event["time"]) == (ACCOUNT, REGION, "2026-01-01T00:00:00Z")


def test_a_rule_that_is_disabled(lambda_esm: FakeLambda, function: Function) -> None:
    events = lambda_esm.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}), State="DISABLED")
    events.put_targets(Rule="r", Targets=[{"Id": "f", "Arn": function.arn}])
    entry = {"Source": "shop", "DetailType": "sold", "Detail": "{}"}
    events.put_events(Entries=[entry])
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []
    events.enable_rule(Name="r")
    events.put_events(Entries=[entry])
    assert only_event(lambda_esm, function)["detail-type"] == "sold"


def test_a_destinations_event_in_a_queue(lambda_esm: FakeLambda, function: Function) -> None:
    sqs, events = lambda_esm.client("sqs"), lambda_esm.client("events")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}])
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": bus}})
    aws_lambda.invoke(FunctionName="f", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    event = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    members = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    assert list(event) == members
    assert (event["account"], event["time"]) == (ACCOUNT, "2026-01-01T00:00:00Z")


def test_a_rule_with_a_queue_beside_a_function(lambda_esm: FakeLambda, function: Function) -> None:
    sqs, events = lambda_esm.client("sqs"), lambda_esm.client("events")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    targets = [{"Id": "f", "Arn": function.arn}, {"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}]
    events.put_targets(Rule="r", Targets=targets)
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])
    assert only_event(lambda_esm, function)["source"] == "shop"
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


INPUTS = (
    ({"Input": '{"constant": 1}'}, {"constant": 1}),
    ({"InputPath": "$.detail.article"}, "lamp"),
    (
        {"InputTransformer": {"InputPathsMap": {"what": "$.detail.article"}, "InputTemplate": '{"it": "<what>"}'}},
        {"it": "lamp"},
    ),
    (
        {"InputTransformer": {"InputPathsMap": {"all": "$.detail"}, "InputTemplate": '{"it": <all>, "no": <none>}'}},
        '{"it": {"article": "lamp"}, "no": <none>}',
    ),
    (
        {"InputTransformer": {"InputPathsMap": {"tag": "$.detail.tags[1]"}, "InputTemplate": '"a <tag>"'}},
        "a null",
    ),
)


@pytest.mark.parametrize(("target", "expected"), INPUTS)
def test_what_a_rule_sends(lambda_esm: FakeLambda, function: Function, target: dict[str, Any], expected: Any) -> None:
    events = lambda_esm.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "f", "Arn": function.arn, **target}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": json.dumps({"article": "lamp"})}])
    assert only_event(lambda_esm, function) == expected


def test_log_subscriptions(lambda_esm: FakeLambda, function: Function) -> None:
    logs = lambda_esm.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(logGroupName="g", filterName="all", filterPattern="", destinationArn=function.arn)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1767225600000, "message": "m"}])
    data = json.loads(gzip.decompress(base64.b64decode(only_event(lambda_esm, function)["awslogs"]["data"])))
    assert [entry["message"] for entry in data["logEvents"] if entry["message"] == "m"] == ["m"]


def test_a_subscription_to_a_functions_own_log(lambda_esm: FakeLambda, function: Function) -> None:
    logs = lambda_esm.client("logs")
    lambda_esm.function("noisy", lambda event, context: print("noise"))
    logs.create_log_group(logGroupName="/aws/lambda/noisy")
    logs.put_subscription_filter(
        logGroupName="/aws/lambda/noisy", filterName="all", filterPattern="", destinationArn=function.arn
    )
    lambda_esm.client("lambda").invoke(FunctionName="noisy")
    data = json.loads(gzip.decompress(base64.b64decode(only_event(lambda_esm, function)["awslogs"]["data"])))
    assert "noise\n" in [entry["message"] for entry in data["logEvents"]]


def test_rotation_of_secrets(lambda_esm: FakeLambda, function: Function) -> None:
    secrets = lambda_esm.client("secretsmanager")
    secrets.create_secret(Name="s", SecretString="x")
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=function.arn, RotationRules={"AutomaticallyAfterDays": 1})
    assert function.invocations == []
    lambda_esm.clock.run_until_idle()
    steps = [entry.event["Step"] for entry in function.invocations]
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]


# --- aliases ---------------------------------------------------------------------------------------------


def through_topic(fake: FakeLambda, arn: str) -> None:
    sns = fake.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello")


def through_bucket(fake: FakeLambda, arn: str) -> None:
    s3 = fake.client("s3")
    s3.create_bucket(Bucket="photos")
    target = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="photos", NotificationConfiguration={"LambdaFunctionConfigurations": [target]}
    )
    s3.put_object(Bucket="photos", Key="k", Body=b"x")


def through_subscription(fake: FakeLambda, arn: str) -> None:
    logs = fake.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(logGroupName="g", filterName="all", filterPattern="", destinationArn=arn)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1767225600000, "message": "m"}])


def through_rule(fake: FakeLambda, arn: str) -> None:
    events = fake.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "f", "Arn": arn}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])


def through_secret(fake: FakeLambda, arn: str) -> None:
    secrets = fake.client("secretsmanager")
    secrets.create_secret(Name="s", SecretString="x")
    rules = {"AutomaticallyAfterDays": 1}
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=arn, RotationRules=rules, RotateImmediately=False)


@pytest.mark.parametrize(
    "invoke",
    [through_topic, through_bucket, through_subscription, through_rule, through_secret],
    ids=lambda i: i.__name__,
)
def test_an_alias_is_invoked_with_its_version_and_its_config(
    lambda_esm: FakeLambda, invoke: Callable[[FakeLambda, str], None]
) -> None:
    def failing(event: Any, context: Any) -> None:
        raise ValueError("no")

    lambda_esm.function("f", failing)
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.publish_version(FunctionName="f")
    alias = aws_lambda.create_alias(FunctionName="f", Name="live", FunctionVersion="1")["AliasArn"]
    aws_lambda.put_function_event_invoke_config(FunctionName="f", Qualifier="live", MaximumRetryAttempts=0)
    invoke(lambda_esm, alias)
    lambda_esm.clock.run_until_idle()
    [invocation] = lambda_esm.invocations
    assert (invocation.context.invoked_function_arn, invocation.context.function_version) == (alias, "1")


def test_the_weights_of_an_alias_hold_for_a_topic(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f", lambda event, context: None)
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.publish_version(FunctionName="f")
    aws_lambda.update_function_configuration(FunctionName="f", Timeout=5)
    aws_lambda.publish_version(FunctionName="f")
    weights = {"AdditionalVersionWeights": {"2": 1.0}}
    alias = aws_lambda.create_alias(FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weights)
    through_topic(lambda_esm, alias["AliasArn"])
    lambda_esm.clock.run_until_idle()
    assert [invocation.context.function_version for invocation in lambda_esm.invocations] == ["2"]


# --- InvokeAsync, InvokeWithResponseStream -------------------------------------------------------------------


def test_invoke_async(lambda_esm: FakeLambda, function: Function) -> None:
    aws_lambda = lambda_esm.client("lambda")
    answer = aws_lambda.invoke_async(FunctionName="f", InvokeArgs=b'{"a": 1}')
    assert answer["Status"] == 202
    assert only_event(lambda_esm, function) == {"a": 1}
    with pytest.raises(aws_lambda.exceptions.InvalidRequestContentException):
        aws_lambda.invoke_async(FunctionName="f", InvokeArgs=b"{")
    with pytest.raises(aws_lambda.exceptions.ResourceNotFoundException):
        aws_lambda.invoke_async(FunctionName="gone", InvokeArgs=b"{}")


def test_invoke_with_response_stream(lambda_esm: FakeLambda, function: Function) -> None:
    aws_lambda = lambda_esm.client("lambda")
    answer = aws_lambda.invoke_with_response_stream(FunctionName="f", Payload=b'{"a": 1}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    chunk, complete = list(answer["EventStream"])
    assert chunk == {"PayloadChunk": {"Payload": b'{"a": 1}'}}
    assert base64.b64decode(complete["InvokeComplete"]["LogResult"]).startswith(b"START RequestId: ")


def test_a_dry_run_of_a_response_stream_runs_nothing(lambda_esm: FakeLambda, function: Function) -> None:
    aws_lambda = lambda_esm.client("lambda")
    answer = aws_lambda.invoke_with_response_stream(FunctionName="f", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    with pytest.raises(aws_lambda.exceptions.ResourceNotFoundException):
        aws_lambda.invoke_with_response_stream(FunctionName="gone", InvocationType="DryRun")
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []


def _json_of(size: int) -> bytes:
    return b'"' + b"x" * (size - 2) + b'"'


@pytest.mark.parametrize(
    ("operation", "member", "largest", "text"),
    [
        ("invoke_async", "InvokeArgs", 262_144, "262145 byte payload is too large for the InvokeAsync invocation type"),
        (
            "invoke_with_response_stream",
            "Payload",
            6_291_456,
            "Request must be smaller than 6291456 bytes for the InvokeWithResponseStream operation",
        ),
        ("invoke", "Payload", 6_291_456, "Request must be smaller than 6291456 bytes for the InvokeFunction operation"),
    ],
)
def test_the_largest_request(
    lambda_esm: FakeLambda, function: Function, operation: str, member: str, largest: int, text: str
) -> None:
    aws_lambda = lambda_esm.client("lambda")
    getattr(aws_lambda, operation)(FunctionName="f", **{member: _json_of(largest)})
    lambda_esm.clock.run_until_idle()
    with pytest.raises(ClientError, match=text) as caught:
        getattr(aws_lambda, operation)(FunctionName="f", **{member: _json_of(largest + 1)})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert len(function.invocations) == 1


def test_the_largest_event(lambda_esm: FakeLambda, function: Function) -> None:
    aws_lambda = lambda_esm.client("lambda")
    answer = aws_lambda.invoke(FunctionName="f", InvocationType="Event", Payload=_json_of(1_048_576))
    assert answer["StatusCode"] == 202
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations[0].event) == 1_048_574


def test_an_error_in_a_response_stream(lambda_esm: FakeLambda) -> None:
    def failing(event: Any, context: Any) -> None:
        raise ValueError("no")

    lambda_esm.function("f", failing)
    answer = lambda_esm.client("lambda").invoke_with_response_stream(FunctionName="f")
    [complete] = list(answer["EventStream"])
    assert complete["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(complete["InvokeComplete"]["ErrorDetails"])["errorType"] == "ValueError"


@pytest.mark.lambda_esm(strict=False)
def test_members_that_are_not_simulated(lambda_esm: FakeLambda, function: Function) -> None:
    aws_lambda = lambda_esm.client("lambda")
    if "TenantId" not in aws_lambda.meta.service_model.operation_model("Invoke").input_shape.members:
        pytest.skip("this botocore does not know of tenants")
    with pytest.raises(NotSimulated, match="TenantId"):
        aws_lambda.invoke(FunctionName="f", TenantId="t")


def test_functions_of_cloudformation_have_dead_letters(lambda_esm: FakeLambda) -> None:
    sqs, cloudformation = lambda_esm.client("sqs"), lambda_esm.client("cloudformation")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    role = lambda_esm.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    template = {
        "Resources": {
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "f",
                    "Runtime": "python3.12",
                    "Role": role,
                    "Handler": "index.handler",
                    "Code": {"ZipFile": "def handler(event, context):\n    raise ValueError('no')\n"},
                    "DeadLetterConfig": {"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
                },
            }
        }
    }
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    lambda_esm.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b"1")
    lambda_esm.clock.run_until_idle()
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [("not JSON", "Expecting value"), ("1" * 5000, "Exceeds the limit"), ("[" * 100_000, "while decoding")],
    ids=["not JSON", "5,000 digits", "nested"],
)
def test_an_event_that_the_runtime_cannot_read(
    lambda_esm: FakeLambda, function: Function, text: str, problem: str
) -> None:
    sqs, events = lambda_esm.client("sqs"), lambda_esm.client("events")
    url = sqs.create_queue(QueueName="failed")["QueueUrl"]
    lambda_esm.client("lambda").put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"}},
    )
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "f", "Arn": function.arn, "Input": text}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])
    lambda_esm.clock.run_until_idle()
    [invocation] = function.invocations
    assert invocation.error is not None
    assert invocation.error.type == "Runtime.UnmarshalError"
    assert invocation.error.message.startswith("Unable to unmarshal input: ")
    assert problem in invocation.error.message
    record = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert record["requestPayload"] == text
    assert record["responsePayload"]["errorType"] == "Runtime.UnmarshalError"
