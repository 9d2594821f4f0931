"""Records that a schema registry refuses, among others that fail or that no filter accepts: each has one fate."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.kafka import KafkaSimulation, ids_of
from helpers.trials import trials
from pytest_lambda_esm.polling.kafka.state import CAPACITY

pytest.importorskip("jsonschema")

HEADER = b"\0\0\0\0\1"
FILTER = {"Filters": [{"Pattern": json.dumps({"value": {"wanted": [True]}})}]}
DESTINATION = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:failures"}}
FATES = {"valid": "done", "invalid": "sent to a destination", "unwanted": "filtered out"}


def simulation_of(handler: Any, record_format: str = "SOURCE", **members: Any) -> KafkaSimulation:
    """Return a mapping with a registry whose schema 1 accepts any JSON."""
    registry = {
        "SchemaRegistryURI": "https://registry",
        "EventRecordFormat": record_format,
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
    }
    config = {"AmazonManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": registry}}
    simulation = KafkaSimulation(handler, **config, DestinationConfig=DESTINATION, **members)
    simulation.cluster.schema_registry("https://registry").register("orders-value", {}, "JSON")
    return simulation


@trials(60)
@given(
    kinds=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(sorted(FATES)), st.integers(0, 2)), max_size=12),
    batch_size=st.sampled_from([1, 2, 100]),
    bisects=st.booleans(),
    pauses=st.lists(st.integers(0, 12), max_size=3),
)
def test_each_record_has_its_fate(kinds: Any, batch_size: int, bisects: bool, pauses: list[int]) -> None:
    failures: dict[Any, int] = {}
    got: list[tuple[str, int]] = []

    def handler(event: dict[str, Any]) -> None:
        for entry in [entry for entries in event["records"].values() for entry in entries]:
            left = failures.setdefault(
                (entry["partition"], entry["offset"]), json.loads(base64.b64decode(entry["value"]))["failures"]
            )
            if left:
                failures[entry["partition"], entry["offset"]] = left - 1
                raise ValueError("not yet")
        got.extend(ids_of(event))

    simulation = simulation_of(
        handler,
        partitions=3,
        pollers=2,
        BatchSize=batch_size,
        BisectBatchOnFunctionError=bisects,
        FilterCriteria=FILTER,
        MaximumRetryAttempts=100,
    )
    simulation.poller.start()
    expected = {}
    for number, (partition, kind, count) in enumerate(kinds):
        value = json.dumps({"wanted": kind != "unwanted", "failures": count}).encode()
        made = simulation.cluster.produce("orders", value if kind == "invalid" else HEADER + value, partition=partition)
        expected[f"orders-{made.partition}:{made.offset}"] = kind
        if number in pauses:
            simulation.poller.stop()
            simulation.clock.advance(0.3)
            simulation.poller.start()
            simulation.clock.advance(0.3)
    simulation.clock.run_until_idle(limit=7200)
    fates = {fate.record: fate.fate for fate in simulation.poller.fates()}
    assert fates == {record: FATES[kind] for record, kind in expected.items()}
    assert sorted(got) == sorted(_place(record) for record, kind in expected.items() if kind == "valid")
    assert len(simulation.outbox.messages) == list(expected.values()).count("invalid")
    assert not any(simulation.poller.offset_lag().values())


def test_the_size_of_an_event_is_that_of_the_json() -> None:
    pytest.importorskip("fastavro")
    simulation = simulation_of(lambda event: None, "JSON")
    registry = simulation.cluster.schema_registry("https://registry")
    symbol = {"type": "enum", "name": "E", "symbols": ["x" * 40]}
    fields = [{"name": "many", "type": {"type": "array", "items": symbol}}]
    registry.register("lists-value", {"type": "record", "name": "R", "fields": fields}, "AVRO")
    value = registry.encode("lists-value", {"many": ["x" * 40] * 60_000})  # 60 kB of Avro, and 2.6 MB of JSON.
    for _ in range(3):
        simulation.cluster.produce("orders", value)
    simulation.poller.start()
    simulation.clock.run_until_idle()
    assert [len(event["records"]["orders-0"]) for event in simulation.events] == [1, 1, 1]
    assert all(len(json.dumps(event)) < CAPACITY for event in simulation.events)


def _place(record: str) -> tuple[str, int]:
    name, _, offset = record.rpartition(":")
    return name, int(offset)
