"""Tumbling windows: their bounds, the state that a function carries through one, and when it ends.

Follows the pages "Using Lambda for tumbling windows". A window's bounds are multiples of its length since the epoch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.config import moment_of

LARGEST_STATE: Final = 1024 * 1024
"""Bytes of state that a shard may carry; a window with more is ended early."""


@dataclass(slots=True)
class OpenWindow:
    """A window that has begun. ``state`` is JSON text, so that nobody can change it; instants are microseconds."""

    start: int
    length: int
    state: str = "{}"
    ends_early: bool = False

    @classmethod
    def around(cls, instant: int, length: int) -> OpenWindow:
        """The window that an instant belongs to."""
        return cls(instant // length * length, length)

    @property
    def end(self) -> int:
        """When it ends; that instant belongs to the next window."""
        return self.start + self.length

    def accept(self, state: Any) -> None:
        """Carry a state that the function returned; one that is too large as compact JSON ends the window early."""
        self.state = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
        self.ends_early = len(self.state.encode()) > LARGEST_STATE

    def members(self, *, shard_id: str, source_arn: str, final: bool) -> dict[str, Any]:
        """What an event has beside its records, in the order of AWS."""
        return {
            "window": {"start": _whole_seconds(self.start), "end": _whole_seconds(self.end)},
            "state": json.loads(self.state),
            "shardId": shard_id,
            "eventSourceARN": source_arn,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": final and self.ends_early,
        }


def _whole_seconds(instant: int) -> str:
    return f"{moment_of(instant):%Y-%m-%dT%H:%M:%SZ}"
