"""What the operating system knows of a thread: how long it has run, and for how long it had to wait for a processor.

A thread that is ready to run, but does not get a processor since the machine is busy, stays where it is as a thread
that waits does. Only the system can tell the two apart. Linux does; elsewhere the answer is None.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

_NANOSECONDS: Final = 1e9
_SLEEPS: Final = b"S"
"""The state of a thread that sleeps until something wakes it. The others run, are ready to, or wait for a disk."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The real seconds for which a thread has run so far (``cpu``), and was ready to but had no processor."""

    cpu: float
    delayed: float


def usage_of(thread: threading.Thread) -> Usage | None:
    """Return what a thread has used, or None where the system does not tell or the thread has ended."""
    try:
        with open(f"/proc/self/task/{thread.native_id}/schedstat", "rb", buffering=0) as statistics:
            cpu, delayed, _ = statistics.read().split()
            return Usage(int(cpu) / _NANOSECONDS, int(delayed) / _NANOSECONDS)
    except (OSError, ValueError):
        return None


def is_ready(thread: threading.Thread) -> bool:
    """Whether a thread runs, or would if it had a processor. False where the system does not tell."""
    try:
        with open(f"/proc/self/task/{thread.native_id}/stat", "rb", buffering=0) as status:
            # The name before it may contain anything, parentheses included.
            return status.read().rpartition(b") ")[2][:1] != _SLEEPS
    except OSError:
        return False
