from __future__ import annotations

import asyncio
import copyreg
import datetime
import importlib
import importlib.util
import itertools
import subprocess
import sys
import threading
import time
import types
import uuid
import zipfile
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from freezegun import api, freeze_time

from pytest_lambda_esm.clock.wall import open_wall
from pytest_lambda_esm.errors import ConfigurationError

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000
NAMES = itertools.count()
ROOT = Path(__file__).parents[3]


@pytest.fixture
def wall_opener():
    opened = []

    def opener(kind="freezegun", start=START):
        opened.append(open_wall(kind, start))
        return opened[-1]

    yield opener
    for wall in opened:
        wall.close()


@pytest.fixture
def module_of(tmp_path, monkeypatch):
    """Write importable modules; return a function that returns the module's name for its source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(source, prefix="frozen_subject"):
        name = f"{prefix}_{next(NAMES)}"
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        made.append(name)
        return name

    yield write
    for name in made:
        sys.modules.pop(name, None)


def process_state():
    """The time and the imports of the whole process."""
    return {
        "time": {name: value for name, value in vars(time).items() if name != "sleep"},
        "datetime": dict(vars(datetime)),
        "uuid": dict(vars(uuid)),
        "copyreg": dict(copyreg.dispatch_table),
        "freezers": list(api.freeze_factories),
        "ignored": list(api.ignore_lists),
        "loader": SourceFileLoader.exec_module,
        "finders": [vars(type(finder)).get("exec_module") for finder in sys.meta_path],
        "pydantic": "__get_pydantic_core_schema__" in vars(api.FakeDatetime),
        "stop": api._freeze_time.stop,
    }


READERS = {
    "time.time": lambda: time.time() == 1_767_225_661.5,
    "time.time_ns": lambda: abs(time.time_ns() - 1_767_225_661_500_000_000) < 1000,
    "datetime.now": lambda: datetime.datetime.now() == datetime.datetime(2026, 1, 1, 0, 1, 1, 500000),
    "datetime.now(utc)": lambda: (
        datetime.datetime.now(datetime.timezone.utc).isoformat() == "2026-01-01T00:01:01.500000+00:00"
    ),
    "datetime.utcnow": lambda: datetime.datetime.utcnow() == datetime.datetime(2026, 1, 1, 0, 1, 1, 500000),
    "date.today": lambda: datetime.date.today() == datetime.date(2026, 1, 1),
    "time.gmtime": lambda: time.gmtime()[:6] == (2026, 1, 1, 0, 1, 1),
    "time.localtime": lambda: time.mktime(time.localtime()) == 1_767_225_661,
    "time.strftime": lambda: time.mktime(time.strptime(time.strftime("%c"))) == 1_767_225_661,
}


@pytest.mark.parametrize("reader", READERS)
def test_every_wall_clock_says_what_was_shown(wall_opener, reader):
    wall = wall_opener()
    wall.show(START + 61_500_000)

    assert READERS[reader]()
    assert wall.read() == START + 61_500_000


def test_it_begins_at_its_start_to_the_microsecond(wall_opener):
    wall = wall_opener(start=START + 123_457)

    assert wall.read() == START + 123_457
    assert datetime.datetime.now().microsecond == 123_457


def test_all_is_as_before_after_close(wall_opener, module_of):
    subject = importlib.import_module(module_of("from datetime import datetime as dt\nfrom time import time as t"))
    before = process_state()

    wall = wall_opener()
    assert subject.dt is not before["datetime"]["datetime"]
    assert subject.t() == 1_767_225_600
    wall.close()

    assert process_state() == before
    assert subject.dt is datetime.datetime
    assert subject.t is time.time
    assert wall.read() is None
    assert wall.identity() is None


def test_monotonic_time_stays_real(wall_opener, module_of):
    subject = importlib.import_module(module_of("from time import monotonic, perf_counter_ns"))
    timers = ["monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"]
    before = [getattr(time, name) for name in timers]

    wall_opener()

    assert [getattr(time, name) for name in timers] == before
    assert (subject.monotonic, subject.perf_counter_ns) == (time.monotonic, time.perf_counter_ns)


def test_asyncio_sleeps_and_times_out(wall_opener):
    wall_opener()

    async def nap():
        await asyncio.sleep(0.001)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), timeout=0.001)

    asyncio.run(nap())


@pytest.mark.parametrize("prefix", ["queue_consumer", "threading_tools", "github_hooks", "subject"])
def test_a_thread_and_a_module_of_any_name_see_the_frozen_time(wall_opener, module_of, prefix):
    subject = importlib.import_module(module_of("import time\nfrom time import time as t", prefix))
    wall_opener()
    seen = []

    thread = threading.Thread(target=lambda: seen.append((time.time(), subject.t())))
    thread.start()
    thread.join()

    assert seen == [(1_767_225_600, 1_767_225_600)]


def test_freezing_asks_no_module_for_an_attribute(wall_opener, module_of):
    asked = []

    class Watched(types.ModuleType):
        def __getattribute__(self, name):
            asked.append(name)
            raise RuntimeError(f"a lazy module was asked for {name}")

        def __dir__(self):
            asked.append("dir")
            return ["lazy"]

    name = module_of("")
    sys.modules[name] = Watched(name)
    wall = wall_opener()
    wall.close()

    assert asked == []


def test_a_lazy_module_of_importlib_stays_lazy_and_loads_with_real_time(wall_opener, module_of):
    name = module_of("import datetime\nclass Kept:\n    when = datetime.datetime\n")
    spec = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)

    wall = wall_opener()
    assert type(module) is not types.ModuleType  # not loaded
    kept = module.Kept
    wall.close()

    assert kept.when is datetime.datetime


def test_a_module_examined_while_a_mock_was_in_place_is_frozen_in_the_next_test(wall_opener, module_of):
    subject = importlib.import_module(module_of("from datetime import datetime"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "datetime", object())
        wall_opener().close()

    wall_opener()

    assert subject.datetime.now() == datetime.datetime(2026, 1, 1)


def test_a_fake_that_was_put_back_too_late_is_taken_out_the_next_time(wall_opener, module_of):
    subject = importlib.import_module(module_of("from datetime import datetime"))
    wall = wall_opener()
    fake = subject.datetime
    wall.close()
    subject.datetime = fake  # as a monkeypatch that was created before the wall and undone after it

    wall_opener().close()

    assert subject.datetime is datetime.datetime


@pytest.mark.parametrize("failing", ["warnings", "FakeDate", "FrozenDateTimeFactory"])
def test_a_start_that_fails_half_way_leaves_all_as_before(monkeypatch, failing):
    class Failing:
        def __getattr__(self, name):
            raise ZeroDivisionError

        __call__ = __getattr__

    before = process_state()
    with monkeypatch.context() as patch:
        if failing == "FakeDate":
            patch.delattr(api, failing)
        else:
            patch.setattr(api, failing, Failing())
        with pytest.raises((ZeroDivisionError, NameError, TypeError, AttributeError)):
            open_wall("freezegun", START)

    assert process_state() == before


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"'freezgun'.*Did you mean 'freezegun'"):
        open_wall("freezgun", START)


# --- freezers of the user


@pytest.mark.parametrize("kind", ["freezegun", "time-machine"])
def test_a_freezer_that_is_there_already_is_adopted_whatever_the_kind(wall_opener, kind):
    with freeze_time("2030-06-01T12:00:00Z") as frozen:
        wall = wall_opener(kind)
        assert wall.identity() is frozen
        assert wall.read() == 1_906_545_600 * SECOND
        wall.show(1_906_545_601 * SECOND + 5)
        assert datetime.datetime.now() == datetime.datetime(2030, 6, 1, 12, 0, 1, 5)
        frozen.tick(10)
        assert wall.read() == 1_906_545_611 * SECOND + 5
        frozen.move_to("2031-01-01")
        assert wall.read() == 1_924_992_000 * SECOND
        wall.close()
        assert datetime.date.today() == datetime.date(2031, 1, 1)
    assert datetime.datetime is api.real_datetime


def test_the_wall_says_nothing_after_the_adopted_freezer_ended(wall_opener):
    with freeze_time("2030-06-01"):
        wall = wall_opener()

    wall.show(START)

    assert wall.read() is None
    assert wall.identity() is None
    assert time.time is api.real_time


def test_a_freezer_that_ticks_by_the_call_is_read_without_being_moved(wall_opener):
    with freeze_time("2026-01-01", auto_tick_seconds=15):
        wall = wall_opener()

        first, second = wall.read(), wall.read()  # Other threads of the process may tick it before.
        assert first == second
        earlier, later = time.time(), time.time()
        assert later - earlier >= 15


def test_a_freezer_that_ticks_stands_until_the_wall_is_closed_and_then_goes_on(wall_opener):
    with freeze_time("2020-01-01", tick=True) as frozen:
        wall = wall_opener()
        seen = wall.read()
        assert [wall.read(), int(time.time() * SECOND)] == [seen, seen]
        wall.show(START)
        frozen.tick(10)
        frozen.tick(datetime.timedelta(seconds=5))
        assert wall.read() == START + 15 * SECOND
        frozen.move_to("2026-01-02")
        assert wall.read() == START + 86_400 * SECOND

        wall.close()
        stood = time.time()
        while time.time() == stood:
            pass
        assert datetime.date.today() == datetime.date(2026, 1, 2)


def test_a_decorated_function_is_on_top_while_it_runs(wall_opener):
    wall = wall_opener()
    own = wall.identity()

    @freeze_time("2030-06-01", as_kwarg="frozen")
    def decorated(frozen):
        assert wall.identity() is frozen
        assert wall.read() == 1_906_502_400 * SECOND
        wall.show(START + SECOND)
        assert time.time() == 1_767_225_601

    decorated()

    assert wall.identity() is own
    assert wall.read() == START


def test_a_nested_freezer_that_outlives_the_wall_stays_and_then_restores_all(wall_opener, module_of):
    before = process_state()
    wall = wall_opener()
    subject = importlib.import_module(module_of("from datetime import datetime"))
    nested = freeze_time("2030-06-01")
    nested.start()

    wall.close()
    assert subject.datetime.now() == datetime.datetime.now() == datetime.datetime(2030, 6, 1)
    with freeze_time("2031-01-01"):
        assert datetime.date.today() == datetime.date(2031, 1, 1)
    nested.stop()

    assert process_state() == before
    assert subject.datetime is datetime.datetime


def test_a_nested_freezer_stopped_twice_leaves_nothing_behind(wall_opener):
    before = process_state()
    wall = wall_opener()
    nested = freeze_time("2030-06-01")
    nested.start()
    nested.stop()
    with pytest.raises(AttributeError):
        nested.stop()  # removes ours, and freezegun cannot continue
    assert wall.read() is None

    wall.close()

    assert process_state() == before


# --- modules and models that are made while time is frozen

KEEPS_CLASSES = """
import time
from datetime import date, datetime
from time import time as clock
class Order:
    made = datetime
    def now(self, kind=datetime, clock=time.time):
        return kind.now(), clock()
imported_at = datetime.now()
"""


def kept_classes_are_real(module):
    order = module.Order()
    now, clock = order.now()
    return type(now) is order.made is api.real_datetime and clock == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("adopted", [False, True], ids=["own", "adopted"])
def test_a_module_imported_while_frozen_is_like_one_imported_before(wall_opener, module_of, adopted):
    inner = module_of(KEEPS_CLASSES)
    outer = module_of(f"from {inner} import Order, clock\nfrom {inner} import datetime as reexported\n")
    freezer = freeze_time("2026-01-01")
    if adopted:
        freezer.start()
    wall = wall_opener()

    outer_module, inner_module = importlib.import_module(outer), sys.modules[inner]
    assert inner_module.imported_at.timestamp() == pytest.approx(api.real_time(), abs=60)
    assert outer_module.clock() == inner_module.clock() == 1_767_225_600
    assert outer_module.reexported.now() == inner_module.datetime.now() == datetime.datetime(2026, 1, 1)
    wall.close()
    if adopted:
        freezer.stop()

    assert kept_classes_are_real(inner_module)
    assert outer_module.reexported is inner_module.datetime is datetime.datetime
    assert outer_module.clock is time.time


def test_a_module_that_nobody_registers_is_restored_too(wall_opener, module_of, tmp_path):
    name = module_of(KEEPS_CLASSES)
    wall = wall_opener()
    spec = importlib.util.spec_from_file_location("nowhere", tmp_path / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.datetime.now() == datetime.datetime(2026, 1, 1)
    wall.close()

    assert module.datetime is datetime.datetime
    assert kept_classes_are_real(module)


def test_a_module_in_a_zip_file_is_executed_with_real_time(wall_opener, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as layer:
        layer.writestr("zipped_subject.py", KEEPS_CLASSES)
    monkeypatch.syspath_prepend(str(tmp_path / "layer.zip"))
    wall = wall_opener()
    module = importlib.import_module("zipped_subject")
    assert module.clock() == 1_767_225_600
    wall.close()

    sys.modules.pop("zipped_subject")
    assert kept_classes_are_real(module)


def test_time_is_frozen_again_after_an_import_that_fails(wall_opener, module_of):
    inner = module_of("import datetime\nraise OSError(str(datetime.datetime.now().year))")
    wall_opener()

    with pytest.raises(OSError, match=str(time.gmtime(api.real_time()).tm_year)):
        importlib.import_module(inner)

    assert datetime.date.today() == datetime.date(2026, 1, 1)


def test_a_time_function_that_the_test_replaced_itself_survives_an_import(wall_opener, module_of, monkeypatch):
    wall_opener()
    monkeypatch.setattr(time, "time", lambda: 5.0)

    subject = importlib.import_module(module_of("import time\nseen = time.time()"))

    assert subject.seen == time.time() == 5.0


@pytest.mark.parametrize("kind", ["datetime", "date"])
def test_a_pydantic_model_defined_while_frozen_works_then_and_later(wall_opener, kind):
    pydantic = pytest.importorskip("pydantic")
    wall = wall_opener()
    model = pydantic.create_model("Order", at=(getattr(datetime, kind), ...))
    text = {"datetime": "2026-01-01T00:00:00", "date": "2026-01-01"}[kind]
    assert model(at=text).model_dump(mode="json") == {"at": text}
    assert model(at=getattr(datetime, kind)(2026, 1, 1)).at == getattr(datetime, kind)(2026, 1, 1)
    wall.close()

    assert type(model(at=text).at) is getattr(datetime, kind)


POWERTOOLS = """
from datetime import datetime
from pytest_lambda_esm.clock.wall import open_wall

def use():
    from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
    event = dict(version="0", id="1", source="shop", account="1", region="eu-west-1", resources=[], detail={})
    event |= {"detail-type": "order", "time": "2026-01-01T00:00:00Z"}
    assert EventBridgeModel.model_validate(event).time.year == 2026

walls = []
steps = {
    "import": use,
    "freeze": lambda: walls.append(open_wall("freezegun", 0)),
    "close": lambda: walls.pop().close(),
}
for step in STEPS:
    steps[step]()
use()
assert datetime.now().year > 1970
"""


@pytest.mark.parametrize(
    "steps",
    [["import", "freeze", "import", "close"], ["freeze", "import", "close"], ["freeze", "close", "import"]],
    ids="-".join,
)
def test_powertools_parser_can_be_imported_before_while_and_after(steps):
    pytest.importorskip("aws_lambda_powertools")

    done = subprocess.run(
        [sys.executable, "-c", POWERTOOLS.replace("STEPS", repr(steps))],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


# --- inside pytest

WALL_FIXTURE = """
import pytest
from pytest_lambda_esm.clock.wall import open_wall

@pytest.fixture
def wall():
    wall = open_wall("freezegun", 1_767_225_600_000_000)
    yield wall
    wall.close()
"""


def test_pytest_measures_its_own_durations_in_real_time(pytester):
    pytester.makeconftest(
        WALL_FIXTURE
        + """
def pytest_runtest_logreport(report):
    assert 0 <= report.duration < 60, report
    assert 0 <= report.stop - report.start < 60, report
"""
    )
    pytester.makepyfile("def test_far_away(wall):\n    wall.show(4_000_000_000_000_000)\n")

    result = pytester.runpytest_inprocess("--durations=0", "-vv", "-p", "no:cacheprovider", "-p", "no:lambda_esm")

    result.assert_outcomes(passed=1)
    assert result.duration < 60
    assert float(result.parseoutcomes() and result.outlines[-1].split(" in ")[1].split("s")[0]) < 60


def test_a_freezer_of_pytest_freezer_is_adopted(pytester):
    pytest.importorskip("pytest_freezer")
    pytester.makeconftest(WALL_FIXTURE)
    pytester.makepyfile(
        """
        import pytest, time

        @pytest.mark.freeze_time("2030-06-01")
        def test_marked(freezer, wall):
            assert wall.identity() is freezer
            freezer.tick(5)
            assert wall.read() == 1_906_502_405_000_000

        def test_freezer_inside(wall, freezer):
            assert wall.identity() is freezer
            freezer.move_to("2026-01-02")
            assert wall.read() == 1_767_312_000_000_000
        """
    )

    pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:lambda_esm").assert_outcomes(passed=2)


def test_a_test_module_imported_while_frozen_is_rewritten_and_executed_with_real_time(pytester):
    pytester.makeconftest(WALL_FIXTURE)
    pytester.makepyfile(
        checks="import datetime\nclass Kept:\n    when = datetime.datetime\ndef check(n): assert n == 1"
    )
    pytester.makepyfile(
        """
        import datetime, pytest
        pytest.register_assert_rewrite("checks")

        def test_import(wall):
            import checks
            with pytest.raises(AssertionError, match="assert 2 == 1"):
                checks.check(2)
            assert checks.Kept.when is not datetime.datetime

        def test_after():
            import checks
            assert checks.Kept.when is datetime.datetime
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:lambda_esm", "-p", "no:randomly")

    result.assert_outcomes(passed=2)
