"""What a world has only if a test uses it: clusters of Kafka and DocumentDB, brokers of Amazon MQ, and their fates.

Nothing of them is imported before that. :func:`made_so_far` describes them, and schedules, without making any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.simulation import mq
from pytest_lambda_esm.simulation.kafka import unread_fates

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.clusters import DocumentDBClusters
    from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster
    from pytest_lambda_esm.brokers.kafka.clusters import KafkaClusters
    from pytest_lambda_esm.brokers.mq.brokers import MqBrokers
    from pytest_lambda_esm.simulation.world import World


def kafka_clusters(world: World) -> KafkaClusters:
    """Return the clusters of Kafka, which pass on no trace header."""
    from pytest_lambda_esm.brokers.kafka.cluster import Surroundings
    from pytest_lambda_esm.brokers.kafka.clusters import KafkaClusters
    from pytest_lambda_esm.brokers.kafka.registries import SchemaRegistries
    from pytest_lambda_esm.moto_bridge.schema_registries import MotoLookups

    return KafkaClusters(
        Surroundings(
            instant=lambda: world.clock.instant,
            now=world.local_instant,
            depth=lambda: chains.untraced(world.depth()),
            registries=SchemaRegistries(MotoLookups(lambda: world.patches)),
            sent=world.sent,
        )
    )


def documentdb_clusters(world: World) -> DocumentDBClusters:
    """Return the clusters of DocumentDB."""
    from pytest_lambda_esm.brokers.documentdb.change_stream import SHARD_ID
    from pytest_lambda_esm.brokers.documentdb.cluster import Surroundings
    from pytest_lambda_esm.brokers.documentdb.clusters import DocumentDBClusters
    from pytest_lambda_esm.moto_bridge import secrets

    clusters = DocumentDBClusters(
        Surroundings(
            now=world.local_instant,
            depth=lambda: chains.untraced(world.depth()),
            changed=world.source_changed,
            sent=lambda cluster, token: world.sent(cluster, f"{SHARD_ID}:{token}"),
        )
    )
    if world.patches is not None:  # The credentials of a mapping are a secret, which may be made later than it.
        secrets.install(world.patches, clusters.changed)
    return clusters


def mq_brokers(world: World) -> MqBrokers:
    """Return the brokers of Amazon MQ, which pass on no trace header."""
    from pytest_lambda_esm.brokers.mq.broker import BrokerPorts
    from pytest_lambda_esm.brokers.mq.brokers import MqBrokers
    from pytest_lambda_esm.moto_bridge import mq_brokers, secrets

    ports = BrokerPorts(
        now=world.local_instant,
        depth=lambda: chains.untraced(world.depth()),
        directory=mq_brokers.MotoBrokers(),
        sent=world.sent,
    )
    brokers = MqBrokers(ports)
    if world.patches is not None:
        mq_brokers.install(world.patches, brokers.changed, brokers.forget_place)
        secrets.install(world.patches, brokers.changed)
    return brokers


def made_so_far(world: World) -> list[str]:
    """Describe the clusters, brokers and schedules so far: ``Kafka cluster '...'``."""
    made = world.__dict__
    return [
        *(f"Kafka cluster {cluster.name!r}" for cluster in (world.kafka if "kafka" in made else ())),
        *(f"DocumentDB cluster {cluster.arn!r}" for cluster in (world.documentdb if "documentdb" in made else ())),
        *(f"broker {broker.arn!r}" for broker in (world.mq if "mq" in made else ())),
        *(plan.label for plan in (world.schedules.agenda if "schedules" in made else ())),
    ]


def kafka_cluster(world: World, source: str) -> KafkaCluster | None:
    """Return the cluster of Kafka that a source is, or None."""
    return world.kafka.known(source) if "kafka" in world.__dict__ else None


def kafka_fates(world: World, source: str, mapping_uuid: str | None = None) -> list[Fate] | None:
    """Return the fates of a Kafka cluster's records, for one mapping or for each one that reads or has read it.

    Return None for a source that is not a cluster.
    """
    if kafka_cluster(world, source) is None and not world.pollers.kafka_mappings(world.store, source):
        return None
    cluster, polled = world.kafka.find(source), world.pollers.kafka_mappings(world.store)
    mappings = [each for each in polled if world.kafka.find(each.source_arn) is cluster]
    found = world.pollers.kafka_fates([each for each in mappings if mapping_uuid in (None, each.uuid)])
    return found if mapping_uuid else found + unread_fates(cluster, mappings, world.clock.instant)


def mq_fates(world: World, source: str, mapping: Mapping | None = None) -> list[Fate] | None:
    """Return the fates of a broker's messages, those of one of its queues, or of the queue of a mapping of it.

    ``source`` is the ARN of the broker or the address of the queue. Return None for any other source.
    """
    if "mq" not in world.__dict__:
        return None
    broker = world.mq.known(source)
    if broker is None:
        queues = [queue for each in world.mq for queue in each.queues if queue.address == source]
    else:
        queues = [queue for queue in broker.queues if mapping is None or world.pollers.reads(mapping, queue)]
    return mq.fates(world.ledger, list(queues), world.clock.instant) if broker is not None or queues else None
