"""The frames of a stack trace, read back from the text that Lambda's runtime reports."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_FRAME: Final = re.compile(r'\s*File "(?P<file>.*)", line (?P<line>\d+), in (?P<name>.*)\n?\s*(?P<code>.*)')


class Frame(NamedTuple):
    """A frame: its file, seen from the working directory if it is inside, its line, its function, and its code."""

    file: str
    line: int
    name: str
    code: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.name}: {self.code}".rstrip(": ")


def frames_of(stack: Sequence[str]) -> list[Frame]:
    """Return the frames of a stack trace, the outermost first."""
    here = os.getcwd() + os.sep
    matches = [match for match in map(_FRAME.match, stack) if match is not None]
    return [
        Frame(match["file"].removeprefix(here), int(match["line"]), match["name"], match["code"].strip())
        for match in matches
    ]
