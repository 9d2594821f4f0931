"""The wall clocks of the process, through freezegun.

:class:`FreezegunFreezers` reads and moves whichever freezer is on top, :class:`FreezegunFreeze` freezes time for us,
and :class:`AdoptedFreezegun` completes a freeze of the user's.

freezegun keeps its freezers in a stack, ``freeze_factories``, of which the last one determines the time. The internals
used here were seen in 1.5.1 and 1.5.5: the four parallel stacks (``freeze_factories``, ``tz_offsets``,
``ignore_lists``, ``tick_flags``), a factory's class, ``time_to_freeze`` and ``start``, ``_freeze_time.ignore`` and
``.stop``; and that ``start()`` finds the modules to patch through its global ``sys``, and the timers through
``fake_monotonic`` and so on.
"""

from __future__ import annotations

import copyreg
import datetime
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import freezegun
import freezegun.config
from freezegun import api

from pytest_lambda_esm.clock.freezegun_globals import TIMER_NAMES, WALL_NAMES, FakedGlobals, is_faked, real
from pytest_lambda_esm.clock.modules import import_watch
from pytest_lambda_esm.patching import Patches

_STACKS: tuple[list[Any], ...] = (
    api.freeze_factories,
    api.tz_offsets,
    api.ignore_lists,
    api.tick_flags,
)

_ABSENT = object()

# freezegun ignores these by default for their monotonic time, which is real here anyway. Ignored, they would give real
# time to a user's module "queue_consumer" (they are prefixes) and to functions within five frames of a thread's start.
_NOT_IGNORED = {"threading", "multiprocessing", "queue", "gi"}
# pytest's own durations and timestamps. Not all of "_pytest", which calls the test functions.
_IGNORED = ("_pytest.timing", "_pytest.runner", "_pytest.terminal", "gi.")


class FreezegunFreezers:
    """freezegun's stack of freezers, ours and the user's. The process sees the last one."""

    # Class attributes: the next freezer would replace module globals when it scans this module.
    stack: list[Any] = api.freeze_factories
    """freezegun appends to this list and pops from it; it never binds another one."""
    _epoch = api.real_datetime(1970, 1, 1)
    _now = api.real_datetime.now
    _microsecond = datetime.timedelta(microseconds=1)

    def setting(self, freezer: Any) -> object:
        """Return what a move of the freezer changes."""
        return freezer.time_to_freeze

    def read(self, freezer: Any) -> int:
        """Return the time of a freezer that does not tick, in microseconds since the epoch.

        It does not call the freezer, since that would move one with ``auto_tick_seconds``.
        """
        return int((freezer.time_to_freeze - self._epoch) // self._microsecond)

    def show(self, freezer: Any, instant: int) -> None:
        """Move a freezer to an instant."""
        freezer.time_to_freeze = self._epoch + datetime.timedelta(microseconds=instant)

    def stop_ticking(self, freezer: Any) -> bool:
        """Stop a ticking freezer at its current time; return whether it was ticking."""
        kind: type[Any] = type(freezer)
        if kind is not api.TickingDateTimeFactory:
            return False
        freezer.time_to_freeze = freezer()
        freezer.__class__ = api.FrozenDateTimeFactory
        return True

    def tick_again(self, freezer: Any) -> None:
        """Make a stopped freezer tick again from its current time."""
        freezer.start = self._now()
        freezer.__class__ = api.TickingDateTimeFactory


class AdoptedFreezegun:
    """Completes a freeze of the user's: modules imported during it are executed with real time.

    freezegun restores their globals when the user's freeze ends.
    """

    def __init__(self) -> None:
        names = [name for name in (*WALL_NAMES, *TIMER_NAMES) if is_faked(name)]
        self._globals = FakedGlobals(names, api.ignore_lists[-1])

    def install(self, patches: Patches) -> None:
        """Start to watch imports."""
        patches.then(self._remove)
        _add_pydantic_hooks()
        import_watch().add(self._globals)

    def _remove(self) -> None:
        import_watch().remove(self._globals)
        _remove_pydantic_hooks()


class FreezegunFreeze:
    """A freeze of our own at an instant (microseconds since the epoch).

    Unlike ``freezegun.freeze_time``, it leaves monotonic and perf_counter real (so asyncio works), patches modules
    without running any of their code, executes modules imported during the freeze with real time, and also freezes time
    in threads.
    """

    def __init__(self, start: int) -> None:
        epoch = api.real_datetime(1970, 1, 1)
        self._freezer = freezegun.freeze_time(epoch + datetime.timedelta(microseconds=start))
        defaults = freezegun.config.settings.default_ignore_list
        self._freezer.ignore = (*(name for name in defaults if name not in _NOT_IGNORED), *_IGNORED)
        self._globals = FakedGlobals(WALL_NAMES, self._freezer.ignore)
        self._factory: Any = None
        self._changes: list[_Change] = []

    def install(self, patches: Patches) -> None:
        """Freeze time. If any step fails, everything is restored before the error is raised."""
        before = [(place, dict(place)) for place in _changed_by_freezegun()]
        try:
            with _limited_start():
                self._factory = self._freezer.start()
            self._changes = _changes_since(before)
            self._globals.fake_everywhere()
            _add_pydantic_hooks()
            import_watch().add(self._globals)
        except BaseException:
            self._changes = _changes_since(before)
            for stack in _STACKS:
                stack.clear()  # Nothing was frozen before, or that freezer would have been adopted.
            self._restore()
            raise
        patches.then(self._unfreeze, self._restore_names)

    def _unfreeze(self) -> None:
        """Unfreeze time, unless the user has entered another freezer since and not left it yet."""
        position = next((i for i, other in enumerate(api.freeze_factories) if other is self._factory), None)
        if position is not None:
            for stack in _STACKS:
                del stack[position]
        if api.freeze_factories:
            self._restore_with_last_freezer()
        else:
            self._restore()

    def _restore_with_last_freezer(self) -> None:
        # A nested freezer does not know what the outermost one patched, and its stop() fails if it is the last one.
        freeze_time: Any = api._freeze_time
        stop = freeze_time.stop

        def stop_last(freezer: Any) -> None:
            if len(api.freeze_factories) > 1:
                stop(freezer)
                return
            freeze_time.stop = stop
            for stack in _STACKS:
                stack.clear()
            self._restore()

        freeze_time.stop = stop_last

    def _restore(self) -> None:
        # Not freezegun's stop(), which searches the modules loaded since with getattr.
        import_watch().remove(self._globals)
        _remove_pydantic_hooks()
        self._restore_names()
        self._globals.restore_everywhere()

    def _restore_names(self) -> None:
        """Restore what freezegun replaced, except what others have replaced since; they may put freezegun's back."""
        if api.freeze_factories:
            return
        for place, key, old, new in self._changes:
            if place.get(key, _ABSENT) is not new:
                continue
            if old is _ABSENT:
                del place[key]
            else:
                place[key] = old


class _Change(NamedTuple):
    place: dict[Any, Any]
    key: Any
    old: Any
    new: Any


def _changed_by_freezegun() -> tuple[dict[Any, Any], ...]:
    return vars(datetime), vars(time), vars(uuid), copyreg.dispatch_table


def _changes_since(before: list[tuple[dict[Any, Any], dict[Any, Any]]]) -> list[_Change]:
    return [
        _Change(place, key, old.get(key, _ABSENT), value)
        for place, old in before
        for key, value in place.items()
        if old.get(key, _ABSENT) is not value
    ]


@contextmanager
def _limited_start() -> Iterator[None]:
    """Make freezegun's ``start`` find no modules to patch, and the real timers in place of its fake ones."""
    namespace = vars(api)
    replaced: dict[str, Any] = {f"fake_{name}": real(name) for name in TIMER_NAMES}
    replaced["sys"] = SimpleNamespace(modules={})
    originals = {name: namespace[name] for name in replaced}
    namespace.update(replaced)
    try:
        yield
    finally:
        namespace.update(originals)


_PYDANTIC_HOOK = "__get_pydantic_core_schema__"


def _datetime_schema(cls: type, source: Any, handler: Any) -> Any:
    from pydantic_core import core_schema  # installed, since pydantic is the caller

    return core_schema.datetime_schema()


def _date_schema(cls: type, source: Any, handler: Any) -> Any:
    from pydantic_core import core_schema

    return core_schema.date_schema()


_SCHEMAS = ((api.FakeDatetime, _datetime_schema), (api.FakeDate, _date_schema))


def _add_pydantic_hooks() -> None:
    """Let pydantic accept freezegun's classes as fields; needed with freezegun 1.5.1 and 1.5.5, pydantic 2.14."""
    for fake, schema in _SCHEMAS:
        if _PYDANTIC_HOOK not in vars(fake):
            setattr(fake, _PYDANTIC_HOOK, classmethod(schema))


def _remove_pydantic_hooks() -> None:
    for fake, schema in _SCHEMAS:
        if getattr(vars(fake).get(_PYDANTIC_HOOK), "__func__", None) is schema:
            delattr(fake, _PYDANTIC_HOOK)
