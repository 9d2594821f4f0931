"""What belongs to a service is installed when a test first uses that service, whoever uses it and when."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.sns.models import SNSBackend, Topic, sns_backends

from helpers.triggers import ACCOUNT, REGION, queue_arn, topic_with
from pytest_lambda_esm import FakeLambda, patching

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:reader"


def reader(fake):
    return fake.function("reader", lambda event, context: None)


def subjects(function):
    """Return the subjects of messages that arrived as AWS sends them; moto's name no subscription."""
    records = [record for call in function.invocations for record in call.event["Records"]]
    return [record["Sns"]["Subject"] for record in records if ":news:" in record["EventSubscriptionArn"]]


def test_a_service_that_was_used_before_the_fake_started(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        topic, _ = topic_with("lambda", FUNCTION)
        with FakeLambda() as fake:
            function = reader(fake)
            boto3.client("sns").publish(TopicArn=topic, Message="1", Subject="before")
            fake.clock.run_until_idle()
            assert subjects(function) == ["before"]


def test_a_service_that_is_used_through_motos_own_objects(lambda_esm):
    function = reader(lambda_esm)
    backend = sns_backends[ACCOUNT][REGION]
    topic = backend.create_topic("news")
    backend.subscribe(topic.arn, FUNCTION, "lambda")
    backend.publish("1", arn=topic.arn, subject="direct")
    lambda_esm.clock.run_until_idle()
    assert subjects(function) == ["direct"]


def test_the_first_request_is_already_answered_by_the_fake(lambda_esm):
    rule = {"Source": ["orders"], "Detail": {}}
    event = {"id": "1", "account": ACCOUNT, "source": "orders", "time": "", "region": REGION, "resources": []}
    answer = boto3.client("events").test_event_pattern(
        EventPattern=json.dumps({"source": ["orders"]}),
        Event=json.dumps({**event, "detail-type": "made", "detail": rule["Detail"]}),
    )
    assert answer["Result"] is True


def test_a_service_in_each_world_of_a_sweep(lambda_esm):
    seen = []
    for run in lambda_esm.sweep(errors=["InternalErrorException"], operations=["sns.Publish"]):
        with run:
            function = reader(lambda_esm)
            topic, _ = topic_with("lambda", FUNCTION)
            sns = boto3.client("sns")
            try:
                sns.publish(TopicArn=topic, Message="1", Subject="swept")
            except sns.exceptions.ClientError:
                continue
            lambda_esm.clock.run_until_idle()
            seen.append(subjects(function))
    assert seen[0] == ["swept"]


def test_two_threads_that_use_a_service_first(lambda_esm):
    function = reader(lambda_esm)
    start = threading.Barrier(2)

    def publish(region):
        start.wait()
        sns = boto3.client("sns", region)
        topic = sns.create_topic(Name="news")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=FUNCTION)
        sns.publish(TopicArn=topic, Message="1", Subject=region)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(publish, ["us-east-1", "eu-west-1"]))
    lambda_esm.clock.run_until_idle()
    assert sorted(subjects(function)) == ["eu-west-1", "us-east-1"]


def test_a_reset_of_moto_in_the_middle_of_a_test(lambda_esm):
    function = reader(lambda_esm)
    topic_with("lambda", FUNCTION)
    BackendDict.reset()
    function = reader(lambda_esm)
    topic, _ = topic_with("lambda", FUNCTION)
    boto3.client("sns").publish(TopicArn=topic, Message="1", Subject="again")
    lambda_esm.clock.run_until_idle()
    assert subjects(function) == ["again"]


@pytest.mark.lambda_esm(permissions="enforce")
def test_permissions_are_judged_whatever_is_used_first(lambda_esm):
    reader(lambda_esm)
    topic, _ = topic_with("sqs", queue_arn("inbox"))
    boto3.client("sns").publish(TopicArn=topic, Message="1")
    url = boto3.client("sqs").get_queue_url(QueueName="inbox")["QueueUrl"]
    assert "Messages" not in boto3.client("sqs").receive_message(QueueUrl=url)


def test_what_a_test_has_put_in_the_way_stays_and_goes_with_it():
    original, publish = vars(SNSBackend)["subscribe"], vars(Topic)["publish"]
    called = []
    with pytest.MonkeyPatch.context() as patch:
        with FakeLambda() as fake:
            function = reader(fake)

            def noting(*args, **kwargs):
                called.append("subscribe")
                return original(*args, **kwargs)

            patch.setattr(SNSBackend, "subscribe", noting)
            topic, _ = topic_with("lambda", FUNCTION)
            boto3.client("sns").publish(TopicArn=topic, Message="1", Subject="noted")
            fake.clock.run_until_idle()
            assert subjects(function) == ["noted"]
        assert vars(SNSBackend)["subscribe"] is noting
    assert called == ["subscribe"]
    assert vars(SNSBackend)["subscribe"] is original
    assert vars(Topic)["publish"] is publish


def test_an_empty_test_replaces_little(monkeypatch):
    places = []
    replace = patching.Patches.set

    def noting(patches, owner, name, value):
        places.append(f"{getattr(owner, '__module__', owner)}.{name}")
        return replace(patches, owner, name, value)

    monkeypatch.setattr(patching.Patches, "set", noting)
    with FakeLambda():
        pass
    assert len(places) <= 100, places  # 92 when this number was last changed
    assert [
        place for place in places if place.startswith(("moto.sns", "moto.s3", "moto.kinesis", "moto.dynamodb"))
    ] == []
