"""Amazon Kinesis as an event source: its parameters, and its records as real Lambda functions receive them.

Parameters follow the page "Using Lambda with Amazon Kinesis" and recorded responses; records follow recorded events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from pytest_lambda_esm.filters import data_rules
from pytest_lambda_esm.sources.event_source import from_arn
from pytest_lambda_esm.sources.stream_ports import Reader, StreamKind
from pytest_lambda_esm.sources.stream_source import stream_source

KIND: Final = StreamKind(data_rules=data_rules.KINESIS, batch_info="KinesisBatchInfo", timespec="milliseconds")

KINESIS: Final = stream_source("Amazon Kinesis stream", "kinesis", KIND, from_arn("kinesis", "stream/.*"))
"""A data stream, or a consumer of one (enhanced fan-out)."""

ENVELOPE_SIZE: Final = 550
"""About how many bytes of an event a record takes in addition to its data and its partition key."""


class StoredRecord(Protocol):
    """A stored record: ``data`` is base64 text, ``created_at`` is seconds since the epoch."""

    partition_key: str
    sequence_number: int
    data: str
    created_at: float


def records(stored: Iterable[StoredRecord], shard_id: str, reader: Reader, region: str) -> list[dict[str, Any]]:
    """Return the entries of an event's ``Records``, with their keys in the order of AWS."""
    # Copies, since building dictionaries member by member would take a quarter longer.
    empty: dict[str, Any] = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": None,
        "sequenceNumber": None,
        "data": None,
        "approximateArrivalTimestamp": 0.0,
    }
    empty_entry: dict[str, Any] = {
        "kinesis": None,
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": None,
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": reader.identity_arn,
        "awsRegion": region,
        "eventSourceARN": reader.source_arn,
    }
    entries = []
    created_at = 0.0
    for record in stored:
        if record.created_at != created_at:
            # Many records have the same time, and rounding it costs as much as building half an entry.
            created_at = record.created_at
            empty["approximateArrivalTimestamp"] = round(created_at, 3)
        content = empty.copy()
        content["partitionKey"] = record.partition_key
        content["sequenceNumber"] = sequence_number = str(record.sequence_number)
        content["data"] = record.data
        entry = empty_entry.copy()
        entry["kinesis"] = content
        entry["eventID"] = f"{shard_id}:{sequence_number}"
        entries.append(entry)
    return entries
