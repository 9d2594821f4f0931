"""A journey: the steps of one record, as a sequence and as text, and the journeys before and after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, cast, get_args, overload

from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.observe.sequences import EqualToLists
from pytest_lambda_esm.observe.timeline import Entry, check_kind, rows, shortened
from pytest_lambda_esm.timing import instant_of
from pytest_lambda_esm.vocabulary import EntryKind, StepKind
from pytest_lambda_esm.wording import counted

_LONG_WORD: Final = re.compile(r"(\S{30})\S{15,}(\S{15})")

_MOST_LINKS: Final = 10
"""The most journeys that the text lists before and after a journey."""


class Ref(NamedTuple):
    """A record or a request. ``place`` is the stream or cluster of a record whose id is unique only there."""

    record: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyStep:
    """One step of a record's journey.

    ``at`` is when it happened, an aware datetime in UTC. ``kind`` is ``"sent"``, ``"poll"``, ``"invocation"`` (it
    begins), ``"result"`` (it ends), ``"caused"`` (its handler sent a record, or Lambda sent one about it),
    ``"throttle"``, ``"retry"``, ``"delivery"``, ``"fate"``, or ``"now"`` for what a record without a final fate waits
    for. ``where`` is the ARN or the name of the queue, stream, function or destination, and ``detail`` says
    what happened. ``invocation`` is the invocation that begins or ends, or that sent the record; else None.
    """

    at: datetime
    kind: StepKind
    where: str
    detail: str
    invocation: Invocation | None = None

    @property
    def text(self) -> str:
        """Another name of ``detail``."""
        return self.detail

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S.%f} {self.kind} {shortened(f'{self.where}: {self.text}')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is known about a record: its steps, its fates so far, and the records before and after it."""

    record: str
    steps: Sequence[JourneyStep]
    fates: Sequence[Fate]
    causes: Sequence[Ref]
    caused_by: Sequence[Ref]


class Journey(EqualToLists[JourneyStep]):
    """Everything that happened to one record, in order, as a sequence of :class:`JourneyStep`.

    It is what ``FakeLambda.journey()`` found at that moment, and does not grow. ``str()`` is a text of at most 100
    columns, with virtual times, folded repetitions and long ids cut.
    """

    def __init__(self, story: Story, tell: Callable[[Ref], Journey]) -> None:
        self._story = story
        self._tell = tell

    @overload
    def __getitem__(self, index: int) -> JourneyStep: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[JourneyStep]: ...
    def __getitem__(self, index: int | slice) -> JourneyStep | Sequence[JourneyStep]:
        return self._story.steps[index]

    def __len__(self) -> int:
        return len(self._story.steps)

    def __repr__(self) -> str:
        return f"<Journey of {shortened(self.record)}, {counted(len(self), 'step')}>"

    @property
    def record(self) -> str:
        """The id of the record, as :class:`Fate` has it, or of the request."""
        return self._story.record

    @property
    def fates(self) -> Sequence[Fate]:
        """What became of the record so far: one fate for each queue that it was in, and each mapping that reads it.

        A request that is not an asynchronous event has none.
        """
        return self._story.fates

    @property
    def invocations(self) -> Sequence[Invocation]:
        """The invocations whose event contained the record, in order; or those of the request."""
        return [step.invocation for step in self if step.kind == "invocation" and step.invocation is not None]

    @property
    def causes(self) -> Sequence[Journey]:
        """The journeys of what it caused: what the handlers of its invocations sent, and failure records about it.

        A handler that was given a batch sent its records because of the whole batch, so they belong to each record.
        """
        return [self._tell(ref) for ref in self._story.causes]

    @property
    def caused_by(self) -> Sequence[Journey]:
        """The journeys of what caused it: the records, or the request, of the invocation that sent it.

        It is empty for what the test sent.
        """
        return [self._tell(ref) for ref in self._story.caused_by]

    def of(self, kind: StepKind) -> list[JourneyStep]:
        """Return the steps of one kind.

        Raises ConfigurationError, with the nearest kinds, for one that steps cannot have.
        """
        __tracebackhide__ = True
        check_kind("journey.of", kind, get_args(StepKind))
        return [step for step in self if step.kind == kind]

    def __str__(self) -> str:
        entries = [
            Entry(instant_of(step.at), cast(EntryKind, step.kind), step.where, _cut(step.detail)) for step in self
        ]
        lines = [
            f"journey of {_cut(shortened(self.record))}",
            f"it begins at {self[0].at:%Y-%m-%d %H:%M:%S} UTC; times in seconds since then",
        ]
        lines += rows(entries, counting={step.kind for step in self})
        lines += _links("caused by", self.caused_by)
        return "\n".join(lines + _links("it caused", self.causes))


def _cut(text: str) -> str:
    """Cut the middle out of words that do not fit into a line, such as the resume tokens of DocumentDB."""
    return _LONG_WORD.sub(r"\1...\2", text)


def _links(title: str, journeys: Sequence[Journey]) -> list[str]:
    lines = [f"{title}  {_summary(journey)}" for journey in journeys[:_MOST_LINKS]]
    left_out = len(journeys) - len(lines)
    return [*lines, f"{title}  {left_out} more"] if left_out else lines


def _summary(journey: Journey) -> str:
    """Describe another journey in a line: its record, where it began, and what became of it."""
    first = journey[0]
    ends: list[str] = list(dict.fromkeys(fate.fate for fate in journey.fates))
    ends = ends or [step.detail for step in journey.of("result")[-1:]]
    text = f"{_cut(journey.record)} ({first.where}): {', then '.join(ends) or first.detail}"
    return shortened(" ".join(text.split()))[:85]
