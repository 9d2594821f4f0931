"""What a handler is given besides its event: the context object, environment variables and the trace header.

All are built as Lambda's own Python runtime builds them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.invocation.configuration import TEXT, FunctionConfiguration
from pytest_lambda_esm.timing import MICROSECONDS, moment_of

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.local_time import LocalTime


class LambdaContext:
    """The second argument of a handler, as on the page "Using the Lambda context object" for Python.

    ``memory_limit_in_mb`` is a string, as in Lambda. The remaining time counts down in the invocation's virtual time.
    """

    def __init__(
        self,
        environment: ExecutionEnvironment,
        request_id: str,
        invoked_arn: str,
        time: LocalTime,
        client_context: Mapping[str, Any] | None = None,
    ) -> None:
        function = environment.function
        self.aws_request_id = request_id
        self.log_group_name = function.log_group
        self.log_stream_name = environment.log_stream
        self.function_name = function.name
        self.memory_limit_in_mb = str(function.memory)
        self.function_version = function.version
        self.invoked_function_arn = invoked_arn
        self.client_context = ClientContext(client_context) if client_context is not None else None
        self.tenant_id: str | None = None
        self._w3c = _w3c_fields(client_context) if client_context is not None else None
        self._time = time

    @cached_property
    def identity(self) -> CognitoIdentity:
        """The caller's Cognito identity, which is empty."""
        return CognitoIdentity()

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds of virtual time until the function times out, at least 0."""
        return max(0, (self._time.deadline - self._time.now()) // 1000)

    def w3c(self) -> dict[str, str]:
        """Return the W3C trace context that came in the client context: traceparent, tracestate and baggage."""
        return dict(self._w3c or {})

    def log(self, message: object) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return (
            f"LambdaContext([aws_request_id={self.aws_request_id},log_group_name={self.log_group_name},"
            f"log_stream_name={self.log_stream_name},function_name={self.function_name},"
            f"memory_limit_in_mb={self.memory_limit_in_mb},function_version={self.function_version},"
            f"invoked_function_arn={self.invoked_function_arn},client_context={self.client_context},"
            f"identity={self.identity},tenant_id={self.tenant_id}])"
        )


_W3C_FIELDS: Final = ("traceparent", "tracestate", "baggage")


def _w3c_fields(client_context: Mapping[str, Any]) -> dict[str, str]:
    members = client_context.get("w3c")
    if not isinstance(members, Mapping):
        return {}
    return {name: members[name] for name in _W3C_FIELDS if isinstance(members.get(name), str)}


class CognitoIdentity:
    """The caller's Cognito identity, for calls from the AWS Mobile SDK; otherwise both ids are None."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self) -> None:
        self.cognito_identity_id: str | None = None
        self.cognito_identity_pool_id: str | None = None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}([cognito_identity_id={self.cognito_identity_id},"
            f"cognito_identity_pool_id={self.cognito_identity_pool_id}])"
        )


class ClientContext:
    """The ``ClientContext`` that the caller of a synchronous invocation sent.

    ``client`` has ``installation_id``, ``app_title``, ``app_version_name``, ``app_version_code`` and
    ``app_package_name``; ``custom`` and ``env`` are dictionaries. Members that were not sent are None.
    """

    __slots__ = ("client", "custom", "env")

    def __init__(self, members: Mapping[str, Any]) -> None:
        client = members.get("client")
        self.client = Client(client) if isinstance(client, Mapping) else None
        self.custom: Any = members.get("custom")
        self.env: Any = members.get("env")

    def __repr__(self) -> str:
        return f"{type(self).__name__}([custom={self.custom},env={self.env},client={self.client}])"


class Client:
    """The calling mobile application."""

    __slots__ = ("app_package_name", "app_title", "app_version_code", "app_version_name", "installation_id")

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.installation_id: Any = members.get("installation_id")
        self.app_title: Any = members.get("app_title")
        self.app_version_name: Any = members.get("app_version_name")
        self.app_version_code: Any = members.get("app_version_code")
        self.app_package_name: Any = members.get("app_package_name")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}([installation_id={self.installation_id},app_title={self.app_title},"
            f"app_version_name={self.app_version_name},app_version_code={self.app_version_code},"
            f"app_package_name={self.app_package_name}])"
        )


@dataclass(frozen=True, slots=True)
class ExecutionEnvironment:
    """The environment that runs a version of a function; ``variables`` are encoded as ``os.environ`` stores them."""

    function: FunctionConfiguration
    log_stream: str
    variables: Mapping[Any, Any]


def log_stream_name(start: int, version: str, identifier: str) -> str:
    """Return the name of the log stream of an execution environment that started at ``start``."""
    return f"{moment_of(start):%Y/%m/%d}/[{version}]{identifier}"


_XRAY_HOST: Final = "127.0.0.1"
_XRAY_PORT: Final = "2000"


def variables(function: FunctionConfiguration, log_stream: str) -> dict[str, str]:
    """Return Lambda's runtime variables and the function's own, which may override the unreserved ones.

    Variables that differ between invocations are not included.
    """
    logging = {"AWS_LAMBDA_LOG_LEVEL": function.log_level} if function.log_level else {}
    if function.log_format != TEXT:
        logging["AWS_LAMBDA_LOG_FORMAT"] = function.log_format
    return {
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        # Of this machine, since X-Ray's SDK sends datagrams there.
        "AWS_XRAY_DAEMON_ADDRESS": f"{_XRAY_HOST}:{_XRAY_PORT}",
        "_AWS_XRAY_DAEMON_ADDRESS": _XRAY_HOST,
        "_AWS_XRAY_DAEMON_PORT": _XRAY_PORT,
        "TZ": ":UTC",
        **function.environment,
        **logging,
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


def trace_header(request_id: str, instant: int, received: str = "") -> str:
    """Return the X-Ray trace header of an invocation that starts at an instant, in microseconds since the epoch.

    It continues the trace of the header that came with the request, or begins one that is not sampled.
    """
    digits = request_id.replace("-", "")
    root = f"1-{instant // MICROSECONDS:08x}-{digits[:24]}"
    if not received:
        return f"Root={root};Parent={digits[-16:]};Sampled=0"
    parts = dict(part.strip().partition("=")[::2] for part in received.split(";"))
    return f"Root={parts.get('Root') or root};Parent={digits[-16:]};Sampled={parts.get('Sampled') or '0'}"
