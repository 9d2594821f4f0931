"""Amazon SQS as an event source: its parameters, and its records as real Lambda functions receive them.

Parameters follow the page "Using Lambda with Amazon SQS" and recorded answers; records follow recorded events.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.sources.queue import ReceivedMessage

_DEFAULTS: Final = {
    "BatchSize": 10,
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
}
_OPTIONAL: Final = frozenset(
    {"FilterCriteria", "KMSKeyArn", "MetricsConfig", "ProvisionedPollerConfig", "ScalingConfig"}
)

STANDARD: Final = EventSource(
    name="Amazon SQS standard queue",
    recognises=lambda arn: arn.service == "sqs" and not arn.resource.endswith(".fifo"),
    defaults=_DEFAULTS,
    optional=_OPTIONAL,
    user_reason="USER_INITIATED",
    maximum_batch_size=10_000,
    removed_when_empty=frozenset({"FilterCriteria", "KMSKeyArn", "ProvisionedPollerConfig", "ScalingConfig"}),
)

FIFO: Final = EventSource(
    name="Amazon SQS FIFO queue",
    recognises=lambda arn: arn.service == "sqs" and arn.resource.endswith(".fifo"),
    defaults=_DEFAULTS,
    optional=_OPTIONAL,
    user_reason="USER_INITIATED",
    maximum_batch_size=10,
    removed_when_empty=STANDARD.removed_when_empty,
)


def record(message: ReceivedMessage, arn: Arn, source_arn: str) -> dict[str, Any]:
    """One entry of an event's ``Records``, keys in the order in which AWS delivers them.

    ``md5OfMessageAttributes`` is left out for a message without attributes, as recorded for mappings without a
    batching window.
    """
    entry: dict[str, Any] = {
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": _attributes(message),
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
    }
    if message.md5_of_attributes is not None:
        entry["md5OfMessageAttributes"] = message.md5_of_attributes
    entry["md5OfBody"] = message.md5_of_body
    entry["eventSource"] = "aws:sqs"
    entry["eventSourceARN"] = source_arn
    entry["awsRegion"] = arn.region
    return entry


def _attributes(message: ReceivedMessage) -> dict[str, str]:
    attributes = {"ApproximateReceiveCount": str(message.receive_count)}
    if "AWSTraceHeader" in message.system_attributes:
        attributes["AWSTraceHeader"] = message.system_attributes["AWSTraceHeader"]
    attributes["SentTimestamp"] = str(message.sent)
    for name in ("SequenceNumber", "MessageGroupId"):
        if name in message.system_attributes:
            attributes[name] = message.system_attributes[name]
    attributes["SenderId"] = message.sender_id
    if "MessageDeduplicationId" in message.system_attributes:
        attributes["MessageDeduplicationId"] = message.system_attributes["MessageDeduplicationId"]
    attributes["ApproximateFirstReceiveTimestamp"] = str(message.first_received)
    return attributes


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = {}
    if value.get("BinaryValue") is not None:
        rendered["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    else:
        rendered["stringValue"] = value.get("StringValue")
    return {**rendered, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
