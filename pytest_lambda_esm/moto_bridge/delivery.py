"""Delivering into moto's queues, topics and buckets. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.destinations import DeliveryFailed, Parcel


class MotoDestinations:
    """Delivers parcels into moto's storage, by the service in the destination's ARN."""

    def deliver(self, arn: str, parcel: Parcel) -> None:
        """Deliver now. Raises DeliveryFailed where the destination does not exist or refuses."""
        parsed = Arn.parse(arn)
        deliver = _BY_SERVICE.get(parsed.service) if parsed is not None else None
        if parsed is None or deliver is None:
            raise DeliveryFailed(f"{arn} is no destination")
        try:
            deliver(parsed, parcel)
        except DeliveryFailed:
            raise
        except Exception as error:
            raise DeliveryFailed(f"{arn} refused: {type(error).__name__}: {error}") from error


def _to_queue(arn: Arn, parcel: Parcel) -> None:
    backend = sqs_backends[arn.account_id][arn.region]
    if arn.resource not in backend.queues:
        raise DeliveryFailed(f"the queue {arn.resource} does not exist")
    if arn.resource.endswith(".fifo"):
        raise DeliveryFailed(f"{arn.resource} is a FIFO queue, which cannot be a destination")
    backend.send_message(arn.resource, parcel.body, message_attributes=_attributes(parcel))


def _to_topic(arn: Arn, parcel: Parcel) -> None:
    topic = f"arn:{arn.partition}:sns:{arn.region}:{arn.account_id}:{arn.resource}"
    sns_backends[arn.account_id][arn.region].publish(
        parcel.body, arn=topic, message_attributes=_attributes(parcel) or None
    )


def _to_bucket(arn: Arn, parcel: Parcel) -> None:
    for partitions in s3_backends.values():
        for backend in partitions.values():
            if arn.resource in backend.buckets:
                backend.put_object(arn.resource, parcel.key, parcel.body.encode())
                return
    raise DeliveryFailed(f"the bucket {arn.resource} does not exist")


def _attributes(parcel: Parcel) -> dict[str, Any]:
    # moto 5.1 reads attributes in snake case, moto 5.2 as the service names them; each ignores the other's keys.
    return {
        name: {"DataType": "String", "StringValue": value, "data_type": "String", "string_value": value}
        for name, value in parcel.attributes.items()
    }


_BY_SERVICE: Final[dict[str, Callable[[Arn, Parcel], None]]] = {
    "sqs": _to_queue,
    "sns": _to_topic,
    "s3": _to_bucket,
}
