"""Message move tasks: they move the messages of a dead-letter queue, back to where they came from or to another queue.

Follows "Learn how to configure a dead-letter queue redrive in Amazon SQS": a moved message is a new message, with its
own id and time of sending, and nobody has received it. With MaxNumberOfMessagesPerSecond, messages are moved one by one
at that rate of virtual time; otherwise all at once. Messages in flight stay where they are.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from moto.sqs.models import Message, sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.sqs.messages import body_of, table_of
from pytest_lambda_esm.moto_bridge.sqs.storage import note_gone
from pytest_lambda_esm.observe.fates import DELETED
from pytest_lambda_esm.ports import Clock
from pytest_lambda_esm.timing import MICROSECONDS
from pytest_lambda_esm.vocabulary import FateName

RUNNING: Final = "RUNNING"
COMPLETED: Final = "COMPLETED"
CANCELLED: Final = "CANCELLED"
FAILED: Final = "FAILED"

_NO_QUEUE: Final = "AWS.SimpleQueueService.NonExistentQueue"
_NO_SOURCE: Final = "CouldNotDetermineMessageSource"
"""A message was sent to the dead-letter queue, so there is nowhere to return it to."""


@dataclass(frozen=True, slots=True)
class MoveTaskPorts:
    """What move tasks use of the simulation."""

    clock: Clock
    now: Callable[[], int]
    new_id: Callable[[], str]
    source_changed: Callable[[str], None]
    record_fate: Callable[[str, Sequence[str], FateName, str], None]


class MoveTask:
    """One task. ``destination_arn`` is None if each message returns to its source, ``rate`` is in messages a second."""

    def __init__(self, task_id: str, source_arn: str, destination_arn: str | None, rate: int | None) -> None:
        self.task_id = task_id
        self.source_arn = source_arn
        self.destination_arn = destination_arn
        self.rate = rate
        self.status = RUNNING
        self.failure: str | None = None
        self.started = 0
        self.to_move = 0
        self.moved = 0
        self.event: Any = None

    @property
    def handle(self) -> str:
        """The text that names the task in requests."""
        return base64.b64encode(json.dumps({"taskId": self.task_id, "sourceArn": self.source_arn}).encode()).decode()

    def describe(self) -> dict[str, Any]:
        """Return an entry of ListMessageMoveTasks; only a running task has a handle."""
        found = {
            "TaskHandle": self.handle if self.status == RUNNING else None,
            "Status": self.status,
            "SourceArn": self.source_arn,
            "DestinationArn": self.destination_arn,
            "MaxNumberOfMessagesPerSecond": self.rate,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "FailureReason": self.failure,
            "StartedTimestamp": self.started // 1000,
        }
        return {name: value for name, value in found.items() if value is not None}


class MoveTasks:
    """All tasks so far, and the clock's events that move their messages."""

    def __init__(self, ports: MoveTaskPorts) -> None:
        self._ports = ports
        self._tasks: list[MoveTask] = []

    def of(self, source_arn: str) -> list[MoveTask]:
        """Return the tasks of a dead-letter queue, the latest first."""
        return [task for task in reversed(self._tasks) if task.source_arn == source_arn]

    def find(self, task_id: str) -> MoveTask | None:
        """Return the task with an id, or None."""
        return next((task for task in self._tasks if task.task_id == task_id), None)

    def start(self, source_arn: str, destination_arn: str | None, rate: int | None) -> MoveTask:
        """Start a task; its messages move when the clock does."""
        task = MoveTask(self._ports.new_id(), source_arn, destination_arn, rate)
        task.started, task.to_move = self._ports.now(), len(table_of(queue_at(source_arn)))
        self._tasks.append(task)
        self._schedule(task)
        return task

    def cancel(self, task: MoveTask) -> None:
        """Stop a task; what has been moved stays moved."""
        self._ports.clock.cancel(task.event)
        task.status = CANCELLED

    def forget_place(self, account_id: str, region: str) -> None:
        """Discard the tasks of a region that moto has reset."""
        place = f":sqs:{region}:{account_id}:"
        for task in self._tasks:
            if place in task.source_arn and task.status == RUNNING:
                self._ports.clock.cancel(task.event)
        self._tasks = [task for task in self._tasks if place not in task.source_arn]

    def _schedule(self, task: MoveTask) -> None:
        # Computed from the start, so that rates that do not divide a second accumulate no error.
        due = task.started + (MICROSECONDS * (task.moved + 1) // task.rate if task.rate else 0)
        about = f"a message move task moves messages from {task.source_arn}"
        task.event = self._ports.clock.call_at(due, lambda: self._step(task), lambda: about)

    def _step(self, task: MoveTask) -> None:
        while (found := self._next(task)) is not None:
            self._move(task, *found)
            if task.rate and self._next(task) is not None:
                self._schedule(task)
                return

    def _next(self, task: MoveTask) -> tuple[Any, Any] | None:
        """Return the queue and the message to move next. If there is none, end the task and return None."""
        if task.status != RUNNING:
            return None
        source = queue_at(task.source_arn)
        if source is None:
            self._fail(task, _NO_QUEUE)
            return None
        message = next(iter(table_of(source).order.available(self._ports.now(), 1)), None)
        if message is None:
            task.status = COMPLETED
            return None
        return source, message

    def _move(self, task: MoveTask, source: Any, message: Any) -> None:
        target_arn = task.destination_arn or message.lambda_esm_dead_letter_source
        target = queue_at(target_arn) if target_arn else None
        if target is None:
            self._fail(task, _NO_QUEUE if target_arn else _NO_SOURCE)
            return
        table_of(source).remove(message)
        note_gone(source, [message])
        task.moved += 1
        text = f"moved to {target.queue_arn} by a message move task"
        self._ports.record_fate(source.queue_arn, [message.id], DELETED, text)
        self._ports.source_changed(source.queue_arn)
        target.add_message(_copy(message, target, self._ports.new_id(), self._ports.now() // 1000))

    def _fail(self, task: MoveTask, reason: str) -> None:
        task.status, task.failure = FAILED, reason


def queue_at(arn: str) -> Any | None:
    """Return moto's queue with an ARN, or None."""
    place = Arn.parse(arn)
    return sqs_backends[place.account_id][place.region].queues.get(place.resource) if place is not None else None


def _copy(message: Any, target: Any, message_id: str, milliseconds: int) -> Any:
    """Return a message as the queue to which it is moved gets it.

    In a FIFO queue its deduplication id is the id of the message that it was, so that it is no duplicate of that.
    """
    copy = Message(message_id, body_of(message), message.system_attributes)
    copy.message_attributes = message.message_attributes
    copy.group_id = message.group_id
    copy.deduplication_id = message.id if target.fifo_queue else message.deduplication_id
    copy.lambda_esm_depth = message.lambda_esm_depth
    copy.sent_timestamp = milliseconds
    copy.delayed_until = float(milliseconds + int(target.delay_seconds or 0) * 1000)
    return copy
