"""The faults of a test, and which of them strikes a call."""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from pytest_lambda_esm.arguments import suggesting
from pytest_lambda_esm.errors import FaultError, UnusedFault
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect, ErrorGiven
from pytest_lambda_esm.faults.fault import Fault
from pytest_lambda_esm.faults.index import FaultIndex
from pytest_lambda_esm.faults.matching import ByParams, MatchGiven, read_match
from pytest_lambda_esm.faults.spec import FaultSpec, as_code
from pytest_lambda_esm.faults.unused import SeenCall, unused_text
from pytest_lambda_esm.vocabulary import Per

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.catalogue import FaultCatalogue

_MOST_REMEMBERED: Final = 1000
"""How many calls of an operation are kept for the report on unused faults."""


class Chooser(Protocol):
    """Chooses what goes wrong where no fault of the plan strikes, as an exploration does."""

    def choose(self, call: IncomingCall, cannot: frozenset[str]) -> ErrorGiven | None:
        """Return the error of a call or of a step of a poller, or None; ``cannot`` are those impossible there."""
        ...


class FaultPlan:
    """All faults of a test. Of the faults that match a call, the one that was added first strikes it.

    Once a fault is spent, the fake answers normally.
    """

    def __init__(self, catalogue: FaultCatalogue, catch_up: Callable[[], None] = lambda: None) -> None:
        self._catalogue = catalogue
        self._catch_up = catch_up
        self._by_hook = False
        self._lock = threading.RLock()
        self.clear()

    def __repr__(self) -> str:
        return f"<FaultPlan {self._faults!r}>"

    @suggesting
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
        per: Per = "attempt",
    ) -> Fault:
        """Let calls of an operation fail: ``"CreateEventSourceMapping"``, ``"sqs.SendMessage"``, ``"poller.Read"`` ...

        ``error`` is a code that the operation can raise, :func:`aws_error`, or a network fault such as
        :func:`lost_response`. It strikes ``times`` calls (None: all) after the first ``after`` ones. ``match`` holds
        the parameters that a call must have, or is a predicate that takes the :class:`IncomingCall`; ``message``
        replaces AWS's text. Each of botocore's attempts counts as a call; with ``per="call"``, all attempts of a call
        are struck and count as one. A fault that never strikes fails the test, unless it is ``optional``.

        Raises FaultError for an unknown operation, an error that the operation cannot raise, and an invalid option.
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
        return self._ask(
            FaultSpec(
                operation=operation,
                errors=(error,),
                asked=as_code("faults.add", (operation, error), options),
                place=users_line(),
                times=times,
                after=after,
                match=match,
                message=message,
                optional=optional,
                per=per,
            )
        )

    @suggesting
    def sequence(
        self, operation: str, *errors: ErrorGiven | None, match: MatchGiven = None, optional: bool = False
    ) -> Fault:
        """Let successive calls fail with one error each; None lets a call through.

        Takes the same operations and errors as :meth:`add`, and raises the same FaultErrors. If calls do not reach the
        last error, the test fails.
        """
        __tracebackhide__ = True
        if all(error is None for error in errors):
            raise FaultError(f"sequence({operation!r}) names no error; give one for each call that should fail")
        options = {"match": match, "optional": optional}
        return self._ask(
            FaultSpec(
                operation=operation,
                errors=errors,
                asked=as_code("faults.sequence", (operation, *errors), options),
                place=users_line(),
                times=len(errors),
                match=match,
                optional=optional,
            )
        )

    @property
    def all(self) -> Sequence[Fault]:
        """All faults in the order in which they were added, including those that have ended."""
        return tuple(self._faults)

    def check(self) -> None:
        """Raise UnusedFault if a fault that is not optional has never struck; the text says why. Reports each once."""
        __tracebackhide__ = True
        self._check(self._faults)

    # --- for the fake ------------------------------------------------------------------------------------

    def _ask(self, spec: FaultSpec) -> Fault:
        """Add a fault. Raises FaultError for what the service models or the options rule out."""
        __tracebackhide__ = True
        operation = self._catalogue.operation(spec.operation)
        spec.check()
        lets_through = len(spec.errors) > 1
        effects = [
            None if error is None and lets_through else self._catalogue.effect(operation, error, spec.message)
            for error in spec.errors
        ]
        match = read_match(spec.match)
        if isinstance(match, ByParams):
            self._catalogue.check_params(operation, list(match.params))
        fault = Fault(replace(spec, operation=operation, by_hook=self._by_hook), effects, match, self)
        self._add(fault)
        return fault

    def _ask_again(self, fault: Fault) -> None:
        """Add a fresh copy of a fault of an earlier world."""
        self._add(fault.fresh_copy())

    @property
    def _asked_by_test(self) -> Sequence[Fault]:
        """The faults that the test's body has added outside of sweeps; those of markers and hooks are left out."""
        return [fault for fault in self._faults[self._settled :] if not (fault.marked or fault.by_hook)]

    def _check_world(self) -> None:
        """Check all faults but those of markers, which belong to the test and not to one world of its sweep."""
        __tracebackhide__ = True
        self._check([fault for fault in self._faults if not fault.marked])

    def _note_end_of_sweep(self) -> None:
        """Note that a sweep has ended its last world: its faults no longer count as the test's."""
        self._settled = len(self._faults)

    @contextmanager
    def _asking_by_hook(self) -> Iterator[None]:
        """Attribute the faults that the block adds to a conftest's hook, which adds them to each fresh world."""
        self._by_hook = True
        try:
            yield
        finally:
            self._by_hook = False

    def _strike(self, call: IncomingCall) -> tuple[Fault, Effect | None] | None:
        """Return the fault that strikes a call and its effect, or None. Raises FaultError for a broken predicate."""
        __tracebackhide__ = True
        with self._lock:
            for watcher in self._watchers:
                watcher.append(call)
            self._called[call.operation] += 1
            index = self._indexes.get(call.operation)
            if index is None:
                return None
            struck = index.strike(call)
            seen = SeenCall(self._called[call.operation], call, struck[0] if struck is not None else None)
            self._seen.setdefault(call.operation, deque(maxlen=_MOST_REMEMBERED)).append(seen)
            self._is_live = self._has_use()
            return struck

    @contextmanager
    def _watching(self) -> Iterator[list[IncomingCall]]:
        """Yield a list to which every call is added that arrives inside the block."""
        calls: list[IncomingCall] = []
        self._watchers.append(calls)
        self._is_live = True
        try:
            yield calls
        finally:
            self._watchers[:] = [watcher for watcher in self._watchers if watcher is not calls]
            self._is_live = self._has_use()

    def unused(self) -> str:
        """Return the report on faults that never struck; empty if there are none."""
        return self._unused(self._faults)

    def _take_unused(self, start: int) -> str:
        """Return the report on the faults from the number ``start`` on that never struck; each is reported once."""
        return self._taken(self._faults[start:])

    def clear(self) -> None:
        """Forget every fault and every call."""
        self._faults: list[Fault] = []
        self._settled = 0
        self._indexes: dict[str, FaultIndex] = {}
        self._seen: dict[str, deque[SeenCall]] = {}
        self._called: Counter[str] = Counter()
        self._watchers: list[list[IncomingCall]] = []
        self._chooser: Chooser | None = None
        self._is_live = False  # While it is false, no call needs to be passed to _strike.

    def _has_use(self) -> bool:
        return bool(self._watchers) or any(index.is_live for index in self._indexes.values())

    def _unused(self, faults: Sequence[Fault]) -> str:
        return unused_text(faults, self._seen, self._called)

    def _taken(self, faults: Sequence[Fault]) -> str:
        """Return the report on faults that never struck, and do not report them again."""
        text = self._unused(faults)
        for fault in faults if text else ():
            fault.optional = True
        return text

    def _check(self, faults: Sequence[Fault]) -> None:
        __tracebackhide__ = True
        text = self._taken(faults)
        if text:
            raise UnusedFault(text)

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)
            fault.begun = dict(self._called)
            self._indexes.setdefault(fault.operation, FaultIndex()).add(fault)
            self._is_live = True

    def _end(self, fault: Fault) -> None:
        """End a fault, as ``Fault.end`` does."""
        with self._lock:
            index = self._indexes.get(fault.operation)
            if index is not None and fault in self._faults and fault.over is None:
                fault.over = dict(self._called)
                index.end(fault)


def users_line() -> str:
    """Return where the nearest caller outside of this package is, as file:line."""
    return _place_outside(("pytest_lambda_esm",))


def users_place() -> str:
    """Return the same, also outside of what enters contexts for a test: contextlib and unittest."""
    return _place_outside(("pytest_lambda_esm", "contextlib", "unittest"))


def _place_outside(packages: tuple[str, ...]) -> str:
    frame = sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(packages):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
