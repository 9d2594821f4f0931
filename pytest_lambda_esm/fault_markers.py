"""The marker ``lambda_esm_fault``: faults that are asked for above a test, a class, a module or a parameter set."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_lambda_esm.errors import FaultError, nearest

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.plan import FaultPlan

NAME: Final = "lambda_esm_fault"


def check(item: pytest.Item) -> None:
    """Refuse, at collection, what cannot be: UsageError with the test's node id."""
    from pytest_lambda_esm.fake import fault_catalogue
    from pytest_lambda_esm.faults.plan import FaultPlan

    try:
        ask(item, FaultPlan(fault_catalogue()))
    except FaultError as error:
        raise pytest.UsageError(f"{item.nodeid}: marker {NAME}: {error}") from None


def ask(item: pytest.Item, plan: FaultPlan) -> None:
    """Ask for the faults of a test's markers, the farthest first, then from top to bottom. Raises FaultError."""
    for marker in _in_reading_order(item):
        operation, error = _two_arguments(marker)
        options = _options(marker)
        shown = [repr(operation), repr(error), *(f"{name}={value!r}" for name, value in marker.kwargs.items())]
        asked = f"@pytest.mark.{NAME}({', '.join(shown)})"
        plan.ask(operation, (error,), options, asked, f"a marker of {item.nodeid}", marked=True)


def _in_reading_order(item: pytest.Item) -> Iterator[pytest.Mark]:
    """Decorators are kept from bottom to top, the marks of a module or of a parameter set as they are listed."""
    for node in item.listchain():
        marks = [mark for mark in node.own_markers if mark.name == NAME]
        of_parameters = _parameter_marks(item) if node is item else []
        stacked = [mark for mark in marks if not any(mark is other for other in of_parameters)]
        yield from stacked if isinstance(node, (pytest.Module, pytest.Package)) else reversed(stacked)
        yield from of_parameters


def _parameter_marks(item: pytest.Item) -> list[pytest.Mark]:
    marks = getattr(getattr(item, "callspec", None), "marks", ())
    return [mark for mark in (getattr(given, "mark", given) for given in marks) if mark.name == NAME]


def _two_arguments(marker: pytest.Mark) -> tuple[Any, Any]:
    if len(marker.args) != 2:
        given = ", ".join(repr(value) for value in marker.args) or "nothing"
        raise FaultError(f"it takes an operation and an error, such as ('Invoke', 'ServiceException'), not {given}")
    return marker.args[0], marker.args[1]


def _options(marker: pytest.Mark) -> dict[str, Any]:
    from pytest_lambda_esm.faults.plan import FaultPlan

    parameters = inspect.signature(FaultPlan.add).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
    for name in marker.kwargs:
        if name not in defaults:
            raise FaultError(f"it takes no {name!r}. {nearest(name, defaults)}")
    return {**defaults, **marker.kwargs}
