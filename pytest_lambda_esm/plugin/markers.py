"""The marker ``lambda_esm_fault``: faults that are asked for above a test, a class, a module or a parameter set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_lambda_esm.errors import FaultError, nearest

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.plan import FaultPlan


NAME: Final = "lambda_esm_fault"
_ARGUMENTS: Final = ("operation", "error")


def mistakes(item: pytest.Item) -> list[str]:
    """What cannot be, of all that the markers of a test ask for."""
    from pytest_lambda_esm.fake import fault_catalogue
    from pytest_lambda_esm.faults.plan import FaultPlan

    plan, found = FaultPlan(fault_catalogue()), []
    for marker in _in_reading_order(item):
        try:
            _ask(item, marker, plan)
        except FaultError as error:
            found.append(f"marker {NAME}: {error}")
    return found


def ask(item: pytest.Item, plan: FaultPlan) -> None:
    """Ask for the faults of a test's markers, the farthest first, then from top to bottom. Raises FaultError."""
    for marker in _in_reading_order(item):
        _ask(item, marker, plan)


def _ask(item: pytest.Item, marker: pytest.Mark, plan: FaultPlan) -> None:
    from pytest_lambda_esm.faults.spec import OPTIONS, FaultSpec

    operation, error, given = _arguments(marker)
    shown = [repr(operation), repr(error), *(f"{name}={value!r}" for name, value in given.items())]
    for name in given:
        if name not in OPTIONS:
            raise FaultError(f"it takes no {name!r}. {nearest(name, OPTIONS)}")
    plan.ask(
        FaultSpec(
            operation=operation,
            errors=(error,),
            asked=f"@pytest.mark.{NAME}({', '.join(shown)})",
            place=f"a marker of {item.nodeid}",
            marked=True,
            **given,
        )
    )


def _in_reading_order(item: pytest.Item) -> Iterator[pytest.Mark]:
    """Decorators are kept from bottom to top, the marks of a module or of a parameter set as they are listed."""
    for node in item.listchain():
        marks = [mark for mark in node.own_markers if mark.name == NAME]
        of_parameters = _parameter_marks(item) if node is item else []
        stacked = [mark for mark in marks if not any(mark is other for other in of_parameters)]
        if isinstance(node, pytest.Class):
            stacked.sort(key=lambda mark: _depth(node.obj, mark))  # Stable: what a class has keeps its order.
        yield from stacked if isinstance(node, (pytest.Module, pytest.Package)) else reversed(stacked)
        yield from of_parameters


def _depth(owner: type, mark: pytest.Mark) -> int:
    """How many base classes away from a class a mark stands, the class's own being the nearest."""
    for depth, base in enumerate(owner.__mro__):
        given = vars(base).get("pytestmark", ())
        if any(getattr(each, "mark", each) is mark for each in (given if isinstance(given, list) else [given])):
            return depth
    return 0


def _parameter_marks(item: pytest.Item) -> list[pytest.Mark]:
    marks = getattr(getattr(item, "callspec", None), "marks", ())
    return [mark for mark in (getattr(given, "mark", given) for given in marks) if mark.name == NAME]


def _arguments(marker: pytest.Mark) -> tuple[Any, Any, dict[str, Any]]:
    """The operation, the error, and the options that were given."""
    given = {**dict(zip(_ARGUMENTS, marker.args, strict=False)), **marker.kwargs}
    twice = any(name in marker.kwargs for name in _ARGUMENTS[: len(marker.args)])
    if len(marker.args) > len(_ARGUMENTS) or twice or not all(name in given for name in _ARGUMENTS):
        shown = [*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())]
        raise FaultError(
            f"it takes an operation and an error, such as ('Invoke', 'ServiceException'), not"
            f" {', '.join(shown) or 'nothing'}"
        )
    return given.pop("operation"), given.pop("error"), given
