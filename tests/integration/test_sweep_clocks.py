"""Sweeps go back in time; every other clock has to follow."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import freezegun
import pytest

from pytest_lambda_esm import ClockError, FakeLambda

time_machine = pytest.importorskip("time_machine")

START = datetime(2026, 3, 1, tzinfo=timezone.utc)


def days_in_each_world(fake):
    seen = []
    for run in fake.sweep(errors=("AccessDeniedException",), per="attempt"):
        with run:
            seen.append((fake.clock.now, time.time()))
            try:
                fake.client("lambda").list_functions()
            except fake.client("lambda").exceptions.ClientError:
                pass
            time.sleep(86_400)
            assert time.time() == seen[-1][1] + 86_400
    return seen


@pytest.mark.parametrize("wall_clock", ["freezegun", "time-machine"])
def test_each_world_begins_at_the_start(wall_clock):
    with FakeLambda(region="eu-west-1", start=START, wall_clock=wall_clock) as fake:
        assert days_in_each_world(fake) == [(START, START.timestamp())] * 2


def test_a_freezer_of_the_test_is_put_back_as_well():
    with freezegun.freeze_time(START), FakeLambda(region="eu-west-1") as fake:
        assert days_in_each_world(fake) == [(START, START.timestamp())] * 2


def test_a_traveller_of_the_test_is_put_back_as_well():
    with time_machine.travel(START, tick=False), FakeLambda(region="eu-west-1") as fake:
        assert days_in_each_world(fake) == [(START, START.timestamp())] * 2


def test_a_sweep_cannot_begin_inside_of_an_event():
    with FakeLambda(region="eu-west-1") as fake:
        fake._world.clock.call_at(fake._world.clock.instant + 1, lambda: days_in_each_world(fake), lambda: "a sweep")
        with pytest.raises(ClockError, match="restart: time cannot be moved from inside an event"):
            fake.clock.advance(1)

        assert fake.client("lambda").list_functions()["Functions"] == []  # and the world is intact
