"""What a test gives to name a record or a request: an id, an answer, a record of an event, an invocation, a fate."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.invocation.event_records import id_of, records_of
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.simulation.subjects import shown

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.kafka.records import KafkaRecord, RecordMetadata
    from pytest_lambda_esm.brokers.mq.messages import MqMessage

JourneyOf: TypeAlias = "str | ReadOnly[str, Any] | Invocation | Fate | KafkaRecord | RecordMetadata | MqMessage"
"""What names one record or request; :data:`ACCEPTED` lists it."""

ACCEPTED: Final = (
    "the id of a message, a sequence number, 'topic-partition:offset', the id of a request, the answer of the call that"
    " sent the record, a record of an event, a received message, an invocation or a fate"
)

_IN_ANSWERS: Final = ("MessageId", "SequenceNumber")
_LISTS: Final = ("Successful", "Messages", "Records")
_SOURCES: Final = ("eventSourceARN", "eventSourceArn")


@dataclass(frozen=True, slots=True)
class Asked:
    """An id, and the ARN of the source that the record is in, where that is known."""

    record: str
    source: str = ""


def read(given: object) -> Asked:
    """Return what names a record or a request. Raises LambdaEsmError for anything else."""
    __tracebackhide__ = True
    if isinstance(given, Invocation):
        return Asked(given.request_id)
    if isinstance(given, Fate):
        return Asked(given.record)
    if isinstance(given, ReadOnly):
        return _in_answer(given)
    if hasattr(given, "offset") and hasattr(given, "topic"):
        return Asked(f"{given.topic}-{getattr(given, 'partition', None)}:{given.offset}")
    text = given if isinstance(given, str) else getattr(given, "id", None)
    if not isinstance(text, str) or not text.strip():
        raise LambdaEsmError(f"journey() takes {ACCEPTED}, not {shown(given)}.")
    return Asked(text.strip())


def _in_answer(answer: ReadOnly[str, Any]) -> Asked:
    __tracebackhide__ = True
    record = id_of(answer)
    if record:
        return Asked(record, next((answer[name] for name in _SOURCES if isinstance(answer.get(name), str)), ""))
    for name in _IN_ANSWERS:
        if isinstance(answer.get(name), str):
            return Asked(answer[name])
    several = next((answer[name] for name in _LISTS if isinstance(answer.get(name), Sequence)), records_of(answer))
    if len(several) == 1:
        return read(several[0])
    if several:
        raise LambdaEsmError(f"journey() follows one record, and this has {len(several)}: give one of them.")
    request_id = answer.get("ResponseMetadata", {}).get("RequestId") if "StatusCode" in answer else None
    if isinstance(request_id, str):
        return Asked(request_id)
    raise LambdaEsmError(f"journey() takes {ACCEPTED}; none of them is in {shown(answer)}.")
