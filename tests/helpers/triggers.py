"""Topics, buckets, rules and log groups that send events, and what arrives of them."""

import base64
import gzip
import json

import boto3

ACCOUNT, REGION = "123456789012", "us-east-1"


def members(value):
    """Return an event's members with the types of their values; a list becomes the members of its elements."""
    if isinstance(value, dict):
        return {name: members(each) for name, each in value.items()}
    if isinstance(value, list):
        return [members(each) for each in value]
    return type(value).__name__


def queue_arn(name):
    """Create a queue and return its ARN."""
    sqs = boto3.client("sqs")
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    sqs.create_queue(QueueName=name, Attributes=attributes)
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def messages(name):
    """Return the messages of a queue with all their attributes."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    )
    return answer.get("Messages", [])


def bodies(name):
    """Return what the bodies of a queue's messages contain, which is JSON."""
    return [json.loads(message["Body"]) for message in messages(name)]


def topic_with(protocol, endpoint, name="news", **attributes):
    """Create a topic with one subscription, and return both ARNs."""
    sns = boto3.client("sns")
    fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
    topic = sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes)
    return topic, subscription["SubscriptionArn"]


def notify(bucket, kind, arn, *events, rules=()):
    """Create a bucket that sends events to a function, queue or topic; ``kind`` is Lambda, Queue or Topic."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    names = {"Lambda": "LambdaFunction", "Queue": "Queue", "Topic": "Topic"}
    configuration = {"Id": "mine", f"{names[kind]}Arn": arn, "Events": list(events)}
    if rules:
        found = [{"Name": name, "Value": value} for name, value in rules]
        configuration["Filter"] = {"Key": {"FilterRules": found}}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={f"{names[kind]}Configurations": [configuration]}
    )
    return s3


def rule_to(arn, pattern, **target):
    """Create a rule with one target."""
    events = boto3.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": arn, **target}])
    return events


def put(events, detail, source="shop", detail_type="sold"):
    """Put one event, and return its id."""
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    return events.put_events(Entries=[entry])["Entries"][0]["EventId"]


def log_data(event):
    """Return what the data of a log subscription contain."""
    return json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
