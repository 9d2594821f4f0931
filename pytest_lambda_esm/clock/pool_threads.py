"""Threads of pools that wait for work: whoever gives them some, it is done for the test that goes on now.

A pool in a module outlives the test in which its threads were started, and works for the next one as well.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Final

# Where such a thread waits in C code, called straight from here. Seen in Python 3.10 to 3.14.
_WAITING_PLACES: Final = frozenset({("concurrent.futures.thread", "_worker"), ("multiprocessing.pool", "worker")})


def waiting_for_work() -> frozenset[threading.Thread]:
    """The threads of this process that belong to a pool and have nothing to do now."""
    frames = sys._current_frames()
    return frozenset(thread for thread in threading.enumerate() if _waits(frames.get(thread.ident or 0)))


def _waits(frame: FrameType | None) -> bool:
    return frame is not None and (frame.f_globals.get("__name__"), frame.f_code.co_name) in _WAITING_PLACES
