"""A template as the test names it: its file, its contents, and errors that say where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_lambda_esm.deploy import syntax
from pytest_lambda_esm.errors import DeployError


@dataclass(frozen=True)
class Template:
    """A template that was read: ``body`` is what it says, and ``text`` where lines are looked up.

    ``file`` is None for a dictionary. ``folder`` is where relative paths start. ``prefix`` is how a test names what is
    in it: ``"Nested."`` for a nested stack.
    """

    body: dict[str, Any] = field(repr=False)
    folder: Path
    file: Path | None = None
    text: str = field(default="", repr=False)
    prefix: str = ""

    @property
    def name(self) -> str:
        """The file's name, for texts."""
        return str(self.file) if self.file is not None else "the template"

    def error(self, message: str, *path: str | int, number: int | None = None) -> DeployError:
        """Return an error about a part of the template; ``path`` are the keys that lead to it."""
        line = number or (syntax.line_of(self.text, path) if self.file is not None and path else None)
        place = f"{self.name}, line {line}" if line is not None else self.name
        return DeployError(f"{place}: {message}")

    def section(self, name: str) -> dict[str, Any]:
        """Return a section such as ``Resources``, empty if it is missing. Raises DeployError if it is not a mapping."""
        found = self.body.get(name) or {}
        if not isinstance(found, dict):
            raise self.error(f"{name} holds {type(found).__name__}, where CloudFormation takes a mapping", name)
        return found

    @property
    def resources(self) -> dict[str, Any]:
        """The resources by their logical ids. Raises DeployError if there are none, or one has no type."""
        resources = self.section("Resources")
        if not resources:
            raise self.error("the template has no Resources, and CloudFormation needs at least one", "Resources")
        for logical_id, resource in resources.items():
            if logical_id.startswith("Fn::"):
                continue
            if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
                raise self.error(f"the resource {logical_id!r} has no Type", "Resources", logical_id)
            if not isinstance(resource.get("Properties", {}), dict):
                raise self.error(
                    f"the Properties of {logical_id!r} are not a mapping", "Resources", logical_id, "Properties"
                )
        return resources

    def with_body(self, body: dict[str, Any]) -> Template:
        """Return the template with other contents; lines are still looked up in the file."""
        return replace(self, body=body)


def read_file(file: Path) -> Template:
    """Read a template from a file. Raises DeployError."""
    __tracebackhide__ = True
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise DeployError(f"the template {str(file)!r} cannot be read: {problem}") from None
    template = Template({}, file.parent, file, text)
    try:
        body = syntax.parse(text)
    except syntax.TemplateSyntaxError as problem:
        raise template.error(f"it does not parse as a template: {problem}", number=problem.line) from None
    if not isinstance(body, dict):
        raise template.error(f"a template is a mapping with Resources; this is {type(body).__name__}")
    return template.with_body(body)


def read_dictionary(given: Mapping[str, Any], folder: Path) -> Template:
    """Take a template from a dictionary; relative paths start in ``folder``. Raises DeployError."""
    __tracebackhide__ = True
    try:
        text = json.dumps(given)
    except (TypeError, ValueError) as problem:
        raise DeployError(f"the template is a dictionary that JSON cannot express: {problem}") from None
    return Template(json.loads(text), folder)


def child(value: Any, path: Sequence[str]) -> Any:
    """Return what is at a path of nested mappings, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
