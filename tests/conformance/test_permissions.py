"""What AWS answers where policies do not allow something, with ``permissions="enforce"``."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.conformance import ACCOUNT, REGION, Facts, client
from helpers.queues import make_queue
from helpers.roles import allow, grant, make_function, make_role
from pytest_lambda_esm import FakeLambda

FACTS = Facts("Permissions")
pytestmark = pytest.mark.lambda_esm(permissions="enforce", region=REGION)

HERE = f"{REGION}:{ACCOUNT}"
USER = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/orders-role/orders is not authorized to perform:"
QUEUE = f"arn:aws:sqs:{HERE}:orders"
STREAM = f"arn:aws:kinesis:{HERE}:stream/clicks"
NO_STREAM = (
    "Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream,"
    " and ListStreams Actions on your stream in IAM."
)


def refused(lambda_esm: FakeLambda, service: str, method: str, **params: Any) -> tuple[str, str, int]:
    """Return the code, the text and the status that a handler gets whose role allows nothing."""
    found: list[tuple[str, str, int]] = []

    def handler(event: Any, context: Any) -> None:
        with pytest.raises(ClientError) as refusal:
            getattr(boto3.client(service), method)(**params)
        answer: Any = refusal.value.response
        found.append(
            (answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"])
        )

    make_function(make_role())
    lambda_esm.function("orders", handler)
    client("lambda").invoke(FunctionName="orders")
    return found[0]


def because(action: str, resource: str) -> str:
    return f"{USER} {action} on resource: {resource} because no identity-based policy allows the {action} action"


def refusal_of_mapping(source: str, **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as refusal:
        client("lambda").create_event_source_mapping(FunctionName="orders", EventSourceArn=source, **params)
    answer: Any = refusal.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


@FACTS("i1-json", "reported", "A call that the role does not allow names its user, its action and the resource.")
def test_dynamodb(lambda_esm: FakeLambda) -> None:
    table = f"arn:aws:dynamodb:{HERE}:table/orders"
    found = refused(lambda_esm, "dynamodb", "put_item", TableName="orders", Item={"id": {"S": "1"}})
    assert found == ("AccessDeniedException", because("dynamodb:PutItem", table), 400)


@FACTS("i1-rest-json", "reported", "Lambda refuses such a call with 403, and names lambda:InvokeFunction.")
def test_lambda(lambda_esm: FakeLambda) -> None:
    function = f"arn:aws:lambda:{HERE}:function:orders"
    found = refused(lambda_esm, "lambda", "invoke", FunctionName="orders")
    assert found == ("AccessDeniedException", because("lambda:InvokeFunction", function), 403)


@FACTS("i1-sqs", "reported", "SQS spells its actions in lower case; a batch needs the action of a single message.")
def test_sqs(lambda_esm: FakeLambda) -> None:
    entries = [{"Id": "1", "MessageBody": "x"}]
    found = refused(lambda_esm, "sqs", "send_message_batch", QueueUrl=make_queue(), Entries=entries)
    assert found == ("AccessDenied", because("sqs:sendmessage", QUEUE), 403)


@FACTS("i1-sns", "reported", "SNS answers AuthorizationError, and spells its own name in capitals.")
def test_sns(lambda_esm: FakeLambda) -> None:
    topic = client("sns").create_topic(Name="news")["TopicArn"]
    found = refused(lambda_esm, "sns", "publish", TopicArn=topic, Message="x")
    assert found == ("AuthorizationError", because("SNS:Publish", topic), 403)


@FACTS("i1-s3", "reported", "S3 answers AccessDenied, with the resource in quotes.")
def test_s3(lambda_esm: FakeLambda) -> None:
    client("s3").create_bucket(Bucket="files")
    found = refused(lambda_esm, "s3", "put_object", Bucket="files", Key="a")
    assert found == ("AccessDenied", because("s3:PutObject", '"arn:aws:s3:::files/a"'), 403)


@FACTS("i1-head", "documented", "A HEAD request has no body: its status is the code.")
def test_head(lambda_esm: FakeLambda) -> None:
    client("s3").create_bucket(Bucket="files")
    assert refused(lambda_esm, "s3", "head_object", Bucket="files", Key="a") == ("403", "Forbidden", 403)


@FACTS("i1-deny", "reported", "An explicit denial is named as such, with the kind of the policy.")
def test_explicit_denial(lambda_esm: FakeLambda) -> None:
    client("s3").create_bucket(Bucket="files")
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    found: list[str] = []

    def handler(event: Any, context: Any) -> None:
        with pytest.raises(ClientError) as refusal:
            boto3.client("s3").put_object(Bucket="files", Key="a")
        found.append(refusal.value.response["Error"]["Message"])

    make_function(make_role(allow("*"), statement))
    lambda_esm.function("orders", handler)
    client("lambda").invoke(FunctionName="orders")
    resource = '"arn:aws:s3:::files/a"'
    assert found == [f"{USER} s3:PutObject on resource: {resource} with an explicit deny in an identity-based policy"]


@FACTS("i1-caller", "documented", "Everybody may call GetCallerIdentity, whatever the policies say.")
def test_caller_identity(lambda_esm: FakeLambda) -> None:
    make_function(make_role({"Effect": "Deny", "Action": "*", "Resource": "*"}))
    lambda_esm.function("orders", lambda event, context: boto3.client("sts").get_caller_identity()["Account"])
    assert client("lambda").invoke(FunctionName="orders")["Payload"].read() == f'"{ACCOUNT}"'.encode()


@FACTS("i2-sqs", "reported", "A mapping of a queue that the role may not receive from, or delete from, is refused.")
def test_mapping_of_a_queue(lambda_esm: FakeLambda) -> None:
    make_queue()
    make_function(make_role())
    text = "The function execution role does not have permissions to call {} on SQS"
    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        assert refusal_of_mapping(QUEUE) == ("InvalidParameterValueException", text.format(action), 400)
        grant(allow(f"sqs:{action}", QUEUE), name=action)
    assert client("lambda").create_event_source_mapping(FunctionName="orders", EventSourceArn=QUEUE)


@FACTS("i2-kinesis", "reported", "A mapping of a stream that the role may not read is refused, with the actions.")
def test_mapping_of_a_stream(lambda_esm: FakeLambda) -> None:
    client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    make_function(make_role(allow("kinesis:GetRecords")))
    found = refusal_of_mapping(STREAM, StartingPosition="LATEST")
    assert found == ("InvalidParameterValueException", NO_STREAM.format(arn=STREAM), 400)


@FACTS("i2-list", "reported", "A mapping of a stream needs neither ListShards nor ListStreams.")
def test_rights_that_a_stream_does_not_need(lambda_esm: FakeLambda) -> None:
    client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    make_function(
        make_role(allow(["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"], STREAM))
    )
    assert client("lambda").create_event_source_mapping(
        FunctionName="orders", EventSourceArn=STREAM, StartingPosition="LATEST"
    )


@FACTS("i2-dynamodb", "reported", "The same for the stream of a table.")
def test_mapping_of_a_table(lambda_esm: FakeLambda) -> None:
    arn = client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    make_function(make_role(allow("dynamodb:*", f"arn:aws:dynamodb:{HERE}:table/orders")))
    found = refusal_of_mapping(arn, StartingPosition="LATEST")
    assert found == ("InvalidParameterValueException", NO_STREAM.format(arn=arn), 400)


@FACTS("i2-problem", "chosen", "A mapping whose role loses a right shows the same text after PROBLEM, and waits.")
def test_lost_right(lambda_esm: FakeLambda) -> None:
    url = make_queue()
    make_function(make_role(allow("sqs:*")))
    uuid = client("lambda").create_event_source_mapping(FunctionName="orders", EventSourceArn=QUEUE)["UUID"]
    lambda_esm.clock.advance(60)
    grant(allow("sqs:DeleteMessage"))
    client("sqs").send_message(QueueUrl=url, MessageBody="x")
    lambda_esm.clock.advance(60)
    answer = client("lambda").get_event_source_mapping(UUID=uuid)
    text = "PROBLEM: The function execution role does not have permissions to call ReceiveMessage on SQS"
    assert (answer["State"], answer["LastProcessingResult"]) == ("Enabled", text)


@FACTS("i3-trust", "reported", "Lambda has to be able to assume the role of a function.")
def test_trust(lambda_esm: FakeLambda) -> None:
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    role = make_role(trust={"Version": "2012-10-17", **trust})
    with pytest.raises(ClientError) as refusal:
        make_function(role)
    assert refusal.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "The role defined for the function cannot be assumed by Lambda.",
    }


@FACTS("i3-dead-letters", "reported", "The role of a function has to allow sending to its dead-letter queue.")
def test_dead_letter_queue(lambda_esm: FakeLambda) -> None:
    make_queue()
    role = make_role()
    with pytest.raises(ClientError) as refusal:
        make_function(role, DeadLetterConfig={"TargetArn": QUEUE})
    assert refusal.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "The provided execution role does not have permissions to call SendMessage on SQS",
    }


@FACTS("i4-bucket", "reported", "S3 refuses notifications for what does not let it send.")
def test_bucket(lambda_esm: FakeLambda) -> None:
    make_queue()
    client("s3").create_bucket(Bucket="files")
    queues = [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}]
    with pytest.raises(ClientError) as refusal:
        client("s3").put_bucket_notification_configuration(
            Bucket="files", NotificationConfiguration={"QueueConfigurations": queues}
        )
    error: Any = refusal.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
    )
    assert "QueueConfigurations" not in client("s3").get_bucket_notification_configuration(Bucket="files")


def letter_of(lambda_esm: FakeLambda, url: str) -> dict[str, str]:
    lambda_esm.clock.advance(hours=1)
    [letter] = client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    return {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}


@FACTS("i5-rule", "documented", "What a rule may not send goes to the target's dead-letter queue without a retry.")
def test_rule(lambda_esm: FakeLambda) -> None:
    make_queue()
    dead = make_queue("dead")
    statement = allow("sqs:SendMessage", Principal={"Service": "events.amazonaws.com"})
    client("sqs").set_queue_attributes(QueueUrl=dead, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    client("events").put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    target = {"Id": "1", "Arn": QUEUE, "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{HERE}:dead"}}
    client("events").put_targets(Rule="hourly", Targets=[target])
    assert letter_of(lambda_esm, dead)["ERROR_CODE"] == "NO_PERMISSIONS"


def make_schedule() -> str:
    make_queue()
    dead = make_queue("dead")
    client("scheduler").create_schedule(
        Name="hourly",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": QUEUE,
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/orders-role",
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{HERE}:dead"},
        },
    )
    return dead


@FACTS("i5-schedule-role", "reported", "A schedule is refused whose role EventBridge Scheduler cannot assume.")
def test_role_of_a_schedule(lambda_esm: FakeLambda) -> None:
    make_role()
    with pytest.raises(ClientError) as refusal:
        make_schedule()
    assert refusal.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    }


@FACTS("i5-schedule", "chosen", "What a schedule's role does not allow is not retried, and has the target's own code.")
def test_schedule(lambda_esm: FakeLambda) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    make_role(allow("sqs:SendMessage", f"arn:aws:sqs:{HERE}:dead"), trust={"Statement": [trust]})
    found = letter_of(lambda_esm, make_schedule())
    assert (found["ERROR_CODE"], found["RETRY_ATTEMPTS"]) == ("AccessDenied", "0")
