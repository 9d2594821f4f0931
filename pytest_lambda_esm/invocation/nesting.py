"""Which invocation a thread belongs to: the one that it runs, or the one whose handler started it.

Invocations nest when a handler invokes another function. A handler may do so from its own threads. Those invocations
run one after the other, since all handlers share one process, and each belongs to the handler that made it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import MethodType
from typing import Final

from pytest_lambda_esm.clock.sleep import waiting_for_work
from pytest_lambda_esm.clock.sleepers import SharedTime, SleepEnded, Sleeper, Sleepers
from pytest_lambda_esm.errors import LambdaEsmError
from pytest_lambda_esm.invocation.local_time import CutOff, LocalTime, TimedOut
from pytest_lambda_esm.invocation.visits import Visits
from pytest_lambda_esm.patching import Patches, original_of

MOST_NESTED: Final = 100
"""The maximum of nested invocations. More do not fit on the C stack of every supported Python."""
_EXTRA_FRAMES: Final = 50
"""Python frames by which a nested invocation raises the recursion limit: a call through boto3 takes 29."""


class OwnThread(threading.Thread):
    """A thread of this package, such as one that serves a request: no code under test, and so in no group."""


@contextmanager
def _ending_silently(thread: threading.Thread) -> Iterator[None]:
    """Have a thread that is started inside report no error where its handler or its sleep is ended.

    The errors are SystemExits, which only Python's own ``threading.excepthook`` does not report; pytest's does.
    """
    own, run = vars(thread).get("run"), thread.run

    def restore() -> None:
        if own is None:
            vars(thread).pop("run", None)
        else:
            thread.run = own  # type: ignore[method-assign]

    def run_silently(_: threading.Thread) -> None:
        __tracebackhide__ = True
        restore()
        with suppress(TimedOut, CutOff, SleepEnded):
            run()

    # A method, as others who wrap ``run`` in the same way expect, such as Sentry's SDK.
    thread.run = MethodType(run_silently, thread)  # type: ignore[method-assign]
    try:
        yield
    except BaseException:
        restore()
        raise


MANY: Final = 64
"""The number of threads from which on those that have ended are forgotten."""


class Nesting:
    """The open invocations of this process, and which of them each thread belongs to.

    ``open`` lists them, the innermost last. Each other one waits for the next, which one of its threads has invoked.
    ``threads`` are the threads that were started meanwhile, and the idle ones of pools, each with the invocation whose
    handler started it, None for the test's.
    """

    def __init__(self, sleepers: Sleepers, test: SharedTime) -> None:
        self.open: list[OpenInvocation] = []
        self.threads: dict[threading.Thread, OpenInvocation | None] = {}
        self._sleepers = sleepers
        self._test = test
        self._thread = _ThreadStack()
        self._starting: set[threading.Thread] = set()
        self._left_behind: frozenset[threading.Thread] = frozenset()
        self._many = MANY
        self.visits = Visits(self.open, self.threads)

    def install(self, patches: Patches) -> None:
        """Notice from now on which handler starts which thread."""
        self._left_behind = waiting_for_work()
        start = original_of(threading.Thread, "start")
        self.threads.update(dict.fromkeys(self._left_behind))

        def noticing_start(thread: threading.Thread) -> None:
            if isinstance(thread, OwnThread):
                start(thread)
                return
            self._forget_the_dead()
            self._starting.add(thread)
            invocation = self.threads[thread] = self.current()
            if invocation is not None:
                invocation.time.begin(thread)
            with _ending_silently(thread):
                try:
                    start(thread)
                finally:
                    self._starting.discard(thread)

        patches.set(threading.Thread, "start", noticing_start)
        patches.then(self._remove)

    def _remove(self) -> None:
        self._left_behind = frozenset()
        self.threads.clear()

    def current(self) -> OpenInvocation | None:
        """Return the invocation that the calling thread belongs to, or None outside handlers."""
        if not self.open:
            return None
        stack = self._thread.stack
        return stack[-1] if stack else self._home(threading.current_thread())

    def _home(self, thread: threading.Thread) -> OpenInvocation | None:
        """Return the invocation that a thread belongs to that runs none."""
        invocation = self.threads.get(thread)
        if not self.open or (invocation is None and thread not in self._left_behind):
            return None
        # A thread that an earlier invocation or test left running, such as a module's pool, works for the current one.
        return invocation if invocation in self.open else self.open[-1]

    def of_trace(self, header: str) -> OpenInvocation | None:
        """Return the open invocation that a trace header continues, the innermost first, or None.

        X-Ray's SDK puts its own subsegment in the place of the parent; the root stays the invocation's.
        """
        fields = dict(part.strip().partition("=")[::2] for part in header.split(";"))
        for name in ("Parent", "Root"):
            for invocation in reversed(self.open):
                if name in fields and f"{name}={fields[name]}" in invocation.trace.split(";"):
                    return invocation
        return None

    def of_request(self, request_id: str) -> OpenInvocation | None:
        """Return the open invocation with a request id, or None."""
        return next((each for each in reversed(self.open) if each.request_id == request_id), None)

    def others(self, group: SharedTime) -> list[threading.Thread]:
        """Return the threads that share a time and are alive, without the calling one and the test's."""
        if not self.threads:
            return []
        me = threading.current_thread()
        running = [invocation.thread for invocation in self.open]
        members = [
            thread
            for thread in list(self.threads)
            if thread is not me and thread not in running and self._time_of(thread) is group and self._exists(thread)
        ]
        if self.open and self.open[-1].time is group and running[-1] is not me:
            members.append(running[-1])
        return members

    def _exists(self, thread: threading.Thread) -> bool:
        """Whether a thread has been started, or is being started, and has not ended."""
        return thread in self._starting or thread.is_alive()

    def _time_of(self, thread: threading.Thread) -> SharedTime:
        home = self._home(thread)
        return home.time if home is not None else self._test

    def busy_with(self, group: SharedTime) -> list[threading.Thread]:
        """Return the thread that runs the innermost invocation, unless this is its time."""
        innermost = self.open[-1] if self.open else None
        return [innermost.thread] if innermost is not None and innermost.time is not group else []

    def meanwhile(self, group: SharedTime) -> SharedTime | None:
        """Return the time of the invocation that runs now, if the group is the test's."""
        return self.open[-1].time if self.open and group is self._test else None

    def serve_handlers(self, thread: threading.Thread) -> None:
        """Make a thread of the test belong to whichever handler runs."""
        self._left_behind |= {thread}

    def _forget_the_dead(self) -> None:
        if len(self.threads) >= self._many:
            for thread in [thread for thread in list(self.threads) if not self._exists(thread)]:
                self.threads.pop(thread, None)
            self._many = max(MANY, 2 * len(self.threads))

    def push(self, invocation: OpenInvocation) -> None:
        """Open an invocation in the calling thread. Raises LambdaEsmError if too many are open already."""
        if self.open:
            self._raise_recursion_limit()
        self._thread.stack.append(invocation)
        self.open.append(invocation)
        self._sleepers.move(self._left_asleep(), invocation.time)

    def pop(self, invocation: OpenInvocation) -> None:
        """Close an invocation. Its threads that still sleep are ended if it has timed out, and sleep on otherwise."""
        time = invocation.time
        outer = self.open[-2].time if len(self.open) > 1 else self._test
        asleep = self._sleepers.of(time)
        if time.furthest < time.deadline:
            self._sleepers.move(asleep, outer)
        else:
            for sleeper in asleep:
                self._sleepers.wake(sleeper, TimedOut())
        self._thread.stack.pop()
        self.open.remove(invocation)
        if self.open:
            sys.setrecursionlimit(sys.getrecursionlimit() - _EXTRA_FRAMES)

    def _left_asleep(self) -> list[Sleeper]:
        """Return the sleeping threads of earlier handlers, without the one that runs this event."""
        asleep = self._sleepers.of(self._test)
        if not asleep:
            return asleep
        me = threading.current_thread()
        return [each for each in asleep if self.threads.get(each.thread) is not None and each.thread is not me]

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

    __slots__ = ("depth", "lock", "request_id", "thread", "time", "trace")

    def __init__(self, time: LocalTime, depth: int, request_id: str, trace: str = "") -> None:
        self.time = time
        self.depth = depth
        self.request_id = request_id
        self.trace = trace
        self.thread = threading.current_thread()
        self.lock = threading.RLock()

    def threads(self) -> list[threading.Thread]:
        """Return the thread that runs the handler, as a list of threads to look at."""
        return [self.thread]


class _ThreadStack(threading.local):
    """The open invocations that the calling thread runs, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[OpenInvocation] = []
