"""Whether a body leaves the same behind when records and events are delivered a second time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.errors import FaultError, NotIdempotent, printable
from pytest_lambda_esm.explore.exploration import is_failure
from pytest_lambda_esm.explore.remains import Compare, State, first_difference
from pytest_lambda_esm.faults.poller_steps import INVOKE_EVENT, READ
from pytest_lambda_esm.faults.spec import FaultSpec, marker_of
from pytest_lambda_esm.sweep.run import SweepContext
from pytest_lambda_esm.wording import counted

_REPEATED: Final = "duplicated"
_DELIVERING: Final = (READ, INVOKE_EVENT)


@dataclass(frozen=True)
class Repeat:
    """A delivery that is made twice: the step, and how many of its kind come before it; None for all of them."""

    operation: str
    after: int | None

    def __str__(self) -> str:
        what = "batch" if self.operation == READ else "asynchronous event"
        return f"every {what}" if self.after is None else f"{what} {self.after + 1}"

    @property
    def marker(self) -> str:
        """The marker that delivers the same a second time."""
        if self.after is None:
            return f"@pytest.mark.lambda_esm_fault({self.operation!r}, {_REPEATED!r}, times=None)"
        return marker_of(self.operation, _REPEATED, self.after, "attempt")

    def spec(self) -> FaultSpec:
        """Return the fault that does it."""
        return FaultSpec(
            operation=self.operation,
            errors=(_REPEATED,),
            asked=self.marker,
            place="check_idempotent",
            times=1 if self.after is not None else None,
            after=self.after or 0,
            optional=True,
        )


class IdempotenceCheck:
    """Runs a body in a world as it is, and in worlds with repeated deliveries, and compares what remains.

    ``state()`` returns what remains of the current world.
    """

    def __init__(self, context: SweepContext, body: Callable[[], Any], state: Callable[[], State]) -> None:
        self._context = context
        self._body = body
        self._state = state

    def run(self, compare: Compare | None) -> None:
        """Raise NotIdempotent at the first difference. Errors of the body without repeats pass through."""
        __tracebackhide__ = True
        existing = self._context.made()
        if existing:
            raise FaultError(
                f"each world of check_idempotent starts empty, but these already exist: {', '.join(existing)}."
                f" Make what the body needs inside the body."
            )
        self._start(())
        with self._context.plan._watching() as calls:
            self._body()
        expected = self._state()
        delivered = Counter(call.operation for call in calls if call.operation in _DELIVERING)
        repeats: list[tuple[Repeat, ...]] = [
            (Repeat(step, number),) for step in _DELIVERING for number in range(delivered[step])
        ]
        if len(repeats) > 1:
            repeats.append(tuple(Repeat(step, None) for step in _DELIVERING if delivered[step]))
        if not repeats:
            raise self._failure(
                "the body of check_idempotent had nothing delivered: no poller read anything and no asynchronous event"
                " ran. Call lambda_esm.clock.run_until_idle() at its end."
            )
        for repeat in repeats:
            difference = self._difference(repeat, expected, compare or first_difference)
            if difference:
                raise self._failure(_text(repeat, difference))
        self._context.leave()
        self._context.note(f"idempotence: {counted(len(repeats), 'world')} with repeated deliveries, no difference")

    def _start(self, repeat: Sequence[Repeat]) -> None:
        self._context.plan.clear()
        self._context.restart()
        for each in repeat:
            self._context.plan._ask(each.spec())

    def _difference(self, repeat: Sequence[Repeat], expected: State, compare: Compare) -> str | None:
        __tracebackhide__ = True
        self._start(repeat)
        try:
            self._body()
        except BaseException as error:
            if not is_failure(error):
                raise
            return f"the body fails: {type(error).__name__}: {error}"
        return compare(expected, self._state())

    def _failure(self, text: str) -> NotIdempotent:
        self._context.leave()
        failure = NotIdempotent(text)
        self._context.on_error(failure)  # So that a catch-all in the test does not hide it.
        return failure


def _text(repeat: Sequence[Repeat], difference: str) -> str:
    def lines() -> Iterator[str]:
        yield f"not idempotent: with {' and '.join(map(str, repeat))} delivered twice, something else remains:"
        yield f"  {difference}"
        yield "  replay it alone, with this above a test of the body:"
        yield from (f"    {each.marker}" for each in repeat)

    return printable("\n".join(lines()))
