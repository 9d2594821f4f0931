"""The events of topics, buckets, buses and logs, beside the samples that AWS publishes: each member, and its type."""

import hashlib
import json

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.conformance import Facts
from helpers.triggers import (
    ACCOUNT,
    REGION,
    bodies,
    log_data,
    members,
    messages,
    notify,
    put,
    queue_arn,
    rule_to,
    topic_with,
)

pytestmark = pytest.mark.lambda_esm(advice="off", region=REGION)

FACTS = Facts("Events of other services")

COLOUR = {"color": {"DataType": "String", "StringValue": "red"}}


@pytest.fixture
def got(lambda_esm):
    """The events of the function ``worker``, once the clock has moved."""
    worker = lambda_esm.function("worker", lambda event, context: None)

    def events():
        lambda_esm.clock.run_until_idle()
        return [invocation.event for invocation in worker.invocations]

    events.arn = worker.arn
    return events


# --- SNS -------------------------------------------------------------------------------------------------------

SNS_SAMPLE = {
    "Records": [
        {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:sns-lambda:21be56ed",
            "Sns": {
                "Type": "Notification",
                "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:sns-lambda",
                "Subject": "TestInvoke",
                "Message": "Hello from SNS!",
                "Timestamp": "2019-01-02T12:45:07.000Z",
                "SignatureVersion": "1",
                "Signature": "EXAMPLE==",
                "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b.pem",
                "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:...",
                "MessageAttributes": {"color": {"Type": "String", "Value": "red"}},
            },
        }
    ]
}


@FACTS("g1-sns-members", "documented", "The event of a topic has exactly the members of the published sample.")
def test_members_of_a_topics_event(got):
    topic, _ = topic_with("lambda", got.arn)
    boto3.client("sns").publish(TopicArn=topic, Message="m", Subject="s", MessageAttributes=COLOUR)
    [event] = got()
    assert members(event) == members(SNS_SAMPLE)


@FACTS(
    "g1-sns-values", "documented", "It names topic, subscription, message, time and attributes; URLs name the region."
)
def test_values_of_a_topics_event(got):
    topic, subscription = topic_with("lambda", got.arn)
    answer = boto3.client("sns").publish(TopicArn=topic, Message="m", MessageAttributes=COLOUR)
    [event] = got()
    record, sns = event["Records"][0], event["Records"][0]["Sns"]
    assert (record["EventSubscriptionArn"], sns["TopicArn"], sns["MessageId"]) == (
        subscription,
        topic,
        answer["MessageId"],
    )
    assert (sns["Timestamp"], sns["Message"], sns["Subject"]) == ("2026-01-01T00:00:00.000Z", "m", None)
    assert sns["MessageAttributes"] == {"color": {"Type": "String", "Value": "red"}}
    host = f"https://sns.{REGION}.amazonaws.com/"
    assert sns["UnsubscribeUrl"] == f"{host}?Action=Unsubscribe&SubscriptionArn={subscription}"
    assert sns["SigningCertUrl"].startswith(f"{host}SimpleNotificationService-")


@FACTS(
    "g1-sns-no-attributes", "documented", "Without attributes and subject, MessageAttributes is {} and Subject null."
)
def test_a_bare_message(got):
    topic, _ = topic_with("lambda", got.arn)
    boto3.client("sns").publish(TopicArn=topic, Message="m")
    sns = got()[0]["Records"][0]["Sns"]
    assert (sns["MessageAttributes"], sns["Subject"]) == ({}, None)


@FACTS(
    "g2-notification", "documented", "A queue gets a notification: its members, and their spelling, differ a little."
)
def test_a_notification_in_a_queue(lambda_esm):
    topic, subscription = topic_with("sqs", queue_arn("q"))
    boto3.client("sns").publish(TopicArn=topic, Message="m", Subject="s", MessageAttributes=COLOUR)
    [body] = bodies("q")
    assert list(body) == [
        *("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature"),
        *("SigningCertURL", "UnsubscribeURL", "MessageAttributes"),
    ]
    assert body["UnsubscribeURL"].endswith(subscription)


@FACTS("g2-notification-bare", "documented", "A notification without subject and attributes lacks these members.")
def test_a_bare_notification(lambda_esm):
    topic, _ = topic_with("sqs", queue_arn("q"))
    boto3.client("sns").publish(TopicArn=topic, Message="m")
    assert {"Subject", "MessageAttributes"}.isdisjoint(bodies("q")[0])


@FACTS("g2-raw", "documented", "With raw delivery a queue gets the message as it was published, with its attributes.")
def test_raw_delivery(lambda_esm):
    topic, _ = topic_with("sqs", queue_arn("q"), RawMessageDelivery="true")
    attributes = {**COLOUR, "blob": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}
    boto3.client("sns").publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
    [message] = messages("q")
    assert (message["Body"], message["MessageAttributes"]) == ("m", attributes)


@FACTS("g2-fifo", "documented", "A FIFO topic passes group and deduplication id on; its notifications have a number.")
def test_fifo_topic_to_fifo_queue(lambda_esm):
    topic, _ = topic_with("sqs", queue_arn("q.fifo"), name="news.fifo")
    boto3.client("sns").publish(TopicArn=topic, Message="m", MessageGroupId="g", MessageDeduplicationId="d")
    [message] = messages("q.fifo")
    found = message["Attributes"]
    assert (found["MessageGroupId"], found["MessageDeduplicationId"]) == ("g", "d")
    body = json.loads(message["Body"])
    assert len(body["SequenceNumber"]) == 20
    assert {"Signature", "SignatureVersion", "SigningCertURL"}.isdisjoint(body)


@FACTS("g2-fifo-number", "documented", "Publish and PublishBatch answer the sequence number that subscribers get.")
def test_sequence_numbers_in_answers(lambda_esm):
    sns = boto3.client("sns")
    topic, _ = topic_with("sqs", queue_arn("q"), name="news.fifo")
    entry = {"Message": "m", "MessageGroupId": "g"}
    first = sns.publish(TopicArn=topic, MessageDeduplicationId="1", **entry)["SequenceNumber"]
    batch = [{"Id": "x", "MessageDeduplicationId": "2", **entry}]
    second = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=batch)["Successful"][0]["SequenceNumber"]
    assert [body["SequenceNumber"] for body in bodies("q")] == [first, second]
    assert first < second


@FACTS(
    "g2-fifo-duplicate", "documented", "For five minutes a duplicate is accepted with the original's id, not delivered."
)
def test_duplicates_of_a_fifo_topic(lambda_esm):
    sns = boto3.client("sns")
    topic, _ = topic_with("sqs", queue_arn("q"), name="news.fifo")
    again = {"TopicArn": topic, "Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    ids = [sns.publish(**again)["MessageId"] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(messages("q")) == 1
    lambda_esm.clock.advance(minutes=5)
    assert sns.publish(**again)["MessageId"] != ids[0]


REDRIVE = "Invalid parameter: {}RedrivePolicy: "
REFUSED = [
    ("lambda", "news.fifo", {}, "Invalid parameter: Invalid protocol type: lambda"),
    ("lambda", "news", {"RedrivePolicy": "{"}, f"{REDRIVE}failed to parse JSON."),
    ("lambda", "news", {"RedrivePolicy": "[]"}, f"{REDRIVE}failed to parse JSON."),
    (
        "lambda",
        "news",
        {"RedrivePolicy": '{"deadLetterTargetArn": "q"}'},
        f"{REDRIVE}deadLetterTargetArn is an invalid arn",
    ),
    (
        "sqs",
        "news.fifo",
        {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"})},
        f"{REDRIVE}must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.",
    ),
    (
        "lambda",
        "news",
        {"RawMessageDelivery": "true"},
        "Invalid parameter: {}Delivery protocol [lambda] does not support raw message delivery.",
    ),
]


@FACTS(
    "g2-refused", "reported", "SNS refuses functions on FIFO topics, raw delivery to them, and faulty redrive policies."
)
@pytest.mark.parametrize(("protocol", "topic", "attributes", "text"), REFUSED)
def test_subscriptions_that_are_refused(lambda_esm, protocol, topic, attributes, text):
    sns = boto3.client("sns")
    flag = {"FifoTopic": "true"} if topic.endswith(".fifo") else {}
    arn = sns.create_topic(Name=topic, Attributes=flag)["TopicArn"]
    function = lambda_esm.function("worker", lambda event, context: None).arn
    endpoint = function if protocol == "lambda" else queue_arn("q.fifo")

    def refusal(call, **params):
        with pytest.raises(ClientError) as refused:
            call(**params)
        error = refused.value.response["Error"]
        assert error["Code"] == "InvalidParameter"
        return error["Message"]

    subscribing = {"TopicArn": arn, "Protocol": protocol, "Endpoint": endpoint}
    assert refusal(sns.subscribe, **subscribing, Attributes=attributes) == text.format("Attributes Reason: ")
    assert sns.list_subscriptions()["Subscriptions"] == []
    for name, value in attributes.items():
        subscription = sns.subscribe(**subscribing)["SubscriptionArn"]
        changing = {"SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value}
        assert refusal(sns.set_subscription_attributes, **changing) == text.format("")


POLICIES = [
    ("string", {"color": ["red"]}, COLOUR, True),
    ("other", {"color": ["blue"]}, COLOUR, False),
    ("missing", {"size": ["L"]}, COLOUR, False),
    ("absent", {"size": [{"exists": False}]}, COLOUR, True),
    ("but", {"color": [{"anything-but": ["red"]}]}, COLOUR, False),
    ("prefix", {"color": [{"prefix": "r"}]}, COLOUR, True),
    ("number", {"n": [{"numeric": [">", 5]}]}, {"n": {"DataType": "Number", "StringValue": "6.5"}}, True),
    ("not a text", {"n": ["6"]}, {"n": {"DataType": "Number", "StringValue": "6"}}, False),
    ("array", {"tag": ["b"]}, {"tag": {"DataType": "String.Array", "StringValue": '["a", "b"]'}}, True),
    ("or", {"$or": [{"color": ["blue"]}, {"color": ["red"]}]}, COLOUR, True),
]


@FACTS("g3-attributes", "documented", "A filter policy tests attributes: numbers as numbers, arrays by their elements.")
@pytest.mark.parametrize(
    ("policy", "attributes", "arrives"), [row[1:] for row in POLICIES], ids=[r[0] for r in POLICIES]
)
def test_filter_policies(got, policy, attributes, arrives):
    topic, _ = topic_with("lambda", got.arn, FilterPolicy=json.dumps(policy))
    boto3.client("sns").publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
    assert len(got()) == arrives


@FACTS("g3-body", "documented", "With the scope MessageBody a policy tests the body, nested and in arrays.")
@pytest.mark.parametrize(
    ("body", "arrives"),
    [
        ('{"order": {"items": [{"sku": "a"}, {"sku": "b"}]}}', True),
        ('{"order": {"items": [{"sku": "c"}]}}', False),
        ("not JSON", False),
        ('["b"]', False),
    ],
)
def test_policies_for_the_body(got, body, arrives):
    policy = json.dumps({"order": {"items": {"sku": ["b"]}}})
    topic, _ = topic_with("lambda", got.arn, FilterPolicyScope="MessageBody", FilterPolicy=policy)
    boto3.client("sns").publish(TopicArn=topic, Message=body)
    assert len(got()) == arrives


@FACTS(
    "g4-redrive", "documented", "What a subscription cannot deliver goes to its dead-letter queue, as a notification."
)
@pytest.mark.parametrize("protocol", ["lambda", "sqs"])
def test_dead_letters_of_a_subscription(got, protocol):
    policy = json.dumps({"deadLetterTargetArn": queue_arn("dead")})
    endpoint = {"lambda": got.arn, "sqs": f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"}[protocol]
    topic, subscription = topic_with(protocol, endpoint, RedrivePolicy=policy)
    boto3.client("lambda").delete_function(FunctionName="worker")
    message_id = boto3.client("sns").publish(TopicArn=topic, Message="m")["MessageId"]
    [body] = bodies("dead")
    assert (body["MessageId"], body["Message"]) == (message_id, "m")
    assert body["UnsubscribeURL"].endswith(subscription)


# --- S3 --------------------------------------------------------------------------------------------------------

S3_SAMPLE = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": "1970-01-01T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {
                "x-amz-request-id": "C3D13FE58DE4C810",
                "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "testConfigRule",
                "bucket": {
                    "name": "amzn-s3-demo-bucket",
                    "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": "arn:aws:s3:::amzn-s3-demo-bucket",
                },
                "object": {
                    "key": "HappyFace.jpg",
                    "size": 1024,
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                    "sequencer": "0055AED6DCD90281E5",
                },
            },
        }
    ]
}
EVERYTHING = (
    "s3:ObjectCreated:*",
    "s3:ObjectRemoved:*",
    "s3:ObjectTagging:*",
    "s3:ObjectAcl:Put",
    "s3:ObjectRestore:*",
)


def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@FACTS("g5-s3-members", "documented", "The event of a bucket with versions has exactly the members of the sample.")
def test_members_of_a_buckets_event(got):
    s3 = notify("photos", "Lambda", got.arn, "s3:ObjectCreated:*")
    versioned(s3, "photos")
    s3.put_object(Bucket="photos", Key="HappyFace.jpg", Body=b"x")
    assert [members(event) for event in got()] == [members(S3_SAMPLE)]


@FACTS("g5-s3-values", "documented", "It has the configuration's id, the time in milliseconds, size, ETag and version.")
def test_values_of_a_buckets_event(got):
    s3 = notify("photos", "Lambda", got.arn, "s3:ObjectCreated:*")
    versioned(s3, "photos")
    answer = s3.put_object(Bucket="photos", Key="k", Body=b"four")
    record = got()[0]["Records"][0]
    assert (record["eventTime"], record["awsRegion"], record["eventName"]) == (
        "2026-01-01T00:00:00.000Z",
        REGION,
        "ObjectCreated:Put",
    )
    found = record["s3"]["object"]
    assert (record["s3"]["configurationId"], found["size"]) == ("mine", 4)
    assert (found["eTag"], found["versionId"]) == (answer["ETag"].strip('"'), answer["VersionId"])


@FACTS("g5-no-version", "documented", "Without versions there is no versionId.")
def test_no_version(got):
    notify("photos", "Lambda", got.arn, "s3:ObjectCreated:*").put_object(Bucket="photos", Key="k", Body=b"x")
    assert set(got()[0]["Records"][0]["s3"]["object"]) == {"key", "size", "eTag", "sequencer"}


@FACTS("g5-key", "documented", "Keys are encoded as in a form, but slashes stay.")
@pytest.mark.parametrize(
    ("key", "encoded"),
    [("my key(1).txt", "my+key%281%29.txt"), ("2026/01/ü.txt", "2026/01/%C3%BC.txt"), ("a+b&c", "a%2Bb%26c")],
)
def test_encoded_keys(got, key, encoded):
    notify("photos", "Lambda", got.arn, "s3:ObjectCreated:*").put_object(Bucket="photos", Key=key, Body=b"x")
    assert got()[0]["Records"][0]["s3"]["object"]["key"] == encoded


@FACTS("g5-sequencer", "documented", "The sequencer is hexadecimal, and grows from one event of a key to the next.")
def test_the_sequencer_grows(lambda_esm, got):
    s3 = notify("photos", "Lambda", got.arn, "s3:ObjectCreated:*")
    for seconds in (0, 0, 10):
        lambda_esm.clock.advance(seconds=seconds)
        s3.put_object(Bucket="photos", Key="k", Body=b"x")
    found = [event["Records"][0]["s3"]["object"]["sequencer"] for event in got()]
    numbers = [int(each, 16) for each in found]
    assert numbers == sorted(set(numbers))
    assert {len(each) for each in found} == {18}


@FACTS(
    "g6-names", "documented", "Each operation causes one event, with its own name; deletions have no size and no ETag."
)
def test_names_of_events(got):
    s3 = notify("photos", "Lambda", got.arn, *EVERYTHING)
    s3.put_object(Bucket="photos", Key="a", Body=b"x", Tagging="k=v")
    s3.copy_object(Bucket="photos", Key="b", CopySource={"Bucket": "photos", "Key": "a"})
    upload = s3.create_multipart_upload(Bucket="photos", Key="c")["UploadId"]
    part = s3.upload_part(Bucket="photos", Key="c", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"ETag": part, "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket="photos", Key="c", UploadId=upload, MultipartUpload=parts)
    s3.put_object_tagging(Bucket="photos", Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "w"}]})
    s3.delete_object_tagging(Bucket="photos", Key="a")
    s3.put_object_acl(Bucket="photos", Key="a", ACL="private")
    s3.delete_object(Bucket="photos", Key="a")
    s3.delete_objects(Bucket="photos", Delete={"Objects": [{"Key": "b"}, {"Key": "c"}]})
    records = [event["Records"][0] for event in got()]
    assert [(record["eventName"], record["s3"]["object"]["key"]) for record in records] == [
        ("ObjectCreated:Put", "a"),
        ("ObjectCreated:Copy", "b"),
        ("ObjectCreated:CompleteMultipartUpload", "c"),
        ("ObjectTagging:Put", "a"),
        ("ObjectTagging:Delete", "a"),
        ("ObjectAcl:Put", "a"),
        ("ObjectRemoved:Delete", "a"),
        ("ObjectRemoved:Delete", "b"),
        ("ObjectRemoved:Delete", "c"),
    ]
    assert [record["eventVersion"] for record in records[2:6]] == ["2.1", "2.3", "2.3", "2.3"]
    assert set(records[3]["s3"]["object"]) == {"key", "eTag"}
    assert set(records[-1]["s3"]["object"]) == {"key", "sequencer"}


@FACTS(
    "g6-markers", "documented", "With versions, a deletion creates a delete marker, or deletes the version it names."
)
def test_delete_markers_and_versions(got):
    s3 = notify("photos", "Lambda", got.arn, "s3:ObjectRemoved:*")
    versioned(s3, "photos")
    old, _ = (s3.put_object(Bucket="photos", Key="a", Body=b"x")["VersionId"] for _ in range(2))
    marker = s3.delete_object(Bucket="photos", Key="a")["VersionId"]
    s3.delete_object(Bucket="photos", Key="a", VersionId=old)
    s3.delete_object(Bucket="photos", Key="a", VersionId=marker)
    records = [event["Records"][0] for event in got()]
    assert [(record["eventName"], record["s3"]["object"]["versionId"]) for record in records] == [
        ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", old),
        ("ObjectRemoved:Delete", marker),
    ]
    assert set(records[1]["s3"]["object"]) == {"key", "versionId", "sequencer"}


@FACTS("g6-marker-etag", "reported", "A delete marker's event has the marker's ETag, that of nothing, and no size.")
def test_etag_of_a_delete_marker(got):
    s3 = notify("photos", "Lambda", got.arn, "s3:ObjectRemoved:*")
    versioned(s3, "photos")
    s3.put_object(Bucket="photos", Key="a", Body=b"x")
    s3.delete_object(Bucket="photos", Key="a")
    found = got()[0]["Records"][0]["s3"]["object"]
    assert list(found) == ["key", "eTag", "versionId", "sequencer"]
    assert found["eTag"] == hashlib.md5(b"").hexdigest()


@FACTS("g6-filters", "documented", "An event goes to the configurations whose prefix and suffix both fit.")
def test_prefix_and_suffix(got):
    rules = [("prefix", "in/"), ("suffix", ".jpg")]
    s3 = notify("photos", "Lambda", got.arn, "s3:ObjectCreated:Put", rules=rules)
    for key in ("in/a.jpg", "in/a.png", "out/a.jpg"):
        s3.put_object(Bucket="photos", Key=key, Body=b"x")
    assert [event["Records"][0]["s3"]["object"]["key"] for event in got()] == ["in/a.jpg"]


@FACTS(
    "g7-s3-queue", "documented", "A queue gets the same event, after a test event that is sent when it is configured."
)
def test_bucket_to_queue(lambda_esm):
    arn = queue_arn("q")
    notify("photos", "Queue", arn, "s3:ObjectCreated:*").put_object(Bucket="photos", Key="k", Body=b"x")
    test, event = bodies("q")
    assert list(test) == ["Service", "Event", "Time", "Bucket", "RequestId", "HostId"]
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", "photos")
    assert event["Records"][0]["s3"]["object"]["key"] == "k"


@FACTS("g7-s3-topic", "documented", "A topic gets it as the message, with the subject Amazon S3 Notification.")
def test_bucket_to_topic_to_function(got):
    topic, _ = topic_with("lambda", got.arn)
    notify("photos", "Topic", topic, "s3:ObjectCreated:*").put_object(Bucket="photos", Key="k", Body=b"x")
    sns = got()[-1]["Records"][0]["Sns"]
    assert sns["Subject"] == "Amazon S3 Notification"
    assert json.loads(sns["Message"])["Records"][0]["s3"]["object"]["key"] == "k"


BUS_SAMPLE = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2021-11-12T00:00:00Z",
    "region": "ca-central-1",
    "resources": ["arn:aws:s3:::amzn-s3-demo-bucket1"],
    "detail": {
        "version": "0",
        "bucket": {"name": "amzn-s3-demo-bucket1"},
        "object": {
            "key": "example-key",
            "size": 5,
            "etag": "b57f9512698f4b09e608f4f2a65852e5",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "617f08299329d189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "1.2.3.4",
        "reason": "PutObject",
    },
}


@FACTS(
    "g8-s3-bus", "documented", "EventBridge gets Object Created with the members of the sample, and keys as they are."
)
def test_bucket_to_bus(got):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="photos")
    versioned(s3, "photos")
    s3.put_bucket_notification_configuration(
        Bucket="photos", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    rule_to(got.arn, {"source": ["aws.s3"]})
    s3.put_object(Bucket="photos", Key="my key", Body=b"x")
    s3.delete_object(Bucket="photos", Key="my key")
    created, deleted = got()
    assert members(created) == members(BUS_SAMPLE)
    assert list(created) == list(BUS_SAMPLE)
    assert created["detail"]["object"]["key"] == "my key"
    assert deleted["detail-type"] == "Object Deleted"
    assert (deleted["detail"]["reason"], deleted["detail"]["deletion-type"]) == (
        "DeleteObject",
        "Delete Marker Created",
    )
    assert list(deleted["detail"]["object"]) == ["key", "etag", "version-id", "sequencer"]
    assert deleted["detail"]["object"]["etag"] == hashlib.md5(b"").hexdigest()


# --- EventBridge -----------------------------------------------------------------------------------------------


@FACTS("g9-event", "documented", "The event of a bus has nine members; its id is the one that PutEvents answers.")
def test_the_event_of_a_bus(got):
    event_id = put(rule_to(got.arn, {"source": ["shop"]}), {"a": 1})
    assert got() == [
        {
            "version": "0",
            "id": event_id,
            "detail-type": "sold",
            "source": "shop",
            "account": ACCOUNT,
            "time": "2026-01-01T00:00:00Z",
            "region": REGION,
            "resources": [],
            "detail": {"a": 1},
        }
    ]


@FACTS(
    "g9-patterns", "documented", "A rule's pattern has the operators of event patterns, and tests elements of arrays."
)
@pytest.mark.parametrize(
    ("pattern", "arrives"),
    [
        ({"detail": {"n": [{"numeric": [">", 1, "<=", 3]}]}}, True),
        ({"detail": {"items": {"sku": ["b"], "size": ["L"]}}}, True),
        ({"detail": {"items": {"sku": ["b"], "size": ["S"]}}}, False),
        ({"detail": {"name": [{"equals-ignore-case": "ADA"}]}}, True),
        ({"detail": {"name": [{"anything-but": {"suffix": "a"}}]}}, False),
        ({"detail": {"$or": [{"n": [9]}, {"name": [{"wildcard": "A*a"}]}]}}, True),
    ],
)
def test_patterns(got, pattern, arrives):
    detail = {"n": 3, "name": "Ada", "items": [{"sku": "a", "size": "S"}, {"sku": "b", "size": "L"}]}
    put(rule_to(got.arn, pattern), detail)
    assert len(got()) == arrives


@FACTS("g9-test", "documented", "TestEventPattern answers whether an event matches, and refuses invalid patterns.")
def test_the_operation_that_tests_patterns(lambda_esm):
    events = boto3.client("events")
    event = json.dumps({"source": "shop", "detail": {"n": 2}})
    for pattern, matches in (({"detail": {"n": [2]}}, True), ({"source": ["other"]}, False)):
        assert events.test_event_pattern(EventPattern=json.dumps(pattern), Event=event)["Result"] is matches
    with pytest.raises(events.exceptions.InvalidEventPatternException, match="Event pattern is not valid"):
        events.test_event_pattern(EventPattern='{"source": "shop"}', Event=event)


@FACTS("g9-schedule", "documented", "A rule with a schedule and no pattern gets no events.")
def test_a_rule_with_a_schedule_only(got):
    events = boto3.client("events")
    events.put_rule(Name="tick", ScheduleExpression="rate(5 days)")
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": got.arn}])
    put(events, {})
    assert got() == []


@FACTS("g10-targets", "documented", "Queues and topics get the event, or the input that the target says.")
def test_queue_and_topic_as_targets(lambda_esm):
    queue, beyond = queue_arn("q"), queue_arn("beyond")
    topic, _ = topic_with("sqs", beyond, RawMessageDelivery="true")
    events = rule_to(queue, {"source": ["shop"]})
    events.put_targets(Rule="rule", Targets=[{"Id": "2", "Arn": topic, "InputPath": "$.detail"}])
    put(events, {"a": 1})
    assert [event["detail"] for event in bodies("q")] == [{"a": 1}]
    assert bodies("beyond") == [{"a": 1}]


@FACTS("g10-fifo", "documented", "A FIFO queue gets the group of the target's SqsParameters.")
def test_a_fifo_queue_as_a_target(lambda_esm):
    sqs = boto3.client("sqs")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    sqs.create_queue(QueueName="q.fifo", Attributes=attributes)
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q.fifo"
    put(rule_to(arn, {"source": ["shop"]}, SqsParameters={"MessageGroupId": "g"}), {})
    assert [message["Attributes"]["MessageGroupId"] for message in messages("q.fifo")] == ["g"]


@FACTS("g10-dead-letters", "documented", "An event for a target that is gone goes to its dead-letter queue at once.")
def test_dead_letters_of_a_target(lambda_esm):
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"
    event_id = put(rule_to(gone, {"source": ["shop"]}, DeadLetterConfig={"Arn": queue_arn("dead")}, Input="{}"), {})
    [message] = messages("dead")
    assert json.loads(message["Body"])["id"] == event_id
    found = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert found == {
        "RULE_ARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/rule",
        "TARGET_ARN": gone,
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": "the queue gone does not exist",
    }


@FACTS(
    "g10-variables", "documented", "An input transformer knows the rule, the event without its detail, and all of it."
)
def test_variables_of_every_transformer(lambda_esm):
    template = (
        '{"rule": "<aws.events.rule-name>", "arn": "<aws.events.rule-arn>", "event": <aws.events.event>,'
        ' "at": "<aws.events.event.ingestion-time>", "all": <aws.events.event.json>}'
    )
    put(rule_to(queue_arn("q"), {"source": ["shop"]}, InputTransformer={"InputTemplate": template}), {"a": 1})
    [body] = bodies("q")
    assert (body["rule"], body["arn"]) == ("rule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/rule")
    assert body["at"] == "2026-01-01T00:00:00Z"
    assert "detail" not in body["event"]
    assert body["all"]["detail"] == {"a": 1}


# --- CloudWatch Logs -------------------------------------------------------------------------------------------

LOGS_SAMPLE = {
    "messageType": "DATA_MESSAGE",
    "owner": "123456789012",
    "logGroup": "CloudTrail/logs",
    "logStream": "123456789012_CloudTrail/logs_us-east-1",
    "subscriptionFilters": ["RootAccess"],
    "logEvents": [
        {
            "id": "31953106606966983378809025079804211143289615424298221568",
            "timestamp": 1432826855000,
            "message": "{}",
        }
    ],
}


def write_logs(arn, pattern, *texts):
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern=pattern, destinationArn=arn)
    logs.put_log_events(
        logGroupName="g",
        logStreamName="s",
        logEvents=[{"timestamp": 1767225600000, "message": text} for text in texts],
    )


@FACTS("g11-logs", "documented", "The data of logs has the members of the sample; ids are texts of 56 digits.")
def test_members_of_log_data(got):
    write_logs(got.arn, "", "one", "two")
    [event] = got()
    data = log_data(event)
    first, second = data["logEvents"]
    assert members({**data, "logEvents": [first]}) == members(LOGS_SAMPLE)
    assert (data["owner"], data["logGroup"], data["logStream"]) == (ACCOUNT, "g", "s")
    assert data["subscriptionFilters"] == ["f"]
    assert len(first["id"]) == 56
    assert first["id"] < second["id"]
    assert first["timestamp"] == 1767225600000


@FACTS("g11-pattern", "documented", "Only events that match the filter's pattern are sent, and none if none matches.")
@pytest.mark.parametrize("pattern", ["ERROR", "?ERROR ?WARN", "-fine"])
def test_the_pattern_of_a_subscription(got, pattern):
    write_logs(got.arn, pattern, "ERROR 1", "fine", "ERROR 2")
    boto3.client("logs").put_log_events(
        logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1767225600001, "message": "fine"}]
    )
    [event] = got()
    assert [each["message"] for each in log_data(event)["logEvents"]] == ["ERROR 1", "ERROR 2"]
