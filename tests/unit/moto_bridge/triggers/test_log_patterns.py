"""Filter patterns of CloudWatch Logs."""

from __future__ import annotations

import pytest

from pytest_lambda_esm.moto_bridge.triggers.log_patterns import compile_log_pattern

TERMS = [
    ("", "anything", True),
    ("ERROR", "[ERROR] no", True),
    ("ERROR", "error", False),
    ("ERROR ARGUMENTS", "[ERROR] ARGUMENTS", True),
    ("ERROR ARGUMENTS", "[ERROR]", False),
    ("?ERROR ?WARN", "WARN", True),
    ("?ERROR ?WARN", "INFO", False),
    ("?WARN ERROR", "ERROR", True),
    ("ERROR -ARGUMENTS", "ERROR", True),
    ("ERROR -ARGUMENTS", "ERROR ARGUMENTS", False),
    ("-INFO", "ERROR", True),
    ('"INTERNAL SERVER ERROR"', "an INTERNAL SERVER ERROR", True),
    ('"INTERNAL SERVER ERROR"', "SERVER INTERNAL ERROR", False),
    (r'"a \"b\""', 'a "b"', True),
    ("%ERR.R [0-9]+%", "an ERROR 42", True),
    ("%^ERROR%", "an ERROR", False),
    ("[ip, user, status=4*]", "whatever", True),
]

EVENT = '{"level": "ERROR", "code": 503, "user": {"id": "7", "tags": ["a", "b"]}, "none": null, "ok": true}'
JSON = [
    ('{ $.level = "ERROR" }', True),
    ("{ $.level = ERROR }", True),
    ('{$.level="ERR*"}', True),
    ('{ $.level != "ERROR" }', False),
    ('{ $.missing != "ERROR" }', False),
    ("{ $.code >= 500 }", True),
    ("{ $.code < 500 }", False),
    ("{ $.code = 503 }", True),
    ("{ $.code = 5* }", True),
    ("{ $.code = 50 }", False),
    ("{ $.level > 5 }", False),
    ('{ $.user.tags[1] = "b" }', True),
    ('{ $.level = "ERROR" && $.code = 500 }', False),
    ('{ $.level = "INFO" || $.code = 503 }', True),
    ('{ $.code = 503 && ($.level = "INFO" || $.ok IS TRUE) }', True),
    ("{ $.none IS NULL }", True),
    ("{ $.code IS NULL }", False),
    ("{ $.none NOT EXISTS }", False),
    ("{ $.user.name NOT EXISTS }", True),
    ("{ $.ok IS FALSE }", False),
]


@pytest.mark.parametrize(("pattern", "message", "matches"), TERMS)
def test_terms(pattern: str, message: str, matches: bool) -> None:
    assert compile_log_pattern(pattern)(message) is matches


@pytest.mark.parametrize(("pattern", "matches"), JSON)
def test_members_of_json(pattern: str, matches: bool) -> None:
    assert compile_log_pattern(pattern)(EVENT) is matches


@pytest.mark.parametrize("message", ["no JSON", "[1]", "[" * 100_000])
def test_what_is_no_object_has_no_members(message: str) -> None:
    assert not compile_log_pattern("{ $.level NOT EXISTS }")(message)


@pytest.mark.parametrize(
    "pattern", ["{ level = 1 }", "{ $.level }", "{ ($.a = 1 }", "{ $.a ~ 1 }", "{ $.a > b }", "{}", "%(%"]
)
def test_a_pattern_that_cannot_be_read_matches_everything(pattern: str) -> None:
    assert compile_log_pattern(pattern)("anything")
