"""Texts that the pollers of several sources share, for ``explain()`` and the timeline."""

from __future__ import annotations

from pytest_lambda_esm.polling.attempts import Attempts
from pytest_lambda_esm.timing import time_text
from pytest_lambda_esm.wording import counted


def attempts_text(batch: Attempts, behind: int, now: int) -> str:
    """Since when a batch fails, how many attempts there were, when the next one is made, and what is behind it."""
    since = f" since {time_text(batch.blocked_since, now)}" if batch.blocked_since is not None else ""
    return (
        f"{since}: {counted(batch.invocations, 'attempt')} so far ({batch.last_outcome}); attempt"
        f" {batch.invocations + 1} comes at {time_text(batch.due, now)}; {counted(behind, 'record')} behind"
    )
