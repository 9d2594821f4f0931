"""Delivers what a service sends, and does what follows if a delivery fails.

SNS and EventBridge retry a delivery that fails on the service's side. Nothing here fails in that way: a queue, topic or
function that is gone is an error of the client, which AWS does not retry either. It sends the message to the
dead-letter queue of the subscription or target at once. An event that a function has accepted is retried by the
function's asynchronous queue. See "Amazon SNS message delivery retries" and "Using dead-letter queues to process
undelivered events in EventBridge".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.destinations import DeliveryFailed
from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.moto_bridge.lookups import backends_of
from pytest_lambda_esm.moto_bridge.sqs.sending import QueueMessage, send_to_queue
from pytest_lambda_esm.timing import moment_of


@dataclass(frozen=True, slots=True)
class TriggerPorts:
    """What triggers use of the simulation.

    ``invoke(arn, payload)`` queues an asynchronous event, and raises DeliveryFailed where the function does not exist.
    ``note(subject, text)`` adds to the timeline. ``new_id()`` returns a UUID, ``now()`` microseconds since the epoch;
    inside a handler, that is the handler's own time. ``permit(arn)`` raises NotPermitted where the service whose event
    is on its way may not send to a target.
    """

    invoke: Callable[[str, str], None]
    note: Callable[[str, str], object]
    new_id: Callable[[], str]
    now: Callable[[], int]
    permit: Callable[[str], None]

    def timestamp(self) -> str:
        """Return the time in UTC with milliseconds: ``2026-01-01T00:00:00.000Z``."""
        return moment_of(self.now()).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead-letter queue of a subscription or target; ``message`` is what it gets after a failure."""

    queue_arn: str
    message: Callable[[DeliveryFailed], QueueMessage]


class Deliveries:
    """Delivers to functions, queues and topics. What fails goes to a dead-letter queue, and into the timeline."""

    def __init__(self, ports: TriggerPorts) -> None:
        self._ports = ports

    def to_function(self, arn: str, payload: str, dead_letters: DeadLetters | None = None) -> None:
        """Queue an asynchronous event for a function."""
        self._attempt(arn, lambda: self._ports.invoke(arn, payload), dead_letters)

    def to_queue(self, arn: str, message: QueueMessage, dead_letters: DeadLetters | None = None) -> None:
        """Send a message to a queue."""
        self._attempt(arn, lambda: send_to_queue(arn, message), dead_letters)

    def to_topic(self, arn: str, message: str, subject: str | None, dead_letters: DeadLetters | None = None) -> None:
        """Publish a message."""
        self._attempt(arn, lambda: _publish(arn, message, subject), dead_letters)

    def to_other(self, arn: str, deliver: Callable[[], None], dead_letters: DeadLetters | None) -> None:
        """Deliver to a resource of another service. ``deliver`` raises DeliveryFailed."""
        self._attempt(arn, deliver, dead_letters)

    def refuse(self, arn: str, error: DeliveryFailed, dead_letters: DeadLetters | None) -> None:
        """Do what follows where a delivery is not permitted."""
        self._ports.note(arn, f"failed: {error}{self._bury(dead_letters, error)}")

    def _attempt(self, arn: str, deliver: Callable[[], None], dead_letters: DeadLetters | None) -> None:
        try:
            deliver()
        except DeliveryFailed as error:
            self.refuse(arn, error, dead_letters)

    def _bury(self, dead_letters: DeadLetters | None, error: DeliveryFailed) -> str:
        if dead_letters is None:
            return ""
        try:
            send_to_queue(dead_letters.queue_arn, dead_letters.message(error))
        except DeliveryFailed as second:
            return f"; nor did the dead-letter queue get it: {second}"
        return f"; sent to the dead-letter queue {dead_letters.queue_arn}"


def _publish(arn: str, message: str, subject: str | None) -> None:
    place = Arn.parse(arn)
    if place is None or arn not in backends_of("sns")[place.account_id][place.region].topics:
        raise DeliveryFailed(f"the topic {arn} does not exist")
    try:
        backends_of("sns")[place.account_id][place.region].publish(message, arn=arn, subject=subject)
    except LambdaEsmError:
        raise
    except Exception as error:
        raise DeliveryFailed(f"{arn} refused: {type(error).__name__}: {error}") from error
