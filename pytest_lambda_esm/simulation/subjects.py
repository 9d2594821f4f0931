"""What a test means by a mapping, a function or a source: one look-up for ``mapping``, ``fates`` and ``explain``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.errors import nearest, printable
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge import inventory
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.sources.documentdb import CONFIG

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.collection import DocumentDBCollection
    from pytest_lambda_esm.brokers.mq.queue import MqQueue
    from pytest_lambda_esm.simulation.resources import Resource

Given: TypeAlias = "Mapping | Function | Resource | str | ReadOnly[str, Any]"
"""A mapping, a function, or a queue, stream or table that the fake made; a UUID, an ARN, a queue's URL or a name; or a
response of the API that has one of these."""

ACCEPTED: Final = (
    "a UUID, an ARN, a queue's URL, the name of a source or function, a response of the API that has one of them,"
    " a mapping, a function, a queue, a stream or a table, or an object of a cluster or broker"
)

_QUEUE_URL: Final = re.compile(r"https?://(?P<host>[^/]+)/(?P<account>\d{12})/(?P<name>[\w.-]+)/?")
_SHORT_UUID: Final = re.compile(r"[0-9a-f]{8}[0-9a-f-]*")
_LONGEST: Final = 200

_IN_RESPONSES: Final = (
    ("UUID",),
    ("EventSourceMappings", "UUID"),
    ("EventSourceMappingArn",),
    ("QueueUrl",),
    ("Attributes", "QueueArn"),
    ("QueueArn",),
    ("StreamDescription", "StreamARN"),
    ("StreamDescriptionSummary", "StreamARN"),
    ("StreamARN",),
    ("TableDescription", "LatestStreamArn"),
    ("Table", "LatestStreamArn"),
    ("LatestStreamArn",),
    ("ClusterArn",),
    ("ClusterInfo", "ClusterArn"),
    ("DBCluster", "DBClusterArn"),
    ("BrokerArn",),
    ("FunctionArn",),
    ("Configuration", "FunctionArn"),
    ("Arn",),
)
"""Where a response has what identifies its subject."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that a test may mean by what it gave; ``mapping`` is set if it named one mapping itself.

    A name may be that of a queue and of a function: both are then listed.
    """

    given: Given
    mapping: Mapping | None = None
    sources: tuple[str, ...] = ()
    functions: tuple[Function, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether there is such a mapping, source or function."""
        return self.mapping is not None or bool(self.sources or self.functions)

    @property
    def arns(self) -> tuple[str, ...]:
        """The ARNs and UUIDs of everything that it may be."""
        own = (self.mapping.uuid,) if self.mapping is not None else ()
        return (*own, *self.sources, *(function.arn for function in self.functions))

    def concerns(self, mapping: Mapping) -> bool:
        """Whether a mapping is the subject, reads it, or invokes it."""
        if self.mapping is not None:
            return mapping is self.mapping
        unqualified = ":".join(mapping.function_arn.split(":")[:7])
        return mapping.source_arn in self.sources or unqualified in [function.arn for function in self.functions]


def find(world: World, given: Given) -> Subject:
    """Return what a test means; nothing is known about what does not exist."""
    if isinstance(given, Mapping):
        return Subject(given, mapping=given)
    if isinstance(given, Function):
        return Subject(given, functions=(given,))
    part = _queue_of_broker(world, given) or _collection(world, given)
    if part is not None:
        return part
    text = _in_response(given) if isinstance(given, ReadOnly) else given
    if not isinstance(text, str):
        names = (getattr(text, name, None) for name in ("stream_arn", "arn", "bootstrap_servers"))
        text = next(filter(None, names), None)
    if not isinstance(text, str) or not text:
        return Subject(given)
    mapping = _mapping(world, text)
    if mapping is not None:
        return Subject(given, mapping=mapping)
    known = dict.fromkeys(_sources(world))
    sources = (text,) if text in known else tuple(source for source in known if _names_source(text, source))
    sources += tuple(arn for name, arn in inventory.names_beyond_arns() if name == text and arn not in sources)
    queues = [queue for queue in _broker_queues(world) if text in (queue.name, queue.key)]
    if len(queues) == 1 and not sources:
        return _queue_of_broker(world, queues[0]) or Subject(given)
    sources += tuple(queue.address for queue in queues)
    functions = tuple(function for function in _functions(world) if _names_function(text, function))
    pipe = None if sources or functions else _pipe(world, text)
    return Subject(given, mapping=pipe, sources=sources, functions=functions)


def suggestion(world: World, given: Given) -> str:
    """Return what may have been meant by something unknown: the nearest names, ARNs and UUIDs, or all of them."""
    known: dict[str, None] = {}
    text = str(given) if not isinstance(given, ReadOnly) else ""
    for source in _sources(world):
        known[source if text.startswith("arn:") else name_of(source)] = None
    for function in _functions(world):
        known[function.arn if text.startswith("arn:") else function.name] = None
    for cluster, arn in inventory.names_beyond_arns():
        known[arn if text.startswith("arn:") else cluster] = None
    for queue in _broker_queues(world):
        known[queue.name] = None
    for mapping in world.store:
        known[mapping.arn if text.startswith("arn:") else mapping.uuid] = None
    name = text.rstrip("/").rpartition("/")[2] if text.startswith("http") else text
    return nearest(name, known) if known else "There is no mapping and no function yet."


def shown(given: object) -> str:
    """Return what was given, for an error text: on one line, and not too long."""
    text = printable(repr(given))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def name_of(source: str) -> str:
    """Return the name of a queue, stream, table or cluster; for other sources, the text that identifies them."""
    arn = Arn.parse(source)
    if arn is None:
        return source
    if arn.service == "sqs":
        return arn.resource
    parts = re.split("[/:]", arn.resource)
    return parts[1] if len(parts) > 1 else arn.resource


def _in_response(response: ReadOnly[str, Any]) -> Any:
    for path in _IN_RESPONSES:
        value: Any = response
        for key in path:
            if isinstance(value, list) and len(value) == 1:  # The only mapping of a list of them.
                value = value[0]
            value = value.get(key) if isinstance(value, ReadOnly) else None
        if value:
            return value
    return None


def all_sources(world: World) -> Iterator[str]:
    """Yield the sources and functions that may have had records, some of them more than once."""
    yield from _sources(world)
    yield from (function.arn for function in _functions(world))


def _mapping(world: World, text: str) -> Mapping | None:
    """Return the mapping with this UUID or ARN, or with the first part of a UUID, as the timeline shows it.

    The ARN of a pipe is that of the mapping that polls for it.
    """
    for mapping in [*world.store, *world.pipes.mappings] if "pipes" in world.__dict__ else world.store:
        if text in (mapping.uuid, mapping.arn):
            return mapping
    if _SHORT_UUID.fullmatch(text):
        beginning = [mapping for mapping in world.store if mapping.uuid.startswith(text)]
        return beginning[0] if len(beginning) == 1 else None
    return None


def _pipe(world: World, name: str) -> Mapping | None:
    """Return the mapping that polls for the only pipe with a name."""
    pipes = world.pipes.mappings if "pipes" in world.__dict__ else ()
    found = [mapping for mapping in pipes if mapping.arn.rpartition("/")[2] == name]
    return found[0] if len(found) == 1 else None


def _queue_of_broker(world: World, given: object) -> Subject | None:
    """Return the mapping that reads a queue of Amazon MQ, or the queue if none does; None for anything else."""
    for broker in world.mq if "mq" in world.__dict__ else ():
        for queue in broker.queues:
            if queue is given:
                own = [mapping for mapping in world.store if mapping.source_arn == broker.arn]
                readers = [mapping for mapping in own if mapping.state != GONE and world.pollers.reads(mapping, queue)]
                return Subject(broker.arn, readers[0]) if readers else Subject(broker.arn, sources=(queue.address,))
    return None


def _broker_queues(world: World) -> Iterator[MqQueue]:
    """Yield the queues of all brokers of Amazon MQ."""
    for broker in world.mq if "mq" in world.__dict__ else ():
        yield from broker.queues


def _collection(world: World, given: Any) -> Subject | None:
    """Return the mapping that reads a collection of DocumentDB, or its cluster if none or several do; None else."""
    for cluster in world.documentdb if "documentdb" in world.__dict__ else ():
        if cluster.has(given):
            readers = [
                mapping
                for mapping in world.store
                if mapping.source_arn == cluster.arn and mapping.state != GONE and _reads(mapping, given)
            ]
            if len(readers) == 1:
                return Subject(cluster.arn, readers[0])
            return Subject(cluster.arn, sources=(cluster.arn,))
    return None


def _reads(mapping: Mapping, collection: DocumentDBCollection) -> bool:
    config = mapping.settings[CONFIG]
    return config["DatabaseName"] == collection.database and config.get("CollectionName") in (None, collection.name)


def _sources(world: World) -> Iterator[str]:
    yield from (mapping.source_arn for mapping in world.store)
    yield from (source for source in world.ledger.sources if ":function:" not in source)
    yield from (queue.arn for queue in inventory.queues())
    yield from inventory.streams()
    if "kafka" in world.__dict__:
        yield from (cluster.name for cluster in world.kafka)
    if "documentdb" in world.__dict__:
        yield from (cluster.arn for cluster in world.documentdb)
    if "mq" in world.__dict__:
        yield from (broker.arn for broker in world.mq)


def _functions(world: World) -> Iterator[Function]:
    known = {function.arn: function for function in world.registry}
    yield from known.values()
    for arn in inventory.functions():
        if arn not in known:
            parts = arn.split(":")
            yield world.registry.get(parts[4], parts[3], parts[6])


def _names_source(text: str, source: str) -> bool:
    if text == source or text == name_of(source):
        return True
    url = _QUEUE_URL.fullmatch(text)
    arn = Arn.parse(source) if url is not None else None
    if url is None or arn is None or arn.service != "sqs" or arn.resource != url["name"]:
        return text in source.split(",") if ":" in text and not source.startswith("arn:") else False
    return arn.account_id == url["account"] and (arn.region in url["host"] or "amazonaws" not in url["host"])


def _names_function(text: str, function: Function) -> bool:
    """Whether a name, a partial ARN or an ARN, each with or without a qualifier, is that of the function."""
    if text == function.name or text == function.arn or text.startswith(f"{function.arn}:"):
        return True
    short = f"{function.account_id}:function:{function.name}"
    return text in (short, f"function:{function.name}") or text.partition(":")[0] == function.name
