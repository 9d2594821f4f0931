"""The texts and members that AWS gives an error, where a test does not say others.

Recorded ones come first, then the texts of AWS's page "Common errors"; for the rest the service model's own sentence
about the error stands in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from botocore.model import Shape

_INVOKES: Final = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})
_MAPPINGS: Final = "EventSourceMapping"

_COMMON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ExpiredTokenException": "The security token included in the request is expired",
        "InternalFailure": "The request processing has failed because of an unknown error, exception or failure.",
        "InvalidClientTokenId": "The security token included in the request is invalid.",
        "MissingAuthenticationToken": "Missing Authentication Token",
        "OptInRequired": "The AWS Access Key Id needs a subscription for the service",
        "RequestExpired": "Request has expired.",
        "RequestLimitExceeded": "Request limit exceeded.",
        "ServiceUnavailable": "Service is unable to handle request.",
        "SlowDown": "Please reduce your request rate.",
        "Throttling": "Rate exceeded",
        "ThrottlingException": "Rate exceeded",
        "UnrecognizedClientException": "The security token included in the request is invalid.",
    }
)

_TAG: Final = re.compile(r"<[^>]+>")
_SPACE: Final = re.compile(r"\s+")


def default_message(service: str, operation: str, code: str, shape: Shape | None, account_id: str) -> str:
    """The text of an error of an operation; ``shape`` is the error's in the service model, or None."""
    if code in ("AccessDeniedException", "AccessDenied") and shape is None:
        action = f"{service}:{operation}"
        return (
            f"User: arn:aws:iam::{account_id}:user/moto is not authorized to perform: {action} because no"
            f" identity-based policy allows the {action} action"
        )
    if service == "lambda" and (text := _of_lambda(operation, code)) is not None:
        return text
    if service == "sqs" and code.endswith(("QueueDoesNotExist", "NonExistentQueue")):
        return "The specified queue does not exist."
    if code in _COMMON:
        return _COMMON[code]
    documented = html.unescape(_TAG.sub("", shape.documentation)) if shape is not None else ""
    return _SPACE.sub(" ", documented).strip() or code


def _of_lambda(operation: str, code: str) -> str | None:
    if code == "TooManyRequestsException":
        return "Rate Exceeded." if operation in _INVOKES else "Rate exceeded"
    if _MAPPINGS in operation and code == "ResourceNotFoundException":
        return "The resource you requested does not exist."
    if _MAPPINGS in operation and code == "ResourceInUseException":
        return f"Cannot {operation.removesuffix(_MAPPINGS).lower()} the event source mapping because it is in use."
    return None


def default_members(operation: str, code: str) -> dict[str, Any]:
    """The further members of an error of Lambda that a caller may look at."""
    if code != "TooManyRequestsException":
        return {}
    throttled_by_concurrency = operation in _INVOKES
    reason = "ConcurrentInvocationLimitExceeded" if throttled_by_concurrency else "CallerRateLimitExceeded"
    return {"Reason": reason, "retryAfterSeconds": "1"}
