"""Delivers messages to moto's queues, topics, buckets, event buses and functions, and checks that these exist.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.arn import Arn, parse
from pytest_lambda_esm.destinations import DeliveryFailed, Message
from pytest_lambda_esm.invocation.configuration import Functions
from pytest_lambda_esm.moto_bridge.lookups import COLLECTIONS, backends_in, backends_of
from pytest_lambda_esm.moto_bridge.sqs.sending import attribute


class MotoDestinations:
    """Delivers messages by the service in the destination's ARN.

    ``invoke(arn, payload)`` invokes a function asynchronously, and raises DeliveryFailed where it does not exist.
    """

    def __init__(self, invoke: Callable[[str, str], None]) -> None:
        self._invoke = invoke
        self._by_service: dict[str, Callable[[Arn, Message], None]] = {
            "sqs": _to_queue,
            "sns": _to_topic,
            "s3": _to_bucket,
            "lambda": self._to_function,
            "events": _to_event_bus,
        }

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver a message. Raises DeliveryFailed where the destination does not exist or refuses it."""
        parsed = Arn.parse(arn)
        deliver = self._by_service.get(parsed.service) if parsed is not None else None
        if parsed is None or deliver is None:
            raise DeliveryFailed(f"{arn} is not a destination")
        try:
            deliver(parsed, message)
        except DeliveryFailed:
            raise
        except Exception as error:
            raise DeliveryFailed(f"{arn} refused: {type(error).__name__}: {error}") from error

    def _to_function(self, arn: Arn, message: Message) -> None:
        self._invoke(f"arn:{arn.partition}:lambda:{arn.region}:{arn.account_id}:{arn.resource}", message.body)


def _to_queue(arn: Arn, message: Message) -> None:
    backend = backends_of("sqs")[arn.account_id][arn.region]
    if arn.resource not in backend.queues:
        raise DeliveryFailed(f"the queue {arn.resource} does not exist")
    if arn.resource.endswith(".fifo"):
        raise DeliveryFailed(f"{arn.resource} is a FIFO queue, which cannot be a destination")
    system = {"AWSTraceHeader": attribute("String", message.trace)} if message.trace else None
    backend.send_message(arn.resource, message.body, message_attributes=_attributes(message), system_attributes=system)


def _to_topic(arn: Arn, message: Message) -> None:
    if arn.resource.endswith(".fifo"):
        raise DeliveryFailed(f"{arn.resource} is a FIFO topic, which cannot be a destination")
    topic = f"arn:{arn.partition}:sns:{arn.region}:{arn.account_id}:{arn.resource}"
    attributes = {name: {"Type": _data_type(value), "Value": str(value)} for name, value in message.attributes.items()}
    backends_of("sns")[arn.account_id][arn.region].publish(message.body, arn=topic, message_attributes=attributes)


def _to_bucket(arn: Arn, message: Message) -> None:
    for backend in backends_in(backends_of("s3")):
        if arn.resource in backend.buckets:
            backend.put_object(arn.resource, message.key, message.body.encode())
            return
    raise DeliveryFailed(f"the bucket {arn.resource} does not exist")


def _to_event_bus(arn: Arn, message: Message) -> None:
    backend = backends_of("events")[arn.account_id][arn.region]
    name = arn.resource.removeprefix("event-bus/")
    if name not in backend.event_buses:
        raise DeliveryFailed(f"the event bus {name} does not exist")
    bus = f"arn:{arn.partition}:events:{arn.region}:{arn.account_id}:event-bus/{name}"
    entry = {
        "Source": "lambda",
        "DetailType": message.detail_type,
        "Detail": message.body,
        "Resources": [bus, *message.resources],
        "EventBusName": name,
    }
    [result] = backend.put_events([entry])
    if "ErrorCode" in result:
        raise DeliveryFailed(f"{bus} refused: {result['ErrorCode']}: {result['ErrorMessage']}")


def _attributes(message: Message) -> dict[str, Any]:
    return {name: attribute(_data_type(value), str(value)) for name, value in message.attributes.items()}


def _data_type(value: str | int) -> str:
    return "Number" if isinstance(value, int) else "String"


class MotoDestinationFinder:
    """Looks up queues, topics, buckets, event buses and functions, each in the account and region of its ARN."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def exists(self, arn: Arn) -> bool:
        """Whether the queue, topic, bucket, function or event bus exists."""
        if arn.service == "lambda":
            text = f"arn:{arn.partition}:lambda:{arn.region}:{arn.account_id}:{arn.resource}"
            return self._functions.find(parse(text, arn.account_id, arn.region)) is not None
        exists = _EXISTENCE.get(arn.service)
        return exists is not None and exists(arn)


def _queue_exists(arn: Arn) -> bool:
    return arn.resource in COLLECTIONS["queue"].at(arn)


def _topic_exists(arn: Arn) -> bool:
    topic = f"arn:{arn.partition}:sns:{arn.region}:{arn.account_id}:{arn.resource}"
    return topic in COLLECTIONS["topic"].at(arn)


def _bucket_exists(arn: Arn) -> bool:
    return any(name == arn.resource for name, _ in COLLECTIONS["bucket"].everywhere())


def _event_bus_exists(arn: Arn) -> bool:
    kind, _, name = arn.resource.partition("/")
    return kind == "event-bus" and name in COLLECTIONS["event bus"].at(arn)


_EXISTENCE: Final[Mapping[str, Callable[[Arn], bool]]] = MappingProxyType(
    {"sqs": _queue_exists, "sns": _topic_exists, "s3": _bucket_exists, "events": _event_bus_exists}
)
