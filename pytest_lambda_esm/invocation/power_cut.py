"""Power cuts: the end of a handler's process as soon as one of its calls has written something."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.aws_model.writes import writes
from pytest_lambda_esm.invocation.handlers import Handler, translation
from pytest_lambda_esm.invocation.local_time import CutOff

if TYPE_CHECKING:
    from pytest_lambda_esm.invocation.context import LambdaContext
    from pytest_lambda_esm.invocation.nesting import Nesting, OpenInvocation


class Cuts:
    """The open invocations that end after some writes.

    Clients report each call before and after it is made; only those of a running invocation and of its threads count.
    """

    def __init__(self, nesting: Nesting) -> None:
        self._nesting = nesting
        self._left: dict[OpenInvocation, int] = {}
        self.count = 0
        """How many invocations were cut off."""

    @property
    def are_open(self) -> bool:
        """Whether there is such an invocation, so that calls need to be reported."""
        return bool(self._left)

    def begin(self, count: int) -> OpenInvocation:
        """Count the writes of the invocation that the caller belongs to, and return it."""
        invocation = self._nesting.current()
        assert invocation is not None
        self._left[invocation] = count
        return invocation

    def end(self, invocation: OpenInvocation) -> bool:
        """Stop counting, and return whether the invocation was cut off."""
        is_cut = self._left.pop(invocation) == 0
        self.count += is_cut
        return is_cut

    def before_call(self) -> None:
        """Raise CutOff if the caller's invocation has been cut off, so that it makes no further call."""
        invocation = self._nesting.current()
        if invocation is not None and self._left.get(invocation) == 0:
            raise CutOff

    def after_call(self, service: str, operation: str) -> None:
        """Count a call that was done. Raises CutOff if it was the last write."""
        invocation = self._nesting.current()
        left = self._left.get(invocation) if invocation is not None else None
        if left is None or invocation is None or not writes(service, operation):
            return
        self._left[invocation] = max(left - 1, 0)
        self.before_call()


class CutHandler:
    """A handler whose process ends after some writes."""

    def __init__(self, handler: Handler, cuts: Cuts, count: int) -> None:
        self._handler = handler
        self._cuts = cuts
        self._count = count

    @property
    def as_in_lambda(self) -> Callable[[str], str]:
        """The translation of the handler's stack traces."""
        return translation(self._handler)

    def __call__(self, event: Any, context: LambdaContext) -> Any:
        """Run the handler. Raises CutOff once its process has ended."""
        invocation = self._cuts.begin(self._count)
        try:
            return self._handler(event, context)
        finally:
            if self._cuts.end(invocation):
                raise CutOff  # Also where the handler has swallowed it, or has failed because of it.
