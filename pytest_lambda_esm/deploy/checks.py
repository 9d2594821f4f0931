"""The form of a template, as CloudFormation checks it first: sections, names, outputs, and calls of its functions.

Each part is checked where it is in the file, so that an error has its line. What functions refer to is checked in
``references``, after conditions are decided and SAM is translated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import DeployError, nearest

Path = tuple["str | int", ...]

_SECTIONS: Final = (
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
)
_OF_TOOLS: Final = ("Fn::", "x-", "X-")
"""How the names of other sections start: loops and includes, and keys that people keep anchors of YAML under."""


def check(template: Template) -> None:
    """Check a template as it was read. Raises DeployError for the first mistake."""
    __tracebackhide__ = True
    for name in template.body:
        if name not in _SECTIONS and not name.startswith(_OF_TOOLS):
            raise template.error(f"a template has no section {name!r}. {nearest(name, _SECTIONS)}", name)
    for logical_id in template.resources:
        if not re.fullmatch("[A-Za-z0-9]+", logical_id) and not logical_id.startswith("Fn::"):
            raise template.error(
                f"the logical id {logical_id!r} has other characters than letters and digits", "Resources", logical_id
            )
    for name, output in template.section("Outputs").items():
        if not name.startswith("Fn::") and not (isinstance(output, dict) and "Value" in output):
            raise template.error(f"the output {name!r} has no Value", "Outputs", name)
    for section in ("Conditions", "Resources", "Outputs"):
        _check_functions(template, template.section(section), (section,))


def _check_functions(template: Template, value: Any, path: Path) -> None:
    if isinstance(value, list):
        for index, each in enumerate(value):
            _check_functions(template, each, (*path, index))
    elif isinstance(value, dict):
        for key, inner in value.items():
            where = (*path, key)
            if key in _FORMS and len(value) == 1 and not _FORMS[key][0](inner):
                raise _malformed(template, key, inner, path)
            if len(value) == 1 and isinstance(key, str) and key.startswith("Fn::") and not _is_known(key):
                raise template.error(f"there is no function {key}. {nearest(key, (*_FORMS, *_OTHERS))}", *path)
            _check_functions(template, inner, where)


def _is_known(key: str) -> bool:
    return key in _FORMS or key in _OTHERS or key.startswith("Fn::ForEach::")


def _malformed(template: Template, key: str, given: Any, path: Path) -> DeployError:
    return template.error(f"{key} takes {_FORMS[key][1]}, not {given!r}", *path)


# --- the forms of functions --------------------------------------------------------------------------------------


def _is_text(given: Any) -> bool:
    return isinstance(given, str)


def _is_attribute(given: Any) -> bool:
    parts = given.split(".", 1) if isinstance(given, str) else given
    return isinstance(parts, list) and len(parts) >= 2 and isinstance(parts[0], str)


def _is_sub(given: Any) -> bool:
    if isinstance(given, list):
        return len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], dict)
    return isinstance(given, str)


def _is_selection(given: Any) -> bool:
    if not isinstance(given, list) or len(given) != 2:
        return False
    index, items = given
    if isinstance(index, str) and not index.isdigit():
        return False
    is_out_of_range = isinstance(index, (int, str)) and isinstance(items, list) and int(index) >= len(items)
    return not is_out_of_range and not isinstance(items, str)


def _is_joined(given: Any) -> bool:
    return isinstance(given, list) and len(given) == 2 and isinstance(given[1], (list, dict))


def _is_pair(given: Any) -> bool:
    return isinstance(given, list) and len(given) == 2


def _is_look_up(given: Any) -> bool:
    return isinstance(given, list) and len(given) in (3, 4)


def _is_choice(given: Any) -> bool:
    return isinstance(given, list) and len(given) == 3 and isinstance(given[0], str)


_FORMS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "Ref": (_is_text, "the name of a resource or parameter"),
    "Fn::GetAtt": (_is_attribute, "a logical id and an attribute, such as Queue.Arn"),
    "Fn::Sub": (_is_sub, "a text, or a list of a text and a mapping"),
    "Fn::Select": (_is_selection, "an index and a list that is long enough"),
    "Fn::Join": (_is_joined, "a text and a list"),
    "Fn::Split": (_is_pair, "two texts"),
    "Fn::FindInMap": (_is_look_up, "a mapping and two keys"),
    "Fn::If": (_is_choice, "a condition and two values"),
}
_OTHERS: Final = (
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::Equals",
    "Fn::GetAZs",
    "Fn::GetStackOutput",
    "Fn::ImportValue",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::RefAll",
    "Fn::ToJsonString",
    "Fn::Transform",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
)
