"""Filter patterns of CloudWatch Logs: terms, and comparisons of JSON members.

Follows "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail". A pattern of
terms tests the text: ``A B`` has both, ``?A ?B`` one of them, ``-A`` not, ``"A B"`` a phrase, ``%A.B%`` a regular
expression. A pattern in braces tests an event that is JSON: ``{ $.level = "ERR*" && $.code >= 500 }``. Patterns in
square brackets, for fields between spaces, match every event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from operator import ge, gt, le, lt
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.triggers.inputs import at_path

Test = Callable[[str], bool]
MemberTest = Callable[[Any], bool]

_TERM: Final = re.compile(r'([?-]?)("(?:[^"\\]|\\.)*"|%[^%]+%|\S+)')
_TOKEN: Final = re.compile(
    r'\s*(&&|\|\||[()]|!=|<=|>=|[=<>]|IS\s+(?:NULL|TRUE|FALSE)|NOT\s+EXISTS|"(?:[^"\\]|\\.)*"|[^\s()=<>!&|]+)'
)
_ORDERS: Final = MappingProxyType({"<": lt, "<=": le, ">": gt, ">=": ge})
_STATES: Final = MappingProxyType({"NULL": None, "TRUE": True, "FALSE": False})
_ABSENT: Final = object()


@lru_cache(maxsize=256)
def compile_log_pattern(text: str) -> Test:
    """Return the test of a pattern. It matches every event if the pattern is empty, or none that this module knows."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        tokens = _TOKEN.findall(text[1:-1])
        try:
            test = _alternatives(tokens)
        except (IndexError, ValueError):
            return _everything
        return _everything if tokens else _json_test(test)
    return _everything if not text or text.startswith("[") else _terms_test(text)


def _everything(message: str) -> bool:
    return True


def _terms_test(text: str) -> Test:
    found: dict[str, list[Test]] = {"": [], "?": [], "-": []}
    for sign, term in _TERM.findall(text):
        found[sign].append(_term_test(term))
    needed, alternatives, excluded = found[""], found["?"], found["-"]

    def test(message: str) -> bool:
        if any(each(message) for each in excluded) or not all(each(message) for each in needed):
            return False
        # Beside terms that are needed, AWS ignores alternatives.
        return bool(needed) or not alternatives or any(each(message) for each in alternatives)

    return test


def _term_test(term: str) -> Test:
    if len(term) > 2 and term[0] == term[-1] == "%":
        try:
            expression = re.compile(term[1:-1])
        except re.error:
            return _everything
        return lambda message: expression.search(message) is not None
    word = _unquoted(term)
    return lambda message: word in message


def _json_test(test: MemberTest) -> Test:
    def matches(message: str) -> bool:
        try:
            event = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(event, dict) and test(event)

    return matches


def _alternatives(tokens: list[str]) -> MemberTest:
    """Read comparisons joined by ``||`` from the front of the tokens, and remove them."""
    tests = [_conjunction(tokens)]
    while tokens[:1] == ["||"]:
        del tokens[0]
        tests.append(_conjunction(tokens))
    return lambda event: any(test(event) for test in tests)


def _conjunction(tokens: list[str]) -> MemberTest:
    tests = [_comparison(tokens)]
    while tokens[:1] == ["&&"]:
        del tokens[0]
        tests.append(_comparison(tokens))
    return lambda event: all(test(event) for test in tests)


def _comparison(tokens: list[str]) -> MemberTest:
    first = tokens.pop(0)
    if first == "(":
        test = _alternatives(tokens)
        if tokens.pop(0) != ")":
            raise ValueError(first)
        return test
    if not first.startswith("$"):
        raise ValueError(first)
    operator = tokens.pop(0)
    word = operator.split()[-1]
    if word == "EXISTS":
        return lambda event: _member(event, first) is _ABSENT
    if word in _STATES:
        return lambda event: _member(event, first) is _STATES[word]
    return _value_test(first, operator, tokens.pop(0))


def _value_test(path: str, operator: str, operand: str) -> MemberTest:
    if operator in _ORDERS:
        limit, compare = float(operand), _ORDERS[operator]
        return lambda event: _is_number(_member(event, path)) and compare(_member(event, path), limit)
    if operator not in ("=", "!="):
        raise ValueError(operator)
    expression = re.compile(".*".join(map(re.escape, _unquoted(operand).split("*"))), re.DOTALL)

    def equal(value: Any) -> bool:
        if _is_number(value) and not operand.startswith('"') and "*" not in operand:
            return bool(value == float(operand)) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", operand) else False
        return expression.fullmatch(value if isinstance(value, str) else json.dumps(value)) is not None

    def test(event: Any) -> bool:
        value = _member(event, path)
        return value is not _ABSENT and equal(value) == (operator == "=")

    return test


def _member(event: Any, path: str) -> Any:
    """Return the value at a path, or _ABSENT; ``at_path`` returns None for both null and nothing."""
    value = at_path(event, path)
    if value is not None:
        return value
    parent, _, name = path.rpartition(".")
    found = at_path(event, parent)
    return None if isinstance(found, dict) and name in found else _ABSENT


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
