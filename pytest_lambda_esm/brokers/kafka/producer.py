"""A producer with the interface of ``confluent_kafka.Producer``, for code under test that takes a producer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.brokers.kafka.records import KafkaRecord, StoredHeaders
from pytest_lambda_esm.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster

OnDelivery = Callable[[Any, "ProducedMessage"], object]
"""Called with an error, which is always None here, and the message."""


class ProducedMessage:
    """What a delivery callback gets, with the methods of ``confluent_kafka.Message``."""

    def __init__(self, record: KafkaRecord) -> None:
        self._record = record

    def topic(self) -> str:
        """Return the topic."""
        return self._record.topic

    def partition(self) -> int:
        """Return the number of the partition."""
        return self._record.partition

    def offset(self) -> int:
        """Return the offset."""
        return self._record.offset

    def key(self) -> bytes | None:
        """Return the key, or None."""
        return self._record.key

    def value(self) -> bytes | None:
        """Return the value, or None for a tombstone."""
        return self._record.value

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """Return the headers as pairs, or None if there are none."""
        headers: StoredHeaders = self._record.headers
        return list(headers) or None

    def timestamp(self) -> tuple[int, int]:
        """Return the type of the timestamp, 1 for the time of creation, and the timestamp in milliseconds."""
        return 1, self._record.timestamp

    def error(self) -> None:
        """Return None: the message was delivered."""


class KafkaProducer:
    """A producer as ``confluent_kafka.Producer`` is one. ``len()`` counts messages that are not acknowledged yet.

    A record is in its topic as soon as :meth:`produce` returns. Its callback is called by the next :meth:`poll` or
    :meth:`flush`, as librdkafka does. Partitions are chosen as ``KafkaCluster.produce`` chooses them.
    """

    def __init__(self, cluster: KafkaCluster) -> None:
        self._cluster = cluster
        self._unacknowledged: list[tuple[OnDelivery | None, ProducedMessage]] = []

    def __len__(self) -> int:
        return len(self._unacknowledged)

    def __bool__(self) -> bool:
        return True

    def produce(
        self,
        topic: str,
        value: str | bytes | None = None,
        key: str | bytes | None = None,
        partition: int = -1,
        on_delivery: OnDelivery | None = None,
        timestamp: int = 0,
        headers: Any = None,
        *,
        callback: OnDelivery | None = None,
    ) -> None:
        """Produce a record; ``timestamp`` is in milliseconds, 0 for now. ``callback`` is another name of on_delivery.

        Raises TypeError for a value that is neither text nor bytes, as librdkafka does, and ConfigurationError for an
        unknown topic or partition.
        """
        __tracebackhide__ = True
        if not isinstance(value, (str, bytes, bytearray, type(None))):
            raise TypeError(f"a bytes-like object is required, not {type(value).__name__!r}")
        if on_delivery is not None and callback is not None:
            raise ConfigurationError("KafkaProducer.produce: on_delivery and callback are the same; pass one of them")
        metadata = self._cluster.produce(
            topic,
            value,
            key=key,
            headers=headers,
            partition=None if partition == -1 else partition,
            timestamp=timestamp or None,
        )
        record = self._cluster.records(topic, partition=metadata.partition, start=metadata.offset)[0]
        self._unacknowledged.append((on_delivery or callback, ProducedMessage(record)))

    def poll(self, timeout: float | None = None) -> int:
        """Call the callbacks of the records produced so far, and return how many records there were."""
        served, self._unacknowledged = self._unacknowledged, []
        for on_delivery, message in served:
            if on_delivery is not None:
                on_delivery(None, message)
        return len(served)

    def flush(self, timeout: float | None = None) -> int:
        """Call all callbacks, also of records that a callback produces. Return how many records are left: 0."""
        while self._unacknowledged:
            self.poll()
        return 0
