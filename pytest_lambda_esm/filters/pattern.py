"""A compiled event pattern, and the conjunctions it is made of."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from pytest_lambda_esm.filters.arrays import conjunction_matches, flatten, ways_to
from pytest_lambda_esm.filters.fields import EventTest, ListOnPath, conjunction_test, has_dotted_key
from pytest_lambda_esm.filters.leaves import Leaf
from pytest_lambda_esm.filters.syntax import Branch, read_branches


class Conjunction:
    """Keys that all must match: ``fields`` in the order of their paths, and ``test``, the fast way to test them.

    ``test`` takes an object without dots in its keys, and raises ``ListOnPath`` where it cannot decide;
    ``any_matches`` takes any event.
    """

    __slots__ = ("fields", "test")

    def __init__(self, branch: Branch) -> None:
        self.fields: Final[Sequence[tuple[str, Leaf]]] = tuple(sorted(branch.items(), key=lambda field: field[0]))
        self.test: Final[EventTest] = conjunction_test(self.fields)


def any_matches(conjunctions: Sequence[Conjunction], event: Any) -> bool:
    """Whether one of the conjunctions matches an event: an object, or a list of objects."""
    if type(event) is dict and not has_dotted_key(event):
        try:
            for conjunction in conjunctions:  # noqa: SIM110 - a generator would take as long as two tests
                if conjunction.test(event):
                    return True
            return False
        except ListOnPath:
            pass
    flat = flatten(event, frozenset().union(*(ways_to(conjunction.fields) for conjunction in conjunctions)))
    return any(conjunction_matches(conjunction.fields, flat) for conjunction in conjunctions)


class Pattern:
    """A compiled pattern; ``branches`` are its alternatives, of which there are several only with ``$or``."""

    __slots__ = ("_conjunctions", "branches", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.branches: Final[Sequence[Branch]] = tuple(read_branches(text))
        self._conjunctions = tuple(Conjunction(branch) for branch in self.branches)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def matches(self, event: Any) -> bool:
        """Whether an event matches. The event is parsed JSON; what is no object matches no pattern."""
        return type(event) is dict and any_matches(self._conjunctions, event)


@functools.lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Compile the text of an event pattern, in EventBridge's language as Lambda's event filtering has it.

    Raises InvalidPattern, and nothing else, for a text that is no pattern. Compiled patterns are immutable and
    remembered by their text.
    """
    return Pattern(text)
