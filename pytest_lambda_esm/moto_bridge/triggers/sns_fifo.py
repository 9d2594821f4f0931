"""FIFO topics: deduplication for five minutes, and sequence numbers.

Follows "Amazon SNS message deduplication for FIFO topics". A duplicate is accepted, answered with the original's id,
and delivered to nobody. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: moto answers Publish and PublishBatch without
sequence numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from moto.sns.responses import SNSResponse

from pytest_lambda_esm.patching import Patches, original_of
from pytest_lambda_esm.timing import MICROSECONDS

DEDUPLICATION_INTERVAL: Final = 5 * 60 * MICROSECONDS

_STATE: Final = "_lambda_esm_published"
"""An attribute of moto's topics."""
_FIRST_NUMBER: Final = 10_000_000_000_000_000_000
_STEP: Final = 1_000


class Place(NamedTuple):
    """A message of a FIFO topic: its id, its sequence number of 20 digits, and when it was published."""

    message_id: str
    sequence_number: str
    at: int


class Published:
    """The messages of one topic that still count for deduplication, and the sequence numbers by message id."""

    def __init__(self) -> None:
        self._number = _FIRST_NUMBER
        self._recent: dict[tuple[str, str], Place] = {}
        self.numbers: dict[str, str] = {}

    def place(self, key: tuple[str, str], message_id: str, now: int) -> Place:
        """Return the place of the original of this message, which is the message itself if it is no duplicate."""
        earlier = self._recent.get(key)
        if earlier is not None and now - earlier.at < DEDUPLICATION_INTERVAL:
            return earlier
        place = self._recent[key] = Place(message_id, str(self._number), now)
        self.numbers[message_id] = place.sequence_number
        self._number += _STEP
        return place


def install(patches: Patches) -> None:
    """Answer the sequence numbers of messages until the patches are undone."""
    for name in ("publish", "publish_batch"):
        patches.set(SNSResponse, name, _numbering(original_of(SNSResponse, name)))


def _numbering(respond: Callable[..., Any]) -> Callable[..., Any]:
    def publish(response: Any) -> Any:
        answer = respond(response)
        topic = response.backend.topics.get(response._get_param("TopicArn") or response._get_param("TargetArn"))
        numbers = vars(topic)[_STATE].numbers if _STATE in vars(topic or object) else {}
        for entry in answer.result.get("Successful", [answer.result]):
            if entry.get("MessageId") in numbers:
                entry["SequenceNumber"] = numbers[entry["MessageId"]]
        return answer

    return publish


def published_of(topic: Any) -> Published:
    """Return what a FIFO topic of moto has published."""
    published: Published = vars(topic).setdefault(_STATE, Published())
    return published


def deduplication_key(topic: Any, group_id: str | None, deduplication_id: str) -> tuple[str, str]:
    """Return what two messages have in common if they are duplicates.

    With FifoThroughputScope ``MessageGroup``, only messages of the same group are.
    """
    by_group = getattr(topic, "fifo_throughput_scope", None) == "MessageGroup"
    return (str(group_id) if by_group else "", deduplication_id)
