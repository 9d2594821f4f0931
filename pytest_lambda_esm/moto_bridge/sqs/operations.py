"""SQS operations of clients, as they behave while a fake is active.

moto's FIFO queues lose messages after a timeout, and its long polling waits in real time for a clock that does not
move. Sending, receiving, deleting and changing visibility therefore use the same message table as the pollers, and
notify them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid
from moto.sqs.models import Message, SQSBackend, sqs_backends
from moto.sqs.models import Queue as MotoQueue

from pytest_lambda_esm.moto_bridge.sqs import responses
from pytest_lambda_esm.moto_bridge.sqs.messages import MessageTable, table_of
from pytest_lambda_esm.moto_bridge.sqs.storage import (
    MARKS,
    Receiver,
    delete_message,
    find_by_receipt,
    has_expired,
    has_expired_receipt,
    is_gone,
    note_gone,
    sent_messages_of,
    store_handles,
)
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, DELETED, EXPIRED
from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.timing import MICROSECONDS
from pytest_lambda_esm.vocabulary import FateName

LONGEST_VISIBILITY: Final = 12 * 60 * 60 * 1000
"""How long a message can stay hidden after a receipt, in milliseconds."""

_INVALID: Final = "InvalidParameterValue"
_EXPIRED: Final = "expired at the queue's retention period"


class QueueEvents(Protocol):
    """The parts of the simulation that queue operations notify, and the clock that they wait on."""

    def new_receipt(self) -> str:
        """Return a text that tells one receipt of a message from another."""
        ...

    def source_changed(self, source_arn: str) -> None:
        """Called when a queue's next message may become visible earlier or later than before."""
        ...

    def depth(self) -> int:
        """Return the chain of invocations, each caused by the one before, that led to the message that is sent now."""
        ...

    def sent(self, source: str, record: str) -> None:
        """Note which invocation sends a message, if one does."""
        ...

    def record_fate(self, source: str, records: Sequence[str], fate: FateName, text: str) -> None:
        """Record the final fate of messages."""
        ...

    def local_instant(self) -> int:
        """Return the time in microseconds since the epoch; inside a handler, the handler's own time."""
        ...

    def poll_until(self, seconds: float) -> int:
        """Return the instant at which a long poll of some seconds ends."""
        ...

    def wait_a_while(self, seconds: float) -> float:
        """Wait, at most for these seconds, for a client whose call is a long poll; return how many have passed."""
        ...


class QueueCalls:
    """Replacements for moto's queue operations."""

    def __init__(self, events: QueueEvents) -> None:
        self._events = events
        self._receiver = Receiver(events.new_receipt)

    def install(self, patches: Patches) -> None:
        """Replace moto's operations until the patches are undone."""
        for mark, default in MARKS.items():
            patches.set(Message, mark, default)
        patches.set(Message, "visible", property(_is_visible))
        patches.set(MotoQueue, "approximate_number_of_messages", property(lambda queue: len(_visible(queue))))
        patches.set(MotoQueue, "approximate_number_of_messages_delayed", property(_count_delayed))
        patches.set(MotoQueue, "approximate_number_of_messages_not_visible", property(_count_hidden))
        patches.set(MotoQueue, "messages", property(lambda queue: _visible(queue)))
        patches.set(MotoQueue, "add_message", self._bound(self.add_message))
        patches.set(MotoQueue, "delete_message", self._bound(self.delete_message))
        patches.set(MotoQueue, "_set_attributes", self._after(original_of(MotoQueue, "_set_attributes")))
        patches.set(SQSBackend, "receive_message", self._bound(self.receive_message))
        patches.set(SQSBackend, "change_message_visibility", self._bound(self.change_message_visibility))
        for batch in ("delete_message_batch", "change_message_visibility_batch"):
            patches.set(SQSBackend, batch, _entry_by_entry(original_of(SQSBackend, batch)))
        patches.set(SQSBackend, "purge_queue", self._emptying(original_of(SQSBackend, "purge_queue"), "purged"))
        patches.set(
            SQSBackend,
            "delete_queue",
            self._emptying(original_of(SQSBackend, "delete_queue"), "deleted with its queue"),
        )
        responses.install(patches)
        patches.then(_restore_lists)

    # --- operations; the first argument is moto's queue or backend, whose methods they replace -----------------

    def add_message(self, queue: Any, message: Any) -> None:
        """Send a message. For a duplicate, a FIFO queue returns the original's id and stores nothing.

        moto's own method ends with moto's delivery to Lambda. This one has none: while a fake is active, no mapping is
        attached to a queue in moto.
        """
        for name in message.message_attributes:
            message.validate_attribute_name(name)  # moto checks only after it has stored the message.
        is_new = message.lambda_esm_depth is None  # And not moved to a dead-letter queue.
        if is_new:
            message.lambda_esm_depth = self._events.depth()
        if queue.fifo_queue:
            sent = sent_messages_of(queue)
            sent.number(message)
            moved = message.lambda_esm_dead_letter_source is not None
            original = None if moved else sent.find_original(message, queue.deduplication_scope)
            if original is not None:
                message.id, message.sequence_number = original.message_id, original.sequence_number
                return
        table_of(queue).append(message)
        if is_new:
            self._events.sent(queue.queue_arn, message.id)
        self._events.source_changed(queue.queue_arn)

    def receive_message(
        self,
        backend: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: Sequence[str] | None = None,
    ) -> list[Any]:
        """Receive messages. A long poll waits in virtual time, and ends when there are messages."""
        left = int(wait_seconds_timeout or 0) * MICROSECONDS
        until = self._events.poll_until(left / MICROSECONDS)
        while True:
            queue = backend.get_queue(queue_name)
            now = self._events.local_instant()
            messages, dead_lettered, expired = self._receiver.receive(
                queue, int(count), now, int(visibility_timeout or 0)
            )
            self._record(queue.queue_arn, dead_lettered, DEAD_LETTERED, "moved to the dead-letter queue")
            self._record(queue.queue_arn, expired, EXPIRED, _EXPIRED)
            if messages:
                self._events.source_changed(queue.queue_arn)
            if messages or now >= until or left <= 0:
                return [responses.with_attributes(message, message_attribute_names or ()) for message in messages]
            upcoming = table_of(queue).order.next_visible() or until
            step = min(until - now, MICROSECONDS, upcoming - now if upcoming > now else MICROSECONDS)
            left -= round(self._events.wait_a_while(step / MICROSECONDS) * MICROSECONDS)

    def delete_message(self, queue: Any, receipt_handle: str) -> None:
        """Delete a message by receipt handle. With an earlier receipt's handle, do nothing, as SQS does.

        Do nothing either if the message has left the queue: deleted before, expired, purged or dead-lettered.
        """
        now = self._events.local_instant()
        message = self._find(queue, receipt_handle, now)
        if message is None:
            return
        if has_expired_receipt(queue, message, now):
            raise _invalid_handle(receipt_handle, "The receipt handle has expired.")
        if message.receipt_handle == receipt_handle:
            delete_message(queue, message, now)
            self._record(queue.queue_arn, [message.id], DELETED, "deleted by a client")
            self._events.source_changed(queue.queue_arn)

    def change_message_visibility(
        self, backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        """Hide a message for a time that counts from now; 0 makes it visible at once.

        This works with the handle of each of its receipts, and also if its visibility timeout has ended.
        """
        queue = backend.get_queue(queue_name)
        now, timeout = self._events.local_instant(), int(visibility_timeout) * 1000
        message = self._find(queue, receipt_handle, now)
        if message is None:
            reason = "Message does not exist or is not available for visibility timeout change."
            raise _invalid_handle(receipt_handle, reason)
        # Before the fake began, moto noted only the first receipt.
        received_at = message.lambda_esm_received_at or message.approximate_first_receive_timestamp
        if now // 1000 + timeout - received_at > LONGEST_VISIBILITY:
            raise InvalidParameterValue(
                f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total"
                " VisibilityTimeout for the message is beyond the limit [43200 seconds]"
            )
        message.visible_at = now / 1000 + timeout
        table_of(queue).order.moved(message)
        self._events.source_changed(queue.queue_arn)

    def _find(self, queue: Any, receipt_handle: str, now: int) -> Any | None:
        """Return the message of a receipt, or None if it has left the queue.

        Raises moto's ReceiptHandleIsInvalid for a handle that was never issued for a message of this queue.
        """
        message = find_by_receipt(queue, receipt_handle)
        if message is None:
            if is_gone(queue, receipt_handle):
                return None
            raise ReceiptHandleIsInvalid()
        if not has_expired(queue, message, now):
            return message
        table_of(queue).remove(message)
        note_gone(queue, [message])
        self._record(queue.queue_arn, [message.id], EXPIRED, _EXPIRED)
        self._events.source_changed(queue.queue_arn)
        return None

    def _record(self, source: str, ids: Sequence[str], fate: FateName, text: str) -> None:
        if ids:
            self._events.record_fate(source, ids, fate, text)

    def _bound(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function to be set as a method: its ``self`` becomes the operation's first argument."""
        return lambda owner, *args, **kwargs: operation(owner, *args, **kwargs)

    def _after(self, set_attributes: Callable[..., None]) -> Callable[..., None]:
        def set_and_notify(queue: Any, attributes: dict[str, Any], now: float | None = None) -> None:
            set_attributes(queue, attributes, now)
            if hasattr(queue, "queue_arn"):
                self._events.source_changed(queue.queue_arn)

        return set_and_notify

    def _emptying(self, operation: Callable[..., None], text: str) -> Callable[..., None]:
        def empty_and_notify(backend: Any, queue_name: str) -> None:
            queue, now = backend.get_queue(queue_name), self._events.local_instant()
            messages = list(queue._messages)
            expired = [message.id for message in messages if has_expired(queue, message, now)]
            others = [message.id for message in messages if not has_expired(queue, message, now)]
            operation(backend, queue_name)
            note_gone(queue, messages)
            if queue.fifo_queue:
                sent_messages_of(queue).forget_ids()
            self._record(queue.queue_arn, expired, EXPIRED, _EXPIRED)
            self._record(queue.queue_arn, others, DELETED, text)
            self._events.source_changed(queue.queue_arn)

        return empty_and_notify


def _entry_by_entry(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Return a batch operation whose entries fail one by one. In moto, one invalid entry fails the whole request."""

    def one_by_one(backend: Any, queue_name: str, entries: Sequence[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
        successful: list[Any] = []
        failed: list[Any] = []
        for entry in entries:
            try:
                done, refused = operation(backend, queue_name, [entry])
            except InvalidParameterValue as error:
                # Up to moto 5.1, an entry's id has other names.
                entry_id = next(entry[name] for name in ("Id", "id", "msg_user_id") if name in entry)
                done, refused = [], [{"Id": entry_id, "SenderFault": True, "Code": _INVALID, "Message": error.message}]
            successful += done
            failed += refused
        return successful, failed

    return one_by_one


def _invalid_handle(receipt_handle: str, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: {reason}")


def _is_visible(message: Any) -> bool:
    """Return whether clients may receive a message: from the instant at which its visibility timeout ends.

    At that instant moto says no, and would continue to say no while time stands still. Half a microsecond allows for
    the rounding of floating-point numbers.
    """
    return bool(unix_time_millis() >= message.visible_at - 0.0005)


def _unexpired(queue: Any) -> tuple[list[Any], float]:
    """Return the messages that have not expired, and the time in milliseconds plus half a microsecond for rounding."""
    now = unix_time_millis() + 0.0005
    oldest = now - int(queue.message_retention_period) * 1000
    return [message for message in queue._messages if message.sent_timestamp > oldest], now


def _visible(queue: Any) -> list[Any]:
    messages, now = _unexpired(queue)
    return [message for message in messages if message.visible_at <= now and message.delayed_until <= now]


def _count_delayed(queue: Any) -> int:
    messages, now = _unexpired(queue)
    return sum(1 for message in messages if message.delayed_until > now)


def _count_hidden(queue: Any) -> int:
    # Messages past their retention period count too: their receiver may still delete them.
    now = unix_time_millis() + 0.0005
    return sum(1 for message in queue._messages if message.visible_at > now)


def _restore_lists() -> None:
    for account in sqs_backends.values():
        for backend in account.values():
            for queue in backend.queues.values():
                store_handles(queue)
                if isinstance(queue._messages, MessageTable):
                    queue._messages = list(queue._messages)
                    queue._pending_messages = {message for message in queue._messages if not message.visible}
