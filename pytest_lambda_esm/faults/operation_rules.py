"""The faults of one operation, kept so that a call costs the same with a thousand of them as with one."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.matching import AnyCall, ByParams

_PLAIN = (str, int, float)


class OperationRules:
    """Which fault strikes a call: of those that match and are ready, the one that was asked for first.

    ``after`` of a fault without ``match`` counts the operation's calls, so it is ready from a known number on and
    waits in a heap. Faults that want a parameter's value are found by that value. Only predicates are asked one
    by one.
    """

    def __init__(self) -> None:
        self._number = 0
        self._attempts = 0
        self._logical: dict[str, int] = {}
        self._unnamed = 0
        self._waiting: dict[str, list[tuple[int, int, Fault]]] = {"attempt": [], "call": []}
        self._ready: list[tuple[int, Fault]] = []
        self._by_value: dict[str, dict[object, list[tuple[int, Fault]]]] = {}
        self._asked: list[tuple[int, Fault]] = []
        self._striking: dict[str, tuple[Fault, Effect | None]] = {}
        self._ended: set[int] = set()
        self._live = 0

    @property
    def is_live(self) -> bool:
        """Whether any fault may still strike."""
        return bool(self._live or self._striking)

    def add(self, fault: Fault) -> None:
        """Add a fault; it comes after those that are here."""
        self._number += 1
        self._live += 1
        if isinstance(fault.match, AnyCall):
            so_far = self._attempts if fault.per == "attempt" else len(self._logical) + self._unnamed
            heapq.heappush(self._waiting[fault.per], (so_far + fault.after + 1, self._number, fault))
        elif isinstance(fault.match, ByParams) and (name := _indexed(fault.match)) is not None:
            values = self._by_value.setdefault(name, {})
            values.setdefault(fault.match.params[name], []).append((self._number, fault))
        else:
            self._asked.append((self._number, fault))

    def end(self, fault: Fault) -> None:
        """Let a fault strike no more, also not the further attempts of a call that it struck."""
        if id(fault) not in self._ended:
            self._ended.add(id(fault))
            self._live -= not fault.is_spent
            self._take_out(fault)
            self._striking = {key: entry for key, entry in self._striking.items() if entry[0] is not fault}

    def strike(self, call: IncomingCall) -> tuple[Fault, Effect | None] | None:
        """The fault that strikes a call and what it does, or None."""
        number = self._count(call)
        first = self._first_plain(number)
        for candidate in self._matching(call):  # Each of them counts the call, whichever strikes.
            if not candidate[1].lets_pass(call) and (first is None or candidate[0] < first[0]):
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

    def _count(self, call: IncomingCall) -> int:
        """Count a call; which logical call of the operation it belongs to."""
        self._attempts += 1
        if not call.logical_id:
            self._unnamed += 1
            return len(self._logical) + self._unnamed
        return self._logical.setdefault(call.logical_id, len(self._logical) + self._unnamed + 1)

    def _first_plain(self, logical: int) -> tuple[int, Fault] | None:
        for per, reached in (("attempt", self._attempts), ("call", logical)):
            waiting = self._waiting[per]
            while waiting and waiting[0][0] <= reached:
                _, number, fault = heapq.heappop(waiting)
                heapq.heappush(self._ready, (number, fault))
        while self._ready and self._is_over(self._ready[0][1]):
            heapq.heappop(self._ready)
        return self._ready[0] if self._ready else None

    def _matching(self, call: IncomingCall) -> Iterator[tuple[int, Fault]]:
        for name, values in self._by_value.items():
            value = call.params.get(name)
            if isinstance(value, _PLAIN):
                yield from self._fitting(values.get(value, ()), call)
        if self._asked:
            yield from self._fitting(self._asked, call)

    def _fitting(
        self, candidates: list[tuple[int, Fault]] | tuple[()], call: IncomingCall
    ) -> Iterator[tuple[int, Fault]]:
        for candidate in tuple(candidates):
            fault = candidate[1]
            if not self._is_over(fault) and not fault.match.misfits(call):
                yield candidate

    def _take_out(self, fault: Fault) -> None:
        """Ask a fault that is over no more; heaps drop theirs as they surface."""
        candidates = self._asked
        if isinstance(fault.match, ByParams) and (name := _indexed(fault.match)) is not None:
            candidates = self._by_value[name][fault.match.params[name]]
        candidates[:] = [candidate for candidate in candidates if candidate[1] is not fault]

    def _is_over(self, fault: Fault) -> bool:
        return fault.is_spent or id(fault) in self._ended


def _indexed(match: ByParams) -> str | None:
    return next((name for name, value in match.params.items() if isinstance(value, _PLAIN)), None)
