"""What a rule of EventBridge sends to a target: the event, a constant, a part of it, or a text made from it.

Follows the pages "EventBridge rule targets" and "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.timing import MICROSECONDS, moment_of

_PLACEHOLDER: Final = re.compile(r"<([^<>]+)>")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_INTERNAL: Final = "ingestion-time"
"""A member of moto's events that targets do not get."""


def event_of(original: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as AWS sends it; ``original`` is as moto stores it, with its time in seconds since the epoch."""
    event = {name: value for name, value in original.items() if name != _INTERNAL}
    if isinstance(event.get("time"), (int, float)):
        event["time"] = _time(event["time"])
    return event


def target_input(
    target: Mapping[str, Any], original: Mapping[str, Any], rule_arn: str = "", rule_name: str = ""
) -> str:
    """Return the payload for a target, as JSON text; ``original`` is the event as moto stores it.

    The rule's ARN and name are the values of two of the variables that every input transformer has.
    """
    event = event_of(original)
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(at_path(event, target["InputPath"]))
    if "InputTransformer" in target:
        always = {
            "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
            "aws.events.event.json": event,
            "aws.events.event.ingestion-time": _time(original[_INTERNAL])
            if _INTERNAL in original
            else event.get("time"),
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_name,
        }
        return _transform(target["InputTransformer"], event, always)
    return json.dumps(event)


def _time(seconds: Any) -> str:
    return f"{moment_of(int(float(seconds) * MICROSECONDS)):%Y-%m-%dT%H:%M:%SZ}"


def at_path(event: Any, path: str) -> Any:
    """Return the value at a path such as ``$.detail.items[0]``, or None."""
    value = event
    for name, index in _STEP.findall(path.removeprefix("$")):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    return value


def _transform(transformer: Mapping[str, Any], event: Mapping[str, Any], always: Mapping[str, Any]) -> str:
    template: str = transformer["InputTemplate"]
    values = {name: at_path(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values.update(always)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        # Within quotes a string is inserted as it is; elsewhere every value is inserted as JSON.
        quoted = template[: match.start()].replace('\\"', "").count('"') % 2 == 1
        return json.dumps(value)[1:-1] if quoted and isinstance(value, str) else json.dumps(value)

    text = _PLACEHOLDER.sub(fill, template)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return json.dumps(text)
    return text
