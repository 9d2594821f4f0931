"""Amazon SQS as an event source: its parameters, and its records as real Lambda functions receive them.

Parameters follow the page "Using Lambda with Amazon SQS" and recorded answers; records follow recorded events.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.event_source import Conflict, EventSource, Settings, same_arn
from pytest_lambda_esm.sources.queue import ReceivedMessage

STANDARD: Final = EventSource(
    name="Amazon SQS standard queue",
    service="sqs",
    recognises=lambda _, arn: arn is not None and arn.service == "sqs" and not arn.resource.endswith(".fifo"),
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
    filter_rules="sqs",
    pollers={"MinimumPollers": 2, "MaximumPollers": 200},
    refusals={"StartingPosition": "StartingPosition is not valid for SQS event sources."},
)


def _is_fifo(_: Settings, arn: Arn | None) -> bool:
    return arn is not None and arn.service == "sqs" and arn.resource.endswith(".fifo")


FIFO: Final = replace(
    STANDARD,
    name="Amazon SQS FIFO queue",
    service="fifo",
    recognises=_is_fifo,
    rules=(rules.batch_size_at_most(10), rules.no_window, *STANDARD.rules[2:]),
)


Render: TypeAlias = Callable[[ReceivedMessage], dict[str, Any]]
"""Makes one entry of an event's ``Records``, a new one each time."""


def renderer(source_arn: str, settings: Mapping[str, Any]) -> Render:
    """How a mapping renders its messages: keys in the order in which AWS delivers them.

    For a message without attributes, ``md5OfMessageAttributes`` is left out where the mapping has no batching
    window, and null where it has one (recorded).
    """
    arn = Arn.parse(source_arn)
    region = arn.region if arn is not None else ""
    windowed = bool(settings["MaximumBatchingWindowInSeconds"])

    def render(message: ReceivedMessage) -> dict[str, Any]:
        record: dict[str, Any] = {
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": _attributes(message),
            "messageAttributes": {},
        }
        if message.message_attributes:
            record["messageAttributes"] = {
                name: _attribute(value) for name, value in message.message_attributes.items()
            }
        if windowed or message.md5_of_attributes is not None:
            record["md5OfMessageAttributes"] = message.md5_of_attributes
        record["md5OfBody"] = message.md5_of_body
        record["eventSource"] = "aws:sqs"
        record["eventSourceARN"] = source_arn
        record["awsRegion"] = region
        return record

    return render


def _attributes(message: ReceivedMessage) -> dict[str, str]:
    given = message.system_attributes
    if not given:
        return {
            "ApproximateReceiveCount": str(message.receive_count),
            "SentTimestamp": str(message.sent),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.first_received),
        }
    attributes = {
        "ApproximateReceiveCount": str(message.receive_count),
        "AWSTraceHeader": given.get("AWSTraceHeader"),
        "SentTimestamp": str(message.sent),
        "SequenceNumber": given.get("SequenceNumber"),
        "MessageGroupId": given.get("MessageGroupId"),
        "SenderId": message.sender_id,
        "MessageDeduplicationId": given.get("MessageDeduplicationId"),
        "ApproximateFirstReceiveTimestamp": str(message.first_received),
        "DeadLetterQueueSourceArn": given.get("DeadLetterQueueSourceArn"),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = {}
    if value.get("BinaryValue") is not None:
        rendered["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    else:
        rendered["stringValue"] = value.get("StringValue")
    return {**rendered, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def weight(body: str, message_attributes: Mapping[str, Any]) -> int:
    """How many bytes a message adds to an event, its metadata counted: about the size of its record as JSON."""
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


METADATA: Final = 700
"""Bytes of a record beside its body."""

ATTRIBUTE: Final = 100
"""Bytes of a message attribute beside its name, type and value."""
