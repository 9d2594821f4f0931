"""The log of calls to services other than Lambda."""

import time

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.queues import make_queue, send, subscribe
from pytest_lambda_esm import FaultError, connection_reset


def produce(lambda_esm):
    """Call every service that the log is made for, once, in this order."""
    boto3.client("sqs").create_queue(QueueName="orders")
    boto3.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    boto3.client("dynamodb").list_tables()
    boto3.client("sns").create_topic(Name="news")
    boto3.client("s3").create_bucket(Bucket="files")
    boto3.client("events").list_rules()
    boto3.client("lambda").list_functions()


def test_calls_to_every_service_are_logged(lambda_esm):
    produce(lambda_esm)
    assert [call.name for call in lambda_esm.calls.all] == [
        "sqs.CreateQueue",
        "kinesis.CreateStream",
        "dynamodb.ListTables",
        "sns.CreateTopic",
        "s3.CreateBucket",
        "events.ListRules",
        "ListFunctions",
    ]


def test_the_log_itself_stays_the_one_of_lambda(lambda_esm):
    produce(lambda_esm)
    assert [call.operation for call in lambda_esm.calls] == ["ListFunctions"]
    assert len(lambda_esm.calls) == 1
    assert lambda_esm.calls.last.service == "lambda"


def test_an_operation_of_another_service_has_a_prefix(lambda_esm):
    url = make_queue()
    send(url, "a", "b")
    [first, _] = lambda_esm.calls.of("sqs.SendMessage")
    assert (first.service, first.operation, first.status, first.error) == ("sqs", "SendMessage", 200, None)
    assert first.params == {"QueueUrl": url, "MessageBody": "a"}
    assert first.region == "us-east-1"
    assert first.at == lambda_esm.clock.now
    assert str(first) == f"sqs.SendMessage(QueueUrl={url!r}, MessageBody='a') -> 200"
    assert len(lambda_esm.calls.of("sqs.*")) == 3
    assert lambda_esm.calls.of("lambda.*") == []


def test_calls_of_handlers_are_logged_at_the_handlers_time(lambda_esm):
    url, other = make_queue(), make_queue("others")

    def handler(event, context):
        time.sleep(1)
        send(other, "from the handler")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url)
    send(url, "x")
    start = lambda_esm.clock.now
    lambda_esm.clock.run_until_idle()
    [call] = [call for call in lambda_esm.calls.of("sqs.SendMessage") if call.params["QueueUrl"] == other]
    assert (call.at - start).total_seconds() == 1


def test_they_can_be_asserted(lambda_esm):
    url = make_queue()
    send(url, "a", "b")
    calls = lambda_esm.calls
    calls.assert_called("sqs.SendMessage", times=2, QueueUrl=url)
    calls.assert_called("sqs.SendMessage", times=1, MessageBody="b")
    calls.assert_called("sqs.*", times=3)
    calls.assert_called("kinesis.PutRecord", times=0)
    with pytest.raises(
        AssertionError, match=r"expected sqs\.SendMessage\(MessageBody='c'\) to be called at least once"
    ):
        calls.assert_called("sqs.SendMessage", MessageBody="c")
    with pytest.raises(AssertionError, match=r"sqs\.SendMessage has no parameter 'QueueURL'\. Did you mean 'QueueUrl'"):
        calls.assert_called("sqs.SendMessage", QueueURL=url)
    with pytest.raises(AssertionError, match=r"calls of others: sqs\.CreateQueue, sqs\.SendMessage\."):
        calls.assert_called("kinesis.PutRecord")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sqs:SendMessage", "Did you mean 'sqs.SendMessage'?"),
        ("SQS:SendMessage", "Did you mean 'sqs.SendMessage'?"),
        ("SendMessage", "Did you mean 'sqs.SendMessage'?"),
        ("sqs.SendMesage", "Did you mean 'sqs.SendMessage'"),
        ("SQS.SendMessage", "Did you mean 'sqs'"),
        ("sqs.send_message", "Did you mean 'sqs.SendMessage'"),
        ("GetFuncton", "Did you mean 'GetFunction'"),
        ("poller.Read", "which make no calls"),
        (7, "Lambda has no operation 7."),
    ],
)
def test_a_wrong_name_gets_the_right_one(lambda_esm, name, hint):
    with pytest.raises(AssertionError) as info:
        lambda_esm.calls.of(name)
    assert hint in str(info.value)


def test_a_fault_suggests_the_right_name_as_well(lambda_esm):
    with pytest.raises(FaultError, match=r"Did you mean 'sqs\.SendMessage'\?"):
        lambda_esm.faults.add("sqs:SendMessage", "RequestThrottled")


@pytest.mark.parametrize(
    ("call", "name", "error"),
    [
        (lambda: boto3.client("s3").get_object(Bucket="none", Key="x"), "s3.GetObject", "NoSuchBucket"),
        (
            lambda: boto3.client("dynamodb").get_item(TableName="none", Key={"id": {"S": "x"}}),
            "dynamodb.GetItem",
            "ResourceNotFoundException",
        ),
        (lambda: boto3.client("sns").publish(TopicArn="arn:aws:sns:us-east-1:1:x", Message="x"), "sns.Publish", None),
    ],
    ids=["xml", "json", "query"],
)
def test_a_refused_call_has_the_error_that_its_client_gets(lambda_esm, call, name, error):
    with pytest.raises(ClientError) as info:
        call()
    [logged] = lambda_esm.calls.of(name)
    assert logged.error == info.value.response["Error"]["Code"] == (error or logged.error)
    assert logged.message == info.value.response["Error"]["Message"]
    assert logged.status == info.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_each_attempt_is_a_call_with_what_it_met(lambda_esm):
    lambda_esm.faults.add("dynamodb.ListTables", connection_reset())
    lambda_esm.faults.add("dynamodb.ListTables", "InternalServerError")
    boto3.client("dynamodb").list_tables()
    calls = lambda_esm.calls.of("dynamodb.ListTables")
    assert [(call.attempt, call.status, call.error) for call in calls] == [
        (1, 0, "ConnectionClosedError"),
        (2, 500, "InternalServerError"),
        (3, 200, None),
    ]
    assert len({call.logical_id for call in calls}) == 1


def test_parameters_are_those_of_the_moment_of_the_call(lambda_esm):
    boto3.client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "1"}}
    boto3.client("dynamodb").put_item(TableName="t", Item=item)
    item["id"]["S"] = "changed later"
    assert lambda_esm.calls.of("dynamodb.PutItem")[0].params["Item"] == {"id": {"S": "1"}}


def test_the_timeline_shows_them_folded(lambda_esm):
    send(make_queue(), *"abcdef")
    assert [entry.subject for entry in lambda_esm.timeline.of("request")] == [
        "sqs.CreateQueue",
        *["sqs.SendMessage"] * 6,
    ]
    lines = str(lambda_esm.timeline).splitlines()
    assert len(lines) == 5
    assert lines[2].endswith("request     sqs.SendMessage: orders -> 200")
    assert "this 4 times more" in lines[3]
