"""Which record was sent by which invocation, and when. What the test itself sends is not noted, except for events."""

from __future__ import annotations

from typing import NamedTuple


class Sent(NamedTuple):
    """A record that was sent: when, in microseconds since the epoch, to which source, by which request.

    ``record`` is its id as fates have it. ``cause`` is the request id of the invocation whose handler sent it or, if
    ``by_handler`` is false, after which Lambda sent it to a destination. It is empty for an asynchronous event that the
    test sent.
    """

    instant: int
    source: str
    record: str
    cause: str
    by_handler: bool


class Causes:
    """All records that invocations have sent so far. Plain lists: a handler may send thousands."""

    def __init__(self) -> None:
        self._sent: list[Sent] = []

    def note(self, instant: int, source: str, record: str, cause: str, by_handler: bool) -> None:
        """Note that a record was sent."""
        self._sent.append(Sent(instant, source, record, cause, by_handler))

    @property
    def sent(self) -> list[Sent]:
        """The records in the order in which they were sent."""
        return list(self._sent)
