"""What the pollers need of the rest: small protocols, so that a unit test can stand in for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from pytest_lambda_esm.mappings.mapping import Mapping


class Delivery(NamedTuple):
    """What came of a batch: whether the function succeeded, when its run ends, and who it was and how it went.

    ``result`` is what the function returned, as its JSON reads; ``version`` the version that ran and ``request_id``
    its request. ``throttled`` and ``problem`` say that the batch never reached the function: it had no concurrency
    left, or what the service could not do, in the words of LastProcessingResult. Neither counts as an attempt.
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
        """Run it now. ``event()`` makes the event, anew each time; ``depth`` counts the invocations that led to it."""
        ...


class Poller(Protocol):
    """One reader of one mapping's source."""

    def start(self) -> None:
        """Begin to poll. Nothing is delivered before the clock runs: this may be in the middle of an API call."""
        ...

    def stop(self) -> None:
        """Poll no more; what is in flight comes to its end."""
        ...

    def wake(self) -> None:
        """The source may have something earlier than it had."""
        ...

    def explain(self) -> list[str]:
        """Why what waits is not delivered now, and when it will be; one line a reason."""
        ...

    def in_hand(self) -> list[str]:
        """What has been read and is not over, also after polling has stopped; a line each."""
        ...
