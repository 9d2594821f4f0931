"""Which invocation a thread belongs to: the one that it runs, or the one whose handler started it.

Invocations nest when a handler invokes another function. A handler may do so from its own threads. Those invocations
run one after the other, since all handlers share one process, and each belongs to the handler that made it.
"""

from __future__ import annotations

import sys
import threading
from typing import Final
from weakref import WeakKeyDictionary

from pytest_lambda_esm.clock.sleep import waiting_for_work
from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.invocation.local_time import LocalTime
from pytest_lambda_esm.patching import Patches, original_of

MOST_NESTED: Final = 100
"""The maximum of nested invocations. More do not fit on the C stack of every supported Python."""
_EXTRA_FRAMES: Final = 50
"""Python frames by which a nested invocation raises the recursion limit: a call through boto3 takes 29."""


class Nesting:
    """The open invocations of this process, and which of them each thread belongs to.

    ``open`` lists them, the innermost last.
    """

    def __init__(self) -> None:
        self.open: list[OpenInvocation] = []
        self._thread = _ThreadStack()
        self._started_in: WeakKeyDictionary[threading.Thread, OpenInvocation] = WeakKeyDictionary()
        self._left_behind: frozenset[threading.Thread] = frozenset()

    def install(self, patches: Patches) -> None:
        """Notice from now on which handler starts which thread."""
        self._left_behind = waiting_for_work()
        start = original_of(threading.Thread, "start")

        def noticing_start(thread: threading.Thread) -> None:
            frame = self.current()
            if frame is not None:
                self._started_in[thread] = frame
                frame.time.begin(thread)
            start(thread)

        patches.set(threading.Thread, "start", noticing_start)
        patches.then(self._remove)

    def _remove(self) -> None:
        self._left_behind = frozenset()

    def current(self) -> OpenInvocation | None:
        """Return the invocation that the calling thread belongs to, or None outside handlers."""
        if not self.open:
            return None
        stack = self._thread.stack
        if stack:
            return stack[-1]
        thread = threading.current_thread()
        invocation = self._started_in.get(thread)
        if invocation in self.open or (invocation is None and thread not in self._left_behind):
            return invocation
        # A thread that an earlier invocation or test left running, such as a module's pool, works for the current one.
        return self.open[-1]

    def push(self, invocation: OpenInvocation) -> None:
        """Open an invocation in the calling thread. Raises LambdaEsmError if too many are open already."""
        if self.open:
            self._raise_recursion_limit()
        self._thread.stack.append(invocation)
        self.open.append(invocation)

    def pop(self, invocation: OpenInvocation) -> None:
        """Close an invocation."""
        self._thread.stack.pop()
        self.open.remove(invocation)
        if self.open:
            sys.setrecursionlimit(sys.getrecursionlimit() - _EXTRA_FRAMES)

    def _raise_recursion_limit(self) -> None:
        """Raise the recursion limit: in Lambda, each invocation has its own stack."""
        if len(self.open) >= MOST_NESTED:
            raise LambdaEsmError(
                f"{MOST_NESTED} invocations are nested, each invoked synchronously by the handler of the one before,"
                f" and this process has no room for more. Lambda's recursive loop detection is off, because of"
                f" RecursiveLoop='Allow' or recursion_limit; end the recursion earlier, or turn the detection on."
            )
        sys.setrecursionlimit(sys.getrecursionlimit() + _EXTRA_FRAMES)


class OpenInvocation:
    """An invocation that has not ended. A thread that invokes a function inside it holds ``lock`` meanwhile."""

    __slots__ = ("depth", "lock", "time")

    def __init__(self, time: LocalTime, depth: int) -> None:
        self.time = time
        self.depth = depth
        self.lock = threading.RLock()


class _ThreadStack(threading.local):
    """The open invocations that the calling thread runs, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[OpenInvocation] = []
