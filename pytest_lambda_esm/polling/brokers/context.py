"""What the poller of one mapping of a message broker shares with its batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, DISCARDED, EXPIRED
from pytest_lambda_esm.polling.brokers.settings import BrokerSettings
from pytest_lambda_esm.polling.ports import Deliver
from pytest_lambda_esm.polling.wording import counted
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.broker_ports import Broker, Brokers, Message, Queue
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.sources.mq_records import KINDS, MqKind
from pytest_lambda_esm.timing import Backoff

Problem: TypeAlias = "tuple[str, str]"
"""Why a mapping cannot poll: its StateTransitionReason and its LastProcessingResult."""

FindLoginProblem: TypeAlias = Callable[[ReadOnly[str, Any], Broker], "Problem | None"]
"""Checks the login that the settings of a mapping name for a broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPolling:
    """How brokers are polled, where AWS leaves it open. Time spans are in microseconds.

    ``latency`` is from a message's arrival until it is received, ``read_retry`` until a failed read is retried.
    ``backoff`` says when a failed batch is retried where the broker has no delay of its own, ``throttle_backoff`` when
    a throttled one is. ``loop_depth`` is the longest chain of invocations that each send what triggers the next.
    """

    latency: int
    backoff: Backoff
    throttle_backoff: Backoff
    read_retry: int
    loop_depth: int


@dataclass(slots=True, kw_only=True)
class BrokerContext:
    """One mapping, and what its poller needs from the rest of the simulation.

    ``timeout`` returns the function's timeout in seconds, or None if the function does not exist.
    """

    mapping: Mapping
    source: EventSource
    brokers: Brokers
    login_problem: FindLoginProblem
    timeout: Callable[[Mapping], int | None]
    deliver: Deliver
    clock: Clock
    journal: Journal
    interference: PollerFaults
    interruptions: Interruptions
    polling: BrokerPolling
    _read_settings: tuple[Any, BrokerSettings | None] = field(init=False, default=(None, None))

    def settings(self) -> BrokerSettings:
        """Return the mapping's current settings: the same object until they change."""
        current = self.mapping.in_force
        source, settings = self._read_settings
        if settings is None or source is not current:
            settings = BrokerSettings.of(current, self.source.data_rules)
            self._read_settings = (current, settings)
        return settings

    def broker(self) -> Broker:
        """Return the mapping's broker."""
        return self.brokers.find(self.mapping.source_arn)

    def queue(self) -> Queue | None:
        """Return the mapping's queue, or None if the broker does not have it."""
        settings = self.settings()
        return self.broker().consumed(settings.queue, settings.virtual_host)

    def kind(self) -> MqKind:
        """Return what differs between the engines."""
        return KINDS[self.broker().engine]

    def end_expired(self, queue: Queue, messages: Sequence[Message]) -> None:
        """Note the fate of messages that the broker has given up because their time to live is over."""
        if messages:
            self._move(queue, messages, EXPIRED, "expired")

    def end_spent(self, queue: Queue, messages: Sequence[Message]) -> None:
        """Give up messages that were redelivered as often as the broker allows."""
        if messages:
            self._move(queue, messages, None, f"given up after {counted(messages[0].deliveries, 'attempt')}")

    def _move(self, queue: Queue, messages: Sequence[Message], fate: str | None, why: str) -> None:
        """Have the broker move messages to a dead-letter queue, and note their fates. ``fate`` None is its result."""
        targets: dict[str | None, list[str]] = {}
        for message in messages:
            targets.setdefault(queue.dead_letter(message), []).append(message.id)
        for target, ids in targets.items():
            where = f"moved to {target}" if target is not None else "dropped: no dead-letter queue takes them"
            ended = fate or (DEAD_LETTERED if target is not None else DISCARDED)
            self.journal.fate(queue.address, ids, ended, f"{len(ids)} {why}, {where}")


def ids_of(messages: Sequence[Message]) -> tuple[str, ...]:
    """Return the ids of messages."""
    return tuple([message.id for message in messages])
