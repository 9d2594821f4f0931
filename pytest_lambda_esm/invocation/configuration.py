"""What the simulation needs to know of a function, and who tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pytest_lambda_esm.invocation.function_name import FunctionReference


@dataclass(frozen=True, slots=True)
class FunctionConfiguration:
    """A function's configuration in force: ``timeout`` in seconds, ``memory`` in MB, ``version`` as executed.

    ``role`` is the ARN of the role that it runs as.
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
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFunction:
    """A function that the test asks for: ``timeout`` in seconds, ``memory`` in MB."""

    name: str
    timeout: int
    memory: int
    handler: str
    environment: Mapping[str, str]


class Functions(Protocol):
    """Finds and makes functions. Real ones live in moto's storage; unit tests bring their own."""

    def find(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """The configuration of a function at a qualifier, or None where there is none."""
        ...

    def create(self, account_id: str, region: str, function: NewFunction) -> FunctionConfiguration:
        """Make a function, with a role to run as."""
        ...
