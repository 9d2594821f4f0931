"""What the poller of one mapping of a message broker shares with its batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, DISCARDED, EXPIRED
from pytest_lambda_esm.polling.brokers.settings import BrokerSettings
from pytest_lambda_esm.polling.lane_context import LaneContext
from pytest_lambda_esm.sources.broker_ports import Broker, Brokers, Message, Queue
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.sources.mq_records import KINDS, MqKind
from pytest_lambda_esm.vocabulary import FateName
from pytest_lambda_esm.wording import counted

Problem: TypeAlias = "tuple[str, str]"
"""Why a mapping cannot poll: its StateTransitionReason and its LastProcessingResult."""

FindLoginProblem: TypeAlias = Callable[[ReadOnly[str, Any], Broker], "Problem | None"]
"""Checks the login that the settings of a mapping name for a broker."""


@dataclass(slots=True, kw_only=True)
class BrokerContext(LaneContext[BrokerSettings]):
    """One mapping, and what its poller needs from the rest of the simulation.

    ``timeout`` returns the function's timeout in seconds, or None if the function does not exist.
    """

    source: EventSource
    brokers: Brokers
    login_problem: FindLoginProblem
    timeout: Callable[[Mapping], int | None]

    def read_settings(self, members: ReadOnly[str, Any]) -> BrokerSettings:
        """Convert the members of a mapping that are in force."""
        return BrokerSettings.of(members, self.source.data_rules)

    def broker(self) -> Broker:
        """Return the mapping's broker."""
        return self.brokers.find(self.source_arn)

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

    def _move(self, queue: Queue, messages: Sequence[Message], fate: FateName | None, why: str) -> None:
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
