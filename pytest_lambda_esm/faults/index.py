"""The faults of one operation, kept so that a call costs the same with a thousand of them as with one."""

from __future__ import annotations

import heapq

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.matching import Fits

Candidate = tuple[int, Fault]
"""A fault, with its number in the order of asking."""


class CountedFaults:
    """Faults that mean the same calls, and wait for so many of them, each in a heap until its number is reached.

    ``per`` says what is counted: ``"attempt"`` or ``"call"``.
    """

    def __init__(self, per: str) -> None:
        self._counts_calls = per == "call"
        self._reached = 0
        self._logical: dict[str, int] = {}
        self._waiting: list[tuple[int, int, Fault]] = []
        self._ready: list[Candidate] = []

    def add(self, number: int, fault: Fault) -> None:
        """Add a fault; it counts the calls from now on."""
        heapq.heappush(self._waiting, (self._reached + fault.after + 1, number, fault))

    def first(self, call: IncomingCall) -> Candidate | None:
        """Count a call; the fault that was asked for first of those that are ready for it."""
        reached = self._count(call)
        while self._waiting and self._waiting[0][0] <= reached:
            _, number, fault = heapq.heappop(self._waiting)
            heapq.heappush(self._ready, (number, fault))
        while self._ready and self._ready[0][1].is_over:
            heapq.heappop(self._ready)
        return self._ready[0] if self._ready else None

    def _count(self, call: IncomingCall) -> int:
        """Which attempt, or which logical call, this is."""
        if not self._counts_calls or not call.logical_id:
            self._reached += 1
            return self._reached
        known = self._logical.get(call.logical_id)
        if known is None:
            self._reached += 1
            known = self._logical[call.logical_id] = self._reached
        return known


_MISSING = object()


class FaultIndex:
    """Which fault strikes a call: of those that match and are ready, the one that was asked for first.

    Faults are found by the names and values of the parameters that they want; those which want the same are counted
    together. Only predicates, and values that cannot be looked up, are asked one by one.
    """

    def __init__(self) -> None:
        self._number = 0
        self._alike: dict[tuple[str, ...], dict[tuple[object, ...], _Alike]] = {}
        self._striking: dict[str, tuple[Fault, Effect | None]] = {}
        self._live = 0

    @property
    def is_live(self) -> bool:
        """Whether any fault may still strike."""
        return bool(self._live or self._striking)

    def add(self, fault: Fault) -> None:
        """Add a fault; it comes after those that are here."""
        self._number += 1
        self._live += 1
        names = tuple(sorted(fault.match.plain))
        values = tuple(fault.match.plain[name] for name in names)
        self._alike.setdefault(names, {}).setdefault(values, _Alike()).add(self._number, fault)

    def end(self, fault: Fault) -> None:
        """Let go of a fault that strikes no more, also not the further attempts of a call that it struck."""
        self._live -= not fault.is_spent
        self._take_out(fault)
        self._striking = {key: entry for key, entry in self._striking.items() if entry[0] is not fault}

    def strike(self, call: IncomingCall) -> tuple[Fault, Effect | None] | None:
        """The fault that strikes a call and what it does, or None. Raises FaultError for a broken predicate."""
        __tracebackhide__ = True
        first: Candidate | None = None
        for names, by_value in self._alike.items():
            candidate = self._candidate(names, by_value, call)  # Each of them counts the call, whichever strikes.
            if candidate is not None and (first is None or candidate[0] < first[0]):
                first = candidate
        going_on = self._striking.get(call.logical_id) if call.logical_id else None
        if going_on is not None:
            going_on[0].strike_again(call)
            return going_on
        if first is None:
            return None
        fault = first[1]
        struck = fault, fault.strike(call)
        if fault.is_spent:
            self._live -= 1
            self._take_out(fault)
        if fault.per == "call" and call.logical_id:
            self._striking[call.logical_id] = struck
        return struck

    def _candidate(
        self, names: tuple[str, ...], by_value: dict[tuple[object, ...], _Alike], call: IncomingCall
    ) -> Candidate | None:
        __tracebackhide__ = True
        values = tuple([call.params.get(name, _MISSING) for name in names])
        try:
            alike = by_value.get(values)
        except TypeError:  # A list or a dict is not what a fault wants that wants a text or a number.
            return None
        return alike.first(call) if alike is not None else None

    def _take_out(self, fault: Fault) -> None:
        names = tuple(sorted(fault.match.plain))
        self._alike[names][tuple(fault.match.plain[name] for name in names)].take_out(fault)


class _Alike:
    """Faults that want the same values of the same parameters, and those among them that want more than that."""

    def __init__(self) -> None:
        self._counted: dict[str, CountedFaults] = {}
        self._asked: list[tuple[int, Fits, Fault]] = []

    def add(self, number: int, fault: Fault) -> None:
        fits = fault.match.fits
        if fits is not None:
            self._asked.append((number, fits, fault))
            return
        self._counted.setdefault(fault.per, CountedFaults(fault.per)).add(number, fault)

    def take_out(self, fault: Fault) -> None:
        """Ask a fault that is over no more; heaps drop theirs as they surface."""
        self._asked = [entry for entry in self._asked if entry[2] is not fault]

    def first(self, call: IncomingCall) -> Candidate | None:
        __tracebackhide__ = True
        found = [each for each in [counted.first(call) for counted in self._counted.values()] if each is not None]
        if self._asked:
            found += self._ready(call)
        return min(found, key=_number) if found else None

    def _ready(self, call: IncomingCall) -> list[Candidate]:
        __tracebackhide__ = True
        meant: list[Candidate] = []
        fault = None
        try:
            for number, fits, fault in self._asked:
                if fits(call):
                    meant.append((number, fault))
        except Exception as error:
            assert fault is not None
            raise fault.match.broken(call, error) from error
        return [(number, fault) for number, fault in meant if not (fault.is_over or fault.lets_pass(call))]


def _number(candidate: Candidate) -> int:
    return candidate[0]
