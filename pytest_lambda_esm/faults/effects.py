"""The effects of a fault: AWS refuses a call, the network loses it, or a step of a poller fails.

The repr of each is the code that makes it, so that a line of a report can be copied into a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.timing import MICROSECONDS, Span, microseconds
from pytest_lambda_esm.vocabulary import NetworkFaultKind


@dataclass(frozen=True, slots=True)
class AwsError:
    """An error that AWS answers: its code, and what differs from the default. A ``status`` of 0 is that of the code."""

    code: str
    message: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0

    def __repr__(self) -> str:
        if self.message is None and not self.members:
            return repr(self.code)
        given = [repr(self.code)] + ([repr(self.message)] if self.message is not None else [])
        return f"aws_error({', '.join([*given, *(f'{name}={value!r}' for name, value in self.members.items())])})"

    def __str__(self) -> str:
        return self.code


def aws_error(code: str, message: str | None = None, **members: Any) -> AwsError:
    """Return an AWS error with a custom text or custom members, for any place where a fault takes an error.

    ``members`` are further members of the answer by their names in the service model, such as ``Reason``, ``Type``
    and ``retryAfterSeconds`` of TooManyRequestsException. They are checked when the error is used in a fault.
    """
    return AwsError(code, message, members)


READ_TIMEOUT: Final = "read timeout"
CONNECT_TIMEOUT: Final = "connect timeout"
CONNECTION_RESET: Final = "connection reset"
LOST_RESPONSE: Final = "lost response"
LATENCY: Final = "latency"


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """An effect of the network on a call: its ``kind``, and in ``seconds`` a latency."""

    kind: NetworkFaultKind
    seconds: float = 0.0

    @property
    def arrives(self) -> bool:
        """Whether AWS receives the request and performs it."""
        return self.kind in (LOST_RESPONSE, LATENCY)

    def __repr__(self) -> str:
        return f"{self.kind.replace(' ', '_')}({f'{self.seconds:g}' if self.kind == LATENCY else ''})"

    def __str__(self) -> str:
        return f"latency of {self.seconds:g} s" if self.kind == LATENCY else self.kind


def read_timeout() -> NetworkFault:
    """Lose the request: nothing is performed, and the client waits for its whole read timeout, in virtual time."""
    return NetworkFault(READ_TIMEOUT)


def connect_timeout() -> NetworkFault:
    """Let the client's connect timeout pass without a connection; nothing is performed."""
    return NetworkFault(CONNECT_TIMEOUT)


def connection_reset() -> NetworkFault:
    """Close the connection from the other side at once; nothing is performed."""
    return NetworkFault(CONNECTION_RESET)


def lost_response() -> NetworkFault:
    """Perform the operation and lose its answer: the client runs into its read timeout.

    botocore then tries again, and the second attempt finds what the first one made.
    """
    return NetworkFault(LOST_RESPONSE)


def latency(seconds: Span) -> NetworkFault:
    """Perform the operation and delay its answer, by seconds or a timedelta of virtual time.

    If the delay and the duration of the operation together exceed the client's read timeout, the client sees a read
    timeout. Raises FaultError for a negative time, and for a value that is not a time span.
    """
    __tracebackhide__ = True
    try:
        return NetworkFault(LATENCY, microseconds(seconds) / MICROSECONDS)
    except (TypeError, ValueError) as error:
        raise FaultError(f"latency: {error}") from None


AFTER_WRITES: Final = "after_writes"


@dataclass(frozen=True, slots=True)
class PollerFault:
    """A fault at a step of a poller: its name in ``poller_steps.STEPS``, and a text for those that take one.

    ``writes`` is the number of calls after which :func:`after_writes` ends a handler, and 0 for other faults.
    """

    name: str
    message: str | None = None
    writes: int = 0

    def __repr__(self) -> str:
        return f"{self.name}({self.writes})" if self.writes else repr(self.name)

    def __str__(self) -> str:
        return f"end of the process after write {self.writes}" if self.writes else self.name


def after_writes(count: int) -> PollerFault:
    """End the handler's process as soon as its ``count``-th call that writes has been done, as a power cut may.

    A fault of ``poller.Invoke`` and ``poller.InvokeEvent``. Calls of all services count, also the handler's threads'.
    The invocation has the outcome ``"exit"``. Python still unwinds the handler, so ``finally`` blocks run, but none of
    the calls in them is performed. Raises FaultError for anything but a whole number from 1.
    """
    __tracebackhide__ = True
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise FaultError(f"after_writes takes a whole number from 1, not {count!r}")
    return PollerFault(AFTER_WRITES, writes=count)


Effect: TypeAlias = AwsError | NetworkFault | PollerFault
"""The effect of a fault on the call that it strikes."""

ErrorGiven: TypeAlias = str | AwsError | NetworkFault | PollerFault
"""How users write an effect: the name of an error, ``aws_error(...)``, a network fault, or ``after_writes(n)``."""
