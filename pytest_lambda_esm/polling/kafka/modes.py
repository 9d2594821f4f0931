"""How a mapping consumes a topic: as a stream, with a consumer group, or as a queue, with a share group."""

from __future__ import annotations

from typing import Final, TypeAlias

from pytest_lambda_esm.polling.kafka.advice import advise_on_group
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.history import PartitionHistory
from pytest_lambda_esm.polling.kafka.share_state import ShareState
from pytest_lambda_esm.polling.kafka.state import KafkaState
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition

_BEFORE_START: Final = "it arrived before the starting position"
_BEFORE_GROUP: Final = "it arrived before the share group existed"
_COMMITTED: Final = "the consumer group had committed it before"


class StreamMode:
    """Each partition has one poller, and is read in order."""

    def __init__(self, context: KafkaContext) -> None:
        self._context = context
        self.members = context.cluster.group(context.group_id)

    def new_state(self) -> KafkaState:
        """Return the state of a new poller."""
        return KafkaState(self._context, self.members)

    def most_pollers(self, partitions: int) -> int | None:
        """Return how many pollers can have work: one per partition."""
        return partitions

    def begin(self, partition: KafkaPartition, *, topic_was_missing: bool) -> None:
        """Note where reading a partition begins: at the group's committed offset, else at the starting position."""
        committed = self.members.committed((self._context.topic, partition.number))
        start = 0 if topic_was_missing else self._start_of(partition)
        if committed is None:
            first, about = start, _BEFORE_START
        else:
            first, about = min(committed, partition.end), _COMMITTED
            if committed != start:
                advise_on_group(self._context)
        self._context.begin(partition, first, about)

    def lag(self, partition: KafkaPartition, history: PartitionHistory | None) -> int:
        """Return how many records of a partition its consumer group has not committed."""
        committed = self.members.committed((self._context.topic, partition.number))
        start = history.over if history is not None else 0
        return partition.end - (start if committed is None else min(committed, partition.end))

    def update(self, partition: KafkaPartition, history: PartitionHistory) -> None:
        """Note what other members of the group have committed."""
        committed = self.members.committed((self._context.topic, partition.number))
        history.others_committed(committed, self._context.clock.instant)

    def _start_of(self, partition: KafkaPartition) -> int:
        settings = self._context.settings()
        if settings.starting_position == "LATEST":
            return partition.end
        if settings.starting_position == "AT_TIMESTAMP":
            return partition.first_since(settings.starting_instant)
        return 0


class QueueMode:
    """All pollers read all partitions, and acquire single records in no order."""

    def __init__(self, context: KafkaContext) -> None:
        self._context = context
        self.members = context.cluster.share_group(context.group_id)

    def new_state(self) -> ShareState:
        """Return the state of a new poller."""
        return ShareState(self._context, self.members)

    def most_pollers(self, partitions: int) -> int | None:
        """Return how many pollers can have work: there is no limit, since they share partitions."""
        return None

    def begin(self, partition: KafkaPartition, *, topic_was_missing: bool) -> None:
        """Note where the group began to read a partition: its configuration says where a new group begins."""
        from_start = self.members.reads_from_start or topic_was_missing
        place = (self._context.topic, partition.number)
        first = self.members.begin(place, 0 if from_start else partition.end)
        self._context.begin(partition, first, _BEFORE_GROUP)

    def lag(self, partition: KafkaPartition, history: PartitionHistory | None) -> int:
        """Return how many records of a partition are not over for the share group."""
        return self.members.lag((self._context.topic, partition.number)) if history is not None else 0

    def update(self, partition: KafkaPartition, history: PartitionHistory) -> None:
        """Note what other mappings with the same group have ended, such as an earlier one."""
        over = self.members.over((self._context.topic, partition.number))
        history.others_ended(over, self._context.clock.instant)


Mode: TypeAlias = "StreamMode | QueueMode"
