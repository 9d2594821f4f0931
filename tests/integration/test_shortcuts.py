"""The short forms on the fake: sources as objects, connect, and moving the clock."""

import boto3
import pytest
from botocore.exceptions import ClientError

from pytest_lambda_esm import (
    ClockLimitExceeded,
    ConfigurationError,
    FakeLambda,
    LambdaEsmError,
    after_reads,
    raises,
)


def nothing(event, context):
    return None


def make_queue(fake):
    return fake.queue("orders")


def make_stream(fake):
    return fake.stream("clicks", shards=2)


def make_table(fake):
    return fake.table("users")


SOURCES = [make_queue, make_stream, make_table]


def send(source):
    if hasattr(source, "send"):
        return source.send("a")
    return source.put({"id": "1"})


@pytest.mark.parametrize("make", SOURCES)
def test_a_source_connects_to_a_function_and_delivers(lambda_esm, make):
    source, function = make(lambda_esm), lambda_esm.function("worker", nothing)
    mapping = lambda_esm.connect(source, function, BatchSize=7)
    assert mapping.state == "Enabled"
    assert mapping.settings["BatchSize"] == 7
    send(source)
    lambda_esm.run_until_idle()
    assert [len(invocation.records) for invocation in function.invocations] == [1]


@pytest.mark.parametrize("make", SOURCES)
def test_every_look_up_takes_the_object(lambda_esm, make):
    source = make(lambda_esm)
    mapping = lambda_esm.connect(source, lambda_esm.function("worker", nothing))
    send(source)
    lambda_esm.run_until_idle()
    assert lambda_esm.mapping(source) is mapping
    assert lambda_esm.fates(source) == lambda_esm.fates(mapping)
    assert lambda_esm.fates(source)
    assert mapping.uuid in lambda_esm.explain(source)


def test_what_send_returns_names_a_journey(lambda_esm):
    queue = lambda_esm.queue("orders")
    answer = queue.send("a")
    assert lambda_esm.journey(answer)[0].where == queue.arn
    assert lambda_esm.journey(queue.messages[0].id)[0].where == queue.arn


def test_a_queue_is_an_ordinary_queue(lambda_esm):
    queue = lambda_esm.queue("orders", visibility=45, attributes={"DelaySeconds": "5"})
    attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
    assert attributes["QueueArn"] == queue.arn
    assert attributes["VisibilityTimeout"] == "45"
    assert attributes["DelaySeconds"] == "5"
    assert repr(queue) == f"<SqsQueue {queue.arn}>"


def test_messages_are_seen_without_being_received(lambda_esm):
    queue = lambda_esm.queue("orders")
    queue.send({"n": 1})
    queue.send("later", delay=60, MessageAttributes={"kind": {"DataType": "String", "StringValue": "slow"}})
    first, second = queue.messages
    assert first.json == {"n": 1}
    assert (second.body, second.receives) == ("later", 0)
    assert second.attributes["kind"]["StringValue"] == "slow"
    assert len(boto3.client("sqs").receive_message(QueueUrl=queue.url)["Messages"]) == 1
    assert [message.receives for message in queue.messages] == [1, 0]


def test_a_deleted_queue_has_no_messages(lambda_esm):
    queue = lambda_esm.queue("orders")
    boto3.client("sqs").delete_queue(QueueUrl=queue.url)
    with pytest.raises(LambdaEsmError, match="'orders' does not exist any more"):
        _ = queue.messages


@pytest.mark.parametrize("given", ["object", "arn", "url", "name", "policy"])
def test_failed_messages_go_to_the_queue_that_redrive_names(lambda_esm, given):
    failed = lambda_esm.queue("failed")
    forms = {
        "object": failed,
        "arn": failed.arn,
        "url": failed.url,
        "name": "failed",
        "policy": {"deadLetterTargetArn": failed.arn, "maxReceiveCount": 2},
    }
    orders = lambda_esm.queue("orders", redrive=forms[given], max_receives=2)
    function = lambda_esm.function("worker", nothing)
    function.script(raises(ValueError), raises(ValueError))
    lambda_esm.connect(orders, function)
    orders.send("bad")
    lambda_esm.run_until_idle()
    assert [message.body for message in failed.messages] == ["bad"]
    assert orders.messages == []


def test_a_fifo_queue_keeps_the_order_of_a_group(lambda_esm):
    queue = lambda_esm.queue("orders", fifo=True)
    assert queue.name == "orders.fifo"
    function = lambda_esm.function("worker", nothing)
    lambda_esm.connect(queue, function)
    for body in ("1", "2", "3"):
        queue.send(body, group="customer")
    lambda_esm.run_until_idle()
    assert [body for invocation in function.invocations for body in invocation.bodies] == [1, 2, 3]


def test_a_stream_shows_its_records(lambda_esm):
    stream = lambda_esm.stream("clicks", shards=2)
    for key in ("a", "b", "c", "d"):
        stream.put({"key": key}, key=key)
    stream.put(b"\x00", key="e")
    assert sorted(record["PartitionKey"] for record in stream.records) == ["a", "b", "c", "d", "e"]
    assert stream.arn.endswith("stream/clicks")


def test_a_table_holds_python_values(lambda_esm):
    table = lambda_esm.table("users", key="name", sort="day")
    table.put({"name": "ada", "day": "1", "tags": ["x"], "n": 2})
    assert table.items == [{"name": "ada", "day": "1", "tags": ["x"], "n": 2}]
    table.delete({"name": "ada", "day": "1"})
    assert table.items == []
    assert table.stream_arn.startswith(f"{table.arn}/stream/")


@pytest.mark.parametrize("times", [after_reads(3), "instant", 60])
def test_connect_waits_however_long_the_mapping_takes(lambda_esm, times):
    lambda_esm.transitions(creating=times)
    assert lambda_esm.connect(lambda_esm.queue("orders"), lambda_esm.function("f", nothing)).state == "Enabled"


def test_connect_of_a_disabled_mapping_returns_it_disabled(lambda_esm):
    mapping = lambda_esm.connect(lambda_esm.queue("orders"), lambda_esm.function("f", nothing), Enabled=False)
    assert mapping.state == "Disabled"


def test_connect_says_why_a_mapping_does_not_become_enabled(lambda_esm):
    lambda_esm.transitions(creating="manual")
    with pytest.raises(ClockLimitExceeded, match=r"when the test calls release\(\)"):
        lambda_esm.connect(lambda_esm.queue("orders"), lambda_esm.function("f", nothing))


def test_connect_works_in_the_region_of_the_source(lambda_esm):
    queue = lambda_esm.queue("orders", region="eu-west-1")
    function = lambda_esm.function("worker", nothing, region="eu-west-1")
    assert lambda_esm.connect(queue, function).arn.split(":")[3] == "eu-west-1"


def test_connect_takes_clusters_and_queues_of_brokers(lambda_esm):
    function = lambda_esm.function("worker", nothing)
    cluster = lambda_esm.kafka("main")
    cluster.create_topic("orders")
    mapping = lambda_esm.connect(cluster, function, Topics=["orders"])
    cluster.produce("orders", "a")
    credentials = [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x"}]
    work = lambda_esm.mq("broker").queue("work")
    assert lambda_esm.connect(work, function, SourceAccessConfigurations=credentials).settings["Queues"] == ["work"]
    lambda_esm.run_until_idle()
    assert mapping.settings["StartingPosition"] == "TRIM_HORIZON"
    assert len(function.invocations) == 1


@pytest.mark.parametrize("given", ["ordesr", 3, None])
def test_connect_names_the_nearest_source(lambda_esm, given):
    lambda_esm.queue("orders")
    with pytest.raises(LambdaEsmError, match=r"It takes a queue, stream, table, cluster or broker.*'?orders'?"):
        lambda_esm.connect(given, lambda_esm.function("f", nothing))


def test_misuse_names_the_right_way(lambda_esm):
    plain = lambda_esm.table("plain", stream=None)
    with pytest.raises(LambdaEsmError, match="stream='NEW_AND_OLD_IMAGES'"):
        lambda_esm.connect(plain, lambda_esm.function("f", nothing))
    with pytest.raises(ConfigurationError, match="connect takes a function, its name or its ARN, not None"):
        lambda_esm.connect(lambda_esm.queue("orders"), None)
    with pytest.raises(ConfigurationError, match=r"there is no queue 'ordesr'\. Did you mean 'orders'"):
        lambda_esm.queue("other", redrive="ordesr")
    with pytest.raises(ConfigurationError, match="Did you mean 'eu-west-1'"):
        lambda_esm.queue("other", region="eu-wst-1")
    with pytest.raises(ConfigurationError, match="queue takes the name of a queue"):
        lambda_esm.queue(7)


def test_what_aws_refuses_is_refused_by_aws(lambda_esm):
    with pytest.raises(ClientError, match="The specified queue does not exist"):
        lambda_esm.connect("arn:aws:sqs:us-east-1:123456789012:nope", lambda_esm.function("f", nothing))


def test_faults_strike_the_calls_of_short_forms(lambda_esm):
    lambda_esm.faults.add("CreateEventSourceMapping", "ResourceConflictException")
    with pytest.raises(ClientError, match="ResourceConflictException"):
        lambda_esm.connect(lambda_esm.queue("orders"), lambda_esm.function("f", nothing))
    assert lambda_esm.calls.of("sqs.CreateQueue")


def test_the_fake_moves_its_clock(lambda_esm):
    lambda_esm.advance(5)
    lambda_esm.advance(minutes=1)
    assert repr(lambda_esm.clock) == "<VirtualClock 2026-01-01 00:01:05.000000 UTC>"


def test_short_forms_need_an_open_fake():
    with FakeLambda() as fake:
        pass
    with pytest.raises(LambdaEsmError, match="closed"):
        fake.queue("orders")


def test_a_queue_receives_the_failed_events_of_a_function(lambda_esm):
    failed = lambda_esm.queue("failed")
    function = lambda_esm.function("worker", nothing, dead_letter=failed)
    function.script(raises(ValueError), raises(ValueError), raises(ValueError))
    boto3.client("lambda").invoke(FunctionName="worker", InvocationType="Event", Payload=b'{"n": 1}')
    lambda_esm.run_until_idle()
    assert [message.json for message in failed.messages] == [{"n": 1}]


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda fake: fake.queue("q", max_receives=3), r"queue\('q'\): max_receives = 3 needs redrive"),
        (
            lambda fake: fake.queue("q", redrive={"deadLetterTargetArn": "a", "maxReceiveCount": 1}, max_receives=3),
            r"queue\('q'\): max_receives is 3, but the RedrivePolicy has maxReceiveCount 1",
        ),
        (
            lambda fake: fake.table("t", stream="NEW_IMAGES"),
            "stream takes .*, not 'NEW_IMAGES'. Did you mean 'NEW_IMAGE'",
        ),
        (lambda fake: fake.function(print, "orders"), r"The name comes first: function\('orders', handler\)"),
        (lambda fake: fake.bind(print, "orders"), "takes the name of a function"),
        (
            lambda fake: setattr(fake, "permissions", "enforce"),
            r"before the fake starts: @pytest.mark.lambda_esm\(perm",
        ),
    ],
    ids=["max_receives", "max_receives and a policy", "stream", "function", "bind", "setting"],
)
def test_a_mistake_is_named(lambda_esm, mistake, message):
    with pytest.raises(ConfigurationError, match=message):
        mistake(lambda_esm)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("name", ["orders", "orders.fifo"])
def test_a_queue_has_the_arn_that_sqs_gives_it(lambda_esm, region, name):
    queue = lambda_esm.queue(name, region=region)
    assert [call.operation for call in lambda_esm.calls.of("sqs.*")] == ["CreateQueue"]
    answer = lambda_esm.client("sqs", region).get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
    assert queue.arn == answer["Attributes"]["QueueArn"]
