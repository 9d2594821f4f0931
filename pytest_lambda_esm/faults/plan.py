"""The plan of a test: which faults there are, and which one strikes a call."""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.errors import FaultError, UnusedFault, nearest
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect, ErrorGiven
from pytest_lambda_esm.faults.fault import Fault, as_code
from pytest_lambda_esm.faults.index import FaultIndex
from pytest_lambda_esm.faults.matching import ByParams, MatchGiven, read_match
from pytest_lambda_esm.faults.unused import Met, unused_text

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.catalogue import FaultCatalogue

PER: Final = ("attempt", "call")
_DEFAULTS: Final[dict[str, Any]] = {
    "times": 1,
    "after": 0,
    "match": None,
    "message": None,
    "optional": False,
    "per": "attempt",
}
_MOST_REMEMBERED: Final = 1000


class FaultPlan:
    """Every fault of a test. A call is struck by the first fault that matches it, in the order of asking.

    When a fault is over, the fake answers normally. ``is_live`` tells whether a call has to be shown to :meth:`strike`
    at all.
    """

    def __init__(self, catalogue: FaultCatalogue) -> None:
        self._catalogue = catalogue
        self._by_hook = False
        self._lock = threading.RLock()
        self.clear()

    def __repr__(self) -> str:
        return f"<FaultPlan {self._faults!r}>"

    def add(
        self,
        operation: str,
        error: ErrorGiven,
        *,
        times: int | None = 1,
        after: int = 0,
        match: MatchGiven = None,
        message: str | None = None,
        optional: bool = False,
        per: str = "attempt",
    ) -> Fault:
        """Ask for an error at an operation: ``"CreateEventSourceMapping"``, ``"sqs.SendMessage"``, ``"poller.Read"``.

        ``error`` is a code that the operation can raise, :func:`aws_error`, or a fault of the network such as
        :func:`lost_response`. It strikes ``times`` calls (None: without an end) after the first ``after`` ones.
        ``match`` are parameters that a call must have, or a predicate over the :class:`IncomingCall`; ``message``
        replaces AWS's text. Each of botocore's attempts is a call; with ``per="call"``, all attempts of a call are
        struck, and count as one. A fault that never strikes fails the test, unless it is ``optional``.

        Raises FaultError for what cannot be: unknown operations, errors that the operation does not raise ...
        """
        __tracebackhide__ = True
        options = {
            "times": times,
            "after": after,
            "match": match,
            "message": message,
            "optional": optional,
            "per": per,
        }
        asked = as_code("faults.add", (operation, error), options, _DEFAULTS)
        return self.ask(operation, (error,), options, asked, users_line())

    def sequence(
        self, operation: str, *errors: ErrorGiven | None, match: MatchGiven = None, optional: bool = False
    ) -> Fault:
        """Ask for one error after the other, call by call; None lets a call through.

        Takes and refuses what :meth:`add` does. An error of the sequence that is never reached fails the test.
        """
        __tracebackhide__ = True
        if all(error is None for error in errors):
            raise FaultError(f"sequence({operation!r}) names no error; give one for each call that is to fail")
        options = {**_DEFAULTS, "times": len(errors), "match": match, "optional": optional}
        asked = as_code("faults.sequence", (operation, *errors), {"match": match, "optional": optional}, _DEFAULTS)
        return self.ask(operation, errors, options, asked, users_line())

    @property
    def all(self) -> Sequence[Fault]:
        """Every fault that was asked for, in that order, also those that are over."""
        return tuple(self._faults)

    def check(self) -> None:
        """Raise UnusedFault where a fault that is not optional has never struck, and say why; each is told once."""
        __tracebackhide__ = True
        self._check(self._faults)

    # --- for the fake ------------------------------------------------------------------------------------

    def ask(
        self,
        operation: str,
        errors: Sequence[ErrorGiven | None],
        options: dict[str, Any],
        asked: str,
        place: str,
        *,
        marked: bool = False,
    ) -> Fault:
        """Add a fault; ``asked`` and ``place`` say in reports what was written, and where. Raises FaultError."""
        __tracebackhide__ = True
        name = self._catalogue.operation(operation)
        _check_options(asked, options)
        message = options["message"]
        effects = [
            None if error is None and len(errors) > 1 else self._catalogue.effect(name, error, message)  # type: ignore[arg-type]
            for error in errors
        ]
        match = read_match(options["match"])
        if isinstance(match, ByParams):
            self._catalogue.check_params(name, list(match.params))
        fault = Fault(
            operation=name,
            effects=effects,
            match=match,
            asked=asked,
            place=place,
            end=self._end,
            marked=marked,
            by_hook=self._by_hook,
            **{key: options[key] for key in ("times", "after", "optional", "per")},
        )
        self._add(fault)
        return fault

    def ask_again(self, fault: Fault) -> None:
        """Ask for what a fault of a world that is gone asked for."""
        self._add(fault.anew(self._end))

    @property
    def asked_by_test(self) -> Sequence[Fault]:
        """What the body of the test has asked for itself, and not in the world of a sweep that has ended."""
        return [fault for fault in self._faults[self._settled :] if not (fault.marked or fault.by_hook)]

    def check_world(self) -> None:
        """Like :meth:`check`, but for the markers: they are the test's, which may have several worlds."""
        __tracebackhide__ = True
        self._check([fault for fault in self._faults if not fault.marked])

    def settle(self) -> None:
        """The last world of a sweep has ended: what was asked for in it is nobody's any more."""
        self._settled = len(self._faults)

    @contextmanager
    def asking_by_hook(self) -> Iterator[None]:
        """What is asked for inside the block, a conftest's hook asks for: each fresh world gets it again."""
        self._by_hook = True
        try:
            yield
        finally:
            self._by_hook = False

    def strike(self, call: IncomingCall) -> tuple[Fault, Effect | None] | None:
        """Which fault strikes a call and what it does to it, or None. Raises FaultError for a broken predicate."""
        __tracebackhide__ = True
        with self._lock:
            for watcher in self._watchers:
                watcher.append(call)
            self._called[call.operation] += 1
            rules = self._rules.get(call.operation)
            if rules is None:
                return None
            struck = rules.strike(call)
            met = Met(self._called[call.operation], call, struck[0] if struck is not None else None)
            self._met.setdefault(call.operation, deque(maxlen=_MOST_REMEMBERED)).append(met)
            self.is_live = self._has_use()
            return struck

    @contextmanager
    def watching(self) -> Iterator[list[IncomingCall]]:
        """Every call that arrives inside the block, in a list that grows."""
        seen: list[IncomingCall] = []
        self._watchers.append(seen)
        self.is_live = True
        try:
            yield seen
        finally:
            self._watchers[:] = [watcher for watcher in self._watchers if watcher is not seen]
            self.is_live = self._has_use()

    def unused(self) -> str:
        """What to tell about faults that never struck; empty if there are none."""
        return self._unused(self._faults)

    def clear(self) -> None:
        """Forget every fault."""
        self._faults: list[Fault] = []
        self._settled = 0
        self._rules: dict[str, FaultIndex] = {}
        self._met: dict[str, deque[Met]] = {}
        self._called: Counter[str] = Counter()
        self._watchers: list[list[IncomingCall]] = []
        self.is_live = False

    def _has_use(self) -> bool:
        return bool(self._watchers) or any(rules.is_live for rules in self._rules.values())

    def _unused(self, faults: Sequence[Fault]) -> str:
        return unused_text(faults, self._met, self._called)

    def _check(self, faults: Sequence[Fault]) -> None:
        __tracebackhide__ = True
        text = self._unused(faults)
        if text:
            for fault in faults:
                fault.optional = True
            raise UnusedFault(text)

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)
            fault.begun = dict(self._called)
            self._rules.setdefault(fault.operation, FaultIndex()).add(fault)
            self.is_live = True

    def _end(self, fault: Fault) -> None:
        with self._lock:
            rules = self._rules.get(fault.operation)
            if rules is not None and fault in self._faults and fault.over is None:
                fault.over = dict(self._called)
                rules.end(fault)


def _check_options(asked: str, options: dict[str, Any]) -> None:
    __tracebackhide__ = True
    times, after, per = options["times"], options["after"], options["per"]
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise FaultError(f"{asked}: times is a whole number from 1, or None for ever, not {times!r}")
    if not isinstance(after, int) or isinstance(after, bool) or after < 0:
        raise FaultError(f"{asked}: after is the number of calls to let through, from 0, not {after!r}")
    if per not in PER:
        raise FaultError(f"{asked}: per is 'attempt' or 'call', not {per!r}. {nearest(str(per), PER)}")
    if not isinstance(options["optional"], bool):
        raise FaultError(f"{asked}: optional is True or False, not {options['optional']!r}")
    if options["message"] is not None and not isinstance(options["message"], str):
        raise FaultError(f"{asked}: message is a text, not {options['message']!r}")


def users_line() -> str:
    """Where the caller's caller stands, outside of this package, as file:line."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("pytest_lambda_esm"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
