"""Kafka in a world: ``fake.kafka(...)``, the clusters, and the pollers. Nothing of it is imported before it is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as ReadOnly
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.destinations import Destinations, Message
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge.session import check_region
from pytest_lambda_esm.observe.fates import Fate

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster
    from pytest_lambda_esm.brokers.kafka.clusters import KafkaClusters
    from pytest_lambda_esm.simulation.world import World

_RESOURCE: Final = re.compile(r"(cluster|serverless-cluster|vpc-connection)/.+")
_NAME: Final = re.compile(r"[a-zA-Z0-9-]{1,64}")
_SERVER: Final = re.compile(r"[^\s,:/]+:\d{1,5}")
_TOPIC_SCHEME: Final = "kafka://"


def find_cluster(world: World, given: Any, region: str) -> KafkaCluster:
    """Return the cluster of an ARN, a response with one, a name, or bootstrap servers. Raises ConfigurationError."""
    __tracebackhide__ = True
    text = _arn_in(given) if isinstance(given, ReadOnly) else given
    if isinstance(text, Sequence) and not isinstance(text, (str, bytes)):
        return world.kafka.find(_servers(given, text))
    if isinstance(text, str) and text.startswith("arn:"):
        return world.kafka.find(_checked_arn(world, text))
    if isinstance(text, str) and ":" in text:
        return world.kafka.find(_servers(given, text.split(",")))
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise ConfigurationError(
            f"kafka({given!r:.200}): a cluster is given by its ARN, the response of create_cluster, a name of up to 64"
            f" letters, digits and hyphens, or its bootstrap servers, such as 'kafka-1:9092,kafka-2:9092'"
        )
    from pytest_lambda_esm.moto_bridge.kafka_clusters import cluster_arn

    return world.kafka.find(cluster_arn(text, world.config.account_id, region))


def _arn_in(response: ReadOnly[str, Any]) -> Any:
    """Return the ARN in a response of ``create_cluster``, ``describe_cluster`` or their second versions."""
    info = response.get("ClusterInfo")
    return (info if isinstance(info, ReadOnly) else response).get("ClusterArn")


def _checked_arn(world: World, text: str) -> str:
    __tracebackhide__ = True
    arn = Arn.parse(text)
    if arn is None or arn.service != "kafka" or not _RESOURCE.fullmatch(arn.resource):
        raise ConfigurationError(f"kafka({text!r}): this is not the ARN of a cluster of Amazon MSK")
    check_region(f"kafka({text!r})", arn.region, arn.account_id)
    return text


def _servers(given: object, servers: Sequence[str]) -> str:
    __tracebackhide__ = True
    for server in servers:
        if not isinstance(server, str) or not _SERVER.fullmatch(server):
            raise ConfigurationError(
                f"kafka({given!r}): {server!r} is not a bootstrap server: a host and a port, such as 'kafka:9092'"
            )
    if not servers:
        raise ConfigurationError(f"kafka({given!r}): a self-managed cluster has at least one bootstrap server")
    return ",".join(servers)


def unread_fates(cluster: KafkaCluster, mappings: Iterable[Mapping], now: int) -> list[Fate]:
    """Return the fates of the records of topics that none of the cluster's mappings reads: waiting, or expired."""
    read = {topic for mapping in mappings for topic in mapping.settings["Topics"]}
    from pytest_lambda_esm.polling.streams.history import PendingState, ShardHistory

    history, pending = ShardHistory(""), PendingState(now=now, why=lambda _: "no mapping reads the topic")
    partitions = [each for topic in cluster.topics if topic not in read for each in cluster.partitions(topic)]
    return [fate for partition in partitions for _, fate in history.fates(partition, pending)]


class TopicsAnd:
    """Delivers to topics of Kafka (``kafka://name``), and passes everything else on.

    ``causing(request_id)`` attributes what is delivered inside it to a request.
    """

    def __init__(
        self,
        clusters: Callable[[], KafkaClusters],
        others: Destinations,
        causing: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._clusters = clusters
        self._others = others
        self._causing = causing

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver a message now. Raises DeliveryFailed if the destination does not exist or refuses it."""
        if message.cause:
            with self._causing(message.cause):
                self._deliver(arn, message)
        else:
            self._deliver(arn, message)

    def _deliver(self, arn: str, message: Message) -> None:
        if arn.startswith(_TOPIC_SCHEME):
            self._clusters().deliver(arn, message)
        else:
            self._others.deliver(arn, message)
