"""Where records of invocations go: queues, topics, buckets, functions and event buses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pytest_lambda_esm.arn import Arn


class DeliveryFailed(Exception):
    """A destination could not be reached; the text says why, as AWS's metrics would count it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is delivered: ``body`` as text; ``attributes`` become message attributes of queues and topics.

    A number becomes an attribute of the type Number, a text one of the type String. ``key`` names the object in a
    bucket; ``detail_type`` the kind of event on an event bus, and ``resources`` what it concerns; ``trace`` is the
    trace header that a queue keeps.
    """

    body: str
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    key: str = ""
    detail_type: str = ""
    resources: tuple[str, ...] = ()
    trace: str = ""


class Destinations(Protocol):
    """Delivers parcels. Real destinations live in moto; unit tests bring their own."""

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver now. Raises DeliveryFailed where the destination does not exist or refuses."""
        ...


class DestinationFinder(Protocol):
    """Looks destinations up, without delivering."""

    def exists(self, arn: Arn) -> bool:
        """Whether a queue, topic, bucket, function or event bus is there."""
        ...
