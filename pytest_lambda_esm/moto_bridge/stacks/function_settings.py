"""``AWS::Lambda::Function``: what moto's template parser leaves out of a function, and its updates.

Follows the page ``AWS::Lambda::Function`` of the CloudFormation template reference. Seen with moto 5.1.9, 5.1.22, 5.2.0
and 5.2.5: ``LambdaFunction.create_from_cloudformation_json`` passes on eleven properties;
``update_from_cloudformation_json`` takes inline code for an archive, and knows neither another name nor a property that
is no longer stated.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from moto.awslambda.models import LambdaFunction

from pytest_lambda_esm.moto_bridge.stacks.kinds import as_text
from pytest_lambda_esm.patching import Patches, original_of

_STATED: Final = "_lambda_esm_stated"
"""An attribute of moto's functions: the properties of the template."""
_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "DeadLetterConfig": {"TargetArn": ""},
        "Description": "",
        "Environment": {"Variables": {}},
        "Handler": None,
        "Layers": [],
        "LoggingConfig": {},
        "MemorySize": 128,
        "Role": None,
        "Runtime": None,
        "Timeout": 3,
        "VpcConfig": {},
    }
)
"""What an update of the configuration changes, with the values of properties that are no longer stated."""
_NUMBERS: Final = ("MemorySize", "Timeout")


def install(patches: Patches) -> None:
    """Complete what stacks create and update."""
    create = original_of(LambdaFunction, "create_from_cloudformation_json")

    def create_completely(cls: Any, resource_name: str, cloudformation_json: Any, *args: Any, **kwargs: Any) -> Any:
        cloudformation_json = {**cloudformation_json, "Properties": _typed(cloudformation_json["Properties"])}
        stated = {**cloudformation_json["Properties"], "Code": dict(cloudformation_json["Properties"]["Code"])}
        function = create(cls, resource_name, cloudformation_json, *args, **kwargs)
        if stated.get("Layers"):
            function.layers = function._get_layers_data(stated["Layers"])
        _set_others(function, stated)
        return function

    def update(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        after = _typed(cloudformation_json["Properties"])
        before = vars(original_resource).get(_STATED)
        if before is not None and before.get("FunctionName") != after.get("FunctionName"):
            place = (account_id, region_name)
            replacement = cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, *place)
            replacement.replaces = original_resource
            return replacement
        _change(original_resource, before or {}, after)
        return original_resource

    patches.set(LambdaFunction, "create_from_cloudformation_json", classmethod(create_completely))
    patches.set(LambdaFunction, "update_from_cloudformation_json", classmethod(update))


def _typed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with the types of the API: variables are texts, and a parameter is a text everywhere."""
    typed = {**properties, **{name: int(properties[name]) for name in _NUMBERS if name in properties}}
    environment = properties.get("Environment") or {}
    if environment.get("Variables"):
        variables = {name: as_text(value) for name, value in environment["Variables"].items()}
        typed["Environment"] = {**environment, "Variables": variables}
    return typed


def _change(function: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    changed = [name for name in _SETTINGS if before.get(name) != after.get(name)]
    settings = {name: after.get(name, _SETTINGS[name]) for name in changed}
    if settings:
        function.update_configuration({name: value for name, value in settings.items() if value is not None})
    if before.get("Code") != after["Code"]:
        code = dict(after["Code"])
        if "ZipFile" in code:  # In a template, this is the text of the module.
            archive = LambdaFunction._create_zipfile_from_plaintext_code(code["ZipFile"])
            code["ZipFile"] = base64.b64encode(archive)
        function.update_function_code(code)
    _set_others(function, after)


def _set_others(function: Any, stated: Mapping[str, Any]) -> None:
    """Set what no update of the configuration changes in moto."""
    function.architectures = list(stated.get("Architectures") or ["x86_64"])
    function.tracing_config = stated.get("TracingConfig") or {"Mode": "PassThrough"}
    function.ephemeral_storage = int((stated.get("EphemeralStorage") or {}).get("Size", 512))
    function.tags = {tag["Key"]: tag["Value"] for tag in stated.get("Tags") or ()}
    reserved = stated.get("ReservedConcurrentExecutions")
    function.reserved_concurrency = None if reserved is None else int(reserved)
    setattr(function, _STATED, {**stated, "Code": dict(stated["Code"])})
