from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from freezegun import freeze_time

from pytest_lambda_esm import ConfigurationError
from pytest_lambda_esm.clock.wall import open_wall

time_machine = pytest.importorskip("time_machine")

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000


@pytest.fixture
def wall_opener():
    opened = []

    def opener(kind="time-machine", start=START):
        opened.append(open_wall(kind, start))
        return opened[-1]

    yield opener
    for wall in opened:
        wall.close()


def test_every_wall_clock_says_what_was_shown(wall_opener):
    wall = wall_opener()
    wall.show(START + 61_123_457)

    assert wall.read() == START + 61_123_457
    assert time.time_ns() == 1_767_225_661_123_457_000
    assert time.time() == pytest.approx(1_767_225_661.123457, abs=1e-6)
    assert datetime.datetime.now(datetime.timezone.utc).microsecond == 123_457
    assert datetime.date.today() == datetime.datetime.fromtimestamp(1_767_225_661).date()
    assert time.gmtime()[:6] == (2026, 1, 1, 0, 1, 1)
    assert time.mktime(time.localtime()) == 1_767_225_661
    assert type(datetime.datetime.now()) is datetime.datetime


def test_it_begins_at_its_start_to_the_microsecond_and_stands_still(wall_opener):
    wall = wall_opener(start=START + 123_457)

    assert [wall.read(), wall.read()] == [START + 123_457] * 2


def test_all_is_as_before_after_close(wall_opener):
    zone, generator, monotonic = os.environ.get("TZ"), uuid._generate_time_safe, time.monotonic
    wall = wall_opener()
    assert os.environ.get("TZ") == zone
    assert time.monotonic is monotonic
    wall.close()

    assert not time_machine.escape_hatch.is_travelling()
    assert time.time() > 1_767_225_600 + 86_400
    assert uuid._generate_time_safe is generator
    assert wall.read() is None
    assert wall.identity() is None


@pytest.mark.parametrize("kind", ["freezegun", "time-machine"])
def test_a_travel_that_goes_on_already_is_adopted_whatever_the_kind(wall_opener, kind):
    with time_machine.travel(1_906_545_600, tick=False) as traveller:
        wall = wall_opener(kind)
        assert wall.identity() is traveller
        assert wall.read() == 1_906_545_600 * SECOND
        wall.show(1_906_545_601 * SECOND + 5)
        assert time.time_ns() == 1_906_545_601_000_005_000
        traveller.shift(10)
        assert wall.read() == 1_906_545_611 * SECOND + 5
        wall.close()
        assert int(time.time()) == 1_906_545_611
    assert wall.read() is None


def test_a_travel_that_ticks_stands_until_the_wall_is_closed_and_then_goes_on(wall_opener):
    with time_machine.travel(0, tick=True) as traveller:
        wall = wall_opener()
        seen = wall.read()
        assert [wall.read(), time.time_ns() // 1000] == [seen, seen]
        wall.show(START)
        traveller.shift(10)
        assert wall.read() == START + 10 * SECOND
        traveller.move_to(1_906_545_600, tick=True)
        assert wall.read() == wall.read() < 1_906_545_660 * SECOND

        wall.close()
        stood = time.time_ns()
        while time.time_ns() == stood:
            pass
        assert int(time.time()) // 60 == 1_906_545_600 // 60


@pytest.mark.parametrize(
    "nested",
    [lambda: time_machine.travel(1_906_545_600, tick=False), lambda: freeze_time("2030-06-01T12:00:00")],
    ids=["time-machine", "freezegun"],
)
def test_a_nested_freezer_of_either_tool_is_on_top_while_it_lasts(wall_opener, nested):
    wall = wall_opener()
    own = wall.identity()

    with nested() as freezer:
        assert wall.identity() is freezer
        assert wall.read() == 1_906_545_600 * SECOND
        wall.show(1_906_545_600 * SECOND + 1)
        assert datetime.datetime.now().microsecond == 1

    assert wall.identity() is own
    assert wall.read() == START


def test_a_nested_travel_that_outlives_the_wall_ends_it_all(wall_opener):
    wall = wall_opener()
    nested = time_machine.travel(1_906_545_600, tick=False)
    nested.start()

    wall.close()
    assert time.time() == 1_906_545_600
    nested.stop()

    assert not time_machine.escape_hatch.is_travelling()


def test_a_nested_travel_stopped_twice_leaves_nothing_behind(wall_opener):
    wall = wall_opener()
    nested = time_machine.travel(1_906_545_600)
    nested.start()
    nested.stop()
    nested.stop()

    wall.close()

    assert not time_machine.escape_hatch.is_travelling()


def test_a_travel_while_freezegun_is_the_wall_is_refused_with_the_setting(wall_opener):
    start = time_machine.travel.start
    wall = wall_opener("freezegun")

    @time_machine.travel("2030-01-01")
    def decorated():
        raise AssertionError("it travels")

    with pytest.raises(ConfigurationError, match=r"wall_clock='time-machine'"):
        decorated()
    with pytest.raises(ConfigurationError), time_machine.travel(0):
        raise AssertionError("it travels")
    assert wall.read() == START
    wall.close()

    assert time_machine.travel.start is start
    with time_machine.travel(0, tick=False):
        assert time.time() == 0


def test_a_travel_of_a_time_machine_that_is_imported_later_is_refused():
    script = """
import sys
from pytest_lambda_esm.clock.wall import open_wall
wall = open_wall("freezegun", 0)
assert "time_machine" not in sys.modules
import time_machine
try:
    time_machine.travel(0).start()
except Exception as error:
    print(type(error).__name__)
wall.close()
time_machine.travel(0).start()
"""
    root = Path(__file__).parents[3]

    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["ConfigurationError"]


def test_without_time_machine_the_error_says_how_to_install_it():
    # In a separate process: time-machine 2.16 crashes the interpreter when its module is taken away later.
    script = """
import sys
sys.modules["time_machine"] = None
from pytest_lambda_esm.clock.wall import open_wall
try:
    open_wall("time-machine", 0)
except Exception as error:
    print(type(error).__name__, error)
"""
    root = Path(__file__).parents[3]

    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("ConfigurationError wall_clock is 'time-machine'")
    assert "`pip install pytest-lambda-esm[time-machine]`" in done.stdout


def test_pytest_measures_its_own_durations_in_real_time(pytester):
    pytester.makeconftest(
        """
        import pytest
        from pytest_lambda_esm.clock.wall import open_wall

        @pytest.fixture
        def wall():
            wall = open_wall("time-machine", 1_767_225_600_000_000)
            yield wall
            wall.close()

        def pytest_runtest_logreport(report):
            assert 0 <= report.duration < 60, report
        """
    )
    pytester.makepyfile("def test_far_away(wall):\n    wall.show(4_000_000_000_000_000)\n")

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:lambda_esm")

    result.assert_outcomes(passed=1)
