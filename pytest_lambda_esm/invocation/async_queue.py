"""The queue behind asynchronous invocation: retries, maximum event age, throttles, destinations and dead letters.

This follows the page "How Lambda handles errors and retries with asynchronous invocation" and recordings. An event runs
when the clock next moves. Nothing polls the queue: each event has at most one entry in the clock's schedule.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.arn import FunctionReference
from pytest_lambda_esm.faults.interruptions import Interruptions, broken_off
from pytest_lambda_esm.faults.poller_faults import AsyncFaults
from pytest_lambda_esm.invocation import async_results
from pytest_lambda_esm.invocation.async_results import AsyncOutcome, AsyncResults, Refusal
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration, Functions, InvokeConfig, InvokeConfigs
from pytest_lambda_esm.invocation.function import Function, Registry
from pytest_lambda_esm.invocation.invoker import Invoker, Throttled
from pytest_lambda_esm.invocation.record import Invocation, Request
from pytest_lambda_esm.invocation.script import outcome_of
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.observe.fates import IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.timing import MICROSECONDS, Backoff, moment_of, time_text

RETRY_DELAYS: Final = (60 * MICROSECONDS, 120 * MICROSECONDS)
"""One minute before the first retry, two minutes before the second."""
DEFAULT_RETRIES: Final = 2
DEFAULT_EVENT_AGE: Final = 21_600
"""Seconds: six hours."""
_REFUSALS: Final = {"throttled": async_results.THROTTLED, "failed": async_results.FAILED}
"""What Lambda says of an event that did not reach its function, by the name of the fault."""
THROTTLE_BACKOFF: Final = Backoff(1 * MICROSECONDS, 300 * MICROSECONDS)


class AsyncQueue:
    """All asynchronous events of one fake. Each is kept until it has a final fate."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        functions: AsyncFunctions,
        attempts: AsyncAttempts,
        results: AsyncResults,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._functions = functions.functions
        self._registry = functions.registry
        self._configs = functions.configs
        self._invoker = attempts.invoker
        self._trouble = attempts.trouble
        self._interruptions = attempts.interruptions
        self._stops_loop = attempts.stops_loop
        self._latency = attempts.latency
        self._jitter = attempts.jitter
        self._randomness = attempts.randomness
        self._accepted = attempts.accepted
        self._results = results
        self._unfinished: dict[int, Event] = {}

    def accept(self, reference: FunctionReference, payload: str, request_id: str, depth: int, at: int) -> None:
        """Queue an event at an instant, which inside a handler may be later than the clock's."""
        function = self._registry.get(reference.account_id, reference.region, reference.name)
        function._count("AsyncEventsReceived")
        self._accepted(reference.unqualified_arn, request_id, at)
        for _ in range(2 if function._takes_duplicate() else 1):
            due = at + self._latency
            if self._jitter:
                due += self._randomness.randrange(self._jitter + 1)
            self._add(Event(reference, payload, request_id, depth, at), due)

    def explain(self, function: Function | None) -> list[str]:
        """Describe the unfinished events of a function, or of all functions if it is None; one line for each event."""
        now = self._clock.instant
        return [
            f"asynchronous event {event.request_id} for {event.reference.arn}: {event.describe(now)}"
            for event in self._unfinished.values()
            if function is None or event.reference.unqualified_arn == function.arn
        ]

    def fates(self, arn: str) -> list[Fate]:
        """Return the fates of a function's unfinished events, by its unqualified ARN; one for each request id.

        Of an event that is delivered twice, the copy that runs counts, otherwise the one that is due first.
        """
        now, found = self._clock.instant, dict[str, Event]()
        for event in self._unfinished.values():
            if event.reference.unqualified_arn == arn:
                other = found.get(event.request_id)
                if other is None or event.precedence < other.precedence:
                    found[event.request_id] = event
        return [
            Fate(event.request_id, IN_FLIGHT if event.runs else WAITING, moment_of(event.due), event.describe(now))
            for event in found.values()
        ]

    def forget_place(self, account_id: str, region: str) -> None:
        """Drop the events of a region that was reset in moto."""
        for key, event in list(self._unfinished.items()):
            if (event.reference.account_id, event.reference.region) == (account_id, region):
                self._clock.cancel(event.scheduled)
                del self._unfinished[key]

    # --- inside ------------------------------------------------------------------------------------------

    def _add(self, event: Event, due: int) -> None:
        self._unfinished[id(event)] = event
        self._schedule(event, due)

    def _schedule(self, event: Event, due: int) -> None:
        event.due, event.runs = due, False
        event.scheduled = self._clock.call_in_turn(
            due,
            self._interruptions.event(lambda: self._attempt(event), lambda: self._mend(event)),
            lambda: f"{event.reference.name}: asynchronous event {event.request_id}, attempt {event.attempts + 1}",
        )

    def _mend(self, event: Event) -> None:
        """Continue after a bug: the event is attempted again as after an error of Lambda, or discarded at its end."""
        if id(event) not in self._unfinished:
            return
        if event.ends:
            self._drop(event, "its end was broken off")
            return
        event.throttles += 1
        self._schedule(event, self._clock.instant + THROTTLE_BACKOFF.after(event.throttles))

    def _drop(self, event: Event, why: str) -> None:
        self._results.drop(self._function(event), event.request_id, why)
        del self._unfinished[id(event)]

    def _attempt(self, event: Event) -> None:
        configuration = self._functions.route(event.reference)
        if configuration is None:
            self._drop(event, "the function does not exist (any more)")
            return
        if self._stops_loop(event.reference, event.depth):
            self._function(event)._count("RecursiveInvocationsDropped")
            name, depth = event.reference.name, chains.traced(event.depth)
            self._journal.advice.give("ESM135", name, function=name, depth=depth)
            self._finish(event, configuration, async_results.RECURSIVE_INVOCATION, async_results.RECURSIVE)
            return
        if configuration.reserved_concurrency == 0:
            self._journal.advice.give("ESM129", event.reference.name, function=event.reference.name)
            self._finish(event, configuration, async_results.ZERO_RESERVED_CONCURRENCY, async_results.THROTTLED)
            return
        fault = self._trouble.at(event.reference, event.request_id, event.payload)
        if fault is not None and fault.name in _REFUSALS:
            self._back_off(event, configuration, Throttled(fault.name, self._clock.instant), _REFUSALS[fault.name])
            return
        if fault is not None and fault.name == "duplicated":
            copy = Event(event.reference, event.payload, event.request_id, event.depth, event.accepted)
            self._add(copy, self._clock.instant)
        event.runs = True
        event.attempts += 1
        try:
            result = self._invoker.attempt(self._request(event, configuration), outcome_of(fault))
        except BaseException as error:
            self._interruptions.keep(error)
            self._on_interruption(event, configuration, broken_off(error))
            return
        if id(event) not in self._unfinished:
            return  # Its handler has reset moto.
        if isinstance(result, Throttled):
            event.attempts -= 1
            self._back_off(event, configuration, result, async_results.THROTTLED)
            return
        event.last = result
        if result._end <= self._clock.instant:
            self._on_end(event, configuration)
            return
        event.due = result._end
        event.scheduled = self._clock.call_at(
            result._end,
            self._interruptions.event(lambda: self._on_end(event, configuration), lambda: self._mend(event)),
            lambda: f"{event.reference.name}: asynchronous event {event.request_id} ends: {result.outcome}",
        )

    def _request(self, event: Event, configuration: FunctionConfiguration) -> Request:
        reference = event.reference
        return Request(
            function=configuration,
            invoked_arn=reference.arn,
            event=lambda: json.loads(event.payload),
            request_id=event.request_id,
            attempt=event.attempts,
            depth=event.depth,
        )

    def _back_off(
        self, event: Event, configuration: FunctionConfiguration, throttled: Throttled, refusal: Refusal
    ) -> None:
        event.throttles += 1
        due = throttled.at + THROTTLE_BACKOFF.after(event.throttles)
        if self._too_old(event, due):
            self._finish(event, configuration, async_results.EVENT_AGE_EXCEEDED, refusal)
            return
        self._retry(event, due, throttled.reason)

    def _on_end(self, event: Event, configuration: FunctionConfiguration) -> None:
        assert event.last is not None
        self._journal.add("result", event.reference.name, str(event.last._answer))
        if event.last.error is None:
            self._finish(event, configuration, async_results.SUCCESS)
            return
        self._retry_or_give_up(event, configuration, event.last._end, event.last.outcome)

    def _on_interruption(self, event: Event, configuration: FunctionConfiguration, outcome: str) -> None:
        """Count an attempt that an exception for the test has ended as one that failed, without a response."""
        if id(event) not in self._unfinished:
            return
        event.last = None
        self._journal.add("result", event.reference.name, outcome)
        self._retry_or_give_up(event, configuration, self._clock.instant, outcome)

    def _retry_or_give_up(self, event: Event, configuration: FunctionConfiguration, ended: int, outcome: str) -> None:
        """Decide what follows an attempt that failed at the instant ``ended``."""
        config = self._config(event)
        retries = DEFAULT_RETRIES
        if config is not None and config.maximum_retry_attempts is not None:
            retries = config.maximum_retry_attempts
        if event.attempts > retries:
            self._finish(event, configuration, async_results.RETRIES_EXHAUSTED)
            return
        due = ended + RETRY_DELAYS[min(event.attempts, len(RETRY_DELAYS)) - 1]
        if self._too_old(event, due):
            self._finish(event, configuration, async_results.EVENT_AGE_EXCEEDED)
            return
        self._retry(event, due, outcome)

    def _too_old(self, event: Event, due: int) -> bool:
        """Return whether an attempt at an instant would exceed the event's maximum age.

        AWS gives up at once if the retry would exceed it.
        """
        config = self._config(event)
        age = DEFAULT_EVENT_AGE
        if config is not None and config.maximum_event_age is not None:
            age = config.maximum_event_age
        return due >= event.accepted + age * MICROSECONDS

    def _retry(self, event: Event, due: int, reason: str) -> None:
        text = f"{reason}; attempt {event.attempts + 1} at {time_text(due, self._clock.instant)}"
        self._journal.add("retry", event.reference.name, text, (event.request_id,))
        self._schedule(event, due)

    def _finish(
        self, event: Event, configuration: FunctionConfiguration, condition: str, refusal: Refusal | None = None
    ) -> None:
        reference, event.ends = event.reference, True
        outcome = AsyncOutcome(
            condition=condition,
            function_arn=f"{reference.unqualified_arn}:{reference.qualifier or '$LATEST'}",
            function=reference.name,
            request_id=event.request_id,
            payload=event.payload,
            attempts=event.attempts,
            last=event.last,
            at=self._clock.instant,
            refusal=refusal,
        )
        chain = chains.longer(event.depth)
        self._results.deliver(self._function(event), outcome, self._config(event), configuration.dead_letter, chain)
        self._unfinished.pop(id(event), None)

    def _config(self, event: Event) -> InvokeConfig | None:
        reference = event.reference
        return self._configs.find(
            reference.account_id, reference.region, reference.name, reference.qualifier or "$LATEST"
        )

    def _function(self, event: Event) -> Function:
        reference = event.reference
        return self._registry.get(reference.account_id, reference.region, reference.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncFunctions:
    """Where the queue finds the function of an event and its settings for asynchronous invocation."""

    functions: Functions
    registry: Registry
    configs: InvokeConfigs


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncAttempts:
    """How the queue attempts an event; ``trouble`` asks for the faults that refuse an attempt.

    ``interruptions`` raises exceptions for the test when the attempt has ended.
    ``stops_loop(reference, depth)`` returns whether Lambda stops the chain of invocations ``depth``. The first attempt
    follows after ``latency`` microseconds, plus a random time of at most ``jitter`` microseconds. ``accepted`` is
    called with the function's ARN, the request id and the instant of each event that enters the queue.
    """

    invoker: Invoker
    trouble: AsyncFaults
    interruptions: Interruptions
    stops_loop: Callable[[FunctionReference, int], bool]
    latency: int
    jitter: int
    randomness: random.Random
    accepted: Callable[[str, str, int], None]


@dataclass(slots=True)
class Event:
    """An event in the queue. ``payload`` is its JSON as sent, ``scheduled`` its entry in the clock's schedule.

    ``accepted`` and ``due`` are in microseconds since the epoch. ``due`` is when the next attempt is made or, while
    ``runs`` is true, when the current one ends. ``ends`` is true once no attempt follows.
    """

    reference: FunctionReference
    payload: str
    request_id: str
    depth: int
    accepted: int
    attempts: int = 0
    throttles: int = 0
    last: Invocation | None = None
    due: int = 0
    runs: bool = False
    ends: bool = False
    scheduled: Any = None

    @property
    def precedence(self) -> tuple[bool, int]:
        """Sorts the copies of an event by what counts for its fate."""
        return not self.runs, self.due

    def describe(self, now: int) -> str:
        """Describe what the event waits for."""
        if not self.runs:
            return f"attempt {self.attempts + 1} is due at {time_text(self.due, now)}"
        if self.due <= now:
            return f"attempt {self.attempts} is in flight: the function runs with it"
        return f"attempt {self.attempts} is in flight until {time_text(self.due, now)}"
