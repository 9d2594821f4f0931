"""Compiles the text of a pattern to its branches: which keys are tested, and how.

A pattern is a tree of keys with lists as its leaves. Keys are joined with dots, so ``{"a": {"b": [1]}}``,
``{"a.b": [1]}`` and an event's ``{"a.b": 1}`` all have the path ``a.b``. Every ``$or`` multiplies the branches. A
branch has one list per path; if a path is stated twice, in either spelling, the later list wins (recorded).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters import wildcards
from pytest_lambda_esm.filters.errors import InvalidPattern
from pytest_lambda_esm.filters.operators import OPERATORS, ValueTest, is_number, only_member
from pytest_lambda_esm.filters.strict_json import Members, read_pattern, show


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """The compiled list of a key.

    ``matches`` tests one value of the event. ``absent`` tells whether the key may be missing (``{"exists": false}``).
    ``strings`` are the strings and null of a list without other entries, else None. ``text`` is the list as written.
    """

    matches: ValueTest
    absent: bool
    strings: frozenset[str | None] | None
    text: str


Branch = dict[str, Leaf]
"""One alternative of a pattern: the compiled list of each dotted path. All of them must match."""

MAXIMUM_BRANCHES: Final = 1_000
"""How many combinations the ``$or`` lists of a pattern may have. Our own limit, to bound memory."""

RESERVED_IN_OR: Final = frozenset(
    {
        *OPERATORS,
        *("exists", "html", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    }
)
"""Names of operators, existing and announced, that AWS's rule engine does not accept as keys inside ``$or``."""


def read_branches(text: str) -> list[Branch]:
    """Parse and compile a pattern. Raises InvalidPattern, and nothing else, for invalid text."""
    tree = read_pattern(text)
    try:
        if not isinstance(tree, Members):
            raise InvalidPattern(f"a pattern is a JSON object, not {show(tree)}")
        return _read_object(tree, "", [{}], frozenset())
    except RecursionError:
        raise InvalidPattern("the pattern is nested too deeply") from None


def _read_object(members: Members, prefix: str, branches: list[Branch], reserved: frozenset[str]) -> list[Branch]:
    """Add the members of an object to the branches, in place unless an ``$or`` multiplies them."""
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


def compile_leaf(key: str, items: list[Any]) -> Leaf:
    """Compile the list of a key. Raises InvalidPattern for an empty list and for invalid entries."""
    if not items:
        raise InvalidPattern(f"{key!r} has an empty list")
    tests: list[ValueTest] = []
    absent = False
    for item in items:
        if not isinstance(item, Members):
            continue
        name, operand = only_member(item, f"the list of {key!r}")
        if name == "exists":
            if type(operand) is not bool:
                raise InvalidPattern(f"exists takes true or false, not {show(operand)}")
            absent = absent or not operand
            tests += [_always] if operand else []
        elif name in OPERATORS:
            tests.append(OPERATORS[name](operand))
        else:
            raise InvalidPattern(f"{name!r} is not an operator; known are exists, {', '.join(OPERATORS)}")
    _check_complexity(key, items)
    values = [item for item in items if not isinstance(item, Members)]
    strings = frozenset(value for value in values if value is None or isinstance(value, str))
    only_strings = all(item is None or isinstance(item, str) for item in items)
    tests = _value_tests(key, values, strings) + tests
    return Leaf(
        matches=_any_of(tests),
        absent=absent,
        strings=strings if only_strings else None,
        text=show(items),
    )


def _always(value: object) -> bool:
    return True


def _value_tests(key: str, values: list[Any], strings: frozenset[str | None]) -> list[ValueTest]:
    """Return the tests for the strings and null, the numbers, and the booleans (numbers in Python) of a list."""
    numbers = frozenset(value for value in values if is_number(value))
    booleans = frozenset(value for value in values if type(value) is bool)
    for value in values:
        if type(value) is list:
            raise InvalidPattern(f"{key!r} has a list inside its list: {show(value)}")
    tests: list[ValueTest] = []
    if strings:
        tests.append(strings.__contains__)
    if numbers:
        tests.append(lambda value: is_number(value) and value in numbers)
    if booleans:
        tests.append(lambda value: type(value) is bool and value in booleans)
    return tests


def _any_of(tests: list[ValueTest]) -> ValueTest:
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _check_complexity(key: str, items: list[Any]) -> None:
    groups = {_wildcard_group(item) for item in items} - {()}
    found = wildcards.complexity(groups)
    if found > wildcards.MAXIMUM_COMPLEXITY:
        raise InvalidPattern(
            f"the wildcards of {key!r} are too complex: {found} or more of their prefixes can match the same"
            f" text, {wildcards.MAXIMUM_COMPLEXITY} is the most; use fewer asterisks"
        )


def _wildcard_group(item: Any) -> tuple[str, ...]:
    """Return the wildcards of one entry of a list, which has been compiled and so is well-formed."""
    if not isinstance(item, Members):
        return ()
    name, operand = item[0]
    if name == "anything-but" and isinstance(operand, Members):
        name, operand = operand[0]
    if name != "wildcard":
        return ()
    return tuple(sorted(set(operand))) if isinstance(operand, list) else (operand,)
