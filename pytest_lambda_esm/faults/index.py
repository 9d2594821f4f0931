"""The faults of one operation, indexed so that a call costs the same with a thousand of them as with one."""

from __future__ import annotations

import heapq
from operator import itemgetter
from typing import TypeAlias

from pytest_lambda_esm.errors import ends_the_run
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.matching import Predicate

Candidate: TypeAlias = tuple[int, Fault]
"""A fault with its number in the order in which faults were added."""

_MISSING = object()


class FaultIndex:
    """Finds the fault that strikes a call: of those that match and are ready, the one that was added first.

    Faults are looked up by the names and values of the parameters that they require, and those that require the same
    are counted together. Only predicates, and values that cannot be looked up, are evaluated one by one.
    """

    def __init__(self) -> None:
        self._number = 0
        self._groups: dict[tuple[str, ...], dict[tuple[object, ...], _Group]] = {}
        self._striking: dict[str, tuple[Fault, Effect | None]] = {}
        self._live = 0

    @property
    def is_live(self) -> bool:
        """Whether any fault may still strike."""
        return bool(self._live or self._striking)

    def add(self, fault: Fault) -> None:
        """Add a fault after those that are here."""
        self._number += 1
        self._live += 1
        names = tuple(sorted(fault.match.plain))
        values = tuple(fault.match.plain[name] for name in names)
        self._groups.setdefault(names, {}).setdefault(values, _Group()).add(self._number, fault)

    def end(self, fault: Fault) -> None:
        """Remove a fault; it no longer strikes further attempts of a call that it has struck either."""
        self._live -= not fault.is_spent
        self._remove(fault)
        self._striking = {key: entry for key, entry in self._striking.items() if entry[0] is not fault}

    def strike(self, call: IncomingCall) -> tuple[Fault, Effect | None] | None:
        """Return the fault that strikes a call and its effect, or None. Raises FaultError for a broken predicate."""
        __tracebackhide__ = True
        first: Candidate | None = None
        for names, by_value in self._groups.items():
            candidate = self._candidate(names, by_value, call)  # Every group counts the call, whichever strikes.
            if candidate is not None and (first is None or candidate[0] < first[0]):
                first = candidate
        already_struck = self._striking.get(call.logical_id) if call.logical_id else None
        if already_struck is not None:
            already_struck[0].strike_again(call)
            return already_struck
        if first is None:
            return None
        fault = first[1]
        struck = fault, fault.strike(call)
        if fault.is_spent:
            self._live -= 1
            self._remove(fault)
        if fault.per == "call" and call.logical_id:
            self._striking[call.logical_id] = struck
        return struck

    def _candidate(
        self, names: tuple[str, ...], by_value: dict[tuple[object, ...], _Group], call: IncomingCall
    ) -> Candidate | None:
        __tracebackhide__ = True
        values = tuple([call.params.get(name, _MISSING) for name in names])
        try:
            group = by_value.get(values)
        except TypeError:  # The call has a list or a dict where these faults require a text or a number.
            return None
        return group.first(call) if group is not None else None

    def _remove(self, fault: Fault) -> None:
        names = tuple(sorted(fault.match.plain))
        self._groups[names][tuple(fault.match.plain[name] for name in names)].remove(fault)


class _Group:
    """Faults that require the same values of the same parameters; some of them have a predicate in addition."""

    def __init__(self) -> None:
        self._counted: dict[str, _CountedFaults] = {}
        self._with_predicate: list[tuple[int, Predicate, Fault]] = []

    def add(self, number: int, fault: Fault) -> None:
        predicate = fault.match.fits
        if predicate is not None:
            self._with_predicate.append((number, predicate, fault))
            return
        self._counted.setdefault(fault.per, _CountedFaults(fault.per)).add(number, fault)

    def remove(self, fault: Fault) -> None:
        """Stop evaluating the predicate of a fault; the heaps drop a fault that is over when it reaches their top."""
        self._with_predicate = [entry for entry in self._with_predicate if entry[2] is not fault]

    def first(self, call: IncomingCall) -> Candidate | None:
        """Count a call; return the fault that was added first of those that are ready for it."""
        __tracebackhide__ = True
        found = [each for each in [counted.first(call) for counted in self._counted.values()] if each is not None]
        if self._with_predicate:
            found += self._matching(call)
        return min(found, key=itemgetter(0)) if found else None

    def _matching(self, call: IncomingCall) -> list[Candidate]:
        __tracebackhide__ = True
        matching: list[Candidate] = []
        fault = None
        try:
            for number, predicate, fault in self._with_predicate:
                if predicate(call):
                    matching.append((number, fault))
        except Exception as error:
            if ends_the_run(error):
                raise
            assert fault is not None
            raise fault.match.broken(call, error) from error
        return [(number, fault) for number, fault in matching if not (fault.is_over or fault.lets_pass(call))]


class _CountedFaults:
    """Faults that match the same calls, each in a heap until the call arrives from which it strikes.

    ``per`` says what is counted: ``"attempt"`` or ``"call"``.
    """

    def __init__(self, per: str) -> None:
        self._counts_calls = per == "call"
        self._reached = 0
        self._numbers: dict[str, int] = {}
        self._waiting: list[tuple[int, int, Fault]] = []
        self._ready: list[Candidate] = []

    def add(self, number: int, fault: Fault) -> None:
        """Add a fault; its count starts with the next call."""
        heapq.heappush(self._waiting, (self._reached + fault.after + 1, number, fault))

    def first(self, call: IncomingCall) -> Candidate | None:
        """Count a call; return the fault that was added first of those that are ready for it."""
        reached = self._count(call)
        while self._waiting and self._waiting[0][0] <= reached:
            _, number, fault = heapq.heappop(self._waiting)
            heapq.heappush(self._ready, (number, fault))
        while self._ready and self._ready[0][1].is_over:
            heapq.heappop(self._ready)
        return self._ready[0] if self._ready else None

    def _count(self, call: IncomingCall) -> int:
        """Return the number of this attempt, or of the call that it belongs to."""
        if not self._counts_calls or not call.logical_id:
            self._reached += 1
            return self._reached
        number = self._numbers.get(call.logical_id)
        if number is None:
            self._reached += 1
            number = self._numbers[call.logical_id] = self._reached
        return number
