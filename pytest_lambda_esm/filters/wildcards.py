"""``{"wildcard": "a*b"}``: parsing, matching in linear time, and the limit on complexity.

An asterisk matches any number of characters, including none. ``\\*`` and ``\\\\`` are the characters themselves; any
other backslash, and two asterisks in a row, are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_lambda_esm.filters.errors import InvalidPattern

MAXIMUM_COMPLEXITY: Final = 10
"""How many wildcard prefixes may match at the same point of some text, within one key.

AWS publishes the criterion (in its open source rule engine), but not the number. Ten fits all known answers:
``*:*:*:*:*:event-bus/*`` (11) is refused; of ``*/folder/*.tif`` and the like, two for one key (8) are accepted and
four (16) are refused; of ``*:stack/name/*``, three (9) are accepted and four (12) are refused.
"""

_ANYTHING: Final = None
"""An asterisk in a parsed wildcard."""


def parse(text: str) -> tuple[str | None, ...]:
    """Split a wildcard into its characters, with None for each asterisk. Refuses bad escapes and ``**``."""
    tokens: list[str | None] = []
    characters = iter(text)
    for character in characters:
        if character == "*":
            if tokens and tokens[-1] is _ANYTHING:
                raise InvalidPattern(f"wildcard {text!r} has two asterisks in a row")
            tokens.append(_ANYTHING)
        elif character == "\\":
            escaped = next(characters, "")
            if escaped not in ("*", "\\"):
                raise InvalidPattern(f"wildcard {text!r} has a backslash before neither an asterisk nor a backslash")
            tokens.append(escaped)
        else:
            tokens.append(character)
    return tuple(tokens)


def matcher(text: str) -> Callable[[str], bool]:
    """Compile a wildcard to a test of a string, whose time is linear in the length of the string."""
    pieces = [""]
    for token in parse(text):
        if token is _ANYTHING:
            pieces.append("")
        else:
            pieces[-1] += token
    if len(pieces) == 1:
        return pieces[0].__eq__
    first, *middle, last = pieces

    def matches(value: str) -> bool:
        position, end = len(first), len(value) - len(last)
        if position > end or not value.startswith(first) or not value.endswith(last):
            return False
        for piece in middle:
            found = value.find(piece, position, end)
            if found < 0:
                return False
            position = found + len(piece)
        return True

    return matches


@dataclass(slots=True, eq=False)
class _Prefix:
    """A prefix of one or several wildcards, and the prefixes that follow after one more byte."""

    repeats: bool = False
    after_asterisk: _Prefix | None = None
    after_byte: dict[int, list[_Prefix]] = field(default_factory=dict)

    def follow(self, byte: int) -> list[_Prefix]:
        following = list(self.after_byte.get(byte, ()))
        if self.after_asterisk is not None:
            following.append(self.after_asterisk)
            following += self.after_asterisk.after_byte.get(byte, ())
        if self.repeats:
            following.append(self)
        return following


def _encoded(text: str) -> list[int | None]:
    """Return a wildcard as the bytes that AWS matches: UTF-8, between the quotation marks of a JSON string."""
    tokens: list[int | None] = [ord('"')]
    for token in parse(text):
        tokens += [None] if token is None else token.encode("utf-8", "surrogatepass")
    return [*tokens, ord('"')]


def _add(start: _Prefix, text: str) -> None:
    """Add one wildcard. Prefixes are shared up to the first asterisk, but not after it."""
    current, shared = start, True
    for token in _encoded(text):
        if token is None:
            if current.after_asterisk is None:
                current.after_asterisk = _Prefix(repeats=True)
            current, shared = current.after_asterisk, False
            continue
        existing = current.after_byte.setdefault(token, [])
        if not shared or not existing:
            existing.append(_Prefix())
        current = existing[-1]


def complexity(groups: Iterable[Sequence[str]]) -> int:
    """Count the wildcard prefixes that match at once in the worst text; stop counting above the maximum.

    A group is the wildcards of one operator: the alternatives of ``{"anything-but": {"wildcard": [...]}}`` share their
    common prefixes, two operators share none.
    """
    starts = []
    for group in groups:
        start = _Prefix()
        for text in group:
            _add(start, text)
        starts.append(start)
    worst, seen = 0, set()
    pending = [frozenset(starts)]
    while pending and worst <= MAXIMUM_COMPLEXITY:
        active = pending.pop()
        for following in _successors(active):
            waiting = {prefix.after_asterisk for prefix in following} - {None} - following
            worst = max(worst, len(following) + len(waiting))
            if following not in seen:
                seen.add(following)
                pending.append(following)
    return worst


def _successors(active: frozenset[_Prefix]) -> Iterable[frozenset[_Prefix]]:
    """Yield every set of prefixes after one more byte; -1 stands for all other bytes."""
    named = {-1}
    for prefix in active:
        named.update(prefix.after_byte)
        if prefix.after_asterisk is not None:
            named.update(prefix.after_asterisk.after_byte)
    for byte in named:
        following = frozenset(after for prefix in active for after in prefix.follow(byte))
        if following:
            yield following
