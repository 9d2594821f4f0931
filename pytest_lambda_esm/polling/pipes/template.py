"""Input templates of pipes: text with ``<$.path>`` and ``<aws.pipes.…>``, filled in for each event.

This follows the page "Amazon EventBridge Pipes input transformation". A path goes through dots and array indices; JSON
in the body of a message, or in the data of a Kinesis record, is read on the way. What the page leaves open was chosen:
a path that leads nowhere is null, and nothing within quotes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_lambda_esm.timing import moment_of

_VARIABLE: Final = re.compile(r"<(\$[^<>]*|aws\.pipes\.[^<>]*)>")
_PATH: Final = re.compile(r"\$(?:\.[\w/-]+|\[\d+\])*")
_STEP: Final = re.compile(r"\.([\w/-]+)|\[(\d+)\]")
_EVENT: Final = "aws.pipes.event"
_EVENT_JSON: Final = "aws.pipes.event.json"
_TIME: Final = "aws.pipes.event.ingestion-time"
_OF_THE_PIPE: Final = ("pipe-arn", "pipe-name", "source-arn", "enrichment-arn", "target-arn")
_KNOWN: Final = frozenset({_EVENT, _EVENT_JSON, _TIME, *(f"aws.pipes.{name}" for name in _OF_THE_PIPE)})

Decode = Callable[[str], str]
_DECODED: Final[Mapping[str, Decode]] = {
    "body": lambda text: text,
    "data": lambda text: base64.b64decode(text, validate=True).decode(),
}
"""The members of an event that may contain JSON, and how their text is decoded."""


def unknown_variables(text: str) -> list[str]:
    """Return the variables of a template that are not simulated: wildcards, and names that pipes do not have."""
    found = _VARIABLE.findall(text)
    return [name for name in found if name not in _KNOWN and not (name[0] == "$" and _PATH.fullmatch(name))]


class Template:
    """An input template; ``of_pipe`` are the values of the variables that describe the pipe, by their last parts."""

    def __init__(self, text: str, of_pipe: Mapping[str, str]) -> None:
        self._text = text
        self._values: dict[str, Any] = {f"aws.pipes.{name}": of_pipe[name] for name in _OF_THE_PIPE}

    def fill(self, event: Any, instant: int) -> Any:
        """Return what the template makes of an event: a JSON value, or a text that is not JSON."""
        readable = _readable(event)
        time = f"{moment_of(instant):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        values = {**self._values, _EVENT: event, _EVENT_JSON: readable, _TIME: time}

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            value = _at(readable, name) if name[0] == "$" else values[name]
            quoted = self._text[: match.start()].replace('\\"', "").count('"') % 2 == 1
            return _within_quotes(value) if quoted else json.dumps(value)

        text = _VARIABLE.sub(value_of, self._text)
        try:
            return json.loads(text)
        except ValueError:
            return text


def _within_quotes(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]


def _readable(event: Any) -> Any:
    """Return an event whose body or data is read, where it is JSON."""
    if not isinstance(event, dict):
        return event
    read = dict(event)
    for member, decode in _DECODED.items():
        if isinstance(read.get(member), str):
            try:
                read[member] = json.loads(decode(read[member]))
            except ValueError:
                continue
    return read


def _at(value: Any, path: str) -> Any:
    for name, index in _STEP.findall(path):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    return value
