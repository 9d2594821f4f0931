"""Keeps a lane for each mapping that polls, and starts and stops it as the mapping's state changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pytest_lambda_esm.mappings.mapping import Mapping, Transition
from pytest_lambda_esm.polling.ports import Poller
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.stream_ports import stream_arn
from pytest_lambda_esm.timing import time_text


class _Start(NamedTuple):
    """A lane that has yet to start, and when."""

    due: int
    event: Any


class Engine:
    """All pollers of one fake.

    ``new_lane`` makes the lane of a mapping; ``not_polled`` says why one is kept and not polled, in no lines where it
    is polled; ``delay`` is the time in microseconds from ``Enabled`` to the first poll; ``polling_states`` are
    transitional states in which a mapping that was enabled goes on polling.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        new_lane: Callable[[Mapping], Poller],
        not_polled: Callable[[Mapping], list[str]],
        delay: int,
        polling_states: tuple[str, ...],
    ) -> None:
        self._clock = clock
        self._new_lane = new_lane
        self._not_polled = not_polled
        self._delay = delay
        self._polling_states = polling_states
        self._lanes: dict[str, Poller] = {}
        self._starting: dict[str, _Start] = {}
        self._stopped: dict[str, Poller] = {}
        self._by_source: dict[str, list[str]] = {}

    def on_transition(self, mapping: Mapping, transition: Transition) -> None:
        """A mapping entered a state: poll, or poll no more."""
        polls = mapping.uuid in self._lanes or mapping.uuid in self._starting
        should = transition.state == "Enabled" or (
            polls and mapping.stable_state == "Enabled" and transition.state in self._polling_states
        )
        if should and not polls:
            self._begin(mapping)
        elif polls and not should:
            self.drop(mapping)
        elif mapping.uuid in self._lanes:
            self._lanes[mapping.uuid].wake()  # The settings may have changed.

    def source_changed(self, source_arn: str) -> None:
        """A source may have something to deliver earlier than it had."""
        for uuid in self._by_source.get(source_arn, ()):
            self._lanes[uuid].wake()

    def drop(self, mapping: Mapping) -> None:
        """Stop polling for a mapping."""
        starting = self._starting.pop(mapping.uuid, None)
        if starting is not None:
            self._clock.cancel(starting.event)
        lane = self._lanes.pop(mapping.uuid, None)
        if lane is not None:
            self._by_source[stream_arn(mapping.source_arn)].remove(mapping.uuid)
            lane.stop()
            self._stopped[mapping.uuid] = lane

    def explain(self, mapping: Mapping) -> list[str]:
        """What the mapping's poller waits for."""
        lane, stopped = self._lanes.get(mapping.uuid), self._stopped.get(mapping.uuid)
        in_hand = stopped.in_hand() if stopped is not None and stopped is not lane else []
        if lane is not None:
            return in_hand + lane.explain()
        not_polled = self._not_polled(mapping)
        if not_polled:
            return not_polled
        starting = self._starting.get(mapping.uuid)
        if starting is not None:
            return [f"it begins to poll at {time_text(starting.due, self._clock.instant)}"]
        return [f"it does not poll in the state {mapping.state}", *in_hand]

    def _upcoming(self, mapping: Mapping) -> str:
        about = self._not_polled(mapping) or [f"begin to poll {mapping.source_arn}"]
        return f"mapping {mapping.uuid}: {about[0]}"

    def _begin(self, mapping: Mapping) -> None:
        """Start after the delay. Without one it is at once, whoever moved the state and whether or not time moves:
        what is written after the state reads Enabled is for the mapping. Lanes read when the clock runs."""
        if not self._delay:
            self._start(mapping)
            return
        due = self._clock.instant + self._delay
        event = self._clock.call_at(due, lambda: self._start(mapping), lambda: self._upcoming(mapping))
        self._starting[mapping.uuid] = _Start(due, event)

    def _start(self, mapping: Mapping) -> None:
        self._starting.pop(mapping.uuid, None)
        lane = self._new_lane(mapping)
        self._lanes[mapping.uuid] = lane
        self._by_source.setdefault(stream_arn(mapping.source_arn), []).append(mapping.uuid)
        lane.start()


class UnpolledPoller:
    """A lane that delivers nothing; ``reasons`` say why, one line each."""

    def __init__(self, mapping: Mapping, reasons: Sequence[str], journal: Journal) -> None:
        self._mapping = mapping
        self._reasons = list(reasons)
        self._journal = journal

    def start(self) -> None:
        """Say in the timeline that nothing will be polled."""
        for reason in self._reasons:
            self._journal.add("poll", f"mapping {self._mapping.uuid}", reason)

    def stop(self) -> None:
        """Nothing is in flight."""

    def wake(self) -> None:
        """Nothing is received."""

    def explain(self) -> list[str]:
        """Why nothing is delivered."""
        return list(self._reasons)

    def in_hand(self) -> list[str]:
        """Nothing."""
        return []
