"""What ``AWS::Include`` brings into a template, as ``sam package`` and CloudFormation do before anything else.

A location is a file on this machine, relative to the template's folder. One in a bucket is left to moto, which reads it
from its S3 when the stack is created. APIs are not simulated, so an empty definition takes the place of theirs. Macros
of an account do not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_lambda_esm.deploy import syntax
from pytest_lambda_esm.deploy.template import Template

_TRANSFORM: Final = "Fn::Transform"
_INCLUDE: Final = "AWS::Include"
_APIS: Final = ("AWS::Serverless::Api", "AWS::Serverless::HttpApi")
_NOTHING: Final = {"openapi": "3.0.1", "info": {}, "paths": {}}


class Includes:
    """Includes files into one template; ``read`` are those that were read. ``value`` evaluates locations."""

    def __init__(self, template: Template, value: Callable[[Any], Any]) -> None:
        self._template = template
        self._value = value
        self.read: list[Path] = []

    def included(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a template with what it includes. Raises DeployError for missing files and for macros."""
        found = {key: value for key, value in body.items() if key != "Transform"}
        given = body.get("Transform", [])
        kept = []
        for each in given if isinstance(given, list) else [given]:
            name = each.get("Name") if isinstance(each, dict) else each
            if name == _INCLUDE and isinstance(each, dict):
                found = {**found, **self._contents(each, ("Transform",))}
            elif str(name).startswith("AWS::"):
                kept.append(name)
            else:
                raise self._macro(name, ("Transform",))
        if kept:
            found["Transform"] = kept
        return {key: self._expanded(value, (key,)) for key, value in found.items()}

    def _expanded(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, list):
            return [self._expanded(each, (*path, index)) for index, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        expanded = {key: self._expanded(inner, (*path, key)) for key, inner in value.items() if key != _TRANSFORM}
        if value.get("Type") in _APIS and isinstance(expanded.get("Properties"), dict):
            _without_definition(expanded["Properties"])
        if _TRANSFORM not in value:
            return expanded
        given = value[_TRANSFORM]
        if not isinstance(given, dict) or given.get("Name") != _INCLUDE:
            raise self._macro(given.get("Name") if isinstance(given, dict) else given, path)
        contents = self._contents(given, path)
        return {**expanded, **contents} if isinstance(contents, dict) else contents

    def _contents(self, given: Mapping[str, Any], path: tuple[str | int, ...]) -> Any:
        location = self._value((given.get("Parameters") or {}).get("Location"))
        if not isinstance(location, str) or "://" in location:
            return {_TRANSFORM: given}
        file = (self._template.folder / location).resolve()
        if not file.is_file():
            raise self._template.error(
                f"{_INCLUDE} names {location!r}, and there is no {str(file)!r}. Paths are relative to the template's"
                f" folder",
                *path,
            )
        try:
            contents = syntax.parse(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, syntax.TemplateSyntaxError) as problem:
            raise self._template.error(f"{_INCLUDE} of {str(file)!r}: {problem}", *path) from None
        self.read.append(file)
        return contents

    def _macro(self, name: Any, path: tuple[str | int, ...]) -> Exception:
        return self._template.error(
            f"the macro {name!r} does not run here, so what it would make of the template is not known. Deploy the"
            f" processed template, which 'aws cloudformation get-template --template-stage Processed' returns",
            *path,
        )


def _without_definition(properties: dict[str, Any]) -> None:
    """Replace a definition that is in a bucket, in place."""
    definition = properties.get("DefinitionBody")
    if isinstance(definition, dict) and _TRANSFORM in definition:
        properties["DefinitionBody"] = dict(_NOTHING)
