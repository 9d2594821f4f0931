"""Where one stream lane stands: what it collects, what is under way, its tumbling window, and what it has finished."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.observe.fates import EXPIRED, FILTERED_OUT
from pytest_lambda_esm.polling.streams.batch import Batch, Belongs, OpenBatch, OpenWindow
from pytest_lambda_esm.polling.streams.context import StreamContext
from pytest_lambda_esm.polling.streams.history import ShardHistory
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.polling.streams.wording import counted, ends_of
from pytest_lambda_esm.sources.stream_ports import Shard


class LaneState:
    """The state of a lane. ``pieces`` are what is left of the batch that is under way, in order."""

    def __init__(self, context: StreamContext, history: ShardHistory, start: int, belongs: Belongs | None) -> None:
        self._context = context
        self._history = history
        self._belongs = belongs
        self.gatherer = OpenBatch(position=start, belongs=belongs)
        self.batches: list[Batch] = []
        self.window: OpenWindow | None = None
        self._collected_with: StreamSettings | None = None

    @property
    def checkpoint(self) -> int:
        """Everything of this lane before this position has its fate."""
        if self.batches and self.batches[0].positions:
            return self.batches[0].positions[0]
        return self.gatherer.positions[0] if self.gatherer.positions else self.gatherer.position

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: no batch, no open window."""
        return not (self.batches or self.gatherer.positions or self.window)

    def still_to_read(self, shard: Shard, position: int) -> Sequence[int]:
        """The records of the lane from a position on."""
        rest, belongs = range(position, shard.end), self._belongs
        return rest if belongs is None else [each for each in rest if belongs(shard, each)]

    def expiry(self, shard: Shard, settings: StreamSettings, batch: Batch) -> int | None:
        """When a piece is too old, by the stream or the mapping; None where that has not begun to count.

        The age is that of its first record. The last invocation of a window has none: it is made however old the
        window's records are by then, and from its first failure on it counts.
        """
        born = shard.arrival(batch.positions[0]) if batch.positions else batch.blocked_since
        age = settings.maximum_age
        if born is None:
            return None
        return born + (shard.retention if age is None else min(age, shard.retention))

    def gather(self, shard: Shard, settings: StreamSettings) -> None:
        """Collect what has arrived."""
        context = self._context
        if self._collected_with is not settings:
            self._collected_with = settings
            self.return_to_checkpoint(None)  # What other filters kept out may belong to the batch now.
        if self.window is not None and self.window.length != settings.tumbling_window:
            self.close_window("dropped with its state, since its length was changed")
        if self.window is None or not self.window.ends_early:
            now = context.clock.instant - context.polling.latency
            self.gatherer.gather(shard, settings, lambda: context.reader(context.mapping), now)
            self.flush(shard)

    def open_window(self, shard: Shard, settings: StreamSettings, positions: Sequence[int]) -> None:
        """A batch is on its way: with tumbling windows, it belongs to the one that is open or opens one."""
        length = settings.tumbling_window
        if not length:
            return
        if self.window is None:
            self.window = OpenWindow.around(shard.arrival(positions[0]), length)
        self.gatherer.window_end = self.window.end

    def close_window(self, how: str) -> None:
        """The window is over, and so is what it had under way."""
        self._context.journal.add("poll", self._context.source_arn, f"a tumbling window is {how}")
        self.window = None
        self.gatherer.window_end, self.gatherer.later_window = None, False

    def end(self, shard: Shard, positions: Sequence[int], fate: str, about: str) -> None:
        """Records have met their fate."""
        text = f"{counted(len(positions), 'record')} of {shard.shard_id} {fate}: {about}"
        self._context.journal.add("fate", self._context.source_arn, text, ends_of(shard, positions))
        self._history.add(positions, fate, self._context.clock.instant, about)

    def flush(self, shard: Shard) -> None:
        """Note the fate of what was filtered out, or had expired, before the checkpoint."""
        checkpoint, counters = self.checkpoint, self._context.mapping.counters
        filtered = _taken_before(self.gatherer.filtered, checkpoint)
        if filtered:
            counters["PolledEventCount"] += len(filtered)
            counters["FilteredOutEventCount"] += len(filtered)
            self.end(shard, filtered, FILTERED_OUT, "no filter of the mapping lets them pass")
        expired = _taken_before(self.gatherer.expired, checkpoint)
        if expired:
            self.end(shard, expired, EXPIRED, "the stream's retention ended before they were read")

    def return_to_checkpoint(self, in_flight: Batch | None) -> None:
        """Forget what is collected or waits to come again; it will be read once more. What flies, lands."""
        position = in_flight.positions[-1] + 1 if in_flight and in_flight.positions else self.checkpoint
        fresh = OpenBatch(position=position, belongs=self._belongs, window_end=self.gatherer.window_end)
        fresh.filtered = [passed for passed in self.gatherer.filtered if passed < position]
        fresh.expired = [passed for passed in self.gatherer.expired if passed < position]
        self.batches = [in_flight] if in_flight else []
        self.gatherer = fresh


def _taken_before(positions: list[int], checkpoint: int) -> list[int]:
    """Take the positions before the checkpoint out of an ascending list."""
    if not positions or positions[0] >= checkpoint:
        return []
    taken = [position for position in positions if position < checkpoint]
    del positions[: len(taken)]
    return taken
