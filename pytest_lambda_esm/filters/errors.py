"""The one way in which a filter pattern is refused."""

from __future__ import annotations


class InvalidPattern(Exception):
    """A filter pattern that AWS does not accept.

    It is no ``LambdaEsmError``: in the end it becomes an answer of AWS. The event source mapping API gives
    one text for all of them, ``Invalid filter pattern definition.``, and keeps the cause to itself. ``reason``
    says the cause in our own words, for timelines and explanations.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
