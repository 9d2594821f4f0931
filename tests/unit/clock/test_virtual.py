import sys
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lambda_esm import ClockError, ClockLimitExceeded
from pytest_lambda_esm.clock.virtual import EventClock

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SECOND = 1_000_000


@pytest.fixture
def clock():
    return EventClock(START)


def schedule(clock, log, after, name="event"):
    clock.call_at(clock.instant + int(after * SECOND), lambda: log.append((name, clock.now)), lambda: name)


def test_every_due_event_runs_at_its_own_time_and_in_order(clock):
    log = []
    for after, name in ((30, "c"), (10, "a"), (10, "b"), (60, "never")):
        schedule(clock, log, after, name)
    clock.advance(59)
    assert log == [
        ("a", START + timedelta(seconds=10)),
        ("b", START + timedelta(seconds=10)),
        ("c", START + timedelta(seconds=30)),
    ]
    assert clock.now == START + timedelta(seconds=59)


def test_an_event_may_schedule_another_one_within_the_same_move(clock):
    times = []

    def tick():
        times.append(clock.now)
        if len(times) < 5:
            clock.call_at(clock.instant + SECOND, tick, lambda: "tick")

    clock.call_at(clock.instant + SECOND, tick, lambda: "tick")
    clock.advance(3)
    assert times == [START + timedelta(seconds=second) for second in (1, 2, 3)]


@pytest.mark.parametrize(
    ("positional", "keywords", "seconds"),
    [
        ((5,), {}, 5),
        ((0.5,), {}, 0.5),
        ((timedelta(minutes=2),), {}, 120),
        ((), {"days": 1, "hours": 1, "minutes": 1, "seconds": 1}, 90061),
        ((10,), {"minutes": 1}, 70),
        ((), {"hours": 1, "seconds": -0.5}, 3599.5),
        ((), {}, 0),
    ],
)
def test_advance_takes_seconds_timedeltas_and_keywords(clock, positional, keywords, seconds):
    clock.advance(*positional, **keywords)
    assert clock.now - START == timedelta(seconds=seconds)


def test_advance_without_a_span_runs_what_is_due_now(clock):
    log = []
    schedule(clock, log, 0)
    clock.advance()
    assert log == [("event", START)]


@pytest.mark.parametrize("span", [-1, timedelta(seconds=-1), "5", None, True])
def test_what_is_no_span_is_refused_at_the_users_line(clock, span):
    with pytest.raises(ClockError) as info:
        clock.advance(minutes=-1) if span is None else clock.advance(span)
    assert info.traceback.filter(info)[-1].path.name == "test_virtual.py"
    assert clock.now == START


@pytest.mark.parametrize(
    ("move", "complaint"),
    [
        (lambda clock: clock.advance(float("inf")), "advance: a time span is at most a thousand years, not inf"),
        (lambda clock: clock.advance(float("nan")), "at most a thousand years, not nan"),
        (lambda clock: clock.advance(10**40), "at most a thousand years"),
        (lambda clock: clock.advance(timedelta.max), "at most a thousand years"),
        (lambda clock: clock.advance(days=float("inf")), "at most a thousand years"),
        (lambda clock: clock.advance(days=1e9), "at most a thousand years"),
        (lambda clock: clock.advance(minutes="5"), "minutes takes a number, not '5'"),
        (lambda clock: clock.advance(hours=True), "hours takes a number, not True"),
        (lambda clock: clock.advance(seconds=timedelta(1)), "seconds takes a number, not datetime.timedelta"),
        (lambda clock: clock.advance(minutes=1, seconds=-61), "a time span cannot be negative"),
        (lambda clock: clock.advance_to(datetime.max.replace(tzinfo=timezone.utc)), "virtual time ends with the year"),
        (lambda clock: clock.run_until(5), "run_until takes a callable condition"),
        (lambda clock: clock.run_until(None), "run_until takes a callable condition"),
        (lambda clock: clock.run_until(lambda: False, limit=float("inf")), "run_until: a time span is at most"),
        (lambda clock: clock.run_until_idle(limit=None), "run_until_idle: a time span is a number of seconds"),
    ],
)
def test_what_cannot_be_a_move_leaves_the_clock_where_it_is(clock, move, complaint):
    log = []
    schedule(clock, log, 1)
    with pytest.raises(ClockError) as info:
        move(clock)
    assert complaint in str(info.value)
    assert info.traceback.filter(info)[-1].path.name == "test_virtual.py"
    assert (clock.now, log) == (START, [])


def test_time_ends_before_the_years_that_have_no_name():
    clock = EventClock(datetime(8999, 12, 31, 23, 59, tzinfo=timezone.utc))
    clock.sleep(60)
    for move in (lambda: clock.sleep(1), lambda: clock.advance(1), lambda: clock.advance(days=365_000)):
        with pytest.raises(ClockError, match="virtual time ends with the year 8999; it is 9000-01-01 00:00:00"):
            move()
    assert clock.now == datetime(9000, 1, 1, tzinfo=timezone.utc)


def test_advance_to_a_moment(clock):
    log = []
    schedule(clock, log, 3600)
    clock.advance_to(START + timedelta(hours=1))
    assert [name for name, _ in log] == ["event"]
    assert clock.now == START + timedelta(hours=1)


def test_time_cannot_go_back(clock):
    clock.advance(10)
    with pytest.raises(ClockError, match=r"time cannot go back: it is 2026-01-01 00:00:10"):
        clock.advance_to(START)


def test_a_naive_moment_is_refused(clock):
    with pytest.raises(ClockError, match="aware datetime"):
        clock.advance_to(datetime(2027, 1, 1))


def test_run_until_stops_at_the_event_that_makes_the_condition_true(clock):
    log = []
    for after in (10, 20, 30):
        schedule(clock, log, after)
    clock.run_until(lambda: len(log) == 2)
    assert clock.now == START + timedelta(seconds=20)


def test_run_until_does_nothing_when_the_condition_is_true_already(clock):
    log = []
    schedule(clock, log, 0)
    clock.run_until(lambda: True)
    assert log == []


def test_run_until_says_that_nothing_is_pending_any_more(clock):
    with pytest.raises(ClockLimitExceeded, match="nothing is pending any more"):
        clock.run_until(lambda: False)


def test_limits_name_what_waits_for_the_test(clock):
    clock.waiting = lambda: ["mapping m: Creating becomes Enabled when the test calls release()"]
    schedule(clock, [], 90)
    told = r"\nWaiting for the test:\n  mapping m: Creating becomes Enabled when the test calls release\(\)"
    with pytest.raises(ClockLimitExceeded, match=told):
        clock.run_until_idle(limit=60)
    clock.advance(90)
    with pytest.raises(ClockLimitExceeded, match=told):
        clock.run_until(lambda: False)


def sleep_on(clock):
    while True:
        clock.sleep(5)


def sleep_on_and_swallow(clock):
    while True:
        with suppress(Exception):
            clock.sleep(5)


@pytest.mark.parametrize("code", [sleep_on, sleep_on_and_swallow])
def test_code_that_sleeps_on_while_nothing_happens_is_stopped(code):
    tracer = sys.gettrace()
    clock = EventClock(START, longest_standstill=0)
    schedule(clock, [], 2500)
    clock.waiting = lambda: ["a mapping"]
    with pytest.raises(ClockLimitExceeded) as info:
        code(clock)
    clock.stop()
    assert sys.gettrace() is tracer  # the trace function of a debugger or of coverage
    assert "has slept 1000 times in a row, 1:23:20 of virtual time, and nothing has happened" in str(info.value)
    assert "Nothing is pending, so sleeping longer will not help" in str(info.value)
    assert "'longest_standstill'.\nWaiting for the test:\n  a mapping" in str(info.value)
    assert len(clock.slept) == 1500


def test_code_that_sleeps_while_something_happens_is_not_stopped():
    clock = EventClock(START, longest_standstill=0)
    log = []
    for number in range(1, 4):
        schedule(clock, log, number * 900)
    for _ in range(3000):
        clock.sleep(1)
    assert len(log) == 3


def test_many_sleeps_in_little_real_time_are_not_a_stall(clock):
    for _ in range(2000):
        clock.sleep(1)
    assert clock.now == START + timedelta(seconds=2000)


def test_run_until_lists_what_is_pending_at_its_limit(clock):
    schedule(clock, [], 7200, "a late delivery")
    with pytest.raises(ClockLimitExceeded) as info:
        clock.run_until(lambda: False, limit=60)
    assert "limit of 60 s" in str(info.value)
    assert "2026-01-01 02:00:00.000000 a late delivery" in str(info.value)


def test_run_until_idle_ends_at_the_last_event(clock):
    log = []
    schedule(clock, log, 10)
    schedule(clock, log, 1800)
    clock.run_until_idle()
    assert clock.now == START + timedelta(seconds=1800)
    assert clock.next_event is None


def test_run_until_idle_lists_ten_of_what_keeps_going(clock):
    for number in range(12):
        schedule(clock, [], 4000, f"number {number}")
    with pytest.raises(ClockLimitExceeded) as info:
        clock.run_until_idle(limit=timedelta(hours=1))
    assert "number 9" in str(info.value)
    assert "number 10" not in str(info.value)
    assert "and 2 more" in str(info.value)


def test_next_event_tells_when_and_what(clock):
    assert clock.next_event is None
    schedule(clock, [], 5, "a delivery")
    assert clock.next_event.due == START + timedelta(seconds=5)
    assert clock.next_event.about == "a delivery"


def test_sleeping_advances_and_is_remembered(clock):
    log = []
    schedule(clock, log, 5)
    clock.sleep(2)
    clock.sleep(3.5)
    assert clock.slept == [2, 3.5]
    assert len(log) == 1
    assert clock.now == START + timedelta(seconds=5.5)


def test_an_exception_in_an_event_reaches_the_line_that_moved_the_clock(clock):
    def fail():
        raise ValueError("in the event")

    log = []
    clock.call_at(clock.instant + SECOND, fail, lambda: "fails")
    schedule(clock, log, 2)
    with pytest.raises(ValueError, match="in the event"):
        clock.advance(10)
    assert clock.now == START + timedelta(seconds=1)
    clock.advance(10)
    assert len(log) == 1


def test_time_cannot_be_moved_from_inside_an_event(clock):
    clock.call_at(clock.instant, lambda: clock.advance(1), lambda: "a handler")
    with pytest.raises(ClockError, match="from inside an event; now running: a handler"):
        clock.advance()


def test_a_cancelled_event_does_not_run(clock):
    log = []
    event = clock.call_at(clock.instant + SECOND, lambda: log.append(1), lambda: "x")
    clock.cancel(event)
    clock.cancel(event)
    clock.cancel(None)
    clock.advance(5)
    assert log == []
    assert clock.pending == ()


def test_cancelled_events_do_not_pile_up(clock):
    for _ in range(10_000):
        clock.cancel(clock.call_at(clock.instant + SECOND, lambda: None, lambda: "x"))
    assert len(clock._heap) < 200


def test_an_event_in_the_past_is_due_now(clock):
    log = []
    clock.advance(10)
    clock.call_at(clock.instant - SECOND, lambda: log.append(clock.now), lambda: "x")
    clock.advance()
    assert log == [START + timedelta(seconds=10)]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 3)), max_size=30), st.lists(st.integers(0, 40), max_size=8)
)
def test_time_never_goes_back_and_nothing_is_lost(events, moves):
    clock = EventClock(START)
    ran, seen = [], []

    def make(index, due, children):
        def action():
            ran.append(index)
            seen.append(clock.instant)
            assert clock.instant == max(due, start)
            for _ in range(children):
                clock.call_at(clock.instant, lambda: seen.append(clock.instant), lambda: "a child")

        start = clock.instant
        return action

    for index, (after, children) in enumerate(events):
        due = clock.instant + after * SECOND
        clock.call_at(due, make(index, due, children), lambda: "x")
    for move in moves:
        before = clock.instant
        clock.advance(move)
        assert clock.instant == before + move * SECOND
    clock.run_until_idle()
    assert seen == sorted(seen)
    assert ran == [index for index, _ in sorted(enumerate(events), key=lambda pair: (pair[1][0], pair[0]))]


def test_an_idle_clock_does_not_wait_for_background_events():
    clock = EventClock(START)
    ran = []
    clock.call_in_background(clock.instant, lambda: ran.append("due now"), lambda: "x")
    clock.call_in_background(clock.instant + SECOND, lambda: ran.append("on the way"), lambda: "y")
    far = clock.call_in_background(clock.instant + 9_000 * SECOND, lambda: ran.append("far"), lambda: "z")
    awaited = clock.call_at(clock.instant + 3 * SECOND, lambda: ran.append("awaited"), lambda: "a")
    clock.run_until_idle()
    assert ran == ["due now", "on the way", "awaited"]
    assert clock.now == START + timedelta(seconds=3)
    assert [event.about for event in clock.pending] == ["z"]
    clock.cancel(awaited)  # It has run: there is nothing left to undo.
    clock.cancel(far)
    clock.call_at(clock.instant + SECOND, lambda: ran.append("later"), lambda: "b")
    clock.run_until_idle()
    assert ran == ["due now", "on the way", "awaited", "later"]


class Wall:
    """A stand-in for the process's wall clock, with the user's freezers on top."""

    def __init__(self, instant):
        self.freezers = [[instant]]
        self.left = None

    def show(self, instant):
        if self.freezers:
            self.freezers[-1][0] = instant
        self.left = self.setting()

    def read(self):
        self.left = self.setting()
        return self.freezers[-1][0] if self.freezers else None

    def setting(self):
        return (id(self.freezers[-1]), self.freezers[-1][0]) if self.freezers else None

    def is_as_left(self):
        return self.left == self.setting()

    def move(self, instant):
        """Move the freezer on top, as a user does."""
        self.freezers[-1][0] = instant

    def identity(self):
        return self.freezers[-1] if self.freezers else None


def micro(**span):
    return (START - datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(**span)) // timedelta(microseconds=1)


@pytest.fixture
def wall():
    return Wall(micro())


def test_the_wall_shows_each_events_own_time(wall):
    clock = EventClock(START, wall)
    shown = []
    clock.call_at(clock.instant + SECOND, lambda: shown.append(wall.read()), lambda: "x")
    clock.advance(3)
    assert shown == [micro(seconds=1)]
    assert wall.read() == micro(seconds=3)


def test_a_freezer_that_the_user_moves_is_followed(wall):
    clock = EventClock(START, wall)
    log = []
    schedule(clock, log, 5)
    wall.move(micro(seconds=60))
    assert clock.now == START + timedelta(seconds=60)
    assert log == [("event", START + timedelta(seconds=5))]


def test_a_freezer_that_is_moved_back_takes_time_back(wall):
    clock = EventClock(START, wall)
    log = []
    clock.advance(10)
    schedule(clock, log, 5)  # due at 15 s
    wall.move(micro(seconds=5))
    assert clock.now == START + timedelta(seconds=5)
    clock.advance(9)
    assert log == []
    clock.advance(1)
    assert log == [("event", START + timedelta(seconds=15))]


def test_a_fresh_clock_takes_over_an_earlier_time(wall):
    clock = EventClock(START, wall)
    wall.freezers.append([micro(days=-600)])
    assert clock.now == START - timedelta(days=600)
    clock.advance(5)
    assert wall.read() == micro(days=-600, seconds=5)


def test_time_goes_on_after_a_freeze_within(wall):
    clock = EventClock(START, wall)
    wall.freezers.append([micro(hours=1)])
    assert clock.now == START + timedelta(hours=1)
    wall.freezers.pop()
    assert clock.now == START + timedelta(hours=1)
    assert wall.read() == micro(hours=1)


def test_after_a_freeze_in_the_past_time_continues_where_it_was(wall):
    clock = EventClock(START, wall)
    log = []
    schedule(clock, log, 60)
    wall.freezers.append([micro(days=-600)])
    assert clock.now == START - timedelta(days=600)
    schedule(clock, log, 5)
    wall.freezers.pop()
    assert clock.now == START
    assert log == [("event", START - timedelta(days=600, seconds=-5))]
    clock.advance(60)
    assert log[1:] == [("event", START + timedelta(seconds=60))]


def test_freezes_nest(wall):
    clock = EventClock(START, wall)
    wall.freezers.append([micro(days=-600)])
    assert clock.now == START - timedelta(days=600)
    wall.freezers.append([micro(days=-700)])
    assert clock.now == START - timedelta(days=700)
    wall.freezers.pop()
    assert clock.now == START - timedelta(days=600)
    wall.freezers.append([micro(days=1)])
    assert clock.now == START + timedelta(days=1)
    del wall.freezers[1:]
    assert clock.now == START + timedelta(days=1)


def test_an_event_of_a_handler_follows_a_freezer_that_it_moves(wall):
    clock = EventClock(START, wall)
    moved = []
    clock.set_event_time(lambda: micro(seconds=5), moved.append)

    def handler():
        wall.move(micro(seconds=7))
        clock.follow_wall()
        wall.move(micro(seconds=2))
        clock.follow_wall()  # Its time does not go back.

    clock.call_at(clock.instant + 5 * SECOND, handler, lambda: "x")
    clock.advance(10)
    assert moved == [micro(seconds=7)]
    assert clock.now == START + timedelta(seconds=10)


def test_a_wall_that_is_frozen_no_more_leaves_the_clock_alone(wall):
    clock = EventClock(START, wall)
    clock.advance(5)
    wall.freezers.clear()
    clock.advance(5)
    assert clock.now == START + timedelta(seconds=10)
