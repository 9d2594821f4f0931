"""Loops that would never end in virtual time: they are told apart from work, and end the test with a diagnosis."""

from __future__ import annotations

from collections import Counter

from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.queues.batch import QueueBatch
from pytest_lambda_esm.sources.queue_ports import ReceivedMessage
from pytest_lambda_esm.timing import moment_of


class LoopGuard:
    """Watches the messages of one mapping. ``most`` is how long a chain may become before it counts as a loop."""

    def __init__(self, mapping: Mapping, most: int) -> None:
        self._mapping = mapping
        self._most = most
        self._instant = 0
        self._again: Counter[str] = Counter()

    def refuse(self, batch: QueueBatch, now: int) -> None:
        """Raise LambdaEsmError for a message at the end of a chain of invocations that each sent the next message,
        and for one that is received over and over while time stands still."""
        if now != self._instant:
            self._instant = now
            self._again.clear()
        if batch.depth < self._most and batch.attempt == 1:
            return
        for message in map(ReceivedMessage._make, batch.messages):
            if message.depth >= self._most:
                raise LambdaEsmError(
                    f"the function {self._mapping.function_arn} feeds its own source: {self._about(message)} is the"
                    f" end of a chain of {message.depth} invocations, each of which sent the message that caused the"
                    f" next. Stop the loop, or raise the setting 'loop_depth'."
                )
            if message.receive_count > 1:
                self._again[message.message_id] += 1
                if self._again[message.message_id] > self._most:
                    raise LambdaEsmError(
                        f"{self._about(message)} has been received {self._most} times in one instant: it fails, and"
                        f" is visible again at once. Give the queue a visibility timeout, or let the handler hide the"
                        f" message for a while; else raise the setting 'loop_depth'."
                    )

    def _about(self, message: ReceivedMessage) -> str:
        return (
            f"message {message.message_id} on {self._mapping.source_arn} (receive count {message.receive_count}, at"
            f" {moment_of(self._instant):%H:%M:%S.%f})"
        )
