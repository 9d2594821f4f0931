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

from botocore.model import OperationModel, Shape

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


COMMON_ERRORS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "AccessDeniedException": 403,
        "ExpiredTokenException": 403,
        "IncompleteSignature": 403,
        "InternalFailure": 500,
        "InvalidClientTokenId": 403,
        "MalformedHttpRequestException": 400,
        "MissingAuthenticationToken": 403,
        "NotAuthorized": 401,
        "OptInRequired": 403,
        "RequestAbortedException": 400,
        "RequestEntityTooLargeException": 413,
        "RequestExpired": 400,
        "RequestTimeoutException": 408,
        "SerializationException": 400,
        "ServiceUnavailable": 503,
        "ThrottlingException": 400,
        "UnknownOperationException": 404,
        "UnrecognizedClientException": 403,
        "ValidationError": 400,
        "ValidationException": 400,
    }
)
"""HTTP status by code of the errors that the service model does not list.

Codes and statuses are those of AWS's page "Common errors" (the Lambda API reference links it for each
operation), and ``SerializationException``, which AWS's front end answers for a body that it cannot read.
"""


class ApiError(Exception):
    """An error that the code under test receives as AWS's, through botocore, as a ``ClientError``.

    ``code`` is the error code, ``message`` AWS's text, ``status`` the HTTP status, ``members`` the further
    members of the answer by their names in the service model (``Reason``, ``retryAfterSeconds``, ``Type``
    ...). Make one with ``LambdaModel.error``, which knows the codes, the statuses and the members.
    """

    def __init__(self, code: str, message: str, status: int, members: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__(code, message, status, members)
        self.code = code
        self.message = message
        self.status = status
        self.members = MappingProxyType(dict(members))

    def __str__(self) -> str:
        return f"{self.code} ({self.status}): {self.message}"


def unreadable(reason: str) -> ApiError:
    """The error for a request that AWS's front end cannot turn into the operation's input."""
    return ApiError("SerializationException", reason, COMMON_ERRORS["SerializationException"])


_ALL: Final = {
    **COMMON_ERRORS,
    "AccessDenied": 403,
    "InternalError": 500,
    "InternalServerError": 500,
    "RequestLimitExceeded": 503,
    "SlowDown": 503,
    "Throttling": 400,
}

_JSON: Final = {
    **_ALL,
    "AccessDeniedException": 400,
    "ExpiredTokenException": 400,
    "IncompleteSignature": 400,
    "IncompleteSignatureException": 400,
    "InvalidSignatureException": 400,
    "MissingAuthenticationTokenException": 400,
    "NotAuthorized": 400,
    "UnrecognizedClientException": 400,
}

_REST_JSON: Final = {**_ALL, "InvalidSignatureException": 403}

_QUERY: Final = {
    **_ALL,
    "ExpiredToken": 403,
    "IncompleteSignature": 400,
    "InvalidAction": 400,
    "InvalidParameterCombination": 400,
    "InvalidParameterValue": 400,
    "InvalidQueryParameter": 400,
    "MalformedQueryString": 404,
    "MissingAction": 400,
    "MissingParameter": 400,
    "NotAuthorized": 400,
    "SignatureDoesNotMatch": 403,
}

_EC2: Final = {**_QUERY, "AuthFailure": 401, "UnauthorizedOperation": 403}

_REST_XML: Final = {
    **_ALL,
    "ExpiredToken": 400,
    "InvalidAccessKeyId": 403,
    "InvalidToken": 400,
    "RequestTimeTooSkewed": 403,
    "RequestTimeout": 400,
    "SignatureDoesNotMatch": 403,
}

_BY_PROTOCOL: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "ec2": _EC2,
        "json": _JSON,
        "query": _QUERY,
        "rest-json": _REST_JSON,
        "rest-xml": _REST_XML,
        "smithy-rpc-v2-cbor": _JSON,
    }
)

_OF_HEAD: Final[Mapping[str, int]] = MappingProxyType({str(status): status for status in (400, 403, 404, 405, 412)})
"""An answer to HEAD has no body and so no code: clients show the status in its place."""

STATUSES: Final[Mapping[str, int]] = MappingProxyType(
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
"""Statuses of errors of S3 that earlier service models do not state."""


def common_errors(operation: OperationModel) -> Mapping[str, int]:
    """HTTP status by code of the errors that any call may meet, for an operation of a service other than Lambda."""
    service = operation.service_model
    protocol = getattr(service, "resolved_protocol", None) or service.metadata["protocol"]
    common = _BY_PROTOCOL.get(protocol, _ALL)
    return {**common, **_OF_HEAD} if operation.http.get("method") == "HEAD" else common


_PREFIX: Final = "AWS.SimpleQueueService."
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

SQS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: _PREFIX + name for name in _PREFIXED},
        "QueueDoesNotExist": f"{_PREFIX}NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
    }
)
"""The code that clients see, by the error's name in the service model."""
