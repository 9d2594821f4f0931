"""Java's regular expressions and Java's way to print, which AWS's texts and checks follow."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from pytest_lambda_esm.aws_model.java import JavaPattern, hash_order, java_hash
from pytest_lambda_esm.errors import NotSimulated

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:orders:live"
TAG = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"\d+", "12", True),
        (r"\d+", "\u0661\u0662", False),
        (r"\w", "\u00e9", False),
        (r"\s", "\u00a0", False),
        (".*", "a\tb", True),
        (".*", "a\r", False),
        (".*", "a\u2028", False),
        (r"[\s\S]*", "a\n\u2028", True),
        ("$|ab", "", True),
        ("$|ab", "\n", False),
        ("$|ab", "ab", True),
        ("a|ab", "ab", True),
        (TAG, "Cost Center-1_@", True),
        (TAG, "Stra\u00dfe \u0662 \u4e2d\u3000\u216b\u00bd", True),
        (TAG, "a,b", False),
        (TAG, "\u00e9!", False),
        (TAG, "\u0301", False),
        (r"\p{Lu}\P{Lu}", "Ab", True),
        (r"\p{Lu}\P{Lu}", "AB", False),
        (r"\pL+", "ab", True),
        (r"\p{Lo}", "a", False),
        (r"[\p{Lo}]", "a", False),
        (r"[\p{Lo}]", "\u4e2d", True),
        (r"[^\p{L}]", "a", False),
        (r"[^\p{L}]", "1", True),
        ("a*+a", "aaa", False),
        ("(ab|a)++c", "abac", True),
        ("([ab]+){2}+b", "aab", False),
        ("x?+y", "xy", True),
        ("(?<name>a+)b", "aab", True),
        ("(?!^[0-9]+$)([a-z0-9]+)", "12", False),
        ("(?!^[0-9]+$)([a-z0-9]+)", "a2", True),
        ("[0-9a-z.]*(?<!\\.)", "a.", False),
        ("[*+?.]+", "*+?.", True),
        (r"[^ /\.$\x22]*", "a$", False),
        ("a{2,3}?b", "aaab", True),
        ("[+--~~||]+", "+,-~|", True),
        ("[+--~~||]+", "*", False),
    ],
)
def test_pattern(pattern: str, text: str, matches: bool) -> None:
    assert JavaPattern(pattern).matches(text) is matches


def test_category_agrees_with_unicode() -> None:
    letters = JavaPattern(r"\p{L}")
    for point in range(0, sys.maxunicode + 1, 97):
        assert letters.matches(chr(point)) is unicodedata.category(chr(point)).startswith("L"), hex(point)


@pytest.mark.parametrize("pattern", [r"[a-z&&[^b]]", "[a[bc]]", r"\p{L", "a)", r"\Qa.b\E"])
def test_pattern_that_cannot_be_run_says_so_when_it_is_used(pattern: str) -> None:
    stated = JavaPattern(pattern)
    with pytest.raises(NotSimulated, match="states the pattern"):
        stated.matches("a")


def test_every_pattern_of_the_model_can_be_run() -> None:
    model = ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    assert len(patterns) > 20
    for pattern in patterns:
        for text in ("\u20ac" * 3, "!", "", "orders", "$LATEST", "12", FUNCTION):
            matches = JavaPattern(pattern).matches(text)
            if r"\p" not in pattern:  # Otherwise Python's own meaning is Java's, for these texts.
                assert matches is (re.fullmatch(pattern, text, re.ASCII) is not None), (pattern, text)


def test_java_hash() -> None:
    assert java_hash("") == 0
    assert java_hash("hello") == 99162322
    assert java_hash("polygenelubricants") == 0x80000000
    assert java_hash("\U0001f600") == 0xD83D * 31 + 0xDE00


def test_large_value_sets_are_ordered_without_loss() -> None:
    values = [f"runtime{number}" for number in range(60)]
    assert sorted(hash_order(values)) == sorted(values)
    assert hash_order(values) != values
