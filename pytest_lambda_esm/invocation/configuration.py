"""A function's configuration, its settings for asynchronous invocation, and the ports that find both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from pytest_lambda_esm.arn import FunctionReference

FunctionKey = tuple[str, str, str]
"""Account, region, name."""
TEXT: Final = "Text"
"""The format of a log that is not JSON."""
IMAGE: Final = "image"
"""The runtime of a function that is a container image."""
RESERVED_VARIABLES: Final = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""The variables that Lambda sets itself, from the page "Using Lambda environment variables"."""


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """A function's current configuration: ``timeout`` in seconds, ``memory`` in MB, ``version`` as executed.

    ``arn`` is unqualified. ``runtime`` may be IMAGE. ``log_format`` is ``"Text"`` or ``"JSON"``. ``log_level`` is the
    level of the root logger; if empty, Python's default applies. ``archive`` is None if the code is not stored as a zip
    file. ``is_stand_in`` marks an archive that this package made as a placeholder and never runs. ``role`` is the ARN
    of the execution role. ``identity`` distinguishes a function from an earlier one with the same name.
    """

    account_id: str
    region: str
    name: str
    arn: str
    version: str
    timeout: int
    memory: int
    handler: str
    runtime: str
    environment: Mapping[str, str]
    log_group: str = ""
    log_format: str = TEXT
    log_level: str = ""
    dead_letter: str | None = None
    reserved_concurrency: int | None = None
    archive: Archive | None = None
    is_stand_in: bool = False
    role: str = ""
    identity: object = field(default=None, repr=False)

    def runs_as(self, other: FunctionConfiguration) -> bool:
        """Return whether an execution environment of this configuration can also run the other."""
        return self is other or self._visible_to_code() == other._visible_to_code()

    def _visible_to_code(self) -> FunctionConfiguration:
        return replace(self, reserved_concurrency=None, dead_letter=None)


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """A folder of this machine in the place of a zip file: its code runs where it is.

    ``is_python`` says that a layer's folder is what ``/opt/python`` holds in Lambda, instead of ``/opt``.
    """

    path: Path
    is_python: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """A deployment package and its layers, each a zip file or a folder; ``digest`` identifies their contents.

    ``is_partial`` says that the function has layers of other accounts, whose contents are unknown.
    """

    digest: str
    content: bytes | SourceFolder = field(repr=False, compare=False)
    layers: tuple[bytes | SourceFolder, ...] = field(default=(), repr=False, compare=False)
    is_partial: bool = False


class Functions(Protocol):
    """Finds and creates functions: in moto's storage, or in a unit test's."""

    def find(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """Return the configuration of a function at a qualifier, or None if it does not exist."""
        ...

    def route(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """Return the configuration for one invocation: an alias with weights picks a version at random."""
        ...

    def reserved_total(self, account_id: str, region: str) -> int:
        """Return the share of the account's concurrency that is reserved for functions."""
        ...

    def usage(self, account_id: str, region: str) -> Usage:
        """Return what an account uses in a region."""
        ...

    def create(self, account_id: str, region: str, function: NewFunction) -> FunctionConfiguration:
        """Create a function and its execution role."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an account uses in a region: ``functions`` counts them once, ``code_size`` are the bytes of all versions."""

    functions: int
    code_size: int
    reserved_concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFunction:
    """A function to create for the test: ``timeout`` in seconds, ``memory`` in MB."""

    name: str
    timeout: int
    memory: int
    handler: str
    environment: Mapping[str, str]
    dead_letter: str | None = None
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeConfig:
    """A FunctionEventInvokeConfig. A setting that was not given is None.

    ``function_arn`` is always qualified. The defaults are two retries and 21,600 seconds (API reference).
    ``on_success`` and ``on_failure`` are destination ARNs.
    """

    function_arn: str
    last_modified: datetime
    maximum_retry_attempts: int | None = None
    maximum_event_age: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


class InvokeConfigs(Protocol):
    """Finds invoke configs."""

    def find(self, account_id: str, region: str, function: str, qualifier: str) -> InvokeConfig | None:
        """Return the config of a function at a qualifier (``$LATEST``, a version or an alias), or None."""
        ...
