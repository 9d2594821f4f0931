"""The hooks that this plugin calls: for conftest files and other plugins.

They are called through the test's own item, so that an implementation in a folder's conftest hears of that
folder's tests only. Each passes one record, to which members may be added. A plugin that only supports this one marks
its implementations with ``@pytest.hookimpl(optionalhook=True)``.
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
    """A fake has started and nothing has happened in it: the place for defaults of an organisation."""


@pytest.hookspec
def pytest_lambda_esm_call(call: Call, fake: FakeLambda) -> None:
    """A call to the Lambda API has been answered."""


@pytest.hookspec
def pytest_lambda_esm_transition(mapping: Mapping, transition: Transition, fake: FakeLambda) -> None:
    """A mapping has entered a state."""


@pytest.hookspec(firstresult=True)
def pytest_lambda_esm_fault(call: IncomingCall, fake: FakeLambda) -> ErrorGiven | None:
    """A call has arrived, at Lambda or another service, and no fault of the test strikes it: is it to fail?

    The first result that is not None counts: the name of an error that the operation can raise, ``aws_error(...)``
    or a fault of the network such as ``lost_response()``.
    """


@pytest.hookspec(firstresult=True)
def pytest_lambda_esm_invoke(invocation: HandlerCall, fake: FakeLambda) -> HandlerResult | None:
    """A handler is to run: wrap it, or run something else.

    The first result that is not None counts; ``invocation.run()`` runs the handler, and that is what happens when
    nobody else answers. A wrapper sees each handler begin and end.
    """


@pytest.hookspec
def pytest_lambda_esm_timeline(entries: list[Entry], fake: FakeLambda) -> None:
    """The timeline is about to be shown in a report: change the list in place to leave out or to add entries."""
