"""What a fault does to the call that it strikes: AWS refuses it, the network fails it, or a poller has trouble.

Each prints as the code that makes it, so that a report can be copied into a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.timing import MICROSECONDS, Span, microseconds


@dataclass(frozen=True, slots=True)
class AwsError:
    """An error that AWS answers: its code, and what is not the default. ``status`` 0 is the code's own status."""

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
    """An error of AWS with a text or members of one's own, wherever a fault takes an error.

    ``members`` are further members of the answer by their names in the service model, such as ``Reason``, ``Type``
    and ``retryAfterSeconds`` of TooManyRequestsException. They are checked where the error is used.
    """
    return AwsError(code, message, members)


READ_TIMEOUT: Final = "read timeout"
CONNECT_TIMEOUT: Final = "connect timeout"
CONNECTION_RESET: Final = "connection reset"
LOST_RESPONSE: Final = "lost response"
LATENCY: Final = "latency"


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """What the network does to a call; ``kind`` says what, ``seconds`` is a latency."""

    kind: str
    seconds: float = 0.0

    @property
    def arrives(self) -> bool:
        """Whether AWS gets the request, and does what it asks for."""
        return self.kind in (LOST_RESPONSE, LATENCY)

    def __repr__(self) -> str:
        return f"{self.kind.replace(' ', '_')}({f'{self.seconds:g}' if self.kind == LATENCY else ''})"

    def __str__(self) -> str:
        return f"latency of {self.seconds:g} s" if self.kind == LATENCY else self.kind


def read_timeout() -> NetworkFault:
    """The request is lost on its way: nothing is done, and the client waits for its whole read timeout, virtually."""
    return NetworkFault(READ_TIMEOUT)


def connect_timeout() -> NetworkFault:
    """No connection comes about within the client's connect timeout; nothing is done."""
    return NetworkFault(CONNECT_TIMEOUT)


def connection_reset() -> NetworkFault:
    """The other side closes the connection at once; nothing is done."""
    return NetworkFault(CONNECTION_RESET)


def lost_response() -> NetworkFault:
    """The operation is done, and its answer never arrives: the client runs into its read timeout.

    botocore tries again, and the second try meets what the first one made.
    """
    return NetworkFault(LOST_RESPONSE)


def latency(seconds: Span) -> NetworkFault:
    """The operation is done, and its answer arrives this much later (seconds or a timedelta, virtual).

    Where that, with the time which the operation itself takes, is longer than the client's read timeout, the client
    sees a read timeout. Raises FaultError for a
    negative time, or one that is none.
    """
    __tracebackhide__ = True
    try:
        return NetworkFault(LATENCY, microseconds(seconds) / MICROSECONDS)
    except (TypeError, ValueError) as error:
        raise FaultError(f"latency: {error}") from None


@dataclass(frozen=True, slots=True)
class PollerFault:
    """Trouble of a poller: one of the words that its step knows, and a text for those that take one."""

    word: str
    message: str | None = None

    def __repr__(self) -> str:
        return repr(self.word)

    def __str__(self) -> str:
        return self.word


Effect: TypeAlias = AwsError | NetworkFault | PollerFault
"""What a fault does."""

ErrorGiven: TypeAlias = str | AwsError | NetworkFault
"""What users write for it: the name of an error, ``aws_error(...)``, or a fault of the network."""
