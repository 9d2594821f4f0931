"""The lanes of one shard: one for each unit of the mapping's parallelization factor, each with a share of the keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.observe.fates import SKIPPED, Fate
from pytest_lambda_esm.polling.streams.batch import Selector
from pytest_lambda_esm.polling.streams.context import ShardContext
from pytest_lambda_esm.polling.streams.history import PendingState
from pytest_lambda_esm.polling.streams.lane import StreamLane
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import instant_of


class ShardReader:
    """Reads one shard for one mapping, starting at a position."""

    def __init__(self, context: ShardContext, start: int) -> None:
        self.shard_id: Final = context.shard_id
        self._context = context
        now = context.stream.clock.instant
        context.history.add(range(start), SKIPPED, now, "it arrived before the starting position")
        self._finished_before: Selector | None = None
        self._polling = False
        self._lanes_end = False
        self._lanes: list[StreamLane] = []
        self._make_lanes(start, context.stream.settings().factor)

    def start(self, shard: Shard | None, settings: StreamSettings) -> None:
        """Start reading, or continue where reading stopped; ``shard`` is None if the stream does not exist."""
        self._polling = True
        self._adjust_lanes(shard, settings)
        for lane in self._lanes:
            lane.start(shard, settings)

    def stop(self) -> None:
        """Stop reading; in-flight batches still complete."""
        self._polling = False
        for lane in self._lanes:
            lane.stop()

    def wake(self, shard: Shard, settings: StreamSettings) -> None:
        """Check whether a step is due earlier than before."""
        self._adjust_lanes(shard, settings)
        for lane in self._lanes:
            lane.wake(shard, settings)

    def finished(self, shard: Shard) -> bool:
        """Whether the shard is closed and every record of it has been read."""
        return shard.closed and all(lane.idle and lane.checkpoint >= shard.end for lane in self._lanes)

    def iterator_age(self) -> int | None:
        """Return the greatest iterator age of the lanes, in microseconds."""
        return max((age for lane in self._lanes if (age := lane.iterator_age()) is not None), default=None)

    def explain(self) -> list[str]:
        """Return what each lane waits for."""
        return [line for lane in self._lanes for line in lane.explain()]

    def in_hand(self) -> list[str]:
        """Return what the function runs with, lane by lane."""
        return [line for lane in self._lanes for line in lane.in_hand()]

    def fates(self, shard: Shard, *, stream_gone: bool) -> Iterator[tuple[int, Fate]]:
        """Return the fates of the shard's records, with the instants to sort them by."""
        mapping = self._context.stream.mapping
        trouble = self._context.stream.trouble()
        reasons = [trouble.text if trouble is not None else "; ".join(lane.explain()) for lane in self._lanes]
        pending = PendingState(
            now=self._context.stream.clock.instant,
            why=lambda position: reasons[self._lane_of(shard, position)],
            in_flight=frozenset(position for lane in self._lanes for position in lane.in_flight),
            stream_gone=stream_gone,
            deleted_at=instant_of(mapping.last_modified) if mapping.state == GONE else None,
        )
        return self._context.history.fates(shard, pending)

    # --- inside ---------------------------------------------------------------------------------------------

    def _lane_of(self, shard: Shard, position: int) -> int:
        return int(shard.hash_fraction(position) * len(self._lanes)) if len(self._lanes) > 1 else 0

    def _make_lanes(self, start: int, factor: int) -> None:
        self._lanes = [StreamLane(self._context, start, self._selector(number, factor)) for number in range(factor)]

    def _selector(self, number: int, factor: int) -> Selector | None:
        """Return what selects the records of one lane: those of its keys that no earlier lane has finished."""
        finished = self._finished_before
        if factor == 1 and finished is None:
            return None

        def selects(shard: Shard, position: int) -> bool:
            if int(shard.hash_fraction(position) * factor) != number:
                return False
            return finished is None or not finished(shard, position)

        return selects

    def _adjust_lanes(self, shard: Shard | None, settings: StreamSettings) -> None:
        """Replace the lanes after the factor was changed, as soon as nothing is in flight any more."""
        if len(self._lanes) == settings.factor:
            if self._lanes_end:  # The factor was changed back before they had ended.
                self._start_lanes(shard, settings)
            return
        self._lanes_end = True
        for lane in self._lanes:
            lane.stop()
        if any(lane.busy for lane in self._lanes):
            return
        checkpoints = [lane.checkpoint for lane in self._lanes]
        self._finished_before = self._finished_selector(checkpoints)
        self._make_lanes(min(checkpoints), settings.factor)
        self._start_lanes(shard, settings)

    def _start_lanes(self, shard: Shard | None, settings: StreamSettings) -> None:
        self._lanes_end = False
        if self._polling:
            for lane in self._lanes:
                lane.start(shard, settings)

    def _finished_selector(self, checkpoints: list[int]) -> Selector:
        """Return what selects the records before the checkpoints of the present lanes or of earlier ones."""
        factor, finished_before = len(checkpoints), self._finished_before

        def finished(shard: Shard, position: int) -> bool:
            if position < checkpoints[int(shard.hash_fraction(position) * factor)]:
                return True
            return finished_before is not None and finished_before(shard, position)

        return finished
