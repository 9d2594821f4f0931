"""The process's wall clocks through freezegun: reading and moving a freezer, and a freeze of our own.

freezegun keeps its freezers in a stack, ``freeze_factories``; the last one says what time it is. Its
internals touched here were seen in 1.5.1 and 1.5.5: the four parallel stacks (``freeze_factories``,
``tz_offsets``, ``ignore_lists``, ``tick_flags``), a factory's class, ``time_to_freeze`` and ``start``,
``_freeze_time.ignore`` and ``.stop``, and that ``start()`` finds the modules to patch through its global
``sys`` and the timers through ``fake_monotonic`` etc.
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

_HOOK = "__get_pydantic_core_schema__"


def _datetime_schema(cls: type, source: Any, handler: Any) -> Any:
    from pydantic_core import core_schema  # pydantic is the caller

    return core_schema.datetime_schema()


def _date_schema(cls: type, source: Any, handler: Any) -> Any:
    from pydantic_core import core_schema

    return core_schema.date_schema()


def teach_fakes() -> None:
    """Give freezegun's classes pydantic's hook; needed with freezegun 1.5.1 and 1.5.5, pydantic 2.14."""
    for fake, schema in ((api.FakeDatetime, _datetime_schema), (api.FakeDate, _date_schema)):
        if _HOOK not in vars(fake):
            setattr(fake, _HOOK, classmethod(schema))


def unteach_fakes() -> None:
    """Take the hook away again, where it is ours."""
    for fake, schema in ((api.FakeDatetime, _datetime_schema), (api.FakeDate, _date_schema)):
        if getattr(vars(fake).get(_HOOK), "__func__", None) is schema:
            delattr(fake, _HOOK)


_STACKS: tuple[list[Any], ...] = (
    api.freeze_factories,
    api.tz_offsets,
    api.ignore_lists,
    api.tick_flags,
)

_ABSENT = object()

# These need monotonic time only, which stays real here. As prefixes they would give real time to a user's
# module "queue_consumer", and to every function within five frames of a thread's start.
_NOT_IGNORED = {"threading", "multiprocessing", "queue", "gi"}
# pytest's own durations and timestamps. Never all of "_pytest": a test function is called by it.
_IGNORED = ("_pytest.timing", "_pytest.runner", "_pytest.terminal", "gi.")


class FreezegunFreezers:
    """Freezegun's stack of freezers: whoever pushed them, the last one is what the process sees."""

    # As class attributes: module globals would be replaced by the next freezer that scans this module.
    _epoch = api.real_datetime(1970, 1, 1)
    _now = api.real_datetime.now
    _microsecond = datetime.timedelta(microseconds=1)

    def topmost(self) -> Any:
        """Return the freezer on top, or None."""
        return api.freeze_factories[-1] if api.freeze_factories else None

    def read(self, freezer: Any) -> int:
        """Return the time of a freezer that stands, as microseconds since the epoch.

        It is not called, since that would move one with ``auto_tick_seconds``.
        """
        return int((freezer.time_to_freeze - self._epoch) // self._microsecond)

    def show(self, freezer: Any, instant: int) -> None:
        """Move a freezer to an instant."""
        freezer.time_to_freeze = self._epoch + datetime.timedelta(microseconds=instant)

    def stop_ticking(self, freezer: Any) -> bool:
        """Let a freezer that ticks stand where it is, and stay so when it is moved; return whether it ticked."""
        kind: type[Any] = type(freezer)
        if kind is not api.TickingDateTimeFactory:
            return False
        freezer.time_to_freeze = freezer()
        freezer.__class__ = api.FrozenDateTimeFactory
        return True

    def tick_again(self, freezer: Any) -> None:
        """Let a freezer go on ticking from where it stands."""
        freezer.start = self._now()
        freezer.__class__ = api.TickingDateTimeFactory


class AdoptedFreezegun:
    """What a freeze of the user's lacks: modules imported in it are executed with real time.

    freezegun itself restores their globals when the user's freeze ends.
    """

    def __init__(self) -> None:
        names = [name for name in (*WALL_NAMES, *TIMER_NAMES) if is_faked(name)]
        self._globals = FakedGlobals(names, api.ignore_lists[-1])

    def install(self, patches: Patches) -> None:
        """Begin to watch imports."""
        patches.then(self._remove)
        teach_fakes()
        import_watch().add(self._globals)

    def _remove(self) -> None:
        """Watch no longer."""
        import_watch().remove(self._globals)
        unteach_fakes()


class FreezegunFreeze:
    """A freeze of our own at an instant (microseconds since the epoch), with the timers left alone.

    Differs from ``freezegun.freeze_time``: monotonic and perf_counter are real (so asyncio works), modules
    are patched without running any code of theirs, modules imported meanwhile are executed with real time,
    and threads see the frozen time.
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
        """Freeze. Whatever fails on the way, all is as before when the error is raised."""
        before = [(place, dict(place)) for place in _changed_by_freezegun()]
        try:
            with _narrowed_start():
                self._factory = self._freezer.start()
            self._changes = _changes_since(before)
            self._globals.fake_everywhere()
            teach_fakes()
            import_watch().add(self._globals)
        except BaseException:
            self._changes = _changes_since(before)
            for stack in _STACKS:
                stack.clear()  # nothing was frozen before, or there would be no freeze of our own
            self._restore()
            raise
        patches.then(self._unfreeze)

    def _unfreeze(self) -> None:
        """Unfreeze; a freezer that the user entered meanwhile and did not leave keeps the process frozen."""
        position = next((i for i, other in enumerate(api.freeze_factories) if other is self._factory), None)
        if position is not None:
            for stack in _STACKS:
                del stack[position]
        if api.freeze_factories:
            self._leave_to_survivor()
        else:
            self._restore()

    def _leave_to_survivor(self) -> None:
        # A nested freezer knows nothing of what the outermost one patched; its stop() fails when it is the
        # last.
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
        # Our own instead of freezegun's stop(), which searches the modules loaded since with getattr.
        import_watch().remove(self._globals)
        unteach_fakes()
        for place, key, old in self._changes:
            if old is _ABSENT:
                place.pop(key, None)
            else:
                place[key] = old
        self._globals.restore_everywhere()


class _Change(NamedTuple):
    place: dict[Any, Any]
    key: Any
    old: Any


def _changed_by_freezegun() -> tuple[dict[Any, Any], ...]:
    return vars(datetime), vars(time), vars(uuid), copyreg.dispatch_table


def _changes_since(before: list[tuple[dict[Any, Any], dict[Any, Any]]]) -> list[_Change]:
    return [
        _Change(place, key, old.get(key, _ABSENT))
        for place, old in before
        for key, value in place.items()
        if old.get(key, _ABSENT) is not value
    ]


@contextmanager
def _narrowed_start() -> Iterator[None]:
    """Let freezegun's ``start`` see no modules to search, and take the real timers for its fake ones."""
    namespace = vars(api)
    narrowed: dict[str, Any] = {f"fake_{name}": real(name) for name in TIMER_NAMES}
    narrowed["sys"] = SimpleNamespace(modules={})
    usual = {name: namespace[name] for name in narrowed}
    namespace.update(narrowed)
    try:
        yield
    finally:
        namespace.update(usual)
