"""An event source mapping: its settings, its state and its transitions, and how a test controls them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_lambda_esm.config import STATES, TRANSITIONAL_STATES, AfterReads, TransitionTime, TransitionTimes
from pytest_lambda_esm.errors import ConfigurationError, StateError, nearest
from pytest_lambda_esm.mappings.lifecycle import GONE, Step, step_for_force
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.timing import microseconds, moment_of, time_text
from pytest_lambda_esm.vocabulary import AnyState, MappingState, TransitionalState
from pytest_lambda_esm.wording import counted

if TYPE_CHECKING:
    from typing_extensions import Unpack  # For a type checker only, which knows it without the package.

    from pytest_lambda_esm.setting_types import Times


class Mapping:
    """An event source mapping, as the test sees it.

    Read its ``uuid``, ``arn``, ``account_id``, ``region``, ``state`` and ``history``; control its transitions with
    :meth:`hold`, :meth:`release` and :meth:`force`. The code under test sees the same mapping through boto3.
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
        self._user_reason = spec.user_reason
        self._metric_names = spec.metric_names
        self._times = times
        self._own_times: TransitionTimes | None = None
        self._last_result: str | None = None
        # Not a Counter, whose items are set through a Python method: pollers count each batch.
        self._counters: defaultdict[str, int] = defaultdict(int)
        self._read_iterator_age: Callable[[], timedelta | None] | None = None
        self._read_offset_lag: Callable[[], dict[str, int]] | None = None
        self._settings = MappingProxyType(dict(spec.settings))
        self._clock = clock
        self._on_transition = on_transition
        self._history: list[Transition] = []
        self._held: set[MappingState] = set()
        self._open: _OpenTransition | None = None
        self._stable: MappingState = "Enabled"

    def __repr__(self) -> str:
        return f"<Mapping {self.uuid} {self.state} {self.source_arn} -> {self.function_arn}>"

    # --- reading -----------------------------------------------------------------------------------------

    @property
    def state(self) -> MappingState:
        """``Creating``, ``Enabled`` and so on; ``Deleted`` once the mapping does not exist any more for AWS."""
        self._clock.follow_wall()
        return self._history[-1].state if self._history else "Creating"

    @property
    def history(self) -> tuple[Transition, ...]:
        """Every change of state so far, oldest first."""
        self._clock.follow_wall()
        return tuple(self._history)

    @property
    def settings(self) -> ReadOnly[str, Any]:
        """The settings in force, by their names in the API. An update changes them when it settles."""
        self._clock.follow_wall()
        return self._settings

    @property
    def _in_force(self) -> ReadOnly[str, Any]:
        """The same for pollers, which read them for each batch."""
        return self._settings

    @property
    def requested(self) -> ReadOnly[str, Any]:
        """The settings that will be in force once the open transition has settled."""
        self._clock.follow_wall()
        return self._open.settings if self._open else self._settings

    @property
    def source_arn(self) -> str:
        """The ARN of the event source; for self-managed Kafka the bootstrap servers, separated by commas."""
        if "EventSourceArn" in self._settings:
            return str(self._settings["EventSourceArn"])
        endpoints = self._settings.get("SelfManagedEventSource", {}).get("Endpoints", {})
        return ",".join(server for servers in endpoints.values() for server in servers)

    @property
    def function_arn(self) -> str:
        """The function's ARN, with the mapping's qualifier if it has one."""
        return str(self._settings["FunctionArn"])

    @property
    def last_modified(self) -> datetime:
        """The time of the last change of state."""
        self._clock.follow_wall()
        return self._history[-1].at

    @property
    def iterator_age(self) -> timedelta | None:
        """The age of the last record of the last batch of a stream; None for queues and before the first batch.

        It grows while a batch is retried. For Kafka the age is that of the record's timestamp.
        """
        self._clock.follow_wall()
        return self._read_iterator_age() if self._read_iterator_age is not None else None

    @property
    def offset_lag(self) -> dict[str, int]:
        """How many records the consumer group of a Kafka mapping has not committed, by ``topic-partition``.

        It is empty for other sources, and before the mapping has begun to poll.
        """
        return self._read_offset_lag() if self._read_offset_lag is not None else {}

    @property
    def metrics(self) -> dict[str, int]:
        """The metrics that CloudWatch would show for this mapping in the group EventCount, in events.

        All sources have ``PolledEventCount``, ``FilteredOutEventCount``, ``InvokedEventCount`` (counted again for each
        retry) and ``FailedInvokeEventCount`` (for partial batch responses, the reported events only; also counted if
        there was no function to invoke). Queues have ``DeletedEventCount``. Streams have ``DroppedEventCount``
        (discarded events, except those that expired with the stream's retention or were sent to a destination),
        ``OnFailureDestinationDeliveredEventCount`` and ``DestinationDeliveryFailures`` (a metric of the function,
        counted in batches). DocumentDB has ``OversizedRecordCount``, the change events of more than 6 MB that Lambda
        dropped. The metrics that AWS has for the source are 0 from the start.

        Kafka has ``CommittedEventCount``, the groups ErrorCount (``PollingErrorCount``, ``InvokeErrorCount`` in
        batches, ``OnFailureDestinationDeliveryErrorCount``, ``CommitErrorCount``), and KafkaMetrics:
        ``MaxOffsetLag`` and ``SumOffsetLag`` as they are now. With provisioned pollers it has ``ProvisionedPollers``,
        how many there are now.
        """
        self._clock.follow_wall()
        found = {**dict.fromkeys(self._metric_names, 0), **self._counters}
        lags = self.offset_lag.values()
        if lags:
            found.update(MaxOffsetLag=max(lags), SumOffsetLag=sum(lags))
        return found

    @property
    def stable_state(self) -> MappingState:
        """The last settled state, from before the open transition."""
        self._clock.follow_wall()
        return self._stable

    def _has_been(self, state: MappingState) -> bool:
        """Return whether the mapping is or was in a state, as far as time has been followed until now."""
        return any(transition.state == state for transition in self._history)

    # --- control by the test -----------------------------------------------------------------------------

    def transitions(self, **times: Unpack[Times]) -> None:
        """Set the times of this mapping's future transitions, in place of those of the fake.

        Takes the names and values of ``FakeLambda.transitions``; raises ConfigurationError for others.
        """
        __tracebackhide__ = True
        try:
            self._own_times = (self._own_times or self._times()).with_changes(times)
        except ValueError as error:
            raise ConfigurationError(f"Mapping.transitions: {error}") from None

    def hold(self, state: TransitionalState) -> None:
        """Hold the mapping in a transitional state, now or when it next enters that state, until :meth:`release`.

        Raises StateError if ``state`` is not a transitional state.
        """
        __tracebackhide__ = True
        if state not in TRANSITIONAL_STATES:
            raise StateError(
                f"a mapping can be held in a transitional state, not in {state!r}."
                f" {nearest(state, TRANSITIONAL_STATES)}"
            )
        self._clock.follow_wall()
        self._held.add(state)
        if self._open and self.state == state:
            self._clock.cancel(self._open.event)
            self._open.event = None

    def release(self) -> None:
        """Release every hold. An open transition settles when it is due; an overdue or manual one settles now.

        Raises StateError if no state is held and no transition is open.
        """
        __tracebackhide__ = True
        self._clock.follow_wall()
        if not self._held and self._open is None:
            raise StateError(f"there is nothing to release: mapping {self.uuid} is {self.state} and no state is held")
        self._held.clear()
        if self._open is not None:
            if self._open.due is None or self._open.due <= self._clock.instant:
                self._settle()
            elif self._open.event is None:
                self._schedule()

    def force(self, state: AnyState, reason: str | None = None, result: str | None = None) -> None:
        """Put the mapping into a state at once, as the service may do on its own.

        ``reason`` becomes the StateTransitionReason, ``result`` the LastProcessingResult. A transitional state stays
        until :meth:`release`, and then settles as usual. A result is also shown for mappings of queues, for which AWS
        normally shows none. Raises StateError for an unknown state and for a deleted mapping.
        """
        __tracebackhide__ = True
        if state not in STATES:
            raise StateError(f"there is no state {state!r}. {nearest(state, STATES)}")
        if self.state == GONE:
            raise StateError(f"mapping {self.uuid} has been deleted and has no state any more")
        settings = self.requested
        self._drop_open()
        if result is not None:
            self._last_result = result
        step = step_for_force(state, self._stable)
        if step.transitional != step.settled:
            self._open = _OpenTransition(step, settings, due=None, reads_left=None)
        else:
            self._apply(settings, step.settled)
        self._enter(state, reason if reason is not None else self._user_reason)

    def explain(self) -> list[str]:
        """Return what the open transition waits for, one line per reason."""
        self._clock.follow_wall()
        if self._open is None:
            return []
        end = f"{self.state} becomes {self._open.step.settled}"
        if self.state in self._held:
            return [f"{end} when the test calls release(): the state is held"]
        if self._open.reads_left is not None:
            return [f"{end} after {counted(self._open.reads_left, 'more read')} of the state"]
        if self._open.due is None:
            return [f"{end} when the test calls release()"]
        return [f"{end} at {time_text(self._open.due, self._clock.instant)}"]

    @property
    def _waits_for_test(self) -> bool:
        """Whether the open transition does not settle with time: it is held, manual, or counts reads."""
        return self._open is not None and (self._open.due is None or self.state in self._held)

    # --- the service's side, for this package only -------------------------------------------------------

    def _begin(self, step: Step, settings: ReadOnly[str, Any] | None = None) -> None:
        """Start a transition; ``settings`` take effect when it settles."""
        new = MappingProxyType(dict(settings)) if settings is not None else self._settings
        self._drop_open()
        if step.transitional == step.settled:
            self._apply(new, step.settled)
            self._enter(step.settled, self._user_reason)
            return
        time: TransitionTime = getattr(self._own_times or self._times(), step.transitional.lower())
        reads = time.reads if isinstance(time, AfterReads) else None
        due = None if isinstance(time, (AfterReads, str)) else self._clock.instant + microseconds(time)
        if time == "instant":
            due = self._clock.instant
        opened = self._open = _OpenTransition(step, new, due, reads)
        try:
            self._enter(step.transitional, self._user_reason)
        finally:  # A hook of the test may raise, and the transition still ends.
            if self._open is opened and due is not None and time != "instant" and step.transitional not in self._held:
                self._schedule()

    def _answered(self) -> None:
        """Settle an instant transition, since the response that started it has been written."""
        if self._open and self._open.due == self._clock.instant and self._open.event is None:
            self._settle_unless_held()

    def _settle_now(self) -> None:
        """Settle the open transition, whatever its time, for a caller that waits for it, such as CloudFormation."""
        if self._open:
            self._settle_unless_held()

    def _was_read(self) -> None:
        """Count a read of the state by a client, for ``after_reads``."""
        if self._open and self._open.reads_left is not None:
            self._open.reads_left -= 1
            if self._open.reads_left <= 0:
                self._settle_unless_held()

    def _drop(self) -> None:
        """Cancel the open transition, since everything has been reset."""
        self._drop_open()

    # --- inside ------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        assert self._open is not None
        assert self._open.due is not None
        step = self._open.step
        self._open.event = self._clock.call_at(
            self._open.due, self._settle, lambda: f"mapping {self.uuid}: {step.transitional} -> {step.settled}"
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
        self._enter(finished.step.settled, self._user_reason)

    def _apply(self, settings: ReadOnly[str, Any], stable: MappingState) -> None:
        self._settings = MappingProxyType(dict(settings))
        self._stable = stable

    def _drop_open(self) -> None:
        if self._open is not None:
            self._clock.cancel(self._open.event)
            self._open = None

    def _enter(self, state: MappingState, reason: str) -> None:
        transition = Transition(state, moment_of(self._clock.instant), reason)
        self._history.append(transition)
        self._on_transition(self, transition)


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state: the new state, when it changed (an aware datetime in UTC), and AWS's StateTransitionReason."""

    state: MappingState
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
class _OpenTransition:
    """A transition that has begun: how it settles, and when or after how many reads."""

    step: Step
    settings: ReadOnly[str, Any]
    due: int | None
    reads_left: int | None
    event: Any = None


TaggedMapping: TypeAlias = tuple[Mapping, dict[str, str]]
"""A mapping and its tags."""
