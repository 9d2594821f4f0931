"""The limits of Jackson, the parser that AWS uses, for the numbers and the depth of a JSON document.

AWS does not document which limits its services set. These are Jackson's defaults since 2.15, with its texts. They are
below the limits of Python's own parser, which every runtime has.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST_NUMBER: Final = 1_000
"""The most digits of a number, those of its fraction and its exponent included."""

DEEPEST: Final = 1_000
"""The most objects and lists inside each other."""

_LONG_NUMBER: Final = re.compile(rf"[0-9.eE+-]{{{LONGEST_NUMBER + 1}}}")
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]|[0-9][0-9.eE+-]*', re.DOTALL)
_NO_DIGIT: Final = re.compile(r"[.eE+-]")


def beyond_limits(text: str) -> str | None:
    """Return Jackson's text about the first number that is too long or level that is too deep; None without one."""
    if text.count("[") + text.count("{") <= DEEPEST and _LONG_NUMBER.search(text) is None:
        return None
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "[{":
            depth += 1
            if depth > DEEPEST:
                return too_deep()
        elif token in "]}":
            depth -= 1
        elif token[0] != '"' and len(token) > LONGEST_NUMBER:
            digits = len(_NO_DIGIT.sub("", token))
            if digits > LONGEST_NUMBER:
                return _exceeded(f"Number value length ({digits})", LONGEST_NUMBER, "getMaxNumberLength")
    return None


def too_deep() -> str:
    """Return Jackson's text about a document that is nested too deeply."""
    return _exceeded(f"Document nesting depth ({DEEPEST + 1})", DEEPEST, "getMaxNestingDepth")


def _exceeded(what: str, limit: int, source: str) -> str:
    return f"{what} exceeds the maximum allowed ({limit}, from `StreamReadConstraints.{source}()`)"
