"""From a template to what CloudFormation can create here: read, decide, translate, check, and locate the code.

The result depends on the texts of the template and of the files that it includes, on the parameters, the region, on
what the test binds or skips, and on the source of functions whose versions it publishes; nothing else is read. It is
kept for the process under exactly these, as JSON text that nobody can change, so that a template which many tests
deploy is translated once. Whether source folders and modules exist is checked at each deployment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from pytest_lambda_esm.deploy import assembly, checks, code, parameters, references, sam
from pytest_lambda_esm.deploy.code import FunctionCode
from pytest_lambda_esm.deploy.contents import Contents
from pytest_lambda_esm.deploy.includes import Includes
from pytest_lambda_esm.deploy.language import Language
from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import nearest
from pytest_lambda_esm.moto_bridge.deployment import BOUND, creates

_NESTED: Final = "AWS::CloudFormation::Stack"
_APPLICATION: Final = "AWS::Serverless::Application"
_HTTP: Final = "HTTP events. Call the handlers of these events with events of your own"
_NOT_SIMULATED: Final = {
    "AWS::ApiGateway::*": _HTTP,
    "AWS::ApiGatewayV2::*": _HTTP,
    "AWS::Lambda::Url": _HTTP,
    "AWS::IoT::TopicRule": "events of AWS IoT. Call the handlers of these events with events of your own",
    "AWS::CodeDeploy::*": "gradual deployments. An alias moves to the new version at once",
}
"""Types of resources that are left out of each stack, with what is not simulated."""
_METADATA: Final = ("AWS::CDK::Metadata",)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a test chooses: ``bound`` are logical ids with a handler of the test, ``skip`` are patterns of types."""

    account_id: str
    region: str
    bound: frozenset[str] = frozenset()
    skip: tuple[str, ...] = ()

    def of_nested(self, logical_id: str) -> Choices:
        """Return the choices for a nested stack, whose functions the test names as ``Nested.Function``."""
        prefix = f"{logical_id}."
        inner = frozenset(name[len(prefix) :] for name in self.bound if name.startswith(prefix))
        return Choices(self.account_id, self.region, inner, self.skip)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A template that can be created: ``text`` is CloudFormation in JSON, ``nested`` are its nested templates.

    ``left_out`` has the types of resources that the test skips, by logical id; ``not_simulated`` those of other
    resources that are not created.
    """

    template: Template
    text: str = field(repr=False)
    values: Mapping[str, str]
    functions: tuple[FunctionCode, ...]
    nested: Mapping[str, Prepared]
    left_out: Mapping[str, str]
    not_simulated: Mapping[str, str]

    def gaps(self) -> Iterator[str]:
        """Yield a text about each group of resources that is left out because nothing simulates it."""
        groups: dict[str, list[str]] = {}
        for name, kind in self.not_simulated.items():
            about = next(text for pattern, text in _NOT_SIMULATED.items() if fnmatchcase(kind, pattern))
            groups.setdefault(about, []).append(f"{name} ({kind})")
        for about, listed in groups.items():
            what, _, advice = about.partition(". ")
            yield (
                f"{self.template.name} has {what}, which are not simulated: {', '.join(listed)} are left out. {advice}"
            )

    def check_files(self) -> None:
        """Check that the files of all handlers exist. Raises DeployError."""
        code.check_files(self.template, list(self.functions))
        for each in self.nested.values():
            each.check_files()


class Preparation:
    """Prepares templates; one object for the process keeps what it has prepared."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], tuple[Prepared, dict[Path, str], dict[Path, str]]] = {}

    def prepare(self, found: assembly.Found, given: Mapping[str, Any], choices: Choices) -> Prepared:
        """Prepare a template with parameters. Raises DeployError."""
        __tracebackhide__ = True
        template = found.template
        shown = tuple(sorted((name, parameters.as_text(value)) for name, value in given.items()))
        text = template.text or json.dumps(template.body, sort_keys=True)
        key = (template.file, template.folder, text, shown, choices)
        contents = Contents()
        kept, texts, digests = self._kept.get(key, (None, {}, {}))
        if kept is not None and _unchanged(texts, _text) and _unchanged(digests, contents.digest):
            return kept
        checks.check(template)
        run = _Run(template, found.find_asset, choices, contents)
        prepared = run.prepared(parameters.resolve(template, given))
        files = {**run.files, **{file: _text(file) for file in _included(prepared)}}
        self._kept[key] = (prepared, files, dict(contents.digests))
        return prepared


def _unchanged(before: Mapping[Path, str], now: Callable[[Path], str]) -> bool:
    return all(now(path) == text for path, text in before.items())


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def _included(prepared: Prepared) -> list[Path]:
    files = []
    for each in prepared.nested.values():
        files += [each.template.file] if each.template.file is not None else []
        files += _included(each)
    return files


class _Run:
    """The preparation of one template."""

    def __init__(self, template: Template, find_asset: code.FindAsset, choices: Choices, contents: Contents) -> None:
        self._template = template
        self._find_asset = find_asset
        self._choices = choices
        self._contents = contents
        self._left_out: dict[str, str] = {}
        self._not_simulated: dict[str, str] = {}
        self.above: tuple[Template, ...] = ()
        self.files: dict[Path, str] = {}

    def prepared(self, given: Mapping[str, str]) -> Prepared:
        values = {**_pseudo(self._choices), **parameters.all_values(self._template, given)}
        body = self._decided(self._template, values)
        self._take_out(body["Resources"], self._choices.skip, self._left_out)
        self._check_bound(body["Resources"])
        if sam.has_transform(self._template.body):
            body = self._translated(body, values, given)
        body = references.normalised(body)
        resources = body["Resources"]
        self._take_out(resources, (*self._choices.skip, *_METADATA), self._left_out)
        self._take_out(resources, tuple(_NOT_SIMULATED), self._not_simulated)
        stand_ins = {name: name.lower() for name in (*self._left_out, *self._not_simulated)}
        body = references.without(body, stand_ins) if stand_ins else body
        self._forget_dependencies(body["Resources"])
        resources, outputs = body["Resources"], body.get("Outputs") or {}
        references.check(self._template.with_body(body), resources, outputs)
        self._check_types(resources)
        nested = self._nested(resources)
        references.check_nested(self._template.with_body(body), nested_outputs(nested), resources, outputs)
        functions = code.locate(self._template, resources, self._find_asset, self._choices.bound)
        for name in ("Conditions", "Globals", "Transform", "Rules", "Metadata", "Hooks"):
            body.pop(name, None)
        text = json.dumps(body)
        return Prepared(self._template, text, given, tuple(functions), nested, self._left_out, self._not_simulated)

    def _decided(self, template: Template, values: Mapping[str, Any]) -> dict[str, Any]:
        language = Language(template, values)
        body: dict[str, Any] = language.expanded(self._included(template, language))
        language = Language(template.with_body(body), values)
        kept = {name: value for name, value in body.items() if name not in ("Conditions", "Rules")}
        kept["Resources"] = language.kept(template.with_body(body).resources)
        if body.get("Outputs"):
            kept["Outputs"] = language.kept(template.with_body(body).section("Outputs"))
        if isinstance(body.get("Globals"), dict):
            kept["Globals"] = language.decided(body["Globals"])
        return kept

    def _included(self, template: Template, language: Language) -> dict[str, Any]:
        includes = Includes(template, language.value)
        body = includes.included(template.body)
        self.files.update((path, _text(path)) for path in includes.read)
        return body

    def _translated(self, body: dict[str, Any], values: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
        self._check_applications(body["Resources"])
        language = Language(self._template.with_body(body), values)
        read = code.locate_sam(self._template, body, language.value, self._choices.bound, self._contents.digest)
        self.files.update((path, _text(path)) for path in read)
        translated = sam.translate(self._template, body, {**values, **given}, self._choices.region)
        return self._decided(self._template.with_body(translated), values)

    def _take_out(self, resources: dict[str, Any], patterns: tuple[str, ...], found: dict[str, str]) -> None:
        for name in [name for name, each in resources.items() if _matches(each["Type"], patterns)]:
            found[name] = resources.pop(name)["Type"]

    def _forget_dependencies(self, resources: dict[str, Any]) -> None:
        """Drop dependencies on resources that a condition has left out, as CloudFormation does."""
        named = self._template.section("Resources")
        for resource in resources.values():
            given = resource.get("DependsOn")
            if given:
                names = [given] if isinstance(given, str) else given
                resource["DependsOn"] = [name for name in names if name in resources or name not in named]

    def _check_bound(self, resources: Mapping[str, Any]) -> None:
        kinds = (code.SAM_FUNCTION, code.FUNCTION)
        functions = [name for name, each in resources.items() if each["Type"] in kinds]
        for name in sorted(self._choices.bound):
            first, dot, _ = name.partition(".")
            if name not in functions and not (dot and first in resources):
                raise self._template.error(
                    f"code= names {name!r}, which is not a function of the template. Its functions are:"
                    f" {', '.join(functions) or 'none'}.",
                    "Resources",
                )

    def _check_types(self, resources: Mapping[str, Any]) -> None:
        lacking = {name: each["Type"] for name, each in resources.items() if not creates(each["Type"])}
        if lacking:
            first = self._origin(next(iter(lacking)))
            of_sam = {name: kind for name, kind in lacking.items() if kind.startswith("AWS::Serverless::")}
            if of_sam and sam.has_transform(self._template.body):
                name, kind = next(iter(of_sam.items()))
                raise self._template.error(
                    f"{name!r} has the type {kind!r}, which SAM does not have. {nearest(kind, sam.TYPES)}",
                    "Resources",
                    name,
                )
            if len(of_sam) == len(lacking):
                raise self._template.error(
                    f"{first!r} has a type of SAM, and the template does not ask for SAM's transform. Add 'Transform:"
                    f" {sam.TRANSFORM}'",
                    "Resources",
                    first,
                )
            types = ", ".join(repr(kind) for kind in dict.fromkeys(lacking.values()))
            listed = ", ".join(f"{name} ({kind})" for name, kind in lacking.items())
            raise self._template.error(
                f"these resources cannot be created here: {listed}. If the test does not need them, leave their types"
                f" out: deploy(..., skip=[{types}])",
                "Resources",
                first,
            )

    def _origin(self, logical_id: str) -> str:
        return origin(self._template, logical_id)

    # --- nested stacks -----------------------------------------------------------------------------------------

    def _check_applications(self, resources: Mapping[str, Any]) -> None:
        for name, each in resources.items():
            location = (each.get("Properties") or {}).get("Location")
            if each["Type"] == _APPLICATION and not isinstance(location, str):
                raise self._template.error(
                    f"the application {name!r} is in the Serverless Application Repository, which nothing here"
                    f" reaches. Leave it out: deploy(..., skip=[{_APPLICATION!r}])",
                    "Resources",
                    name,
                )

    def _nested(self, resources: Mapping[str, Any]) -> dict[str, Prepared]:
        nested = {}
        for name, resource in resources.items():
            if resource["Type"] != _NESTED:
                continue
            properties = resource.setdefault("Properties", {})
            file = self._find_asset(resource, "TemplateURL") or self._local_template(name, properties)
            if file is None:
                continue
            found = assembly.find(file, None)
            inner = replace(found.template, prefix=f"{self._template.prefix}{name}.")
            self._check_nesting(name, inner)
            checks.check(inner)
            # Parameters of a nested stack may be attributes of resources, which are not known yet.
            given = properties.get("Parameters") or {}
            known = {key: value for key, value in given.items() if not isinstance(value, dict)}
            run = _Run(inner, found.find_asset, self._choices.of_nested(name), self._contents)
            run.above = (*self.above, self._template)
            self._check_parameters(name, given, inner)
            parameters.resolve(inner, known, unknown=given.keys() - known.keys())
            nested[name] = run.prepared({key: parameters.as_text(value) for key, value in known.items()})
            self.files.update(run.files)
        return nested

    def _check_nesting(self, name: str, inner: Template) -> None:
        if inner.file in [each.file for each in (*self.above, self._template) if each.file is not None]:
            raise self._template.error(
                f"the nested stack {name!r} has the template {inner.name!r}, which it is in itself", "Resources", name
            )

    def _check_parameters(self, name: str, given: Mapping[str, Any], inner: Template) -> None:
        declared = inner.section("Parameters")
        missing = [each for each, about in declared.items() if each not in given and "Default" not in (about or {})]
        if missing:
            raise self._template.error(
                f"the nested stack {name!r} lacks the parameters {', '.join(map(repr, missing))} of {inner.name}, which"
                f" have no default. State them in its Parameters",
                "Resources",
                name,
            )

    def _local_template(self, name: str, properties: Mapping[str, Any]) -> Path | None:
        url = properties.get("TemplateURL")
        if not isinstance(url, str) or "://" in url:
            return None
        path = (self._template.folder / url).resolve()
        if not path.is_file():
            raise self._template.error(
                f"the nested stack {name!r} has the template {url!r}, and there is no {str(path)!r}", "Resources", name
            )
        return path


def nested_outputs(nested: Mapping[str, Prepared]) -> dict[str, Collection[str]]:
    """Return the names of the outputs of each nested stack."""
    return {name: (json.loads(each.text).get("Outputs") or {}).keys() for name, each in nested.items()}


def origin(template: Template, logical_id: str) -> str:
    """Return the resource of the file that a resource belongs to: SAM makes several of one."""
    named = [name for name in template.section("Resources") if logical_id.startswith(name)]
    return max(named, key=len, default=logical_id)


def _matches(kind: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(kind, pattern) for pattern in patterns)


def _pseudo(choices: Choices) -> dict[str, str]:
    return {
        "AWS::AccountId": choices.account_id,
        "AWS::Region": choices.region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }


def finished(
    prepared: Prepared, keep: Callable[[str], str], keep_template: Callable[[str], str], path: str = ""
) -> str:
    """Return the text to create the stack with: bound functions and nested templates by the names of this world."""
    if not prepared.nested and not any(each.is_bound or each.is_foreign for each in prepared.functions):
        return prepared.text
    body = json.loads(prepared.text)
    for function in prepared.functions:
        if function.is_bound or function.is_foreign:
            token = keep(f"{path}{function.logical_id}")
            properties = body["Resources"][function.logical_id]["Properties"]
            properties["Code"] = {"S3Bucket": BOUND, "S3Key": token}
    for name, nested in prepared.nested.items():
        text = finished(nested, keep, keep_template, f"{path}{name}.")
        body["Resources"][name]["Properties"]["TemplateURL"] = keep_template(text)
    return json.dumps(body)
