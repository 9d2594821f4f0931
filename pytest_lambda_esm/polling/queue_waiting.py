"""Why the messages of a queue are not received now, in words."""

from __future__ import annotations

from pytest_lambda_esm.config import time_text
from pytest_lambda_esm.sources.queue import Queue

_MOST_GROUPS = 10


def explain_waiting(queue: Queue, now: int) -> list[str]:
    """One line for each reason: what is hidden, what blocks a group, what is visible. ``now`` in microseconds."""
    visible = queue.next_visible()
    if visible is None:
        return ["the queue holds no message"]
    lines = [
        f"the group {blocked.group!r} is blocked by message {blocked.message_id}, hidden until"
        f" {time_text(blocked.until, now)} (received {blocked.receive_count} times);"
        f" {blocked.waiting} wait behind it"
        for blocked in queue.blocked(now)
    ]
    if len(lines) > _MOST_GROUPS:
        lines = [*lines[:_MOST_GROUPS], f"and {len(lines) - _MOST_GROUPS} more groups are blocked"]
    if visible > now:
        return [*lines, f"the next message becomes visible at {time_text(visible, now)}"]
    return [*lines, "messages are visible and will be received as soon as the clock runs: clock.advance()"]
