"""The markers as functions with types: ``@marks.settings(region="eu-west-1")`` is ``@pytest.mark.lambda_esm(...)``.

pytest's own markers take anything as far as a type checker knows. Both forms do the same and can be mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack  # For a type checker only, which knows it without the package.

    from pytest_lambda_esm.faults.effects import ErrorGiven
    from pytest_lambda_esm.faults.matching import MatchGiven
    from pytest_lambda_esm.invocation.handlers import HandlerGiven
    from pytest_lambda_esm.setting_types import Settings
    from pytest_lambda_esm.vocabulary import Per


def settings(**settings: Unpack[Settings]) -> pytest.MarkDecorator:
    """Return the marker ``lambda_esm``: settings of the fake for a test, a class or a module.

    pytest reports unknown settings and wrong values at collection.
    """
    return pytest.mark.lambda_esm(**settings)


def fault(
    operation: str,
    error: ErrorGiven,
    *,
    times: int | None = 1,
    after: int = 0,
    match: MatchGiven = None,
    message: str | None = None,
    optional: bool = False,
    per: Per = "attempt",
) -> pytest.MarkDecorator:
    """Return the marker ``lambda_esm_fault``, which takes what ``FaultPlan.add`` takes.

    pytest reports unknown operations and errors at collection.
    """
    given = {
        "times": (times, 1),
        "after": (after, 0),
        "match": (match, None),
        "message": (message, None),
        "optional": (optional, False),
        "per": (per, "attempt"),
    }
    options = {name: value for name, (value, default) in given.items() if value != default}
    return pytest.mark.lambda_esm_fault(operation, error, **options)


def explore(
    runs: int = 100, *, at_most: int = 3, operations: Sequence[str] | None = None, parts: int = 4
) -> pytest.MarkDecorator:
    """Return the marker ``lambda_esm_explore``: what ``FakeLambda.explore`` takes, and in how many tests to run it.

    pytest reports unknown options and numbers below 1 at collection.
    """
    return pytest.mark.lambda_esm_explore(runs, at_most=at_most, operations=operations, parts=parts)


def deploy(
    template: str | os.PathLike[str] | Mapping[str, Any],
    *,
    parameters: Mapping[str, Any] | None = None,
    stack_name: str | None = None,
    code: Mapping[str, HandlerGiven] | None = None,
    region: str | None = None,
    skip: Sequence[str] = (),
) -> pytest.MarkDecorator:
    """Return the marker ``lambda_esm_deploy``, which takes what ``FakeLambda.deploy`` takes.

    pytest reports a template that is not there at collection.
    """
    return pytest.mark.lambda_esm_deploy(
        template, parameters=parameters, stack_name=stack_name, code=code, region=region, skip=skip
    )
