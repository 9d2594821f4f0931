"""Calls the pytest hooks of one test when something happens in its fake."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    """Calls the hooks through the test's item, so that a conftest is called only for tests in its own folder.

    ``fake`` is None while the fake starts; mappings that it takes over from moto then cause no call.
    """

    def __init__(self, item: pytest.Item, streams: Sequence[Any] = ()) -> None:
        self._hooks = item.ihook
        self._item = item
        self._streams = streams
        self.fake: FakeLambda | None = None
        self.request: pytest.FixtureRequest | None = None

    def call(self, call: Call) -> None:
        """Report an answered call to the Lambda API."""
        self._hooks.pytest_lambda_esm_call(call=call, fake=self.fake)

    def transition(self, mapping: Mapping, transition: Transition) -> None:
        """Report that a mapping has entered a state."""
        if self.fake is not None:
            self._hooks.pytest_lambda_esm_transition(mapping=mapping, transition=transition, fake=self.fake)

    def standard_streams(self) -> Sequence[Any]:
        """Return the streams of pytest's capturing, which modules found when they were imported."""
        return self._streams

    def files_of_test(self) -> set[str]:
        """Return the files of the test, of its base classes, and of plugins, which may contain fixtures and helpers."""
        item = self._item
        modules = {cls.__module__ for cls in getattr(getattr(item, "cls", None), "__mro__", ())}
        known = [*item.config.pluginmanager.get_plugins(), *map(sys.modules.get, modules)]
        return {str(item.path), *(str(file) for module in known if (file := getattr(module, "__file__", None)))}

    def take_part_in_invocations(self) -> bool:
        """Return whether anyone other than this plugin implements the hook."""
        return len(self._hooks.pytest_lambda_esm_invoke.get_hookimpls()) > 1

    def fault(self, call: IncomingCall) -> ErrorGiven | None:
        """Return the error that the hook gives for a call that has arrived, or None."""
        error: ErrorGiven | None = self._hooks.pytest_lambda_esm_fault(call=call, fake=self.fake)
        return error

    def restarted(self) -> None:
        """Apply the organisation's defaults to a fresh world, as to the first one."""
        self.configure()

    def configure(self) -> None:
        """Let an organisation set its defaults; the faults that it adds belong to each fresh world."""
        assert self.fake is not None
        with self.fake.faults._asking_by_hook():
            self._hooks.pytest_lambda_esm_configure(fake=self.fake, request=self.request)

    def faults_left(self, unused: str) -> None:
        """Do nothing: the test's call phase has already reported them."""

    def invoke(self, invocation: HandlerCall) -> HandlerResult:
        """Run a handler through the hook."""
        result: HandlerResult = self._hooks.pytest_lambda_esm_invoke(invocation=invocation, fake=self.fake)
        return result
