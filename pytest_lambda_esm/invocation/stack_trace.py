"""The stack trace of a function error, as Lambda's Python runtime writes it."""

from __future__ import annotations

import traceback
from functools import lru_cache
from types import TracebackType


def stack_trace(frames: TracebackType | None) -> list[str]:
    """One text a frame, from the first frame given on."""
    lines = []
    while frames is not None:
        code = frames.tb_frame.f_code
        lines.append(_text(code.co_filename, frames.tb_lineno, code.co_name))
        frames = frames.tb_next
    return lines


@lru_cache(maxsize=1024)
def _text(file: str, line: int, name: str) -> str:
    """What traceback makes of a frame, without the marks under expressions, which Lambda leaves out.

    A poison record fails at the same place a thousand times, so it is kept.
    """
    return traceback.format_list([traceback.FrameSummary(file, line, name)])[0]
