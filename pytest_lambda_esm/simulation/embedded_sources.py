"""The clusters and brokers that a test asks a fake for: the part of ``FakeLambda`` for sources that moto lacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.config import Config
from pytest_lambda_esm.moto_bridge import session
from pytest_lambda_esm.simulation import documentdb, kafka, mq
from pytest_lambda_esm.simulation.world import World

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster
    from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster
    from pytest_lambda_esm.brokers.mq.broker import MqBroker


class EmbeddedSources(ABC):
    """The base of ``FakeLambda`` with Kafka, Amazon MQ and DocumentDB. ``_active`` is the world of an open fake."""

    config: Config

    @property
    @abstractmethod
    def _active(self) -> World: ...

    @property
    @abstractmethod
    def region(self) -> str:
        """The default region of clients."""

    def kafka(self, cluster: str | Sequence[str] | ReadOnly[str, Any], *, region: str | None = None) -> KafkaCluster:
        """Return a Kafka cluster to make topics in, produce to and read from; mappings of it are polled.

        ``cluster`` is the ARN of a cluster of Amazon MSK, or a response that has one (of ``create_cluster``,
        ``create_cluster_v2`` and the operations that describe them); a plain name, for a cluster that is made in moto,
        in the default region or another one; or the bootstrap servers of a self-managed cluster, as a list or
        separated by commas. The same cluster is the same object each time. Raises ConfigurationError for anything else.
        """
        __tracebackhide__ = True
        world = self._active
        if region is not None:
            session.check_region(f"kafka({cluster!r})", region, self.config.account_id)
        return kafka.find_cluster(world, cluster, region or self.region)

    def documentdb(self, cluster: str | ReadOnly[str, Any], *, region: str | None = None) -> DocumentDBCluster:
        """Return a DocumentDB cluster to write documents to; mappings of its change stream are polled.

        ``cluster`` is its ARN (``arn:aws:rds:...:cluster:name``); a plain name, for a cluster in the default region or
        another one; or the response of ``create_db_cluster``. The same cluster is the same object each time. Raises
        ConfigurationError for anything else.
        """
        __tracebackhide__ = True
        world = self._active
        if region is not None:
            session.check_region(f"documentdb({cluster!r})", region, self.config.account_id)
        return documentdb.find_cluster(world, cluster, region or self.region)

    def mq(self, broker: str | ReadOnly[str, Any], *, engine: str | None = None, region: str | None = None) -> MqBroker:
        """Return a broker of Amazon MQ to make queues in and send messages to; mappings of it are polled.

        ``broker`` is its ARN, an answer of ``create_broker`` or ``describe_broker``, or a plain name. A broker with
        this name that moto does not have is made in moto, in the default region or another one, with the ``engine``
        ``"ActiveMQ"`` (the default) or ``"RabbitMQ"``. The same broker is the same object each time. Raises
        ConfigurationError for anything else, and for a broker that runs another engine.
        """
        __tracebackhide__ = True
        world = self._active
        if region is not None:
            session.check_region(f"mq({broker!r})", region, self.config.account_id)
        return mq.find_broker(world, broker, engine, region or self.region)
