"""All Kafka clusters of one world, by ARN or by bootstrap servers, and their topics as failure destinations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster, Surroundings
from pytest_lambda_esm.destinations import DeliveryFailed, Message
from pytest_lambda_esm.errors import LambdaEsmError

TOPIC_SCHEME: Final = "kafka://"
"""How a destination names a topic of the mapping's own cluster."""

_BROKERS: Final = 2


class KafkaClusters:
    """The clusters, each made when it is first asked for."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._by_arn: dict[str, KafkaCluster] = {}
        self._self_managed: list[tuple[set[str], KafkaCluster]] = []

    def find(self, source: str) -> KafkaCluster:
        """Return the cluster of a mapping's source: an ARN, or bootstrap servers separated by commas.

        A self-managed cluster is the same if it shares a server.
        """
        arn = Arn.parse(source)
        return self._managed(source, arn) if arn is not None else self._by_servers(source.split(","))

    def known(self, source: str) -> KafkaCluster | None:
        """Return the cluster of a source, or None if nobody has asked for it."""
        servers = set(source.split(","))
        found = (cluster for known, cluster in self._self_managed if known & servers)
        return self._by_arn.get(source) or next(found, None)

    def forget_place(self, account_id: str, region: str) -> None:
        """Empty the clusters of an account and region, because moto has been reset."""
        for text, cluster in list(self._by_arn.items()):
            arn = Arn.parse(text)
            if arn is not None and (arn.account_id, arn.region) == (account_id, region):
                cluster.close("was made before moto was reset; ask for it again")
                del self._by_arn[text]
        self._surroundings.registries.forget_place(account_id, region)

    def close(self, why: str) -> None:
        """Have all clusters refuse every change."""
        for cluster in self:
            cluster.close(why)
        self._surroundings.registries.close(why)

    def contents(self) -> Iterator[tuple[str, str, Any]]:
        """Yield what they keep: the place, a key, and the value."""
        for cluster in self:
            for topic in cluster.topics:
                for record in cluster.records(topic):
                    text = (record.value or b"").decode("utf-8", "backslashreplace")
                    yield f"topic {topic} of {cluster.name}", text, (record.key, record.headers)

    def __iter__(self) -> Iterator[KafkaCluster]:
        yield from self._by_arn.values()
        yield from (cluster for _, cluster in self._self_managed)

    def deliver(self, destination: str, message: Message) -> None:
        """Produce a message to the topic ``kafka://name`` of its cluster. Raises DeliveryFailed."""
        topic = destination.removeprefix(TOPIC_SCHEME)
        try:
            self.find(message.cluster).produce(topic, message.body, key=message.record_key)
        except LambdaEsmError as error:
            raise DeliveryFailed(str(error)) from error

    def _managed(self, text: str, arn: Arn) -> KafkaCluster:
        if text not in self._by_arn:
            self._by_arn[text] = KafkaCluster(text, _bootstrap_servers(text, arn), self._surroundings)
        return self._by_arn[text]

    def _by_servers(self, servers: list[str]) -> KafkaCluster:
        for known, cluster in self._self_managed:
            if known & set(servers):
                known.update(servers)
                return cluster
        cluster = KafkaCluster(None, servers, self._surroundings)
        self._self_managed.append((set(servers), cluster))
        return cluster


def _bootstrap_servers(text: str, arn: Arn) -> list[str]:
    """Return addresses in the form of Amazon MSK's; they are the same for the same ARN."""
    name = arn.resource.split("/")[1]
    unique = hashlib.sha256(text.encode()).hexdigest()[:6]
    domain = f"{name.lower()}.{unique}.c2.kafka.{arn.region}.amazonaws.com:9092"
    return [f"b-{number}.{domain}" for number in range(1, _BROKERS + 1)]
