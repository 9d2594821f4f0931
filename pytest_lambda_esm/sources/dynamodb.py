"""DynamoDB streams as an event source: their parameters, and their records as real Lambda functions receive them.

Parameters follow the page "Using Lambda with Amazon DynamoDB" and recorded responses; records follow recorded events.
Sizes follow the page "DynamoDB item sizes and formats".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.filters import data_rules
from pytest_lambda_esm.sources import rules
from pytest_lambda_esm.sources.event_source import from_arn
from pytest_lambda_esm.sources.stream_ports import StreamKind
from pytest_lambda_esm.sources.stream_source import stream_source

KIND: Final = StreamKind(data_rules=data_rules.DYNAMODB, batch_info="DDBStreamBatchInfo", timespec="seconds")

DYNAMODB: Final = stream_source(
    "Amazon DynamoDB stream", "dynamodb", KIND, from_arn("dynamodb", ".*/stream/.*"), rules.no_timestamp_position
)

RETENTION_HOURS: Final = 24
"""The retention period of DynamoDB streams; it cannot be changed."""

TIME_TO_LIVE_IDENTITY: Final = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
"""Who deletes items whose time to live has ended, in the Streams API."""

EVENT_VERSION: Final = "1.1"

ENVELOPE_SIZE: Final = 350
"""About how many bytes of an event a record takes in addition to its change."""


def record(stored: Mapping[str, Any], *, created: float, region: str) -> dict[str, Any]:
    """Return one entry of an event's ``Records`` without its ``eventSourceARN``, keys in the order of AWS.

    ``stored`` has the members of the Streams API, with binary values as bytes. ``created`` is seconds since the
    epoch; the entry has whole seconds only.
    """
    stream = stored["dynamodb"]
    change: dict[str, Any] = {"ApproximateCreationDateTime": float(int(created)), "Keys": attributes(stream["Keys"])}
    change.update((name, attributes(stream[name])) for name in images(stored))
    change["SequenceNumber"] = stream["SequenceNumber"]
    change["SizeBytes"] = size_bytes(stored)
    change["StreamViewType"] = stream["StreamViewType"]
    entry: dict[str, Any] = {
        "eventID": stored["eventID"],
        "eventName": stored["eventName"],
        "eventVersion": EVENT_VERSION,
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
    }
    if "userIdentity" in stored:
        identity = stored["userIdentity"]
        entry["userIdentity"] = {"principalId": identity["PrincipalId"], "type": identity["Type"]}
    return entry


def images(stored: Mapping[str, Any]) -> list[str]:
    """Return the images of a record: an INSERT has no old image, a REMOVE no new one."""
    absent = {"INSERT": "OldImage", "REMOVE": "NewImage"}.get(stored["eventName"])
    return [name for name in ("NewImage", "OldImage") if name in stored["dynamodb"] and name != absent]


def size_bytes(stored: Mapping[str, Any]) -> int:
    """Return a record's SizeBytes: the size of the names and values of its keys and images."""
    return sum(size_of(stored["dynamodb"][name]) for name in ("Keys", *images(stored)))


def attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return attribute values by name, binary values as base64 text."""
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "B":
        return {"B": _text(content)}
    if kind == "BS":
        return {"BS": [_text(item) for item in content]}
    if kind == "M":
        return {"M": attributes(content)}
    if kind == "L":
        return {"L": [_attribute(item) for item in content]}
    return {kind: list(content) if isinstance(content, (list, tuple, set)) else content}


def _text(binary: Any) -> str:
    return binary if isinstance(binary, str) else base64.b64encode(bytes(binary)).decode()


def size_of(values: Mapping[str, Any]) -> int:
    """Return how many bytes attributes take: their names in UTF-8 and their values."""
    return sum(len(name.encode()) + _size(value) for name, value in values.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    return int(_SIZES[kind](content))


def _number(content: str) -> int:
    digits = content.replace(".", "").lstrip("-+").strip("0").partition("e")[0].partition("E")[0]
    return 1 + (len(digits) + 1) // 2 + (1 if content.startswith("-") else 0)


def _binary(content: Any) -> int:
    return len(base64.b64decode(content)) if isinstance(content, str) else len(bytes(content))


_SIZES: Final[dict[str, Any]] = {
    "S": lambda content: len(content.encode()),
    "N": _number,
    "B": _binary,
    "SS": lambda content: sum(len(item.encode()) for item in content),
    "NS": lambda content: sum(_number(item) for item in content),
    "BS": lambda content: sum(_binary(item) for item in content),
    "BOOL": lambda content: 1,
    "NULL": lambda content: 1,
    "M": lambda content: 3 + len(content) + size_of(content),
    "L": lambda content: 3 + len(content) + sum(_size(item) for item in content),
}
