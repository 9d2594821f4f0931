"""What the page draws of one test, as plain values: lanes, entries, invocations, and their texts."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.observe.timeline import REQUEST, Entry, Fold, folded, shortened
from pytest_lambda_esm.plugin.report.lanes import Lanes
from pytest_lambda_esm.plugin.report.runs import Runs
from pytest_lambda_esm.plugin.report.texts import Mask, Texts, as_json, without_environment

if TYPE_CHECKING:
    from pytest_lambda_esm.observe.calls import Call
    from pytest_lambda_esm.simulation.world import World

Plain: TypeAlias = dict[str, Any]
"""A JSON object."""

_FIRST: Final = 40
_LAST: Final = 260
"""How many entries and folds are drawn: these at the beginning, and these at the end."""
_LONGEST_TEXT: Final = 1_000
_LONGEST_PARAMS: Final = 3_000

_TONES: Final[ReadOnly[str, Sequence[tuple[str, str]]]] = {
    "call": ((r"-> [123]\d\d", "ok"), (r"", "bad")),
    REQUEST: ((r"-> [123]\d\d", "ok"), (r"", "bad")),
    "fate": (
        (r"dead-letter|discard|expire|given up|failed", "bad"),
        (r"not deleted|filtered|stay|return|destination|skipped|lost", "warn"),
        (r"", "ok"),
    ),
    "result": ((r"^success", "ok"), (r"throttl", "warn"), (r"", "bad")),
    "delivery": ((r"^failed", "bad"), (r"", "info")),
    "transition": ((r"^(Disabled|Disabling|Deleted|Deleting)", "warn"),),
    "throttle": ((r"", "warn"),),
    "retry": ((r"", "warn"),),
    "advice": ((r"", "warn"),),
    "fault": ((r"", "fault"),),
    "permission": ((r" was not judged: ", "warn"), (r"", "bad")),
}
"""For each kind of entry, in order: a pattern of its text, and what it means: ok, bad, warn, fault or else info."""


def picture_of(world: World, entries: Sequence[Entry], mask: Mask, budget: int) -> Plain:
    """Return the picture of a test: times are microseconds since the first one, ``start``, since the epoch."""
    texts = Texts(mask, budget)
    lanes = Lanes(world.store, entries)
    start = min((entry.instant for entry in entries), default=world.clock.instant)
    shown = _shortened_list(_folded(sorted(entries, key=lambda entry: entry.instant)))
    runs = Runs(world.invocations, lanes, texts, start)
    writer = _Writer(lanes, texts, start, _Parameters(world.calls._all_recorded), runs)
    drawn = [writer.fold(each) if isinstance(each, Fold) else writer.entry(each) for each in shown]
    runs.describe()
    return {
        "start": start,
        "end": max(world.clock.instant, *(entry.instant for entry in entries), start) - start,
        "lanes": [[lane.kind, mask(lane.label), mask(lane.key)] for lane in lanes.lanes],
        "entries": drawn,
        "runs": runs.drawn,
        "items": texts.items,
        "texts": texts.kept,
    }


def _folded(entries: Sequence[Entry]) -> list[Entry | Fold]:
    """Fold entries; calls to services other than Lambda are left out where there is no room for all entries."""
    items = folded(entries)
    if len(items) <= _FIRST + _LAST:
        return items
    return folded([entry for entry in entries if entry.kind != REQUEST])


def _shortened_list(items: Sequence[Entry | Fold]) -> list[Entry | Fold]:
    """Return items without the middle ones, if there are too many to draw."""
    left_out = [each for item in items[_FIRST:-_LAST] for each in (item.entries if isinstance(item, Fold) else [item])]
    if not left_out:
        return list(items)
    return [*items[:_FIRST], Fold(left_out, 0), *items[-_LAST:]]


class _Parameters:
    """Finds the call that an entry shows."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls: dict[tuple[int, str], deque[Call]] = {}
        for call in calls:
            self._calls.setdefault((call.instant, call.name), deque()).append(call)

    def of(self, entry: Entry) -> ReadOnly[str, Any] | None:
        """Return the parameters of an entry's call, each call's once."""
        found = self._calls.get((entry.instant, entry.subject)) if entry.kind in ("call", REQUEST) else None
        return found.popleft().params if found else None


class _Writer:
    """Makes plain values of entries, which come in order."""

    def __init__(self, lanes: Lanes, texts: Texts, start: int, parameters: _Parameters, runs: Runs) -> None:
        self._lanes = lanes
        self._texts = texts
        self._start = start
        self._parameters = parameters
        self._runs = runs
        self._ended: int | None = None
        self._polled: Plain | None = None

    def entry(self, entry: Entry) -> Plain:
        """Return an entry; ``begins``, ``ends`` and ``after`` are indices of a run that it begins, ends or follows."""
        plain: Plain = {
            "at": entry.instant - self._start,
            "kind": printable(entry.kind),
            "lane": self._lanes.of(entry),
            "subject": self._texts.add(shortened(entry.subject), _LONGEST_TEXT),
            "text": self._texts.add(shortened(entry.detail), _LONGEST_TEXT),
            "tone": tone_of(entry),
        }
        if entry.items:
            plain["items"] = self._texts.items_of(entry.items)
        parameters = self._parameters.of(entry)
        if parameters is not None:
            plain["params"] = self._texts.add(as_json(without_environment(parameters)), _LONGEST_PARAMS)
        plain.update(self._runs.of(entry))
        self._relate(plain)
        return plain

    def _relate(self, plain: Plain) -> None:
        """Relate an entry to the one before: the poll that read an invocation's records, the end that a fate follows.

        The poll of a stream names only the first and the last record.
        """
        if "begins" in plain and self._polled is not None:
            read = self._polled.setdefault("items", [])
            read += [item for item in self._runs.drawn[plain["begins"]]["items"] if item not in read]
        self._polled = plain if plain["kind"] == "poll" else None
        if plain["kind"] not in ("result", "fate"):
            self._ended = None
        self._ended = plain.get("ends", self._ended)
        if plain["kind"] == "fate" and self._ended is not None:
            plain["after"] = self._ended

    def fold(self, fold: Fold) -> Plain:
        """Return a fold: ``times`` repetitions of ``period`` entries, or left-out ones if the period is 0.

        ``states`` are those that mappings have at its end, if it hides transitions.
        """
        self._ended = self._polled = None
        for entry in fold.entries:
            self._runs.skip(entry)
            self._parameters.of(entry)
        states = {self._lanes.of(entry): state_of(entry) for entry in fold.entries if entry.kind == "transition"}
        return {
            "at": fold.entries[0].instant - self._start,
            "until": fold.entries[-1].instant - self._start,
            "kind": "fold",
            "period": fold.period,
            "times": len(fold.entries) // (fold.period or 1),
            "states": list(states.items()),
        }


def tone_of(entry: Entry) -> str:
    """Return what an entry means: ``"ok"``, ``"bad"``, ``"warn"``, ``"fault"`` or ``"info"``."""
    patterns = _TONES.get(entry.kind, ())
    return next((tone for pattern, tone in patterns if re.search(pattern, entry.detail)), "info")


def state_of(entry: Entry) -> str:
    """Return the state that a transition leads to."""
    return entry.detail.partition(" (")[0]
