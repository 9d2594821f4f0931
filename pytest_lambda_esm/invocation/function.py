"""A Lambda function as the test sees it, and the registry of all functions."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.errors import HandlerError
from pytest_lambda_esm.invocation.configuration import FunctionKey
from pytest_lambda_esm.invocation.expected_errors import ErrorExpected, ExpectedError, expected, unexpected
from pytest_lambda_esm.invocation.handlers import Handler, HandlerGiven, described, module_state, resolve
from pytest_lambda_esm.invocation.script import Outcome, instead_of
from pytest_lambda_esm.observe.sequences import ReadOnlySequence, nothing_to_catch_up
from pytest_lambda_esm.timing import Span, microseconds
from pytest_lambda_esm.wording import counted

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.record import Invocation


class Function:
    """A function, the handler bound to it, and its invocations so far.

    Read its ``name``, ``region``, ``account_id`` and ``handler``, which is None while none is bound.
    """

    def __init__(
        self, account_id: str, region: str, name: str, catch_up: Callable[[], None] = nothing_to_catch_up
    ) -> None:
        self._catch_up = catch_up
        self.account_id = account_id
        self.region = region
        self.name = name
        self.handler: Handler | None = None
        self._declared_duration = 0
        self._invocations: list[Invocation] = []
        self._script: deque[Outcome] = deque()
        self._counters: Counter[str] = Counter()
        self._duplicates = 0
        self._state: dict[str, tuple[int, int]] = {}
        self._left_behind: tuple[str, ...] = ()
        self._failures: list[Invocation] = []
        self._expected: list[ExpectedError] = []

    def __repr__(self) -> str:
        self._catch_up()
        bound = described(self.handler) if self.handler else "no handler bound"
        return f"<Function {self.name} ({bound}) {counted(len(self._invocations), 'invocation')}>"

    @property
    def arn(self) -> str:
        """The function's unqualified ARN."""
        return f"arn:{partition_of(self.region)}:lambda:{self.region}:{self.account_id}:function:{self.name}"

    @property
    def invocations(self) -> Sequence[Invocation]:
        """The invocations of this function so far, in order."""
        return ReadOnlySequence(self._invocations, self._catch_up)

    @property
    def metrics(self) -> Mapping[str, int]:
        """The counters that CloudWatch would show so far.

        ``Invocations``, ``Errors``, ``Throttles``, ``AsyncEventsReceived``, ``AsyncEventsDropped``,
        ``DeadLetterErrors``, ``DestinationDeliveryFailures``, ``RecursiveInvocationsDropped``. A counter that was never
        incremented reads 0.
        """
        self._catch_up()
        return MappingProxyType(self._counters)

    def script(self, *outcomes: Outcome) -> None:
        """Set the outcomes of the next invocations; after the last one, the handler runs as usual.

        Each attempt takes one outcome, and so does a retry. A second script is appended to the first. Raises
        HandlerError for anything but returns, raises, times_out, throttled, exits and runs.
        """
        __tracebackhide__ = True
        for outcome in outcomes:
            if not isinstance(outcome, Outcome):
                raise HandlerError(f"script takes outcomes, such as {instead_of(outcome)}, not {outcome!r}")
        self._script.extend(outcomes)

    def expects(self, error: ErrorExpected, times: int | None = None) -> None:
        """Expect that invocations of this function fail with an error, for tests with ``handler_errors = "fail"``.

        ``error`` is an exception class, an exception (its class and text count), or an errorType of AWS such as
        ``"Sandbox.Timedout"``. ``times`` is how often it occurs, exactly; None for any number. Retries count each.
        Errors of a script's ``raises``, ``times_out`` and ``exits`` need not be expected. Raises HandlerError for
        anything else.
        """
        __tracebackhide__ = True
        self._expected.append(expected(error, times))

    def duplicate_events(self, times: int = 1) -> None:
        """Deliver the next asynchronous events twice, as Lambda's queue may.

        Raises HandlerError unless ``times`` is a whole number from 1.
        """
        __tracebackhide__ = True
        if not isinstance(times, int) or isinstance(times, bool) or times < 1:
            raise HandlerError(f"duplicate_events takes a whole number from 1, not {times!r}")
        self._duplicates += times

    def bind(self, handler: HandlerGiven) -> None:
        """Bind a handler: a callable, or ``"pkg.mod:name"`` (or ``"pkg.mod.name"``), which is imported at once.

        Raises HandlerError if it cannot be imported or called.
        """
        __tracebackhide__ = True
        self.handler = resolve(handler)
        self._state = module_state(self.handler)
        self._left_behind = ()

    def takes(self, duration: Span) -> None:
        """Set the minimum duration of an invocation, in virtual seconds or as a timedelta."""
        __tracebackhide__ = True
        try:
            self._declared_duration = microseconds(duration)
        except (TypeError, ValueError) as error:
            raise HandlerError(f"duration: {error}") from None

    def _remember(self, invocation: Invocation, scripted: Outcome | None = None) -> None:
        """Record an invocation that has ended, and the step of the script that it took."""
        self._invocations.append(invocation)
        self._counters["Invocations"] += 1
        if invocation._answer.error is not None:
            self._counters["Errors"] += 1
            if scripted is None or scripted.kind == "runs":
                self._failures.append(invocation)

    def _unexpected_errors(self) -> list[str]:
        """Return the errors that the test neither scripted nor expected, and those that it expected in vain."""
        return unexpected(self.name, self._failures, self._expected)

    def _note_end_of_process(self) -> None:
        """Note which variables of the bound handler's module have changed: in Lambda, a new process starts without."""
        if self.handler is not None:
            now = module_state(self.handler)
            self._left_behind = tuple(sorted(name for name in now if now[name] != self._state.get(name)))

    def _take_left_behind(self) -> tuple[str, ...]:
        """Return the names that :meth:`note_end_of_process` found, once."""
        names, self._left_behind = self._left_behind, ()
        return names

    def _count(self, metric: str) -> None:
        """Add one to a metric."""
        self._counters[metric] += 1

    def _next_outcome(self) -> Outcome | None:
        """Take the next outcome off the script; None if the script has ended."""
        return self._script.popleft() if self._script else None

    def _takes_duplicate(self) -> bool:
        """Return whether to deliver the arriving event twice, and use up one of the requested duplicates."""
        if not self._duplicates:
            return False
        self._duplicates -= 1
        return True


class Registry:
    """The functions that the test has named or that have been invoked, by account, region and name."""

    def __init__(self, catch_up: Callable[[], None] = nothing_to_catch_up) -> None:
        self._catch_up = catch_up
        self._functions: dict[FunctionKey, Function] = {}

    def get(self, account_id: str, region: str, name: str) -> Function:
        """Return the function, whether or not a handler is bound to it."""
        key = (account_id, region, name)
        if key not in self._functions:
            self._functions[key] = Function(account_id, region, name, self._catch_up)
        return self._functions[key]

    def __iter__(self) -> Iterator[Function]:
        return iter(list(self._functions.values()))

    def nothing_bound(self, function: Function) -> HandlerError:
        """Return the error for an invoked function without a handler; it explains how to bind one."""
        bound = sorted(other.name for other in self._functions.values() if other.handler)
        return HandlerError(
            f"the function {function.name!r} ({function.region}) was invoked, but it has no handler bound. Bind one"
            f" before time moves: lambda_esm.function({function.name!r}, handler) with a callable or 'pkg.mod:name'."
            + (f" Functions with a handler: {', '.join(bound)}." if bound else "")
        )
