"""Schedule expressions of rules and of EventBridge Scheduler."""

from datetime import datetime

import pytest

from pytest_lambda_esm.schedules.cron import Cron
from pytest_lambda_esm.schedules.expressions import At, ExpressionError, Rate, of_rule, of_schedule

MINUTE = 60_000_000


@pytest.mark.parametrize("read", [of_rule, of_schedule])
@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        *(("rate(1 minute)", 1), ("rate(5 minutes)", 5), ("rate(1 hour)", 60), ("rate(12 hours)", 720)),
        *(("rate(1 day)", 1440), ("rate(7 days)", 10080)),
    ],
)
def test_rates(read, text, minutes):
    assert read(text) == Rate(minutes * MINUTE)


INVALID = [
    *("rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)"),
    *("rate(0 minutes)", "rate(-10 minutes)", "rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)"),
    *("", "10 minutes", "cron()", "cron(0 2 * * ?)", "rate(1.5 hours)", "rate(10  minutes)", "rate(\u0663 minutes)"),
]


@pytest.mark.parametrize("read", [of_rule, of_schedule])
@pytest.mark.parametrize("text", INVALID)
def test_what_is_no_expression(read, text):
    with pytest.raises(ExpressionError):
        read(text)


@pytest.mark.parametrize("text", ["rate(1 minutes)", "rate(10 minute)", "rate(2 day)", "at(2026-03-01T02:00:00)"])
def test_what_only_the_scheduler_accepts(text):
    with pytest.raises(ExpressionError):
        of_rule(text)
    of_schedule(text)


def test_one_moment():
    assert of_schedule("at(2026-03-01T02:00:30)") == At(datetime(2026, 3, 1, 2, 0, 30))


@pytest.mark.parametrize("text", ["at(2026-02-30T02:00:00)", "at(2026-03-01)", "at(2026-03-01T02:00:00Z)", "at()"])
def test_what_is_no_moment(text):
    with pytest.raises(ExpressionError):
        of_schedule(text)


@pytest.mark.parametrize("read", [of_rule, of_schedule])
def test_cron(read):
    assert isinstance(read("cron(0 2 * * ? *)"), Cron)
