"""The hooks that this plugin calls, for conftest files and other plugins.

They are called through the test's item, so that an implementation in a folder's conftest is called only for tests in
that folder. Each passes one record, to which later versions may add members. A plugin that supports this one but does
not require it marks its implementations with ``@pytest.hookimpl(optionalhook=True)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.faults.call import IncomingCall
    from pytest_lambda_esm.faults.effects import ErrorGiven
    from pytest_lambda_esm.invocation.handlers import HandlerCall, HandlerResult
    from pytest_lambda_esm.mappings.mapping import Mapping, Transition
    from pytest_lambda_esm.observe.calls import Call
    from pytest_lambda_esm.observe.timeline import Entry


@pytest.hookspec
def pytest_lambda_esm_configure(fake: FakeLambda, request: pytest.FixtureRequest) -> None:
    """Set an organisation's defaults; called when a fake has started and nothing has happened in it yet."""


@pytest.hookspec
def pytest_lambda_esm_call(call: Call, fake: FakeLambda) -> None:
    """Observe a call to the Lambda API, after it was answered."""


@pytest.hookspec
def pytest_lambda_esm_transition(mapping: Mapping, transition: Transition, fake: FakeLambda) -> None:
    """Observe a mapping, after it has entered a state."""


@pytest.hookspec(firstresult=True)
def pytest_lambda_esm_fault(call: IncomingCall, fake: FakeLambda) -> ErrorGiven | None:
    """Return the error with which a call should fail, or None; called when no fault of the test strikes it.

    The call may be to Lambda or to another service. The first result that is not None counts: the name of an error
    that the operation can raise, ``aws_error(...)`` or a network fault such as ``lost_response()``.
    """


@pytest.hookspec(firstresult=True)
def pytest_lambda_esm_invoke(invocation: HandlerCall, fake: FakeLambda) -> HandlerResult | None:
    """Run a handler, or something else instead of it, and return the result.

    The first result that is not None counts; if there is none, ``invocation.run()`` runs the handler. A hook wrapper
    surrounds every run of a handler.
    """


@pytest.hookspec
def pytest_lambda_esm_timeline(entries: list[Entry], fake: FakeLambda) -> None:
    """Change the entries of a timeline in place, before a report shows it."""
