"""The parameters of a template: what the test gives, what has a default, and what is missing or too much."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import nearest


def resolve(template: Template, given: Mapping[str, Any], unknown: Collection[str] = ()) -> dict[str, str]:
    """Return the parameters to create the stack with, as texts. Raises DeployError for those that do not fit.

    Defaults are checked, and left to CloudFormation. The values of ``unknown`` are known later: attributes of
    resources, which a nested stack gets.
    """
    declared = template.section("Parameters")
    for name, about in declared.items():
        _check_type(template, name, about)
    surplus = [name for name in (*given, *unknown) if name not in declared]
    if surplus:
        known = nearest(surplus[0], declared) if declared else "It has no Parameters."
        raise template.error(f"the template has no parameter {', '.join(map(repr, surplus))}. {known}", "Parameters")
    stated = {*given, *unknown}
    missing = [name for name, about in declared.items() if name not in stated and "Default" not in (about or {})]
    if missing:
        raise template.error(
            f"the parameters {', '.join(map(repr, missing))} have no default and no value: deploy(...,"
            f" parameters={{{missing[0]!r}: ...}})",
            "Parameters",
            missing[0],
        )
    values = {name: as_text(value) for name, value in given.items()}
    for name, about in declared.items():
        if name not in unknown and not str((about or {}).get("Type", "")).startswith("AWS::SSM::"):
            _check(template, name, about or {}, values.get(name, as_text((about or {}).get("Default"))))
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


_TYPES: Final = re.compile(
    "String|Number|CommaDelimitedList|List<(Number|String|AWS::[A-Za-z0-9:]+)>|AWS::SSM::Parameter::Value<.+>"
    "|AWS::[A-Za-z0-9]+::[A-Za-z0-9:]+"
)


def _check_type(template: Template, name: str, about: Any) -> None:
    kind = about.get("Type") if isinstance(about, dict) else None
    if not isinstance(kind, str) or not _TYPES.fullmatch(kind):
        found = f"has the type {kind!r}" if kind is not None else "has no Type"
        raise template.error(
            f"the parameter {name!r} {found}; it takes String, Number, CommaDelimitedList, List<Number>, or a type of"
            f" AWS such as AWS::SSM::Parameter::Value<String>",
            "Parameters",
            name,
        )


def _check(template: Template, name: str, about: Mapping[str, Any], value: str) -> None:
    """Check a value, or each of a list, against what the template allows."""
    where, kind = ("Parameters", name), str(about.get("Type", "String"))
    is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
    for each in [part.strip() for part in value.split(",")] if is_list else [value]:
        allowed = about.get("AllowedValues")
        if allowed is not None and each not in map(as_text, allowed):
            choices = ", ".join(repr(as_text(choice)) for choice in allowed)
            raise template.error(f"the parameter {name!r} takes {choices}, not {each!r}", *where)
        pattern = about.get("AllowedPattern")
        if pattern is not None and not _fits(str(pattern), each):
            raise template.error(f"the parameter {name!r} takes texts like {pattern!r}, not {each!r}", *where)
        if kind in ("Number", "List<Number>") and not re.fullmatch(r"[-+]?\d+(\.\d+)?", each):
            raise template.error(f"the parameter {name!r} is a Number, not {each!r}", *where)
        for limit, size, is_least in (
            ("MinLength", len(each), True),
            ("MaxLength", len(each), False),
            ("MinValue", _number(each), True),
            ("MaxValue", _number(each), False),
        ):
            stated = _number(about.get(limit))
            if stated is not None and size is not None and (size < stated if is_least else size > stated):
                raise template.error(f"the parameter {name!r} has {limit} {about[limit]}, and is {each!r}", *where)


def _number(given: Any) -> float | None:
    try:
        return float(given)
    except (TypeError, ValueError):
        return None


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:  # AWS takes patterns of Java, some of which Python does not know.
        return True
