"""Sweeps over deliveries, over the steps of pollers, and with pairs of errors."""
# ruff: noqa: PT012 - a sweep is a loop with a block, also inside pytest.raises

import contextlib

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.charges import Charges
from pytest_lambda_esm import FaultError, SweepFailed
from pytest_lambda_esm.sweep import sweep as sweeps


@pytest.fixture
def charges():
    return Charges()


def twice(charges):
    """A handler that writes an order and then a receipt, and refuses an order that it has seen already."""

    def handler(event, context):
        for record in event["Records"]:
            if "Item" not in charges.table.get_item(Key={"id": record["body"]}):
                charges.table.put_item(Item={"id": record["body"], "n": 1})
                charges.table.put_item(Item={"id": f"receipt of {record['body']}", "n": 1})

    return handler


def test_each_delivery_in_turn_meets_what_may_happen_to_it(lambda_esm, charges):
    sweep = lambda_esm.sweep(operations=("poller.*",), deliveries=True)
    seen = []
    for run in sweep:
        with run:
            assert charges.run(lambda_esm, charges.put, "o1", "o2") == {"o1": 1, "o2": 1}
        seen.append(str(run.target))
    assert sorted(set(seen)) == [
        "None",
        *sorted(
            f"{step} {number}: {error}"
            for step, errors in {
                "poller.Read": ["duplicated"],
                "poller.Invoke": [
                    "throttled",
                    "timed_out",
                    "end of the process after write 1",
                    "end of the process after write 2",
                ],
                "poller.Delete": ["lost"],
            }.items()
            for error in errors
            for number in (1, 2)
        ),
    ]
    assert sweep.report.startswith("sweep: 13 worlds, none broke; in ")


def test_power_cuts_go_on_for_as_long_as_the_handler_writes(lambda_esm, charges):
    with pytest.raises(SweepFailed) as caught:
        for run in lambda_esm.sweep(operations=("poller.Invoke",), deliveries=True):
            with run:
                assert charges.run(lambda_esm, twice(charges), "o1") == {"o1": 1, "receipt of o1": 1}
    broken = [line for line in str(caught.value).splitlines() if line.startswith("  world")]
    assert broken == ["  world 5: poller.Invoke 1: end of the process after write 1"]
    assert "@pytest.mark.lambda_esm_fault('poller.Invoke', after_writes(1))" in str(caught.value)


def test_the_steps_of_pollers_have_errors_of_their_own(lambda_esm, charges):
    errors = []
    for run in lambda_esm.sweep(operations=("poller.Read", "poller.Delete")):
        with run:
            charges.run(lambda_esm, charges.put, "o1")
        errors += [run.target.error] if run.target is not None else []
    assert errors == ["throttled", "failed", "duplicated", "reordered", "lost"]


def test_deliveries_alone_are_added_to_the_calls_of_lambda(lambda_esm, charges):
    names = set()
    for run in lambda_esm.sweep(errors=("ServiceException",), deliveries=True):
        with run, contextlib.suppress(ClientError):
            charges.run(lambda_esm, charges.put, "o1")
        names |= {run.target.operation} if run.target is not None else set()
    assert names == {"CreateEventSourceMapping", "poller.Read", "poller.Invoke", "poller.Delete"}


def test_all_operations_of_a_service_can_be_named(lambda_esm, charges):
    names = set()
    for run in lambda_esm.sweep(errors=("ProvisionedThroughputExceededException",), operations=("dynamodb.*",)):
        with run, contextlib.suppress(ClientError):
            charges.run(lambda_esm, charges.put, "o1")
        names |= {run.target.operation} if run.target is not None else set()
    assert names == {"dynamodb.PutItem", "dynamodb.Scan"}


def fragile(lambda_esm, charges, at_once):
    for run in lambda_esm.sweep(
        errors=("duplicated", "InternalServerError"), operations=("poller.Read", "dynamodb.GetItem"), at_once=at_once
    ):
        with run:
            assert charges.run(lambda_esm, charges.fragile, "o1", "o2") == {"o1": 1, "o2": 1}


def test_what_breaks_only_together_is_found_by_pairs(lambda_esm, charges):
    """The second delivery makes a second check: it exists only in a world with the first error."""
    fragile(lambda_esm, charges, at_once=1)


def test_the_pairs_of_a_sweep_strike_two_calls(lambda_esm, charges):
    pairs = []
    for run in lambda_esm.sweep(errors=("failed", "lost"), operations=("poller.Read", "poller.Delete"), at_once=2):
        with run:
            assert charges.run(lambda_esm, charges.put, "o1", "o2") == {"o1": 1, "o2": 1}
        if len(run.targets) == 2:
            pairs.append(" and ".join(map(str, run.targets)))
            assert all(fault.hits == 1 for fault in run.faults)
    assert pairs == [
        "poller.Read 1: failed and poller.Delete 1: lost",
        "poller.Read 1: failed and poller.Read 2: failed",
        "poller.Read 1: failed and poller.Delete 2: lost",
        "poller.Delete 1: lost and poller.Read 2: failed",
        "poller.Delete 1: lost and poller.Delete 2: lost",
        "poller.Read 2: failed and poller.Delete 2: lost",
    ]


def test_both_faults_of_a_pair_strike_the_calls_that_they_name(lambda_esm, charges):
    struck = []
    for run in lambda_esm.sweep(errors=("lost",), operations=("poller.Delete",), at_once=2):
        with run:
            charges.run(lambda_esm, charges.put, "o1", "o2", "o3")
        deletes = [call for call in run.calls if call.operation == "poller.Delete"]
        struck.append([deletes.index(fault.calls[0]) for fault in run.faults])
    assert struck == [[], [0], [1], [2], [0, 1], [0, 2], [1, 2]]


def test_the_number_of_worlds_is_told_before(lambda_esm, charges):
    sweep = lambda_esm.sweep(errors=("failed", "lost"), operations=("poller.Read", "poller.Delete"), at_once=2)
    planned = []
    for run in sweep:
        planned.append(sweep.planned)
        with run:
            charges.run(lambda_esm, charges.put, "o1")
    assert planned == [0, 4, 4, 4]


def test_too_many_pairs_are_refused_before_they_run(lambda_esm, charges, monkeypatch):
    monkeypatch.setattr(sweeps, "MOST_WORLDS", 10)
    worlds = 0
    with pytest.raises(FaultError, match=r"this sweep of pairs would have \d+ worlds, and 10 are the most"):
        for run in lambda_esm.sweep(operations=("poller.*",), deliveries=True, at_once=2):
            with run:
                worlds += 1
                charges.run(lambda_esm, charges.put, "o1", "o2", "o3")
    assert worlds == 1


@pytest.mark.parametrize("at_once", [0, 3, True, "2"])
def test_more_than_pairs_are_refused(lambda_esm, at_once):
    with pytest.raises(FaultError, match="at_once is 1 or 2"):
        lambda_esm.sweep(at_once=at_once)


def test_an_event_is_swept_too(lambda_esm):
    runs = []
    for run in lambda_esm.sweep(operations=("poller.InvokeEvent",), deliveries=True):
        with run:
            lambda_esm.function("f", lambda event, context: None)
            boto3.client("lambda").invoke(FunctionName="f", InvocationType="Event")
            lambda_esm.clock.run_until_idle()
        runs.append(str(run.target))
    assert runs == [
        "None",
        "poller.InvokeEvent 1: throttled",
        "poller.InvokeEvent 1: duplicated",
        "poller.InvokeEvent 1: timed_out",
        "poller.InvokeEvent 1: end of the process after write 1",
    ]
