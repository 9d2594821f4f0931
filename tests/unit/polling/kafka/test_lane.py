"""The pollers of a Kafka mapping, on a cluster in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.kafka import KafkaSimulation, failures, ids_of, names_of, refuse
from helpers.simulation import Throttled

TO_A_QUEUE = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:failures"}}
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


def started(handler: Any = None, **settings: Any) -> KafkaSimulation:
    simulation = KafkaSimulation(handler or refuse(), **settings)
    simulation.poller.start()
    return simulation


# --- batches -------------------------------------------------------------------------------------------------


def test_an_idle_mapping_has_nothing_on_the_clock() -> None:
    simulation = started()
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"]]
    assert simulation.clock.pending == ()


def test_a_batch_mixes_partitions_and_keeps_their_order() -> None:
    simulation = started(partitions=2)
    for name, partition in (("a1", 0), ("b1", 1), ("a2", 0), ("b2", 1)):
        simulation.put(name, partition=partition)
    simulation.clock.run_until_idle()
    (event,) = simulation.events
    assert list(event["records"]) == ["orders-0", "orders-1"]
    assert names_of(event) == ["a1", "a2", "b1", "b2"]


def test_every_partition_has_its_turn() -> None:
    simulation = started(partitions=2, BatchSize=2)
    simulation.put(*"123456", partition=0)
    simulation.put("other", partition=1)
    simulation.clock.run_until_idle()
    assert simulation.batches[:3] == [["1", "2"], ["other", "3"], ["4", "5"]]


def test_the_next_window_begins_when_the_batch_before_is_over() -> None:
    simulation = started(MaximumBatchingWindowInSeconds=10, BatchSize=2)
    simulation.duration = 3
    simulation.put("1", "2", "3")
    simulation.clock.advance(12.9)
    assert simulation.batches == [["1", "2"]]
    simulation.clock.advance(0.1)
    assert simulation.batches == [["1", "2"], ["3"]]


def test_records_that_exceed_six_megabytes_together_come_apart() -> None:
    simulation = started()
    simulation.put(*("x" * 2_000_000 for _ in range(4)), partition=0)
    simulation.clock.run_until_idle()
    assert [len(batch) for batch in simulation.batches] == [2, 2]
    assert all(len(json.dumps(event)) <= 6 * 1024 * 1024 for event in simulation.events)


def test_each_poller_has_its_own_batch_in_flight() -> None:
    simulation = started(partitions=3, pollers=5)
    simulation.duration = 60
    for partition in range(3):
        simulation.put(str(partition), partition=partition)
    simulation.clock.advance(1)
    assert simulation.batches == [["0"], ["1"], ["2"]]
    assert simulation.fates() == ["in flight"] * 3


def test_a_blocked_poller_does_not_block_the_others() -> None:
    simulation = started(refuse("bad"), partitions=2, pollers=2)
    simulation.put("bad", partition=0)
    simulation.put("good", partition=1)
    simulation.clock.advance(5)
    assert simulation.cluster.committed("uuid") == {"orders-1": 1}
    assert "blocked by record orders-0:0" in "\n".join(simulation.poller.explain())
    assert simulation.poller.offset_lag() == {"orders-0": 1, "orders-1": 0}
    assert simulation.poller.iterator_age().total_seconds() == 5  # type: ignore[union-attr]


# --- failures ------------------------------------------------------------------------------------------------


def test_a_poison_record_is_bisected_away_in_twelve_invocations() -> None:
    simulation = started(refuse("5"), BisectBatchOnFunctionError=True, MaximumRetryAttempts=3)
    simulation.put(*map(str, range(1, 11)), partition=0)
    simulation.clock.run_until_idle()
    assert len(simulation.batches) == 12
    assert sorted(simulation.fates()) == ["discarded"] + ["done"] * 9


def test_retries_without_a_limit_and_with_a_destination_are_ten() -> None:
    simulation = started(refuse("bad"), DestinationConfig=TO_A_QUEUE)
    simulation.put("bad")
    simulation.clock.run_until_idle()
    assert len(simulation.batches) == 11
    record = json.loads(simulation.outbox.messages[0].body)
    assert record["requestContext"]["approximateInvokeCount"] == 11


def test_throttles_are_no_attempts() -> None:
    throttles = iter([True] * 9 + [False] * 99)

    def handler(event: dict[str, Any]) -> None:
        if next(throttles):
            raise Throttled
        raise ValueError("bad")

    simulation = started(handler, MaximumRetryAttempts=2)
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.attempts == [1, 2, 3]


def test_without_limits_a_batch_is_retried_until_the_topic_forgets_it() -> None:
    simulation = KafkaSimulation(refuse("bad"), partitions=0)
    simulation.cluster.create_topic("orders", retention=3600)
    simulation.poller.start()
    simulation.put("bad")
    simulation.clock.advance(1800)
    simulation.put("good")
    simulation.clock.run_until_idle(limit=7200)
    assert simulation.fates() == ["expired", "done"]
    assert simulation.cluster.committed("uuid") == {"orders-0": 2}


def test_records_that_expire_while_the_mapping_is_disabled_are_never_delivered() -> None:
    simulation = KafkaSimulation(refuse(), partitions=0)
    simulation.cluster.create_topic("orders", retention=60)
    simulation.put("old")
    simulation.clock.advance(60)
    simulation.put("new")
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["new"]]
    assert simulation.fates() == ["expired", "done"]


def test_too_old_records_leave_a_failure_record_and_no_invocation() -> None:
    simulation = KafkaSimulation(refuse(), MaximumRecordAgeInSeconds=60, DestinationConfig=TO_A_QUEUE)
    simulation.put("old")
    simulation.clock.advance(80)
    simulation.put("new")
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["new"]]
    record = json.loads(simulation.outbox.messages[0].body)
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in record
    assert record["KafkaBatchInfo"]["batchSize"] == 1


def test_a_record_over_six_megabytes_goes_to_the_destination_alone() -> None:
    simulation = started(DestinationConfig=TO_A_QUEUE)
    simulation.put("before", "x" * 5_000_000, "after", partition=0)
    simulation.clock.run_until_idle()
    assert simulation.batches == [["before"], ["after"]]
    record = json.loads(simulation.outbox.messages[0].body)
    assert record["requestContext"]["condition"] == "MaximumPayloadSizeExceeded"
    assert record["responseContext"] is None
    assert simulation.fates() == ["done", "sent to a destination", "done"]


def test_a_refused_failure_record_is_lost_and_counted() -> None:
    simulation = started(refuse("bad"), MaximumRetryAttempts=0, DestinationConfig=TO_A_QUEUE)
    simulation.outbox.broken = True
    simulation.put("bad")
    simulation.clock.run_until_idle()
    assert simulation.fates() == ["discarded"]
    metrics = simulation.mapping.metrics
    assert (metrics["OnFailureDestinationDeliveryErrorCount"], metrics["DroppedEventCount"]) == (1, 1)


# --- partial answers -----------------------------------------------------------------------------------------


def test_what_lies_before_the_first_failed_record_of_each_partition_is_done() -> None:
    answers = iter([failures(("orders-0", 1), ("orders-0", 2), ("orders-1", 0)), None])
    simulation = started(lambda event: next(answers), partitions=3, **REPORTS)
    for partition in range(3):
        simulation.put(*(f"{partition}{number}" for number in range(3)), partition=partition)
    simulation.clock.advance(0.5)
    assert simulation.cluster.committed("uuid") == {"orders-0": 1, "orders-2": 3}
    simulation.clock.run_until_idle()
    assert simulation.batches[1] == ["01", "02", "10", "11", "12"]
    assert simulation.mapping.metrics["FailedInvokeEventCount"] == 3
    assert set(simulation.fates()) == {"done"}


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        ["orders-0"],
        {"batchItemFailures": "orders-0"},
        {"batchItemFailures": [None]},
        {"batchItemFailures": [{}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": "orders-0:1"}]},
        {"batchItemFailures": [{"itemIdentifier": {}}]},
        {"batchItemFailures": [{"itemIdentifier": {"partition": "orders-0"}}]},
        failures(("orders-1", 1)),
        failures(("orders-0", 7)),
        failures(("orders-0", "1")),  # type: ignore[arg-type]
        failures(("orders-0", True)),
        failures(("orders-0", 1), ("orders", 0)),
        failures((None, 1)),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_an_answer_of_another_form_fails_the_whole_batch(answer: Any) -> None:
    answers = iter([answer, None])
    simulation = started(lambda event: next(answers), **REPORTS)
    simulation.put("1", "2", partition=0)
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1", "2"]] * 2


@pytest.mark.parametrize("answer", [None, "", {}, [], {"batchItemFailures": []}, {"batchItemFailures": None}, {"a": 1}])
def test_an_empty_answer_is_success(answer: Any) -> None:
    simulation = started(lambda event: answer, **REPORTS)
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"]]


# --- groups, topics, refusals --------------------------------------------------------------------------------


def test_a_partition_changes_hands_when_its_batch_is_over() -> None:
    simulation = started(partitions=2)
    simulation.duration = 10
    simulation.put("1", partition=0)
    simulation.put("2", partition=1)
    simulation.clock.advance(1)
    member = simulation.cluster.join("uuid", "orders")
    assert member.assignment == []
    simulation.clock.advance(10)
    assert member.assignment == [("orders", 1)]
    assert member.poll() == []  # Committed before.
    simulation.put("3", partition=1)
    assert [record.value for record in member.poll()] == [b"3"]
    member.commit()
    assert simulation.fates() == ["done", "done", "read by another consumer"]


def test_a_batch_in_flight_survives_the_loss_of_another_partition() -> None:
    rejects = {"FilterCriteria": {"Filters": [{"Pattern": '{"value": ["1", "3"]}'}]}}
    simulation = started(partitions=2, **rejects)
    simulation.duration = 10
    simulation.put("1", "rejected", "3", partition=0)
    simulation.clock.advance(1)
    member = simulation.cluster.join("uuid", "orders")
    assert member.assignment == [("orders", 1)]
    assert simulation.cluster.committed("uuid") == {}
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1", "3"]]
    assert sorted(simulation.fates()) == ["done", "done", "filtered out"]
    assert simulation.cluster.committed("uuid") == {"orders-0": 3}


def test_what_a_member_has_not_committed_comes_to_the_mapping() -> None:
    simulation = started()
    simulation.poller.stop()
    member = simulation.cluster.join("uuid", "orders")
    simulation.put("1", "2", partition=0)
    member.poll(1)
    member.commit()
    member.poll(1)
    member.leave()
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert simulation.batches == [["2"]]


def test_more_pollers_take_over_partitions() -> None:
    simulation = started(partitions=2)
    simulation.duration = 60
    simulation.update(ProvisionedPollerConfig={"MinimumPollers": 2})
    simulation.clock.advance(0)
    for partition in range(2):
        simulation.put(str(partition), partition=partition)
    simulation.clock.advance(1)
    assert simulation.batches == [["0"], ["1"]]


def test_a_topic_that_is_missing_is_read_from_its_start_when_it_comes() -> None:
    simulation = started(partitions=0, StartingPosition="LATEST")
    simulation.clock.advance(1)
    assert simulation.mapping._last_result == "PROBLEM: Topic not found"
    assert simulation.mapping.history[-1].reason == "ESM_CONFIG_NOT_VALID"
    assert simulation.poller.explain() == ["PROBLEM: Topic not found"]
    simulation.cluster.create_topic("orders")
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"]]
    assert (simulation.mapping._last_result, simulation.mapping.history[-1].reason) == ("OK", "USER_INITIATED")


def test_an_in_flight_batch_completes_while_the_cluster_refuses() -> None:
    simulation = started()
    simulation.duration = 10
    simulation.put("1", "2", partition=0)
    simulation.clock.advance(1)
    simulation.cluster.refuse("authorization")
    simulation.put("3", partition=0)
    simulation.clock.advance(20)
    assert simulation.fates() == ["done", "done", "waiting"]
    assert simulation.mapping.history[-1].reason == "EVENT_SOURCE_AUTHZ_ERROR"
    simulation.cluster.accept()
    simulation.clock.run_until_idle()
    assert ids_of(simulation.events[-1]) == [("orders-0", 2)]


def test_a_mapping_without_its_schema_registry_says_that_it_does_not_poll() -> None:
    registry = {
        "SchemaRegistryURI": "https://registry",
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
    }
    simulation = started(AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": registry})
    simulation.put("1")
    simulation.clock.run_until_idle()
    assert simulation.batches == []
    assert "Schema registry not found" in simulation.poller.explain()[0]
    simulation.update(AmazonManagedKafkaEventSourceConfig={})
    simulation.clock.run_until_idle()
    assert simulation.batches == [["1"]]


def test_a_batch_keeps_its_attempts_when_other_partitions_change_hands() -> None:
    simulation = started(refuse("bad"), partitions=2, MaximumRetryAttempts=4)
    simulation.put("bad", partition=0)
    simulation.put("other", partition=1)
    simulation.clock.advance(2)
    assert simulation.attempts == [1, 2, 3]
    simulation.update(ProvisionedPollerConfig={"MinimumPollers": 2})
    simulation.clock.run_until_idle()
    assert simulation.attempts == [1, 2, 3, 4, 1, 5]
    assert simulation.batches[3:] == [["bad"], ["other"], ["bad"]]
    assert simulation.fates() == ["done", "discarded"]
