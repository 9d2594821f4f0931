"""Errors that a service other than Lambda answers to any call, with their HTTP statuses, by the protocol it speaks.

Service models leave these out. AWS's pages "Common errors" come in two kinds: services on the older protocols have
names without the ending "Exception", and services on the JSON protocol answer 400 to what the client has done wrong. S3
has a page of its own, "Error responses".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from botocore.model import OperationModel

from pytest_lambda_esm.api.api_error import COMMON_ERRORS

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
