"""HTTP responses for errors of services other than Lambda, in each of AWS's protocols."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from xml.sax.saxutils import escape

from botocore.model import ServiceModel, StructureShape

from pytest_lambda_esm.aws_model.errors import SQS_CODES
from pytest_lambda_esm.faults.effects import AwsError

ErrorResponse = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""

_FIRST_SERVER_ERROR: Final = 500


def error_response(service: ServiceModel, error: AwsError, request_id: str, *, has_body: bool) -> ErrorResponse:
    """Return the HTTP response for an error, in the protocol that the installed botocore uses with the service.

    The response to a HEAD request has no body: the client reports its status as the error code.
    """
    ids = {"x-amzn-requestid": request_id, "x-amz-request-id": request_id}
    if not has_body:
        return error.status, ids, b""
    shapes: list[Any] = list(service.error_shapes)
    shape = next((shape for shape in shapes if error.code in (shape.name, shape.error_code)), None)
    protocol = getattr(service, "resolved_protocol", None) or service.metadata["protocol"]
    write = _WRITERS.get(protocol, _json)
    headers, body = write(service, error, shape, request_id)
    return error.status, {**ids, **headers}, body


def _members(error: AwsError, shape: StructureShape | None) -> dict[str, Any]:
    names = shape.members if shape is not None else ()
    message = next((name for name in names if name.lower() == "message"), "message")
    return {message: error.message, **error.members}


def _json(service: ServiceModel, error: AwsError, shape: Any, request_id: str) -> tuple[dict[str, str], bytes]:
    body = {"__type": shape.name if shape is not None else error.code, **_members(error, shape)}
    headers = {"content-type": "application/x-amz-json-1.0", **_query_header(service, error, shape)}
    return headers, json.dumps(body).encode()


def _rest_json(service: ServiceModel, error: AwsError, shape: Any, request_id: str) -> tuple[dict[str, str], bytes]:
    headers = {"content-type": "application/json", "x-amzn-errortype": _code(error, shape)}
    return headers, json.dumps(_members(error, shape)).encode()


def _query(service: ServiceModel, error: AwsError, shape: Any, request_id: str) -> tuple[dict[str, str], bytes]:
    body = f"<ErrorResponse><Error>{_xml(error, shape)}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    return {"content-type": "text/xml"}, body.encode()


def _ec2(service: ServiceModel, error: AwsError, shape: Any, request_id: str) -> tuple[dict[str, str], bytes]:
    body = (
        f"<Response><Errors><Error>{_xml(error, shape)}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
    return {"content-type": "text/xml"}, body.encode()


def _rest_xml(service: ServiceModel, error: AwsError, shape: Any, request_id: str) -> tuple[dict[str, str], bytes]:
    if service.service_name != "s3":
        return _query(service, error, shape, request_id)
    body = f"<Error>{_xml(error, shape)}<RequestId>{request_id}</RequestId></Error>"
    return {"content-type": "application/xml"}, body.encode()


def _cbor(service: ServiceModel, error: AwsError, shape: Any, request_id: str) -> tuple[dict[str, str], bytes]:
    members = {"__type": shape.name if shape is not None else error.code, **_members(error, shape)}
    pairs = b"".join(_cbor_text(name) + _cbor_text(str(value)) for name, value in members.items())
    headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return {**headers, **_query_header(service, error, shape)}, bytes([0xA0 + len(members)]) + pairs


def _cbor_text(text: str) -> bytes:
    data = text.encode()
    return b"\x7a" + len(data).to_bytes(4, "big") + data


def _xml(error: AwsError, shape: Any) -> str:
    more = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.members.items())
    return (
        f"<Type>{_fault(error)}</Type><Code>{escape(_code(error, shape))}</Code>"
        f"<Message>{escape(error.message or '')}</Message>{more}"
    )


def _query_header(service: ServiceModel, error: AwsError, shape: Any) -> dict[str, str]:
    """Return the header with the old error code, which services that used to speak the query protocol send."""
    if "awsQueryCompatible" not in service.metadata:
        return {}
    code = SQS_CODES.get(error.code) if service.service_name == "sqs" else None
    return {"x-amzn-query-error": f"{code or _code(error, shape)};{_fault(error)}"}


def _code(error: AwsError, shape: Any) -> str:
    return str(shape.error_code) if shape is not None else error.code


def _fault(error: AwsError) -> str:
    return "Sender" if error.status < _FIRST_SERVER_ERROR else "Receiver"


_WRITERS: Final[dict[str, Callable[[ServiceModel, AwsError, Any, str], tuple[dict[str, str], bytes]]]] = {
    "json": _json,
    "rest-json": _rest_json,
    "query": _query,
    "ec2": _ec2,
    "rest-xml": _rest_xml,
    "smithy-rpc-v2-cbor": _cbor,
}
