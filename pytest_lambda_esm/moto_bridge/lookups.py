"""Where moto stores resources, and whether an event source or a key exists there.

``COLLECTIONS`` is the one table of moto's collections. A source or destination that moto gains gets a line there.

moto has no messages of brokers. Clusters of Kafka and DocumentDB and brokers of Amazon MQ are therefore not looked
up: each of them counts as existing. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from moto.awslambda.models import lambda_backends
from moto.awslambda_simple.models import lambda_simple_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.sources.event_source import SourceFacts

_EXISTS: Final = SourceFacts()


def backends_of(service: str) -> Any:
    """Return the backends of a service, by account and region; moto imports the service if it has not been used."""
    return getattr(import_module(f"moto.{service}.models"), f"{service}_backends")


def is_used(service: str) -> bool:
    """Whether anything has used a service since moto started; if not, nothing is there."""
    return f"moto.{service}.models" in sys.modules and bool(backends_of(service))


def backends_in(backends: Any) -> Iterator[Any]:
    """Return the backends of a service in all accounts and regions."""
    for regions in list(backends.values()):
        yield from list(regions.values())


def lambda_backends_in_use() -> Iterator[Any]:
    """Return the backends of both of moto's implementations of Lambda, in all accounts and regions."""
    for backends in (lambda_backends, lambda_simple_backends):
        yield from backends_in(backends)


@dataclass(frozen=True, slots=True)
class Collection:
    """Where moto stores the resources of one kind: a dictionary that is an attribute of each of a service's backends.

    A service that no test has used is not imported to see that nothing is there.
    """

    service: str
    attribute: str

    def at(self, arn: Arn) -> Mapping[str, Any]:
        """Return the resources in the account and region of an ARN; none in a region that the service lacks."""
        if not arn.account_id or not arn.region:
            return {}
        try:
            stored: Mapping[str, Any] = getattr(backends_of(self.service)[arn.account_id][arn.region], self.attribute)
        except KeyError:
            return {}
        return stored

    def everywhere(self) -> Iterator[tuple[str, Any]]:
        """Return the resources in all accounts and regions, with their keys."""
        if is_used(self.service):
            for backend in backends_in(backends_of(self.service)):
                yield from list(getattr(backend, self.attribute).items())


COLLECTIONS: Final[Mapping[str, Collection]] = MappingProxyType(
    {
        "queue": Collection("sqs", "queues"),
        "stream": Collection("kinesis", "streams"),
        "table": Collection("dynamodb", "tables"),
        "topic": Collection("sns", "topics"),
        "bucket": Collection("s3", "buckets"),
        "event bus": Collection("events", "event_buses"),
    }
)
_POLLED: Final = ("queue", "stream", "table")
_MADE_BY_TESTS: Final = ("queue", "stream", "table", "topic", "bucket")
"""Each region has a default event bus, so event buses do not show that a test has made something."""


def polled_sources() -> Iterator[Any]:
    """Return moto's objects to which it attaches event source mappings."""
    for kind in _POLLED:
        for _, source in COLLECTIONS[kind].everywhere():
            yield source


def existing_resources() -> Iterator[str]:
    """Describe what moto has of the things that tests make: ``queue 'orders'``, ``function 'orders'`` ..."""
    for kind in _MADE_BY_TESTS:
        for key, _ in COLLECTIONS[kind].everywhere():
            yield f"{kind} {str(key).rpartition(':')[2]!r}"
    for backend in lambda_backends_in_use():
        yield from (f"function {function.function_name!r}" for function in backend.list_functions())


class MotoSources:
    """Looks up queues, streams, their consumers and tables' streams in moto; brokers always exist."""

    def find(self, arn: Arn) -> SourceFacts | None:
        """Return facts about the source of an ARN, or None where it does not exist."""
        find = _FINDERS.get(arn.service)
        return find(arn) if find is not None else None


def _queue(arn: Arn) -> SourceFacts | None:
    queue = COLLECTIONS["queue"].at(arn).get(arn.resource)
    return SourceFacts(int(queue.visibility_timeout), bool(queue.redrive_policy)) if queue is not None else None


def _stream(arn: Arn) -> SourceFacts | None:
    _, name, *consumer = arn.resource.split("/", 2)
    stream = COLLECTIONS["stream"].at(arn).get(name)
    if stream is None:
        return None
    if not consumer:
        return _EXISTS
    from pytest_lambda_esm.moto_bridge.streams.kinesis import has_consumer

    return _EXISTS if has_consumer(stream, arn.resource) else None


def _table_stream(arn: Arn) -> SourceFacts | None:
    table_name, _, label = arn.resource.partition("/")[2].partition("/stream/")
    table = COLLECTIONS["table"].at(arn).get(table_name)
    return _EXISTS if table is not None and label and table.latest_stream_label == label else None


def _broker(_: Arn) -> SourceFacts:
    return _EXISTS


_FINDERS: Final[Mapping[str, Callable[[Arn], SourceFacts | None]]] = MappingProxyType(
    {
        "sqs": _queue,
        "kinesis": _stream,
        "dynamodb": _table_stream,
        "kafka": _broker,
        "mq": _broker,
        "rds": _broker,
    }
)


def key_problem(key_arn: str) -> tuple[str, str] | None:
    """Return why filter criteria cannot be decrypted, as an error code and a message; None where they can.

    A key that moto does not have counts as usable, so that tests need not create one. Codes and texts follow KMS's.
    """
    key = _key(key_arn)
    if key is None or key.key_state == "Enabled":
        return None
    if key.key_state == "Disabled":
        return "KMSDisabledException", f"{key_arn} is disabled."
    return "KMSInvalidStateException", f"{key_arn} is pending deletion."


def _key(key_arn: str) -> Any:
    arn = Arn.parse(key_arn)
    return Collection("kms", "keys").at(arn).get(arn.resource.partition("/")[2]) if arn is not None else None
