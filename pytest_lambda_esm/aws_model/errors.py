"""Errors of AWS services: the text, HTTP status and members of an error, by its code.

Texts are recorded, or those of AWS's page "Common errors", to which each operation in the Lambda API reference links.
For errors that only a service model lists, the text is the model's documentation of the error.
"""

from __future__ import annotations

import html
import http.client
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from botocore.model import OperationModel, Shape


class ApiError(Exception):
    """An AWS error, which the code under test receives from botocore as a ``ClientError``.

    ``code`` is the error code, ``message`` AWS's text, ``status`` the HTTP status, ``members`` the further members of
    the response by their names in the service model (``Reason``, ``retryAfterSeconds``, ``Type`` ...). Make one with
    ``LambdaModel.error``, which knows the codes, statuses and members.
    """

    def __init__(self, code: str, message: str, status: int, members: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__(code, message, status, members)
        self.code = code
        self.message = message
        self.status = status
        self.members = MappingProxyType(dict(members))

    def __str__(self) -> str:
        return f"{self.code} ({self.status}): {self.message}"


# --- errors that any call can meet -----------------------------------------------------------------------


class _CommonError(NamedTuple):
    """One row: an error that no service model lists.

    ``message`` is empty where ``default_message`` makes the text. ``status`` is the HTTP status in protocols without
    an entry in ``by_protocol``, None if the error only exists in those protocols. ``in_lambda`` marks the errors that
    Lambda has.
    """

    message: str
    status: int | None = None
    in_lambda: bool = False
    by_protocol: Mapping[str, int] = {}


_EXPIRED: Final = "The security token included in the request is expired"
_INTERNAL_FAILURE: Final = "The request processing has failed because of an unknown error, exception or failure."
_INVALID_ACTION: Final = "The action or operation requested is invalid. Verify that the action is typed correctly."
_INVALID_INPUT: Final = "The input fails to satisfy the constraints specified by an AWS service."
_INVALID_TOKEN: Final = "The security token included in the request is invalid."
_SIGNATURE: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)

_COMMON: Final[Mapping[str, _CommonError]] = MappingProxyType(
    {
        "AccessDenied": _CommonError("", 403),
        "AccessDeniedException": _CommonError("", 403, in_lambda=True, by_protocol={"json": 400}),
        "AuthFailure": _CommonError(
            "AWS was not able to validate the provided access credentials",
            by_protocol={"ec2": 401},
        ),
        "ExpiredToken": _CommonError(_EXPIRED, by_protocol={"query": 403, "rest-xml": 400}),
        "ExpiredTokenException": _CommonError(_EXPIRED, 403, in_lambda=True, by_protocol={"json": 400}),
        "IncompleteSignature": _CommonError(
            "The request signature does not conform to AWS standards.",
            403,
            in_lambda=True,
            by_protocol={"json": 400, "query": 400},
        ),
        "IncompleteSignatureException": _CommonError("", by_protocol={"json": 400}),
        "InternalError": _CommonError("We encountered an internal error. Please try again.", 500),
        "InternalFailure": _CommonError(_INTERNAL_FAILURE, 500, in_lambda=True),
        "InternalServerError": _CommonError(_INTERNAL_FAILURE, 500),
        "InvalidAccessKeyId": _CommonError(
            "The AWS Access Key Id you provided does not exist in our records.",
            by_protocol={"rest-xml": 403},
        ),
        "InvalidAction": _CommonError(_INVALID_ACTION, by_protocol={"query": 400}),
        "InvalidClientTokenId": _CommonError(_INVALID_TOKEN, 403, in_lambda=True),
        "InvalidParameterCombination": _CommonError(
            "Parameters that must not be used together were used together.",
            by_protocol={"query": 400},
        ),
        "InvalidParameterValue": _CommonError(
            "An invalid or out-of-range value was supplied for the input parameter.",
            by_protocol={"query": 400},
        ),
        "InvalidQueryParameter": _CommonError(
            "The AWS query string is malformed or does not adhere to AWS standards.",
            by_protocol={"query": 400},
        ),
        "InvalidSignatureException": _CommonError(_SIGNATURE, by_protocol={"json": 400, "rest-json": 403}),
        "InvalidToken": _CommonError(
            "The provided token is malformed or otherwise invalid.",
            by_protocol={"rest-xml": 400},
        ),
        "MalformedHttpRequestException": _CommonError(
            "Problems with the request at the HTTP level, e.g. we can't decompress the body according to"
            " the decompression algorithm specified by the content-encoding.",
            400,
            in_lambda=True,
        ),
        "MalformedQueryString": _CommonError("The query string contains a syntax error.", by_protocol={"query": 404}),
        "MissingAction": _CommonError(
            "The request is missing an action or a required parameter.",
            by_protocol={"query": 400},
        ),
        "MissingAuthenticationToken": _CommonError("Missing Authentication Token", 403, in_lambda=True),
        "MissingAuthenticationTokenException": _CommonError("Missing Authentication Token", by_protocol={"json": 400}),
        "MissingParameter": _CommonError(
            "A required parameter for the specified action is not supplied.",
            by_protocol={"query": 400},
        ),
        "NotAuthorized": _CommonError(
            "You do not have permission to perform this action.",
            401,
            in_lambda=True,
            by_protocol={"json": 400, "query": 400},
        ),
        "OptInRequired": _CommonError(
            "The AWS Access Key Id needs a subscription for the service",
            403,
            in_lambda=True,
        ),
        "RequestAbortedException": _CommonError(
            "Convenient exception that can be used when a request is aborted before a reply is sent back"
            " (e.g. client closed connection).",
            400,
            in_lambda=True,
        ),
        "RequestEntityTooLargeException": _CommonError(
            "Problems with the request at the HTTP level. The request entity is too large.",
            413,
            in_lambda=True,
        ),
        "RequestExpired": _CommonError("Request has expired.", 400, in_lambda=True),
        "RequestLimitExceeded": _CommonError("Request limit exceeded.", 503),
        "RequestTimeTooSkewed": _CommonError(
            "The difference between the request time and the current time is too large.",
            by_protocol={"rest-xml": 403},
        ),
        "RequestTimeout": _CommonError(
            "Your socket connection to the server was not read from or written to within the timeout period.",
            by_protocol={"rest-xml": 400},
        ),
        "RequestTimeoutException": _CommonError(
            "Problems with the request at the HTTP level. Reading the Request timed out.",
            408,
            in_lambda=True,
        ),
        "SerializationException": _CommonError(
            "Start of structure or map found where not expected.",
            400,
            in_lambda=True,
        ),
        "ServiceUnavailable": _CommonError("Service is unable to handle request.", 503, in_lambda=True),
        "SignatureDoesNotMatch": _CommonError(_SIGNATURE, by_protocol={"query": 403, "rest-xml": 403}),
        "SlowDown": _CommonError("Please reduce your request rate.", 503),
        "Throttling": _CommonError("Rate exceeded", 400),
        "ThrottlingException": _CommonError("Rate exceeded", 400, in_lambda=True),
        "UnauthorizedOperation": _CommonError(
            "You are not authorized to perform this operation.",
            by_protocol={"ec2": 403},
        ),
        "UnknownOperationException": _CommonError(_INVALID_ACTION, 404, in_lambda=True),
        "UnrecognizedClientException": _CommonError(_INVALID_TOKEN, 403, in_lambda=True, by_protocol={"json": 400}),
        "ValidationError": _CommonError(_INVALID_INPUT, 400, in_lambda=True),
        "ValidationException": _CommonError(_INVALID_INPUT, 400, in_lambda=True),
    }
)

_SAME_STATUSES: Final = MappingProxyType({"ec2": "query", "smithy-rpc-v2-cbor": "json"})
"""Protocols that have the statuses of another one, except for their own entries in the table."""

_HEAD_STATUSES: Final[Mapping[str, int]] = MappingProxyType({str(code): code for code in (400, 403, 404, 405, 412)})
"""A response to HEAD has no body and so no code; clients show the status in its place."""

LAMBDA_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {code: error.status for code, error in _COMMON.items() if error.in_lambda and error.status is not None}
)
"""HTTP status by code of the errors that any call to Lambda can meet.

They are those of the page "Common errors", and ``SerializationException``, with which AWS's front end answers a body
that it cannot read.
"""

S3_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BucketAlreadyExists": 409,
        "BucketAlreadyOwnedByYou": 409,
        "InvalidObjectState": 403,
        "NoSuchBucket": 404,
        "NoSuchKey": 404,
        "NoSuchUpload": 404,
        "ObjectAlreadyInActiveTierError": 403,
        "ObjectNotInActiveTierError": 403,
    }
)
"""HTTP status by code of errors that the service model of S3 lists, in earlier versions without a status."""


def common_statuses(operation: OperationModel) -> Mapping[str, int]:
    """Return the HTTP status by code of the errors that any call can meet, for a service other than Lambda."""
    service = operation.service_model
    protocol = getattr(service, "resolved_protocol", None) or service.metadata["protocol"]
    statuses = _statuses(protocol)
    return {**statuses, **_HEAD_STATUSES} if operation.http.get("method") == "HEAD" else statuses


@cache
def _statuses(protocol: str) -> Mapping[str, int]:
    family = _SAME_STATUSES.get(protocol, protocol)
    found = {
        code: error.by_protocol.get(protocol, error.by_protocol.get(family, error.status))
        for code, error in _COMMON.items()
    }
    return MappingProxyType({code: status for code, status in found.items() if status is not None})


def unreadable(reason: str) -> ApiError:
    """Return the error for a request that AWS's front end cannot turn into the operation's input."""
    return ApiError("SerializationException", reason, LAMBDA_STATUSES["SerializationException"])


# --- texts, members and codes ----------------------------------------------------------------------------

_NO_QUEUE: Final = "The specified queue does not exist."

_SERVICE_MESSAGES: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
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

_INVOKES: Final = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})
_MAPPINGS: Final = "EventSourceMapping"
_TAG: Final = re.compile(r"<[^>]+>")
_SPACE: Final = re.compile(r"\s+")


def default_message(service: str, operation: str, code: str, shape: Shape | None, account_id: str) -> str:
    """Return AWS's text for an error of an operation; ``shape`` is the error in the service model, or None."""
    if (service, code) in _SERVICE_MESSAGES:
        return _SERVICE_MESSAGES[service, code]
    if code in ("AccessDeniedException", "AccessDenied") and shape is None:
        action = f"{service}:{operation}"
        return (
            f"User: arn:aws:iam::{account_id}:user/moto is not authorized to perform: {action} because no"
            f" identity-based policy allows the {action} action"
        )
    if service == "lambda" and (text := _lambda_message(operation, code)) is not None:
        return text
    if code in _COMMON and _COMMON[code].message:
        return _COMMON[code].message
    if code.isdigit():
        return http.client.responses[int(code)]
    documented = html.unescape(_TAG.sub("", shape.documentation)) if shape is not None else ""
    return _SPACE.sub(" ", documented).strip() or code


def _lambda_message(operation: str, code: str) -> str | None:
    if code == "TooManyRequestsException":
        return "Rate Exceeded." if operation in _INVOKES else "Rate exceeded"
    if _MAPPINGS in operation and code == "ResourceNotFoundException":
        return "The resource you requested does not exist."
    if _MAPPINGS in operation and code == "ResourceInUseException":
        return f"Cannot {operation.removesuffix(_MAPPINGS).lower()} the event source mapping because it is in use."
    return None


def default_members(operation: str, code: str) -> dict[str, Any]:
    """Return the further members of an error of Lambda, which callers may look at."""
    if code != "TooManyRequestsException":
        return {}
    reason = "ConcurrentInvocationLimitExceeded" if operation in _INVOKES else "CallerRateLimitExceeded"
    return {"Reason": reason, "retryAfterSeconds": "1"}


_SQS_PREFIX: Final = "AWS.SimpleQueueService."
_PREFIXED: Final = (
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "EmptyBatchRequest",
    "InvalidBatchEntryId",
    "MessageNotInflight",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
)

SQS_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: _SQS_PREFIX + name for name in _PREFIXED},
        "QueueDoesNotExist": f"{_SQS_PREFIX}NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
    }
)
"""The code that clients of SQS see, by the error's name in the service model, where the two differ."""
