"""Starts and stops the poller of each mapping as the mapping's state changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping, Transition
from pytest_lambda_esm.polling.ports import Poller
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.sources.stream_ports import stream_arn
from pytest_lambda_esm.timing import time_text


class Engine:
    """All pollers of one fake.

    ``new_poller`` makes the poller of a mapping. ``delay`` is the time in microseconds from ``Enabled`` to the first
    poll. ``polling_states`` are the transitional states in which a mapping that was enabled continues to poll.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        new_poller: Callable[[Mapping], Poller],
        delay: int,
        polling_states: tuple[str, ...],
    ) -> None:
        self._clock = clock
        self._new_poller = new_poller
        self._delay = delay
        self._polling_states = polling_states
        self._pollers: dict[str, Poller] = {}
        self._starting: dict[str, _Start] = {}
        self._stopped: dict[str, tuple[Mapping, Poller]] = {}
        self._by_source: dict[str, list[str]] = {}

    def on_transition(self, mapping: Mapping, transition: Transition) -> None:
        """Start or stop polling when a mapping enters a state."""
        polls = mapping.uuid in self._pollers or mapping.uuid in self._starting
        should_poll = transition.state == "Enabled" or (
            polls and mapping.stable_state == "Enabled" and transition.state in self._polling_states
        )
        if should_poll and not polls:
            self._begin(mapping)
        elif polls and not should_poll:
            self.drop(mapping)
        elif mapping.uuid in self._pollers:
            self._pollers[mapping.uuid].wake()  # The settings may have changed.

    def source_changed(self, source_arn: str) -> None:
        """Wake the pollers of a source that may have something to deliver earlier than before."""
        for uuid in self._by_source.get(source_arn, ()):
            self._pollers[uuid].wake()

    def wake_all(self) -> None:
        """Wake all pollers, after a change that may concern each of them."""
        for poller in list(self._pollers.values()):
            poller.wake()

    def drop(self, mapping: Mapping) -> None:
        """Stop polling for a mapping."""
        starting = self._starting.pop(mapping.uuid, None)
        if starting is not None:
            self._clock.cancel(starting.event)
        poller = self._pollers.pop(mapping.uuid, None)
        if poller is not None:
            self._by_source[stream_arn(mapping.source_arn)].remove(mapping.uuid)
            self._stopped[mapping.uuid] = mapping, poller
            poller.stop()

    def explain(self, mapping: Mapping) -> list[str]:
        """Explain what the mapping's poller waits for."""
        poller = self._pollers.get(mapping.uuid)
        _, stopped = self._stopped.get(mapping.uuid, (mapping, None))
        in_hand = stopped.in_hand() if stopped is not None and stopped is not poller else []
        if poller is not None:
            return in_hand + poller.explain()
        starting = self._starting.get(mapping.uuid)
        if starting is not None:
            return [f"it begins to poll at {time_text(starting.due, self._clock.instant)}"]
        reason = mapping.history[-1].reason
        why = "" if reason == mapping._user_reason else f" ({reason})"
        return [f"it does not poll in the state {mapping.state}{why}", *in_hand]

    def deleted_with_batches(self) -> list[tuple[Mapping, list[str]]]:
        """Return the deleted mappings that still have batches in flight, with the descriptions of these."""
        found = [(mapping, poller.in_hand()) for mapping, poller in self._stopped.values() if mapping.state == GONE]
        return [(mapping, in_hand) for mapping, in_hand in found if in_hand]

    def _begin(self, mapping: Mapping) -> None:
        """Start after the delay.

        Without a delay, start at once, whatever changed the state and even if time does not move: the mapping gets
        every record that is written after its state reads Enabled. Pollers read when the clock runs.
        """
        if not self._delay:
            self._start(mapping)
            return
        due = self._clock.instant + self._delay
        about = f"mapping {mapping.uuid}: begin to poll {mapping.source_arn}"
        event = self._clock.call_at(due, lambda: self._start(mapping), lambda: about)
        self._starting[mapping.uuid] = _Start(due, event)

    def _start(self, mapping: Mapping) -> None:
        self._starting.pop(mapping.uuid, None)
        poller = self._new_poller(mapping)
        self._pollers[mapping.uuid] = poller
        self._by_source.setdefault(stream_arn(mapping.source_arn), []).append(mapping.uuid)
        poller.start()


class _Start(NamedTuple):
    """When a poller will start, and the clock's event for that."""

    due: int
    event: Any
