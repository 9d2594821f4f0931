"""Joins a fake to the pytest hooks of one test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lambda_esm.invocation.handlers import HandlerCall, HandlerResult
from pytest_lambda_esm.simulation.hooks import Hooks

if TYPE_CHECKING:
    import pytest

    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.faults.call import IncomingCall
    from pytest_lambda_esm.faults.effects import ErrorGiven
    from pytest_lambda_esm.mappings.mapping import Mapping, Transition
    from pytest_lambda_esm.observe.calls import Call


class PytestHooks(Hooks):
    """Calls the hooks through the test's item, so that a conftest hears of its own folder's tests only.

    ``fake`` is None while the fake is being made; what it takes over from moto then is told to nobody.
    """

    def __init__(self, item: pytest.Item) -> None:
        self._hooks = item.ihook
        self.fake: FakeLambda | None = None
        self.request: pytest.FixtureRequest | None = None

    def call(self, call: Call) -> None:
        """A call to the Lambda API has been answered."""
        self._hooks.pytest_lambda_esm_call(call=call, fake=self.fake)

    def transition(self, mapping: Mapping, transition: Transition) -> None:
        """A mapping has entered a state."""
        if self.fake is not None:
            self._hooks.pytest_lambda_esm_transition(mapping=mapping, transition=transition, fake=self.fake)

    def take_part_in_invocations(self) -> bool:
        """Whether anybody but the plugin itself implements the hook."""
        return len(self._hooks.pytest_lambda_esm_invoke.get_hookimpls()) > 1

    def fault(self, call: IncomingCall) -> ErrorGiven | None:
        """A call has arrived."""
        given: ErrorGiven | None = self._hooks.pytest_lambda_esm_fault(call=call, fake=self.fake)
        return given

    def restarted(self) -> None:
        """A fresh world gets the defaults of the organisation, as the first one did."""
        self.configure()

    def configure(self) -> None:
        """Let an organisation set its defaults; the faults that it asks for belong to each fresh world."""
        assert self.fake is not None
        with self.fake.faults.asking_by_hook():
            self._hooks.pytest_lambda_esm_configure(fake=self.fake, request=self.request)

    def faults_left(self, unused: str) -> None:
        """The test's call phase has judged them already."""

    def invoke(self, invocation: HandlerCall) -> HandlerResult:
        """A handler is to run."""
        result: HandlerResult = self._hooks.pytest_lambda_esm_invoke(invocation=invocation, fake=self.fake)
        return result
