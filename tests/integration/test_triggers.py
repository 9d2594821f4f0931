"""What topics, buckets and rules send through several services, and what happens to what they cannot send."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from helpers.queues import subscribe
from helpers.triggers import ACCOUNT, REGION, bodies, messages, notify, put, queue_arn, rule_to, topic_with
from pytest_lambda_esm import FakeLambda, Function, NotSimulated

pytestmark = pytest.mark.lambda_esm(advice="off", region=REGION)


@pytest.fixture
def worker(lambda_esm: FakeLambda) -> Function:
    return lambda_esm.function("worker", lambda event, context: None)


def events_of(fake: FakeLambda) -> list[Any]:
    fake.clock.run_until_idle()
    return [invocation.event for invocation in fake.invocations]


# --- several services ------------------------------------------------------------------------------------------


def test_bucket_topic_queue_mapping_function(lambda_esm: FakeLambda, worker: Function) -> None:
    topic, _ = topic_with("sqs", queue_arn("q"), RawMessageDelivery="true")
    s3 = notify("photos", "Topic", topic, "s3:ObjectCreated:*")
    messages("q")  # The test event.
    subscribe(lambda_esm, boto3.client("sqs").get_queue_url(QueueName="q")["QueueUrl"], "worker")
    s3.put_object(Bucket="photos", Key="k", Body=b"x")
    lambda_esm.clock.advance(seconds=1)
    [event] = [invocation.event for invocation in worker.invocations]
    assert json.loads(event["Records"][0]["body"])["Records"][0]["s3"]["object"]["key"] == "k"


def test_the_test_event_of_a_topic_with_a_function(lambda_esm: FakeLambda, worker: Function) -> None:
    topic, _ = topic_with("lambda", worker.arn)
    notify("photos", "Topic", topic, "s3:ObjectCreated:*")
    [event] = events_of(lambda_esm)
    assert json.loads(event["Records"][0]["Sns"]["Message"])["Event"] == "s3:TestEvent"


def test_the_groups_of_a_fifo_topic_reach_the_function(lambda_esm: FakeLambda, worker: Function) -> None:
    topic, _ = topic_with("sqs", queue_arn("q.fifo"), name="news.fifo", RawMessageDelivery="true")
    subscribe(lambda_esm, boto3.client("sqs").get_queue_url(QueueName="q.fifo")["QueueUrl"], "worker")
    sns = boto3.client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ContentBasedDeduplication", AttributeValue="true")
    for text in ("one", "two", "two"):
        sns.publish(TopicArn=topic, Message=text, MessageGroupId="g")
    records = [record for event in events_of(lambda_esm) for record in event["Records"]]
    assert [(record["body"], record["attributes"]["MessageGroupId"]) for record in records] == [
        ("one", "g"),
        ("two", "g"),
    ]
    assert len({record["attributes"]["MessageDeduplicationId"] for record in records}) == 2


def test_a_fifo_topic_per_group(lambda_esm: FakeLambda) -> None:
    topic, _ = topic_with("sqs", queue_arn("q"), name="news.fifo", RawMessageDelivery="true")
    sns = boto3.client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="FifoThroughputScope", AttributeValue="MessageGroup")
    for group in ("a", "b", "a"):
        sns.publish(TopicArn=topic, Message=group, MessageGroupId=group, MessageDeduplicationId="same")
    assert sorted(message["Body"] for message in messages("q")) == ["a", "b"]


# --- SNS -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1", "2"])
def test_signatures_can_be_verified(lambda_esm: FakeLambda, version: str) -> None:
    requests = pytest.importorskip("requests")
    topic, _ = topic_with("sqs", queue_arn("q"))
    sns = boto3.client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    sns.publish(TopicArn=topic, Message="m", Subject="s")
    [body] = bodies("q")
    assert body["SignatureVersion"] == version
    signed = "".join(
        f"{name}\n{body[name]}\n" for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    )
    certificate = x509.load_pem_x509_certificate(requests.get(body["SigningCertURL"]).content)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    key.verify(base64.b64decode(body["Signature"]), signed.encode(), padding.PKCS1v15(), algorithm)


def test_a_message_for_each_protocol(lambda_esm: FakeLambda, worker: Function) -> None:
    topic, _ = topic_with("lambda", worker.arn)
    sns = boto3.client("sns")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn("q"))
    texts = json.dumps({"default": "any", "lambda": "function"})
    sns.publish(TopicArn=topic, Message=texts, MessageStructure="json")
    assert events_of(lambda_esm)[0]["Records"][0]["Sns"]["Message"] == "function"
    assert bodies("q")[0]["Message"] == "any"


def test_a_topic_has_more_subscriptions_than_a_page(lambda_esm: FakeLambda, worker: Function) -> None:
    topic, _ = topic_with("lambda", worker.arn)
    sns, aws_lambda = boto3.client("sns"), boto3.client("lambda")
    aws_lambda.publish_version(FunctionName="worker")
    for number in range(100):
        alias = aws_lambda.create_alias(FunctionName="worker", Name=f"a{number}", FunctionVersion="1")
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=alias["AliasArn"])
    sns.publish(TopicArn=topic, Message="m")
    assert len(events_of(lambda_esm)) == 101


def test_a_policy_and_its_scope_can_change(lambda_esm: FakeLambda, worker: Function) -> None:
    topic, subscription = topic_with("lambda", worker.arn, FilterPolicy=json.dumps({"n": [1]}))
    sns = boto3.client("sns")
    sns.publish(TopicArn=topic, Message='{"n": 1}')
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", json.dumps({"n": [1]}))):
        sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName=name, AttributeValue=value)
    sns.publish(TopicArn=topic, Message='{"n": 1}')
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="{}")
    sns.publish(TopicArn=topic, Message='{"n": 2}')
    found = [event["Records"][0]["Sns"]["Message"] for event in events_of(lambda_esm)]
    assert found == ['{"n": 1}', '{"n": 2}']


def test_raw_delivery_takes_ten_attributes(lambda_esm: FakeLambda) -> None:
    dead = json.dumps({"deadLetterTargetArn": queue_arn("dead")})
    topic, _ = topic_with("sqs", queue_arn("q"), RawMessageDelivery="true", RedrivePolicy=dead)
    many = {f"a{number}": {"DataType": "String", "StringValue": "v"} for number in range(11)}
    boto3.client("sns").publish(TopicArn=topic, Message="m", MessageAttributes=many)
    assert messages("q") == []
    [message] = messages("dead")
    assert message["Body"] == "m"
    [entry] = lambda_esm.timeline.of("delivery")
    assert entry.detail == (
        "failed: a message with more than 10 attributes cannot be delivered raw; sent to the dead-letter queue"
        f" arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    )


def test_a_dead_letter_queue_that_is_gone_too(lambda_esm: FakeLambda) -> None:
    policy = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"})
    topic, _ = topic_with("sqs", f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone", RedrivePolicy=policy)
    boto3.client("sns").publish(TopicArn=topic, Message="m")
    [entry] = lambda_esm.timeline.of("delivery")
    assert entry.detail == (
        "failed: the queue gone does not exist; nor did the dead-letter queue get it: the queue dead does not exist"
    )


# --- S3 --------------------------------------------------------------------------------------------------------


def test_a_restored_object(lambda_esm: FakeLambda, worker: Function) -> None:
    s3 = notify("photos", "Lambda", worker.arn, "s3:ObjectRestore:*")
    s3.put_object(Bucket="photos", Key="k", Body=b"x", StorageClass="GLACIER")
    s3.restore_object(Bucket="photos", Key="k", RestoreRequest={"Days": 1})
    s3.head_object(Bucket="photos", Key="k")
    records = [event["Records"][0] for event in events_of(lambda_esm)]
    assert [record["eventName"] for record in records] == ["ObjectRestore:Post", "ObjectRestore:Completed"]
    assert records[1]["glacierEventData"] == {
        "restoreEventData": {
            "lifecycleRestorationExpiryTime": "2026-01-02T00:00:00.000Z",
            "lifecycleRestoreStorageClass": "GLACIER",
        }
    }


def test_a_form_that_is_posted(lambda_esm: FakeLambda, worker: Function) -> None:
    requests = pytest.importorskip("requests")
    s3 = notify("photos", "Lambda", worker.arn, "s3:ObjectCreated:Post")
    form = s3.generate_presigned_post("photos", "k")
    requests.post(form["url"], data=form["fields"], files={"file": b"x"})
    assert [event["Records"][0]["eventName"] for event in events_of(lambda_esm)] == ["ObjectCreated:Post"]


def test_a_bucket_without_notifications_and_a_key_that_is_not_there(lambda_esm: FakeLambda, worker: Function) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="quiet")
    s3.put_object(Bucket="quiet", Key="k", Body=b"x")
    s3.delete_object(Bucket="quiet", Key="k")
    notify("photos", "Lambda", worker.arn, "s3:ObjectRemoved:*").delete_object(Bucket="photos", Key="k")
    assert events_of(lambda_esm) == []


def test_objects_do_not_reach_other_buses(lambda_esm: FakeLambda, worker: Function) -> None:
    s3, events = boto3.client("s3"), boto3.client("events")
    s3.create_bucket(Bucket="photos")
    configuration: Any = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration=configuration)
    events.create_event_bus(Name="other")
    events.put_rule(Name="rule", EventBusName="other", EventPattern='{"source": ["aws.s3"]}')
    events.put_targets(Rule="rule", EventBusName="other", Targets=[{"Id": "1", "Arn": worker.arn}])
    s3.put_object(Bucket="photos", Key="k", Body=b"x")
    assert events_of(lambda_esm) == []


def test_the_creation_of_a_bucket(lambda_esm: FakeLambda, worker: Function) -> None:
    rule_to(worker.arn, {"source": ["aws.s3"], "detail": {"eventName": ["CreateBucket"]}})
    boto3.client("s3").create_bucket(Bucket="photos")
    [event] = events_of(lambda_esm)
    assert (event["detail-type"], event["account"]) == ("AWS API Call via CloudTrail", ACCOUNT)
    assert event["detail"]["requestParameters"] == {"bucketName": "photos"}


# --- EventBridge -----------------------------------------------------------------------------------------------


def bus(name: str, target: str) -> str:
    events = boto3.client("events")
    arn = str(events.create_event_bus(Name=name)["EventBusArn"])
    events.put_rule(Name="rule", EventBusName=name, EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="rule", EventBusName=name, Targets=[{"Id": "1", "Arn": target}])
    return arn


def test_from_bus_to_bus(lambda_esm: FakeLambda, worker: Function) -> None:
    event_id = put(rule_to(bus("other", worker.arn), {"source": ["shop"]}), {"a": 1})
    [event] = events_of(lambda_esm)
    assert (event["id"], event["detail"]) == (event_id, {"a": 1})


def test_buses_in_a_circle(lambda_esm: FakeLambda) -> None:
    default = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    put(rule_to(bus("other", default), {"source": ["shop"]}), {})
    texts = [entry.detail for entry in lambda_esm.timeline.of("delivery")]
    assert texts == [f"failed: the event has already passed through {default}"]


def test_a_bus_that_is_gone(lambda_esm: FakeLambda) -> None:
    gone = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/gone"
    put(rule_to(gone, {"source": ["shop"]}, DeadLetterConfig={"Arn": queue_arn("dead")}), {})
    [message] = messages("dead")
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_a_stream_as_a_target(lambda_esm: FakeLambda) -> None:
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="s")["StreamDescription"]["StreamARN"]
    key = {"PartitionKeyPath": "$.detail.user"}
    put(rule_to(arn, {"source": ["shop"]}, KinesisParameters=key), {"user": "ada"})
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    [record] = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert (record["PartitionKey"], json.loads(record["Data"])["detail"]) == ("ada", {"user": "ada"})


def test_a_log_group_as_a_target(lambda_esm: FakeLambda) -> None:
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="/aws/events/sold")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/sold:*"
    put(rule_to(arn, {"source": ["shop"]}), {"a": 1})
    [entry] = logs.filter_log_events(logGroupName="/aws/events/sold")["events"]
    assert json.loads(entry["message"])["detail"] == {"a": 1}


@pytest.mark.lambda_esm(strict=False)
def test_a_target_that_is_not_simulated(lambda_esm: FakeLambda) -> None:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
    with pytest.raises(NotSimulated, match="the rule rule has the target arn:aws:states:"):
        put(rule_to(machine, {"source": ["shop"]}), {})


def test_a_disabled_rule(lambda_esm: FakeLambda, worker: Function) -> None:
    events = rule_to(worker.arn, {"source": ["shop"]})
    events.disable_rule(Name="rule")
    put(events, {})
    events.enable_rule(Name="rule")
    put(events, {})
    assert len(events_of(lambda_esm)) == 1


def test_archives_and_replays(lambda_esm: FakeLambda, worker: Function) -> None:
    events = rule_to(worker.arn, {"source": ["shop"]})
    default = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    archive = events.create_archive(ArchiveName="all", EventSourceArn=default)["ArchiveArn"]
    put(events, {"a": 1})
    assert events.describe_archive(ArchiveName="all")["EventCount"] == 1
    now = lambda_esm.clock.now
    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive,
        EventStartTime=now - timedelta(minutes=1),
        EventEndTime=now + timedelta(minutes=1),
        Destination={"Arn": default},
    )
    assert [event.get("replay-name") for event in events_of(lambda_esm)] == [None, "again"]
    assert events.describe_archive(ArchiveName="all")["EventCount"] == 1


def test_api_destinations_remain_those_of_moto(lambda_esm: FakeLambda) -> None:
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:api-destination/d/11111111-2222-3333-4444-555555555555"
    put(rule_to(arn, {"source": ["shop"]}), {})
    assert lambda_esm.timeline.of("delivery") == []


def test_a_fifo_queue_that_cannot_deduplicate(lambda_esm: FakeLambda) -> None:
    target = {"SqsParameters": {"MessageGroupId": "g"}, "DeadLetterConfig": {"Arn": queue_arn("dead")}}
    put(rule_to(queue_arn("q.fifo"), {"source": ["shop"]}, **target), {})
    [message] = messages("dead")
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "SDK_CLIENT_ERROR"
