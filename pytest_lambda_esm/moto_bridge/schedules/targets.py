"""Delivers what schedules send to moto's functions, queues, topics, streams, event buses and log groups.

Seen with moto 5.1.9, 5.1.22 and 5.2.5: the methods of the backends with which moto's own responses store messages.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from moto.core.utils import unix_time_millis
from moto.events.models import events_backends
from moto.kinesis.models import kinesis_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.destinations import DeliveryFailed, DestinationFinder, Destinations, Message
from pytest_lambda_esm.moto_bridge.lookups import COLLECTIONS, Collection

_LOG_GROUPS: Final = Collection("logs", "groups")


class MotoTargets:
    """Delivers to the target of an ARN.

    ``destinations`` delivers to functions, and to what needs nothing but a message; ``finder`` knows what exists.
    ``new_id`` returns the names of log streams.
    """

    def __init__(self, destinations: Destinations, finder: DestinationFinder, new_id: Callable[[], str]) -> None:
        self._destinations = destinations
        self._finder = finder
        self._new_id = new_id
        self._own: dict[str, Callable[[Arn, Message], None]] = {
            "sqs": _to_fifo_queue,
            "sns": _to_fifo_topic,
            "kinesis": _to_stream,
            "events": _to_event_bus,
            "logs": self._to_log_group,
        }

    @staticmethod
    def supports(arn: str) -> bool:
        """Whether targets of this kind are simulated."""
        parsed = Arn.parse(arn)
        return parsed is not None and parsed.service in _SUPPORTED and _SUPPORTED[parsed.service](parsed.resource)

    def exists(self, arn: str) -> bool:
        """Whether the target exists."""
        parsed = Arn.parse(arn)
        if parsed is None:
            return False
        if parsed.service == "kinesis":
            return parsed.resource.partition("/")[2] in COLLECTIONS["stream"].at(parsed)
        if parsed.service == "logs":
            return _log_group(parsed) in _LOG_GROUPS.at(parsed)
        return self._finder.exists(parsed)

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver a message now. Raises DeliveryFailed where the target does not exist or refuses it."""
        parsed = Arn.parse(arn)
        if parsed is None or not self.exists(arn):
            raise DeliveryFailed(f"{arn} does not exist")
        own = self._own.get(parsed.service)
        if own is None or (parsed.service in _ONLY_FIFO and not arn.endswith(".fifo")):
            self._destinations.deliver(arn, message)
            return
        try:
            own(parsed, message)
        except DeliveryFailed:
            raise
        except Exception as error:
            raise DeliveryFailed(f"{arn} refused: {type(error).__name__}: {error}") from error

    def _to_log_group(self, arn: Arn, message: Message) -> None:
        backend = logs_backends[arn.account_id][arn.region]
        group, stream = _log_group(arn), self._new_id()
        backend.create_log_stream(group, stream)
        backend.put_log_events(group, stream, [{"timestamp": int(unix_time_millis()), "message": message.body}])


_ONLY_FIFO: Final = frozenset({"sqs", "sns"})
_SUPPORTED: Final[dict[str, Callable[[str], bool]]] = {
    "lambda": lambda resource: resource.startswith("function:"),
    "sqs": lambda resource: True,
    "sns": lambda resource: True,
    "kinesis": lambda resource: resource.startswith("stream/"),
    "events": lambda resource: resource.startswith("event-bus/"),
    "logs": lambda resource: resource.startswith("log-group:"),
}
"""By service: whether a resource of it can be a target."""


def _log_group(arn: Arn) -> str:
    return arn.resource.removeprefix("log-group:").removesuffix(":*")


def _to_fifo_queue(arn: Arn, message: Message) -> None:
    backend = sqs_backends[arn.account_id][arn.region]
    queue: Any = backend.queues[arn.resource]
    if not queue.content_based_deduplication:
        raise DeliveryFailed(f"the queue {arn.resource} has no content-based deduplication, which targets need")
    backend.send_message(arn.resource, message.body, group_id=message.group)


def _to_fifo_topic(arn: Arn, message: Message) -> None:
    topic = f"arn:{arn.partition}:sns:{arn.region}:{arn.account_id}:{arn.resource}"
    sns_backends[arn.account_id][arn.region].publish(message.body, arn=topic, group_id=message.group)


def _to_stream(arn: Arn, message: Message) -> None:
    data = base64.b64encode(message.body.encode()).decode()
    name = arn.resource.partition("/")[2]
    kinesis_backends[arn.account_id][arn.region].put_record(
        stream_arn="", stream_name=name, partition_key=message.partition_key, explicit_hash_key="", data=data
    )


def _to_event_bus(arn: Arn, message: Message) -> None:
    name = arn.resource.removeprefix("event-bus/")
    entry = {
        "Source": message.source,
        "DetailType": message.detail_type,
        "Detail": message.body,
        "Resources": list(message.resources),
        "EventBusName": name,
    }
    [result] = events_backends[arn.account_id][arn.region].put_events([entry])
    if "ErrorCode" in result:
        raise DeliveryFailed(f"{name} refused: {result['ErrorCode']}: {result['ErrorMessage']}")
