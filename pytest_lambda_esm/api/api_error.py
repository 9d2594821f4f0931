"""An error that the Lambda API answers, and the errors which every AWS service can answer.

Errors of the service itself (codes, statuses, members) come from botocore's service model. The model leaves
out the errors of the layers in front of every service; those are the one table here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

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
