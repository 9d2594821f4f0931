"""The extension points of a fake. The plugin connects them to pytest's hooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.errors import UnusedFault

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.call import IncomingCall
    from pytest_lambda_esm.faults.effects import ErrorGiven
    from pytest_lambda_esm.invocation.handlers import HandlerCall, HandlerResult
    from pytest_lambda_esm.mappings.mapping import Mapping, Transition
    from pytest_lambda_esm.observe.calls import Call


class Hooks:
    """Extension points; no-ops by default, except that unused faults raise UnusedFault."""

    def call(self, call: Call) -> None:
        """Called when a call to the Lambda API has been answered."""

    def transition(self, mapping: Mapping, transition: Transition) -> None:
        """Called when a mapping has entered a state."""

    def standard_streams(self) -> Sequence[Any]:
        """Return further streams that count as standard output or error, such as those of a test runner's capturing."""
        return ()

    def files_of_test(self) -> Iterable[str]:
        """Return the files whose code belongs to the test, where it may catch errors that are meant for its author."""
        return ()

    def take_part_in_invocations(self) -> bool:
        """Whether :meth:`invoke` does more than run the handler."""
        return False

    def fault(self, call: IncomingCall) -> ErrorGiven | None:
        """Return the error that a call should fail with, or None."""
        return None

    def restarted(self) -> None:
        """Called when a sweep has started a fresh world, so that the set-up of the first one can be repeated."""

    def faults_left(self, unused: str) -> None:
        """Called when the fake has ended without an error, with a report on the faults that never struck."""
        raise UnusedFault(unused)

    def invoke(self, invocation: HandlerCall) -> HandlerResult:
        """Run a handler."""
        return invocation.run()
