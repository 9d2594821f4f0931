"""What happens to stream records that a mapping discards: a failure record goes to a destination, or they are lost.

Follows the pages "Retain discarded batch records" of Kinesis and DynamoDB.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_lambda_esm.destinations import Message
from pytest_lambda_esm.polling.failure_records import Discarded, Discarder, is_bucket, timestamp_text
from pytest_lambda_esm.sources.stream_ports import Shard, StreamKind, stream_arn
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.vocabulary import FateName


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardedBatch(Discarded):
    """Records that are discarded; ``positions`` are those in ``shard``."""

    shard: Shard
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class BatchDiscarder(Discarder):
    """Discards batches."""

    kind: StreamKind

    def discard(self, batch: DiscardedBatch, destination: str | None, now: int) -> tuple[FateName, str]:
        """Send a failure record, if there is a destination. Return the fate of the records, and what happened."""
        count = len(batch.positions)
        if destination is None:
            return self.drop(batch, count)
        return self.send(batch, destination, self._message(batch, destination, moment_of(now)), count)

    def _message(self, batch: DiscardedBatch, destination: str, at: datetime) -> Message:
        """Queues and topics receive the record; buckets also receive the event, as ``payload``."""
        record = self.failure_record(batch, at)
        record[self.kind.batch_info] = self._batch_info(batch)
        if is_bucket(destination):
            return self.to_bucket(record, batch, batch.shard.shard_id, at)
        return Message(body=json.dumps(record))

    def _batch_info(self, batch: DiscardedBatch) -> dict[str, Any]:
        shard, first, last = batch.shard, batch.positions[0], batch.positions[-1]
        return {
            "shardId": shard.shard_id,
            "startSequenceNumber": shard.sequence_number(first),
            "endSequenceNumber": shard.sequence_number(last),
            "approximateArrivalOfFirstRecord": timestamp_text(moment_of(shard.arrival(first)), self.kind.timespec),
            "approximateArrivalOfLastRecord": timestamp_text(moment_of(shard.arrival(last)), self.kind.timespec),
            "batchSize": len(batch.positions),
            "streamArn": stream_arn(batch.mapping.source_arn),
        }
