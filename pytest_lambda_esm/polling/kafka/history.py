"""What became of the records of one partition, for one mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_lambda_esm.observe.fates import TAKEN, Fate
from pytest_lambda_esm.polling.streams.history import PendingState, ShardHistory
from pytest_lambda_esm.sources.stream_ports import RecordLog
from pytest_lambda_esm.vocabulary import FateName


class PartitionHistory:
    """The final fates of one partition's records. Records end in order: those before :attr:`over` have ended."""

    def __init__(self, mapping_uuid: str) -> None:
        self._history = ShardHistory(mapping_uuid)
        self._over = 0

    @property
    def over(self) -> int:
        """The offset before which every record has a final fate."""
        return self._over

    def end(self, offsets: Sequence[int], fate: FateName, instant: int, about: str | Callable[[int], str]) -> None:
        """Note the final fate of the records that follow; ``about`` says why, also for each by its offset."""
        if len(offsets):
            self._history.add(offsets, fate, instant, about)
            self._over = max(self._over, offsets[-1] + 1)

    def others_committed(self, offset: int | None, instant: int) -> None:
        """Note that other members of the group have read everything before an offset."""
        if offset is not None and offset > self._over:
            self.end(range(self._over, offset), TAKEN, instant, "another member of the consumer group has read it")

    def others_ended(self, offsets: Sequence[int], instant: int) -> None:
        """Note that other members of a share group have ended those of these records that are not over here."""
        ended = self._history.ended
        self.end(
            [each for each in offsets if each not in ended],
            TAKEN,
            instant,
            "another consumer of the share group read it",
        )

    def fates(self, partition: RecordLog, pending: PendingState) -> Iterator[tuple[int, Fate]]:
        """Return each record's fate with the instant to sort it by: final fates first, waiting records last."""
        return self._history.fates(partition, pending)
