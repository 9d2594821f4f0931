"""The agenda: one event on the clock for each schedule."""

from datetime import datetime, timezone

import pytest

from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.schedules.agenda import Agenda, Plan
from pytest_lambda_esm.schedules.expressions import of_rule
from pytest_lambda_esm.schedules.timetable import Timetable

MINUTE = 60_000_000


@pytest.fixture
def clock():
    return EventClock(datetime(2026, 1, 1, tzinfo=timezone.utc))


@pytest.fixture
def agenda(clock):
    return Agenda(clock, lambda action, mend: action)


@pytest.fixture
def fired(clock):
    return []


@pytest.fixture
def plan(clock, fired):
    def plan(key, expression="rate(5 minutes)", fire=None, end=None):
        start = clock.instant
        return Plan(
            key=key,
            label=f"rule {key}",
            expression=expression,
            timetable=Timetable(
                expression=of_rule(expression), anchor=start, end=None if end is None else start + end * MINUTE
            ),
            fire=fire or (lambda due: fired.append((key, (due - start) // MINUTE))),
            targets=lambda: [f"target-of-{key}"],
        )

    return plan


def test_each_schedule_has_one_event(clock, agenda, plan, fired):
    agenda.put(plan("a"), since=clock.instant)
    agenda.put(plan("b", "rate(10 minutes)"), since=clock.instant)
    assert [event.about for event in clock.pending] == [
        "rule a is due: rate(5 minutes)",
        "rule b is due: rate(10 minutes)",
    ]
    clock.advance(minutes=12)
    assert fired == [("a", 5), ("b", 10), ("a", 10)]
    assert len(clock.pending) == 2


def test_a_schedule_replaces_the_one_with_its_key(clock, agenda, plan, fired):
    agenda.put(plan("a"), since=clock.instant)
    agenda.put(plan("a", "rate(7 minutes)"), since=clock.instant)
    clock.advance(minutes=9)
    assert fired == [("a", 7)]


def test_what_is_dropped_is_not_due(clock, agenda, plan, fired):
    for key in ("x:1", "x:2", "y:1"):
        agenda.put(plan(key), since=clock.instant)
    agenda.drop_all(lambda key: key.startswith("x:"))
    agenda.drop("nobody")
    clock.advance(minutes=5)
    assert fired == [("y:1", 5)]
    assert agenda.find("x:1") is None


def test_a_schedule_that_ends_is_over(clock, agenda, plan, fired):
    agenda.put(plan("a", end=10), since=clock.instant)
    assert not agenda.is_over("a")
    clock.advance(hours=1)
    assert fired == [("a", 5), ("a", 10)]
    assert agenda.is_over("a")
    assert agenda.is_over("nobody")
    assert list(agenda.explain(lambda target: True)) == ["rule a (rate(5 minutes)): not due any more, for target-of-a"]


def test_a_schedule_that_deletes_itself_is_due_once(clock, agenda, plan):
    agenda.put(plan("a", fire=lambda due: agenda.drop("a")), since=clock.instant)
    clock.advance(hours=1)
    assert clock.next_event is None


def test_only_the_schedules_that_concern_the_reader_are_explained(clock, agenda, plan):
    agenda.put(plan("a"), since=clock.instant)
    agenda.put(plan("b"), since=clock.instant)
    assert list(agenda.explain(lambda target: target == "target-of-b")) == [
        "rule b (rate(5 minutes)): next due at 00:05:00.000000, for target-of-b"
    ]
