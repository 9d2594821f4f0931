"""The lanes of a stream mapping, on a stream in memory."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from helpers.memory_stream import HOUR, MemoryShard, Simulation, names_of
from helpers.simulation import START, Throttled
from pytest_lambda_esm.timing import MICROSECONDS, Backoff


def refuse(*bad: str) -> Any:
    def handler(event: dict[str, Any]) -> None:
        if set(bad) & set(names_of(event)):
            raise ValueError("bad")

    return handler


def started(handler: Any = None, **settings: Any) -> Simulation:
    simulation = Simulation(handler or refuse(), **settings)
    simulation.poller.start()
    return simulation


# --- waiting ---------------------------------------------------------------------------------------------------


def test_waits_double_from_a_quarter_of_a_second_to_a_minute() -> None:
    backoff = Backoff(MICROSECONDS // 4, 60 * MICROSECONDS)
    waits = [backoff.after(failures) / MICROSECONDS for failures in (1, 2, 3, 8, 9, 1_000_000)]
    assert waits == [0.25, 0.5, 1, 32, 60, 60]


def test_an_idle_mapping_has_nothing_on_the_clock() -> None:
    simulation = started()
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"]]
    assert simulation.clock.pending == ()


def test_records_put_together_come_together() -> None:
    simulation = started()
    simulation.put(*"123")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1", "2", "3"]]


def test_a_batching_window_begins_when_the_invocation_before_ends() -> None:
    simulation = started(MaximumBatchingWindowInSeconds=10, BatchSize=2)
    simulation.duration = 3
    simulation.put("1", "2", "3")
    simulation.clock.advance(12.9)
    assert simulation.batches == [["1", "2"]]
    simulation.clock.advance(0.1)
    assert simulation.batches == [["1", "2"], ["3"]]


def test_records_of_the_future_are_not_seen_before_their_time() -> None:
    simulation = started()
    simulation.stream.put("later", "k", simulation.clock.instant + 5 * MICROSECONDS)
    simulation.poller.wake()
    simulation.clock.advance(4.9)
    assert simulation.batches == []
    simulation.clock.advance(0.1)
    assert simulation.batches == [["later"]]


# --- failures --------------------------------------------------------------------------------------------------


def test_throttles_are_no_attempts() -> None:
    throttles = iter([True] * 9 + [False] * 99)

    def handler(event: dict[str, Any]) -> None:
        if next(throttles):
            raise Throttled
        raise ValueError("bad")

    simulation = started(handler, MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": "arn:x:y:z"}})
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.attempts == [1, 2, 3]
    (message,) = simulation.outbox.messages
    assert json.loads(message.body)["requestContext"]["approximateInvokeCount"] == 3


def test_a_function_that_is_always_throttled_loses_records_at_their_maximum_age_only() -> None:
    def throttled(event: dict[str, Any]) -> None:
        raise Throttled

    simulation = started(
        throttled,
        MaximumRetryAttempts=2,
        MaximumRecordAgeInSeconds=3600,
        DestinationConfig={"OnFailure": {"Destination": "arn:x:y:z"}},
    )
    simulation.put("1")
    simulation.clock.advance(3599)
    assert simulation.outbox.messages == []
    assert simulation.fates() == ["waiting"]
    simulation.clock.advance(1)
    record = json.loads(simulation.outbox.messages[0].body)
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in record
    assert simulation.fates() == ["sent to a destination"]


def test_without_a_maximum_age_throttled_records_are_lost_with_the_retention_and_without_a_record() -> None:
    def throttled(event: dict[str, Any]) -> None:
        raise Throttled

    simulation = started(throttled, DestinationConfig={"OnFailure": {"Destination": "arn:x:y:z"}})
    simulation.put("1")
    simulation.clock.advance(24 * 3600)
    assert simulation.outbox.messages == []
    assert simulation.fates() == ["expired"]


def test_a_failing_shard_leaves_the_others_alone() -> None:
    simulation = started(refuse("bad"), shards=2)
    simulation.put("bad", key="a")
    simulation.put("1", key="b")
    simulation.clock.advance(10)
    simulation.put("2", key="b")
    simulation.clock.advance(0)
    assert [batch for batch in simulation.batches if batch != ["bad"]] == [["1"], ["2"]]


def test_half_of_a_batch_waits_until_the_other_is_through() -> None:
    simulation = started(refuse("1"), BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    simulation.put(*"12")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1", "2"], ["1"], ["1"], ["2"]]
    assert simulation.clock.now == START.replace(microsecond=250_000)


def test_the_age_of_the_iterator_grows_while_a_batch_is_blocked() -> None:
    simulation = started(refuse("bad"))
    assert simulation.poller.iterator_age() is None
    simulation.put("bad")
    simulation.clock.advance(100)
    age = simulation.poller.iterator_age()
    assert age is not None
    assert age.total_seconds() == 100


def test_a_blocked_shard_says_which_record_since_when_and_when_it_is_tried_again() -> None:
    simulation = started(refuse("bad"), BatchSize=1)
    simulation.put("bad", "good")
    simulation.clock.advance(1)
    (line,) = simulation.poller.explain()
    assert line == (
        "shard-0 is blocked by record 1001 (key 'bad') since 00:00:00.000000: 3 attempts so far (error, bad);"
        " attempt 4 comes at 00:00:01.750000; 1 record behind"
    )


# --- stopping and continuing -----------------------------------------------------------------------------------


def test_what_was_in_flight_at_a_stop_is_not_read_again() -> None:
    simulation = started()
    simulation.duration = 10
    simulation.put("1")
    simulation.clock.advance(1)
    simulation.poller.stop()
    simulation.put("2")
    simulation.clock.advance(1)
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"], ["2"]]
    assert simulation.fates() == ["done", "done"]


def test_a_batch_that_fails_after_a_stop_is_read_again() -> None:
    bad = ["1"]
    simulation = started(lambda event: refuse(*bad)(event))
    simulation.duration = 10
    simulation.put("1")
    simulation.clock.advance(1)
    simulation.poller.stop()
    simulation.clock.run_until_idle()
    assert simulation.fates() == ["waiting"]
    bad.clear()
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"], ["1"]]
    assert simulation.attempts == [1, 1]


def test_a_function_may_stop_its_own_poller() -> None:
    simulation = Simulation(lambda event: simulation.poller.stop())
    simulation.poller.start()
    simulation.put("1")
    simulation.clock.run_until_idle()
    simulation.put("2")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"]]
    assert simulation.fates() == ["done", "waiting"]


def test_new_settings_hold_from_the_next_batch_on() -> None:
    simulation = started(refuse(), BatchSize=1)
    simulation.put("1")
    simulation.clock.run_until_idle()
    simulation.update(BatchSize=10)
    simulation.put("2", "3")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"], ["2", "3"]]


def test_what_a_filter_kept_out_of_a_batch_that_still_waits_comes_with_the_new_filter() -> None:
    only_a = {"Filters": [{"Pattern": json.dumps({"partitionKey": ["a"]})}]}
    simulation = started(MaximumBatchingWindowInSeconds=10, FilterCriteria=only_a)
    simulation.put("a", "b")
    simulation.clock.advance(5)
    simulation.update(FilterCriteria={})
    simulation.clock.advance(5)
    assert simulation.batches == [["a", "b"]]
    assert simulation.fates() == ["done", "done"]


def test_a_stream_made_anew_under_its_name_is_read_from_its_start() -> None:
    simulation = started(StartingPosition="LATEST")
    simulation.put("1")
    simulation.clock.run_until_idle()
    simulation.stream.incarnation = "second"
    simulation.stream.all[0].written.clear()
    simulation.put("2")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"], ["2"]]


def test_a_batch_in_flight_while_its_stream_is_recreated_says_nothing_of_the_new_stream() -> None:
    simulation = started()
    simulation.duration = 10
    simulation.put(*"123")
    simulation.clock.advance(1)
    simulation.stream.incarnation = "second"
    simulation.stream.all = [MemoryShard("shard-0")]
    simulation.put("4")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1", "2", "3"], ["4"]]
    assert simulation.fates()[-1] == "done"


@pytest.mark.parametrize("position", ["LATEST", "TRIM_HORIZON"])
def test_children_are_read_from_their_start_whatever_the_starting_position(position: str) -> None:
    simulation = started(StartingPosition=position)
    simulation.stream.split(simulation.stream.all[0])
    simulation.put("1", "2", "3")
    simulation.clock.run_until_idle()
    assert sorted(name for batch in simulation.batches for name in batch) == ["1", "2", "3"]


def test_latest_with_closed_shards_reads_their_children_only_from_now_on() -> None:
    simulation = Simulation(refuse(), StartingPosition="LATEST")
    simulation.put("1")
    simulation.stream.split(simulation.stream.all[0])
    simulation.put("2")
    simulation.poller.start()
    simulation.put("3")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["3"]]
    skipped = "skipped by the starting position"
    assert sorted(simulation.fates()) == ["done", skipped, skipped]


def test_children_wait_for_a_parent_that_is_blocked() -> None:
    simulation = started(refuse("bad"))
    simulation.put("bad")
    simulation.stream.split(simulation.stream.all[0])
    simulation.put("good")
    simulation.clock.advance(100)
    assert ["good"] not in simulation.batches
    assert any("is read after its parents shard-0" in line for line in simulation.poller.explain())
    assert simulation.fates() == ["waiting", "waiting"]
    simulation.handler = refuse()
    simulation.clock.run_until_idle()
    assert simulation.batches[-2:] == [["bad"], ["good"]]


def test_children_are_read_where_a_filter_changed_meanwhile_takes_the_rest_of_their_parent() -> None:
    simulation = started()
    simulation.poller.stop()
    simulation.put("old", key="old")
    simulation.stream.split(simulation.stream.all[0])
    simulation.put("new", key="new")
    simulation.update(FilterCriteria={"Filters": [{"Pattern": '{"partitionKey": [{"anything-but": ["old"]}]}'}]})
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["new"]]
    assert sorted(simulation.fates()) == ["done", "filtered out"]


# --- lanes in parallel -----------------------------------------------------------------------------------------


def test_keys_of_other_lanes_go_on_beside_a_long_invocation() -> None:
    simulation = started(ParallelizationFactor=2)
    simulation.duration = 10
    simulation.put("a1", "a2", key="a")
    simulation.clock.advance(1)
    simulation.put("b1", key="b")
    simulation.clock.advance(0)
    assert simulation.batches == [["a1", "a2"], ["b1"]]


def test_a_smaller_factor_goes_on_where_each_lane_was() -> None:
    simulation = started(refuse("bad"), ParallelizationFactor=2, BatchSize=1)
    simulation.put("bad", key="a")
    simulation.put("b1", "b2", key="b")
    simulation.clock.advance(1)
    simulation.handler = refuse()
    simulation.update(ParallelizationFactor=1)
    simulation.put("b3", key="b")
    simulation.clock.run_until_idle()
    delivered = [name for batch in simulation.batches for name in batch if name != "bad"]
    assert delivered == ["b1", "b2", "b3"]
    assert simulation.fates() == ["done"] * 4


# --- tumbling windows ------------------------------------------------------------------------------------------


def counting(event: dict[str, Any]) -> dict[str, Any]:
    return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}


def test_the_state_goes_from_batch_to_batch_and_ends_with_its_window() -> None:
    seen: list[tuple[dict[str, Any], bool]] = []

    def handler(event: dict[str, Any]) -> dict[str, Any]:
        seen.append((event["state"], event["isFinalInvokeForWindow"]))
        return counting(event)

    simulation = started(handler, TumblingWindowInSeconds=60, BatchSize=2)
    simulation.put(*"123")
    simulation.clock.advance(70)
    simulation.put("4")
    simulation.clock.run_until_idle()
    assert seen == [
        ({}, False),
        ({"count": 2}, False),
        ({"count": 3}, True),
        ({}, False),
        ({"count": 1}, True),
    ]


def test_a_failed_batch_does_not_change_the_state() -> None:
    states: list[Any] = []

    def handler(event: dict[str, Any]) -> dict[str, Any]:
        states.append(event["state"])
        if len(states) == 2:
            raise ValueError("once")
        return counting(event)

    simulation = started(handler, TumblingWindowInSeconds=60, BatchSize=1)
    simulation.put("1", "2")
    simulation.clock.advance(10)
    assert states == [{}, {"count": 1}, {"count": 1}]


def test_a_last_invocation_that_uses_up_its_retries_lets_the_shard_go_on() -> None:
    def handler(event: dict[str, Any]) -> dict[str, Any]:
        if event["isFinalInvokeForWindow"]:
            raise ValueError("bad")
        return counting(event)

    simulation = started(handler, TumblingWindowInSeconds=60, MaximumRetryAttempts=1)
    simulation.put("1")
    simulation.clock.advance(60)
    simulation.put("2")
    simulation.clock.advance(10)
    assert simulation.batches == [["1"], [], [], ["2"]]


def test_partial_answers_and_state_go_together() -> None:
    def handler(event: dict[str, Any]) -> dict[str, Any]:
        failed = [record["kinesis"]["sequenceNumber"] for record in event["Records"][1:]]
        return {**counting(event), "batchItemFailures": [{"itemIdentifier": number} for number in failed]}

    simulation = started(handler, TumblingWindowInSeconds=60, FunctionResponseTypes=["ReportBatchItemFailures"])
    simulation.put(*"12")
    simulation.clock.advance(10)
    assert simulation.batches == [["1", "2"], ["2"]]


# --- what it costs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1, 10])
def test_waiting_records_cost_no_memory_of_ours(factor: int) -> None:
    simulation = started(refuse("bad"), ParallelizationFactor=factor, BatchSize=10)
    simulation.put("bad", key="a")
    simulation.clock.advance(10)
    for number in range(5_000):
        simulation.stream.put(str(number), "a", simulation.clock.instant)
    tracemalloc.start()
    try:
        simulation.poller.wake()
        simulation.clock.advance(10)
        snapshot = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    ours = snapshot.filter_traces([tracemalloc.Filter(True, "*/pytest_lambda_esm/polling/*")])
    assert sum(entry.size for entry in ours.statistics("filename")) < 20_000
    assert simulation.fates().count("waiting") == 5_001


def test_a_factor_that_was_changed_back_while_the_function_runs_leaves_no_lane_stopped() -> None:
    simulation = started(ParallelizationFactor=2, BatchSize=1)
    simulation.duration = 2
    simulation.put("1", "2", key="a")
    simulation.clock.advance(1)
    simulation.update(ParallelizationFactor=1)
    simulation.clock.advance(0)
    simulation.update(ParallelizationFactor=2)
    simulation.put("3", key="b")
    simulation.clock.run_until_idle()
    assert simulation.fates() == ["done"] * 3


# --- what it says ----------------------------------------------------------------------------------------------


def test_a_lane_counts_its_own_records_only() -> None:
    simulation = started(refuse("bad"), ParallelizationFactor=2, BatchSize=1)
    # The hashes of "a" and "b" are in different halves of the range.
    ids_of_a = simulation.put("bad", *"123", key="a")
    simulation.put("4", key="b")
    simulation.clock.advance(0)
    (line,) = simulation.poller.explain()
    assert line.endswith("; 3 records behind")
    simulation.poller.stop()
    (of_b,) = simulation.put("5", key="b")
    ids_of_a += simulation.put("6", "7", key="a")
    waits = {fate.record: fate.detail for fate in simulation.poller.fates() if fate.fate == "waiting"}
    of_a = {waits[record] for record in ids_of_a}
    assert of_a == {"shard-0: 6 records wait, starting with record 1001 (key 'a')"}
    number = of_b.partition(":")[2]
    assert waits[of_b] == f"shard-0: 1 record waits, starting with record {number} (key 'b')"


def test_times_of_another_day_have_their_date() -> None:
    simulation = started(refuse("bad"))
    simulation.stream.all[0].retention = 7 * 24 * HOUR
    simulation.put("bad")
    simulation.clock.advance(hours=23, minutes=59, seconds=59)
    (line,) = simulation.poller.explain()
    assert " since 00:00:00.000000: " in line
    assert "comes at 2026-01-02 00:00:" in line
    simulation.clock.advance(days=1)
    (line,) = simulation.poller.explain()
    assert " since 2026-01-01 00:00:00.000000: " in line


def test_an_open_window_says_what_it_waits_for() -> None:
    simulation = started(counting, TumblingWindowInSeconds=60)
    simulation.put("1")
    simulation.clock.advance(1)
    assert simulation.poller.explain() == [
        "shard-0: the tumbling window from 00:00:00.000000 to 00:01:00.000000 is open, its state is"
        ' {"count":1}; it closes when a record of a later window comes, when the shard ends, or at 00:03:00.000000'
    ]
