"""The sources whose fates a test may ask for, and the messages for wrong requests."""

import json
import time
from datetime import timedelta
from itertools import groupby

import boto3
import pytest
from moto.awslambda.models import lambda_backends

from pytest_lambda_esm import LambdaEsmError, returns, times_out


@pytest.fixture
def queue_arn(lambda_esm):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def test_a_queue_by_its_arn_and_by_its_mapping(lambda_esm, queue_arn):
    lambda_esm.function("orders", lambda event, context: None)
    answer = boto3.client("lambda").create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="orders")
    assert lambda_esm.fates(queue_arn) == []

    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody="a")
    lambda_esm.clock.run_until_idle()

    [fate] = lambda_esm.fates(queue_arn)
    assert fate.fate == "deleted"
    for mapping in (lambda_esm.mapping(answer), answer, answer["UUID"], answer["EventSourceMappingArn"]):
        assert lambda_esm.fates(mapping) == [fate]
        assert f"mapping {answer['UUID']} is Enabled" in lambda_esm.explain(mapping)


def test_a_function_by_its_arn_and_by_itself(lambda_esm):
    orders = lambda_esm.function("orders", lambda event, context: None)
    boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event", Payload=json.dumps({}))
    lambda_esm.clock.run_until_idle()
    [fate] = lambda_esm.fates(orders)
    assert fate.fate == "done"
    assert lambda_esm.fates(orders.arn) == [fate]


def test_a_misspelt_source_is_told(lambda_esm, queue_arn):
    lambda_esm.function("orders", lambda event, context: None)
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="orders")
    with pytest.raises(LambdaEsmError, match=r"there is no 'order'\. Did you mean 'orders'"):
        lambda_esm.fates("order")
    with pytest.raises(LambdaEsmError, match=f"Did you mean '{queue_arn}'"):
        lambda_esm.fates(queue_arn[:-1])


def test_an_answer_that_has_no_mapping_is_told(lambda_esm):
    with pytest.raises(
        LambdaEsmError, match=r"takes a UUID, .* a response of the API that has one of them.*there is no"
    ):
        lambda_esm.fates(boto3.client("lambda").list_event_source_mappings())


def test_a_source_where_nothing_is(lambda_esm):
    with pytest.raises(LambdaEsmError, match="There is no mapping and no function yet"):
        lambda_esm.fates("orders")


def stream():
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    return kinesis.describe_stream(StreamName="clicks")["StreamDescription"]["StreamARN"]


def put(data):
    answer = boto3.client("kinesis").put_record(StreamName="clicks", Data=data, PartitionKey="k")
    return f"{answer['ShardId']}:{answer['SequenceNumber']}"


def subscribe(lambda_esm, arn, handler):
    lambda_esm.function("clicks", handler)
    answer = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="clicks", StartingPosition="TRIM_HORIZON"
    )
    return answer["UUID"]


def succeed(event, context):
    return None


def fail(event, context):
    raise ValueError("bad")


def told(fates):
    return [(fate.record, fate.fate, fate.mapping) for fate in fates]


@pytest.mark.lambda_esm(advice_ignore="ESM113 ESM119")
def test_a_deleted_mapping_has_no_word_on_what_came_after_its_end(lambda_esm):
    arn = stream()
    uuid = subscribe(lambda_esm, arn, fail)
    before = put(b"before")
    lambda_esm.clock.advance(10)
    boto3.client("lambda").delete_event_source_mapping(UUID=uuid)
    lambda_esm.clock.advance(10)
    after = put(b"after")

    [fate] = lambda_esm.fates(uuid)
    assert (fate.record, fate.fate, fate.detail) == (before, "waiting", "the mapping was deleted before it read it")
    assert told(lambda_esm.fates(arn)) == [(before, "waiting", uuid), (after, "waiting", "")]
    assert lambda_esm.fates(arn)[1].detail == "no mapping reads the stream"

    second = subscribe(lambda_esm, arn, succeed)
    lambda_esm.clock.run_until_idle()
    done = [(before, "done", second), (after, "done", second)]
    assert told(lambda_esm.fates(arn)) == [(before, "waiting", uuid), *done]


def test_a_deleted_mapping_keeps_the_fates_of_what_it_read(lambda_esm):
    arn = stream()
    uuid = subscribe(lambda_esm, arn, succeed)
    record = put(b"a")
    lambda_esm.clock.advance(10)
    boto3.client("lambda").delete_event_source_mapping(UUID=uuid)
    lambda_esm.clock.run_until_idle()
    assert told(lambda_esm.fates(arn)) == [(record, "done", uuid)]


@pytest.mark.lambda_esm(advice_ignore="ESM113")
def test_a_deleted_stream_takes_along_what_was_not_read(lambda_esm):
    uuid = subscribe(lambda_esm, stream(), fail)
    record = put(b"bad")
    lambda_esm.clock.advance(10)
    boto3.client("kinesis").delete_stream(StreamName="clicks")
    lambda_esm.clock.run_until_idle()
    [fate] = lambda_esm.fates(uuid)
    assert (fate.record, fate.fate) == (record, "expired")
    assert fate.detail == "it was not read before the stream was deleted"


def test_fates_of_an_earlier_stream_of_the_same_name_stay(lambda_esm):
    arn = stream()
    uuid = subscribe(lambda_esm, arn, succeed)
    put(b"first")
    lambda_esm.clock.run_until_idle()
    boto3.client("kinesis").delete_stream(StreamName="clicks")
    lambda_esm.clock.run_until_idle()
    assert [fate.fate for fate in lambda_esm.fates(uuid)] == ["done"]

    stream()
    put(b"second")
    assert [fate.fate for fate in lambda_esm.fates(uuid)] == ["done", "waiting"]
    lambda_esm.clock.run_until_idle()
    assert [fate.fate for fate in lambda_esm.fates(uuid)] == ["done", "done"]


def send_event(name="orders"):
    boto3.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")


def test_an_event_is_in_flight_while_its_attempt_runs(lambda_esm):
    orders = lambda_esm.function("orders", lambda event, context: None)
    orders.script(times_out(), returns(1))
    send_event()
    start = lambda_esm.clock.now
    lambda_esm.clock.advance(1)
    [fate] = lambda_esm.fates(orders)
    assert (fate.fate, fate.at) == ("in flight", start + timedelta(seconds=3))
    assert "attempt 1 is in flight until 00:00:03.000000" in lambda_esm.explain(orders)
    lambda_esm.clock.advance(2)
    [fate] = lambda_esm.fates(orders)
    assert (fate.fate, fate.at) == ("waiting", start + timedelta(seconds=63))
    assert "attempt 2 is due at 00:01:03.000000" in lambda_esm.explain(orders)
    lambda_esm.clock.advance(60)
    assert [fate.fate for fate in lambda_esm.fates(orders)] == ["done"]


def test_a_handler_sees_its_own_event_in_flight(lambda_esm):
    seen = []

    def handler(event, context):
        seen.append(([fate.fate for fate in lambda_esm.fates(orders)], lambda_esm.explain(orders)))

    orders = lambda_esm.function("orders", handler)
    send_event()
    lambda_esm.clock.advance(0)
    [(fates, told)] = seen
    assert fates == ["in flight"]
    assert "attempt 1 is in flight: the function runs with it" in told


def test_a_handler_sees_its_own_batch_in_flight(lambda_esm, queue_arn):
    told = []
    lambda_esm.function("orders", lambda event, context: told.append(lambda_esm.explain(queue_arn)))
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="orders")
    boto3.client("sqs").send_message(QueueUrl="orders", MessageBody="a")
    lambda_esm.clock.run_until_idle()
    assert "a batch of 1 is in flight: the function runs with it" in told[0]
    assert "in flight" not in lambda_esm.explain(queue_arn)


def test_a_deleted_mapping_is_named_until_its_batch_has_ended(lambda_esm, queue_arn):
    lambda_esm.function("orders", lambda event, context: time.sleep(2))
    aws_lambda = boto3.client("lambda")
    uuid = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="orders")["UUID"]
    boto3.client("sqs").send_message(QueueUrl="orders", MessageBody="a")
    lambda_esm.clock.run_until(lambda: lambda_esm.invocations)
    lambda_esm.transitions(deleting=0)
    aws_lambda.delete_event_source_mapping(UUID=uuid)
    lambda_esm.clock.advance(1)
    for subject in (queue_arn, "orders", None):
        assert f"mapping {uuid} was deleted, {queue_arn}" in lambda_esm.explain(subject)
        assert "a batch of 1 is in flight until" in lambda_esm.explain(subject)
    lambda_esm.clock.advance(1)
    assert uuid not in lambda_esm.explain()
    assert [fate.fate for fate in lambda_esm.fates(queue_arn)] == ["deleted"]


def test_an_event_that_is_delivered_twice_has_one_fate(lambda_esm):
    orders = lambda_esm.function("orders", lambda event, context: None)
    orders.duplicate_events()
    orders.script(times_out(), returns(1))
    send_event()
    seen = []
    for _ in range(70):
        seen.append([fate.fate for fate in lambda_esm.fates(orders)])
        lambda_esm.clock.advance(1)
    assert [next(group) for _, group in groupby(seen)] == [["waiting"], ["in flight"], ["waiting"], ["done"]]
    assert len(orders.invocations) == 3


def test_a_handler_that_resets_moto_leaves_no_event(lambda_esm):
    orders = lambda_esm.function("orders", lambda event, context: lambda_backends.reset())
    send_event()
    lambda_esm.clock.run_until_idle()
    assert lambda_esm.fates(orders) == []
    assert "asynchronous" not in lambda_esm.explain()
