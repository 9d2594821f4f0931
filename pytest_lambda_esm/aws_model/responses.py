"""Writes the result of an operation, or an error, as an HTTP response; event streams as frames."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any, Final

from botocore.model import OperationModel, Shape, StructureShape

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.aws_model.json_types import JsonWriter, epoch_seconds, to_json

_NO_CONTENT: Final = 204
_FIRST_SERVER_ERROR: Final = 500
_JSON: Final = {"content-type": "application/json"}
_BYTES: Final = {"content-type": "application/octet-stream"}
_STREAM: Final = {"content-type": "application/vnd.amazon.eventstream"}


class ResponseWriter:
    """Writes results and errors as HTTP responses."""

    def __init__(self) -> None:
        self._json = JsonWriter()

    def result(self, operation: OperationModel, result: Mapping[str, Any]) -> HttpResponse:
        """Return the response of an operation that succeeded."""
        status = operation.http.get("responseCode", 200)
        shape = operation.output_shape
        if shape is None:
            return HttpResponse(status, {}, b"")
        code, headers, body_members = self._split(shape, result)
        status = status if code is None else int(code)
        payload = shape.serialization.get("payload")
        if status == _NO_CONTENT:
            return HttpResponse(status, headers, b"")
        if payload is None:
            return HttpResponse(status, {**_JSON, **headers}, to_json(self._json.structure(shape)(body_members)))
        content_type, body = self._payload(shape.members[payload], body_members.get(payload))
        return HttpResponse(status, {**content_type, **headers}, body)

    def error(self, error: ApiError, shape: StructureShape | None) -> HttpResponse:
        """Return the response of an operation that failed; ``shape`` is the error's, None if the model has none.

        The message has the name that the model gives it, ``message`` or ``Message``. Errors of the model state in
        ``Type`` whose fault it was, those of the layers in front of the service do not (recorded).
        """
        error_type = {"x-amzn-errortype": error.code}
        if shape is None:
            return HttpResponse(error.status, {**_JSON, **error_type}, to_json({"message": error.message}))
        fault = "User" if error.status < _FIRST_SERVER_ERROR else "Service"
        members = {"Type": fault, **error.members} if "Type" in shape.members else dict(error.members)
        members[next((name for name in shape.members if name.lower() == "message"), "message")] = error.message
        in_order = {name: members[name] for name in shape.members if name in members}
        _, headers, body_members = self._split(shape, {**in_order, **members})
        body = to_json(self._json.structure(shape)(body_members))
        return HttpResponse(error.status, {**_JSON, **error_type, **headers}, body)

    def _split(self, shape: StructureShape, values: Mapping[str, Any]) -> tuple[Any, dict[str, str], dict[str, Any]]:
        """Split values by location: status code (None if no member has it), headers, members of the body."""
        status = None
        headers: dict[str, str] = {}
        body: dict[str, Any] = {}
        for name, value in values.items():
            member = shape.members.get(name)
            traits = {} if member is None else member.serialization
            location = traits.get("location")
            if value is None:
                continue
            if location == "statusCode":
                status = value
            elif location == "header" and member is not None:
                headers[traits.get("name", name)] = _header_text(value, member)
            else:
                body[name] = value
        return status, headers, body

    def _payload(self, shape: Shape, value: Any) -> tuple[dict[str, str], bytes]:
        if shape.serialization.get("eventstream") and isinstance(shape, StructureShape):
            frames = (self._event(shape, event) for event in value or ())
            return _STREAM, b"".join(frames)
        if shape.type_name == "blob":
            return _JSON if value else {}, bytes(value or b"")  # The result of a function is JSON.
        return _JSON, b"" if value is None else to_json(self._json.writer(shape)(value))

    def _event(self, stream: StructureShape, event: Mapping[str, Any]) -> bytes:
        """Return the frame of an event, which is given as ``{event name: members}``."""
        ((name, members),) = event.items()
        shape = stream.members[name]
        assert isinstance(shape, StructureShape)
        for member, inner in shape.members.items():
            if inner.serialization.get("eventpayload"):
                return _frame(name, _BYTES["content-type"], bytes(members.get(member) or b""))
        return _frame(name, _JSON["content-type"], to_json(self._json.structure(shape)(members)))


def _header_text(value: Any, shape: Shape) -> str:
    if shape.type_name == "timestamp":
        return format_datetime(datetime.fromtimestamp(epoch_seconds(value), timezone.utc), usegmt=True)
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return str(value)


# --- frames of an event stream -----------------------------------------------------------------------------

_TEXT_TYPE: Final = 7
_FRAME_OVERHEAD: Final = 16


def _frame(event_type: str, content_type: str, payload: bytes) -> bytes:
    """Return one event in the binary encoding of event streams."""
    headers = _frame_headers({":event-type": event_type, ":content-type": content_type, ":message-type": "event"})
    prelude = struct.pack(">II", _FRAME_OVERHEAD + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _frame_headers(headers: Mapping[str, str]) -> bytes:
    encoded = b""
    for name, value in headers.items():
        name_bytes, value_bytes = name.encode(), value.encode()
        encoded += struct.pack(">B", len(name_bytes)) + name_bytes
        encoded += struct.pack(">BH", _TEXT_TYPE, len(value_bytes)) + value_bytes
    return encoded
