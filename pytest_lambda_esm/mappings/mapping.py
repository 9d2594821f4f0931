"""One event source mapping: its settings, its state, and the test's hold on its transitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

from pytest_lambda_esm.config import STATES, TRANSITIONAL_STATES, AfterReads, TransitionTime, TransitionTimes
from pytest_lambda_esm.errors import ConfigurationError, StateError, nearest
from pytest_lambda_esm.mappings.lifecycle import GONE, Step, step_for_force
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.timing import microseconds, moment_of, time_text


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state: the state entered, when (aware datetime, UTC), and AWS's StateTransitionReason."""

    state: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSpec:
    """What a mapping is created from. ``settings`` use the API's member names.

    ``user_reason`` is the StateTransitionReason of changes that the user made. ``metric_names`` are the counters that
    AWS has for the event source, shown as 0 before anything was counted.
    """

    uuid: str
    arn: str
    account_id: str
    region: str
    settings: ReadOnly[str, Any]
    user_reason: str
    metric_names: Sequence[str] = ()


@dataclass(slots=True)
class _Open:
    """A transition that has begun: how it ends, and what ends it."""

    step: Step
    settings: ReadOnly[str, Any]
    due: int | None
    reads_left: int | None
    event: Any = None


class Mapping:
    """An event source mapping, as the test sees it.

    Read ``uuid``, ``arn``, ``state`` and ``history``; stop and start its transitions with :meth:`hold`,
    :meth:`release` and :meth:`force`. The code under test sees the same mapping through boto3.
    """

    def __init__(
        self,
        spec: MappingSpec,
        *,
        times: Callable[[], TransitionTimes],
        clock: Clock,
        on_transition: Callable[[Mapping, Transition], None],
    ) -> None:
        self.uuid = spec.uuid
        self.arn = spec.arn
        self.account_id = spec.account_id
        self.region = spec.region
        self.user_reason = spec.user_reason
        self._metric_names = spec.metric_names
        self._times = times
        self._own_times: TransitionTimes | None = None
        self.last_result: str | None = None
        # No Counter, whose items are set by way of a method in Python: pollers count with each batch.
        self.counters: defaultdict[str, int] = defaultdict(int)
        self.read_iterator_age: Callable[[], timedelta | None] | None = None
        self._settings = MappingProxyType(dict(spec.settings))
        self._clock = clock
        self._on_transition = on_transition
        self._history: list[Transition] = []
        self._held: set[str] = set()
        self._open: _Open | None = None
        self._stable = "Enabled"

    def __repr__(self) -> str:
        return f"<Mapping {self.uuid} {self.state} {self.source_arn} -> {self.function_arn}>"

    # --- what it is --------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``Creating``, ``Enabled`` and so on; ``Deleted`` once AWS would answer that it does not exist."""
        return self._history[-1].state if self._history else "Creating"

    @property
    def history(self) -> tuple[Transition, ...]:
        """Every state so far, the first one first."""
        return tuple(self._history)

    @property
    def settings(self) -> ReadOnly[str, Any]:
        """The settings in force, by their names on the wire. An update changes them when it settles."""
        return self._settings

    @property
    def requested(self) -> ReadOnly[str, Any]:
        """The settings in force once the transition that is going on has settled."""
        return self._open.settings if self._open else self._settings

    @property
    def source_arn(self) -> str:
        """The ARN of the event source; of self-managed Kafka the bootstrap servers, joined with commas."""
        if "EventSourceArn" in self._settings:
            return str(self._settings["EventSourceArn"])
        endpoints = self._settings.get("SelfManagedEventSource", {}).get("Endpoints", {})
        return ",".join(server for servers in endpoints.values() for server in servers)

    @property
    def function_arn(self) -> str:
        """The function's ARN with the qualifier that the mapping was given."""
        return str(self._settings["FunctionArn"])

    @property
    def last_modified(self) -> datetime:
        """When the mapping last changed its state."""
        return self._history[-1].at

    @property
    def iterator_age(self) -> timedelta | None:
        """The age of the last record of the last batch, for streams; None for queues and before the first batch.

        While a batch is tried again and again, it grows with the time.
        """
        return self.read_iterator_age() if self.read_iterator_age is not None else None

    @property
    def metrics(self) -> dict[str, int]:
        """The counters that CloudWatch would show for this mapping in the group EventCount, each in events.

        ``PolledEventCount``, ``FilteredOutEventCount``, ``InvokedEventCount`` (again with each retry) and
        ``FailedInvokeEventCount`` (with partial responses those reported; also where there was no function to
        invoke). Queues have ``DeletedEventCount``; streams ``DroppedEventCount`` (given up, not those that expired
        with the stream's retention or reached a destination), ``OnFailureDestinationDeliveredEventCount`` and, from
        the metrics of functions and in batches, ``DestinationDeliveryFailures``. Those that AWS keeps for a source
        are there from the start.
        """
        return {**dict.fromkeys(self._metric_names, 0), **self.counters}

    @property
    def stable_state(self) -> str:
        """The last settled state: what the mapping was before the transition that is going on."""
        return self._stable

    # --- the test's hold on it ---------------------------------------------------------------------------

    def transitions(self, **times: TransitionTime) -> None:
        """Let this mapping's coming transitions take other times than those of the fake.

        Names and values are those of ``FakeLambda.transitions``; raises ConfigurationError for others.
        """
        __tracebackhide__ = True
        try:
            self._own_times = (self._own_times or self._times()).with_changes(times)
        except ValueError as error:
            raise ConfigurationError(f"Mapping.transitions: {error}") from None

    def hold(self, state: str) -> None:
        """Keep the mapping in a transitional state, now or when it next enters it, until :meth:`release`.

        Raises StateError for a name that is no transitional state.
        """
        __tracebackhide__ = True
        if state not in TRANSITIONAL_STATES:
            raise StateError(
                f"a mapping can be held in a transitional state, not in {state!r}."
                f" {nearest(state, TRANSITIONAL_STATES)}"
            )
        self._held.add(state)
        if self._open and self.state == state:
            self._clock.cancel(self._open.event)
            self._open.event = None

    def release(self) -> None:
        """Let go of every hold. An open transition ends when it is due; one that is overdue or manual ends now.

        Raises StateError when there is nothing to release.
        """
        __tracebackhide__ = True
        if not self._held and self._open is None:
            raise StateError(f"there is nothing to release: mapping {self.uuid} is {self.state} and no state is held")
        self._held.clear()
        if self._open is not None:
            if self._open.due is None or self._open.due <= self._clock.instant:
                self._settle()
            elif self._open.event is None:
                self._schedule()

    def force(self, state: str, reason: str | None = None, result: str | None = None) -> None:
        """Put the mapping into a state at once, as the service itself may do.

        ``reason`` is shown as StateTransitionReason, ``result`` as LastProcessingResult. A transitional state stays
        until :meth:`release`, and then settles as usual. A result is shown for mappings of queues as well, though AWS
        shows them none in ordinary life. Raises StateError for an unknown state.
        """
        __tracebackhide__ = True
        if state not in STATES:
            raise StateError(f"there is no state {state!r}. {nearest(state, STATES)}")
        if self.state == GONE:
            raise StateError(f"mapping {self.uuid} has been deleted and has no state any more")
        settings = self.requested
        self._drop_open()
        if result is not None:
            self.last_result = result
        step = step_for_force(state, self._stable)
        if step.meanwhile != step.settled:
            self._open = _Open(step, settings, due=None, reads_left=None)
        else:
            self._apply(settings, step.settled)
        self._enter(state, reason if reason is not None else self.user_reason)

    def explain(self) -> list[str]:
        """What the transition that is going on waits for, one line a reason."""
        if self._open is None:
            return []
        end = f"{self.state} ends as {self._open.step.settled}"
        if self.state in self._held:
            return [f"{end} when the test calls release(): the state is held"]
        if self._open.reads_left is not None:
            return [f"{end} after {self._open.reads_left} more reads of the state"]
        if self._open.due is None:
            return [f"{end} when the test calls release()"]
        return [f"{end} at {time_text(self._open.due, self._clock.instant)}"]

    @property
    def waits_for_test(self) -> bool:
        """Whether a transition is going on that no time will end: it is held or manual, or ends by being read.

        :meta private:
        """
        return self._open is not None and (self._open.due is None or self.state in self._held)

    # --- the service's side ------------------------------------------------------------------------------

    def begin(self, step: Step, settings: ReadOnly[str, Any] | None = None) -> None:
        """Start a transition; ``settings`` come into force when it settles.

        :meta private:
        """
        new = MappingProxyType(dict(settings)) if settings is not None else self._settings
        self._drop_open()
        if step.meanwhile == step.settled:
            self._apply(new, step.settled)
            self._enter(step.settled, self.user_reason)
            return
        time: TransitionTime = getattr(self._own_times or self._times(), step.meanwhile.lower())
        reads = time.reads if isinstance(time, AfterReads) else None
        due = None if isinstance(time, (AfterReads, str)) else self._clock.instant + microseconds(time)
        if time == "instant":
            due = self._clock.instant
        self._open = _Open(step, new, due, reads)
        self._enter(step.meanwhile, self.user_reason)
        if self._open is not None and due is not None and time != "instant" and step.meanwhile not in self._held:
            self._schedule()

    def answered(self) -> None:
        """The answer that began a transition is written: an instant one settles now, before the next call.

        :meta private:
        """
        if self._open and self._open.due == self._clock.instant and self._open.event is None:
            self._settle_unless_held()

    def settle_now(self) -> None:
        """End the transition that is going on, whatever its time: for callers that wait for it, as CloudFormation.

        :meta private:
        """
        if self._open:
            self._settle_unless_held()

    def was_read(self) -> None:
        """A client has read the state: counts for ``after_reads``.

        :meta private:
        """
        if self._open and self._open.reads_left is not None:
            self._open.reads_left -= 1
            if self._open.reads_left <= 0:
                self._settle_unless_held()

    def drop(self) -> None:
        """Forget what is scheduled: the world this mapping lived in is gone.

        :meta private:
        """
        self._drop_open()

    # --- inside ------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        assert self._open is not None
        assert self._open.due is not None
        step = self._open.step
        self._open.event = self._clock.call_at(
            self._open.due, self._settle, lambda: f"mapping {self.uuid}: {step.meanwhile} -> {step.settled}"
        )

    def _settle_unless_held(self) -> None:
        if self.state in self._held:
            assert self._open is not None
            self._open.due = None
            self._open.reads_left = None
        else:
            self._settle()

    def _settle(self) -> None:
        assert self._open is not None
        finished = self._open
        self._drop_open()
        self._apply(finished.settings, finished.step.settled)
        self._enter(finished.step.settled, self.user_reason)

    def _apply(self, settings: ReadOnly[str, Any], stable: str) -> None:
        self._settings = MappingProxyType(dict(settings))
        self._stable = stable

    def _drop_open(self) -> None:
        if self._open is not None:
            self._clock.cancel(self._open.event)
            self._open = None

    def _enter(self, state: str, reason: str) -> None:
        transition = Transition(state, moment_of(self._clock.instant), reason)
        self._history.append(transition)
        self._on_transition(self, transition)


TaggedMapping: TypeAlias = tuple[Mapping, dict[str, str]]
"""A mapping and its tags."""
