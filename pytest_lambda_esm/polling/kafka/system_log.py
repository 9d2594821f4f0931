"""What the pollers of a mapping with ``LoggingConfig`` write into the log group of its function.

Follows the page "Kafka event source mapping logging". The mapping has its own log stream: the date and its UUID. WARN
has what went wrong, INFO also the consumers and their partitions, DEBUG also the offsets of each minute. The network of
a poller (``networkConfig``) is left out, because there is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.timing import MICROSECONDS, moment_of

MINUTE: Final = 60 * MICROSECONDS

_LEVELS: Final = ("DEBUG", "INFO", "WARN")

_SASL: Final = {
    "BASIC_AUTH": "PLAIN",
    "SASL_SCRAM_256_AUTH": "SCRAM-SHA-256",
    "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512",
    "OAUTHBEARER_AUTH": "OAUTHBEARER",
    "IAM_AUTH": "AWS_MSK_IAM",
    "IAM_OAUTHBEARER_AUTH": "AWS_MSK_IAM",
}
"""The SASL mechanism of each type of access; without one of them, a connection uses TLS only."""


@dataclass(frozen=True, slots=True)
class PartitionOffsets:
    """The offsets of one partition, for the poller with this number.

    ``end`` and ``committed`` are those of the next record, ``consumed`` is that of the last one that was read.
    """

    poller: int
    partition: str
    end: int
    consumed: int
    committed: int


READ_FAILED: Final = "org.apache.kafka.common.errors.TimeoutException"
"""The code of a read that has failed."""


class SystemLog:
    """The log of one mapping. ``offsets()`` returns those of its partitions as they are now."""

    def __init__(self, context: KafkaContext, offsets: Callable[[], Iterable[PartitionOffsets]]) -> None:
        self._context = context
        self._offsets = offsets
        self._assigned: dict[int, tuple[str, ...]] = {}
        self._generation = 0
        self._next: Any = None
        self._event = context.interruptions.event(self._write_offsets, lambda: None)

    def start(self) -> None:
        """Write the offsets each minute from now on, if the mapping wants them."""
        if self._next is None and self._wants("DEBUG"):
            about = f"mapping {self._context.mapping.uuid}: write the offsets into the log"
            due = self._context.clock.instant + MINUTE
            self._next = self._context.clock.call_in_background(due, self._event, lambda: about)

    def stop(self) -> None:
        """Write no more offsets."""
        self._context.clock.cancel(self._next)
        self._next = None

    def warn(self, poller: int, message: str, code: str) -> None:
        """Write what went wrong; ``code`` is the name of an exception of Kafka's client, or a condition of Lambda's."""
        error = {"errorMessage": message, "errorCode": code}
        self._write("WARN", "ESM_PROCESSING_EVENT", poller, {"error": error})

    def assigned(self, poller: int, partitions: Sequence[str], total: int) -> None:
        """Write that a consumer was built or changed: the partitions that it reads, and how many the topic has."""
        if self._assigned.get(poller) == tuple(partitions):
            return
        self._assigned[poller] = tuple(partitions)
        self._generation += 1
        context, uuid = self._context, self._context.mapping.uuid
        connection = {
            "brokerEndpoints": context.cluster.bootstrap_servers,
            "consumerId": f"{uuid}-{poller}",
            "topics": [context.topic],
            "consumerGroupId": context.group_id,
            **self._security(),
            "totalPartitionCount": total,
            "assignedPartitionCount": len(partitions),
            "partitionsAssignmentGeneration": self._generation,
            "assignedPartitions": list(partitions),
        }
        self._write("INFO", "POLLER_STATUS_EVENT", poller, {"kafkaEventSourceConnection": connection})

    def closed(self, poller: int) -> None:
        """Forget a consumer: the next one with its number is a new one."""
        self._assigned.pop(poller, None)

    # --- inside ---------------------------------------------------------------------------------------------

    def _write_offsets(self) -> None:
        self._next = None
        for each in self._offsets():
            offsets = {
                "partition": each.partition,
                "endOffset": each.end,
                "consumedOffset": each.consumed,
                "processedOffset": each.committed - 1,
                "committedOffset": each.committed,
            }
            self._write("DEBUG", "KAFKA_STATUS_EVENT", each.poller, {"kafkaPartitionOffsets": offsets})
        self.start()

    def _security(self) -> dict[str, str]:
        members = self._context.mapping._in_force
        types = [access["Type"] for access in members.get("SourceAccessConfigurations", ())]
        mechanisms = [_SASL[each] for each in types if each in _SASL]
        if not types and "EventSourceArn" in members:
            mechanisms = ["AWS_MSK_IAM"]  # How Lambda connects to Amazon MSK unless the mapping says otherwise.
        if not mechanisms:
            return {"securityProtocol": "SSL"}
        return {"securityProtocol": "SASL_SSL", "saslMechanism": mechanisms[0]}

    def _wants(self, level: str) -> bool:
        wanted = self._context.settings().log_level
        return wanted is not None and _LEVELS.index(level) >= _LEVELS.index(wanted)

    def _write(self, level: str, event_type: str, poller: int, content: dict[str, Any]) -> None:
        if not self._wants(level):
            return
        mapping, now = self._context.mapping, self._context.clock.instant
        source_arn = mapping._in_force.get("EventSourceArn")
        record = {
            "eventType": event_type,
            "timestamp": now // 1000,
            "resourceArn": mapping.arn,
            **({} if source_arn is None else {"eventSourceArn": source_arn}),
            "eventProcessorId": f"{mapping.uuid}/{poller}",
            "logLevel": level,
            **content,
        }
        self._context.write_log(f"{moment_of(now):%Y/%m/%d}/{mapping.uuid}", now, json.dumps(record))


@dataclass(frozen=True, slots=True)
class PollerLog:
    """The log of the poller with this number."""

    log: SystemLog
    context: KafkaContext
    number: int

    def warn(self, message: str, code: str) -> None:
        """Write what went wrong; ``code`` is the name of an exception of Kafka's client, or a condition of Lambda's."""
        self.log.warn(self.number, message, code)

    def assigned(self, numbers: Sequence[int]) -> None:
        """Write that the poller reads these partitions now."""
        names = [self.context.partition(number).shard_id for number in numbers]
        self.log.assigned(self.number, names, len(self.context.cluster.partitions(self.context.topic)))

    def closed(self) -> None:
        """Note that the poller has stopped."""
        self.log.closed(self.number)
