"""A deterministic AWS Lambda event system inside a pytest process.

Everything a user names is here; each name is imported when it is first used, so that a test run which uses none of
them imports neither boto3 nor moto.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_lambda_esm.clock.virtual import DueEvent, VirtualClock
    from pytest_lambda_esm.config import AfterReads, Config, TransitionTimes, after_reads
    from pytest_lambda_esm.errors import (
        AlreadyActive,
        ClockError,
        ClockLimitExceeded,
        ConfigurationError,
        HandlerError,
        LambdaEsmAdvice,
        LambdaEsmError,
        MappingNotFound,
        NetworkBlocked,
        NotSimulated,
        StateError,
    )
    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.hooks import HandlerCall, HandlerResult
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.invocation.function import Function
    from pytest_lambda_esm.invocation.record import FunctionError, Invocation
    from pytest_lambda_esm.invocation.script import Outcome, exits, raises, returns, runs, throttled, times_out
    from pytest_lambda_esm.mappings.mapping import Mapping, Transition
    from pytest_lambda_esm.observe.calls import Call, Calls
    from pytest_lambda_esm.observe.fates import Fate
    from pytest_lambda_esm.observe.timeline import Entry, Timeline

_HOMES = {
    "AfterReads": "config",
    "AlreadyActive": "errors",
    "Call": "observe.calls",
    "Calls": "observe.calls",
    "ClockError": "errors",
    "ClockLimitExceeded": "errors",
    "Config": "config",
    "ConfigurationError": "errors",
    "DueEvent": "clock.virtual",
    "Entry": "observe.timeline",
    "FakeLambda": "fake",
    "Fate": "observe.fates",
    "Function": "invocation.function",
    "FunctionError": "invocation.record",
    "HandlerCall": "hooks",
    "HandlerError": "errors",
    "HandlerResult": "hooks",
    "Invocation": "invocation.record",
    "LambdaContext": "invocation.context",
    "LambdaEsmAdvice": "errors",
    "LambdaEsmError": "errors",
    "Mapping": "mappings.mapping",
    "MappingNotFound": "errors",
    "NetworkBlocked": "errors",
    "NotSimulated": "errors",
    "Outcome": "invocation.script",
    "StateError": "errors",
    "Timeline": "observe.timeline",
    "Transition": "mappings.mapping",
    "TransitionTimes": "config",
    "VirtualClock": "clock.virtual",
    "after_reads": "config",
    "exits": "invocation.script",
    "raises": "invocation.script",
    "returns": "invocation.script",
    "runs": "invocation.script",
    "throttled": "invocation.script",
    "times_out": "invocation.script",
}

__all__ = [
    "AfterReads",
    "AlreadyActive",
    "Call",
    "Calls",
    "ClockError",
    "ClockLimitExceeded",
    "Config",
    "ConfigurationError",
    "DueEvent",
    "Entry",
    "FakeLambda",
    "Fate",
    "Function",
    "FunctionError",
    "HandlerCall",
    "HandlerError",
    "HandlerResult",
    "Invocation",
    "LambdaContext",
    "LambdaEsmAdvice",
    "LambdaEsmError",
    "Mapping",
    "MappingNotFound",
    "NetworkBlocked",
    "NotSimulated",
    "Outcome",
    "StateError",
    "Timeline",
    "Transition",
    "TransitionTimes",
    "VirtualClock",
    "after_reads",
    "exits",
    "raises",
    "returns",
    "runs",
    "throttled",
    "times_out",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-lambda-esm")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
