"""Other services of moto that invoke functions: their events go to the asynchronous queue, as on AWS.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: SNS, S3 notifications and CloudWatch Logs look the function up and call
``LambdaFunction.invoke``, which no longer knows the alias that was meant; S3's EventBridge events and Secrets Manager
call ``LambdaBackend.invoke``. Rules of EventBridge with a function as target end in NotImplementedError in
``Rule.send_to_targets``, and disabled rules stay active; function targets are therefore served here. moto makes the
input of a rule's other targets from ``EventTemplateParser.DEFAULT_EVENT_INPUT_TEMPLATE``, which lacks the account.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any, Final

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.events.models import Rule
from moto.events.utils import EventTemplateParser
from moto.s3 import notifications

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.patching import Patches, original_of

Accept = Callable[[str, str], None]
"""Takes a function's ARN and a payload. Reports what cannot be delivered, and never raises."""

_PLACEHOLDER: Final = re.compile(r"<([^<>]+)>")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_LAMBDA: Final = ":lambda:"
_EVENT: Final = (
    '{"version": "0", "id": "<id>", "detail-type": "<detail-type>", "source": "<source>", "account": "<account>",'
    ' "time": <time>, "region": "<region>", "resources": <resources>, "detail": <detail>}'
)
_INVOKED_ARN: Final[ContextVar[str | None]] = ContextVar("invoked_arn", default=None)
"""The ARN, with its qualifier, of the function that a service is invoking now."""


def install(patches: Patches, accept: Accept) -> None:
    """Have ``accept`` receive what other services send to functions."""

    def invoke_function(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        accept(_INVOKED_ARN.get() or self.function_arn, _text(body))
        return b""

    def invoke_from_bucket(account_id: str, event_body: Any, fn_arn: str, region_name: str) -> None:
        accept(fn_arn, json.dumps(event_body))

    def invoke_by_name(
        self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> bytes:
        accept(_arn(self, function_name, qualifier), _text(body))
        return b""

    patches.set(LambdaFunction, "invoke", invoke_function)
    patches.set(notifications, "_invoke_awslambda", invoke_from_bucket)
    patches.set(LambdaBackend, "invoke", invoke_by_name)
    patches.set(LambdaSimpleBackend, "invoke", invoke_by_name)
    _install_notifications(patches, accept)
    _install_rules(patches, accept)


def _install_notifications(patches: Patches, accept: Accept) -> None:
    """Install for SNS and CloudWatch Logs: a deleted function is a failed delivery, not an exception in Publish."""
    send_sns = original_of(LambdaBackend, "send_sns_message")
    send_log = original_of(LambdaBackend, "send_log_event")

    def send_sns_message(
        self: Any, function_name: str, message: str, subject: str | None = None, qualifier: str | None = None
    ) -> None:
        arn = _arn(self, function_name, qualifier)
        if _exists(self, function_name, qualifier):
            _invoking(arn, lambda: send_sns(self, function_name, message, subject, qualifier))
        else:
            accept(arn, "{}")

    def send_log_event(self: Any, function_arn: str, *args: Any, **kwargs: Any) -> None:
        if self.get_function_by_arn(function_arn) is not None:
            _invoking(function_arn, lambda: send_log(self, function_arn, *args, **kwargs))
        else:
            accept(function_arn, "{}")

    patches.set(LambdaBackend, "send_sns_message", send_sns_message)
    patches.set(LambdaBackend, "send_log_event", send_log_event)


def _install_rules(patches: Patches, accept: Accept) -> None:
    """Install for EventBridge, and complete the event that other targets get."""
    send = original_of(Rule, "send_to_targets")

    def send_to_targets(self: Any, original_event: Any, *args: Any, **kwargs: Any) -> None:
        functions = [target for target in self.targets if _LAMBDA in target["Arn"]]
        if not functions:
            send(self, original_event, *args, **kwargs)
            return
        if self.state == "ENABLED" and self.event_pattern.matches_event(original_event):
            for target in functions:
                accept(target["Arn"], target_input(target, original_event))
        others = copy.copy(self)
        others.targets = [target for target in self.targets if target not in functions]
        if others.targets:
            send(others, original_event, *args, **kwargs)

    patches.set(Rule, "send_to_targets", send_to_targets)
    patches.set(EventTemplateParser, "DEFAULT_EVENT_INPUT_TEMPLATE", _EVENT)


def _invoking(arn: str, invoke: Callable[[], None]) -> None:
    token = _INVOKED_ARN.set(arn)
    try:
        invoke()
    finally:
        _INVOKED_ARN.reset(token)


def _exists(backend: Any, name: str, qualifier: str | None) -> bool:
    try:
        backend.get_function(name, qualifier)
    except Exception:
        return False
    return True


def _arn(backend: Any, name: str, qualifier: str | None) -> str:
    arn = name
    if not name.startswith("arn:"):
        arn = (
            f"arn:{partition_of(backend.region_name)}:lambda:{backend.region_name}:{backend.account_id}:function:{name}"
        )
    return f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body or "{}")


def target_input(target: Mapping[str, Any], original: Mapping[str, Any]) -> str:
    """Return the payload for a target, as JSON text; ``original`` is the event as moto stores it.

    Follows the page "Input transformation in Amazon EventBridge".
    """
    event = {name: value for name, value in original.items() if name != "ingestion-time"}
    if isinstance(event.get("time"), (int, float)):
        event["time"] = f"{datetime.fromtimestamp(event['time'], timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_at(event, target["InputPath"]))
    if "InputTransformer" in target:
        return _transform(target["InputTransformer"], event)
    return json.dumps(event)


def _at(event: Any, path: str) -> Any:
    value = event
    for name, index in _STEP.findall(path.removeprefix("$")):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    return value


def _transform(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    template: str = transformer["InputTemplate"]
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values["aws.events.event"] = values["aws.events.event.json"] = event

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        # Within quotes a string is inserted as it is; elsewhere every value is inserted as JSON.
        quoted = template[: match.start()].replace('\\"', "").count('"') % 2 == 1
        return json.dumps(value)[1:-1] if quoted and isinstance(value, str) else json.dumps(value)

    text = _PLACEHOLDER.sub(fill, template)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return json.dumps(text)
    return text
