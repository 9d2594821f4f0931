"""What a poller whose lanes deliver batches in order needs from the rest of the simulation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping as Members
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.ports import Deliver, Forbidden, never_forbidden
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.timing import Backoff

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePolling:
    """How lanes poll. All spans are microseconds.

    ``latency`` is from a record's arrival until it is read, ``read_retry`` until a failed read is retried.
    ``larger_half`` of a split batch is ``"first"`` or ``"second"``. ``loop_depth`` is the longest chain of invocations
    that each write the record that triggers the next.
    """

    latency: int
    backoff: Backoff
    larger_half: str
    loop_depth: int
    read_retry: int


@dataclass(slots=True, kw_only=True)
class LaneContext(ABC, Generic[Settings]):
    """One mapping, and what its lanes share. A subclass says how it reads the settings.

    ``forbidden`` returns why the function's role may not read the source.
    """

    mapping: Mapping
    clock: Clock
    journal: Journal
    deliver: Deliver
    interference: PollerFaults
    interruptions: Interruptions
    polling: LanePolling
    forbidden: Forbidden = never_forbidden
    source_arn: str = field(init=False)
    _read_settings: tuple[Any, Settings | None] = field(init=False, default=(None, None))

    def __post_init__(self) -> None:
        self.source_arn = self.mapping.source_arn

    @abstractmethod
    def read_settings(self, members: Members[str, Any]) -> Settings:
        """Convert the members of a mapping that are in force."""

    def settings(self) -> Settings:
        """Return the mapping's current settings: the same object until they change.

        Do not keep them longer than a step of a lane, since the mapping may be updated between two steps.
        """
        current = self.mapping._in_force
        source, settings = self._read_settings
        if settings is None or source is not current:
            settings = self.read_settings(current)
            self._read_settings = (current, settings)
        return settings
