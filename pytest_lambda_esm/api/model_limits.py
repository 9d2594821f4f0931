"""The service model under the limits of another year: the model of today with other constraints.

Lengths, ranges and patterns of 2020 are those of the API reference of that time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

_REGION: Final = r"[a-z]{2}(-gov)?-[a-z]+-\d{1}"

_SHAPES_2020: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "Arn": {"pattern": rf"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:({_REGION})?:(\d{{12}})?:(.*)"},
        "NamespacedFunctionName": {
            "max": 140,
            "pattern": rf"(arn:(aws[a-zA-Z-]*)?:lambda:)?({_REGION}:)?(\d{{12}}:)?(function:)?"
            r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
        },
        "NumericLatestPublishedOrAliasQualifier": {"min": 1, "max": 128, "pattern": "(|[a-zA-Z0-9$_-]+)"},
        "MaximumRecordAgeInSeconds": {"min": 60},
        "MaximumRetryAttemptsEventSourceMapping": {"min": 0},
    }
)

_REQUIRED_2020: Final = MappingProxyType({"CreateEventSourceMappingRequest": ("EventSourceArn", "FunctionName")})


def _today(data: dict[str, Any]) -> dict[str, Any]:
    return data


def _in_2020(data: dict[str, Any]) -> dict[str, Any]:
    shapes = dict(data["shapes"])
    for name, traits in _SHAPES_2020.items():
        if name in shapes:
            shapes[name] = {**shapes[name], **traits}
    for name, members in _REQUIRED_2020.items():
        shapes[name] = {**shapes[name], "required": list(members)}
    return {**data, "shapes": shapes}


LIMITS: Final[Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]] = MappingProxyType(
    {"current": _today, "2020": _in_2020}
)
"""What becomes of a service model's data, by the setting ``limits``."""
