"""One batch of a queue in a mapping's hands: invoke, try again while throttled, and delete or let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.faults.poller_steps import DELETE
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DELETED
from pytest_lambda_esm.polling.batch_response import read_report
from pytest_lambda_esm.polling.ports import Deliver, Delivery
from pytest_lambda_esm.polling.queues.settings import LARGEST_PAYLOAD, QueuePolling, QueueSettings
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.queue_ports import DEPTH, MESSAGE_ID, Queues, Received, most_receives
from pytest_lambda_esm.sources.sqs import Render, weight
from pytest_lambda_esm.timing import time_text


@dataclass(frozen=True, slots=True)
class BatchPorts:
    """What the batches of one lane share. ``ended`` is told of a batch that did not end at once, ``failed`` of one
    whose invocation failed."""

    mapping: Mapping
    queues: Queues
    deliver: Deliver
    clock: Clock
    journal: Journal
    polling: QueuePolling
    ended: Callable[[QueueBatch], None]
    failed: Callable[[], None]
    interference: PollerFaults


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

    ``delivery`` is what came of the last try, None before the first.
    """

    __slots__ = ("_ports", "_retry_at", "_tries", "attempt", "delivery", "depth", "messages", "plan")

    def __init__(self, ports: BatchPorts, plan: QueueSettings, messages: Sequence[Received]) -> None:
        self._ports = ports
        self.plan = plan
        self._hold(messages)
        self.delivery: Delivery | None = None
        self._tries = 0
        self._retry_at = 0

    def begin(self) -> bool:
        """Invoke the function; whether the batch is over already, and is no longer in flight."""
        ports, messages = self._ports, self.messages
        event = _Event(self.plan.render, messages)
        delivery = self.delivery = ports.deliver(ports.mapping, event, self.attempt, self.depth)
        if delivery.throttled:
            return not self._wait_for_concurrency(delivery)
        if not delivery.problem:
            ports.mapping.counters["InvokedEventCount"] += len(messages)
        if delivery.end <= ports.clock.instant:
            self._settle(delivery)
            return True
        ports.clock.call_at(delivery.end, self._finish, self._about_end)
        return False

    def _hold(self, messages: Sequence[Received]) -> None:
        self.messages = messages
        self.depth = max([message[DEPTH] for message in messages])
        self.attempt = most_receives(messages)

    def explain(self) -> str:
        """What this batch waits for."""
        size = f"a batch of {len(self.messages)}"
        if self.delivery is None or not self.delivery.throttled:
            end = self.delivery.end if self.delivery is not None else self._ports.clock.instant
            return f"{size} is in flight until {self._time(end)}"
        until = max((until for _, until in self._held()), default=self._ports.clock.instant)
        return (
            f"{size} is throttled since {self._tries} tries ({self.delivery.about}): next try at"
            f" {self._time(self._retry_at)}, let go at {self._time(until)} when its visibility timeout ends"
        )

    # --- inside ------------------------------------------------------------------------------------------

    def _time(self, instant: int) -> str:
        return time_text(instant, self._ports.clock.instant)

    def _about_end(self) -> str:
        assert self.delivery is not None
        return f"mapping {self._ports.mapping.uuid}: {self.delivery.function} ends: {self.delivery.about}"

    def _finish(self) -> None:
        assert self.delivery is not None
        self._settle(self.delivery)
        self._ports.ended(self)

    # Throttled: the function did not run, and the messages' visibility goes on running out.

    def _wait_for_concurrency(self, delivery: Delivery) -> bool:
        """Keep the batch and try again later; False once it has been let go."""
        ports = self._ports
        self._tries += 1
        held = self._held()
        ids = _ids(self.messages)
        if not held:
            ports.journal.add("result", delivery.function, f"{delivery.about}; the batch is let go", ids)
            return False
        wait = min(ports.polling.throttle_backoff << (self._tries - 1), ports.polling.throttle_backoff_limit)
        self._retry_at = min(ports.clock.instant + wait, max(until for _, until in held))
        text = f"{delivery.about}; try {self._tries}, the next at {self._time(self._retry_at)}"
        ports.journal.add("result", delivery.function, text, ids)
        ports.clock.call_at(
            self._retry_at,
            self._try_again,
            lambda: f"mapping {ports.mapping.uuid}: try the throttled batch of {len(self.messages)} again",
        )
        return True

    def _try_again(self) -> None:
        held = self._held()
        gone = len(self.messages) - len(held)
        if gone:
            text = f"{gone} let go: throttled until their visibility timeout ended, received without being processed"
            still = {message[MESSAGE_ID] for message, _ in held}
            ids = tuple(message[MESSAGE_ID] for message in self.messages if message[MESSAGE_ID] not in still)
            self._ports.journal.add("fate", self._ports.mapping.source_arn, text, ids)
        if not held:
            self._ports.ended(self)
            return
        self._hold([message for message, _ in held])
        if self.begin():
            self._ports.ended(self)

    def _held(self) -> list[tuple[Received, int]]:
        """The messages that are still hidden for this batch, and until when."""
        queue = self._ports.queues.find(self._ports.mapping.source_arn)
        if queue is None:
            return []
        now = self._ports.clock.instant
        places = [(message, queue.held_until(message)) for message in self.messages]
        return [(message, until) for message, until in places if until is not None and until > now]

    # Over: what succeeded is deleted, the rest stays hidden until its visibility timeout ends.

    def _settle(self, delivery: Delivery) -> None:
        ports, messages = self._ports, self.messages
        ports.journal.add("result", delivery.function, delivery.about, (), ports.clock.instant)
        if not delivery.succeeded:
            if not self.plan.reports_failures:
                ports.failed()
            self._leave(messages)
        elif self.plan.reports_failures and delivery.result is not None:
            report = read_report(delivery.result, {message[MESSAGE_ID] for message in messages})
            ports.journal.add("result", delivery.function, report.about)
            self._leave([message for message in messages if message[MESSAGE_ID] in report.failed])
            self._delete([message for message in messages if message[MESSAGE_ID] not in report.failed])
        else:
            self._delete(messages)

    def _leave(self, messages: Sequence[Received]) -> None:
        if messages:
            ports = self._ports
            ports.mapping.counters["FailedInvokeEventCount"] += len(messages)
            text = f"{len(messages)} stay in the queue, hidden until their visibility timeout ends"
            ports.journal.add("fate", ports.mapping.source_arn, text, _ids(messages))

    def _delete(self, messages: Sequence[Received]) -> None:
        ports = self._ports
        source = ports.mapping.source_arn
        queue = ports.queues.find(source)
        if queue is None or not messages:
            return
        if ports.interference.at(DELETE, ports.mapping, lambda: _ids(messages)) == "lost":
            text = f"{len(messages)} not deleted after success: the delete was lost"
            ports.journal.add("fate", source, text, _ids(messages))
            return
        deleted = queue.delete(messages, ports.clock.instant)
        ports.mapping.counters["DeletedEventCount"] += len(deleted)
        if deleted:
            ports.journal.fate(source, deleted, DELETED, f"{len(deleted)} deleted after success")
        if len(deleted) < len(messages):
            done = set(deleted)
            stale = tuple(message[MESSAGE_ID] for message in messages if message[MESSAGE_ID] not in done)
            text = f"{len(stale)} not deleted: deleted before, or received again meanwhile (stale receipt)"
            ports.journal.add("fate", source, text, stale)


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
