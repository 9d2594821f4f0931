"""A Lambda function as the test sees it, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_lambda_esm.config import Span, microseconds
from pytest_lambda_esm.errors import HandlerError
from pytest_lambda_esm.invocation.handlers import Handler, HandlerGiven, described, resolve
from pytest_lambda_esm.observe.log_sequence import LogSequence

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.record import Invocation

FunctionKey = tuple[str, str, str]
"""Account, region, name."""


class Function:
    """A function, its handler in this process, and its invocations so far."""

    def __init__(self, account_id: str, region: str, name: str) -> None:
        self.account_id = account_id
        self.region = region
        self.name = name
        self.handler: Handler | None = None
        self.declared_duration = 0
        self._invocations: list[Invocation] = []

    def __repr__(self) -> str:
        bound = described(self.handler) if self.handler else "no handler bound"
        return f"<Function {self.name} ({bound}) {len(self._invocations)} invocations>"

    @property
    def arn(self) -> str:
        """The function's unqualified ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{self.name}"

    @property
    def invocations(self) -> Sequence[Invocation]:
        """The runs of this function so far, the first one first."""
        return LogSequence(self._invocations)

    def bind(self, handler: HandlerGiven) -> None:
        """Let this function run a handler: a callable, or ``"pkg.mod:name"``, which is imported at once.

        Raises HandlerError where it cannot be imported or called.
        """
        __tracebackhide__ = True
        self.handler = resolve(handler)

    def takes(self, duration: Span) -> None:
        """Declare how long an invocation lasts at the least, in virtual seconds or as a timedelta."""
        __tracebackhide__ = True
        try:
            self.declared_duration = microseconds(duration)
        except (TypeError, ValueError) as error:
            raise HandlerError(f"duration: {error}") from None

    def remember(self, invocation: Invocation) -> None:
        """Note a run that has ended."""
        self._invocations.append(invocation)


class Registry:
    """The functions that the test named or that have run, by account, region and name."""

    def __init__(self) -> None:
        self._functions: dict[FunctionKey, Function] = {}

    def get(self, account_id: str, region: str, name: str) -> Function:
        """The function, whether or not a handler is bound."""
        key = (account_id, region, name)
        if key not in self._functions:
            self._functions[key] = Function(account_id, region, name)
        return self._functions[key]

    def __iter__(self) -> Iterator[Function]:
        return iter(list(self._functions.values()))

    def handler_of(self, account_id: str, region: str, name: str) -> Handler:
        """The function's handler. Raises HandlerError that says how to bind one."""
        function = self.get(account_id, region, name)
        if function.handler is None:
            bound = sorted(other.name for other in self._functions.values() if other.handler)
            raise HandlerError(
                f"the function {name!r} ({region}) is to run, and has no handler bound. Bind one before time moves:"
                f" lambda_esm.function({name!r}, handler) with a callable or 'pkg.mod:name'."
                + (f" Bound are: {', '.join(bound)}." if bound else "")
            )
        return function.handler
