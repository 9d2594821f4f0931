"""Explains what waits in a queue of a broker, and what the current fates of its messages are."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.observe.fates import EXPIRED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.sources.broker_ports import Message, Queue
from pytest_lambda_esm.timing import moment_of, time_text
from pytest_lambda_esm.wording import counted


def explain_waiting(queue: Queue, now: int) -> list[str]:
    """Return what waits; ``now`` is in microseconds since the epoch."""
    waiting, held = queue.contents()
    if not waiting:
        return [] if held else ["the queue holds no message"]
    first = waiting[0]
    about = f"message {first.id}, there since {time_text(first.arrived, now)}"
    verb = "waits" if len(waiting) == 1 else "wait"
    return [f"{counted(len(waiting), 'message')} {verb} in {queue.key}, starting with {about}"]


def unfinished_fates(queues: Sequence[Queue], now: int) -> list[Fate]:
    """Return one fate for each message that is in a queue; ``now`` is in microseconds since the epoch."""
    fates = []
    for queue in queues:
        waiting, held = queue.contents()
        fates += [_held(message) for message in held]
        fates += [_waiting(queue, message, now) for message in waiting]
    return fates


def _held(message: Message) -> Fate:
    about = f"received by a consumer, delivered {counted(message.deliveries, 'time')} before"
    return Fate(message.id, IN_FLIGHT, moment_of(message.arrived), about)


def _waiting(queue: Queue, message: Message, now: int) -> Fate:
    if message.expires is not None and message.expires <= now:
        return Fate(message.id, EXPIRED, moment_of(message.expires), "its time to live is over")
    about = f"in {queue.key} since then"
    return Fate(message.id, WAITING, moment_of(message.arrived), about)
