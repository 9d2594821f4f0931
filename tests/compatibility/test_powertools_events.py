"""Powertools' data classes and models read the events of topics, buckets, rules and log groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from helpers.triggers import bodies, log_data, messages, notify, put, queue_arn, rule_to, topic_with
from pytest_lambda_esm import FakeLambda

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")

Events = Callable[[], Any]


@pytest.fixture
def classes() -> Any:
    return pytest.importorskip("aws_lambda_powertools.utilities.data_classes")


@pytest.fixture
def models() -> Any:
    pytest.importorskip("pydantic")
    return pytest.importorskip("aws_lambda_powertools.utilities.parser.models")


@pytest.fixture
def arn(lambda_esm: FakeLambda) -> str:
    return lambda_esm.function("worker", lambda event, context: None).arn


@pytest.fixture
def event(lambda_esm: FakeLambda) -> Events:
    """Return the only event that the function gets when the clock moves."""

    def only() -> Any:
        lambda_esm.clock.run_until_idle()
        [invocation] = lambda_esm.invocations
        return invocation.event

    return only


def put_object(kind: str, arn: str) -> None:
    notify("photos", kind, arn, "s3:ObjectCreated:*").put_object(Bucket="photos", Key="my cat.jpg", Body=b"x")


def publish(topic: str) -> str:
    attributes = {"n": {"DataType": "Number", "StringValue": "5"}}
    answer = boto3.client("sns").publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
    return str(answer["MessageId"])


def test_a_topic(classes: Any, models: Any, arn: str, event: Events) -> None:
    topic, subscription = topic_with("lambda", arn)
    message_id = publish(topic)
    [record] = classes.SNSEvent(event()).records
    assert (record.event_subscription_arn, record.sns.message_id) == (subscription, message_id)
    assert (record.sns.message_attributes["n"].get_type, record.sns.message_attributes["n"].value) == ("Number", "5")
    assert models.SnsModel(**event()).Records[0].Sns.TopicArn == topic


@pytest.mark.parametrize("name", ["news", "news.fifo"])
def test_a_topic_through_a_queue(lambda_esm: FakeLambda, classes: Any, models: Any, name: str) -> None:
    topic, _ = topic_with("sqs", queue_arn("q"), name=name)
    order = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if name.endswith(".fifo") else {}
    boto3.client("sns").publish(TopicArn=topic, Message="m", **order)
    [body] = bodies("q")
    assert models.SnsNotificationModel(**body).Message == "m"


def test_a_bucket(classes: Any, models: Any, arn: str, event: Events) -> None:
    put_object("Lambda", arn)
    found = classes.S3Event(event())
    assert (found.bucket_name, found.object_key) == ("photos", "my cat.jpg")
    assert found.record.response_elements["x-amz-request-id"]
    [record] = models.S3Model(**event()).Records
    assert record.s3.object.size == 1


def test_a_deletion(models: Any, arn: str, event: Events) -> None:
    s3 = notify("photos", "Lambda", arn, "s3:ObjectRemoved:*")
    s3.put_object(Bucket="photos", Key="k", Body=b"x")
    s3.delete_object(Bucket="photos", Key="k")
    [record] = models.S3Model(**event()).Records
    assert record.s3.object.eTag is None


def test_a_bucket_through_a_topic(lambda_esm: FakeLambda, classes: Any, arn: str) -> None:
    topic, _ = topic_with("lambda", arn)
    put_object("Topic", topic)
    lambda_esm.clock.run_until_idle()
    message = json.loads(classes.SNSEvent(lambda_esm.invocations[-1].event).sns_message)
    assert classes.S3Event(message).object_key == "my cat.jpg"


def test_a_bucket_through_a_queue(lambda_esm: FakeLambda, models: Any) -> None:
    put_object("Queue", queue_arn("q"))
    _test_event, message = messages("q")
    assert models.S3Model.model_validate_json(message["Body"]).Records[0].s3.bucket.name == "photos"


def test_a_bucket_through_a_rule(classes: Any, models: Any, arn: str, event: Events) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="photos")
    s3.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    configuration: Any = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration=configuration)
    rule_to(arn, {"source": ["aws.s3"]})
    version = s3.put_object(Bucket="photos", Key="k", Body=b"x")["VersionId"]
    detail = classes.S3EventBridgeNotificationEvent(event()).detail
    assert (detail.object.key, detail.object.version_id, detail.reason) == ("k", version, "PutObject")
    assert models.S3EventNotificationEventBridgeModel(**event()).detail.object.key == "k"


def test_a_rule(classes: Any, models: Any, arn: str, event: Events) -> None:
    event_id = put(rule_to(arn, {"source": ["shop"]}), {"a": 1})
    found = classes.EventBridgeEvent(event())
    assert (found.get_id, found.detail_type, found.detail) == (event_id, "sold", {"a": 1})
    assert models.EventBridgeModel(**event()).detail == {"a": 1}


def test_log_groups(classes: Any, models: Any, arn: str, event: Events) -> None:
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="", destinationArn=arn)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1767225600000, "message": "m"}])
    [entry] = classes.CloudWatchLogsEvent(event()).parse_logs_data().log_events
    assert (entry.get_id, entry.message) == (log_data(event())["logEvents"][0]["id"], "m")
    [parsed] = models.CloudWatchLogsModel(**event()).awslogs.decoded_data.logEvents
    assert parsed.message == "m"
