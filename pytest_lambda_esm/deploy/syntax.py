"""The syntax of templates: YAML with the short forms of intrinsic functions, or JSON; and the lines of their parts.

PyYAML follows YAML 1.1, CloudFormation does not in three places: dates, numbers with leading zeros (account ids) and
numbers with colons stay texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from pytest_lambda_esm.errors import DeployError

try:
    import yaml
except ImportError as problem:
    raise DeployError(f"deploy needs its extra: pip install 'pytest-lambda-esm[deploy]' ({problem})") from None

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXTS: Final = re.compile(r"[-+]?0\d+|[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?")
"""Numbers of YAML 1.1 that are texts in a template."""


class TemplateSyntaxError(Exception):
    """A template that cannot be read; ``line`` counts from 1, and is None where it is unknown."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


def parse(text: str) -> Any:
    """Read a template. Raises TemplateSyntaxError."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError as problem:
            if isinstance(problem, json.JSONDecodeError) and not _is_yaml(text):
                raise TemplateSyntaxError(problem.msg, problem.lineno) from None
    try:
        return yaml.load(text, _TemplateLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TemplateSyntaxError(str(error.problem), mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise TemplateSyntaxError(str(error), None) from None


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Return the line of a part of a template, or of the innermost part around it; None if there is none."""
    try:
        node = yaml.compose(text.replace("\t", "  "), _Loader)
    except yaml.YAMLError:
        return None
    line = None
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        mark, node = found
        line = mark.line + 1
    return line


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


def _is_yaml(text: str) -> bool:
    try:
        yaml.load(text, _TemplateLoader)
    except yaml.YAMLError:
        return False
    return True


class _TemplateLoader(_Loader):  # type: ignore[misc]  # One of two classes.
    """Reads a template; the class keeps its constructors apart from those of other users of PyYAML."""


def _short_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    """Return ``!Sub text`` as ``{"Fn::Sub": text}``."""
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = node.value
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: _mapping(loader, node)}


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, (str, int, float, bool)):
            raise yaml.constructor.ConstructorError(None, None, "a key that is not a text", key_node.start_mark)
        if not isinstance(key, str):
            key = key_node.value  # A template is JSON in the end, whose keys are texts: "On", "123456789012".
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} twice", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _integer(loader: Any, node: Any) -> Any:
    return node.value if _TEXTS.fullmatch(node.value) else loader.construct_yaml_int(node)


def _decimal(loader: Any, node: Any) -> Any:
    return node.value if _TEXTS.fullmatch(node.value) else loader.construct_yaml_float(node)


_TemplateLoader.add_multi_constructor("!", _short_form)
_TemplateLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_TemplateLoader.add_constructor("tag:yaml.org,2002:int", _integer)
_TemplateLoader.add_constructor("tag:yaml.org,2002:float", _decimal)
_TemplateLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
