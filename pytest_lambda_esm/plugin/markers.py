"""The markers: ``lambda_esm`` gives a test its settings, ``lambda_esm_deploy`` its stacks, ``lambda_esm_fault`` faults.

``lambda_esm_explore`` makes several tests of one.

The plugin imports this module only for a test that has one of them, or that uses the fixture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_lambda_esm.errors import ConfigurationError, FaultError, is_for_the_author, nearest

if TYPE_CHECKING:
    from pytest_lambda_esm.explore.exploration import Part
    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.faults.plan import FaultPlan

_SETTINGS: Final = "lambda_esm"
_FAULT: Final = "lambda_esm_fault"
_DEPLOY: Final = "lambda_esm_deploy"
_DEPLOY_OPTIONS: Final = ("parameters", "stack_name", "code", "region", "skip")
_EXPLORE: Final = "lambda_esm_explore"
_EXPLORE_OPTIONS: Final = ("runs", "at_most", "operations", "parts")
_PART: Final = "_lambda_esm_part"
_PARTS: Final = 4
_ARGUMENTS: Final = ("operation", "error")


def unknown(config: pytest.Config, names: Iterable[str]) -> list[str]:
    """Return what is wrong with names that begin as our markers do: those that nobody has registered."""
    registered = {str(line).partition(":")[0].partition("(")[0].strip() for line in config.getini("markers")}
    ours = (_SETTINGS, _FAULT, _DEPLOY, _EXPLORE)
    return [f"there is no marker {name!r}. {nearest(name, ours)}" for name in sorted(names) if name not in registered]


def mistakes(item: pytest.Item) -> list[str]:
    """Return what is wrong with the markers of a test, one text each."""
    return [*_wrong_settings(item), *_wrong_deployments(item), *_wrong_explorations(item), *_wrong_faults(item)]


def setting_layers(item: pytest.Item) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the layers of settings from the markers of a test, the outermost first."""
    layers: list[tuple[str, Mapping[str, Any]]] = []
    for marker in reversed(list(item.iter_markers(_SETTINGS))):
        if marker.args:
            raise pytest.UsageError(
                f"the marker lambda_esm takes settings by name, such as lambda_esm(seed=7), not"
                f" {', '.join(repr(value) for value in marker.args)}"
            )
        layers.append(("marker lambda_esm", marker.kwargs))
    return layers


def deploy(item: pytest.Item, fake: FakeLambda) -> None:
    """Deploy the templates of a test's markers: the outermost first, then from top to bottom. Raises DeployError."""
    __tracebackhide__ = is_for_the_author
    for marker in _in_reading_order(item, _DEPLOY):
        template, options = _deployment(item, marker)
        fake.deploy(template, **options)


def add_faults(item: pytest.Item, plan: FaultPlan) -> None:
    """Add the faults of a test's markers to a plan: the outermost first, then from top to bottom. Raises FaultError."""
    for marker in _in_reading_order(item, _FAULT):
        _add_fault(item, marker, plan)


def add_parts(metafunc: pytest.Metafunc) -> None:
    """Make a test of each part of an exploration. The number of parts does not depend on the number of processes."""
    marker = next(metafunc.definition.iter_markers(_EXPLORE))
    parts = marker.kwargs.get("parts", _PARTS)
    if not _is_count(parts):
        return  # Reported with the other mistakes.
    metafunc.fixturenames.append(_PART)
    ids = [f"part {number} of {parts}" for number in range(1, parts + 1)]
    metafunc.parametrize(_PART, range(parts), indirect=True, ids=ids)


def part(item: pytest.Item) -> Part | None:
    """Return which part of an exploration a test has, or None for a test without the marker."""
    marker = next(item.iter_markers(_EXPLORE), None)
    if marker is None:
        return None
    from pytest_lambda_esm.explore.exploration import Part

    given: dict[str, Any] = {**dict(zip(_EXPLORE_OPTIONS, marker.args, strict=False)), **marker.kwargs}
    parts = given.pop("parts", _PARTS)
    number = getattr(getattr(item, "callspec", None), "params", {}).get(_PART, 0)
    return Part(number=number, parts=parts, **given)


def _wrong_explorations(item: pytest.Item) -> list[str]:
    marker = next(item.iter_markers(_EXPLORE), None)
    if marker is None:
        return []
    for name in marker.kwargs:
        if name not in _EXPLORE_OPTIONS:
            return [f"marker {_EXPLORE}: it takes no {name!r}. {nearest(name, _EXPLORE_OPTIONS)}"]
    if len(marker.args) > 1:
        return [f"marker {_EXPLORE}: it takes the number of runs, and {', '.join(_EXPLORE_OPTIONS[1:])} by name"]
    given = {"runs": 100, **dict(zip(("runs",), marker.args, strict=False)), **marker.kwargs}
    wrong = [name for name in ("runs", "at_most", "parts") if name in given and not _is_count(given[name])]
    return [f"marker {_EXPLORE}: {name} is a whole number from 1, not {given[name]!r}" for name in wrong]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _wrong_settings(item: pytest.Item) -> list[str]:
    try:
        layers = setting_layers(item)
        if layers:
            from pytest_lambda_esm.config import Config

            Config.from_layers(layers)
    except (pytest.UsageError, ConfigurationError) as error:
        return [str(error)]
    return []


def _wrong_deployments(item: pytest.Item) -> list[str]:
    found = []
    for marker in _in_reading_order(item, _DEPLOY):
        try:
            _deployment(item, marker)
        except ConfigurationError as error:
            found.append(f"marker {_DEPLOY}: {error}")
    return found


def _deployment(item: pytest.Item, marker: pytest.Mark) -> tuple[Any, dict[str, Any]]:
    """Return the template of a marker, with its path found, and the options of ``deploy``."""
    options = dict(marker.kwargs)
    given = marker.args[0] if marker.args else options.pop("template", None)
    if given is None or len(marker.args) > 1:
        raise ConfigurationError("it takes one template, such as lambda_esm_deploy('template.yaml')")
    for name in options:
        if name not in _DEPLOY_OPTIONS:
            raise ConfigurationError(f"it takes no {name!r}. {nearest(name, _DEPLOY_OPTIONS)}")
    if isinstance(given, Mapping):
        return given, options
    places = [item.path.parent / given, item.config.rootpath / given]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise ConfigurationError(f"there is no template {str(given)!r}: looked for {' and '.join(map(str, places))}")
    return found, options


def _wrong_faults(item: pytest.Item) -> list[str]:
    markers = list(_in_reading_order(item, _FAULT))
    if not markers:
        return []
    from pytest_lambda_esm.fake import fault_catalogue
    from pytest_lambda_esm.faults.plan import FaultPlan

    plan, found = FaultPlan(fault_catalogue()), []
    for marker in markers:
        try:
            _add_fault(item, marker, plan)
        except FaultError as error:
            found.append(f"marker {_FAULT}: {error}")
    return found


def _add_fault(item: pytest.Item, marker: pytest.Mark, plan: FaultPlan) -> None:
    from pytest_lambda_esm.faults.spec import OPTIONS, FaultSpec

    operation, error, options = _arguments(marker)
    shown = [repr(operation), repr(error), *(f"{name}={value!r}" for name, value in options.items())]
    for name in options:
        if name not in OPTIONS:
            raise FaultError(f"it takes no {name!r}. {nearest(name, OPTIONS)}")
    plan._ask(
        FaultSpec(
            operation=operation,
            errors=(error,),
            asked=f"@pytest.mark.{_FAULT}({', '.join(shown)})",
            place=f"a marker of {item.nodeid}",
            marked=True,
            **options,
        )
    )


def _arguments(marker: pytest.Mark) -> tuple[Any, Any, dict[str, Any]]:
    """Return the operation, the error, and the options."""
    given = {**dict(zip(_ARGUMENTS, marker.args, strict=False)), **marker.kwargs}
    is_repeated = any(name in marker.kwargs for name in _ARGUMENTS[: len(marker.args)])
    if len(marker.args) > len(_ARGUMENTS) or is_repeated or not all(name in given for name in _ARGUMENTS):
        shown = [*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())]
        raise FaultError(
            f"it takes an operation and an error, such as ('Invoke', 'ServiceException'), not"
            f" {', '.join(shown) or 'nothing'}"
        )
    return given.pop("operation"), given.pop("error"), given


def _in_reading_order(item: pytest.Item, name: str) -> Iterator[pytest.Mark]:
    """Yield the markers with a name as they read in the file, the outermost node first.

    pytest keeps decorators from bottom to top, and the marks of a module or of a parameter set in the order listed.
    """
    for node in item.listchain():
        marks = [mark for mark in node.own_markers if mark.name == name]
        of_parameters = _parameter_marks(item, name) if node is item else []
        stacked = [mark for mark in marks if not any(mark is other for other in of_parameters)]
        if isinstance(node, pytest.Class):
            stacked.sort(key=lambda mark: _depth(node.obj, mark))  # A stable sort keeps the order within a class.
        yield from stacked if isinstance(node, (pytest.Module, pytest.Package)) else reversed(stacked)
        yield from of_parameters


def _depth(cls: type, mark: pytest.Mark) -> int:
    """Return the position in a class's MRO of the class that has the mark: 0 is the class itself."""
    for depth, base in enumerate(cls.__mro__):
        given = vars(base).get("pytestmark", ())
        if any(getattr(each, "mark", each) is mark for each in (given if isinstance(given, list) else [given])):
            return depth
    return 0


def _parameter_marks(item: pytest.Item, name: str) -> list[pytest.Mark]:
    marks = getattr(getattr(item, "callspec", None), "marks", ())
    return [mark for mark in (getattr(given, "mark", given) for given in marks) if mark.name == name]
