"""One batch of messages: collected while it is open, then invoked, retried while throttled, and deleted or left.

Failed messages stay in the queue. They are hidden until their visibility timeout ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.faults.poller_steps import DELETE
from pytest_lambda_esm.observe.fates import DELETED
from pytest_lambda_esm.polling.answers import advise_on_answer
from pytest_lambda_esm.polling.batch_response import read_report
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.queues.advice import advise_on_failure, advise_on_report, advise_on_throttles
from pytest_lambda_esm.polling.queues.context import QueueContext
from pytest_lambda_esm.polling.queues.settings import LARGEST_PAYLOAD, QueueSettings
from pytest_lambda_esm.sources.queue_ports import DEPTH, MESSAGE_ID, RECEIVE_COUNT, Received
from pytest_lambda_esm.sources.sqs import Render, weight
from pytest_lambda_esm.timing import time_text
from pytest_lambda_esm.wording import counted, times

_EMPTY_EVENT: Final = len('{"Records":[]}')


class OpenBatch:
    """A batch that still takes messages.

    ``closes`` is when its window ends, in microseconds since the epoch, and ``closing`` the clock's event for that.
    ``deliveries`` is how often the batch is delivered: once, unless a fault asks for a duplicate.
    """

    __slots__ = ("_payload", "closes", "closing", "deliveries", "messages", "overflowed", "settings")

    def __init__(self, settings: QueueSettings, now: int) -> None:
        self.settings = settings
        self.closes = now + settings.window
        self.closing: Any = None
        self.deliveries = 1
        self.messages: list[Received] = []
        self.overflowed = False
        self._payload = _EMPTY_EVENT

    @property
    def room(self) -> int:
        """How many more messages fit; 0 once a message would have exceeded the payload."""
        return 0 if self.overflowed else self.settings.batch_size - len(self.messages)

    def admits(self, body: str, message_attributes: ReadOnly[str, Any]) -> bool:
        """Return whether one more message fits into the payload, and count it if so. Called before its receipt."""
        size = weight(body, message_attributes) + 1
        if self._payload + size > LARGEST_PAYLOAD and self._payload > _EMPTY_EVENT:
            self.overflowed = True
            return False
        self._payload += size
        return True

    def add(self, messages: Sequence[Received]) -> None:
        """Add messages to the batch.

        In a long window a message's visibility timeout may end, and it is received again: the newer receipt replaces
        the older one.
        """
        if self.messages:
            again = {message[MESSAGE_ID] for message in messages}
            self.messages = [message for message in self.messages if message[MESSAGE_ID] not in again]
        self.messages += messages


class QueueBatch:
    """The messages of one invocation, from its start until they are deleted or left in the queue.

    ``attempt`` is the highest receive count among them, ``delivery`` the result of the last try, None before the first.
    ``on_end`` is called with a batch that was still in flight when :meth:`invoke` returned.
    """

    __slots__ = (
        "_context",
        "_on_end",
        "_retry_at",
        "_runs",
        "_tries",
        "attempt",
        "delivery",
        "depth",
        "messages",
        "settings",
    )

    def __init__(
        self,
        context: QueueContext,
        settings: QueueSettings,
        messages: Sequence[Received],
        on_end: Callable[[QueueBatch], None],
    ) -> None:
        self._context = context
        self._on_end = on_end
        self.settings = settings
        self._set_messages(messages)
        self.delivery: Delivery | None = None
        self._runs = False
        self._tries = 0
        self._retry_at = 0

    def invoke(self) -> bool:
        """Invoke the function, and return whether the batch is complete. If not, it is in flight."""
        context, messages = self._context, self.messages
        event = _Event(self.settings.render, messages)
        self._runs = True
        delivery = self.delivery = context.deliver(context.mapping, event, self.attempt, self.depth)
        self._runs = False
        if delivery.throttled:
            return not self._wait_for_concurrency(delivery)
        if not delivery.problem:
            context.mapping._counters["InvokedEventCount"] += len(messages)
        if delivery.end <= context.clock.instant:
            self._settle(delivery)
            return True
        context.clock.call_at(delivery.end, self._event(self._finish), self._describe_end)
        return False

    def explain(self) -> str:
        """Describe what this batch waits for."""
        size = f"a batch of {len(self.messages)}"
        if self._runs or self.delivery is None:
            return f"{size} is in flight: the function runs with it"
        if not self.delivery.throttled:
            return f"{size} is in flight until {self._time(self.delivery.end)}"
        until = max((until for _, until in self._still_hidden()), default=self._context.clock.instant)
        return (
            f"{size} has been throttled {times(self._tries)} ({self.delivery.about}): next try at"
            f" {self._time(self._retry_at)}; it returns to the queue at {self._time(until)}, when its visibility"
            f" timeout ends"
        )

    def _set_messages(self, messages: Sequence[Received]) -> None:
        self.messages = messages
        self.depth = max([message[DEPTH] for message in messages])
        self.attempt = most_receives(messages)

    def _time(self, instant: int) -> str:
        return time_text(instant, self._context.clock.instant)

    def _describe_end(self) -> str:
        assert self.delivery is not None
        return f"mapping {self._context.mapping.uuid}: {self.delivery.function} ends: {self.delivery.about}"

    def _event(self, action: Callable[[], None]) -> Callable[[], None]:
        """Return an event that ends the batch, also if it raises: its messages then stay in the queue, hidden."""
        return self._context.interruptions.event(action, lambda: self._on_end(self))

    def _finish(self) -> None:
        assert self.delivery is not None
        self._settle(self.delivery)
        self._on_end(self)

    # --- throttled: the function did not run, and the visibility timeouts continue to run ---------------------

    def _wait_for_concurrency(self, delivery: Delivery) -> bool:
        """Schedule the next try. Return False if the messages have returned to the queue."""
        context = self._context
        self._tries += 1
        hidden = self._still_hidden()
        ids = _ids(self.messages)
        if not hidden:
            context.journal.add("result", delivery.function, f"{delivery.about}; the batch returns to the queue", ids)
            return False
        wait = context.polling.throttle_backoff.after(self._tries)
        self._retry_at = min(context.clock.instant + wait, max(until for _, until in hidden))
        text = f"{delivery.about}; try {self._tries}, the next at {self._time(self._retry_at)}"
        context.journal.add("result", delivery.function, text, ids)
        context.clock.call_at(
            self._retry_at,
            self._event(self._retry),
            lambda: f"mapping {context.mapping.uuid}: retry the throttled batch of {len(self.messages)}",
        )
        return True

    def _retry(self) -> None:
        hidden = self._still_hidden()
        returned = len(self.messages) - len(hidden)
        if returned:
            text = (
                f"{counted(returned, 'message')} returned to the queue: throttled until the visibility timeout ended,"
                f" received without being processed"
            )
            kept = {message[MESSAGE_ID] for message, _ in hidden}
            ids = tuple(message[MESSAGE_ID] for message in self.messages if message[MESSAGE_ID] not in kept)
            self._context.journal.add("fate", self._context.mapping.source_arn, text, ids)
            advise_on_throttles(self._context, returned)
        if not hidden:
            self._on_end(self)
            return
        self._set_messages([message for message, _ in hidden])
        if self.invoke():
            self._on_end(self)

    def _still_hidden(self) -> list[tuple[Received, int]]:
        """Return the messages that are still hidden by this batch's receipts, and until when."""
        queue = self._context.queues.find(self._context.mapping.source_arn)
        if queue is None:
            return []
        now = self._context.clock.instant
        places = [(message, queue.held_until(message)) for message in self.messages]
        return [(message, until) for message, until in places if until is not None and until > now]

    # --- complete: succeeded messages are deleted, the others stay hidden -------------------------------------

    def _settle(self, delivery: Delivery) -> None:
        context, messages = self._context, self.messages
        context.journal.add("result", delivery.function, delivery.about, (), context.clock.instant)
        reports = self.settings.reports_failures
        if not delivery.succeeded:
            if delivery.reached and not context.interruptions.pending:
                advise_on_failure(context, messages, self.attempt)
            self._leave(messages)
            return
        advise_on_answer(context.journal, context.mapping, reports, delivery.result)
        if reports and delivery.result is not None:
            report = read_report(delivery.result, {message[MESSAGE_ID] for message in messages})
            context.journal.add("result", delivery.function, report.about)
            advise_on_report(context, messages, report)
            self._leave([message for message in messages if message[MESSAGE_ID] in report.failed])
            self._delete([message for message in messages if message[MESSAGE_ID] not in report.failed])
        else:
            self._delete(messages)

    def _leave(self, messages: Sequence[Received]) -> None:
        if messages:
            context = self._context
            context.mapping._counters["FailedInvokeEventCount"] += len(messages)
            text = f"{counted(len(messages), 'message', 'stay')} in the queue, hidden until the visibility timeout ends"
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
        context.mapping._counters["DeletedEventCount"] += len(deleted)
        if deleted:
            context.journal.fate(source, deleted, DELETED, f"{len(deleted)} deleted after success")
        if len(deleted) < len(messages):
            done = set(deleted)
            stale = tuple(message[MESSAGE_ID] for message in messages if message[MESSAGE_ID] not in done)
            text = f"{len(stale)} not deleted: already deleted, or received again in the meantime (stale receipt)"
            context.journal.add("fate", source, text, stale)


class _Event:
    """Makes the event of a batch. An invocation keeps it for as long as the test runs.

    Its messages are a tuple, since the garbage collector stops tracking a tuple once it has seen that it holds only
    tuples of strings and numbers. It would traverse a list again and again.
    """

    __slots__ = ("_messages", "_render")

    def __init__(self, render: Render, messages: Sequence[Received]) -> None:
        self._render = render
        self._messages = tuple(messages)

    def __call__(self) -> dict[str, Any]:
        return {"Records": self._render(self._messages)}


def most_receives(messages: Sequence[Received]) -> int:
    """Return the highest receive count. For the few messages of a batch, this is much faster than ``max``."""
    highest = 0
    for message in messages:
        if message[RECEIVE_COUNT] > highest:
            highest = message[RECEIVE_COUNT]
    return highest


def _ids(messages: Sequence[Received]) -> tuple[str, ...]:
    return tuple([message[MESSAGE_ID] for message in messages])
