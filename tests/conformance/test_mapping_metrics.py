"""The counters of a mapping: which ones a source has, and what they count.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

from typing import Any

import pytest

from helpers.conformance import Facts, Lab
from helpers.streams import Handler, Source, poison, subscribe
from pytest_lambda_esm import FakeLambda

FACTS = Facts("Metrics of mappings")

ALL = ("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount")
GIVEN_UP = ("DroppedEventCount", "OnFailureDestinationDeliveredEventCount")
NAMES: dict[str, tuple[str, ...]] = {
    "sqs": (*ALL, "DeletedEventCount"),
    "kinesis": (*ALL, *GIVEN_UP, "DestinationDeliveryFailures"),
    "dynamodb": (*ALL, *GIVEN_UP, "DestinationDeliveryFailures"),
    "msk": (
        *ALL,
        *GIVEN_UP,
        "CommittedEventCount",
        "PollingErrorCount",
        "InvokeErrorCount",
        "OnFailureDestinationDeliveryErrorCount",
        "SchemaRegistryErrorCount",
        "CommitErrorCount",
        "MaxOffsetLag",
        "SumOffsetLag",
    ),
    "mq": (),
    "documentdb": ("OversizedRecordCount",),
}


@FACTS("s214-names", "documented", "Each kind of source has its own counters, which begin at zero.")
@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: f"{kind}-documented")
def test_each_kind_of_source_has_its_counters(lab: Lab, kind: str) -> None:
    mapping = lab.fake.mapping(lab.create(kind))
    assert mapping.metrics == dict.fromkeys(NAMES[kind], 0)


def report(*failed: str) -> Any:
    """Reports these names as failed while they come in a batch with others."""

    def act(event: dict[str, Any], names: list[str]) -> Any:
        numbers = dict(zip(names, event["Records"], strict=True))
        ids = [_number(numbers[name]) for name in failed if name in names and len(names) > 2]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in ids]}

    return act


def _number(record: dict[str, Any]) -> str:
    return str(record.get("kinesis", record.get("dynamodb"))[_MEMBER[record["eventSource"]]])


_MEMBER = {"aws:kinesis": "sequenceNumber", "aws:dynamodb": "SequenceNumber"}

FAILED: dict[str, tuple[Any, int]] = {
    "one-reported-not-what-comes-behind-it": (report("2"), 1),
    "each-reported-once": (report("2", "4", "2"), 2),
    "all-reported": (report("1", "2", "3", "4"), 4),
    "all-of-an-error": (poison("4"), 4),
}


@FACTS(
    "s214-failed",
    "documented",
    "FailedInvokeEventCount counts the records of failed invocations or, with partial responses, the reported records.",
)
@pytest.mark.parametrize(("act", "failed"), FAILED.values(), ids=[f"{name}-documented" for name in FAILED])
def test_failed_events(fake: FakeLambda, source: Source, act: Any, failed: int) -> None:
    source.put(*"1234")
    kind = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    uuid = subscribe(fake, source, Handler(source, act), MaximumRetryAttempts=0, **kind)
    fake.clock.advance(0)
    assert fake.mapping(uuid).metrics["FailedInvokeEventCount"] == failed


@FACTS(
    "s214-function-gone",
    "documented",
    "Records without a function to invoke count as failed at each attempt, and never as invoked.",
)
def test_records_without_a_function_count_as_failed_documented(fake: FakeLambda, source: Source) -> None:
    uuid = subscribe(fake, source, Handler(source))
    fake.client("lambda").delete_function(FunctionName="consumer")
    source.put("1", "2")
    fake.clock.advance(0.5)
    metrics = fake.mapping(uuid).metrics
    assert (metrics["InvokedEventCount"], metrics["FailedInvokeEventCount"]) == (0, 4)


@FACTS("s214-retries", "documented", "InvokedEventCount counts the records of a batch at each attempt.")
def test_each_attempt_counts_as_invoked(fake: FakeLambda, source: Source) -> None:
    attempts = iter([True, True])

    def act(event: dict[str, Any], names: list[str]) -> None:
        if next(attempts, False):
            raise ValueError("not yet")

    source.put("1", "2", "3")
    uuid = subscribe(fake, source, Handler(source, act))
    fake.clock.run_until_idle()
    metrics = fake.mapping(uuid).metrics
    counted = [metrics[name] for name in ("PolledEventCount", "InvokedEventCount", "FailedInvokeEventCount")]
    assert counted == [3, 9, 6]
