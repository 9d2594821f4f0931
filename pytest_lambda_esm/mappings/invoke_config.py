"""How a function's asynchronous invocations are retried and where their records go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeConfig:
    """A FunctionEventInvokeConfig: None where a setting is not given.

    ``function_arn`` is always qualified. Without a setting two retries and 21,600 seconds hold (API reference).
    ``on_success`` and ``on_failure`` are destination ARNs.
    """

    function_arn: str
    last_modified: datetime
    maximum_retry_attempts: int | None = None
    maximum_event_age: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


class InvokeConfigs(Protocol):
    """Finds invoke configs."""

    def find(self, account_id: str, region: str, function: str, qualifier: str) -> InvokeConfig | None:
        """The config of a function at a qualifier (``$LATEST``, a version or an alias), or None."""
        ...
