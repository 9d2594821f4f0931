"""What the simulation needs to know of a function, and who tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from pytest_lambda_esm.arn import FunctionReference

IMAGE: Final = "image"
"""In place of a runtime, for functions that are container images."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A deployment package and its layers, as the zip files that they are; ``digest`` tells contents apart."""

    digest: str
    content: bytes = field(repr=False, compare=False)
    layers: tuple[bytes, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """A function's configuration in force: ``timeout`` in seconds, ``memory`` in MB, ``version`` as executed.

    ``arn`` is unqualified. ``log_format`` is ``"Text"`` or ``"JSON"``; ``log_level`` the root logger's, empty for
    Python's own. ``runtime`` may be IMAGE. ``archive`` is None where code is not kept as a zip file; ``is_stand_in``
    says that the archive is one that this package made, which nobody means to run.
    ``role`` is the ARN of the role that it runs as. ``identity`` tells it from an earlier function of its name.
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
    log_format: str = "Text"
    log_level: str = ""
    dead_letter: str | None = None
    reserved_concurrency: int | None = None
    archive: Archive | None = None
    is_stand_in: bool = False
    role: str = ""
    identity: object = field(default=None, repr=False)

    def runs_as(self, other: FunctionConfiguration) -> bool:
        """Whether an execution environment of this one can run the other: nothing that it sees is different."""
        return self is other or self._seen() == other._seen()

    def _seen(self) -> FunctionConfiguration:
        return replace(self, reserved_concurrency=None, dead_letter=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFunction:
    """A function that the test asks for: ``timeout`` in seconds, ``memory`` in MB."""

    name: str
    timeout: int
    memory: int
    handler: str
    environment: Mapping[str, str]
    dead_letter: str | None = None
    reserved_concurrency: int | None = None


class Functions(Protocol):
    """Finds and makes functions. Real ones live in moto's storage; unit tests bring their own."""

    def find(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """The configuration of a function at a qualifier, or None where there is none."""
        ...

    def route(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """The same for one invocation: an alias with weights picks one of its versions at random."""
        ...

    def reserved_total(self, account_id: str, region: str) -> int:
        """How much of the account's concurrency is reserved for functions."""
        ...

    def create(self, account_id: str, region: str, function: NewFunction) -> FunctionConfiguration:
        """Make a function, with a role to run as."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeConfig:
    """A FunctionEventInvokeConfig: None where a setting is not given.

    ``function_arn`` is always qualified. Without a setting two retries and 21,600 seconds hold (API reference).
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
        """The config of a function at a qualifier (``$LATEST``, a version or an alias), or None."""
        ...
