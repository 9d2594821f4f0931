"""Functions' logs in moto's CloudWatch Logs. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

Most tests never read them there. They are therefore written when a request to CloudWatch Logs arrives, and immediately
once a test has created a subscription filter.
"""

from __future__ import annotations

from typing import Any

from moto.logs.models import logs_backends
from moto.logs.responses import LogsResponse

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.invocation.log import events
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.patching import Patches, original_of


class FunctionLogs:
    """The invocations whose logs have not been written yet."""

    def __init__(self) -> None:
        self._unwritten: list[Invocation] = []
        self._subscribed = False

    def install(self, patches: Patches) -> None:
        """Write the logs before moto answers a request to CloudWatch Logs."""
        original = original_of(LogsResponse, "setup_class")

        def setup_class(response: Any, *args: Any, **kwargs: Any) -> None:
            original(response, *args, **kwargs)
            self.write()
            self._subscribed = self._subscribed or "PutSubscriptionFilter" in str(response.headers)

        patches.set(LogsResponse, "setup_class", setup_class)

    def keep(self, invocation: Invocation) -> None:
        """Add an invocation that has ended."""
        self._unwritten.append(invocation)
        if self._subscribed:
            self.write()

    def write(self) -> None:
        """Write the logs that have not been written yet."""
        unwritten, self._unwritten = self._unwritten, []
        for invocation in unwritten:
            _write(invocation)


def _write(invocation: Invocation) -> None:
    arn = Arn.parse(invocation.context.invoked_function_arn)
    assert arn is not None
    backend = logs_backends[arn.account_id][arn.region]
    group, stream = invocation.context.log_group_name, invocation.context.log_stream_name
    backend.ensure_log_group(group)
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    entries = [{"timestamp": instant // 1000, "message": message} for message, instant in events(invocation)]
    backend.groups[group].streams[stream].put_log_events(entries)
