"""Numbers in the texts that users read, with their nouns and verbs in the singular or the plural."""

from __future__ import annotations

from typing import Final

_SINGULAR: Final = {"are": "is", "were": "was", "have": "has"}


def counted(count: int, noun: str, verb: str = "") -> str:
    """Return a number with its noun and verb: ``1 message waits``, ``3 messages wait``.

    The noun is in the singular, and the verb in the plural.
    """
    if count != 1:
        return f"{count} {_plural(noun)} {verb}".rstrip()
    return f"{count} {noun} {_SINGULAR.get(verb, f'{verb}s') if verb else ''}".rstrip()


def times(count: int) -> str:
    """Return how often something happened: ``once``, ``3 times``."""
    return "once" if count == 1 else f"{count} times"


def _plural(noun: str) -> str:
    if noun.endswith(("ch", "s", "x")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
