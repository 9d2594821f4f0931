"""The environment variables that a function sees, in place for as long as its handler runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration


def variables(function: FunctionConfiguration, log_stream: str) -> dict[str, str]:
    """Lambda's defined runtime environment variables, and the function's own."""
    return {
        **function.environment,
        "_HANDLER": function.handler,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_REGION": function.region,
    }


@contextmanager
def in_place(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while, and put back what was there."""
    environ = os.environ
    before = {name: environ[name] for name in values if name in environ}
    for name, value in values.items():
        environ[name] = value
    try:
        yield
    finally:
        for name in values:
            if name in before:
                environ[name] = before[name]
                continue
            try:
                del environ[name]
            except KeyError:
                continue  # The handler has removed it.
