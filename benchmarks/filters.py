"""Five filters of a mapping over the records of a queue, against parsing the bodies once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.harness import Comparison, Goal, Stopwatch
from pytest_lambda_esm.filters import Filter, data_rules

RECORDS = 10_000
PATTERNS = (
    '{"body": {"type": ["created", "updated"], "region": ["eu-west-1"]}}',
    '{"body": {"total": [{"numeric": [">", 1000]}]}}',
    '{"body": {"orderId": [{"prefix": "vip-"}]}}',
    '{"body": {"customer": {"tier": ["gold", {"exists": false}]}, "type": ["cancelled"]}}',
    '{"body": {"region": [{"anything-but": ["eu-west-1", "eu-central-1"]}], "express": [true]}}',
)
BODY = {"orderId": "o-1", "type": "shipped", "total": 129.9, "region": "eu-west-1", "express": True}
RECORD: dict[str, Any] = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "body": json.dumps(BODY),
    "attributes": {},
    "messageAttributes": {},
    "eventSource": "aws:sqs",
}


def comparisons() -> Iterator[Comparison]:
    yield Comparison(
        what=f"{len(PATTERNS)} filters, {RECORDS:,} records",
        ours=_filtered,
        against="json.loads of each body",
        other=_parsed,
        rounds=9,
        goal=Goal("ratio", 6),
        units=RECORDS,
    )


def _filtered() -> float:
    five = Filter.compile(PATTERNS, data_rules.SQS)
    if five.passes(RECORD):
        raise SystemExit("a record passed that no filter describes; the numbers mean nothing")
    with Stopwatch() as watch:
        for _ in range(RECORDS):
            five.passes(RECORD)
    return watch.seconds


def _parsed() -> float:
    body = RECORD["body"]
    with Stopwatch() as watch:
        for _ in range(RECORDS):
            json.loads(body)
    return watch.seconds
