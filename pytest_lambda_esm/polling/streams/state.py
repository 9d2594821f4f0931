"""The state of one stream lane: the batch being collected, the batches pending, the tumbling window, the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_lambda_esm.observe.fates import DISCARDED, EXPIRED, FILTERED_OUT
from pytest_lambda_esm.polling.streams.advice import advise_on_expiry, advise_on_oversized
from pytest_lambda_esm.polling.streams.batch import Batch, OpenBatch, OpenWindow, Selector
from pytest_lambda_esm.polling.streams.context import StreamContext
from pytest_lambda_esm.polling.streams.history import NO_MATCH, ShardHistory
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.polling.streams.wording import ids_of_ends
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.vocabulary import FateName
from pytest_lambda_esm.wording import counted


class LaneState:
    """The state of a lane. ``batches`` is the batch that was read, or what is left of it after splits, in order."""

    def __init__(self, context: StreamContext, history: ShardHistory, start: int, selects: Selector | None) -> None:
        self._context = context
        self._history = history
        self._selects = selects
        self.open_batch = OpenBatch(position=start, selects=selects)
        self.batches: list[Batch] = []
        self.window: OpenWindow | None = None
        self._collected_with: StreamSettings | None = None

    @property
    def checkpoint(self) -> int:
        """The position before which every record of this lane has a final fate."""
        if self.batches and self.batches[0].positions:
            return self.batches[0].positions[0]
        return self.open_batch.positions[0] if self.open_batch.positions else self.open_batch.position

    @property
    def idle(self) -> bool:
        """Whether the lane has no batch and no open window."""
        return not (self.batches or self.open_batch.positions or self.window)

    def unread(self, shard: Shard, position: int) -> Sequence[int]:
        """Return the positions of the lane's records, starting with ``position``."""
        rest, selects = range(position, shard.end), self._selects
        return rest if selects is None else [each for each in rest if selects(shard, each)]

    def expiry(self, shard: Shard, settings: StreamSettings, batch: Batch) -> int | None:
        """Return when a batch is too old for the stream or the mapping: the age is that of its first record.

        The last invocation of a window has no record. It is made however old the records of the window are; its age
        counts from its first failure on, and until then it is None.
        """
        start = shard.arrival(batch.positions[0]) if batch.positions else batch.blocked_since
        if start is None:
            return None
        age = settings.maximum_age
        return start + (shard.retention if age is None else min(age, shard.retention))

    def collect(self, shard: Shard, settings: StreamSettings) -> None:
        """Collect the records that have arrived."""
        context = self._context
        if self._collected_with is not settings:
            self._collected_with = settings
            self.return_to_checkpoint(None)  # The new filters may accept records that the old ones rejected.
        if self.window is not None and self.window.length != settings.tumbling_window:
            self.close_window("dropped with its state, because its length was changed")
        if self.window is None or not self.window.ends_early:
            now = context.clock.instant - context.polling.latency
            self.open_batch.collect(shard, settings, context.reader, now)
            self.flush(shard)

    def open_window(self, shard: Shard, settings: StreamSettings, positions: Sequence[int]) -> None:
        """Open a tumbling window for a batch that was read, unless one is open or the mapping has none."""
        length = settings.tumbling_window
        if not length:
            return
        if self.window is None:
            self.window = OpenWindow.containing(shard.arrival(positions[0]), length)
        self.open_batch.window_end = self.window.end

    def close_window(self, how: str) -> None:
        """Close the tumbling window."""
        self._context.journal.add("poll", self._context.source_arn, f"a tumbling window is {how}")
        self.window = None
        self.open_batch.window_end, self.open_batch.later_window = None, False

    def end(
        self,
        shard: Shard,
        positions: Sequence[int],
        fate: FateName,
        about: str,
        why: Callable[[int], str] | None = None,
    ) -> None:
        """Note the final fate of records; ``why`` completes the text for each of them by its position."""
        text = f"{counted(len(positions), 'record')} of {shard.shard_id} {fate}: {about}"
        self._context.journal.add("fate", self._context.source_arn, text, ids_of_ends(shard, positions))
        self._history.add(positions, fate, self._context.clock.instant, why or about)

    def flush(self, shard: Shard) -> None:
        """Note the fate of records before the checkpoint that were filtered out or dropped, or had expired."""
        batch = self.open_batch
        if not (batch.filtered or batch.expired or batch.oversized):
            return
        checkpoint, counters = self.checkpoint, self._context.mapping._counters
        filtered = _take_before(batch.filtered, checkpoint)
        if filtered:
            counters["PolledEventCount"] += len(filtered)
            counters["FilteredOutEventCount"] += len(filtered)
            self.end(shard, filtered, FILTERED_OUT, NO_MATCH, self._why_filtered(shard))
        expired = _take_before(batch.expired, checkpoint)
        if expired:
            self.end(shard, expired, EXPIRED, "the stream's retention ended before they were read")
            advise_on_expiry(self._context, len(expired))
        oversized = _take_before(batch.oversized, checkpoint)
        if oversized:
            counters["PolledEventCount"] += len(oversized)
            counters["OversizedRecordCount"] += len(oversized)
            self.end(shard, oversized, DISCARDED, "larger than the 6 MB of an event, so Lambda drops it")
            advise_on_oversized(self._context, len(oversized))

    def _why_filtered(self, shard: Shard) -> Callable[[int], str]:
        """Return what explains, when a test asks for it, why a record was filtered out."""
        settings, reader = self._collected_with, self._context.reader
        record_filter = settings.record_filter if settings is not None else None
        if record_filter is None:
            return lambda position: NO_MATCH
        return lambda position: f"{NO_MATCH}: {record_filter.verdict(shard.records((position,), reader())[0]).why}"

    def return_to_checkpoint(self, in_flight: Batch | None) -> None:
        """Forget what was collected or waits for a retry, to read it again. An in-flight batch still completes."""
        position = in_flight.positions[-1] + 1 if in_flight and in_flight.positions else self.checkpoint
        restarted = OpenBatch(position=position, selects=self._selects, window_end=self.open_batch.window_end)
        restarted.filtered = [each for each in self.open_batch.filtered if each < position]
        restarted.expired = [each for each in self.open_batch.expired if each < position]
        restarted.oversized = [each for each in self.open_batch.oversized if each < position]
        self.batches = [in_flight] if in_flight else []
        self.open_batch = restarted


def _take_before(positions: list[int], checkpoint: int) -> list[int]:
    """Remove the positions before the checkpoint from an ascending list, and return them."""
    if not positions or positions[0] >= checkpoint:
        return []
    taken = [position for position in positions if position < checkpoint]
    del positions[: len(taken)]
    return taken
