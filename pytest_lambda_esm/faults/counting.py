"""Faults that differ in ``after`` only: which of them are ready, without asking each."""

from __future__ import annotations

import heapq

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.fault import Fault

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
