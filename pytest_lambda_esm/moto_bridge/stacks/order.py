"""What a template's resources refer to, and the order in which a stack makes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"\$\{([^!${}][^${}]*)\}")


def in_order(resources: Mapping[str, Any], known: Collection[str] = ()) -> list[str]:
    """Return the logical ids of a template, each after those that it refers to or depends on.

    ``known`` are the other names that resources may refer to: parameters, mappings and pseudo parameters. Raises
    ValueError, with CloudFormation's text, for a reference to nothing and for a circle.
    """
    needs = {name: list(dict.fromkeys(references(resource))) for name, resource in resources.items()}
    unknown = sorted(
        {each for names in needs.values() for each in names if each not in resources and each not in known}
    )
    if unknown:
        listed = ", ".join(unknown)
        raise ValueError(
            f"Template format error: Unresolved resource dependencies [{listed}] in the Resources block of the template"
        )
    graph = {name: [each for each in names if each in resources] for name, names in needs.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        raise ValueError(f"Circular dependency between resources: [{circle}]") from None


def dependencies(resource: Mapping[str, Any]) -> list[str]:
    """Return what a resource states in ``DependsOn``."""
    stated = resource.get("DependsOn") or []
    return [stated] if isinstance(stated, str) else list(stated)


def references(resource: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that a resource refers to or depends on."""
    yield from dependencies(resource)
    yield from _within(resource.get("Properties"))


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _within(each)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _of(str(name), each)


def _of(name: str, value: Any) -> Iterator[str]:
    if name == "Ref" and isinstance(value, str):
        yield value
    elif name == "Fn::GetAtt" and isinstance(value, (str, list)):
        yield value.partition(".")[0] if isinstance(value, str) else str(value[0])
    elif name == "Fn::Sub":
        text, own = (value, {}) if isinstance(value, str) else (value[0], value[1])
        yield from (each.partition(".")[0] for each in _PLACEHOLDER.findall(text) if each not in own)
        yield from _within(own)
    else:
        yield from _within(value)
