"""One batch of a broker's messages: collected while it is open, then invoked, retried, and acknowledged or given up.

A failed batch is retried as a whole, as the page "Using Lambda with Amazon MQ" says. Its messages stay with the
consumer meanwhile; only when the mapping stops to poll do they return to the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pytest_lambda_esm.faults.poller_steps import DELETE
from pytest_lambda_esm.observe.fates import DONE
from pytest_lambda_esm.polling.answers import advise_on_answer
from pytest_lambda_esm.polling.attempts import CALL_FAILED, EVENT_CAPACITY
from pytest_lambda_esm.polling.brokers.advice import advise_on_spent
from pytest_lambda_esm.polling.brokers.context import BrokerContext, ids_of
from pytest_lambda_esm.polling.brokers.settings import BrokerSettings
from pytest_lambda_esm.polling.loop_guard import chain_error
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.sources.broker_ports import Message, Queue
from pytest_lambda_esm.sources.mq_records import MqKind
from pytest_lambda_esm.timing import moment_of, time_text
from pytest_lambda_esm.wording import counted

_NOT_POLLING: Final = "the mapping does not poll any more"


class OpenBatch:
    """A batch that still takes messages.

    ``closes`` is when its window ends, in microseconds since the epoch, and ``closing`` the clock's event for that.
    ``empty`` is the size of an event without messages; ``largest`` is that of a message that fits.
    ``again`` says that a fault has the batch delivered twice. Its size is an upper bound until that is too much;
    ``is_exact`` says that the messages have been weighed one by one since then.
    """

    __slots__ = (
        "_empty",
        "_overflowed",
        "_size",
        "again",
        "closes",
        "closing",
        "is_exact",
        "largest",
        "messages",
        "queue",
        "settings",
    )

    def __init__(self, queue: Queue, settings: BrokerSettings, now: int, empty: int) -> None:
        self.queue = queue
        self.settings = settings
        self.largest = EVENT_CAPACITY - empty
        self.closes = now + settings.window
        self.closing: Any = None
        self.again = False
        self.messages: list[Message] = []
        self._size = self._empty = empty
        self._overflowed = False
        self.is_exact = False

    @property
    def is_full(self) -> bool:
        """Whether it takes no more messages."""
        return self._overflowed or len(self.messages) >= self.settings.batch_size

    @property
    def room(self) -> int:
        """How many more messages it takes."""
        return 0 if self._overflowed else self.settings.batch_size - len(self.messages)

    def extend(self, messages: Sequence[Message], bounds: Sequence[int]) -> bool:
        """Add messages that fit for sure: their sizes do not exceed ``bounds``. Return whether they were added."""
        size = self._size + sum(bounds)
        if self.is_exact or size > EVENT_CAPACITY or max(bounds, default=0) > self.largest:
            return False
        self.messages.extend(messages)
        self._size = size
        return True

    def weigh(self, weight: Callable[[Message], int]) -> None:
        """Weigh the messages so far one by one, unless that was done."""
        if not self.is_exact:
            self._size = self._empty + sum(weight(message) for message in self.messages)
            self.is_exact = True

    def add(self, message: Message, size: int) -> bool:
        """Add a message, unless it does not fit any more; return whether it did."""
        if self._size + size > EVENT_CAPACITY:
            self._overflowed = True
            return False
        self.messages.append(message)
        self._size += size
        return True


@dataclass(frozen=True, slots=True)
class BrokerEvent:
    """Builds an event; each call returns a new one. ``out`` is when the messages left the broker."""

    kind: MqKind
    arn: str
    queue: Queue
    messages: tuple[Message, ...]
    out: int

    def __call__(self) -> dict[str, Any]:
        """Build the event."""
        records = [self.kind.record(self.queue, message, self.out) for message in self.messages]
        return self.kind.event(self.arn, self.queue, records)


class Owner(Protocol):
    """The poller of a batch."""

    def may_continue(self) -> bool:
        """Whether the mapping polls, so that a batch may be retried."""
        ...

    def on_end(self, batch: BrokerBatch, *, pause: bool) -> None:
        """Forget a batch that is over; with ``pause``, receive again only a little later."""
        ...


class BrokerBatch:
    """The messages of one invocation and its retries. ``delivery`` is the result of the last try."""

    def __init__(self, context: BrokerContext, queue: Queue, messages: Sequence[Message], owner: Owner) -> None:
        self._context = context
        self._queue = queue
        self._owner = owner
        self.messages = messages
        self.delivery: Delivery | None = None
        self.again = False
        self._failures = 0
        self._retry: Any = None

    def invoke(self) -> None:
        """Invoke the function. The batch is over, waits for its retry, or runs when this returns."""
        try:
            self._invoke()
        except BaseException:
            self._break_off()
            raise

    def withdraw(self) -> None:
        """Return the messages to the queue, unless the function runs with them."""
        if self._retry is not None:
            self._context.clock.cancel(self._retry)
            self._retry = None
            self._return(_NOT_POLLING)

    def explain(self) -> str:
        """Describe what this batch waits for."""
        size, now = f"a batch of {counted(len(self.messages), 'message')}", self._context.clock.instant
        if self._retry is not None and self.delivery is not None:
            return (
                f"{size} has been tried {counted(self._failures, 'time')} ({self.delivery.about}): the next try comes"
                f" at {time_text(self._retry.due, now)}"
            )
        if self.delivery is None or self.delivery.end <= now:
            return f"{size} is in flight: the function runs with it"
        return f"{size} is in flight until {time_text(self.delivery.end, now)}"

    # --- run ------------------------------------------------------------------------------------------------

    def _invoke(self) -> None:
        context, now = self._context, self._context.clock.instant
        attempt = 1 + max(message.deliveries for message in self.messages)
        depth = max(message.depth for message in self.messages)
        if depth >= context.polling.loop_depth:
            record = f"message {self.messages[0].id} (at {moment_of(now):%H:%M:%S.%f}), or another one of its batch,"
            raise chain_error(context.mapping, depth, record)
        text = f"{counted(len(self.messages), 'message')} delivered, attempt {attempt}"
        context.journal.add("poll", self._queue.address, text, ids_of(self.messages))
        event = BrokerEvent(context.kind(), context.mapping.source_arn, self._queue, tuple(self.messages), now)
        self.delivery = None
        delivery = self.delivery = context.deliver(context.mapping, event, attempt, depth)
        if delivery.end <= context.clock.instant:
            self._finish()
        else:
            context.clock.call_at(delivery.end, self._event(self._finish), self._about_end)

    def _event(self, action: Callable[[], None]) -> Callable[[], None]:
        return self._context.interruptions.event(action, self._break_off)

    def _about_end(self) -> str:
        assert self.delivery is not None
        return f"mapping {self._context.mapping.uuid}: {self.delivery.function} ends: {self.delivery.about}"

    def _about_retry(self) -> str:
        return f"mapping {self._context.mapping.uuid}: retry a batch of {counted(len(self.messages), 'message')}"

    def _finish(self) -> None:
        delivery, context = self.delivery, self._context
        assert delivery is not None
        context.journal.add("result", delivery.function, delivery.about)
        if delivery.succeeded:
            advise_on_answer(context.journal, context.mapping, False, delivery.result)
            context.mapping._last_result = "OK"
            self._succeed()
        else:
            context.mapping._last_result = f"PROBLEM: {delivery.problem}" if delivery.problem else CALL_FAILED
            self._fail(delivery)

    # --- what follows -----------------------------------------------------------------------------------------

    def _succeed(self) -> None:
        context, ids = self._context, ids_of(self.messages)
        if self.again:
            self.again = False
            text = f"{len(ids)} come again after success: at-least-once delivery"
            context.journal.add("fate", self._queue.address, text, ids)
            self._invoke()
            return
        if context.interference.at(DELETE, context.mapping, lambda: ids) == "lost":
            self.messages = self._queue.note_failure(self.messages)
            self._return("the acknowledgement after success was lost", pause=True)
            return
        self._queue.acknowledge(self.messages)
        context.journal.fate(self._queue.address, ids, DONE, f"{len(ids)} acknowledged after success")
        self._end()

    def _fail(self, delivery: Delivery) -> None:
        """Retry the batch later, without the messages that were redelivered as often as the broker allows."""
        self._failures += 1
        if delivery.reached:
            limit = self._queue.redeliveries
            failed = self._queue.note_failure(self.messages)
            spent = [message for message in failed if limit is not None and message.deliveries > limit]
            self.messages = [message for message in failed if message not in spent]
            self._context.end_spent(self._queue, spent)
            if spent:
                advise_on_spent(self._context, spent[0].deliveries)
        if not self.messages:
            self._end()
        elif not self._owner.may_continue():
            self._return(_NOT_POLLING)
        else:
            due = self._context.clock.instant + self._wait(delivery)
            self._retry = self._context.clock.call_at(due, self._event(self._try_again), self._about_retry)

    def _wait(self, delivery: Delivery) -> int:
        delay = self._queue.redelivery_delay if delivery.reached else None
        return self._context.polling.backoff.after(self._failures) if delay is None else delay

    def _try_again(self) -> None:
        self._retry = None
        now = self._context.clock.instant
        expired = [message for message in self.messages if message.expires is not None and message.expires <= now]
        self.messages = [message for message in self.messages if message not in expired]
        self._context.end_expired(self._queue, expired)
        if not self.messages:
            self._end()
        elif not self._owner.may_continue():
            self._return(_NOT_POLLING)
        else:
            self._invoke()

    def _return(self, why: str, *, pause: bool = False) -> None:
        text = f"{len(self.messages)} return to the queue: {why}"
        self._context.journal.add("fate", self._queue.address, text, ids_of(self.messages))
        messages, self.messages = self.messages, ()
        self._queue.give_back(messages)
        self._end(pause=pause)

    def _break_off(self) -> None:
        """End after a bug, or after the end of a chain of invocations: the messages return to the queue."""
        if self.messages:
            self._return("their delivery was broken off", pause=True)

    def _end(self, *, pause: bool = False) -> None:
        self.messages = ()
        self._owner.on_end(self, pause=pause)
