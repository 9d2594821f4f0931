"""The execution environment of a version of a function: its log stream, and the variables that the handler sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration


@dataclass(frozen=True, slots=True)
class ExecutionEnvironment:
    """``variables`` are encoded as ``os.environ`` keeps them."""

    function: FunctionConfiguration
    log_stream: str
    variables: Mapping[Any, Any]


def variables(function: FunctionConfiguration, log_stream: str) -> dict[str, str]:
    """Lambda's defined runtime environment variables, and the function's own, which may replace the first ones.

    Those that differ from one invocation to the next are not among them.
    """
    level = {"AWS_LAMBDA_LOG_LEVEL": function.log_level} if function.log_level else {}
    return {
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "TZ": ":UTC",
        **function.environment,
        **level,
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "_HANDLER": function.handler,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": function.region,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
    }
