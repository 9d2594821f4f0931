"""A fault of the plan, with its effects, its calls and its counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect
from pytest_lambda_esm.faults.matching import Match
from pytest_lambda_esm.faults.spec import FaultSpec


class Plan(Protocol):
    """The plan that a fault belongs to."""

    @property
    def _catch_up(self) -> Callable[[], None]:
        """Catches up with a wall clock that the user moved, before a test looks at what has happened."""
        ...

    def _end(self, fault: Fault) -> None:
        """End a fault."""
        ...


class Fault:
    """A fault of the plan; as a context manager it lasts until the end of its block.

    ``operation``, ``times``, ``after``, ``match``, ``optional`` and ``per`` are what was asked for, and ``effects``
    what it does. ``asked`` is the code that asks for it, ``place`` is where that code is; ``marked`` is true for a
    fault of a marker, ``by_hook`` for one that a conftest's ``pytest_lambda_esm_configure`` adds. ``begun`` counts the
    calls of each operation before the fault was added, ``over`` those before it ended (None while it lasts). Read
    :attr:`hits`, :attr:`remaining` and :attr:`calls`.
    """

    def __init__(self, spec: FaultSpec, effects: Sequence[Effect | None], match: Match, plan: Plan) -> None:
        self._spec = spec
        self.operation = spec.operation
        self.effects = tuple(effects)
        self.times = spec.times
        self.after = spec.after
        self.match = match
        self.optional = spec.optional
        self.per = spec.per
        self.asked = spec.asked
        self.place = spec.place
        self.marked = spec.marked
        self.by_hook = spec.by_hook
        self.begun: Mapping[str, int] = {}
        self.over: Mapping[str, int] | None = None
        self._plan = plan
        self._spent = 0
        self._met = 0
        self._passed = 0
        self._seen: set[str] = set()
        self._calls: list[IncomingCall] = []

    def __repr__(self) -> str:
        return f"<Fault {self.asked}: hits={self.hits}, remaining={self.remaining}>"

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop striking; the end of the test still checks whether the fault has ever struck."""
        self._plan._end(self)

    @property
    def hits(self) -> int:
        """How many attempts of botocore it has struck; those that a sequence let through do not count."""
        self._plan._catch_up()
        return len(self._calls)

    @property
    def remaining(self) -> int | None:
        """How many more times it will strike; None for a fault without an end."""
        self._plan._catch_up()
        return None if self.times is None else self.times - self._spent

    @property
    def calls(self) -> Sequence[IncomingCall]:
        """The calls that it has struck, in the order of their arrival."""
        self._plan._catch_up()
        return tuple(self._calls)

    @property
    def has_struck(self) -> bool:
        """Whether each of its errors has struck at least once; a sequence has several."""
        return self.errors_left == 0

    @property
    def errors_left(self) -> int:
        """How many of its errors have struck no call yet."""
        return sum(effect is not None for effect in self.effects[self._spent :])

    # --- for the plan ------------------------------------------------------------------------------------

    def fresh_copy(self) -> Fault:
        """Return the same fault before it struck anything; one that has struck in an earlier world is optional."""
        spec = replace(self._spec, optional=self.optional or self.has_struck)
        return Fault(spec, self.effects, self.match, self._plan)

    @property
    def is_spent(self) -> bool:
        """Whether it has struck as often as requested."""
        return self._spent == self.times

    @property
    def is_over(self) -> bool:
        """Whether it strikes no further call; attempts of a call that it has struck may follow."""
        return self.over is not None or self._spent == self.times

    @property
    def struck(self) -> int:
        """How many attempts it has struck, for a report on what happened so far."""
        return len(self._calls)

    @property
    def met(self) -> int:
        """How many calls it has struck, or let through because its sequence says so."""
        return self._met

    def lets_pass(self, call: IncomingCall) -> bool:
        """Count a call that matches, and return whether it is one of the first ``after``."""
        if self.per == "call" and call.logical_id:
            if call.logical_id in self._seen:
                return self._passed <= self.after
            self._seen.add(call.logical_id)
        self._passed += 1
        return self._passed <= self.after

    def strike(self, call: IncomingCall) -> Effect | None:
        """Strike a call; return the effect, or None if the sequence lets this call through."""
        effect = self.effects[self._spent % len(self.effects)]
        self._spent += 1
        self._met += 1
        if effect is not None:
            self._calls.append(call)
        return effect

    def strike_again(self, call: IncomingCall) -> None:
        """Strike a further attempt of a call that it has already struck."""
        self._met += 1
        self._calls.append(call)
