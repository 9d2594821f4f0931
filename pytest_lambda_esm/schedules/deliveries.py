"""Deliveries to the targets of schedules: attempts, retries with back-off, dead-letter queues.

This follows the pages "How EventBridge retries delivering events" and "Using dead-letter queues to process undelivered
events" of EventBridge, and "Configuring a dead-letter queue" of EventBridge Scheduler. What cannot succeed, because the
target does not exist or a permission is missing, is not retried; for EventBridge Scheduler this was chosen. AWS
publishes no numbers for its exponential back-off; those here were chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message, NotPermitted, Sender
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.schedules.agenda import Guard
from pytest_lambda_esm.timing import MICROSECONDS, Backoff, time_text

BACKOFF: Final = Backoff(1 * MICROSECONDS, 480 * MICROSECONDS)
DEFAULT_RETRIES: Final = 185
DEFAULT_AGE: Final = 86_400
"""Seconds: a day."""
NO_RESOURCE: Final = "NO_RESOURCE"
NO_PERMISSIONS: Final = "NO_PERMISSIONS"
REFUSED: Final = "SDK_CLIENT_ERROR"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a target did not get an event: AWS's code, a text, the attempts, and the limit that was exhausted, if any."""

    code: str
    text: str
    attempts: int
    exhausted: str | None

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of a dead letter that do not depend on what was sent."""
        found = {"ERROR_CODE": self.code, "ERROR_MESSAGE": self.text, "RETRY_ATTEMPTS": str(self.attempts - 1)}
        return found if self.exhausted is None else {**found, "EXHAUSTED_RETRY_CONDITION": self.exhausted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one target.

    ``message(attempt)`` returns what is sent, with attempts counted from 1. ``dead_letter`` is the ARN of a queue, or
    empty; a dead letter has the attributes ``about`` besides those of the failure. ``settled()`` is called once, when
    the event was delivered or given up. ``sender`` is the rule or schedule, with its role;
    ``not_permitted`` is the code of the failure where it may not send.
    """

    subject: str
    target: str
    message: Callable[[int], Message]
    accepted: int
    retries: int = DEFAULT_RETRIES
    age: int = DEFAULT_AGE
    dead_letter: str = ""
    about: Mapping[str, str]
    settled: Callable[[], None] = lambda: None
    sender: Sender | None = None
    not_permitted: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """What is known of targets.

    ``exists(arn)`` returns whether there is one. ``permit(sender, arn)`` raises NotPermitted where a sender may not
    send to it. ``guard`` surrounds what happens at an event of the clock.
    """

    exists: Callable[[str], bool]
    permit: Callable[[Sender, str], None]
    guard: Guard


class Deliveries:
    """Sends events to targets, and repeats what failed.

    A failed delivery is repeated if the target exists, and the sender may send to it.
    """

    def __init__(self, clock: Clock, journal: Journal, destinations: Destinations, targets: Targets) -> None:
        self._clock = clock
        self._journal = journal
        self._destinations = destinations
        self._exists = targets.exists
        self._permit = targets.permit
        self._guard = targets.guard

    def send(self, delivery: Delivery, at: int | None = None) -> None:
        """Deliver an event now, or at a later instant."""
        if at is None or at <= self._clock.instant:
            self._attempt(delivery, 1)
        else:
            self._schedule(delivery, 1, at)

    # --- inside ------------------------------------------------------------------------------------------

    def _schedule(self, delivery: Delivery, attempt: int, due: int) -> None:
        self._clock.call_at(
            due,
            self._guard(lambda: self._attempt(delivery, attempt), lambda: None),
            lambda: f"{delivery.subject}: attempt {attempt} to deliver to {delivery.target}",
        )

    def _attempt(self, delivery: Delivery, attempt: int) -> None:
        try:
            self._deliver(delivery, delivery.target, delivery.message(attempt))
        except NotPermitted as error:
            code = delivery.not_permitted or NO_PERMISSIONS
            self._give_up(delivery, Failure(code, str(error), attempt, None))
        except DeliveryFailed as error:
            self._on_failure(delivery, attempt, str(error))
        else:
            delivery.settled()

    def _deliver(self, delivery: Delivery, arn: str, message: Message) -> None:
        if delivery.sender is not None:
            self._permit(delivery.sender, arn)
        self._destinations.deliver(arn, message)

    def _on_failure(self, delivery: Delivery, attempt: int, text: str) -> None:
        if not self._exists(delivery.target):
            self._give_up(delivery, Failure(NO_RESOURCE, text, attempt, None))
            return
        due = self._clock.instant + BACKOFF.after(attempt)
        if attempt > delivery.retries:
            self._give_up(delivery, Failure(REFUSED, text, attempt, "MaximumRetryAttempts"))
        elif due > delivery.accepted + delivery.age * MICROSECONDS:
            self._give_up(delivery, Failure(REFUSED, text, attempt, "MaximumEventAgeInSeconds"))
        else:
            when = time_text(due, self._clock.instant)
            self._journal.add("delivery", delivery.target, f"failed: {text}; attempt {attempt + 1} at {when}")
            self._schedule(delivery, attempt + 1, due)

    def _give_up(self, delivery: Delivery, failure: Failure) -> None:
        self._journal.add("delivery", delivery.target, f"failed: {failure.text}; given up")
        if delivery.dead_letter:
            body = delivery.message(failure.attempts).body
            letter = Message(body=body, attributes={**delivery.about, **failure.attributes})
            try:
                self._deliver(delivery, delivery.dead_letter, letter)
            except DeliveryFailed as error:
                self._journal.add("delivery", delivery.dead_letter, f"failed: {error}")
            else:
                self._journal.add("delivery", delivery.dead_letter, f"dead letter of {delivery.subject}")
        delivery.settled()
