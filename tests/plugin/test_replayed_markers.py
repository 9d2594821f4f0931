"""The lines that reports of explorations print above a test replay what they have found."""

# ruff: noqa: PT012 - an exploration is a loop with a block, also inside pytest.raises

import re

import pytest

pytest.importorskip("hypothesis")

from pytest_lambda_esm import ExplorationFailed, FakeLambda

BODIES = """
import time

import boto3
from botocore.config import Config

standard = Config(retries={"mode": "standard"})  # The legacy mode tries DynamoDB ten times, which takes too long.
dynamodb = boto3.client("dynamodb", region_name="us-east-1", config=standard)


def add(key):
    dynamodb.update_item(TableName="charges", Key={"id": {"S": key}}, UpdateExpression="ADD n :one",
                         ExpressionAttributeValues={":one": {"N": "1"}})


def check(found, expected):
    if found != expected:
        raise AssertionError(f"found {found}")


def charge(event, context):
    for record in event["Records"]:
        add(record["body"])


def charge_if_unknown(event, context):
    for record in event["Records"]:
        try:
            found = "Item" in dynamodb.get_item(TableName="charges", Key={"id": {"S": record["body"]}})
        except Exception:
            found = False
        if not found:
            add(record["body"])


def deliver(fake, handler, *orders, timeout=3, **attributes):
    charges = fake.table("charges", stream=None)
    queue = fake.queue("orders", visibility=max(30, timeout), attributes=attributes)
    fake.connect(queue, fake.function("f", handler, timeout=timeout), BatchSize=1)
    for order in orders:
        queue.send(order)
    fake.run_until_idle()
    return {item["id"]: int(item["n"]) for item in charges.items}


def is_delivered_twice(fake):
    check(deliver(fake, charge, "o1", "o2"), {"o1": 1, "o2": 1})


def loses_an_answer(fake):
    check(deliver(fake, charge, "o1", "o2"), {"o1": 1, "o2": 1})


def breaks_by_two(fake):
    check(deliver(fake, charge_if_unknown, "o1", "o2"), {"o1": 1, "o2": 1})


def breaks_by_two_at_one_operation(fake):
    charges = deliver(fake, charge, "o1", timeout=900)
    check((charges["o1"], len(fake.invocations)) == (2, 2), False)


def breaks_by_two_failures(fake):
    check(sorted(deliver(fake, charge, "o1", "o2", MessageRetentionPeriod="60")), ["o1", "o2"])


def is_cut_off(fake):
    charges = fake.table("charges", stream=None)

    def handler(event, context):
        if not charges.items:
            add("first")
            add("second")

    fake.function("f", handler)
    fake.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload="1")
    fake.run_until_idle()
    check(sorted(item["id"] for item in charges.items), ["first", "second"])


def reads_again(fake):
    charges, clicks = fake.table("charges", stream=None), fake.stream("clicks")
    function = fake.function("f", lambda event, context: [add(each["eventID"][-3:]) for each in event["Records"]])
    fake.connect(clicks, function, BatchSize=1)
    clicks.put("a")
    clicks.put("b")
    fake.run_until_idle()
    check([int(item["n"]) for item in charges.items], [1, 1])


def changes_the_order(fake):
    calls = []
    fake.function("f", lambda event, context: calls.append(event))
    for number in range(3):
        fake.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=str(number))
    fake.run_until_idle()
    check(calls == [0, 1, 2] or not fake.calls, True)
"""

EXPLORED = {
    "is_delivered_twice": ("poller.Read",),
    "loses_an_answer": ("dynamodb.UpdateItem",),
    "breaks_by_two": ("poller.Delete", "dynamodb.GetItem"),
    "breaks_by_two_at_one_operation": ("dynamodb.UpdateItem",),
    "breaks_by_two_failures": ("poller.Invoke",),
    "is_cut_off": ("poller.InvokeEvent",),
    "reads_again": ("poller.Checkpoint",),
    "changes_the_order": ("poller.InvokeEvent",),
}


def explored(body, operations, at_most):
    """Return the report of an exploration that breaks a body."""
    with FakeLambda(advice="off") as fake, pytest.raises(ExplorationFailed) as caught:
        for run in fake.explore(runs=60 if at_most > 1 else 12, at_most=at_most, operations=operations):
            with run:
                body(fake)
    return str(caught.value)


@pytest.mark.slow
def test_the_markers_of_reports_replay_what_broke(pytester, monkeypatch):
    pytester.makepyfile(bodies=BODIES)
    monkeypatch.syspath_prepend(pytester.path)
    import bodies

    texts, found, troubles = ["import bodies, pytest\nfrom pytest_lambda_esm import after_writes, lost_response"], [], 0
    for name, operations in EXPLORED.items():
        report = explored(getattr(bodies, name), operations, 2 if "by_two" in name else 1)
        (error, markers), *others = re.findall(
            r"  world .*\n    (AssertionError: .*)\n(?:    .*\n)*?((?:    @.*\n)+)", report
        )
        assert not others
        found.append(error)
        troubles += markers.count("@")
        texts.append(
            f"{re.sub('(?m)^ +', '', markers)}@pytest.mark.lambda_esm(advice='off')\ndef test_{name}(lambda_esm):\n"
            f"    for run in lambda_esm.explore():\n        with run:\n            bodies.{name}(lambda_esm)\n"
        )
    pytester.makepyfile(test_replayed="\n".join(texts))

    result = pytester.runpytest("-p", "no:randomly", "-p", "no:xdist")

    result.assert_outcomes(failed=len(EXPLORED))
    replayed = [line[1:].strip() for line in result.outlines if re.match(r"E +AssertionError: found", line)]
    assert replayed == found
    assert troubles == len(EXPLORED) + len([name for name in EXPLORED if "by_two" in name])
