"""What moto drops of a function's configuration, kept: DeadLetterConfig and LoggingConfig.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5, which read neither in CreateFunction nor in UpdateFunctionConfiguration.
"""

from __future__ import annotations

from typing import Any, Final

from moto.awslambda.models import LambdaFunction

from pytest_lambda_esm.moto_bridge.patches import Patches

_KEPT: Final = ("DeadLetterConfig", "LoggingConfig")
_LEVELS: Final = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
_ATTRIBUTE: Final = "_lambda_esm_kept"


def keep(patches: Patches) -> None:
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
