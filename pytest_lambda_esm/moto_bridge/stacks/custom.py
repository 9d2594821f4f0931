"""Custom resources: a stack invokes their functions, and waits for what these put to the response URL.

Follows the pages "Custom resource request objects" and "Custom resource response objects" of the CloudFormation user
guide. The function runs within the call that creates, updates or deletes the stack. On AWS, CloudFormation waits up to
an hour for a response; here, a function that has ended without one fails the stack at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol
from urllib.parse import quote

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.moto_bridge.stacks.kinds import Made, Wanted
from pytest_lambda_esm.moto_bridge.stacks.response_url import Mailbox

_HOST: Final = "cloudformation-custom-resource-response-{region}.s3.{region}.amazonaws.com"


class InvokeOperation(Protocol):
    """Runs a function for a stack."""

    def invoke(self, account_id: str, region: str, function: str, payload: str, request_id: str) -> str | None:
        """Run a function with a payload. Return its error, or None. Raises ApiError where it does not exist."""
        ...


class CustomKind:
    """``AWS::CloudFormation::CustomResource``, and each type whose name starts with ``Custom::``."""

    attribute_names: frozenset[str] | None = None

    def __init__(self, operations: Callable[[], InvokeOperation], new_id: Callable[[], str]) -> None:
        self._operations = operations
        self._new_id = new_id

    def create(self, wanted: Wanted) -> Made:
        """Send a ``Create``; after a failure, also the ``Delete`` of CloudFormation's rollback."""
        try:
            return self._made(wanted, self._send("Create", wanted, {}))
        except _Failed as failure:
            # CloudFormation sends a Delete for what a failed Create may have made.
            physical_id = failure.physical_id or wanted.name
            _quietly(lambda: self._send("Delete", wanted, {"PhysicalResourceId": physical_id}))
            raise

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Send an ``Update``; another physical id in the response means that the resource was replaced."""
        more = {
            "PhysicalResourceId": made.physical_id,
            "OldResourceProperties": _texts(made.wanted.properties),
        }
        return self._made(wanted, self._send("Update", wanted, more))

    def delete(self, made: Made) -> None:
        """Send a ``Delete``."""
        self._send("Delete", made.wanted, {"PhysicalResourceId": made.physical_id})

    def _made(self, wanted: Wanted, response: Mapping[str, Any]) -> Made:
        data = response.get("Data") or {}
        return Made(wanted=wanted, physical_id=str(response["PhysicalResourceId"]), attributes=data)

    def _send(self, request: str, wanted: Wanted, more: Mapping[str, Any]) -> Mapping[str, Any]:
        token = str(wanted.properties.get("ServiceToken"))
        if ":sns:" in token:
            raise NotSimulated(f"its ServiceToken {token} is a topic: name the function itself in a test")
        place, request_id = wanted.place, self._new_id()
        mailbox = Mailbox(_HOST.format(region=place.region))
        path = quote("|".join((wanted.stack_id, wanted.logical_id, request_id)), safe="")
        event = {
            "RequestType": request,
            "ServiceToken": token,
            "ResponseURL": f"https://{mailbox.host}/{path}?AWSAccessKeyId=AKIAEXAMPLE&Expires=1&Signature=unchecked",
            "StackId": wanted.stack_id,
            "RequestId": request_id,
            "LogicalResourceId": wanted.logical_id,
            "ResourceType": wanted.type,
            "ResourceProperties": _texts(wanted.properties),
            **more,
        }
        with mailbox.open():
            error = self._operations().invoke(place.account_id, place.region, token, json.dumps(event), self._new_id())
        return _response(mailbox.content, token, error)


class _Failed(ApiError):
    """The function has reported a failure; ``physical_id`` is what it has named, or None."""

    physical_id: str | None = None


def _response(content: bytes | None, function: str, error: str | None) -> Mapping[str, Any]:
    """Read the response of a function. Raises ApiError where there is none, or where it reports a failure."""
    if content is None:
        why = f"It ended with the error: {error}" if error else "It ended without an error."
        text = f"CloudFormation did not receive a response from your Custom Resource. The function {function} has put"
        raise _Failed("NotStabilized", f"{text} nothing to the ResponseURL. {why}", 400)
    try:
        response = json.loads(content)
        status = response["Status"]
    except (ValueError, KeyError, TypeError):
        raise _Failed("InvalidRequest", f"Invalid Response object: {content[:200]!r}", 400) from None
    failure = None
    if status != "SUCCESS":
        text = f"Received response status [{status}] from custom resource. Message returned: {response.get('Reason')}"
        failure = _Failed("GeneralServiceException", text, 400)
    elif not response.get("PhysicalResourceId"):
        failure = _Failed("InvalidRequest", "Invalid PhysicalResourceId", 400)
    if failure is not None:
        failure.physical_id = response.get("PhysicalResourceId")
        raise failure
    found: Mapping[str, Any] = response
    return found


def _quietly(send: Callable[[], Any]) -> None:
    with suppress(ApiError):
        send()


def _texts(value: Any) -> Any:
    """Return properties as CloudFormation sends them: each scalar is text."""
    if isinstance(value, Mapping):
        return {name: _texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
