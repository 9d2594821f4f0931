"""What clients do to moto's queues while a fake is active: taken over where the poller has to know of it.

moto's FIFO queues lose messages after a timeout, and its long polling waits in real time for a clock that does not
move; so sending, receiving, deleting and changing visibility all go through the poller's own selection.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid
from moto.sqs.models import Message, SQSBackend, _filter_message_attributes, sqs_backends
from moto.sqs.models import Queue as MotoQueue

from pytest_lambda_esm.moto_bridge.sqs.messages import MessageTable, table_of
from pytest_lambda_esm.moto_bridge.sqs.order import visible_from
from pytest_lambda_esm.moto_bridge.sqs.storage import (
    MARKS,
    Receiver,
    find_by_receipt,
    has_expired_receipt,
    keep_handles,
    memory_of,
    take_out,
    was_deleted,
)
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, DELETED, EXPIRED
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.timing import MICROSECONDS

LONGEST_VISIBILITY: Final = 12 * 60 * 60 * 1000
"""For how long a message can stay hidden after a receipt, in milliseconds."""


class QueueEvents(Protocol):
    """Who wants to know what happens to queues, and lets time pass for those who wait."""

    def new_receipt(self) -> str:
        """What tells one receipt of a message from another."""
        ...

    def source_changed(self, source_arn: str) -> None:
        """A queue may have something to receive earlier or later than it had."""
        ...

    def depth(self) -> int:
        """How many invocations, each caused by the one before, lead to what is sent now."""
        ...

    def record_fate(self, source: str, records: Sequence[str], fate: str, text: str) -> None:
        """Messages have met their final fate."""
        ...

    def local_instant(self) -> int:
        """Now, in microseconds since the epoch; inside a handler, the handler's own time."""
        ...

    def wait(self, seconds: float) -> None:
        """Let virtual time pass for a client that waits for an answer."""
        ...


class QueueCalls:
    """moto's queue operations as they are while a fake is active."""

    def __init__(self, watcher: QueueEvents) -> None:
        self._watcher = watcher
        self._receiver = Receiver(watcher.new_receipt)

    def install(self, patches: Patches) -> None:
        """Put them in place, until the patches are undone."""
        for name, default in MARKS.items():
            patches.set(Message, name, default)
        patches.set(Message, "visible", property(_is_visible))
        patches.set(MotoQueue, "approximate_number_of_messages", property(lambda queue: len(_visible(queue))))
        patches.set(MotoQueue, "approximate_number_of_messages_delayed", property(_number_delayed))
        patches.set(MotoQueue, "approximate_number_of_messages_not_visible", property(_number_hidden))
        patches.set(MotoQueue, "messages", property(lambda queue: _visible(queue)))
        patches.set(MotoQueue, "add_message", self._bound(self.add_message))
        patches.set(MotoQueue, "delete_message", self._bound(self.delete_message))
        patches.set(MotoQueue, "_set_attributes", self._after(MotoQueue._set_attributes))
        patches.set(SQSBackend, "receive_message", self._bound(self.receive_message))
        patches.set(SQSBackend, "change_message_visibility", self._bound(self.change_message_visibility))
        for batch in ("delete_message_batch", "change_message_visibility_batch"):
            patches.set(SQSBackend, batch, _each_by_itself(getattr(SQSBackend, batch)))
        patches.set(SQSBackend, "purge_queue", self._emptying(SQSBackend.purge_queue, "purged"))
        patches.set(SQSBackend, "delete_queue", self._emptying(SQSBackend.delete_queue, "deleted with its queue"))
        patches.then(_give_lists_back)

    # --- the operations; the first argument is what they are methods of in moto -------------------------------

    def add_message(self, queue: Any, message: Any) -> None:
        """Send. A FIFO queue answers a repetition with the original, and keeps nothing.

        moto's own delivery to Lambda sits at the end of this method in moto; no mapping is ever attached to a queue
        there while the fake is active.
        """
        for name in message.message_attributes:
            message.validate_attribute_name(name)  # moto looks only once it has stored the message.
        if message.lambda_esm_depth is None:
            message.lambda_esm_depth = self._watcher.depth()
        if queue.fifo_queue:
            memory = memory_of(queue)
            memory.number(message)
            moved = message.lambda_esm_dead_letter_source is not None
            repeated = None if moved else memory.repeats(message, queue.deduplication_scope)
            if repeated is not None:
                message.id, message.sequence_number = repeated.message_id, repeated.sequence_number
                return
        table_of(queue).append(message)
        self._watcher.source_changed(queue.queue_arn)

    def receive_message(
        self,
        backend: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: Sequence[str] | None = None,
    ) -> list[Any]:
        """Receive; a long poll waits in virtual time, and ends with the first messages."""
        until = self._watcher.local_instant() + int(wait_seconds_timeout or 0) * MICROSECONDS
        while True:
            queue = backend.get_queue(queue_name)
            now = self._watcher.local_instant()
            messages, dead_lettered, expired = self._receiver.receive(
                queue, int(count), now, int(visibility_timeout or 0)
            )
            self._note(queue.queue_arn, dead_lettered, DEAD_LETTERED, "moved to the dead-letter queue")
            self._note(queue.queue_arn, expired, EXPIRED, "expired at the queue's retention period")
            if messages:
                self._watcher.source_changed(queue.queue_arn)
            if messages or now >= until:
                return [_as_asked(message, message_attribute_names or ()) for message in messages]
            upcoming = table_of(queue).order.next_visible() or until
            step = min(until - now, MICROSECONDS, upcoming - now if upcoming > now else MICROSECONDS)
            self._watcher.wait(step / MICROSECONDS)

    def delete_message(self, queue: Any, receipt_handle: str) -> None:
        """Delete by receipt handle; with that of an earlier receipt nothing happens, and SQS answers the same."""
        if was_deleted(queue, receipt_handle):
            return
        message = find_by_receipt(queue, receipt_handle)
        if message is None:
            raise ReceiptHandleIsInvalid()
        if has_expired_receipt(queue, message, self._watcher.local_instant()):
            raise InvalidParameterValue(
                f"Value {receipt_handle} for parameter ReceiptHandle is invalid."
                " Reason: The receipt handle has expired."
            )
        if message.receipt_handle == receipt_handle:
            take_out(queue, message, self._watcher.local_instant())
            self._note(queue.queue_arn, [message.id], DELETED, "deleted by a client")
            self._watcher.source_changed(queue.queue_arn)

    def change_message_visibility(
        self, backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        """Hide a message that is in flight for another time, from now on; 0 shows it at once."""
        queue = backend.get_queue(queue_name)
        message = find_by_receipt(queue, receipt_handle)
        if message is None:
            raise ReceiptHandleIsInvalid()
        now, span = self._watcher.local_instant(), int(visibility_timeout) * 1000
        if message.receipt_handle != receipt_handle:
            return
        if visible_from(message) <= now:
            raise InvalidParameterValue(
                f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is"
                " not available for visibility timeout change."
            )
        if now // 1000 + span - message.lambda_esm_received_at > LONGEST_VISIBILITY:
            raise InvalidParameterValue(
                f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total"
                " VisibilityTimeout for the message is beyond the limit [43200 seconds]"
            )
        message.visible_at = now / 1000 + span
        table_of(queue).order.moved(message)
        self._watcher.source_changed(queue.queue_arn)

    # --- inside ------------------------------------------------------------------------------------------

    def _note(self, source: str, ids: Sequence[str], fate: str, text: str) -> None:
        if ids:
            self._watcher.record_fate(source, ids, fate, text)

    def _bound(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        """A function to be set as a method: what it is a method of becomes the first argument."""
        return lambda owner, *args, **kwargs: operation(owner, *args, **kwargs)

    def _after(self, set_attributes: Callable[..., None]) -> Callable[..., None]:
        def set_and_tell(queue: Any, attributes: dict[str, Any], now: float | None = None) -> None:
            set_attributes(queue, attributes, now)
            if hasattr(queue, "queue_arn"):
                self._watcher.source_changed(queue.queue_arn)

        return set_and_tell

    def _emptying(self, operation: Callable[..., None], text: str) -> Callable[..., None]:
        def empty_and_tell(backend: Any, queue_name: str) -> None:
            queue = backend.get_queue(queue_name)
            expired = _expired(queue, self._watcher.local_instant())
            told = set(expired)
            others = [message.id for message in queue._messages if message.id not in told]
            operation(backend, queue_name)
            self._note(queue.queue_arn, expired, EXPIRED, "expired at the queue's retention period")
            self._note(queue.queue_arn, others, DELETED, text)
            self._watcher.source_changed(queue.queue_arn)

        return empty_and_tell


def _each_by_itself(operation: Callable[..., Any]) -> Callable[..., Any]:
    """A batch operation whose entries fail one by one: moto lets one refused parameter fail the whole request."""

    def one_by_one(backend: Any, queue_name: str, entries: Sequence[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
        successful: list[Any] = []
        failed: list[Any] = []
        for entry in entries:
            try:
                done, refused = operation(backend, queue_name, [entry])
            except InvalidParameterValue as error:
                # Up to moto 5.1 an entry's id has other names.
                entry_id = next(entry[name] for name in ("Id", "id", "msg_user_id") if name in entry)
                done, refused = [], [{"Id": entry_id, "SenderFault": True, **_CODE, "Message": error.message}]
            successful += done
            failed += refused
        return successful, failed

    return one_by_one


_CODE: Final = {"Code": "InvalidParameterValue"}


def _is_visible(message: Any) -> bool:
    """Whether clients may receive a message: from the very end of its visibility timeout on.

    moto's own answer is no at that instant, and while time stands still it would remain so. Half a microsecond
    allows for what floating point loses.
    """
    return bool(unix_time_millis() >= message.visible_at - 0.0005)


def _expired(queue: Any, now: int) -> list[str]:
    """The ids of messages that wait past their retention, which nobody has looked for yet."""
    oldest = now // 1000 - int(queue.message_retention_period) * 1000
    return [
        message.id for message in queue._messages if message.sent_timestamp <= oldest and visible_from(message) <= now
    ]


def _kept(queue: Any) -> tuple[list[Any], float]:
    """The messages that have not expired, and now in milliseconds, with half a microsecond for floating point."""
    now = unix_time_millis() + 0.0005
    oldest = now - int(queue.message_retention_period) * 1000
    return [message for message in queue._messages if message.sent_timestamp > oldest], now


def _visible(queue: Any) -> list[Any]:
    messages, now = _kept(queue)
    return [message for message in messages if message.visible_at <= now and message.delayed_until <= now]


def _number_delayed(queue: Any) -> int:
    messages, now = _kept(queue)
    return sum(1 for message in messages if message.delayed_until > now)


def _number_hidden(queue: Any) -> int:
    # Those past their retention too: whoever has received them may still delete them.
    now = unix_time_millis() + 0.0005
    return sum(1 for message in queue._messages if message.visible_at > now)


def _as_asked(message: Any, attribute_names: Sequence[str]) -> Any:
    """A copy with the message attributes that the client asked for."""
    answer = copy.copy(message)
    _filter_message_attributes(answer, list(attribute_names))
    return answer


def _give_lists_back() -> None:
    for account in sqs_backends.values():
        for backend in account.values():
            for queue in backend.queues.values():
                keep_handles(queue)
                if isinstance(queue._messages, MessageTable):
                    queue._messages = list(queue._messages)
                    queue._pending_messages = {message for message in queue._messages if not message.visible}
