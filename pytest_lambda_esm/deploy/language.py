"""What is decided before a stack is made: loops (``Fn::ForEach``), conditions and ``Fn::If``.

Loops are those of the transform ``AWS::LanguageExtensions``, which runs before SAM's. Conditions depend on parameters,
pseudo parameters and mappings alone, so all of them are known here: what a false condition leaves out is taken out of
the template, and resource types that only it uses need not be made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import nearest

_LOOP: Final = "Fn::ForEach::"
_NO_VALUE: Final = {"Ref": "AWS::NoValue"}


class Language:
    """Evaluates what a template's parameters decide. ``values`` are those of parameters and pseudo parameters."""

    def __init__(self, template: Template, values: Mapping[str, Any]) -> None:
        self._template = template
        self._values = values
        self._mappings = template.section("Mappings")
        self._conditions: dict[str, Any] = template.section("Conditions")
        self._known: dict[str, bool] = {}
        self._open: list[str] = []

    # --- loops -------------------------------------------------------------------------------------------------

    def expanded(self, value: Any, bound: Mapping[str, str] | None = None, path: tuple[str | int, ...] = ()) -> Any:
        """Return a part of the template with its loops written out."""
        bound = bound or {}
        if isinstance(value, list):
            return [self.expanded(each, bound, (*path, index)) for index, each in enumerate(value)]
        if isinstance(value, str):
            return _replaced(value, bound) if bound else value
        if not isinstance(value, dict):
            return value
        if bound and set(value) == {"Ref"} and value["Ref"] in bound:
            return bound[value["Ref"]]
        found: dict[str, Any] = {}
        for key, inner in value.items():
            if isinstance(key, str) and key.startswith(_LOOP):
                found.update(self._loop(key, inner, bound, (*path, key)))
            else:
                name = _replaced(key, bound) if isinstance(key, str) else key
                found[name] = self.expanded(inner, bound, (*path, key))
        return found

    def _loop(self, key: str, given: Any, bound: Mapping[str, str], path: tuple[str | int, ...]) -> dict[str, Any]:
        if not (
            isinstance(given, list) and len(given) == 3 and isinstance(given[0], str) and isinstance(given[2], dict)
        ):
            raise self._template.error(f"{key} takes a list of an identifier, a collection and a mapping", *path)
        name, collection, body = given
        items = self.value(self.expanded(collection, bound))
        if not isinstance(items, list) or not all(isinstance(item, (str, int)) for item in items):
            raise self._template.error(
                f"{key}: the collection is {items!r}, where a list of texts is needed: written out, a parameter of type"
                f" CommaDelimitedList, or a value of a mapping",
                *path,
            )
        found: dict[str, Any] = {}
        for item in items:
            found.update(self.expanded(body, {**bound, name: str(item)}, path))
        return found

    # --- conditions --------------------------------------------------------------------------------------------

    def decided(self, value: Any) -> Any:
        """Return a part of the template with each ``Fn::If`` replaced by what its condition chooses."""
        if isinstance(value, list):
            return [each for each in map(self.decided, value) if each != _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Fn::If"}:
            return self._chosen(value["Fn::If"])
        if set(value) == {"Fn::FindInMap"} or set(value) == {"Fn::Length"}:
            return self._known_value(value)
        found = {key: self.decided(inner) for key, inner in value.items()}
        return {key: inner for key, inner in found.items() if inner != _NO_VALUE}

    def _known_value(self, value: dict[str, Any]) -> Any:
        """Return the value of a mapping or the length of a list, unless it depends on more than parameters."""
        arguments = self.value(next(iter(value.values())))
        if "Fn::Length" in value:
            return len(arguments) if isinstance(arguments, list) else value
        is_known = isinstance(arguments, list) and all(isinstance(each, (str, int)) for each in arguments[:3])
        return self._in_mapping(arguments) if is_known else value

    def _chosen(self, given: Any) -> Any:
        if not isinstance(given, list) or len(given) != 3:
            raise self._template.error(f"Fn::If takes a condition and two values, not {given!r}")
        return self.decided(given[1] if self.holds(given[0]) else given[2])

    def kept(self, section: Mapping[str, Any]) -> dict[str, Any]:
        """Return the resources or outputs of a section whose conditions hold, decided."""
        kept = {
            name: each for name, each in section.items() if "Condition" not in each or self.holds(each["Condition"])
        }
        return {
            name: self.decided({key: value for key, value in each.items() if key != "Condition"})
            for name, each in kept.items()
        }

    def holds(self, name: Any) -> bool:
        """Return whether a condition holds. Raises DeployError for an unknown one, and for one that needs itself."""
        if name in self._known:
            return self._known[name]
        if name not in self._conditions:
            hint = nearest(name, self._conditions) if self._conditions else "It has no Conditions."
            raise self._template.error(f"the template has no condition {name!r}. {hint}", "Conditions")
        if name in self._open:
            cycle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise self._template.error(f"conditions that need each other: {cycle}", "Conditions", name)
        self._open.append(name)
        try:
            self._known[name] = self._truth(self._conditions[name], name)
        finally:
            self._open.pop()
        return self._known[name]

    def _truth(self, given: Any, name: str) -> bool:
        if isinstance(given, dict) and len(given) == 1:
            function, arguments = next(iter(given.items()))
            if function == "Condition":
                return self.holds(arguments)
            if function == "Fn::Equals" and isinstance(arguments, list) and len(arguments) == 2:
                left, right = map(self.value, arguments)
                return bool(_comparable(left) == _comparable(right))
            if function in _CONNECTIVES and isinstance(arguments, list):
                return bool(_CONNECTIVES[function](self._truth(each, name) for each in arguments))
        raise self._template.error(
            f"the condition {name!r} is not made of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition: {given!r}",
            "Conditions",
            name,
        )

    def value(self, given: Any) -> Any:
        """Return the value of an expression, as far as parameters and mappings decide it."""
        if isinstance(given, list):
            return [self.value(each) for each in given]
        if not isinstance(given, dict) or len(given) != 1:
            return given
        function, arguments = next(iter(given.items()))
        if function == "Ref":
            return self._values.get(arguments, given)
        if function == "Fn::FindInMap":
            return self._in_mapping(arguments)
        if function == "Fn::Sub" and isinstance(arguments, str):
            return re.sub(r"\$\{(\w[\w:]*)\}", lambda found: str(self._values.get(found[1], found[0])), arguments)
        parts = self.value(arguments)
        if function == "Fn::Join" and isinstance(parts, list) and isinstance(parts[1], list):
            return str(parts[0]).join(map(str, parts[1]))
        if function == "Fn::Split" and isinstance(parts, list):
            return str(parts[1]).split(str(parts[0]))
        if function == "Fn::Select" and isinstance(parts, list) and isinstance(parts[1], list):
            return parts[1][int(parts[0])]
        if function == "Fn::If":
            return self.value(self._chosen(arguments))
        return given

    def _in_mapping(self, arguments: Any) -> Any:
        names = [self.value(each) for each in arguments[:3]]
        found: Any = self._mappings
        for name in names:
            found = found.get(str(name), found.get(name)) if isinstance(found, dict) else None
        if found is not None:
            return found
        if len(arguments) == 4 and isinstance(arguments[3], dict):
            return self.value(arguments[3].get("DefaultValue"))
        raise self._template.error(f"the template has no mapping {' / '.join(map(str, names))}", "Mappings")


_CONNECTIVES: Final[dict[str, Any]] = {
    "Fn::And": all,
    "Fn::Or": any,
    "Fn::Not": lambda values: not next(iter(values)),
}


def _comparable(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, (int, float)) else value


def _replaced(text: str, bound: Mapping[str, str]) -> str:
    for name, value in bound.items():
        text = text.replace(f"${{{name}}}", value).replace(f"&{{{name}}}", re.sub(r"[^A-Za-z0-9]", "", value))
    return text
