"""What a FIFO queue remembers of the messages that were sent to it: for deduplication, and for sequence numbers.

moto compares with the messages that are still in the queue, so that it forgets what was deleted; SQS remembers for
five minutes either way. moto's sequence numbers are random; those of SQS grow.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

INTERVAL: Final = 5 * 60 * 1000
"""For how long a deduplication id counts, in milliseconds, whether or not its message is still in the queue."""

_FIRST_NUMBER: Final = 18_849_496_460_467_696_128
_STEP: Final = 256


class Sent(NamedTuple):
    """What is remembered of a message; ``at`` in milliseconds since the epoch."""

    message_id: str
    sequence_number: str
    at: int


class SentMessages:
    """The memory of one FIFO queue. Sequence numbers are texts of 20 digits."""

    def __init__(self) -> None:
        self._recent: dict[tuple[str, str], Sent] = {}
        self._number = _FIRST_NUMBER

    def number(self, message: Any) -> None:
        """Give a message the next sequence number."""
        message.sequence_number = str(self._number)
        self._number += _STEP

    def repeats(self, message: Any, scope: str) -> Sent | None:
        """The message that this one repeats; None where it is new, and then it is remembered.

        ``scope`` is the queue's DeduplicationScope: ``queue``, or ``messageGroup`` for ids that count by group.
        """
        self._forget_before(message.sent_timestamp - INTERVAL)
        key = (str(message.group_id) if scope == "messageGroup" else "", str(message.deduplication_id))
        earlier = self._recent.get(key)
        if earlier is None:
            self._recent[key] = Sent(message.id, message.sequence_number, message.sent_timestamp)
        return earlier

    def _forget_before(self, limit: int) -> None:
        while self._recent:
            oldest = next(iter(self._recent))
            if self._recent[oldest].at > limit:
                return
            del self._recent[oldest]


def memory_of(queue: Any) -> SentMessages:
    """The memory of one of moto's FIFO queues; made from the messages it holds when it is first asked for."""
    memory: SentMessages | None = queue.__dict__.get("_lambda_esm_sent")
    if memory is None:
        memory = queue.__dict__["_lambda_esm_sent"] = SentMessages()
        for message in queue._messages:
            memory.number(message)
            memory.repeats(message, queue.deduplication_scope)
    return memory
