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
    identity_arn, source_arn = reader.identity_arn, reader.source_arn
    entries = []
    # Many records have the same time, and rounding it costs as much as building half an entry.
    created_at, arrival = 0.0, 0.0
    for record in stored:
        sequence_number = str(record.sequence_number)
        if record.created_at != created_at:
            created_at = record.created_at
            arrival = round(created_at, 3)
        entries.append(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": sequence_number,
                    "data": record.data,
                    "approximateArrivalTimestamp": arrival,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id}:{sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": identity_arn,
                "awsRegion": region,
                "eventSourceARN": source_arn,
            }
        )
    return entries
