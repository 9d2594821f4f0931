"""Where the code of a template's functions and layers is, and what takes its place in the template.

Local code is named as code in a bucket of its own, whose keys are paths. Paths are relative to the template's folder
and may leave it, as ``sam build`` allows. Functions in other languages get a handler that says what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import is_zipfile

from pytest_lambda_esm.deploy import syntax
from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import nearest
from pytest_lambda_esm.moto_bridge.deployment import BOUND, LOCAL, PYTHON

FUNCTION: Final = "AWS::Lambda::Function"
LAYER: Final = "AWS::Lambda::LayerVersion"
SAM_FUNCTION: Final = "AWS::Serverless::Function"
SAM_LAYER: Final = "AWS::Serverless::LayerVersion"
_LANGUAGES: Final = ("dotnet", "go", "java", "nodejs", "provided", "python", "ruby")
"""How the names of runtimes start."""
_DEFINITIONS: Final = {
    "AWS::Serverless::StateMachine": ("DefinitionUri", "Definition"),
    "AWS::Serverless::Api": ("DefinitionUri", "DefinitionBody"),
    "AWS::Serverless::HttpApi": ("DefinitionUri", "DefinitionBody"),
}
"""Properties that name a local file, and those that take its contents."""


@dataclass(frozen=True, slots=True)
class LocalCode:
    """The code of a function or layer on this machine: a folder, or a zip file."""

    path: Path
    is_python: bool = False


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """How a function of a template runs: ``path`` is its local code, None where it is bound or stored elsewhere.

    ``runtime`` is empty for a container image.
    """

    logical_id: str
    handler: str
    runtime: str
    path: Path | None
    is_bound: bool = False

    @property
    def is_foreign(self) -> bool:
        """Whether it cannot run in the test's process."""
        return not self.is_bound and not self.runtime.startswith("python")


FindAsset = Callable[[Mapping[str, Any], str], "Path | None"]
"""Returns the file or folder that a resource's property stands for in an assembly, or None."""


def no_assets(resource: Mapping[str, Any], name: str) -> None:
    """Find no asset: the template is not part of an assembly."""


# --- before the translation of SAM -----------------------------------------------------------------------------


def locate_sam(
    template: Template,
    body: dict[str, Any],
    value: Callable[[Any], Any],
    bound: frozenset[str],
    digest: Callable[[Path], str],
) -> list[Path]:
    """Replace the local paths of SAM resources, in place, and return the files that were read.

    ``value`` evaluates intrinsic functions of paths; ``digest`` returns the hash of a folder's contents.
    """
    read = []
    shared = ((body.get("Globals") or {}).get("Function") or {}) if isinstance(body.get("Globals"), dict) else {}
    for logical_id, resource in body["Resources"].items():
        kind = resource["Type"]
        properties = resource["Properties"] = resource.get("Properties") or {}
        if kind == SAM_FUNCTION:
            merged = {**shared, **properties}
            _locate_function(template, logical_id, properties, merged, value, logical_id in bound)
            code = properties.get("CodeUri")
            if merged.get("AutoPublishAlias") and isinstance(code, dict) and code.get("Bucket") == LOCAL:
                code["Version"] = digest(Path(code["Key"]))
        elif kind == SAM_LAYER:
            uri = value(properties.get("ContentUri", "."))
            if isinstance(uri, str) and not uri.startswith("s3://"):
                path = _code(template, uri, logical_id, "ContentUri")
                is_python = str((resource.get("Metadata") or {}).get("BuildMethod", "")).startswith("python")
                properties["ContentUri"] = {"Bucket": LOCAL, "Key": str(path)}
                if is_python:
                    properties["ContentUri"]["Version"] = PYTHON
        elif kind in _DEFINITIONS:
            read += _read_definition(template, logical_id, properties, *_DEFINITIONS[kind])
    shared.pop("CodeUri", None)
    return read


def _locate_function(
    template: Template,
    logical_id: str,
    properties: dict[str, Any],
    merged: Mapping[str, Any],
    value: Callable[[Any], Any],
    is_bound: bool,
) -> None:
    is_image = merged.get("PackageType") == "Image" or "ImageUri" in merged
    if is_image or "InlineCode" in merged:
        if is_image:
            properties.setdefault("ImageUri", "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:latest")
        return
    uri = value(merged.get("CodeUri", "."))
    runtime = str(value(merged.get("Runtime", "")))
    if is_bound or not runtime.startswith("python"):
        properties["CodeUri"] = {"Bucket": BOUND, "Key": logical_id}
    elif isinstance(uri, str) and not uri.startswith("s3://"):
        path = _code(template, uri, logical_id, "CodeUri")
        properties["CodeUri"] = {"Bucket": LOCAL, "Key": str(path)}
    else:
        properties["CodeUri"] = uri


def _read_definition(
    template: Template, logical_id: str, properties: dict[str, Any], uri_name: str, body_name: str
) -> list[Path]:
    uri = properties.get(uri_name)
    if not isinstance(uri, str) or uri.startswith("s3://"):
        return []
    path = _existing(template, uri, logical_id, uri_name)
    del properties[uri_name]
    try:
        properties[body_name] = syntax.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, syntax.TemplateSyntaxError) as problem:
        raise template.error(
            f"{uri_name} of {logical_id!r}, {str(path)!r}: {problem}", "Resources", logical_id
        ) from None
    return [path]


# --- after it --------------------------------------------------------------------------------------------------


def locate(
    template: Template, resources: dict[str, Any], find_asset: FindAsset, bound: frozenset[str]
) -> list[FunctionCode]:
    """Replace the local code of Lambda's own resources, in place, and return how each function runs."""
    functions = []
    for logical_id, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == LAYER:
            _locate_content(template, logical_id, resource, "Content", find_asset)
        elif resource["Type"] == FUNCTION:
            runtime = str(properties.get("Runtime", ""))
            _check_runtime(template, logical_id, properties.get("Runtime"))
            if logical_id not in bound and runtime.startswith("python"):
                _locate_content(template, logical_id, resource, "Code", find_asset)
            code = properties.get("Code")
            path = Path(code["S3Key"]) if isinstance(code, dict) and code.get("S3Bucket") == LOCAL else None
            handler = str(properties.get("Handler", ""))
            functions.append(FunctionCode(logical_id, handler, runtime, path, logical_id in bound))
    return functions


def _check_runtime(template: Template, logical_id: str, runtime: Any) -> None:
    """Check the language of a runtime. Which versions Lambda has depends on the day, so those are not checked."""
    if isinstance(runtime, str) and not runtime.startswith(_LANGUAGES):
        raise template.error(
            f"Runtime of {logical_id!r} is {runtime!r}, which Lambda does not have."
            f" {nearest(re.split('[0-9]', runtime)[0], _LANGUAGES)}",
            "Resources",
            logical_id,
            "Properties",
            "Runtime",
        )


def _locate_content(
    template: Template, logical_id: str, resource: dict[str, Any], name: str, find_asset: FindAsset
) -> None:
    properties = resource.setdefault("Properties", {})
    given = properties.get(name)
    asset = find_asset(resource, name)
    if asset is not None:
        properties[name] = {"S3Bucket": LOCAL, "S3Key": str(asset)}
    elif isinstance(given, str) and not given.startswith("s3://"):
        path = _code(template, given, logical_id, name)
        properties[name] = {"S3Bucket": LOCAL, "S3Key": str(path)}
    elif given is None:
        raise template.error(
            f"{logical_id!r} has no {name}: a path, a bucket and key, or code in the template", "Resources", logical_id
        )


def check_files(template: Template, functions: list[FunctionCode]) -> None:
    """Check that the module of each local handler exists. Raises DeployError that names the files looked for."""
    for function in functions:
        if function.path is None or function.is_bound or not function.path.is_dir():
            continue
        module, dot, _ = function.handler.rpartition(".")
        if not dot:
            raise template.error(
                f"Handler of {function.logical_id!r} is {function.handler!r}; Lambda takes 'module.function'",
                "Resources",
                function.logical_id,
                "Properties",
                "Handler",
            )
        place = function.path / module.replace(".", "/")
        if not place.with_name(f"{place.name}.py").is_file() and not place.is_dir():
            found = sorted(file.name for file in function.path.glob("*.py"))[:8]
            raise template.error(
                f"Handler of {function.logical_id!r} is {function.handler!r}, and there is no"
                f" {f'{place}.py'!r}. {str(function.path)!r} has {', '.join(found) or 'no Python files'}."
                f" Correct Handler or CodeUri, or bind a handler: {advised(template.prefix + function.logical_id)}",
                "Resources",
                function.logical_id,
                "Properties",
                "Handler",
            )


def _existing(template: Template, given: str, logical_id: str, name: str) -> Path:
    path = (template.folder / given).resolve()
    if not path.exists():
        raise template.error(
            f"{name} of {logical_id!r} is {given!r}, and there is no {str(path)!r}."
            f" Paths are relative to the template's folder{_or_bind(template, logical_id, name)}",
            "Resources",
            logical_id,
            "Properties",
            name,
        )
    return path


def _or_bind(template: Template, logical_id: str, name: str) -> str:
    """Return the other way out for a text about a path, which only a function has."""
    return f"; or bind a handler: {advised(template.prefix + logical_id)}" if name in ("Code", "CodeUri") else ""


def _code(template: Template, given: str, logical_id: str, name: str) -> Path:
    path = _existing(template, given, logical_id, name)
    if path.is_file() and not is_zipfile(path):
        raise template.error(
            f"{name} of {logical_id!r} is {given!r}, which is neither a folder nor a zip file. Name the folder that it"
            f" is in{_or_bind(template, logical_id, name)}",
            "Resources",
            logical_id,
            "Properties",
            name,
        )
    return path


def advised(logical_id: str) -> str:
    """Return the call that binds a handler to a function, for texts."""
    return f"deploy(..., code={{{logical_id!r}: handler}})"


def read_json(path: Path) -> Any:
    """Read a JSON file of an assembly. Raises OSError or ValueError."""
    return json.loads(path.read_text("utf-8"))
