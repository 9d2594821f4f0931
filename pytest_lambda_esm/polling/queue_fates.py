"""The fates of the messages that are in a queue: each waits for something, and this says for what."""

from __future__ import annotations

from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.observe.fates import DELAYED, EXPIRED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.sources.queue import BlockedGroup, Queue, WaitingMessage


def waiting_fates(queue: Queue, now: int) -> list[Fate]:
    """One fate for each message that is in the queue; ``now`` is microseconds since the epoch.

    A message past its retention has expired once it is visible: until then whoever received it may still delete it.
    """
    blocked = {group.group: group for group in queue.blocked(now)}
    return [_fate(message, blocked.get(message.group or ""), now) for message in queue.contents()]


def _fate(message: WaitingMessage, blocked: BlockedGroup | None, now: int) -> Fate:
    visible = moment_of(message.visible)
    if message.visible > now:
        if not message.receive_count:
            return Fate(message.message_id, DELAYED, visible, "delayed until then")
        about = f"hidden until then, received {message.receive_count} times"
        return Fate(message.message_id, IN_FLIGHT, visible, about)
    if message.expires <= now:
        about = "expired at the queue's retention period"
        return Fate(message.message_id, EXPIRED, moment_of(message.expires), about)
    if blocked is not None:
        about = f"its group is blocked by message {blocked.message_id}, hidden until then"
        return Fate(message.message_id, WAITING, moment_of(blocked.until), about)
    return Fate(message.message_id, WAITING, visible, "visible since then")
