"""Explains why a queue's messages are not received now, and what their current fates are."""

from __future__ import annotations

from pytest_lambda_esm.observe.fates import DELAYED, EXPIRED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.sources.queue_ports import BlockedGroup, Queue, WaitingMessage
from pytest_lambda_esm.timing import moment_of, time_text
from pytest_lambda_esm.wording import counted, times

_MOST_GROUPS = 10


def explain_waiting(queue: Queue, now: int, has_room: bool) -> list[str]:
    """Return one line for each reason: what is hidden, what blocks a group, what is visible.

    ``now`` is in microseconds. ``has_room`` says whether the mapping may have one more batch in flight.
    """
    first = first_message(queue)
    if first is None:
        return ["the queue holds no message"]
    lines = [
        f"the group {blocked.group!r} is blocked by message {blocked.message_id}, hidden until"
        f" {time_text(blocked.until, now)} (received {times(blocked.receive_count)});"
        f" {len(blocked.waiting)} wait behind it"
        for blocked in queue.blocked(now)
    ]
    if len(lines) > _MOST_GROUPS:
        lines = [*lines[:_MOST_GROUPS], f"and {counted(len(lines) - _MOST_GROUPS, 'more group', 'are')} blocked"]
    target = queue.missing_dead_letter_target
    if target is not None:
        lines.append(
            f"the dead-letter queue {target} does not exist or does not allow this queue: failing messages are received"
            f" again and again"
        )
    if first.visible > now:
        at = time_text(first.visible, now)
        return [*lines, f"the next message becomes visible at {at}: {described(first)}"]
    if not has_room:
        return [*lines, "messages are visible, and wait until a batch in flight ends or concurrency grows"]
    return [*lines, "messages are visible and will be received as soon as the clock runs: clock.advance()"]


def first_message(queue: Queue) -> WaitingMessage | None:
    """Return the message that is or will be visible first, or None if the queue is empty."""
    visible = queue.next_visible()
    return next((message for message in queue.contents() if message.visible == visible), None)


def described(message: WaitingMessage) -> str:
    """Describe a message for people."""
    if not message.receive_count:
        return f"message {message.message_id}"
    return f"message {message.message_id}, for the {_ordinal(message.receive_count + 1)} time"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def waiting_fates(queue: Queue, now: int) -> list[Fate]:
    """Return one fate for each message in the queue; ``now`` is in microseconds since the epoch.

    A message past its retention period counts as expired only once it is visible: until then its receiver may still
    delete it.
    """
    blocked = {message_id: group for group in queue.blocked(now) for message_id in group.waiting}
    return [_fate(message, blocked.get(message.message_id), now) for message in queue.contents()]


def _fate(message: WaitingMessage, blocked: BlockedGroup | None, now: int) -> Fate:
    visible = moment_of(message.visible)
    if message.visible > now:
        if not message.receive_count:
            return Fate(message.message_id, DELAYED, visible, "delayed until then")
        about = f"hidden until then, received {times(message.receive_count)}"
        return Fate(message.message_id, IN_FLIGHT, visible, about)
    if message.expires <= now:
        about = "expired at the queue's retention period"
        return Fate(message.message_id, EXPIRED, moment_of(message.expires), about)
    if blocked is not None:
        about = f"its group is blocked by message {blocked.message_id}, hidden until then"
        return Fate(message.message_id, WAITING, moment_of(blocked.until), about)
    return Fate(message.message_id, WAITING, visible, "visible since then")
