"""The recipes of the page on topics, buckets and rules. Each is a test, and the project runs them."""

# [setup]
import json

import boto3
import pytest


def make_queue(name, **attributes):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def bodies(url):
    answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


# [/setup]


# [bucket]
def test_a_thumbnail_for_each_picture(lambda_esm):
    thumbnails = lambda_esm.function("thumbnails", lambda event, context: None)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="pictures")
    pictures = {
        "LambdaFunctionArn": thumbnails.arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".jpg"}]}},
    }
    s3.put_bucket_notification_configuration(
        Bucket="pictures", NotificationConfiguration={"LambdaFunctionConfigurations": [pictures]}
    )

    s3.put_object(Bucket="pictures", Key="2026/my cat(1).jpg", Body=b"...")
    s3.put_object(Bucket="pictures", Key="notes.txt", Body=b"...")
    lambda_esm.clock.run_until_idle()

    [invocation] = thumbnails.invocations
    [record] = invocation.event["Records"]
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["object"]["key"] == "2026/my+cat%281%29.jpg"  # Decode it with urllib.parse.unquote_plus.


# [/bucket]


# [topic]
def test_only_large_orders_are_checked(lambda_esm):
    check = lambda_esm.function("check", lambda event, context: None)
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="orders")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=check.arn,
        Attributes={"FilterPolicy": json.dumps({"total": [{"numeric": [">=", 1000]}]})},
    )

    for total in ("20", "1500"):
        attributes = {"total": {"DataType": "Number", "StringValue": total}}
        sns.publish(TopicArn=topic, Message=f"order of {total}", MessageAttributes=attributes)
    lambda_esm.clock.run_until_idle()

    [invocation] = check.invocations
    assert invocation.event["Records"][0]["Sns"]["Message"] == "order of 1500"


# [/topic]


# [dead letters]
def test_a_notification_for_a_queue_that_is_gone_is_kept(lambda_esm):
    gone, arn = make_queue("gone")
    kept, kept_arn = make_queue("kept")
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="orders")["TopicArn"]
    redrive = json.dumps({"deadLetterTargetArn": kept_arn})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RedrivePolicy": redrive})

    boto3.client("sqs").delete_queue(QueueUrl=gone)
    sns.publish(TopicArn=topic, Message="hello")

    assert [notification["Message"] for notification in bodies(kept)] == ["hello"]


# [/dead letters]


# [rule]
def test_a_rule_picks_and_transforms_events(lambda_esm):
    ship = lambda_esm.function("ship", lambda event, context: None)
    events = boto3.client("events")
    events.put_rule(
        Name="sold", EventPattern=json.dumps({"source": ["shop"], "detail": {"weight": [{"exists": True}]}})
    )
    parcel = {"InputPathsMap": {"article": "$.detail.article"}, "InputTemplate": '{"parcel": <article>}'}
    events.put_targets(Rule="sold", Targets=[{"Id": "ship", "Arn": ship.arn, "InputTransformer": parcel}])

    for detail in ({"article": "lamp", "weight": 2}, {"article": "song"}):
        events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": json.dumps(detail)}])
    lambda_esm.clock.run_until_idle()

    assert [invocation.event for invocation in ship.invocations] == [{"parcel": "lamp"}]


# [/rule]


# [redrive]
@pytest.mark.lambda_esm(advice_ignore="ESM108")  # This test is about messages that fail together.
def test_dead_letters_succeed_after_the_repair(lambda_esm):
    repaired = []

    def handler(event, context):
        if not repaired:
            raise RuntimeError("broken")

    orders = lambda_esm.function("orders", handler)
    _, dead_arn = make_queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, arn = make_queue("orders", RedrivePolicy=redrive)
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    sqs = boto3.client("sqs")
    for number in range(4):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    lambda_esm.clock.run_until_idle()
    failed = len(orders.invocations)

    repaired.append(True)
    sqs.start_message_move_task(SourceArn=dead_arn, MaxNumberOfMessagesPerSecond=2)
    lambda_esm.clock.advance(seconds=1)
    [task] = sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("RUNNING", 2)

    lambda_esm.clock.run_until_idle()
    assert sum(len(invocation.event["Records"]) for invocation in orders.invocations[failed:]) == 4


# [/redrive]
