"""Universal targets of EventBridge Scheduler, which call an operation of a service's API with the schedule's input.

This follows the page "Using universal targets in EventBridge Scheduler". Those operations are simulated that do what a
templated target does too: ``sqs:sendMessage``, ``sns:publish``, and ``lambda:invoke`` with the invocation type Event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_lambda_esm.arn import parse, partition_of

_OPERATION: Final = re.compile(r"arn:[\w-]+:scheduler:::aws-sdk:(\w+:\w+)")
_QUEUE_URL: Final = re.compile(
    r"https?://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue|queue)\.amazonaws\.[^/]+/(\d{12})/([\w.-]+)"
)
_KEPT: Final = ("RetryPolicy", "DeadLetterConfig")


def templated(target: Mapping[str, Any], account_id: str, region: str) -> Mapping[str, Any] | None:
    """Return the templated target that does the same as a universal one; any other target as it is.

    Return None for an operation, or an input of it, that is not simulated.
    """
    match = _OPERATION.fullmatch(target["Arn"])
    if match is None:
        return target
    translate = _OPERATIONS.get(match[1])
    try:
        request = json.loads(target.get("Input") or "{}")
    except ValueError:
        return None
    if translate is None or not isinstance(request, dict):
        return None
    found = translate(request, account_id, region)
    return None if found is None else {**{name: target[name] for name in _KEPT if name in target}, **found}


def _send_message(request: dict[str, Any], account_id: str, region: str) -> dict[str, Any] | None:
    url = _QUEUE_URL.fullmatch(str(request.get("QueueUrl")))
    if url is None or set(request) - {"QueueUrl", "MessageBody", "MessageGroupId"} or not request.get("MessageBody"):
        return None
    place = url[1] or url[2] or region
    found: dict[str, Any] = {
        "Arn": f"arn:{partition_of(place)}:sqs:{place}:{url[3]}:{url[4]}",
        "Input": request["MessageBody"],
    }
    if "MessageGroupId" in request:
        found["SqsParameters"] = {"MessageGroupId": request["MessageGroupId"]}
    return found


def _publish(request: dict[str, Any], account_id: str, region: str) -> dict[str, Any] | None:
    if set(request) != {"TopicArn", "Message"}:
        return None
    return {"Arn": request["TopicArn"], "Input": request["Message"]}


def _invoke(request: dict[str, Any], account_id: str, region: str) -> dict[str, Any] | None:
    if request.get("InvocationType") != "Event" or set(request) - {"FunctionName", "InvocationType", "Payload"}:
        return None
    payload = request.get("Payload", "{}")
    function = parse(str(request.get("FunctionName")), account_id, region)
    return {"Arn": function.arn, "Input": payload if isinstance(payload, str) else json.dumps(payload)}


_OPERATIONS: Final[Mapping[str, Callable[[dict[str, Any], str, str], dict[str, Any] | None]]] = {
    "sqs:sendMessage": _send_message,
    "sns:publish": _publish,
    "lambda:invoke": _invoke,
}
"""By service and operation: what makes the templated target of a request."""
