"""Decides whether a call fails, and how: first the test's plan, then an organisation's hook, then the weather."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from pytest_lambda_esm.config import Weather
from pytest_lambda_esm.errors import FaultError, is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.effects import Effect, ErrorGiven, latency
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.plan import FaultPlan
from pytest_lambda_esm.faults.poller_steps import NOTHING, READ, STEPS
from pytest_lambda_esm.observe.timeline import Timeline

_SUBJECTS: Final = ("Source", "Destination", "Function")


class FaultInjector:
    """Decides the effect on a call or on a step of a poller; the timeline shows each one with its cause."""

    def __init__(
        self,
        plan: FaultPlan,
        catalogue: FaultCatalogue,
        *,
        hook: Callable[[IncomingCall], ErrorGiven | None],
        weather: SeededWeather,
        timeline: Timeline,
    ) -> None:
        self._plan = plan
        self._catalogue = catalogue
        self._hook = hook
        self._weather = weather
        self._is_fair = weather.is_fair
        self._timeline = timeline

    def on_call(self, call: IncomingCall) -> Effect | None:
        """Return the effect on a call, or None. Raises FaultError for a broken predicate or hook."""
        __tracebackhide__ = is_for_the_author
        if self._plan._is_live and (struck := self._plan._strike(call)) is not None:
            return self._noted(call, struck[1], "asked for by the test")
        if self._plan._chooser is not None and (effect := self._chosen(call, NOTHING)) is not None:
            return effect
        error = self._hook(call)
        if error is not None:
            return self._noted(call, self._catalogue.effect(call.operation, error), "asked for by a hook")
        if self._is_fair or "." in call.operation:
            return None
        return self._noted(call, self._weather.on_call(call.operation), "the weather")

    @property
    def is_quiet(self) -> bool:
        """Whether no step of a poller can fail, so that :meth:`on_step` need not be called."""
        return self._is_fair and not self._plan._is_live and self._plan._chooser is None

    def on_step(self, step: str, make_call: Callable[[], IncomingCall], cannot: frozenset[str]) -> Effect | None:
        """Return the effect on a step of a poller, or None; ``make_call()`` returns the call to match faults against.

        ``cannot`` are the faults that are impossible at this source. Raises FaultError if the test asks for one.
        """
        __tracebackhide__ = is_for_the_author
        if self._plan._is_live:
            call = make_call()
            if (struck := self._plan._strike(call)) is not None:
                return self._noted(call, _checked(call, struck, cannot), "asked for by the test")
        if self._plan._chooser is not None and (effect := self._chosen(make_call(), cannot)) is not None:
            return effect
        if self._is_fair or step != READ:
            return None
        return self._noted(make_call(), self._weather.on_read(cannot), "the weather")

    def _chosen(self, call: IncomingCall, cannot: frozenset[str]) -> Effect | None:
        """Return the effect that the plan's chooser chooses, or None."""
        assert self._plan._chooser is not None
        error = self._plan._chooser.choose(call, cannot)
        if error is None:
            return None
        return self._noted(call, self._catalogue.effect(call.operation, error), "chosen by the exploration")

    def _noted(self, call: IncomingCall, effect: Effect | None, cause: str) -> Effect | None:
        if effect is not None:
            subject, text = call.operation, f"{effect}, {cause}"
            if subject in STEPS:
                subject = str(next(call.params[name] for name in _SUBJECTS if name in call.params))
                text = f"{call.operation}: {text}"
            self._timeline.add("fault", subject, text)
        return effect


class SeededWeather:
    """Draws random effects at the configured rates, from a seed."""

    def __init__(self, rates: Weather, seed: int, catalogue: FaultCatalogue) -> None:
        self._rates = rates
        self._catalogue = catalogue
        # A generator for weather only: its draws change no id and no order of anything else.
        self._randomness = random.Random(f"weather {seed}")
        self.is_fair = rates.is_fair

    def on_call(self, operation: str) -> Effect | None:
        """Draw the effect on a call of an operation of Lambda, or None."""
        code = "TooManyRequestsException"
        if self._randomness.random() < self._rates.throttles and self._catalogue.raises(operation, code):
            return self._catalogue.effect(operation, code)
        if self._randomness.random() < self._rates.latency:
            return latency(round(self._randomness.uniform(0, self._rates.slowest), 3))
        return None

    def on_read(self, cannot: frozenset[str]) -> Effect | None:
        """Draw the effect on a poller's read, or None; faults in ``cannot`` are impossible at its source."""
        for name, rate in (
            ("throttled", self._rates.throttles),
            ("reordered", self._rates.reordering),
            ("duplicated", self._rates.duplicates),
        ):
            if self._randomness.random() < rate and name not in cannot:
                return self._catalogue.effect(READ, name)
        return None


def _checked(call: IncomingCall, struck: tuple[Fault, Effect | None], cannot: frozenset[str]) -> Effect | None:
    fault, effect = struck
    if str(effect) in cannot:
        raise FaultError(
            f"{fault.asked} struck {call.params['Source']}, where it is impossible: FIFO queues and streams keep their"
            f" order. Name a standard queue in match."
        )
    return effect
