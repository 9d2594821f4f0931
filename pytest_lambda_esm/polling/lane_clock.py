"""When a lane takes its next step: at most one event on the clock, and none while it waits for records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_lambda_esm.polling.attempts import Attempts
from pytest_lambda_esm.polling.lane_context import LaneContext
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.timing import time_text


class LaneClock:
    """The events of one lane.

    ``step()`` is called when a step is due. It first sets :attr:`next_step` to None. ``mend()`` is called after a bug,
    and ``about()`` describes the next step to users.
    """

    def __init__(
        self,
        context: LaneContext[Any],
        *,
        step: Callable[[], None],
        mend: Callable[[], None],
        about: Callable[[], str],
    ) -> None:
        self._context = context
        self._clock = context.clock
        self._mend = mend
        self._about = about
        self._step_event = context.interruptions.event(step, mend)
        self.next_step: Any = None
        self.free_since = 0
        """When the last batch was over; the batch window of the next one may start then."""
        self.no_read_before = 0
        """When a read may be made again after one that failed."""

    def plan(self, due: int) -> None:
        """Take a step at an instant, unless an earlier one is planned."""
        due = max(due, self._clock.instant)
        if self.next_step is not None:
            if self.next_step.due <= due:
                return
            self._clock.cancel(self.next_step)
        self.next_step = self._clock.call_in_turn(due, self._step_event, self._about)

    def cancel(self) -> None:
        """Take no step."""
        self._clock.cancel(self.next_step)
        self.next_step = None

    def batch_due(self, first_arrival: int, window: int, waits_for_record: bool = False) -> int:
        """Return when the batch window of a batch ends that is not complete.

        A batch window starts as soon as the previous batch is over; if no record arrives in it, the next one starts
        with the next record. A window that waits for a record starts when its first record can be read.
        """
        arrived = first_arrival + self._context.polling.latency
        if waits_for_record:
            return max(self.free_since, arrived) + window
        return (self.free_since if arrived < self.free_since + window else arrived) + window

    def pause_reading(self) -> None:
        """Read again after a pause, because a read has failed."""
        self.no_read_before = self._clock.instant + self._context.polling.read_retry

    def when_over(self, delivery: Delivery, complete: Callable[[], None]) -> None:
        """Call ``complete()`` when the run of the function ends."""
        uuid = self._context.mapping.uuid
        self._clock.call_at(
            delivery.end,
            self._context.interruptions.event(complete, self._mend),
            lambda: f"mapping {uuid}: {delivery.function} ends: {delivery.about}",
        )

    def recover(self, batches: Sequence[Attempts]) -> None:
        """Continue after a bug, or after the end of a chain of invocations: retry the first batch, or read again."""
        self.pause_reading()
        self.cancel()
        if batches:
            batches[0].retry_later(self._clock.instant, self._context.polling.backoff)
        self.plan(batches[0].due if batches else self.no_read_before)

    def next_step_text(self) -> str:
        """Return when the next step comes, to be added to a text; an empty text if none is planned."""
        if self.next_step is None:
            return ""
        return f"; the next step comes at {time_text(self.next_step.due, self._clock.instant)}"
