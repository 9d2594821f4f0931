"""moto's functions, as the simulation sees them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import random
import zipfile
from functools import cache
from typing import Any, Final

from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.awslambda.utils import get_backend
from moto.core.models import default_user_config
from moto.iam.models import iam_backends

from pytest_lambda_esm.arn import FunctionReference, partition_of
from pytest_lambda_esm.invocation.configuration import IMAGE, Archive, FunctionConfiguration, NewFunction
from pytest_lambda_esm.moto_bridge.session import backend_of
from pytest_lambda_esm.patching import Patches

_KEPT: Final = ("DeadLetterConfig", "LoggingConfig")
_LEVELS: Final = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
_ATTRIBUTE: Final = "_lambda_esm_kept"


def install(patches: Patches) -> None:
    """Keep these members from now on, in answers too."""
    create = LambdaFunction.__init__
    update = LambdaFunction.update_configuration
    show = LambdaFunction.get_configuration

    def __init__(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        kept: dict[str, Any] = {name: spec[name] for name in _KEPT if spec.get(name)}
        setattr(self, _ATTRIBUTE, kept)
        create(self, account_id, spec, *args, **kwargs)

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> Any:
        answer = update(self, config_updates)
        kept = dict(kept_of(self))  # A version published before shares the old dictionary.
        kept.update((name, config_updates[name]) for name in _KEPT if name in config_updates)
        # One without a target removes the old one.
        setattr(self, _ATTRIBUTE, {name: value for name, value in kept.items() if value.get("TargetArn", True)})
        # What is removed still shows in the answer (recorded); what is set shows at once.
        return {**answer, **{name: value for name, value in kept_of(self).items() if value}}

    def get_configuration(self: Any, *args: Any, **kwargs: Any) -> Any:
        configuration = show(self, *args, **kwargs)
        configuration.update({name: value for name, value in kept_of(self).items() if value})
        return configuration

    make = LambdaFunction.create_from_cloudformation_json.__func__

    def from_template(cls: Any, resource_name: str, cloudformation_json: Any, *args: Any, **kwargs: Any) -> Any:
        function = make(cls, resource_name, cloudformation_json, *args, **kwargs)
        properties = cloudformation_json["Properties"]
        setattr(function, _ATTRIBUTE, {name: properties[name] for name in _KEPT if properties.get(name)})
        return function

    patches.set(LambdaFunction, "create_from_cloudformation_json", classmethod(from_template))
    patches.set(LambdaFunction, "__init__", __init__)
    patches.set(LambdaFunction, "update_configuration", update_configuration)
    patches.set(LambdaFunction, "get_configuration", get_configuration)


def kept_of(function: Any) -> dict[str, Any]:
    """All that is kept of a function's configuration, as it came; a change replaces it as a whole."""
    kept: dict[str, Any] = vars(function).get(_ATTRIBUTE, {})
    return kept


def dead_letter_target(function: Any) -> str | None:
    """The ARN of a function's dead-letter queue or topic."""
    target = kept_of(function).get("DeadLetterConfig", {}).get("TargetArn")
    return str(target) if target else None


def log_format(function: Any) -> tuple[str, str]:
    """The format of a function's log, and the level from which its records are written; JSON has one by default."""
    logging = kept_of(function).get("LoggingConfig", {})
    form = str(logging.get("LogFormat", "Text"))
    level = str(logging.get("ApplicationLogLevel", "INFO" if form == "JSON" else ""))
    return form, _LEVELS.get(level, level)


def log_group(function: Any) -> str:
    """The log group that a function writes to."""
    named = kept_of(function).get("LoggingConfig", {}).get("LogGroup")
    return str(named) if named else f"/aws/lambda/{function.function_name}"


ROLE: Final = "lambda-esm-execution-role"
_KNOWN: Final = "_lambda_esm_configuration"
_IDENTITY: Final = "_lambda_esm_identity"

_TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


class MotoFunctions:
    """Finds and makes functions in moto's storage; nothing is kept, since moto forgets all of it at a reset."""

    def __init__(self, randomness: random.Random) -> None:
        self._randomness = randomness

    def find(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """The configuration of a function at a qualifier, or None where there is none."""
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
            return None  # moto takes any case; for AWS "$latest" is an unknown qualifier.
        try:
            function = backend.get_function(reference.name, qualifier)
        except UnknownFunctionException:
            return None
        return _configuration(function, latest or function, backend)

    def route(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """The same for one invocation: an alias with weights picks one of its versions at random."""
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

    def reserved_total(self, account_id: str, region: str) -> int:
        """How much of the account's concurrency is reserved for functions."""
        functions = get_backend(account_id, region).list_functions()
        return sum(int(function.reserved_concurrency or 0) for function in functions)

    def create(self, account_id: str, region: str, function: NewFunction) -> FunctionConfiguration:
        """Make a function that runs as a role made for it; its archive is never run."""
        backend = get_backend(account_id, region)
        spec = {
            "FunctionName": function.name,
            "Runtime": "python3.12",
            "Handler": function.handler,
            "Role": _role(account_id, region),
            "Timeout": function.timeout,
            "MemorySize": function.memory,
            "Environment": {"Variables": dict(function.environment)},
            "Code": {"ZipFile": _archive()},
            "Publish": False,
        }
        if function.dead_letter is not None:
            spec["DeadLetterConfig"] = {"TargetArn": function.dead_letter}
        made = backend.create_function(spec)
        made.reserved_concurrency = function.reserved_concurrency
        return _configuration(made, made, backend)


def _backend(account_id: str, region: str) -> Any:
    """The same as moto's ``get_backend``, quickly: each invocation asks."""
    if default_user_config.get("lambda", {}).get("use_docker", True) is False:
        return get_backend(account_id, region)
    return backend_of(lambda_backends, account_id, region)


def _configuration(function: Any, latest: Any, backend: Any) -> FunctionConfiguration:
    """A function's configuration, made anew only if something has changed: each invocation asks."""
    state = (
        function.version,
        function.timeout,
        function.memory_size,
        function.handler,
        function.run_time,
        function.environment_vars,
        getattr(function, "code_sha_256", ""),
        function.layers,
        latest.reserved_concurrency,
        kept_of(latest),
        kept_of(function),
    )
    known = vars(function).get(_KNOWN)
    if known is not None and known[0] == state:
        found: FunctionConfiguration = known[1]
        return found
    configuration = _new_configuration(function, latest, backend)
    setattr(function, _KNOWN, (state, configuration))
    return configuration


def _new_configuration(function: Any, latest: Any, backend: Any) -> FunctionConfiguration:
    place = f"{function.region}:{function.account_id}"
    arn = f"arn:{partition_of(function.region)}:lambda:{place}:function:{function.function_name}"
    logged_as, log_level = log_format(function)
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
        log_group=log_group(function),
        log_format=logged_as,
        log_level=log_level,
        dead_letter=dead_letter_target(latest),
        reserved_concurrency=None if latest.reserved_concurrency is None else int(latest.reserved_concurrency),
        archive=_archive_of(function, backend),
        is_stand_in=getattr(function, "code_bytes", b"") == base64.b64decode(_archive()),
        role=function.role or "",
        identity=vars(function).setdefault(_IDENTITY, object()),
    )


def _archive_of(function: Any, backend: Any) -> Archive | None:
    content = getattr(function, "code_bytes", None)
    if content is None or function.package_type != "Zip":
        return None
    layers = [backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
    contents = tuple(layer.code_bytes for layer in layers if layer is not None)
    names = [layer.arn for layer in layers if layer is not None]
    return Archive(" ".join((str(function.code_sha_256), *names)), content, contents)


def _role(account_id: str, region: str) -> str:
    backend = iam_backends[account_id][partition_of(region)]
    existing = next((role for role in backend.get_roles() if role.name == ROLE), None)
    role = existing or backend.create_role(
        role_name=ROLE,
        assume_role_policy_document=_TRUST,
        path="/",
        permissions_boundary=None,
        description="made by pytest-lambda-esm for the functions of a test",
        tags=[],
        max_session_duration="3600",
    )
    return str(role.arn)


@cache
def _archive() -> str:
    """A valid deployment archive, base64 as on the wire: CreateFunction wants one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("lambda_function.py"), "def lambda_handler(event, context):\n    return None\n"
        )
    return base64.b64encode(buffer.getvalue()).decode()
