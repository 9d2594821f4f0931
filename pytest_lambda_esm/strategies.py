"""Strategies for Hypothesis (extra ``hypothesis``): what goes wrong in a world, as a value that Hypothesis draws.

::

    @given(trouble=troubles(at_most=3))
    def test_orders_are_charged_once(lambda_esm, trouble):
        with lambda_esm.world(trouble):
            ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

try:
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover - without the extra
    raise ImportError(
        "pytest_lambda_esm.strategies needs Hypothesis; install it with: pip install 'pytest-lambda-esm[hypothesis]'"
    ) from error

from pytest_lambda_esm.errors import FaultError
from pytest_lambda_esm.explore.trouble import Trouble

__all__ = ["troubles"]

_STEPS: Final = (7, 63, 511)
"""The last steps that a trouble may strike: mostly early ones, since few tests have many."""

_CHOICES: Final = 11
_INTERLEAVINGS: Final = 4


def troubles(at_most: int = 3, *, operations: Sequence[str] | None = None) -> st.SearchStrategy[Trouble]:
    """Return a strategy for what goes wrong in a world: nothing, or up to ``at_most`` troubles.

    Which trouble strikes a step is decided when the test reaches it: a poller reads, a handler is invoked, a batch is
    deleted, an asynchronous event runs, or code calls AWS. ``operations`` restricts the steps, as in ``("poller.Read",
    "dynamodb.*")``; their names are checked by ``lambda_esm.world``. A smaller example has fewer and earlier troubles.

    Raises FaultError for numbers below 1, and for operations that are no sequence of names.
    """
    __tracebackhide__ = True
    if not isinstance(at_most, int) or isinstance(at_most, bool) or at_most < 1:
        raise FaultError(f"troubles: at_most is a whole number from 1, not {at_most!r}")
    if isinstance(operations, str):
        raise FaultError(f"troubles: operations is a tuple of names, such as ({operations!r},), not one name")
    names = tuple(operations) if operations is not None else None
    return _troubles(at_most, names)


@st.composite
def _troubles(draw: st.DrawFn, at_most: int, names: tuple[str, ...] | None) -> Trouble:
    step = st.one_of(*(st.integers(0, last) for last in _STEPS))
    strikes = st.lists(st.tuples(step, st.integers(0, _CHOICES)), max_size=at_most, unique_by=lambda pair: pair[0])
    return Trouble(tuple(sorted(draw(strikes))), names, draw(st.integers(0, _INTERLEAVINGS)))
