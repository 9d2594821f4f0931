"""What deployed templates need of moto: code in folders, bound handlers, nested templates, and who failed.

A function or layer whose code is "in the bucket" LOCAL has it in a folder or zip file of this machine: the key is its
path. Functions of the bucket BOUND have a handler of the test: the key is its token. The role of a function that is
named by its ARN is made if it does not exist, since it is in the account already. Templates with the scheme of
:func:`template_url` are those of :class:`Deployments`. Layers of other accounts are accepted, since their contents
cannot be known.

Seen with moto 5.1.9 and 5.2.5: ``LambdaFunction._set_function_code`` and ``_get_layers_data``, ``LayerVersion``,
``cloudformation.models.Stack`` and ``get_stack_from_s3_url``, ``cloudformation.parsing``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, Protocol

from moto.awslambda.models import LambdaFunction, LayerVersion

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.errors import DeployError
from pytest_lambda_esm.invocation.configuration import SourceFolder
from pytest_lambda_esm.invocation.handlers import Handler
from pytest_lambda_esm.moto_bridge.functions import keep_folder, placeholder_archive, provide_role
from pytest_lambda_esm.moto_bridge.stacks.services import import_cloudformation, model_of
from pytest_lambda_esm.patching import Patches, original_of

LOCAL: Final = "lambda-esm-local-code"
"""The "bucket" of code on this machine; the key is a path."""
BOUND: Final = "lambda-esm-bound-handler"
"""The "bucket" of handlers of the test; the key is a token of :class:`Deployments`."""
EXTRA: Final = "pip install 'pytest-lambda-esm[deploy]'"
"""What installs all that deployments need."""
PYTHON: Final = "python"
"""The "version" of a layer's folder that is ``/opt/python`` in Lambda. That of a function's folder is its hash."""
_TIMES: Final = "_lambda_esm_deployed"
"""An attribute added to moto's functions and layers: how often their folder was deployed."""
_SCHEME: Final = "lambda-esm-template://"


class Bind(Protocol):
    """Binds a handler to a function."""

    def __call__(self, account_id: str, region: str, name: str, /, *, handler: Handler) -> None:
        """Bind it to the function of an account and region with this name."""
        ...


@dataclass
class Deployments:
    """The handlers and nested templates of the stacks of one world; ``failed`` is the resource that failed last.

    ``complete`` is the id of a stack, and what is called before its update is final: an exception rolls it back.
    """

    handlers: dict[str, Handler] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    failed: tuple[str, str] | None = None
    complete: tuple[str, Callable[[], None]] | None = None

    def before_final(self, stack_id: str) -> None:
        """Call what a deployment wants to be called before the update of a stack is final."""
        if self.complete is not None and self.complete[0] == stack_id:
            self.complete[1]()

    def keep_handler(self, handler: Handler) -> str:
        """Keep a handler, and return its token."""
        token = str(len(self.handlers))
        self.handlers[token] = handler
        return token

    def keep_template(self, text: str) -> str:
        """Keep a nested template, and return the URL to name it by."""
        url = template_url(text)
        self.templates[url] = text
        return url


def template_url(text: str) -> str:
    """Return the URL of a template: the same for the same text, so that an update sees what did not change."""
    return f"{_SCHEME}{hashlib.sha256(text.encode()).hexdigest()}"


def install(patches: Patches, deployments: Deployments, bind: Bind) -> None:
    """Have moto's functions, layers and stacks use code and templates of this machine."""
    _install_functions(patches, deployments, bind)
    _install_layers(patches)
    _install_stacks(patches, deployments)


def check_extra() -> None:
    """Raise DeployError if moto lacks what it needs for CloudFormation."""
    __tracebackhide__ = True
    try:
        import_cloudformation()
    except ImportError as problem:
        raise DeployError(f"moto's CloudFormation needs more packages: {EXTRA} ({problem})") from None


def creates(resource_type: str) -> bool:
    """Return whether moto, with what this package adds, creates resources of a type."""
    from moto.cloudformation import parsing

    if resource_type in parsing.NULL_MODELS or resource_type.startswith("Custom::"):
        return True
    return resource_type in _added_types() or model_of(resource_type) is not None


@cache
def _added_types() -> frozenset[str]:
    """Return the resource types that this package adds to moto's."""
    from pytest_lambda_esm.moto_bridge.stacks import installation as stacks

    nothing = stacks.Surroundings(operations=dict, options=dict, advise=lambda *_: None, new_id=str)
    return frozenset(stacks.kinds(nothing))


# --- code -------------------------------------------------------------------------------------------------------


def _install_functions(patches: Patches, deployments: Deployments, bind: Bind) -> None:
    set_code = original_of(LambdaFunction, "_set_function_code")
    layers_data = original_of(LambdaFunction, "_get_layers_data")
    create = original_of(LambdaFunction, "create_from_cloudformation_json")

    def _set_function_code(self: Any, updated_spec: dict[str, Any]) -> None:
        bucket, key = updated_spec.get("S3Bucket"), str(updated_spec.get("S3Key"))
        if bucket not in (LOCAL, BOUND):
            keep_folder(self, None)
            set_code(self, updated_spec)
            return
        folder = Path(key) if bucket == LOCAL and Path(key).is_dir() else None
        content = placeholder_archive() if bucket == BOUND or folder else _zip(key)
        keep_folder(self, SourceFolder(folder) if folder else None)
        is_new = updated_spec is self.code
        self.code = {"ZipFile": content}
        set_code(self, self.code if is_new else {"ZipFile": content})
        if folder:
            self.code_sha_256 = _encoded(updated_spec.get("S3ObjectVersion")) or _digest(self, key)
        if bucket == BOUND:
            bind(self.account_id, self.region, self.function_name, handler=deployments.handlers[key])

    def _get_layers_data(self: Any, layers_versions_arns: list[str]) -> list[dict[str, Any]]:
        own = [arn for arn in layers_versions_arns if _is_of_account(arn, self.account_id)]
        known = {layer["Arn"]: layer for layer in layers_data(self, own)}
        return [known.get(arn, {"Arn": arn, "CodeSize": 0}) for arn in layers_versions_arns]

    def create_from_cloudformation_json(cls: Any, name: str, definition: Any, *args: Any, **kwargs: Any) -> Any:
        _provide_role(definition["Properties"].get("Role"), *args[:2])
        return create(cls, name, definition, *args, **kwargs)

    patches.set(LambdaFunction, "create_from_cloudformation_json", classmethod(create_from_cloudformation_json))
    patches.set(LambdaFunction, "_set_function_code", _set_function_code)
    patches.set(LambdaFunction, "_get_layers_data", _get_layers_data)


def _provide_role(arn: Any, account_id: str, region: str) -> None:
    """Make the role of a function that the template does not have itself: it is in the account already."""
    parsed = Arn.parse(arn) if isinstance(arn, str) else None
    if parsed is not None and parsed.service == "iam" and parsed.account_id == account_id:
        path, _, name = parsed.resource.removeprefix("role").rpartition("/")
        provide_role(account_id, region, name, f"{path}/")


def _install_layers(patches: Patches) -> None:
    create = original_of(LayerVersion, "__init__")

    def __init__(self: Any, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        content = spec["Content"]
        if content.get("S3Bucket") != LOCAL:
            create(self, spec, *args, **kwargs)
            return
        path = Path(content["S3Key"])
        is_folder = path.is_dir()
        zipped = placeholder_archive() if is_folder else _zip(str(path))
        create(self, {**spec, "Content": {"ZipFile": zipped}}, *args, **kwargs)
        if is_folder:
            keep_folder(self, SourceFolder(path, content.get("S3ObjectVersion") == PYTHON))
            self.code_sha_256 = _digest(self, str(path))

    patches.set(LayerVersion, "__init__", __init__)
    if not hasattr(LayerVersion, "physical_resource_id"):
        patches.set(LayerVersion, "physical_resource_id", property(lambda self: self.arn))


def _zip(path: str) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()


def _is_of_account(arn: str, account_id: str) -> bool:
    parsed = Arn.parse(arn)
    return parsed is None or parsed.account_id == account_id


def _digest(resource: Any, path: str) -> str:
    """Return a new hash each time, since the files of the folder may have changed since the last deployment."""
    times = vars(resource).get(_TIMES, 0) + 1
    setattr(resource, _TIMES, times)
    return _encoded(hashlib.sha256(f"{path} {times}".encode()).hexdigest())


def _encoded(digest: Any) -> str:
    """Return a hash as Lambda writes it, from hexadecimal text; empty for None."""
    return base64.b64encode(bytes.fromhex(str(digest or ""))).decode()


# --- stacks -----------------------------------------------------------------------------------------------------


def _install_stacks(patches: Patches, deployments: Deployments) -> None:
    from moto.cloudformation import models, parsing

    read = original_of(models, "get_stack_from_s3_url")
    create = original_of(parsing, "parse_and_create_resource")

    def get_stack_from_s3_url(template_url: str, *args: Any, **kwargs: Any) -> Any:
        kept = deployments.templates.get(template_url)
        return kept if kept is not None else read(template_url, *args, **kwargs)

    def parse_and_create_resource(logical_id: str, resource_json: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return create(logical_id, resource_json, *args, **kwargs)
        except BaseException:
            deployments.failed = deployments.failed or (logical_id, str(resource_json.get("Type")))
            raise

    def get_cfn_attribute(self: Any, attribute_name: str) -> Any:
        part, _, name = attribute_name.partition(".")
        if part == "Outputs" and name in self.output_map.outputs:
            output = self.output_map[name]
            if output is not None:
                return output.value
        from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

        raise UnformattedGetAttTemplateException()

    patches.set(models, "get_stack_from_s3_url", get_stack_from_s3_url)
    patches.set(models.Stack, "get_cfn_attribute", get_cfn_attribute)
    patches.set(parsing, "parse_and_create_resource", parse_and_create_resource)


def has_parameter(account_id: str, region: str, name: str) -> bool:
    """Return whether the parameter store has an entry."""
    from moto.ssm.models import ssm_backends

    return ssm_backends[account_id][region].get_parameter(name) is not None


@dataclass(frozen=True, slots=True)
class CreatedResource:
    """A resource of a stack in moto: ``physical_id`` is its ``Ref``, ``attribute`` returns its ``Fn::GetAtt``."""

    type: str
    physical_id: str
    attribute: Callable[[str], Any]


def resources(account_id: str, region: str, stack_id: str) -> dict[str, CreatedResource]:
    """Return the resources of a stack, named by its name or ARN, by their logical ids."""
    from moto.cloudformation.models import cloudformation_backends

    stack = cloudformation_backends[account_id][region].get_stack(stack_id)
    created = {}
    for logical_id in stack.resource_map.resources:
        resource = stack.resource_map._parsed_resources.get(logical_id)
        if resource is not None and not isinstance(resource, str):
            kind = stack.template_dict["Resources"][logical_id]["Type"]
            physical_id = str(getattr(resource, "physical_resource_id", logical_id))
            created[logical_id] = CreatedResource(kind, physical_id, partial(_attribute, resource))
    return created


def _attribute(resource: Any, name: str) -> Any:
    return resource.get_cfn_attribute(name)
