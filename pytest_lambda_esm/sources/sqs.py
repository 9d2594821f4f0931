"""Amazon SQS as an event source: its parameters, and its records as Lambda functions receive them.

Parameters follow the page "Using Lambda with Amazon SQS" and recorded responses; records follow recorded events.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.filters import data_rules
from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.event_source import EVENT_COUNTS, Conflict, EventSource, from_arn, same_arn
from pytest_lambda_esm.sources.queue_ports import Received

STANDARD: Final = EventSource(
    name="Amazon SQS standard queue",
    service="sqs",
    recognises=from_arn("sqs", r".*(?<!\.fifo)"),
    defaults={"BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0},
    optional=frozenset({"FilterCriteria", "KMSKeyArn", "MetricsConfig", "ProvisionedPollerConfig", "ScalingConfig"}),
    user_reason="USER_INITIATED",
    rules=(
        rules.batch_size_at_most(10_000),
        rules.window_for_large_batches,
        rules.metrics_among({"EventCount"}),
        rules.pollers_or_concurrency,
        rules.pollers_between(2, 10_000),
        rules.no_poller_group,
    ),
    conflict=Conflict(
        overlap=same_arn,
        text='An event source mapping with SQS arn (" {source} ") and function (" {function} ") already exists.'
        " Please update or delete the existing mapping with UUID {uuid}",
    ),
    missing="Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
    " SQS Error Message: The specified queue does not exist.",
    data_rules=data_rules.SQS,
    polled_as="queue",
    pollers={"MinimumPollers": 2, "MaximumPollers": 200},
    refusals={"StartingPosition": "StartingPosition is not valid for SQS event sources."},
    metrics=(*EVENT_COUNTS, "DeletedEventCount"),
)


FIFO: Final = replace(
    STANDARD,
    name="Amazon SQS FIFO queue",
    service="fifo",
    recognises=from_arn("sqs", r".*\.fifo"),
    rules=(rules.batch_size_at_most(10), rules.no_window, *STANDARD.rules[2:]),
)

_MEMBERS: Final = ("messageId", "receiptHandle", "body", "attributes", "messageAttributes")
"""The first members of a record, in order."""

_ORDER_OF_ATTRIBUTES: Final = (
    "ApproximateReceiveCount",
    "AWSTraceHeader",
    "SentTimestamp",
    "SequenceNumber",
    "MessageGroupId",
    "SenderId",
    "MessageDeduplicationId",
    "ApproximateFirstReceiveTimestamp",
    "DeadLetterQueueSourceArn",
)

METADATA: Final = 700
"""Bytes of a record in addition to its body."""

ATTRIBUTE: Final = 100
"""Bytes of a message attribute in addition to its name, type and value."""

Render: TypeAlias = Callable[[Sequence[Received]], list[dict[str, Any]]]
"""Makes the ``Records`` of an event; they are new at each call."""


def renderer(source_arn: str, settings: Mapping[str, Any]) -> Render:
    """Return what renders a mapping's messages, with keys in the order in which AWS delivers them.

    For a message without attributes, ``md5OfMessageAttributes`` is missing if the mapping has no batching window, and
    null if it has one (recorded).
    """
    arn = Arn.parse(source_arn)
    region = arn.region if arn is not None else ""
    windowed = bool(settings["MaximumBatchingWindowInSeconds"])

    fixed = {"eventSource": "aws:sqs", "eventSourceARN": source_arn, "awsRegion": region}
    empty: dict[str, Any] = {**dict.fromkeys(_MEMBERS), "md5OfBody": None, **fixed}
    empty_with_md5: dict[str, Any] = {
        **dict.fromkeys(_MEMBERS),
        "md5OfMessageAttributes": None,
        "md5OfBody": None,
        **fixed,
    }

    def render(messages: Sequence[Received]) -> list[dict[str, Any]]:
        records = []
        # Most messages of a batch have the same numbers, and converting each to a string would be a fifth of the work.
        last_first = last_count = None
        first_text = count_text = ""
        for message_id, handle, first, count, body, body_md5, sent, sender, given, given_md5, system, _ in messages:
            if first != last_first:
                last_first, first_text = first, str(first)
            if count != last_count:
                last_count, count_text = count, str(count)
            attributes: dict[str, str] = {
                "ApproximateReceiveCount": count_text,
                "SentTimestamp": sent,
                "SenderId": sender,
                "ApproximateFirstReceiveTimestamp": first_text,
            }
            if windowed or given_md5 is not None:
                record = empty_with_md5.copy()
                record["md5OfMessageAttributes"] = given_md5
            else:
                record = empty.copy()
            record["messageId"] = message_id
            record["receiptHandle"] = handle
            record["body"] = body
            record["attributes"] = _with_system_attributes(attributes, system) if system else attributes
            record["messageAttributes"] = {name: _attribute(value) for name, value in given.items()} if given else {}
            record["md5OfBody"] = body_md5
            records.append(record)
        return records

    return render


def _with_system_attributes(attributes: Mapping[str, str], system: Mapping[str, str]) -> dict[str, str]:
    both = {**attributes, **system}
    return {name: both[name] for name in _ORDER_OF_ATTRIBUTES if name in both}


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = {}
    if value.get("BinaryValue") is not None:
        rendered["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    else:
        rendered["stringValue"] = value.get("StringValue")
    return {**rendered, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def weight(body: str, message_attributes: Mapping[str, Any]) -> int:
    """Return how many bytes a message adds to an event: about the size of its record as JSON, with metadata."""
    if body.isascii() and body.isprintable():
        size = METADATA + len(body) + body.count('"') + body.count("\\")
    else:
        size = METADATA + len(json.dumps(body, ensure_ascii=False).encode()) - 2
    for name, value in message_attributes.items():
        size += ATTRIBUTE + len(name) + sum(_length(part) for part in value.values())
    return size


def _length(part: Any) -> int:
    if isinstance(part, bytes):
        return 4 * -(-len(part) // 3)  # as base64
    return len(part) if isinstance(part, str) else 0
