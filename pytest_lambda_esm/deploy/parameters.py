"""The parameters of a template: what the test gives, what has a default, and what is missing or too much."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import nearest


def resolve(template: Template, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters to create the stack with, as texts. Raises DeployError for those that do not fit.

    Defaults are left to CloudFormation.
    """
    declared = template.section("Parameters")
    unknown = [name for name in given if name not in declared]
    if unknown:
        known = nearest(unknown[0], declared) if declared else "It has no Parameters."
        raise template.error(f"the template has no parameter {', '.join(map(repr, unknown))}. {known}", "Parameters")
    missing = [name for name, about in declared.items() if name not in given and "Default" not in (about or {})]
    if missing:
        raise template.error(
            f"the parameters {', '.join(map(repr, missing))} have no default and no value: deploy(...,"
            f" parameters={{{missing[0]!r}: ...}})",
            "Parameters",
            missing[0],
        )
    values = {name: as_text(value) for name, value in given.items()}
    for name, value in values.items():
        _check(template, name, declared[name] or {}, value)
    return values


def all_values(template: Template, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of all parameters, defaults included; those of lists are lists."""
    values: dict[str, Any] = {}
    for name, about in template.section("Parameters").items():
        value = given.get(name, as_text((about or {}).get("Default", "")))
        kind = str((about or {}).get("Type", "String"))
        if kind.startswith("AWS::SSM::"):
            continue  # Its value is in the parameter store.
        values[name] = value.split(",") if kind == "CommaDelimitedList" or kind.startswith("List<") else value
    return values


def as_text(value: Any) -> str:
    """Return the text that CloudFormation takes for a value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(as_text, value))
    return str(value)


def _check(template: Template, name: str, about: Mapping[str, Any], value: str) -> None:
    allowed = about.get("AllowedValues")
    where = ("Parameters", name)
    if allowed is not None and value not in map(as_text, allowed):
        choices = ", ".join(repr(as_text(choice)) for choice in allowed)
        raise template.error(f"the parameter {name!r} takes {choices}, not {value!r}", *where)
    pattern = about.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise template.error(f"the parameter {name!r} takes texts like {pattern!r}, not {value!r}", *where)
    if about.get("Type") == "Number" and not re.fullmatch(r"[-+]?\d+(\.\d+)?", value):
        raise template.error(f"the parameter {name!r} is a Number, not {value!r}", *where)
