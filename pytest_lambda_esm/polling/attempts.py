"""What streams and Kafka count of a batch that is delivered until it succeeds or is discarded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.polling.lane_context import LaneContext
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.timing import Backoff

CALL_FAILED: Final = "PROBLEM: Function call failed"

EVENT_CAPACITY: Final = 6 * 1024 * 1024
"""The maximum size of the records of one event, in bytes."""


@dataclass(frozen=True, slots=True)
class LastResponse:
    """The last response of the function: the version that ran, and ``"Unhandled"`` or None for no function error."""

    version: str
    function_error: str | None


@dataclass(slots=True, kw_only=True)
class Attempts:
    """The attempts with one batch.

    ``invocations`` counts the runs of the function with exactly these records; ``failures`` counts failures in a row,
    throttles included, for the back-off. ``due`` is when the next attempt is made, ``blocked_since`` when the first
    one failed. ``response``, ``request_id`` and ``last_outcome`` (a text) are those of the last invocation.
    ``deliver_again`` repeats the delivery after a success.
    """

    invocations: int = 0
    failures: int = 0
    due: int = 0
    blocked_since: int | None = None
    response: LastResponse | None = None
    request_id: str = ""
    last_outcome: str = ""
    deliver_again: bool = False

    def retry_later(self, now: int, backoff: Backoff) -> None:
        """Retry the batch after the next back-off."""
        self.failures += 1
        self.due = now + backoff.after(self.failures)
        if self.blocked_since is None:
            self.blocked_since = now


def first_half(count: int, larger_half: str) -> int:
    """Return the size of the first half of a failed batch; ``larger_half`` is ``"first"`` or ``"second"``."""
    return (count + 1) // 2 if larger_half == "first" else count // 2


def note_delivery(context: LaneContext[Any], batch: Attempts, delivery: Delivery, count: int) -> bool:
    """Note that a batch of ``count`` records was sent. Return whether it reached the function.

    If it did not, it is sent again later, and this is no attempt.
    """
    mapping = context.mapping
    context.journal.add("result", delivery.function, delivery.about)
    if delivery.reached:
        mapping._counters["InvokedEventCount"] += count
        batch.invocations += 1
        batch.request_id = delivery.request_id
        return True
    if delivery.problem:
        mapping._counters["FailedInvokeEventCount"] += count
    mapping._last_result = f"PROBLEM: {delivery.problem}" if delivery.problem else CALL_FAILED
    batch.last_outcome = delivery.about
    batch.retry_later(context.clock.instant, context.polling.backoff)
    return False
