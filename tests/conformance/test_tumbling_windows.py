"""When a tumbling window ends, and what its last invocation waits for.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.conformance import Facts
from helpers.streams import Handler, KinesisSource, Source, subscribe
from pytest_lambda_esm import FakeLambda

FACTS = Facts("Streams: tumbling windows")

AGES = {"its-maximum-age": {"MaximumRecordAgeInSeconds": 60}, "any-age": {}}


class Sum:
    """Counts the records of each window; ``failing`` lets the last invocations fail."""

    def __init__(self) -> None:
        self.failing = False
        self.finals: list[Any] = []

    def __call__(self, event: dict[str, Any], names: list[str]) -> dict[str, Any]:
        if event["isFinalInvokeForWindow"]:
            self.finals.append(event["state"])
            if self.failing:
                raise ValueError("the last invocation fails")
        return {"state": {"count": event["state"].get("count", 0) + len(names)}}


@FACTS("s26-final", "documented", "A window has its last invocation, even when its records are past their maximum age.")
@pytest.mark.parametrize("age", AGES.values(), ids=[f"past-{name}-documented" for name in AGES])
def test_a_window_has_its_last_invocation(fake: FakeLambda, source: Source, age: dict[str, Any]) -> None:
    windows = Sum()
    subscribe(fake, source, Handler(source, windows), TumblingWindowInSeconds=120, **age)
    source.put("1", "2")
    fake.clock.advance(120)
    source.put("3")
    fake.clock.run_until_idle()
    assert windows.finals == [{"count": 2}, {"count": 1}]


@FACTS("s26-final-disabled", "chosen", "A window that was open while its mapping was disabled still ends.")
def test_a_window_has_its_last_invocation_after_the_retention_chosen(fake: FakeLambda, source: Source) -> None:
    windows = Sum()
    uuid = subscribe(fake, source, Handler(source, windows), TumblingWindowInSeconds=60)
    source.put("1")
    fake.clock.advance(1)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.advance(days=2)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert windows.finals == [{"count": 1}]


@FACTS("s26-state-limit", "documented", "A window whose state has more than 1 MB, as compact JSON, ends early.")
@pytest.mark.parametrize(("more", "early"), [(0, False), (1, True)], ids=["1-MB-documented", "a-byte-more-documented"])
def test_the_limit_of_the_state(fake: FakeLambda, source: Source, more: int, early: bool) -> None:
    seen: list[bool] = []
    text = "x" * (1024 * 1024 + more - len('{"a":1,"b":""}'))

    def act(event: dict[str, Any], names: list[str]) -> dict[str, Any]:
        if event["isFinalInvokeForWindow"]:
            seen.append(event["isWindowTerminatedEarly"])
        return {"state": {"a": 1, "b": text}}

    subscribe(fake, source, Handler(source, act), TumblingWindowInSeconds=60)
    source.put("1")
    fake.clock.run_until_idle()
    assert seen == [early]


@FACTS(
    "s26-final-age",
    "chosen",
    "A last invocation that fails is given up once it has failed for the maximum age; then the shard continues.",
)
def test_a_last_invocation_is_given_up_after_the_maximum_age_chosen(fake: FakeLambda, source: Source) -> None:
    windows = Sum()
    handler = Handler(source, windows)
    subscribe(fake, source, handler, TumblingWindowInSeconds=60, MaximumRecordAgeInSeconds=60)
    source.put("1")
    fake.clock.advance(60)
    windows.failing = True
    source.put("2")
    fake.clock.advance(59)
    assert len(windows.finals) == 8
    assert handler.batches[-1] == []
    fake.clock.advance(1)
    assert len(windows.finals) == 8
    given_up = "a tumbling window is given up: its last invocation has failed since 00:01:05.000000"
    assert given_up in [entry.detail for entry in fake.timeline]


@FACTS("s26-filtered", "chosen", "A later record that passes no filter does not close a window.")
def test_a_record_that_is_filtered_out_does_not_close_a_window_chosen(fake: FakeLambda, source: Source) -> None:
    windows = Sum()
    passes = {"partitionKey": ["good"]} if isinstance(source, KinesisSource) else keys("good")
    criteria = {"Filters": [{"Pattern": json.dumps(passes)}]}
    subscribe(fake, source, Handler(source, windows), TumblingWindowInSeconds=60, FilterCriteria=criteria)
    source.put("good")
    fake.clock.advance(60)
    source.put("other")
    fake.clock.advance(114.9)
    assert windows.finals == []
    fake.clock.advance(0.1)
    assert windows.finals == [{"count": 1}]


def keys(name: str) -> dict[str, Any]:
    return {"dynamodb": {"Keys": {"id": {"S": [name]}}}}
