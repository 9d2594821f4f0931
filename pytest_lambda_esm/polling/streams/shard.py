"""The lanes of one shard: as many as the mapping's parallelization factor, each with the keys that fall to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.observe.fates import SKIPPED, Fate
from pytest_lambda_esm.polling.streams.batch import Belongs
from pytest_lambda_esm.polling.streams.context import ShardContext
from pytest_lambda_esm.polling.streams.history import Outlook
from pytest_lambda_esm.polling.streams.lane import StreamLane
from pytest_lambda_esm.polling.streams.settings import StreamSettings
from pytest_lambda_esm.sources.stream_ports import Shard
from pytest_lambda_esm.timing import instant_of

Covered = Callable[[Shard, int], bool]
"""Whether lanes of before have seen to the record at a position."""


class ShardReader:
    """Reads one shard for one mapping, from a position on."""

    def __init__(self, context: ShardContext, start: int) -> None:
        self.shard_id: Final = context.shard_id
        self._context = context
        now = context.stream.clock.instant
        context.history.add(range(start), SKIPPED, now, "it was there before the starting position")
        self._covered: list[Covered] = []
        self._polls = False
        self._lanes: list[StreamLane] = []
        self._make_lanes(start, context.stream.settings().factor)

    def start(self, shard: Shard | None, settings: StreamSettings) -> None:
        """Begin to read, or go on where the reading stopped; ``shard`` is None while the stream does not exist."""
        self._polls = True
        self._refit(shard, settings)
        for lane in self._lanes:
            lane.start(shard, settings)

    def stop(self) -> None:
        """Read no more; batches in flight come to their end."""
        self._polls = False
        for lane in self._lanes:
            lane.stop()

    def wake(self, shard: Shard, settings: StreamSettings) -> None:
        """There may be something to do earlier than before."""
        self._refit(shard, settings)
        for lane in self._lanes:
            lane.wake(shard, settings)

    def finished(self, shard: Shard) -> bool:
        """Whether no record is left, and none will come."""
        return shard.closed and all(lane.idle and lane.checkpoint >= shard.end for lane in self._lanes)

    def iterator_age(self) -> int | None:
        """The age of the oldest of the lanes' last records, in microseconds."""
        return max((age for lane in self._lanes if (age := lane.iterator_age()) is not None), default=None)

    def explain(self) -> list[str]:
        """What each lane waits for."""
        return [line for lane in self._lanes for line in lane.explain()]

    def in_hand(self) -> list[str]:
        """What the function runs with, lane by lane."""
        return [line for lane in self._lanes for line in lane.in_hand()]

    def fates(self, shard: Shard, *, stream_gone: bool) -> Iterator[tuple[int, Fate]]:
        """The fates of the shard's records, with the instants to sort them by."""
        mapping = self._context.stream.mapping
        reasons = ["; ".join(lane.explain()) for lane in self._lanes]
        outlook = Outlook(
            now=self._context.stream.clock.instant,
            why=lambda position: reasons[self._lane_of(shard, position)],
            in_flight=frozenset(position for lane in self._lanes for position in lane.in_flight),
            stream_gone=stream_gone,
            mapping_end=instant_of(mapping.last_modified) if mapping.state == GONE else None,
        )
        return self._context.history.fates(shard, outlook)

    # --- inside ---------------------------------------------------------------------------------------------

    def _lane_of(self, shard: Shard, position: int) -> int:
        return int(shard.spread(position) * len(self._lanes)) if len(self._lanes) > 1 else 0

    def _make_lanes(self, start: int, factor: int) -> None:
        self._lanes = [StreamLane(self._context, start, self._belongs(number, factor)) for number in range(factor)]

    def _belongs(self, number: int, factor: int) -> Belongs | None:
        covered = tuple(self._covered)
        if factor == 1 and not covered:
            return None

        def belongs(shard: Shard, position: int) -> bool:
            if int(shard.spread(position) * factor) != number:
                return False
            return not any(seen(shard, position) for seen in covered)

        return belongs

    def _refit(self, shard: Shard | None, settings: StreamSettings) -> None:
        """Make other lanes after the factor was changed, as soon as nothing is in flight any more."""
        if len(self._lanes) == settings.factor:
            return
        for lane in self._lanes:
            lane.stop()
        if any(lane.busy for lane in self._lanes):
            return
        checkpoints = [lane.checkpoint for lane in self._lanes]
        self._covered = [self._covers(checkpoints, tuple(self._covered))]
        self._make_lanes(min(checkpoints), settings.factor)
        if self._polls:
            for lane in self._lanes:
                lane.start(shard, settings)

    def _covers(self, checkpoints: list[int], before: tuple[Covered, ...]) -> Covered:
        factor = len(checkpoints)

        def covers(shard: Shard, position: int) -> bool:
            if position < checkpoints[int(shard.spread(position) * factor)]:
                return True
            return any(seen(shard, position) for seen in before)

        return covers
