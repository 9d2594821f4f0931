"""The parts of a cluster or broker: topics, queues, collections; and which of them hold records that nobody reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import WAITING
from pytest_lambda_esm.simulation import embedded

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster
    from pytest_lambda_esm.brokers.mq.broker import MqBroker
    from pytest_lambda_esm.simulation.world import World

_KINDS: Final = ("kafka", "mq", "documentdb")
"""The parts of a world that have sources of this kind; they exist once a test uses them."""


class Place(NamedTuple):
    """A part of a source, such as ``topic 'orders'``, and how many records in it wait for a reader."""

    name: str
    waiting: int


def divided_sources(world: World) -> list[str]:
    """Return the clusters and brokers that a test has used: ARNs, or the bootstrap servers of a Kafka cluster."""
    found = {name: world.__dict__.get(name, ()) for name in _KINDS}
    return [
        *(cluster.name for cluster in found["kafka"]),
        *(broker.arn for broker in found["mq"]),
        *(cluster.arn for cluster in found["documentdb"]),
    ]


def unread_places(world: World, source: str) -> list[Place]:
    """Return the parts of a cluster or broker that hold records and that no mapping reads."""
    counts: Counter[str] = Counter()
    broker = world.mq.known(source) if "mq" in world.__dict__ else None
    documents = world.documentdb.known(source) if "documentdb" in world.__dict__ else None
    if broker is not None:
        counts.update(_in_broker(world, broker))
    elif documents is not None:
        counts.update(_in_collections(world, documents))
    else:
        for fate in embedded.kafka_fates(world, source) or ():
            if fate.fate == WAITING and not fate.mapping:
                counts[f"topic {fate.record.rpartition(':')[0].rpartition('-')[0]!r}"] += 1
    return [Place(name, count) for name, count in counts.items()]


def read_by(mapping: Mapping) -> str:
    """Return the part of its source that a mapping reads: ``topic 'orders'``; empty for sources without parts."""
    settings = mapping._in_force
    for kind, name in (("topic", "Topics"), ("queue", "Queues")):
        if settings.get(name):
            return f"{kind} {', '.join(map(repr, settings[name]))}"
    scope = settings.get("DocumentDBEventSourceConfig")
    if not scope:
        return ""
    names = [scope[name] for name in ("DatabaseName", "CollectionName") if scope.get(name)]
    return f"{'collection' if len(names) > 1 else 'database'} {'.'.join(names)!r}"


def _in_broker(world: World, broker: MqBroker) -> Iterator[str]:
    """Yield the queue of each message; those of dead-letter queues are where they belong."""
    from pytest_lambda_esm.brokers.mq.engines import ACTIVEMQ

    mappings = [each for each in world.store if each.source_arn == broker.arn and each.state != GONE]
    outputs = {ACTIVEMQ.dead_letter_queue, *(queue.declared.dead_letter for queue in broker.queues)}
    for queue in broker.queues:
        if queue.name not in outputs and not any(world.pollers.reads(each, queue) for each in mappings):
            yield from [f"queue {queue.name!r}"] * len(queue.messages)


def _in_collections(world: World, cluster: DocumentDBCluster) -> Iterator[str]:
    unread = {each.record for each in world.stream_fates(cluster.arn) if each.fate == WAITING and not each.mapping}
    for event in cluster.log.events:
        if any(record.endswith(f":{event.token}") for record in unread):
            yield f"collection {f'{event.change.database}.{event.change.collection}'!r}"
