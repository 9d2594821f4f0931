"""The texts and members that AWS gives an error, where a test does not say others.

Recorded ones come first, then the texts of AWS's page "Common errors"; for the rest the service model's own sentence
about the error stands in.
"""

from __future__ import annotations

import html
import http.client
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from botocore.model import Shape

_INVOKES: Final = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})
_MAPPINGS: Final = "EventSourceMapping"

_SIGNATURE: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)
_NO_QUEUE: Final = "The specified queue does not exist."

_COMMON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AuthFailure": "AWS was not able to validate the provided access credentials",
        "ExpiredToken": "The security token included in the request is expired",
        "ExpiredTokenException": "The security token included in the request is expired",
        "IncompleteSignature": "The request signature does not conform to AWS standards.",
        "InternalError": "We encountered an internal error. Please try again.",
        "InternalFailure": "The request processing has failed because of an unknown error, exception or failure.",
        "InternalServerError": "The request processing has failed because of an unknown error, exception or failure.",
        "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
        "InvalidAction": "The action or operation requested is invalid. Verify that the action is typed correctly.",
        "InvalidClientTokenId": "The security token included in the request is invalid.",
        "InvalidParameterCombination": "Parameters that must not be used together were used together.",
        "InvalidParameterValue": "An invalid or out-of-range value was supplied for the input parameter.",
        "InvalidQueryParameter": "The AWS query string is malformed or does not adhere to AWS standards.",
        "InvalidSignatureException": _SIGNATURE,
        "InvalidToken": "The provided token is malformed or otherwise invalid.",
        "MalformedHttpRequestException": (
            "Problems with the request at the HTTP level, e.g. we can't decompress the body according to the"
            " decompression algorithm specified by the content-encoding."
        ),
        "MalformedQueryString": "The query string contains a syntax error.",
        "MissingAction": "The request is missing an action or a required parameter.",
        "MissingAuthenticationToken": "Missing Authentication Token",
        "MissingAuthenticationTokenException": "Missing Authentication Token",
        "MissingParameter": "A required parameter for the specified action is not supplied.",
        "NotAuthorized": "You do not have permission to perform this action.",
        "OptInRequired": "The AWS Access Key Id needs a subscription for the service",
        "RequestAbortedException": (
            "Convenient exception that can be used when a request is aborted before a reply is sent back (e.g. client"
            " closed connection)."
        ),
        "RequestEntityTooLargeException": (
            "Problems with the request at the HTTP level. The request entity is too large."
        ),
        "RequestExpired": "Request has expired.",
        "RequestLimitExceeded": "Request limit exceeded.",
        "RequestTimeTooSkewed": "The difference between the request time and the current time is too large.",
        "RequestTimeout": (
            "Your socket connection to the server was not read from or written to within the timeout period."
        ),
        "RequestTimeoutException": "Problems with the request at the HTTP level. Reading the Request timed out.",
        "SerializationException": "Start of structure or map found where not expected.",
        "ServiceUnavailable": "Service is unable to handle request.",
        "SignatureDoesNotMatch": _SIGNATURE,
        "SlowDown": "Please reduce your request rate.",
        "Throttling": "Rate exceeded",
        "ThrottlingException": "Rate exceeded",
        "UnauthorizedOperation": "You are not authorized to perform this operation.",
        "UnknownOperationException": (
            "The action or operation requested is invalid. Verify that the action is typed correctly."
        ),
        "UnrecognizedClientException": "The security token included in the request is invalid.",
        "ValidationError": "The input fails to satisfy the constraints specified by an AWS service.",
        "ValidationException": "The input fails to satisfy the constraints specified by an AWS service.",
    }
)

_OF_A_SERVICE: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("dynamodb", "ConditionalCheckFailedException"): "The conditional request failed",
        ("s3", "AccessDenied"): "Access Denied",
        ("s3", "ExpiredToken"): "The provided token has expired.",
        ("s3", "NoSuchBucket"): "The specified bucket does not exist",
        ("s3", "NoSuchKey"): "The specified key does not exist.",
        ("sqs", "AWS.SimpleQueueService.NonExistentQueue"): _NO_QUEUE,
        ("sqs", "QueueDoesNotExist"): _NO_QUEUE,
    }
)

_TAG: Final = re.compile(r"<[^>]+>")
_SPACE: Final = re.compile(r"\s+")


def default_message(service: str, operation: str, code: str, shape: Shape | None, account_id: str) -> str:
    """The text of an error of an operation; ``shape`` is the error's in the service model, or None."""
    if (service, code) in _OF_A_SERVICE:
        return _OF_A_SERVICE[service, code]
    if code in ("AccessDeniedException", "AccessDenied") and shape is None:
        action = f"{service}:{operation}"
        return (
            f"User: arn:aws:iam::{account_id}:user/moto is not authorized to perform: {action} because no"
            f" identity-based policy allows the {action} action"
        )
    if service == "lambda" and (text := _of_lambda(operation, code)) is not None:
        return text
    if code in _COMMON:
        return _COMMON[code]
    if code.isdigit():
        return http.client.responses[int(code)]
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
