"""What pollers need and provide, as small protocols, so that a unit test can stand in for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

from pytest_lambda_esm.mappings.mapping import Mapping

Forbidden: TypeAlias = Callable[[Mapping], "str | None"]
"""Returns why the role of a mapping's function may not read its source, in AWS's words, or None."""


def never_forbidden(mapping: Mapping) -> None:
    """Allow every read."""


class Delivery(NamedTuple):
    """The result of delivering a batch.

    ``end`` is when the function's run ends, in microseconds since the epoch; ``function`` is its name, ``about`` a text
    for the timeline. ``result`` is what the function returned, read from its JSON; ``version`` is the version that
    ran, and ``request_id`` the id of its request.

    ``throttled`` and ``problem`` say that the batch never reached the function: it had no concurrency left, or the
    service failed, in the words of LastProcessingResult. Neither counts as an attempt.
    """

    succeeded: bool
    end: int
    function: str
    about: str
    result: Any = None
    version: str = "$LATEST"
    request_id: str = ""
    throttled: bool = False
    problem: str = ""

    @property
    def reached(self) -> bool:
        """Whether the function ran."""
        return not (self.throttled or self.problem)


class Deliver(Protocol):
    """Invokes the function of a mapping with an event."""

    def __call__(self, mapping: Mapping, event: Callable[[], dict[str, Any]], attempt: int, depth: int) -> Delivery:
        """Invoke the function now.

        ``event()`` makes a new event each time; ``depth`` is the chain of invocations, each caused by the one before,
        that led to it (see ``observe/chains.py``).
        """
        ...


class Poller(Protocol):
    """Reads the source of one mapping, and delivers batches."""

    def start(self) -> None:
        """Start polling. Nothing is delivered before the clock runs, since this may be called during an API call."""
        ...

    def stop(self) -> None:
        """Stop polling. In-flight batches still complete."""
        ...

    def wake(self) -> None:
        """Check when the next poll is due: the source may have something earlier than before."""
        ...

    def explain(self) -> list[str]:
        """Explain why waiting records are not delivered now, and when they will be; one line per reason."""
        ...

    def in_hand(self) -> list[str]:
        """Describe what has been read and is not complete, also after polling has stopped; one line each."""
        ...
