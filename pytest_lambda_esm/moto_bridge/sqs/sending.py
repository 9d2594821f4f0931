"""Sends messages of other services to moto's queues.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto 5.1 reads the keys of attributes in snake case and binary values in
base64, moto 5.2 as the service spells them; each ignores the other's.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.destinations import DeliveryFailed
from pytest_lambda_esm.errors import LambdaEsmError


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message for a queue. ``attributes`` are made by :func:`attribute`."""

    body: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    group_id: str | None = None
    deduplication_id: str | None = None


def attribute(data_type: str, value: str | bytes) -> dict[str, Any]:
    """Return a message attribute as moto stores it."""
    if isinstance(value, bytes):
        encoded = base64.b64encode(value).decode()
        return {"DataType": data_type, "BinaryValue": value, "data_type": data_type, "binary_value": encoded}
    return {"DataType": data_type, "StringValue": value, "data_type": data_type, "string_value": value}


def send_to_queue(arn: str, message: QueueMessage) -> None:
    """Send a message to the queue with an ARN. Raises DeliveryFailed where there is none, or it refuses the message."""
    place = Arn.parse(arn)
    backend = sqs_backends[place.account_id][place.region] if place is not None else None
    if place is None or backend is None or place.resource not in backend.queues:
        raise DeliveryFailed(f"the queue {place.resource if place else arn} does not exist")
    if backend.queues[place.resource].fifo_queue and message.group_id is None:
        raise DeliveryFailed(f"{place.resource} is a FIFO queue, and the message has no MessageGroupId")
    try:
        backend.send_message(
            place.resource,
            message.body,
            message_attributes=dict(message.attributes),
            deduplication_id=message.deduplication_id,
            group_id=message.group_id,
            validate_group_id=False,
        )
    except LambdaEsmError:
        raise
    except Exception as error:
        raise DeliveryFailed(f"{arn} refused: {type(error).__name__}: {error}") from error
