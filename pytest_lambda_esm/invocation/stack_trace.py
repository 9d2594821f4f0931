"""The stack trace of a function error, as Lambda's Python runtime writes it."""

from __future__ import annotations

import sys
import traceback
from functools import lru_cache
from itertools import islice
from types import CodeType, TracebackType
from typing import Any


def stack_trace(frames: TracebackType | None) -> list[str]:
    """One text a frame, from the handler's own on."""
    lines = []
    while frames is not None:
        lines.append(_text(frames.tb_frame.f_code, frames.tb_lineno, frames.tb_lasti))
        frames = frames.tb_next
    return lines


@lru_cache(maxsize=1024)
def _text(code: CodeType, line: int, instruction: int) -> str:
    """What traceback makes of a frame. A poison record fails at the same place a thousand times, so it is kept."""
    more: dict[str, Any] = {}
    if sys.version_info >= (3, 11):
        _, end_line, column, end_column = next(islice(code.co_positions(), instruction // 2, None))
        more = {"end_lineno": end_line, "colno": column, "end_colno": end_column}
    summary = traceback.FrameSummary(code.co_filename, line, code.co_name, **more)
    return traceback.format_list([summary])[0]
