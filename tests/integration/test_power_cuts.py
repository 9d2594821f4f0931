"""Handlers that end at the worst moment: after a write, or after all of their work."""

import contextlib
import threading

import boto3
import pytest

from helpers.queues import arn_of, make_queue, send
from pytest_lambda_esm import FaultError, HandlerError, after_writes, exits, lost_response, runs


@pytest.fixture
def table(lambda_esm):
    boto3.client("dynamodb").create_table(
        TableName="charges",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return boto3.resource("dynamodb").Table("charges")


def items(table):
    return sorted(item["id"] for item in table.scan()["Items"])


def subscribe(lambda_esm, name="charge"):
    url = make_queue()
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn_of(url), FunctionName=name)
    return url


@pytest.fixture
def charge(lambda_esm, table):
    """A function that reads, writes three items, and notes what it did besides."""
    did = []

    def handler(event, context):
        table.get_item(Key={"id": "a"})
        try:
            for key in ("a", "b", "c"):
                table.put_item(Item={"id": f"{key}{context.aws_request_id[:0]}"})
                did.append(key)
        finally:
            did.append("finally")
            table.put_item(Item={"id": "finally"})

    function = lambda_esm.function("charge", handler)
    function.did = did
    return function


def test_a_batch_ends_after_its_nth_write_and_is_delivered_again(lambda_esm, table, charge):
    lambda_esm.faults.add("poller.Invoke", after_writes(2))
    url = subscribe(lambda_esm)
    lambda_esm.clock.run_until_idle()
    send(url, "o1")
    lambda_esm.clock.advance(1)
    assert items(table) == ["a", "b"]
    assert charge.did == ["a", "finally"]
    lambda_esm.clock.run_until_idle()
    assert [invocation.outcome for invocation in lambda_esm.invocations] == ["exit", "success"]
    assert items(table) == ["a", "b", "c", "finally"]


def test_an_event_ends_after_its_first_write_and_is_tried_again(lambda_esm, table, charge):
    lambda_esm.faults.add("poller.InvokeEvent", after_writes(1))
    boto3.client("lambda").invoke(FunctionName="charge", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    assert [invocation.outcome for invocation in lambda_esm.invocations] == ["exit", "success"]
    assert [invocation.attempt for invocation in lambda_esm.invocations] == [1, 2]


def test_a_script_cuts_a_run(lambda_esm, table, charge):
    charge.script(runs().cut_after(1))
    response = boto3.client("lambda").invoke(FunctionName="charge")
    assert response["FunctionError"] == "Unhandled"
    assert b"Runtime.ExitError" in response["Payload"].read()
    assert items(table) == ["a"]


def test_what_swallows_the_cut_is_cut_all_the_same(lambda_esm, table):
    def handler(event, context):
        for key in ("a", "b"):
            with contextlib.suppress(BaseException):
                table.put_item(Item={"id": key})
        return "done"

    function = lambda_esm.function("charge", handler)
    function.script(runs().cut_after(1))
    boto3.client("lambda").invoke(FunctionName="charge")
    assert function.invocations[0].outcome == "exit"
    assert items(table) == ["a"]


def test_writes_of_the_handlers_threads_count_and_those_of_others_do_not(lambda_esm, table):
    def inner(event, context):
        for key in ("x", "y"):
            table.put_item(Item={"id": key})

    def handler(event, context):
        boto3.client("lambda").invoke(FunctionName="inner")  # The first write; the inner function's are its own.
        threads = [threading.Thread(target=table.put_item, kwargs={"Item": {"id": key}}) for key in ("a", "b")]
        for thread in threads:
            thread.start()
            thread.join()

    lambda_esm.function("inner", inner)
    outer = lambda_esm.function("outer", handler)
    outer.script(runs().cut_after(2))
    boto3.client("lambda").invoke(FunctionName="outer")
    assert outer.invocations[0].outcome == "exit"
    assert items(table) == ["a", "x", "y"]


def test_a_handler_with_fewer_writes_completes(lambda_esm, table, charge):
    charge.script(runs().cut_after(9))
    boto3.client("lambda").invoke(FunctionName="charge")
    assert charge.invocations[0].outcome == "success"


@pytest.mark.parametrize("step", ["poller.Invoke", "poller.InvokeEvent"])
def test_a_handler_runs_into_its_timeout_after_all_of_its_work(lambda_esm, table, charge, step):
    lambda_esm.faults.add(step, "timed_out")
    if step == "poller.Invoke":
        url = subscribe(lambda_esm)
        send(url, "o1")
    else:
        boto3.client("lambda").invoke(FunctionName="charge", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    assert [invocation.outcome for invocation in lambda_esm.invocations] == ["timeout", "success"]
    assert charge.did == ["a", "b", "c", "finally"] * 2


def test_an_event_is_delivered_twice(lambda_esm, table, charge):
    lambda_esm.faults.add("poller.InvokeEvent", "duplicated")
    boto3.client("lambda").invoke(FunctionName="charge", InvocationType="Event")
    lambda_esm.clock.run_until_idle()
    first, second = lambda_esm.invocations
    assert first.request_id == second.request_id
    assert [first.attempt, second.attempt] == [1, 1]


@pytest.mark.parametrize("count", [0, -1, 1.0, True, "1"])
def test_the_number_of_writes_is_a_whole_number(lambda_esm, count):
    with pytest.raises(FaultError, match="after_writes takes a whole number from 1"):
        after_writes(count)
    with pytest.raises(HandlerError, match="cut_after takes a whole number from 1"):
        runs().cut_after(count)


def test_only_steps_at_which_a_handler_runs_have_it(lambda_esm):
    with pytest.raises(FaultError, match=r"after_writes\(1\) ends a handler: it is a fault of poller.Invoke and"):
        lambda_esm.faults.add("sqs.SendMessage", after_writes(1))
    with pytest.raises(FaultError, match=r"poller.Read has no fault after_writes\(1\)"):
        lambda_esm.faults.add("poller.Read", after_writes(1))
    with pytest.raises(FaultError, match=r"poller.Invoke has no fault lost_response\(\).*after_writes\(n\)"):
        lambda_esm.faults.add("poller.Invoke", lost_response())


def test_only_a_run_can_be_cut(lambda_esm):
    with pytest.raises(HandlerError, match=r"write runs\(\).cut_after\(2\)"):
        exits().cut_after(2)
