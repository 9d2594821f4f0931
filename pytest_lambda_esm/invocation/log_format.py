"""How log records of a handler read: as text, or as JSON where the function's LoggingConfig says so."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any, Final

from pytest_lambda_esm.config import MICROSECONDS, moment_of

JSON: Final = "JSON"
_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}


class TextFormatter(logging.Formatter):
    """Level, time, request id and message, between tabs: what Lambda's Python runtimes write by default."""

    def __init__(self) -> None:
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"
        )
        self.converter = time.gmtime


class JsonFormatter(logging.Formatter):
    """One object a line; members that a record lacks are left out, those that ``extra`` brought come last."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as JSON, with a line end."""
        kind, error, trace = record.exc_info or (None, None, None)
        members: dict[str, Any] = {
            "timestamp": stamp(round(record.created * MICROSECONDS)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if record.exc_info else None,
            "errorType": kind.__name__ if kind is not None else None,
            "errorMessage": str(error) if error is not None else None,
            "requestId": vars(record).get("aws_request_id"),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if record.exc_info else None,
        }
        extra = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        shown = {name: value for name, value in {**extra, **members}.items() if value is not None}
        ordered = {name: shown[name] for name in (*members, *extra) if name in shown}
        return json.dumps(ordered, ensure_ascii=False, default=str) + "\n"


def stamp(instant: int) -> str:
    """An instant in microseconds as logs show it, with milliseconds."""
    moment = moment_of(instant)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
