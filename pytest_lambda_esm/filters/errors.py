"""The exception for invalid filter patterns."""

from __future__ import annotations


class InvalidPattern(Exception):
    """A filter pattern that AWS refuses.

    Not a ``LambdaEsmError``, because the API turns it into an AWS error. AWS has the same message for all of them,
    ``Invalid filter pattern definition.``, without the cause. ``reason`` is the cause in our own words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
