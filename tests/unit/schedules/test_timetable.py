"""When a schedule is due: rates, time zones with daylight saving, the start and the end."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from pytest_lambda_esm.schedules.expressions import of_schedule
from pytest_lambda_esm.schedules.timetable import Timetable
from pytest_lambda_esm.timing import instant_of, moment_of


def at(text):
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=timezone.utc))


def occurrences(text, after, count=3, **given):
    """The next occurrences, in UTC."""
    zone = given.pop("zone", None)
    timetable = Timetable(
        expression=of_schedule(text),
        anchor=at(given.pop("anchor", after)),
        zone=ZoneInfo(zone) if zone else timezone.utc,
        **{name: at(value) for name, value in given.items()},
    )
    found, instant = [], at(after)
    while len(found) < count and (due := timetable.next_after(instant)) is not None:
        found.append(f"{moment_of(due):%m-%dT%H:%M:%S}")
        instant = due
    return found


BERLIN, LORD_HOWE, NEW_YORK = "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"

ROWS = {
    "a rate counts from its anchor": (
        ("rate(5 minutes)", "2026-01-01T00:00:07"),
        ["01-01T00:05:07", "01-01T00:10:07", "01-01T00:15:07"],
    ),
    "a rate is due at its anchor": (
        ("rate(1 hour)", "2025-12-31T23:00:00", {"anchor": "2026-01-01T00:00:30"}),
        ["01-01T00:00:30", "01-01T01:00:30", "01-01T02:00:30"],
    ),
    "a rate whose anchor is long ago": (
        ("rate(7 days)", "2026-01-01T00:00:00", {"anchor": "2020-01-01T06:00:00"}),
        ["01-07T06:00:00", "01-14T06:00:00", "01-21T06:00:00"],
    ),
    "a cron expression before its start": (
        ("cron(0 2 * * ? *)", "2026-01-01T00:00:00", {"start": "2026-02-01T02:00:00"}),
        ["02-01T02:00:00", "02-02T02:00:00", "02-03T02:00:00"],
    ),
    "the end counts": (
        ("cron(0 2 * * ? *)", "2026-01-01T00:00:00", {"end": "2026-01-02T02:00:00"}),
        ["01-01T02:00:00", "01-02T02:00:00"],
    ),
    "a rate ends": (
        ("rate(1 day)", "2026-01-01T00:00:00", {"end": "2026-01-03T23:59:59"}),
        ["01-02T00:00:00", "01-03T00:00:00"],
    ),
    "one moment": (("at(2026-01-01T09:00:00)", "2026-01-01T00:00:00"), ["01-01T09:00:00"]),
    "one moment in a time zone": (
        ("at(2026-07-01T09:00:00)", "2026-01-01T00:00:00", {"zone": NEW_YORK}),
        ["07-01T13:00:00"],
    ),
    "one moment has no end": (
        ("at(2026-01-01T09:00:00)", "2026-01-01T00:00:00", {"end": "2026-01-01T08:00:00"}),
        ["01-01T09:00:00"],
    ),
    "one moment that has passed": (("at(2026-01-01T09:00:00)", "2026-01-01T09:00:00"), []),
    "daylight saving begins": (
        ("cron(30 1 * * ? *)", "2026-03-28T12:00:00", {"zone": BERLIN}),
        ["03-29T00:30:00", "03-29T23:30:00", "03-30T23:30:00"],
    ),
    "a moment that the clocks skip": (
        ("cron(30 2 * * ? *)", "2026-03-27T12:00:00", {"zone": BERLIN}),
        ["03-28T01:30:00", "03-30T00:30:00", "03-31T00:30:00"],
    ),
    "a moment that the clocks show twice": (
        ("cron(30 2 * * ? *)", "2026-10-24T12:00:00", {"zone": BERLIN}),
        ["10-25T00:30:00", "10-26T01:30:00", "10-27T01:30:00"],
    ),
    "every quarter of an hour while the clocks are put back": (
        ("cron(0/15 * * * ? *)", "2026-10-25T00:40:00", {"zone": BERLIN, "count": 4}),
        ["10-25T00:45:00", "10-25T02:00:00", "10-25T02:15:00", "10-25T02:30:00"],
    ),
    "in the hour that comes again": (
        ("cron(0/30 * * * ? *)", "2026-10-25T01:10:00", {"zone": BERLIN}),
        ["10-25T02:00:00", "10-25T02:30:00", "10-25T03:00:00"],
    ),
    "half an hour of daylight saving": (
        ("cron(10 2 * * ? *)", "2026-10-02T12:00:00", {"zone": LORD_HOWE}),
        ["10-02T15:40:00", "10-04T15:10:00", "10-05T15:10:00"],
    ),
    "a rate in days is in days of 24 hours": (
        ("rate(1 day)", "2026-03-28T08:00:00", {"zone": BERLIN}),
        ["03-29T08:00:00", "03-30T08:00:00", "03-31T08:00:00"],
    ),
    "no occurrence": (("cron(0 2 30 2 ? *)", "2026-01-01T00:00:00"), []),
}


@pytest.mark.parametrize(("arguments", "expected"), ROWS.values(), ids=list(ROWS))
def test_occurrences(arguments, expected):
    text, after, *given = arguments
    assert occurrences(text, after, **(given[0] if given else {})) == expected


def test_what_is_due_after_the_end_of_virtual_time_is_not_due():
    assert occurrences("rate(999999999 days)", "2026-01-01T00:00:00") == []
