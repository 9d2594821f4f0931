"""What an event source supports, as data: one value a source, so that no operation branches on a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_lambda_esm.sources.arn import Arn


@dataclass(frozen=True, slots=True)
class EventSource:
    """One kind of event source.

    ``recognises`` tells whether an ARN is of this kind. ``defaults`` are the members that every answer shows,
    with the values that hold when a request leaves them out. ``optional`` are the members that a request may
    give and that an answer shows only then. ``user_reason`` is AWS's StateTransitionReason for what a user asked
    for; ``first_result`` the LastProcessingResult of a new mapping, None where the source shows none.
    """

    name: str
    recognises: Callable[[Arn], bool]
    defaults: Mapping[str, Any]
    optional: frozenset[str]
    user_reason: str
    maximum_batch_size: int
    first_result: str | None = None
    removed_when_empty: frozenset[str] = field(default=frozenset())

    def supports(self, member: str) -> bool:
        """Whether a request for this source may have the member."""
        return member in self.defaults or member in self.optional
