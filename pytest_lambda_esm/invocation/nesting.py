"""Which invocation a thread belongs to: the one it runs, or the one whose handler started it.

Invocations are nested where a handler calls another function. Handlers may do so from threads of their own; those calls
happen one after the other, since all handlers share one process, and each is part of the handler that made it.
"""

from __future__ import annotations

import sys
import threading
from typing import Any, Final
from weakref import WeakKeyDictionary

from pytest_lambda_esm.clock.sleep import waiting_for_work
from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.invocation.local_time import LocalTime

MOST_NESTED: Final = 100
"""Invocations inside one another. More do not fit on the C stack of every Python that is supported."""
_ROOM: Final = 50
"""Python frames that an invocation inside another one gets in addition: a call through boto3 takes 29."""


class OpenInvocation:
    """An invocation that is going on. Whoever begins another one inside it holds ``lock`` meanwhile."""

    __slots__ = ("depth", "lock", "time")

    def __init__(self, time: LocalTime, depth: int) -> None:
        self.time = time
        self.depth = depth
        self.lock = threading.RLock()


class _BegunHere(threading.local):
    """The invocations that the calling thread itself has begun and not ended, the innermost one last."""

    def __init__(self) -> None:
        self.stack: list[OpenInvocation] = []


class Nesting:
    """The invocations that are going on in this process: ``open``, the innermost one last."""

    def __init__(self) -> None:
        self.open: list[OpenInvocation] = []
        self._begun_here = _BegunHere()
        self._started_in: WeakKeyDictionary[threading.Thread, OpenInvocation] = WeakKeyDictionary()
        self._left_behind: frozenset[threading.Thread] = frozenset()
        self._start: Any = None

    def install(self) -> None:
        """Notice from now on which handler starts which thread."""
        self._left_behind = waiting_for_work()
        self._start = start = threading.Thread.start

        def noticing_start(thread: threading.Thread) -> None:
            frame = self.current()
            if frame is not None:
                self._started_in[thread] = frame
                frame.time.begin(thread)
            start(thread)

        self._patch(noticing_start)

    def remove(self) -> None:
        """Notice no more."""
        self._left_behind = frozenset()
        if self._start is not None:
            self._patch(self._start)

    def _patch(self, start: Any) -> None:
        thread: Any = threading.Thread
        thread.start = start

    def current(self) -> OpenInvocation | None:
        """The invocation that the calling thread belongs to, or None outside of handlers."""
        if not self.open:
            return None
        stack = self._begun_here.stack
        if stack:
            return stack[-1]
        thread = threading.current_thread()
        invocation = self._started_in.get(thread)
        if invocation in self.open or (invocation is None and thread not in self._left_behind):
            return invocation
        # A thread that an earlier invocation or test left behind, as a module's pool does, works for the present one.
        return self.open[-1]

    def push(self, invocation: OpenInvocation) -> None:
        """The calling thread begins an invocation. Raises LambdaEsmError where too many are going on already."""
        if self.open:
            self._make_room()
        self._begun_here.stack.append(invocation)
        self.open.append(invocation)

    def pop(self, invocation: OpenInvocation) -> None:
        """It has ended."""
        self._begun_here.stack.pop()
        self.open.remove(invocation)
        if self.open:
            sys.setrecursionlimit(sys.getrecursionlimit() - _ROOM)

    def _make_room(self) -> None:
        """In Lambda each invocation has a stack of its own."""
        if len(self.open) >= MOST_NESTED:
            raise LambdaEsmError(
                f"{MOST_NESTED} invocations go on inside one another, each one called synchronously by the handler"
                f" before: no more fit into this process. Lambda's own guard is off, by RecursiveLoop='Allow' or by"
                f" recursion_limit; end the recursion earlier, or let the guard do it."
            )
        sys.setrecursionlimit(sys.getrecursionlimit() + _ROOM)
