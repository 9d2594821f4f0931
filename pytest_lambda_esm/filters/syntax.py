"""From the text of a pattern to its branches: which keys are tested, with which lists.

A pattern is a tree of keys with lists at its ends. Its keys are joined with dots, so ``{"a": {"b": [1]}}``,
``{"a.b": [1]}`` and an event's ``{"a.b": 1}`` all speak of the path ``a.b``. Every ``$or`` multiplies the
branches; a branch has one list per path, and where a path is given twice the later list replaces the earlier
(recorded), whichever of the spellings is used.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_lambda_esm.filters.leaves import Leaf, compile_leaf
from pytest_lambda_esm.filters.operators import OPERATORS
from pytest_lambda_esm.filters.refusal import InvalidPattern
from pytest_lambda_esm.filters.strict_json import Members, read_pattern, show

Branch = dict[str, Leaf]
"""One way to match: a list for each dotted path, and all of them must match."""

MAXIMUM_BRANCHES: Final = 1_000
"""How many combinations the ``$or`` lists of a pattern may have; ours, to bound the memory of a pattern."""

RESERVED_IN_OR: Final = frozenset(
    {
        *OPERATORS,
        *("exists", "html", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    }
)
"""Names of operators, present and announced, that AWS's rule engine takes for no key inside ``$or``."""


def read_branches(text: str) -> list[Branch]:
    """Parse and compile a pattern. Raises InvalidPattern, and nothing else, for every text that is none."""
    tree = read_pattern(text)
    try:
        if not isinstance(tree, Members):
            raise InvalidPattern(f"a pattern is a JSON object, not {show(tree)}")
        return _read_object(tree, "", [{}], frozenset())
    except RecursionError:
        raise InvalidPattern("the pattern is nested too deeply") from None


def _read_object(members: Members, prefix: str, branches: list[Branch], reserved: frozenset[str]) -> list[Branch]:
    """Add the members of the object at ``prefix`` to the branches, in place unless a ``$or`` forks them."""
    if not members:
        raise InvalidPattern(f"{prefix[:-1]!r} is an empty object" if prefix else "the pattern is empty")
    for key, value in members:
        path = prefix + key
        if key == "$or":
            branches = _read_or(value, prefix, branches)
        elif key in reserved:
            raise InvalidPattern(f"{key!r} is an operator, not a key, inside $or")
        elif isinstance(value, Members):
            branches = _read_object(value, f"{path}.", branches, reserved)
        elif type(value) is list:
            leaf = compile_leaf(path, value)
            for branch in branches:
                branch[path] = leaf
        else:
            raise InvalidPattern(f"{path!r} must have a list or an object, not {show(value)}")
    return branches


def _read_or(alternatives: Any, prefix: str, branches: list[Branch]) -> list[Branch]:
    if type(alternatives) is not list or len(alternatives) < 2:
        raise InvalidPattern(f"$or takes a list of at least two objects, not {show(alternatives)}")
    combined: list[Branch] = []
    for alternative in alternatives:
        if not isinstance(alternative, Members):
            raise InvalidPattern(f"$or takes objects, not {show(alternative)}")
        combined += _read_object(alternative, prefix, [dict(branch) for branch in branches], RESERVED_IN_OR)
        if len(combined) > MAXIMUM_BRANCHES:
            raise InvalidPattern(f"the $or lists have more than {MAXIMUM_BRANCHES} combinations")
    return combined
