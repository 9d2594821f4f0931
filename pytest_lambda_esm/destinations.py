"""Destinations of invocation records: queues, topics, buckets, functions and event buses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pytest_lambda_esm.arn import Arn


class DeliveryFailed(Exception):
    """A destination does not exist or rejected the message; the text says why. AWS counts it in its metrics."""


class NotPermitted(DeliveryFailed):
    """No policy lets the sender send there. AWS does not try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A resource of an AWS service that sends something, such as a schedule, a rule or a pipe.

    ``service`` is the service's principal. ``role`` is the ARN of the role with which it sends; without one, the policy
    of what it sends to decides.
    """

    service: str
    arn: str
    account_id: str
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message for a destination.

    ``attributes`` become message attributes of queues and topics: of type Number for numbers, of type String for
    strings. ``key`` is the object's key in a bucket. ``source``, ``detail_type`` and ``resources`` belong to an event
    on an event bus. ``group`` is the message group in a FIFO queue or topic, ``partition_key`` the key of a record in a
    Kinesis stream. ``trace`` is the trace header, which a queue stores as AWSTraceHeader. ``cluster`` is the ARN or the
    bootstrap servers of the Kafka cluster that has a topic, ``record_key`` the key of the record there. ``cause`` is
    the id of the request after which it is sent, or of the record that it is about. ``sender`` is the ARN of the
    function with whose role Lambda sends it.
    """

    body: str
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    key: str = ""
    detail_type: str = ""
    resources: tuple[str, ...] = ()
    trace: str = ""
    cluster: str = ""
    record_key: bytes | None = None
    cause: str = field(default="", compare=False)
    sender: str = ""
    source: str = "lambda"
    group: str = ""
    partition_key: str = ""


class Destinations(Protocol):
    """Delivers messages. The fake's destinations are in moto; unit tests use their own."""

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver a message now. Raises DeliveryFailed if the destination does not exist or rejects it."""
        ...


class DestinationFinder(Protocol):
    """Looks up destinations without delivering to them."""

    def exists(self, arn: Arn) -> bool:
        """Whether this queue, topic, bucket, function or event bus exists."""
        ...
