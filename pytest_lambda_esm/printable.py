"""Texts as people may see them: without characters that control a terminal or reorder a line.

Messages, error texts and reasons of code under test go into timelines, reports and errors of this package. A terminal
would obey an escape sequence in them, bidirectional marks would show them in another order, and a lone surrogate cannot
be written to a file or sent to another process. Whatever shows such a text passes it through :func:`printable`.
"""

from __future__ import annotations

import re
from typing import Final

_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls except tabs and line feeds
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks
    "\u2028\u2029\ufff9-\ufffb\ud800-\udfff]"  # separators, interlinear annotations, surrogates
)


def printable(text: str) -> str:
    """Return a text with each character that must not reach a terminal as its escape, such as ``\\x1b``."""
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
