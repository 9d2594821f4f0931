"""A request that has arrived and has no answer yet; faults are matched against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_lambda_esm.timing import moment_of


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall:
    """A request before it is answered; each of botocore's attempts is one request.

    ``operation`` is ``"CreateEventSourceMapping"`` for Lambda, ``"sqs.SendMessage"`` for another service or
    ``"poller.Read"`` for a step of a poller. ``params`` are the request's members by their API names;
    ``instant`` is microseconds since the epoch; ``attempt`` is botocore's count, from 1; ``logical_id`` is the same
    for all attempts of one call, and empty if the caller was not botocore.
    """

    operation: str
    params: Mapping[str, Any]
    account_id: str
    region: str
    instant: int
    attempt: int = 1
    logical_id: str = ""

    @property
    def at(self) -> datetime:
        """When it arrived, an aware datetime in UTC."""
        return moment_of(self.instant)

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        retry = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"{self.operation}({given}){retry}"
