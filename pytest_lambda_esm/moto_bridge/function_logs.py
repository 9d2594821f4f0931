"""The logs of functions and of mappings in moto's CloudWatch Logs. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

Most tests never read them there. They are therefore written when a request to CloudWatch Logs arrives, and immediately
once a test has created a subscription filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moto.logs.models import logs_backends
from moto.logs.responses import LogsResponse

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.invocation.log import events
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.patching import Patches, original_of


@dataclass(frozen=True, slots=True)
class MappingLog:
    """A line that a mapping writes into the log group of its function."""

    account_id: str
    region: str
    group: str
    stream: str
    instant: int
    text: str


class FunctionLogs:
    """What has not been written yet: the logs of invocations, and lines of mappings."""

    def __init__(self) -> None:
        self._unwritten: list[Invocation | MappingLog] = []
        self._subscribed = False

    def install(self, patches: Patches) -> None:
        """Write the logs before moto answers a request to CloudWatch Logs."""
        original = original_of(LogsResponse, "setup_class")

        def setup_class(response: Any, *args: Any, **kwargs: Any) -> None:
            original(response, *args, **kwargs)
            self.write()
            self._subscribed = self._subscribed or "PutSubscriptionFilter" in str(response.headers)

        patches.set(LogsResponse, "setup_class", setup_class)

    def keep(self, written: Invocation | MappingLog) -> None:
        """Add an invocation that has ended, or a line of a mapping."""
        self._unwritten.append(written)
        if self._subscribed:
            self.write()

    def write(self) -> None:
        """Write the logs that have not been written yet."""
        unwritten, self._unwritten = self._unwritten, []
        for each in unwritten:
            if isinstance(each, MappingLog):
                _write((each.account_id, each.region), each.group, each.stream, [(each.text, each.instant)])
                continue
            arn, context = Arn.parse(each.context.invoked_function_arn), each.context
            assert arn is not None
            _write((arn.account_id, arn.region), context.log_group_name, context.log_stream_name, events(each))


def _write(place: tuple[str, str], group: str, stream: str, lines: Sequence[tuple[str, int]]) -> None:
    """Write lines, each with its instant, to a stream of an account and region."""
    account_id, region = place
    backend = logs_backends[account_id][region]
    backend.ensure_log_group(group)
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    entries = [{"timestamp": instant // 1000, "message": message} for message, instant in lines]
    backend.groups[group].streams[stream].put_log_events(entries)
