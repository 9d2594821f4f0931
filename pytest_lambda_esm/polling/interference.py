"""What a test, or the weather, lets go wrong at the steps of a poller: the one place where lanes ask.

A lane asks :meth:`Interference.at` at each step of ``faults/poller_steps.py`` that it takes, and does what the word
that it gets back means there. Who disables or deletes the mapping is the service, so that is done here, for every lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect, PollerFault
from pytest_lambda_esm.mappings.mapping import Mapping

MakeIds: TypeAlias = Callable[[], Sequence[str]]
NOTHING: Final[frozenset[str]] = frozenset()
KEEPS_ITS_ORDER: Final = frozenset({"reordered"})
"""What cannot happen at a source that keeps its order: FIFO queues, streams."""


class Interference(Protocol):
    """Asked by lanes."""

    def at(self, step: str, mapping: Mapping, records: MakeIds = tuple, cannot: frozenset[str] = NOTHING) -> str | None:
        """The trouble at this step, by its word, or None; ``records()`` are the ids of the records concerned.

        ``cannot`` are words of the step that have no meaning at this source. Raises FaultError where a test asks
        for one of them.
        """
        ...


class Steps(Protocol):
    """Decides what goes wrong."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing can go wrong at any step, so that nobody has to ask."""
        ...

    def on_step(self, step: str, make_call: Callable[[], IncomingCall], cannot: frozenset[str]) -> Effect | None:
        """What goes wrong at a step, or None; not one of the words that this step cannot know."""
        ...


class PlannedInterference:
    """What the fault plan and the weather say. ``remove`` deletes a mapping as its owner would."""

    def __init__(self, steps: Steps, instant: Callable[[], int], remove: Callable[[Mapping], None]) -> None:
        self._steps = steps
        self._instant = instant
        self._remove = remove

    def at(self, step: str, mapping: Mapping, records: MakeIds = tuple, cannot: frozenset[str] = NOTHING) -> str | None:
        """The trouble at this step; what befalls the mapping itself is done and not told."""
        __tracebackhide__ = is_for_the_author
        if self._steps.is_quiet:
            return None
        return self._met(step, mapping, records, cannot)

    def _met(self, step: str, mapping: Mapping, records: MakeIds, cannot: frozenset[str]) -> str | None:
        __tracebackhide__ = is_for_the_author
        effect = self._steps.on_step(step, lambda: self._call(step, mapping, records), cannot)
        if not isinstance(effect, PollerFault):
            return None
        if effect.word == "disabled":
            mapping.force("Disabled", reason=effect.message)
            return None
        if effect.word == "deleted":
            self._remove(mapping)
            return None
        return effect.word

    def _call(self, step: str, mapping: Mapping, records: MakeIds) -> IncomingCall:
        return IncomingCall(
            operation=step,
            params={
                "Mapping": mapping.uuid,
                "Source": mapping.source_arn,
                "Function": mapping.function_arn,
                "Records": tuple(records()),
            },
            account_id=mapping.account_id,
            region=mapping.region,
            instant=self._instant(),
        )
