"""Return values of handlers, and what Lambda's Python runtime makes of them."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple


class Point(NamedTuple):
    x: Any
    y: Any


class Color(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):
    A = "a"


class OddFloat(float):
    def __repr__(self) -> str:
        return "odd"


class OddInt(int):
    def __repr__(self) -> str:
        return "odd"


class OddText(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "odd"


class OtherItems(dict[str, Any]):
    def items(self) -> Any:
        return [("q", 1)]


class Described:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self._asdict = answer


@dataclasses.dataclass
class Data:
    a: int = 1


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def circular(kind: str) -> Any:
    values: list[Any] = []
    values.append(values)
    return values if kind == "list" else {"a": values}


def _raising(error: Exception) -> Callable[[], Any]:
    def raising() -> Any:
        raise error

    return raising


NO_JSON = "Object of type {} is not JSON serializable"
WRONG_KEY = "keys must be str, int, float, bool or None, not {}"
NOT_UTF_8 = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"

VALUES: tuple[tuple[Any, str], ...] = (
    (None, "null"),
    (True, "true"),
    ("", '""'),
    ([], "[]"),
    ({}, "{}"),
    ((), "[]"),
    (((1,), []), "[[1], []]"),
    ({"a": [1, 2.5, False]}, '{"a": [1, 2.5, false]}'),
    (10**40, "1" + "0" * 40),
    (-0.0, "-0.0"),
    (1e22, "1e+22"),
    (1e-7, "1e-07"),
    ([float("nan"), float("inf"), float("-inf")], "[NaN, Infinity, -Infinity]"),
    (Decimal("1.10"), "1.10"),
    (Decimal("0.12345678901234567890123"), "0.12345678901234567890123"),
    (Decimal("1E+2"), "1E+2"),
    (Decimal("-0"), "-0"),
    (Decimal("-sNaN"), "NaN"),
    (Decimal("-Infinity"), "-Infinity"),
    ({"price": Decimal("1.50")}, '{"price": 1.50}'),
    (Point(1, 2), '{"x": 1, "y": 2}'),
    ([Point(Point(1, 2), [])], '[{"x": {"x": 1, "y": 2}, "y": []}]'),
    (Described(lambda: {"a": 1}), '{"a": 1}'),
    ({"b": b"abc"}, '{"b": "abc"}'),
    ({b"k": 1}, '{"k": 1}'),
    (Number.ONE, "1"),
    ({Number.ONE: Number.ONE}, '{"1": 1}'),
    ([Word.A], '["a"]'),
    ({Word.A: 1}, '{"a": 1}'),
    ([OddFloat(1.5), OddInt(5), OddText("x")], '[1.5, 5, "x"]'),
    ({OddFloat(1.5): 1, OddInt(5): 2, OddText("x"): 3}, '{"1.5": 1, "5": 2, "x": 3}'),
    ({True: 1, None: 2, 1.5: 3, 7: 4, float("nan"): 5}, '{"true": 1, "null": 2, "1.5": 3, "7": 4, "NaN": 5}'),
    ({1: 1, "1": 2}, '{"1": 1, "1": 2}'),
    (OtherItems(a=1), '{"q": 1}'),
    (OtherItems(), "{}"),
    (collections.OrderedDict(a=1), '{"a": 1}'),
    (collections.defaultdict(int, a=1), '{"a": 1}'),
    ("\u2028é\x7f/<", '"\u2028é\x7f/<"'),
    (nested(900), "[" * 901 + "]" * 901),
)
"""Values, and their JSON from a runtime that does not escape it."""

NO_VALUES: tuple[tuple[Any, str], ...] = (
    (Color.RED, NO_JSON.format("Color")),
    (Data(), NO_JSON.format("Data")),
    ({1, 2}, NO_JSON.format("set")),
    ({"a": {1}}, NO_JSON.format("set")),
    (frozenset(), NO_JSON.format("frozenset")),
    ([datetime.datetime(2020, 1, 1)], NO_JSON.format("datetime")),
    (datetime.date(2020, 1, 1), NO_JSON.format("date")),
    (uuid.UUID(int=1), NO_JSON.format("UUID")),
    (bytearray(b"x"), NO_JSON.format("bytearray")),
    (memoryview(b"x"), NO_JSON.format("memoryview")),
    (collections.deque([1]), NO_JSON.format("deque")),
    (range(3), NO_JSON.format("range")),
    ((number for number in [1]), NO_JSON.format("generator")),
    ({}.keys(), NO_JSON.format("dict_keys")),
    (1 + 2j, NO_JSON.format("complex")),
    (Point, NO_JSON.format("type")),
    (ValueError("x"), NO_JSON.format("ValueError")),
    ({(1, 2): 1}, WRONG_KEY.format("tuple")),
    ({Decimal("1"): 1}, WRONG_KEY.format("Decimal")),
    ([b"\xff"], NOT_UTF_8),
    ({b"\xff": 1}, NOT_UTF_8),
    (Described(lambda: [1]), "_asdict() must return a dict, not list"),
    (Described(_raising(TypeError("no"))), NO_JSON.format("Described")),
    (Described(_raising(ValueError("no"))), "no"),
    (circular("list"), "Circular reference detected"),
    (circular("dict"), "Circular reference detected"),
    (nested(100_000), "maximum recursion depth exceeded while calling a Python object"),
)
"""Values that the runtime cannot marshal, and the text after "Unable to marshal response: "."""


def shown(value: Any) -> str:
    """Return a short id of a value for a parametrized test."""
    try:
        return repr(value)[:30].partition(" at 0x")[0]
    except RecursionError:
        return "deep"
