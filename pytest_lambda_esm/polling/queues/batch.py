"""One batch of a queue in a mapping's hands: invoke, try again while throttled, and delete or let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from typing import Any

from pytest_lambda_esm.faults.poller_steps import DELETE
from pytest_lambda_esm.observe.fates import DELETED
from pytest_lambda_esm.polling.batch_response import read_report
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.queues.context import QueueContext
from pytest_lambda_esm.polling.queues.settings import LARGEST_PAYLOAD, QueueSettings
from pytest_lambda_esm.sources.queue_ports import DEPTH, MESSAGE_ID, Received, most_receives
from pytest_lambda_esm.sources.sqs import Render, weight
from pytest_lambda_esm.timing import time_text


class _Event:
    """Makes the event of a batch; an invocation keeps it for as long as the test runs.

    So its messages are a tuple, which the garbage collector lets go of once it has seen that there are only tuples of
    texts and numbers in it. It would look at a list again and again.
    """

    __slots__ = ("_messages", "_render")

    def __init__(self, render: Render, messages: Sequence[Received]) -> None:
        self._render = render
        self._messages = tuple(messages)

    def __call__(self) -> dict[str, Any]:
        return {"Records": self._render(self._messages)}


class QueueBatch:
    """The messages of one invocation, from their receipt until they are deleted or let go.

    ``delivery`` is what came of the last try, None before the first. ``on_end`` is called with a batch that did not end
    within :meth:`begin`.
    """

    __slots__ = ("_context", "_on_end", "_retry_at", "_tries", "attempt", "delivery", "depth", "messages", "plan")

    def __init__(
        self,
        context: QueueContext,
        plan: QueueSettings,
        messages: Sequence[Received],
        on_end: Callable[[QueueBatch], None],
    ) -> None:
        self._context = context
        self._on_end = on_end
        self.plan = plan
        self._hold(messages)
        self.delivery: Delivery | None = None
        self._tries = 0
        self._retry_at = 0

    def begin(self) -> bool:
        """Invoke the function; whether the batch is over already, and is no longer in flight."""
        context, messages = self._context, self.messages
        event = _Event(self.plan.render, messages)
        delivery = self.delivery = context.deliver(context.mapping, event, self.attempt, self.depth)
        if delivery.throttled:
            return not self._wait_for_concurrency(delivery)
        if not delivery.problem:
            context.mapping.counters["InvokedEventCount"] += len(messages)
        if delivery.end <= context.clock.instant:
            self._settle(delivery)
            return True
        context.clock.call_at(delivery.end, self._finish, self._about_end)
        return False

    def _hold(self, messages: Sequence[Received]) -> None:
        self.messages = messages
        self.depth = max([message[DEPTH] for message in messages])
        self.attempt = most_receives(messages)

    def explain(self) -> str:
        """What this batch waits for."""
        size = f"a batch of {len(self.messages)}"
        if self.delivery is None or not self.delivery.throttled:
            end = self.delivery.end if self.delivery is not None else self._context.clock.instant
            return f"{size} is in flight until {self._time(end)}"
        until = max((until for _, until in self._held()), default=self._context.clock.instant)
        return (
            f"{size} is throttled since {self._tries} tries ({self.delivery.about}): next try at"
            f" {self._time(self._retry_at)}, let go at {self._time(until)} when its visibility timeout ends"
        )

    # --- inside ------------------------------------------------------------------------------------------

    def _time(self, instant: int) -> str:
        return time_text(instant, self._context.clock.instant)

    def _about_end(self) -> str:
        assert self.delivery is not None
        return f"mapping {self._context.mapping.uuid}: {self.delivery.function} ends: {self.delivery.about}"

    def _finish(self) -> None:
        assert self.delivery is not None
        self._settle(self.delivery)
        self._on_end(self)

    # Throttled: the function did not run, and the messages' visibility goes on running out.

    def _wait_for_concurrency(self, delivery: Delivery) -> bool:
        """Keep the batch and try again later; False once it has been let go."""
        context = self._context
        self._tries += 1
        held = self._held()
        ids = _ids(self.messages)
        if not held:
            context.journal.add("result", delivery.function, f"{delivery.about}; the batch is let go", ids)
            return False
        wait = context.polling.throttle_backoff.after(self._tries)
        self._retry_at = min(context.clock.instant + wait, max(until for _, until in held))
        text = f"{delivery.about}; try {self._tries}, the next at {self._time(self._retry_at)}"
        context.journal.add("result", delivery.function, text, ids)
        context.clock.call_at(
            self._retry_at,
            self._try_again,
            lambda: f"mapping {context.mapping.uuid}: try the throttled batch of {len(self.messages)} again",
        )
        return True

    def _try_again(self) -> None:
        held = self._held()
        gone = len(self.messages) - len(held)
        if gone:
            text = f"{gone} let go: throttled until their visibility timeout ended, received without being processed"
            still = {message[MESSAGE_ID] for message, _ in held}
            ids = tuple(message[MESSAGE_ID] for message in self.messages if message[MESSAGE_ID] not in still)
            self._context.journal.add("fate", self._context.mapping.source_arn, text, ids)
        if not held:
            self._on_end(self)
            return
        self._hold([message for message, _ in held])
        if self.begin():
            self._on_end(self)

    def _held(self) -> list[tuple[Received, int]]:
        """The messages that are still hidden for this batch, and until when."""
        queue = self._context.queues.find(self._context.mapping.source_arn)
        if queue is None:
            return []
        now = self._context.clock.instant
        places = [(message, queue.held_until(message)) for message in self.messages]
        return [(message, until) for message, until in places if until is not None and until > now]

    # Over: what succeeded is deleted, the rest stays hidden until its visibility timeout ends.

    def _settle(self, delivery: Delivery) -> None:
        context, messages = self._context, self.messages
        context.journal.add("result", delivery.function, delivery.about, (), context.clock.instant)
        if not delivery.succeeded:
            self._leave(messages)
        elif self.plan.reports_failures and delivery.result is not None:
            report = read_report(delivery.result, {message[MESSAGE_ID] for message in messages})
            context.journal.add("result", delivery.function, report.about)
            self._leave([message for message in messages if message[MESSAGE_ID] in report.failed])
            self._delete([message for message in messages if message[MESSAGE_ID] not in report.failed])
        else:
            self._delete(messages)

    def _leave(self, messages: Sequence[Received]) -> None:
        if messages:
            context = self._context
            context.mapping.counters["FailedInvokeEventCount"] += len(messages)
            text = f"{len(messages)} stay in the queue, hidden until their visibility timeout ends"
            context.journal.add("fate", context.mapping.source_arn, text, _ids(messages))

    def _delete(self, messages: Sequence[Received]) -> None:
        context = self._context
        source = context.mapping.source_arn
        queue = context.queues.find(source)
        if queue is None or not messages:
            return
        if context.interference.at(DELETE, context.mapping, lambda: _ids(messages)) == "lost":
            text = f"{len(messages)} not deleted after success: the delete was lost"
            context.journal.add("fate", source, text, _ids(messages))
            return
        deleted = queue.delete(messages, context.clock.instant)
        context.mapping.counters["DeletedEventCount"] += len(deleted)
        if deleted:
            context.journal.fate(source, deleted, DELETED, f"{len(deleted)} deleted after success")
        if len(deleted) < len(messages):
            done = set(deleted)
            stale = tuple(message[MESSAGE_ID] for message in messages if message[MESSAGE_ID] not in done)
            text = f"{len(stale)} not deleted: deleted before, or received again meanwhile (stale receipt)"
            context.journal.add("fate", source, text, stale)


def _ids(messages: Sequence[Received]) -> tuple[str, ...]:
    return tuple([message[MESSAGE_ID] for message in messages])


_EVENT: int = len('{"Records":[]}')


class OpenBatch:
    """The messages of one batch so far. ``closes`` is when its window ends, in microseconds since the epoch.

    ``deliveries`` is how often the batch is handed over: once, unless somebody asked for more.
    """

    __slots__ = ("_payload", "closes", "closing", "deliveries", "messages", "overflowed", "plan")

    def __init__(self, plan: QueueSettings, now: int) -> None:
        self.plan = plan
        self.closes = now + plan.window
        self.closing: Any = None
        self.deliveries = 1
        self.messages: list[Received] = []
        self.overflowed = False
        self._payload = _EVENT

    @property
    def room(self) -> int:
        """How many more messages fit; 0 once the next one would exceed the payload."""
        return 0 if self.overflowed else self.plan.batch_size - len(self.messages)

    def admits(self, body: str, message_attributes: ReadOnly[str, Any]) -> bool:
        """Whether one more message fits into the payload; asked before its receipt."""
        size = weight(body, message_attributes) + 1
        if self._payload + size > LARGEST_PAYLOAD and self._payload > _EVENT:
            self.overflowed = True
            return False
        self._payload += size
        return True

    def add(self, messages: Sequence[Received]) -> None:
        """Take messages into the batch. One whose visibility timeout ended in a long window came once more: the newer
        receipt counts."""
        if self.messages:
            again = {message[MESSAGE_ID] for message in messages}
            self.messages = [message for message in self.messages if message[MESSAGE_ID] not in again]
        self.messages += messages
