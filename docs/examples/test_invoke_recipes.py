"""The recipes of the page on invoking functions. Each is a test, and the project runs them."""

# [setup]
import io
import json
import time
import zipfile
from datetime import timedelta

import boto3
import pytest

from pytest_lambda_esm import raises, returns, runs, throttled, times_out


def make_queue(name):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def bodies(url):
    answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


# [/setup]


# [function error]
def price_of(article):
    """Code under test: a client of the function."""
    answer = boto3.client("lambda").invoke(FunctionName="prices", Payload=json.dumps({"article": article}))
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise LookupError(payload["errorMessage"])
    return payload["price"]


def test_a_function_error_is_an_answer_with_status_200(lambda_esm):
    prices = {"lamp": 20}
    lambda_esm.function("prices", lambda event, context: {"price": prices[event["article"]]})

    assert price_of("lamp") == 20
    with pytest.raises(LookupError, match="chair"):
        price_of("chair")


# [/function error]


# [duration]
def test_a_call_takes_as_long_as_the_function(lambda_esm):
    lambda_esm.function("report", lambda event, context: time.sleep(40), timeout=60)

    before = lambda_esm.clock.now
    boto3.client("lambda").invoke(FunctionName="report")

    assert lambda_esm.clock.now - before == timedelta(seconds=40)


# [/duration]


# [script]
def test_the_client_survives_a_throttle_and_gives_up_on_a_timeout(lambda_esm):
    prices = lambda_esm.function("prices", lambda event, context: {"price": 20})
    prices.script(throttled(), returns({"price": 10}).taking(1.5), times_out(), runs())

    assert price_of("lamp") == 10  # botocore has retried the throttle
    with pytest.raises(LookupError, match="timed out"):
        price_of("lamp")
    assert price_of("lamp") == 20  # the script is over: the handler runs
    assert [invocation.outcome for invocation in prices.invocations] == ["success", "timeout", "success"]


# [/script]


# [retries]
def test_an_event_is_tried_three_times_and_then_kept(lambda_esm):
    url, arn = make_queue("failures")
    mailer = lambda_esm.function("mailer", lambda event, context: None)
    mailer.script(
        raises(ConnectionError("no route")), raises(ConnectionError("no route")), raises(OSError("still none"))
    )
    aws_lambda = boto3.client("lambda")
    aws_lambda.put_function_event_invoke_config(
        FunctionName="mailer", DestinationConfig={"OnFailure": {"Destination": arn}}
    )

    answer = aws_lambda.invoke(FunctionName="mailer", InvocationType="Event", Payload=json.dumps({"to": "you"}))
    assert answer["StatusCode"] == 202
    assert mailer.invocations == []  # the event waits in the queue until time moves
    before = lambda_esm.clock.now
    lambda_esm.clock.run_until_idle()

    seconds = [(invocation.started - before).total_seconds() for invocation in mailer.invocations]
    assert seconds == [0, 60, 180]
    assert len({invocation.request_id for invocation in mailer.invocations}) == 1
    [record] = [json.loads(body) for body in bodies(url)]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestPayload"] == {"to": "you"}
    assert record["responsePayload"]["errorMessage"] == "still none"


# [/retries]


# [dead letters]
@pytest.mark.lambda_esm(advice_ignore="ESM129")
def test_a_switched_off_function_leaves_its_events_in_the_dead_letter_queue(lambda_esm):
    url, arn = make_queue("dead-letters")
    mailer = lambda_esm.function("mailer", lambda event, context: None, dead_letter=arn, reserved_concurrency=0)

    boto3.client("lambda").invoke(FunctionName="mailer", InvocationType="Event", Payload=json.dumps({"to": "you"}))
    lambda_esm.clock.run_until_idle()

    assert mailer.invocations == []
    assert bodies(url) == ['{"to": "you"}']


# [/dead letters]


# [duplicates]
def test_the_same_event_twice_sends_one_mail(lambda_esm):
    sent = {}

    def send_once(event, context):
        sent.setdefault(context.aws_request_id, event["to"])

    mailer = lambda_esm.function("mailer", send_once)
    mailer.duplicate_events()

    boto3.client("lambda").invoke(FunctionName="mailer", InvocationType="Event", Payload=json.dumps({"to": "you"}))
    lambda_esm.clock.run_until_idle()

    assert len(mailer.invocations) == 2
    assert list(sent.values()) == ["you"]


# [/duplicates]


# [archive]
def deploy(name, code):
    """Code under test: a deployment tool."""
    role = boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", code)
    boto3.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"GREETING": "hello"}},
    )


def test_what_was_deployed_runs(lambda_esm):
    deploy("greeter", "import os\n\ndef handler(event, context):\n    return os.environ['GREETING'] + ' ' + event\n")

    answer = boto3.client("lambda").invoke(FunctionName="greeter", Payload=json.dumps("world"))

    assert json.loads(answer["Payload"].read()) == "hello world"


# [/archive]


# [log]
def test_what_a_function_logs(lambda_esm):
    def handler(event, context):
        print("charging card 4711")

    shop = lambda_esm.function("shop", handler)
    boto3.client("lambda").invoke(FunctionName="shop")

    assert "charging card 4711\n" in shop.invocations[0].log
    events = boto3.client("logs").filter_log_events(logGroupName="/aws/lambda/shop")["events"]
    assert "charging card 4711\n" in [event["message"] for event in events]


# [/log]


# [topic]
def test_a_topic_reaches_the_function(lambda_esm):
    alarm = lambda_esm.function("alarm", lambda event, context: None)
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=alarm.arn)

    sns.publish(TopicArn=topic, Message="fire")
    lambda_esm.clock.run_until_idle()

    assert [invocation.event["Records"][0]["Sns"]["Message"] for invocation in alarm.invocations] == ["fire"]


# [/topic]
