"""The stack trace of a function error, as Lambda's Python runtime writes it."""

from __future__ import annotations

import os
import traceback
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Final

_THIS_PACKAGE: Final = f"{Path(__file__).parent.parent}{os.sep}"


def stack_trace(frames: TracebackType | None) -> list[str]:
    """One text a frame, from the first frame given on; those of this package are not there in Lambda."""
    lines = []
    while frames is not None:
        code = frames.tb_frame.f_code
        if not code.co_filename.startswith(_THIS_PACKAGE):
            lines.append(_text(code.co_filename, frames.tb_lineno, code.co_name))
        frames = frames.tb_next
    return lines


@lru_cache(maxsize=1024)
def _text(file: str, line: int, name: str) -> str:
    """What traceback makes of a frame, without the marks under expressions, which Lambda leaves out.

    A poison record fails at the same place a thousand times, so it is kept.
    """
    return traceback.format_list([traceback.FrameSummary(file, line, name)])[0]
