"""Where others take part in a fake: the plugin joins these to pytest's hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lambda_esm.errors import UnusedFault

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.call import IncomingCall
    from pytest_lambda_esm.faults.effects import ErrorGiven
    from pytest_lambda_esm.invocation.handlers import HandlerCall, HandlerResult
    from pytest_lambda_esm.mappings.mapping import Mapping, Transition
    from pytest_lambda_esm.observe.calls import Call


class Hooks:
    """What a fake tells, and what it lets others do; this one does nothing beside."""

    def call(self, call: Call) -> None:
        """A call to the Lambda API has been answered."""

    def transition(self, mapping: Mapping, transition: Transition) -> None:
        """A mapping has entered a state."""

    def take_part_in_invocations(self) -> bool:
        """Whether :meth:`invoke` does more than to run the handler."""
        return False

    def fault(self, call: IncomingCall) -> ErrorGiven | None:
        """A call has arrived: what is to go wrong with it, or None."""
        return None

    def restarted(self) -> None:
        """A sweep has begun a fresh world: the place for what was set up in the first one."""

    def faults_left(self, unused: str) -> None:
        """The fake has ended without an error, and these faults have never struck."""
        raise UnusedFault(unused)

    def invoke(self, invocation: HandlerCall) -> HandlerResult:
        """A handler is to run."""
        return invocation.run()
