"""One fault: what it does, to which calls, how often, and what it has done so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect
from pytest_lambda_esm.faults.matching import Match


class Fault:
    """A fault that was asked for; as a context manager it lasts until the end of its block.

    ``asked`` is the code that asks for it, ``place`` where that stands; ``marked`` says that it was a marker,
    ``by_hook`` that it was a conftest's ``pytest_lambda_esm_configure``. ``begun`` is how many calls of each operation
    there had been when it was asked for, ``over`` when it ended, None if it has not. Read :attr:`hits`,
    :attr:`remaining` and :attr:`calls`.
    """

    def __init__(
        self,
        *,
        operation: str,
        effects: Sequence[Effect | None],
        times: int | None,
        after: int,
        match: Match,
        optional: bool,
        per: str,
        asked: str,
        place: str,
        end: Callable[[Fault], None],
        marked: bool = False,
        by_hook: bool = False,
    ) -> None:
        self.operation = operation
        self.effects = tuple(effects)
        self.times = times
        self.after = after
        self.match = match
        self.optional = optional
        self.per = per
        self.asked = asked
        self.place = place
        self.marked = marked
        self.by_hook = by_hook
        self.begun: Mapping[str, int] = {}
        self.over: Mapping[str, int] | None = None
        self._end = end
        self._spent = 0
        self._met = 0
        self._passed = 0
        self._seen: set[str] = set()
        self._calls: list[IncomingCall] = []

    def __repr__(self) -> str:
        left = "for ever" if self.remaining is None else f"{self.remaining} left"
        return f"<Fault {self.asked}: struck {self.hits} times, {left}>"

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Strike no more; whether it has ever struck is still judged at the end of the test."""
        self._end(self)

    @property
    def hits(self) -> int:
        """How many calls it has struck, each of botocore's attempts counted; not those that a sequence let through."""
        return len(self._calls)

    @property
    def remaining(self) -> int | None:
        """How often it will strike yet; None for a fault without an end."""
        return None if self.times is None else self.times - self._spent

    @property
    def calls(self) -> Sequence[IncomingCall]:
        """The calls that it has struck, as they arrived."""
        return tuple(self._calls)

    @property
    def has_struck(self) -> bool:
        """Whether everything that was asked for has happened at least once: each error, for a sequence."""
        return self.errors_left == 0

    @property
    def errors_left(self) -> int:
        """How many of its errors no call has met."""
        return sum(effect is not None for effect in self.effects[self._spent :])

    def anew(self, end: Callable[[Fault], None]) -> Fault:
        """The same fault, before it has struck anything; one that has struck in a world before need not again."""
        return Fault(
            operation=self.operation,
            effects=self.effects,
            times=self.times,
            after=self.after,
            match=self.match,
            optional=self.optional or self.has_struck,
            per=self.per,
            asked=self.asked,
            place=self.place,
            end=end,
            marked=self.marked,
            by_hook=self.by_hook,
        )

    # --- for the plan ------------------------------------------------------------------------------------

    @property
    def is_spent(self) -> bool:
        """Whether it has struck as often as it was to."""
        return self.remaining == 0

    @property
    def is_over(self) -> bool:
        """Whether it will never begin to strike again."""
        return self.over is not None or self._spent == self.times

    @property
    def met(self) -> int:
        """How many calls it has struck or let through by its own choice."""
        return self._met

    def lets_pass(self, call: IncomingCall) -> bool:
        """Count a call that matches; True while it is one of the first ``after``."""
        if self.per == "call" and call.logical_id:
            if call.logical_id in self._seen:
                return self._passed <= self.after
            self._seen.add(call.logical_id)
        self._passed += 1
        return self._passed <= self.after

    def strike(self, call: IncomingCall) -> Effect | None:
        """Strike a call for the first time; the effect, or None where a sequence lets this call through."""
        effect = self.effects[self._spent % len(self.effects)]
        self._spent += 1
        self._met += 1
        if effect is not None:
            self._calls.append(call)
        return effect

    def strike_again(self, call: IncomingCall) -> None:
        """Strike another attempt of a call that it has struck."""
        self._met += 1
        self._calls.append(call)


def as_code(name: str, positional: Sequence[Any], keywords: dict[str, Any], defaults: dict[str, Any]) -> str:
    """A call as code, without the keywords that have their default."""
    given = [repr(value) for value in positional]
    given += [f"{key}={_shown(value)}" for key, value in keywords.items() if value != defaults[key]]
    return f"{name}({', '.join(given)})"


def _shown(value: Any) -> str:
    return getattr(value, "__qualname__", "") if callable(value) else repr(value)
