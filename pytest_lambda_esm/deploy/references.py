"""What the parts of a template refer to: unknown names, cycles, and references to resources that are left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import nearest

_PSEUDO: Final = frozenset(
    f"AWS::{name}"
    for name in ("AccountId", "NoValue", "NotificationARNs", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)
_VARIABLE: Final = re.compile(r"\$\{([^!${}][^${}]*)\}")


def normalised(value: Any) -> Any:
    """Return a part of a template whose ``Fn::GetAtt`` all are lists of a logical id and an attribute."""
    if isinstance(value, list):
        return [normalised(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: normalised(inner) for key, inner in value.items()}
    attribute = found.get("Fn::GetAtt")
    if isinstance(attribute, str):
        found["Fn::GetAtt"] = attribute.split(".", 1)
    elif isinstance(attribute, list) and len(attribute) > 2 and all(isinstance(part, str) for part in attribute):
        found["Fn::GetAtt"] = [attribute[0], ".".join(attribute[1:])]
    return found


def check(template: Template, resources: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
    """Check the references of a translated template. Raises DeployError for unknown names and for cycles."""
    parameters = template.section("Parameters")
    known = {*resources, *parameters, *_PSEUDO}
    for section, parts in (("Resources", resources), ("Outputs", outputs)):
        for name, part in parts.items():
            for reference in _names_in(part):
                if reference not in known:
                    raise template.error(
                        f"{section[:-1].lower()} {name!r} refers to {reference!r}, which the template does not have."
                        f" {nearest(reference, {*resources, *parameters})}",
                        section,
                        name,
                    )
    for name, resource in resources.items():
        for reference in _depends_on(resource):
            if reference not in resources:
                raise template.error(
                    f"resource {name!r} depends on {reference!r}, which is not a resource of the template."
                    f" {nearest(reference, resources)}",
                    "Resources",
                    name,
                    "DependsOn",
                )
    cycle = _cycle({name: {*_names_in(each), *_depends_on(each)} & set(resources) for name, each in resources.items()})
    if cycle:
        raise template.error(f"resources that need each other: {' -> '.join(cycle)}", "Resources", cycle[0])


def check_nested(
    template: Template,
    nested: Mapping[str, Collection[str]],
    resources: Mapping[str, Any],
    outputs: Mapping[str, Any],
) -> None:
    """Check the outputs of nested stacks that a template uses. Raises DeployError for those that do not exist."""
    for section, parts in (("Resources", resources), ("Outputs", outputs)):
        for name, part in parts.items():
            for stack, output in _outputs_in(part):
                if stack in nested and output not in nested[stack]:
                    known = nearest(output, nested[stack]) if nested[stack] else "It has no Outputs."
                    raise template.error(
                        f"{section[:-1].lower()} {name!r} uses the output {output!r} of the nested stack {stack!r},"
                        f" which does not exist. {known}",
                        section,
                        name,
                    )


def _outputs_in(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the nested stacks and outputs that ``Fn::GetAtt`` names."""
    if isinstance(value, list):
        for each in value:
            yield from _outputs_in(each)
    elif isinstance(value, dict):
        given = value.get("Fn::GetAtt")
        if isinstance(given, list) and len(given) == 2 and str(given[1]).startswith("Outputs."):
            yield str(given[0]), str(given[1]).partition(".")[2]
        else:
            for inner in value.values():
                yield from _outputs_in(inner)


def without(value: Any, left_out: Mapping[str, str]) -> Any:
    """Return a part of a template in which references to resources that are left out are texts.

    ``left_out`` has what stands for a ``Ref``; an attribute is that text, a dot and the attribute's name.
    """
    if isinstance(value, list):
        return [without(each, left_out) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"} and value["Ref"] in left_out:
        return left_out[value["Ref"]]
    attribute = value.get("Fn::GetAtt")
    if isinstance(attribute, list) and attribute and attribute[0] in left_out:
        return f"{left_out[attribute[0]]}.{attribute[-1]}"
    if "DependsOn" in value and "Type" in value:
        kept = [name for name in _depends_on(value) if name not in left_out]
        value = {**value, "DependsOn": kept}
        if not kept:
            del value["DependsOn"]
    if set(value) == {"Fn::Sub"}:
        return {"Fn::Sub": _without_variables(value["Fn::Sub"], left_out)}
    return {key: without(inner, left_out) for key, inner in value.items()}


def _without_variables(given: Any, left_out: Mapping[str, str]) -> Any:
    if isinstance(given, list) and len(given) == 2:
        own = {name: text for name, text in left_out.items() if name not in given[1]}
        return [_without_variables(given[0], own), without(given[1], left_out)]
    if not isinstance(given, str):
        return given

    def text(found: re.Match[str]) -> str:
        name, dot, attribute = found[1].partition(".")
        return f"{left_out[name]}{dot}{attribute}" if name in left_out else found[0]

    return _VARIABLE.sub(text, given)


def _names_in(value: Any) -> Iterator[str]:
    """Yield the names that a part of a template refers to."""
    if isinstance(value, list):
        for each in value:
            yield from _names_in(each)
    elif isinstance(value, dict):
        for key, inner in value.items():
            reader = _READERS.get(key)
            if reader is not None and len(value) == 1:
                yield from reader(inner)
            else:
                yield from _names_in(inner)


def _of_ref(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given


def _of_attribute(given: Any) -> Iterator[str]:
    if isinstance(given, list) and given and isinstance(given[0], str):
        yield given[0]
        yield from _names_in(given[1:])


def _of_sub(given: Any) -> Iterator[str]:
    own: Any = ()
    if isinstance(given, list) and len(given) == 2 and isinstance(given[1], dict):
        yield from _names_in(given[1])
        given, own = given
    if isinstance(given, str):
        names = (found.partition(".")[0] for found in _VARIABLE.findall(given))
        yield from (name for name in names if name not in own)


_READERS: Final[dict[str, Callable[[Any], Iterator[str]]]] = {
    "Ref": _of_ref,
    "Fn::GetAtt": _of_attribute,
    "Fn::Sub": _of_sub,
}


def _depends_on(resource: Any) -> list[str]:
    given = resource.get("DependsOn", [])
    return [given] if isinstance(given, str) else list(given)


def _cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the names of a cycle, the first also at its end; empty if there is none."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        waiting = [(start, iter(sorted(graph[start])))] if start not in done else []
        while waiting:
            name, following = waiting[-1]
            if not path or path[-1] != name:
                path.append(name)
            step = next((each for each in following if each not in done), None)
            if step is None:
                done.add(name)
                path.pop()
                waiting.pop()
            elif step in path:
                return [*path[path.index(step) :], step]
            else:
                waiting.append((step, iter(sorted(graph[step]))))
    return []
