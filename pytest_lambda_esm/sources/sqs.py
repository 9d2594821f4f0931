"""Amazon SQS as an event source: its parameters, and its records as real Lambda functions receive them.

Parameters follow the page "Using Lambda with Amazon SQS" and recorded answers; records follow recorded events.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, Final

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
