"""The pollers of a mapping in queue mode, on a cluster in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.kafka import QUEUE, KafkaSimulation, failures, refuse
from helpers.simulation import Throttled
from pytest_lambda_esm.timing import MICROSECONDS

TO_A_QUEUE = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:failures"}}
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


def started(handler: Any = None, *, limit: int = 5, **settings: Any) -> KafkaSimulation:
    simulation = KafkaSimulation(handler or refuse(), **QUEUE, **settings)
    simulation.cluster.configure_share_group("uuid", delivery_limit=limit)
    simulation.poller.start()
    return simulation


def test_a_new_share_group_reads_what_arrives_after_it() -> None:
    simulation = KafkaSimulation(refuse(), **QUEUE)
    simulation.put("before")
    simulation.poller.start()
    simulation.put("after")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["after"]]
    fates = {fate.record: (fate.fate, fate.detail) for fate in simulation.poller.fates()}
    assert fates["orders-0:0"] == ("skipped by the starting position", "it arrived before the share group existed")
    assert simulation.poller.offset_lag() == {"orders-0": 0}


def test_a_share_group_can_read_from_the_start() -> None:
    simulation = KafkaSimulation(refuse(), **QUEUE)
    simulation.cluster.configure_share_group("uuid", from_start=True)
    simulation.put("before")
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["before"]]


def test_a_topic_that_was_missing_is_read_from_its_start() -> None:
    simulation = KafkaSimulation(refuse(), partitions=0, **QUEUE)
    simulation.poller.start()
    simulation.clock.run_until_idle()
    simulation.cluster.create_topic("orders")
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"]]


def test_records_are_delivered_at_once_without_a_window() -> None:
    simulation = started()
    simulation.put("1")
    simulation.clock.advance(0)
    assert simulation.batches == [["1"]]
    assert simulation.clock.pending == ()


def test_a_mapping_on_demand_polls() -> None:
    simulation = started(ProvisionedPollerConfig={})
    simulation.put("1")
    simulation.clock.advance(0)
    assert simulation.batches == [["1"]]


def test_pollers_share_a_partition() -> None:
    simulation = started(pollers=3, BatchSize=1)
    simulation.duration = 10
    simulation.put("1", "2", "3", "4")
    simulation.clock.advance(9)
    assert simulation.fates() == ["in flight"] * 3 + ["waiting"]
    simulation.clock.run_until_idle()
    assert sorted(name for batch in simulation.batches for name in batch) == ["1", "2", "3", "4"]
    assert (simulation.clock.instant / MICROSECONDS) % 60 == 20


@pytest.mark.parametrize("limit", [2, 5])
def test_a_failed_record_is_released_until_the_broker_archives_it(limit: int) -> None:
    simulation = started(refuse("bad"), limit=limit)
    simulation.put("bad")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["bad"]] * limit
    (fate,) = simulation.poller.fates()
    assert (fate.fate, fate.detail) == ("discarded", f"the broker archived it, because it was delivered {limit} times")
    assert simulation.mapping.metrics["DroppedEventCount"] == 1
    assert simulation.poller.offset_lag() == {"orders-0": 0}


def test_a_released_record_comes_together_with_new_ones() -> None:
    calls = iter([ValueError("first"), None])

    def handler(event: dict[str, Any]) -> None:
        if error := next(calls, None):
            simulation.put("2")
            raise error

    simulation = started(handler)
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"], ["1", "2"]]
    assert simulation.fates() == ["done", "done"]


def test_retries_of_the_poller_count_as_one_delivery() -> None:
    simulation = started(refuse("bad"), limit=2, MaximumRetryAttempts=1)
    simulation.put("bad")
    simulation.clock.run_until_idle()
    assert simulation.attempts == [1, 2, 1, 2]
    assert simulation.fates() == ["discarded"]


def test_a_failure_destination_gets_what_the_poller_gives_up() -> None:
    simulation = started(refuse("bad"), DestinationConfig=TO_A_QUEUE, MaximumRetryAttempts=1)
    simulation.put("bad")
    simulation.clock.run_until_idle()
    assert simulation.attempts == [1, 2]
    (message,) = simulation.outbox.messages
    record = json.loads(message.body)
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert simulation.fates() == ["sent to a destination"]


def test_only_reported_records_come_again() -> None:
    answers = iter([failures(("orders-0", 1)), None])
    simulation = started(lambda event: next(answers), **REPORTS)
    simulation.put("1", "2", "3")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1", "2", "3"], ["2"]]
    assert simulation.fates() == ["done"] * 3


def test_a_report_counts_as_an_attempt() -> None:
    simulation = started(lambda event: failures(("orders-0", 1)), **REPORTS, MaximumRetryAttempts=1, limit=2)
    simulation.put("1", "2")
    simulation.clock.run_until_idle()
    assert simulation.attempts == [1, 2, 1, 2]
    assert simulation.batches[0] == ["1", "2"]
    assert simulation.batches[1:] == [["2"]] * 3


def test_a_failed_batch_is_split() -> None:
    simulation = started(refuse("bad"), limit=2, BisectBatchOnFunctionError=True)
    simulation.put("1", "2", "bad", "4")
    simulation.clock.run_until_idle()
    assert simulation.batches[:4] == [["1", "2", "bad", "4"], ["1", "2"], ["bad", "4"], ["bad"]]
    assert sorted(simulation.fates()) == ["discarded", "done", "done", "done"]


def test_throttles_are_no_deliveries() -> None:
    throttles = iter([True] * 7)

    def handler(event: dict[str, Any]) -> None:
        if next(throttles, False):
            raise Throttled

    simulation = started(handler, limit=2)
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert (simulation.batches, simulation.fates()) == ([["1"]], ["done"])


def test_records_that_no_filter_accepts_are_acknowledged() -> None:
    simulation = started(FilterCriteria={"Filters": [{"Pattern": json.dumps({"value": {"n": [1]}})}]})
    simulation.put('{"n": 2}', '{"n": 1}', '{"n": 2}')
    simulation.clock.run_until_idle()
    simulation.put('{"n": 2}')
    simulation.clock.run_until_idle()
    assert simulation.batches == [['{"n": 1}']]
    assert sorted(simulation.fates()) == ["done", "filtered out", "filtered out", "filtered out"]
    assert simulation.mapping.metrics["FilteredOutEventCount"] == 3
    assert simulation.mapping.metrics["PolledEventCount"] == 4
    assert simulation.poller.offset_lag() == {"orders-0": 0}


def test_a_stop_releases_what_waits_for_a_retry() -> None:
    simulation = started(refuse("bad"), MaximumRetryAttempts=5)
    simulation.put("bad")
    simulation.clock.advance(0.1)
    simulation.poller.stop()
    assert simulation.fates() == ["waiting"]
    simulation.handler = refuse()
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.fates() == ["done"]


def test_what_is_in_flight_at_a_stop_completes() -> None:
    simulation = started(refuse("bad"))
    simulation.duration = 5
    simulation.put("bad")
    simulation.clock.advance(1)
    simulation.poller.stop()
    assert simulation.poller.in_hand() == ["the function runs with 1 record of orders-0"]
    simulation.clock.advance(10)
    assert (simulation.batches, simulation.fates()) == ([["bad"]], ["waiting"])


def test_a_record_that_fits_into_no_event_is_rejected() -> None:
    simulation = started(DestinationConfig=TO_A_QUEUE)
    simulation.put("x" * 6_000_000, "small")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["small"]]
    (message,) = simulation.outbox.messages
    assert json.loads(message.body)["requestContext"]["condition"] == "MaximumPayloadSizeExceeded"


def test_records_expire_while_nobody_reads_them() -> None:
    simulation = KafkaSimulation(refuse(), partitions=0, **QUEUE)
    simulation.cluster.create_topic("orders", retention=60)
    simulation.poller.start()
    simulation.clock.advance(0)
    simulation.poller.stop()
    simulation.put("1")
    simulation.clock.advance(60)
    simulation.put("2")
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["2"]]
    assert simulation.fates() == ["expired", "done"]


def test_a_partition_has_at_most_two_thousand_acquired_records() -> None:
    simulation = started(BatchSize=10_000, pollers=2)
    simulation.duration = 1
    simulation.put(*map(str, range(2_500)))
    simulation.clock.run_until_idle()
    assert [len(batch) for batch in simulation.batches] == [2_000, 500]


def test_explain_says_which_records_wait_once() -> None:
    simulation = started(refuse("bad"), pollers=2, MaximumRetryAttempts=3)
    simulation.cluster.refuse("connection")
    simulation.put("1", "2")
    simulation.cluster.accept()
    (line,) = simulation.poller.explain()
    assert line.startswith("2 records of orders-0 wait, starting with record orders-0:0")
