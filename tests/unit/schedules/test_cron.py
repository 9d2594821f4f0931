"""AWS's cron expressions: a table of cases, and a comparison with a search through every minute."""

import calendar
from datetime import date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_lambda_esm.schedules.cron import CronError, parse

START = datetime(2026, 3, 1)  # A Sunday.

# The first ten are the examples of AWS's page, the next ones have its wildcards, the rest are edges.
DUE = [
    ("0 10 * * ? *", "03-01 10:00, 03-02 10:00"),
    ("15 12 * * ? *", "03-01 12:15, 03-02 12:15"),
    ("0 18 ? * MON-FRI *", "03-02 18:00, 03-03 18:00, 03-04 18:00, 03-05 18:00, 03-06 18:00, 03-09 18:00"),
    ("0 8 1 * ? *", "03-01 08:00, 04-01 08:00"),
    ("0/15 * * * ? *", "03-01 00:15, 03-01 00:30, 03-01 00:45, 03-01 01:00"),
    ("0/10 * ? * MON-FRI *", "03-02 00:00, 03-02 00:10"),
    ("0/5 8-17 ? * MON-FRI *", "03-02 08:00, 03-02 08:05"),
    ("0/30 20-23 ? * MON-FRI *", "03-02 20:00, 03-02 20:30, 03-02 21:00, 03-02 21:30, 03-02 22:00"),
    ("15 10 ? * 6L 2026-2027", "03-27 10:15, 04-24 10:15, 05-29 10:15"),
    ("5,35 14 * * ? *", "03-01 14:05, 03-01 14:35, 03-02 14:05"),
    ("0 9 ? * 2#1 *", "03-02 09:00, 04-06 09:00"),
    ("0 9 ? * MON#5 *", "03-30 09:00, 06-29 09:00"),
    ("0 0 ? * FRIL *", "03-27 00:00, 04-24 00:00"),
    ("0 0 ? * L *", "03-07 00:00, 03-14 00:00"),
    ("0 0 L * ? *", "03-31 00:00, 04-30 00:00"),
    ("0 0 L-3 * ? *", "03-28 00:00, 04-27 00:00"),
    ("0 0 L-30 * ? *", "05-01 00:00, 07-01 00:00"),
    ("0 0 LW * ? *", "03-31 00:00, 04-30 00:00, 05-29 00:00"),
    ("0 0 3W * ? *", "03-03 00:00, 04-03 00:00, 05-04 00:00"),
    ("0 0 1W * ? *", "03-02 00:00, 04-01 00:00, 05-01 00:00, 06-01 00:00, 07-01 00:00, 08-03 00:00"),
    ("0 0 31W * ? *", "03-31 00:00, 05-29 00:00, 07-31 00:00"),
    ("0 0 31 * ? *", "03-31 00:00, 05-31 00:00"),
    ("1/10 1 * * ? *", "03-01 01:01, 03-01 01:11, 03-01 01:21"),
    ("*/25 1 * * ? *", "03-01 01:00, 03-01 01:25, 03-01 01:50, 03-02 01:00"),
    ("10-30/10,45 1 * * ? *", "03-01 01:10, 03-01 01:20, 03-01 01:30, 03-01 01:45"),
    ("0 0 ? JAN,dec tue *", "12-01 00:00, 12-08 00:00"),
    ("0 0 ? * FRI-MON *", "03-02 00:00, 03-06 00:00, 03-07 00:00, 03-08 00:00"),
    ("0 22-1 * * ? *", "03-01 01:00, 03-01 22:00, 03-01 23:00, 03-02 00:00"),
    ("0  2\t* * ? 2026/2", "03-01 02:00, 03-02 02:00"),
]


@pytest.mark.parametrize(("text", "expected"), DUE, ids=[text for text, _ in DUE])
def test_when_an_expression_is_due(text, expected):
    wanted = [datetime.strptime(f"2026-{each}", "%Y-%m-%d %H:%M") for each in expected.split(", ")]
    assert list(islice(parse(text).after(START), len(wanted))) == wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 29 2 ? *", [datetime(2028, 2, 29), datetime(2032, 2, 29)]),
        ("0 0 30 2 ? *", []),
        ("0 0 1 1 ? 2025", []),
        ("0 0 1 1 ? 2199", [datetime(2199, 1, 1)]),
    ],
)
def test_expressions_that_are_rarely_due(text, expected):
    assert list(islice(parse(text).after(START), 2)) == expected


def test_the_present_minute_is_over():
    assert next(parse("0 2 * * ? *").after(datetime(2026, 3, 1, 2, 0))) == datetime(2026, 3, 2, 2)
    assert next(parse("0 2 * * ? *").after(datetime(2026, 3, 1, 1, 59, 59, 999999))) == datetime(2026, 3, 1, 2)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0 2 * * ?", "0 2 * * ? * *", "INVALID", "0 1 * * * *", "0 1 ? * ? *", "7 20 * * NOT *"),
        *("60 2 * * ? *", "71 8 1 * ? *", "0 24 * * ? *", "0 2 0 * ? *", "0 2 32 * ? *", "0 2 * 0 ? *", "0 2 * 13 ? *"),
        *("0 2 ? * 0 *", "0 2 ? * 8 *", "0 2 * * ? 1969", "0 2 * * ? 2200", "0 2 * * ? 2030-2026", "0 dummy ? * MON *"),
        *("0 2 1,15W * ? *", "0 2 L,15 * ? *", "0 2 32W * ? *", "0 2 W * ? *", "0 2 L-0 * ? *", "0 2 ? * MON#6 *"),
        *("0 2 ? * 3#1,6#3 *", "0 2 ? * #1 *", "0 2 ? * 8L *", "0/0 2 * * ? *", "0/60 2 * * ? *", "0 2/24 * * ? *"),
        *(
            "1- 2 * * ? *",
            ",1 2 * * ? *",
            "-1 2 * * ? *",
            "? 2 * * ? *",
            "0 2 *,? * ? *",
            "\u0661 2 * * ? *",
            "0 JAN * * ? *",
        ),
    ],
)
def test_expressions_that_are_refused(text):
    with pytest.raises(CronError):
        parse(text)


def test_a_refusal_names_the_field():
    with pytest.raises(CronError, match="'24' is not valid as hours, which is from 0 to 23"):
        parse("0 24 * * ? *")


# --- the same by searching -------------------------------------------------------------------------------


def ranges(low, high):
    one = st.integers(low, high)
    return st.one_of(one.map(lambda n: ({n}, str(n))), st.tuples(one, one).filter(lambda t: t[0] <= t[1]).map(_range))


def _range(bounds):
    return set(range(bounds[0], bounds[1] + 1)), f"{bounds[0]}-{bounds[1]}"


def values(low, high):
    """A field as the set of its values, and as text."""
    everything = st.just((set(range(low, high + 1)), "*"))
    stepped = st.tuples(st.integers(low, high), st.integers(1, high)).map(
        lambda t: (set(range(t[0], high + 1, t[1])), f"{t[0]}/{t[1]}")
    )
    lists = st.lists(ranges(low, high), min_size=1, max_size=3).map(
        lambda items: (set().union(*(numbers for numbers, _ in items)), ",".join(text for _, text in items))
    )
    return st.one_of(everything, stepped, lists)


def aws_weekday(day):
    return day.isoweekday() % 7 + 1


def weekdays_near(day):
    """Whether a day is the weekday nearest to a number, by trying every distance."""

    def matches(wanted):
        last = calendar.monthrange(day.year, day.month)[1]
        if wanted > last:
            return False
        for distance in range(4):
            for number in (wanted - distance, wanted + distance):
                if 1 <= number <= last and date(day.year, day.month, number).isoweekday() <= 5:
                    return number == day.day
        return False

    return matches


def days():
    """The two fields of days as a predicate of a date, and as texts."""
    last = lambda day: (day + timedelta(days=1)).day == 1  # noqa: E731
    numbers = values(1, 31).map(lambda v: (lambda day: day.day in v[0], v[1], "?"))
    weekdays = values(1, 7).map(lambda v: (lambda day: aws_weekday(day) in v[0], "?", v[1]))
    nth = st.tuples(st.integers(1, 7), st.integers(1, 5)).map(
        lambda t: (lambda day: aws_weekday(day) == t[0] and (day.day + 6) // 7 == t[1], "?", f"{t[0]}#{t[1]}")
    )
    last_weekday = st.integers(1, 7).map(
        lambda n: (lambda day: aws_weekday(day) == n and (day + timedelta(days=7)).month != day.month, "?", f"{n}L")
    )
    nearest = st.integers(1, 31).map(lambda n: (lambda day: weekdays_near(day)(n), f"{n}W", "?"))
    return st.one_of(numbers, weekdays, nth, last_weekday, nearest, st.just((last, "L", "?")))


@settings(max_examples=60, deadline=None)
@given(values(0, 59), values(0, 23), values(1, 12), days(), st.integers(0, 800), st.integers(0, 1439))
def test_a_search_through_all_days_finds_the_same(minutes, hours, months, days, day, minute):
    matches, of_month, of_week = days
    start = datetime(2027, 1, 1) + timedelta(days=day, minutes=minute)
    expected = []
    for offset in range(400):
        found = start.date() + timedelta(days=offset)
        if found.month in months[0] and matches(found):
            times = [datetime(found.year, found.month, found.day, h, m) for h in hours[0] for m in minutes[0]]
            expected += sorted(each for each in times if each > start)
        if len(expected) >= 20:
            break
    cron = parse(f"{minutes[1]} {hours[1]} {of_month} {months[1]} {of_week} *")
    assert list(islice(cron.after(start), len(expected[:20]))) == expected[:20]
