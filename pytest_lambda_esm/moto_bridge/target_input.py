"""What a function receives as the target of an EventBridge rule: the event, a part of it, or a template filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"<([^<>]+)>")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def target_input(target: Mapping[str, Any], original: Mapping[str, Any]) -> str:
    """The payload for a target, as JSON text; ``original`` is the event as moto keeps it.

    It follows the page "Input transformation in Amazon EventBridge".
    """
    event = {name: value for name, value in original.items() if name != "ingestion-time"}
    if isinstance(event.get("time"), (int, float)):
        event["time"] = f"{datetime.fromtimestamp(event['time'], timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_at(event, target["InputPath"]))
    if "InputTransformer" in target:
        return _transformed(target["InputTransformer"], event)
    return json.dumps(event)


def _at(event: Any, path: str) -> Any:
    value = event
    for name, index in _STEP.findall(path.removeprefix("$")):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    return value


def _transformed(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    template: str = transformer["InputTemplate"]
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values["aws.events.event"] = values["aws.events.event.json"] = event

    def filled(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        # Within quotes a text stands for itself; outside of them every value is JSON.
        quoted = template[: match.start()].replace('\\"', "").count('"') % 2 == 1
        return json.dumps(value)[1:-1] if quoted and isinstance(value, str) else json.dumps(value)

    text = _PLACEHOLDER.sub(filled, template)
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text)
    return text
