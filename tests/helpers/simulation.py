"""A mapping with a poller, without moto: what the unit tests of streams and of Kafka have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from helpers.interference import RaisingInterference
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.config import TransitionTimes
from pytest_lambda_esm.destinations import DeliveryFailed, Message
from pytest_lambda_esm.faults.interruptions import Interruptions, broken_off
from pytest_lambda_esm.mappings.lifecycle import Step
from pytest_lambda_esm.mappings.mapping import Mapping, MappingSpec, Transition
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.timing import MICROSECONDS, Backoff

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"

LANES: dict[str, Any] = {
    "latency": 0,
    "backoff": Backoff(MICROSECONDS // 4, 60 * MICROSECONDS),
    "larger_half": "second",
    "loop_depth": 1000,
    "read_retry": MICROSECONDS,
}
"""How lanes poll."""


class NoAdvice:
    def give(self, *arguments: Any, **details: Any) -> None:
        pass

    suspect = refute = give


class NoJournal:
    advice = NoAdvice()

    def fate(self, *arguments: Any) -> None:
        pass

    def add(self, *arguments: Any) -> None:
        pass


class Outbox:
    """Destinations that keep each message, or refuse it while ``broken`` is set."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.broken = False
        self.strike: Callable[[str], None] = lambda step: None

    def deliver(self, arn: str, message: Message) -> None:
        self.strike("a bug")
        if self.broken:
            raise DeliveryFailed("it is broken")
        self.messages.append(message)


Answer = Callable[[dict[str, Any]], Any]


class Throttled(Exception):
    """Raised by a handler to simulate a throttled invocation."""


class PolledMapping:
    """A mapping whose ``handler(event)`` returns or raises; ``duration`` is in seconds.

    ``strike(step)`` is called at each step of the poller. It may raise anything; the handler only KeyboardInterrupt.
    A subclass creates ``poller``.
    """

    poller: Any

    def __init__(self, handler: Answer, settings: dict[str, Any], user_reason: str) -> None:
        self.clock = EventClock(START)
        self.outbox = Outbox()
        self.handler = handler
        self.duration = 0.0
        self.strike: Callable[[str], None] = lambda step: None
        self.interruptions = Interruptions()
        self.interference = RaisingInterference(self.interruptions, lambda step: self.strike(step))
        self.events: list[dict[str, Any]] = []
        self.attempts: list[int] = []
        self.settings = {"FunctionArn": FUNCTION_ARN, "StartingPosition": "TRIM_HORIZON", **settings}
        self.mapping = Mapping(
            MappingSpec(
                uuid="uuid",
                arn="arn",
                account_id="123456789012",
                region="us-east-1",
                settings=self.settings,
                user_reason=user_reason,
            ),
            times=TransitionTimes,
            clock=self.clock,
            on_transition=lambda mapping, transition: self.on_transition(transition),
        )

    def on_transition(self, transition: Transition) -> None:
        """Do what the engine does when the mapping enters a state: here nothing."""

    @property
    def context_members(self) -> dict[str, Any]:
        """The members that the contexts of all pollers with lanes have."""
        return {
            "mapping": self.mapping,
            "deliver": self._deliver,
            "clock": self.clock,
            "journal": NoJournal(),
            "interference": self.interference,
            "interruptions": self.interruptions,
        }

    def update(self, **changes: Any) -> None:
        """Change the mapping's settings immediately."""
        self.settings = {**self.settings, **changes}
        self.mapping._begin(Step("Enabled", "Enabled"), self.settings)
        self.poller.wake()

    def fates(self) -> list[str]:
        return [fate.fate for fate in self.poller.fates()]

    def _deliver(self, mapping: Mapping, event: Any, attempt: int, depth: int) -> Delivery:
        end = self.clock.instant + round(self.duration * MICROSECONDS)
        try:
            made = event()
            result = self.handler(made)
        except Throttled:
            return Delivery(False, self.clock.instant, "f", "throttled", throttled=True)
        except KeyboardInterrupt as error:
            self.interruptions.keep(error)
            return Delivery(False, self.clock.instant, "f", broken_off(error), request_id="request")
        except ValueError as error:
            self._note(made, attempt)
            return Delivery(False, end, "f", f"error, {error}", request_id="request")
        self._note(made, attempt)
        return Delivery(True, end, "f", "success", result=result, request_id="request")

    def _note(self, event: dict[str, Any], attempt: int) -> None:
        self.events.append(event)
        self.attempts.append(attempt)
