"""Requests over HTTP that are served in the invocation whose handler made them, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.nesting import OpenInvocation

_LOOK: Final = 0.002
"""The real seconds between two looks."""


class HandlerEnded(Exception):
    """A request of a handler that has ended meanwhile."""


class Visits:
    """Which threads serve requests in open invocations.

    ``open`` are the open invocations, the innermost last, and ``threads`` the threads that belong to each.
    """

    def __init__(
        self, open: list[OpenInvocation], threads: MutableMapping[threading.Thread, OpenInvocation | None]
    ) -> None:
        self._open = open
        self._threads = threads
        self._mutex = threading.Lock()
        self._never = threading.Event()
        self._turns: dict[OpenInvocation, threading.Lock] = {}
        self._count: dict[OpenInvocation, int] = {}

    @contextmanager
    def serving(self, invocation: OpenInvocation) -> Iterator[None]:
        """Make the calling thread one of an invocation, as if its handler had started it.

        One thread at a time is served; others are meanwhile where it waits for a nested invocation, which may wait for
        them. Raises HandlerEnded if the invocation is not open any more.
        """
        thread, turn = threading.current_thread(), self._enter(invocation)
        has_turn = turn.acquire(blocking=False)
        while not has_turn and self._open[-1:] == [invocation]:
            has_turn = turn.acquire(timeout=_LOOK)
        self._threads[thread] = invocation
        try:
            yield
        finally:
            self._threads.pop(thread, None)
            if has_turn:
                turn.release()
            with self._mutex:
                self._count[invocation] -= 1

    def _enter(self, invocation: OpenInvocation) -> threading.Lock:
        with self._mutex:
            if invocation not in self._open:
                raise HandlerEnded
            self._count[invocation] = self._count.get(invocation, 0) + 1
            return self._turns.setdefault(invocation, threading.Lock())

    def end(self, invocation: OpenInvocation) -> None:
        """Wait for the requests that are served in an invocation whose handler has ended."""
        while self._count:  # Usually empty.
            with self._mutex:
                if not self._count.get(invocation):
                    self._count.pop(invocation, None)
                    self._turns.pop(invocation, None)
                    return
            self._never.wait(_LOOK)
