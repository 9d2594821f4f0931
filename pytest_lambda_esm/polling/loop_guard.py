"""Detects loops that would never end in virtual time, and ends the test with a diagnosis.

There are two kinds: a function that feeds its own source, and a message that fails and is visible again at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.sources.queue_ports import DEPTH, MESSAGE_ID, RECEIVE_COUNT, Received, ReceivedMessage
from pytest_lambda_esm.timing import moment_of
from pytest_lambda_esm.wording import times


class LoopGuard:
    """Checks the messages of one queue mapping. ``limit`` is the setting ``loop_depth``."""

    def __init__(self, mapping: Mapping, limit: int) -> None:
        self._mapping = mapping
        self._limit = limit
        self._instant = 0
        self._receives: dict[str, int] = {}

    def check(self, messages: Sequence[Received], now: int) -> None:
        """Check a batch before its invocation.

        A batch whose messages are all received for the first time, at a depth below the limit, needs no check.
        Raises LambdaEsmError if a message comes at the end of a chain of invocations that reaches the limit, or has
        been received again and again in one instant.
        """
        if now != self._instant:
            self._instant = now
            self._receives.clear()
        receives, limit = self._receives, self._limit
        for message in messages:
            depth = chains.length(message[DEPTH])
            if depth >= limit:
                raise chain_error(self._mapping, depth, self._describe(message))
            if message[RECEIVE_COUNT] > 1:
                count = receives[message[MESSAGE_ID]] = receives.get(message[MESSAGE_ID], 0) + 1
                if count > limit:
                    raise LambdaEsmError(
                        f"{self._describe(message)} has been received {times(limit)} in one instant: it fails,"
                        f" and is visible again at once. Give the queue a visibility timeout, or let the handler hide"
                        f" the message for a while; otherwise raise the setting 'loop_depth'."
                    )

    def _describe(self, received: Received) -> str:
        message = ReceivedMessage._make(received)
        return (
            f"message {message.message_id} on {self._mapping.source_arn} (receive count {message.receive_count}, at"
            f" {moment_of(self._instant):%H:%M:%S.%f})"
        )


def chain_error(mapping: Mapping, depth: int, record: str) -> LambdaEsmError:
    """Return the error for a function that feeds its own source; ``record`` names what it sent last, and when."""
    return LambdaEsmError(
        f"the function {mapping.function_arn} feeds its own source: {record} comes at the end of a chain of {depth}"
        f" invocations, each of which sent what caused the next. Stop the loop, or raise the setting 'loop_depth'."
    )
