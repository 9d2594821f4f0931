"""Functions in moto: finds, routes and creates them, and preserves settings that moto discards.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import random
import zipfile
from functools import cache
from typing import Any, Final

from moto.awslambda.exceptions import InvalidParameterValueException, UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.awslambda.utils import get_backend
from moto.core.models import default_user_config
from moto.iam.models import iam_backends

from pytest_lambda_esm.arn import FunctionReference, partition_of
from pytest_lambda_esm.invocation.configuration import (
    IMAGE,
    RESERVED_VARIABLES,
    Archive,
    FunctionConfiguration,
    NewFunction,
    SourceFolder,
    Usage,
)
from pytest_lambda_esm.moto_bridge.session import backend_of
from pytest_lambda_esm.patching import Patches, original_of

_FOLDER: Final = "_lambda_esm_folder"
"""An attribute added to moto's functions and layers whose code is a folder: the SourceFolder."""
OWN_ROLE: Final = "lambda-esm-execution-role"
MADE_FOR_TESTS: Final = "made by pytest-lambda-esm for the functions of a test"
"""The description of roles that may do everything."""
_TRUST_POLICY: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
_LOG_LEVELS: Final = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
"""Lambda's log levels that Python names differently."""

_DISCARDED_BY_MOTO: Final = ("DeadLetterConfig", "LoggingConfig")
# Attributes added to moto's functions.
_PRESERVED: Final = "_lambda_esm_preserved"
_CACHED: Final = "_lambda_esm_configuration"
_IDENTITY: Final = "_lambda_esm_identity"


class MotoFunctions:
    """Finds and creates functions in moto. Everything is stored there, since a reset of moto discards all of it."""

    def __init__(self, randomness: random.Random) -> None:
        self._randomness = randomness

    def find(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """Return the configuration of a function at a qualifier, or None where it does not exist."""
        if reference.foreign:
            return None
        backend = _backend(reference.account_id, reference.region)
        versions = backend._lambdas._functions.get(reference.name)
        if versions is None:
            return None
        latest, qualifier = versions["latest"], reference.qualifier
        if qualifier is None or qualifier == "$LATEST":
            return _configuration(latest, latest, backend) if latest is not None else None
        if qualifier.lower() == "$latest":
            return None  # moto accepts any case; for AWS "$latest" is an unknown qualifier.
        try:
            function = backend.get_function(reference.name, qualifier)
        except UnknownFunctionException:
            return None
        return _configuration(function, latest or function, backend)

    def route(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """Return the configuration for one invocation: an alias with weights picks one of its versions at random."""
        qualifier = reference.qualifier
        if qualifier is None or qualifier.isdigit() or qualifier.startswith("$"):
            return self.find(reference)
        try:
            alias = get_backend(reference.account_id, reference.region).get_alias(qualifier, reference.name)
        except (UnknownAliasException, UnknownFunctionException):
            return None
        weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
        for version, weight in weights.items():
            if self._randomness.random() < float(weight):
                return self.find(dataclasses.replace(reference, qualifier=str(version)))
        return self.find(reference)

    def aliases(self, reference: FunctionReference) -> list[str]:
        """Return the names of a function's aliases."""
        try:
            found = _backend(reference.account_id, reference.region).list_aliases(reference.name)
        except UnknownFunctionException:
            return []
        return [str(alias.name) for alias in found]

    def reserved_total(self, account_id: str, region: str) -> int:
        """Return how much of the account's concurrency is reserved for functions."""
        functions = get_backend(account_id, region).list_functions()
        return sum(int(function.reserved_concurrency or 0) for function in functions)

    def usage(self, account_id: str, region: str) -> Usage:
        """Return what an account uses in a region."""
        backend = get_backend(account_id, region)
        functions = list(backend.list_functions())
        versions = [version for function in functions for version in _versions(backend, function)]
        return Usage(
            functions=len(functions),
            code_size=sum(int(version.code_size or 0) for version in versions),
            reserved_concurrency=self.reserved_total(account_id, region),
        )

    def create(self, account_id: str, region: str, function: NewFunction) -> FunctionConfiguration:
        """Create a function with a role. Its archive is a placeholder that never runs."""
        backend = get_backend(account_id, region)
        spec = {
            "FunctionName": function.name,
            "Runtime": "python3.12",
            "Handler": function.handler,
            "Role": _role(account_id, region),
            "Timeout": function.timeout,
            "MemorySize": function.memory,
            "Environment": {"Variables": dict(function.environment)},
            "Code": {"ZipFile": placeholder_archive()},
            "Publish": False,
        }
        if function.dead_letter is not None:
            spec["DeadLetterConfig"] = {"TargetArn": function.dead_letter}
        created = backend.create_function(spec)
        created.reserved_concurrency = function.reserved_concurrency
        return _configuration(created, created, backend)


def configuration_of(function: Any) -> FunctionConfiguration:
    """Return the configuration of a function of moto that may not be stored yet."""
    return _configuration(function, function, _backend(function.account_id, function.region))


def _versions(backend: Any, function: Any) -> list[Any]:
    """Return the versions of a function, $LATEST included."""
    versions: list[Any] = list(backend.list_versions_by_function(function.function_name))
    return versions


def _backend(account_id: str, region: str) -> Any:
    """Do what moto's ``get_backend`` does, only faster: each invocation calls this."""
    if default_user_config.get("lambda", {}).get("use_docker", True) is False:
        return get_backend(account_id, region)
    return backend_of(lambda_backends, account_id, region)


def _configuration(function: Any, latest: Any, backend: Any) -> FunctionConfiguration:
    """Return a function's configuration, rebuilt only if something has changed: each invocation calls this."""
    preserved = _preserved_of(latest)
    state = (
        function.version,
        function.timeout,
        function.memory_size,
        function.handler,
        function.run_time,
        function.role,
        function.environment_vars,
        getattr(function, "code_sha_256", ""),
        function.layers,
        latest.reserved_concurrency,
        preserved,
        preserved if function is latest else _preserved_of(function),
    )
    cached = vars(function).get(_CACHED)
    if cached is not None and cached[0] == state:
        unchanged: FunctionConfiguration = cached[1]
        return unchanged
    configuration = _new_configuration(function, latest, backend)
    setattr(function, _CACHED, (state, configuration))
    return configuration


def _new_configuration(function: Any, latest: Any, backend: Any) -> FunctionConfiguration:
    place = f"{function.region}:{function.account_id}"
    arn = f"arn:{partition_of(function.region)}:lambda:{place}:function:{function.function_name}"
    log_format, log_level = _logging(function)
    return FunctionConfiguration(
        account_id=function.account_id,
        region=function.region,
        name=function.function_name,
        arn=arn,
        version=str(function.version),
        timeout=int(function.timeout),
        memory=int(function.memory_size),
        handler=function.handler or "",
        runtime=function.run_time or IMAGE,
        environment=dict(function.environment_vars or {}),
        log_group=_log_group(function),
        log_format=log_format,
        log_level=log_level,
        dead_letter=_dead_letter_target(latest),
        reserved_concurrency=None if latest.reserved_concurrency is None else int(latest.reserved_concurrency),
        archive=_archive_of(function, backend),
        is_stand_in=folder_of(function) is None
        and getattr(function, "code_bytes", b"") == base64.b64decode(placeholder_archive()),
        role=function.role or "",
        identity=vars(function).setdefault(_IDENTITY, object()),
    )


def _archive_of(function: Any, backend: Any) -> Archive | None:
    content = getattr(function, "code_bytes", None)
    if content is None or function.package_type != "Zip":
        return None
    layers = [backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
    known = [layer for layer in layers if layer is not None]
    contents = tuple(folder_of(layer) or layer.code_bytes for layer in known)
    digest = " ".join((str(function.code_sha_256), *(layer.arn for layer in known)))
    return Archive(digest, folder_of(function) or content, contents, is_partial=len(known) < len(layers))


def keep_folder(resource: Any, folder: SourceFolder | None) -> None:
    """Note where the code of one of moto's functions or layers is, instead of in a zip file; None: in the zip file."""
    setattr(resource, _FOLDER, folder)


def folder_of(resource: Any) -> SourceFolder | None:
    """Return the folder of a function's or a layer's code, or None if it is in a zip file."""
    folder: SourceFolder | None = vars(resource).get(_FOLDER)
    return folder


def _role(account_id: str, region: str) -> str:
    return provide_role(account_id, region, OWN_ROLE)


def provide_role(account_id: str, region: str, name: str, path: str = "/") -> str:
    """Return the ARN of an execution role with this name, made for the test unless it exists."""
    backend = iam_backends[account_id][partition_of(region)]
    existing = next((role for role in backend.get_roles() if role.name == name), None)
    role = existing or backend.create_role(
        role_name=name,
        assume_role_policy_document=_TRUST_POLICY,
        path=path,
        permissions_boundary=None,
        description=MADE_FOR_TESTS,
        tags=[],
        max_session_duration="3600",
    )
    return str(role.arn)


@cache
def placeholder_archive() -> str:
    """Return a valid deployment archive, which CreateFunction requires, encoded in base64 as in the request."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("lambda_function.py"), "def lambda_handler(event, context):\n    return None\n"
        )
    return base64.b64encode(buffer.getvalue()).decode()


def install(patches: Patches) -> None:
    """Preserve the settings that moto discards, and show them in responses."""
    create = original_of(LambdaFunction, "__init__")
    update = original_of(LambdaFunction, "update_configuration")
    show = original_of(LambdaFunction, "get_configuration")

    def __init__(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        _check_variables(spec)
        setattr(self, _PRESERVED, {name: spec[name] for name in _DISCARDED_BY_MOTO if spec.get(name)})
        create(self, account_id, spec, *args, **kwargs)

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> Any:
        _check_variables(config_updates)
        response = update(self, config_updates)
        settings = dict(_preserved_of(self))  # A version published before shares the old dictionary.
        settings.update((name, config_updates[name]) for name in _DISCARDED_BY_MOTO if name in config_updates)
        # A dead-letter config without a target removes the old one.
        setattr(self, _PRESERVED, {name: value for name, value in settings.items() if value.get("TargetArn", True)})
        # A removed setting still shows in the response (recorded); a new one shows at once.
        return {**response, **{name: value for name, value in _preserved_of(self).items() if value}}

    def get_configuration(self: Any, *args: Any, **kwargs: Any) -> Any:
        configuration = show(self, *args, **kwargs)
        configuration.update({name: value for name, value in _preserved_of(self).items() if value})
        return configuration

    make = original_of(LambdaFunction, "create_from_cloudformation_json")

    def from_template(cls: Any, resource_name: str, cloudformation_json: Any, *args: Any, **kwargs: Any) -> Any:
        function = make(cls, resource_name, cloudformation_json, *args, **kwargs)
        properties = cloudformation_json["Properties"]
        setattr(function, _PRESERVED, {name: properties[name] for name in _DISCARDED_BY_MOTO if properties.get(name)})
        return function

    patches.set(LambdaFunction, "create_from_cloudformation_json", classmethod(from_template))
    patches.set(LambdaFunction, "__init__", __init__)
    patches.set(LambdaFunction, "update_configuration", update_configuration)
    patches.set(LambdaFunction, "get_configuration", get_configuration)


def _check_variables(settings: dict[str, Any]) -> None:
    """Refuse environment variables that Lambda sets itself, with its text. Raises moto's error."""
    given = (settings.get("Environment") or {}).get("Variables") or {}
    reserved = [name for name in given if name in RESERVED_VARIABLES]
    if reserved:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have"
            " provided contains reserved keys that are currently not supported for modification. Reserved keys used in"
            f" this request: {', '.join(reserved)}"
        )


def _preserved_of(function: Any) -> dict[str, Any]:
    """Return a function's preserved settings. A change replaces the whole dictionary."""
    settings: dict[str, Any] = vars(function).get(_PRESERVED, {})
    return settings


def _dead_letter_target(function: Any) -> str | None:
    target = _preserved_of(function).get("DeadLetterConfig", {}).get("TargetArn")
    return str(target) if target else None


def _logging(function: Any) -> tuple[str, str]:
    """Return the format of a function's log and its level; only JSON has a level by default."""
    logging = _preserved_of(function).get("LoggingConfig", {})
    log_format = str(logging.get("LogFormat", "Text"))
    level = str(logging.get("ApplicationLogLevel", "INFO" if log_format == "JSON" else ""))
    return log_format, _LOG_LEVELS.get(level, level)


def _log_group(function: Any) -> str:
    named = _preserved_of(function).get("LoggingConfig", {}).get("LogGroup")
    return str(named) if named else f"/aws/lambda/{function.function_name}"
