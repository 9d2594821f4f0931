"""The operators of event patterns.

Each operator is compiled to a test of a single value of the event: a string, a number, true, false or null. Objects
and lists are never tested (see ``matching``). The behaviour is that of AWS's rule engine, as recorded. A test refuses
values of the wrong type, except those of ``anything-but``, which accept every value that they do not name, null
included.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Final

from pytest_lambda_esm.filters import wildcards
from pytest_lambda_esm.filters.errors import InvalidPattern
from pytest_lambda_esm.filters.strict_json import Members, show

ValueTest = Callable[[Any], bool]

LARGEST_NUMBER: Final = 5_000_000_000
"""The range of ``numeric`` is from minus to plus this number, both included; other numbers match nothing."""


def is_number(value: object) -> bool:
    """Whether a JSON value is a number, which True and False are not."""
    return type(value) is int or type(value) is float


def only_member(value: Any, operator: str) -> tuple[str, Any]:
    """Return the only member of an operator's object."""
    if not isinstance(value, Members) or len(value) != 1:
        raise InvalidPattern(f"{operator} takes an object with exactly one key, not {show(value)}")
    return value[0]


def _text(value: Any, operator: str) -> str:
    if not isinstance(value, str):
        raise InvalidPattern(f"{operator} takes a string, not {show(value)}")
    return value


def _of_strings(test: Callable[[str], bool]) -> ValueTest:
    return lambda value: type(value) is str and test(value)


def _folded(value: Any, operator: str) -> str:
    name, text = only_member(value, operator)
    if name != "equals-ignore-case":
        raise InvalidPattern(f"{operator} combines with equals-ignore-case only, not with {name!r}")
    return _text(text, f"{operator} with equals-ignore-case").lower()


def _prefix(value: Any) -> ValueTest:
    if isinstance(value, Members):
        folded = _folded(value, "prefix")
        return _of_strings(lambda text: text.lower().startswith(folded))
    start = _text(value, "prefix")
    return _of_strings(lambda text: text.startswith(start))


def _suffix(value: Any) -> ValueTest:
    if isinstance(value, Members):
        folded = _folded(value, "suffix")
        return _of_strings(lambda text: text.lower().endswith(folded))
    end = _text(value, "suffix")
    return _of_strings(lambda text: text.endswith(end))


def _equals_ignore_case(value: Any) -> ValueTest:
    folded = _text(value, "equals-ignore-case").lower()
    return _of_strings(lambda text: text.lower() == folded)


def _exactly(value: Any) -> ValueTest:
    expected = _text(value, "exactly")
    return lambda found: bool(found == expected)


def _wildcard(value: Any) -> ValueTest:
    return _of_strings(wildcards.matcher(_text(value, "wildcard")))


# --- numeric -----------------------------------------------------------------------------------------------


def _numeric(value: Any) -> ValueTest:
    if type(value) is not list:
        raise InvalidPattern(f"numeric takes a list, not {show(value)}")
    match value:
        case ["=", number]:
            expected = _bound(number, "=")
            return lambda found: is_number(found) and found == expected
        case [("<" | "<=") as operator, number]:
            return _range(-LARGEST_NUMBER, ">=", _bound(number, operator), operator)
        case [(">" | ">=") as operator, number]:
            return _range(_bound(number, operator), operator, LARGEST_NUMBER, "<=")
        case [(">" | ">=") as lower, low, ("<" | "<=") as upper, high]:
            return _range(_bound(low, lower), lower, _bound(high, upper), upper)
    raise InvalidPattern(
        f"numeric {show(value)} is none of [operator, number] with =, <, <=, >, >=,"
        " and [> or >=, number, < or <=, number]"
    )


def _bound(value: Any, operator: str) -> float:
    if not is_number(value):
        raise InvalidPattern(f"numeric {operator} takes a number, not {show(value)}")
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise InvalidPattern(f"numeric {operator} {show(value)} is outside -5.0e9 to 5.0e9")
    number: float = value
    return number


def _range(low: float, low_operator: str, high: float, high_operator: str) -> ValueTest:
    if low >= high:
        raise InvalidPattern(f"numeric range {low_operator} {low} {high_operator} {high} holds no numbers")
    if low_operator == ">":
        if high_operator == "<":
            return lambda value: is_number(value) and low < value < high
        return lambda value: is_number(value) and low < value <= high
    if high_operator == "<":
        return lambda value: is_number(value) and low <= value < high
    return lambda value: is_number(value) and low <= value <= high


# --- cidr --------------------------------------------------------------------------------------------------

_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_BITS = {4: 32, 6: 128}


def _cidr(value: Any) -> ValueTest:
    return _of_strings(_cidr_test(_text(value, "cidr")))


def _cidr_test(text: str) -> Callable[[str], bool]:
    """Return the test whether a string is an address in a network.

    As in AWS's open source rule engine (event-ruler, since its change 89 of 2023) the range is the whole network,
    whichever of its addresses is written. A mask that leaves a single address (/32, /128) is refused.
    """
    written, slash, mask = text.partition("/")
    if not slash or "/" in mask:
        raise InvalidPattern(f"cidr {text!r} needs exactly one slash")
    if not re.fullmatch(r"[0-9]+", mask, re.ASCII):
        raise InvalidPattern(f"cidr {text!r}: the mask {mask!r} is not a whole number of bits")
    address = _address(written)
    if address is None:
        raise InvalidPattern(f"cidr {text!r}: {written!r} is not an IP address")
    version, number = address
    # Four digits are always too many bits, and Python refuses to convert thousands of digits.
    bits = int(mask.lstrip("0")[:4] or "0")
    if bits >= _BITS[version]:
        raise InvalidPattern(f"cidr {text!r}: the mask must be below {_BITS[version]} bits")
    span = (1 << (_BITS[version] - bits)) - 1
    lowest, highest = number & ~span, number | span

    def matches(value: str) -> bool:
        found = _address(value)
        return found is not None and found[0] == version and lowest <= found[1] <= highest

    return matches


def _address(text: str) -> tuple[int, int] | None:
    """Return the IP version and the number of an address, or None for other texts."""
    try:
        if _IPV4.fullmatch(text):
            return 4, int(ipaddress.IPv4Address(text))
        if _IPV6.fullmatch(text):
            return 6, int(ipaddress.IPv6Address(text))
    except ValueError:
        pass
    return None


# --- anything-but ------------------------------------------------------------------------------------------


def _anything_but(value: Any) -> ValueTest:
    if isinstance(value, Members):
        return _anything_but_operator(value)
    items = value if type(value) is list else [value]
    if items and all(isinstance(item, str) for item in items):
        refused = frozenset(items)
        return lambda found: found not in refused
    if items and all(is_number(item) for item in items):
        numbers = frozenset(_bound(item, "anything-but") for item in items)
        return lambda found: not (is_number(found) and found in numbers)
    raise InvalidPattern(f"anything-but takes strings or numbers, not {show(value)}")


def _without(test: Callable[[str], bool]) -> ValueTest:
    return lambda found: type(found) is not str or not test(found)


def _anything_but_operator(value: Members) -> ValueTest:
    name, operand = only_member(value, "anything-but")
    if name not in _REFUSED_STRINGS:
        known = ", ".join(_REFUSED_STRINGS)
        raise InvalidPattern(f"anything-but combines with {known}, not with {name!r}")
    items = operand if type(operand) is list else [operand]
    texts = tuple(_text(item, f"anything-but with {name}") for item in items)
    if "" in texts and name in ("prefix", "suffix"):
        raise InvalidPattern(f"anything-but with an empty {name} refuses every string")
    return _without(_REFUSED_STRINGS[name](texts))


def _any_prefix(texts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda found: found.startswith(texts)


def _any_suffix(texts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda found: found.endswith(texts)


def _any_ignoring_case(texts: tuple[str, ...]) -> Callable[[str], bool]:
    folded = frozenset(text.lower() for text in texts)
    return lambda found: found.lower() in folded


def _any_wildcard(texts: tuple[str, ...]) -> Callable[[str], bool]:
    tests = [wildcards.matcher(text) for text in texts]
    return lambda found: any(test(found) for test in tests)


_REFUSED_STRINGS: Final[dict[str, Callable[[tuple[str, ...]], Callable[[str], bool]]]] = {
    "prefix": _any_prefix,
    "suffix": _any_suffix,
    "equals-ignore-case": _any_ignoring_case,
    "wildcard": _any_wildcard,
}
"""What ``anything-but`` combines with: from its texts to the test of the strings that it refuses."""


# --- all operators -----------------------------------------------------------------------------------------

OPERATORS: Final[dict[str, Callable[[Any], ValueTest]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "exactly": _exactly,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
}
"""Every operator that tests a value, with its compiler. ``exists`` tests the key, see ``syntax.compile_leaf``."""
