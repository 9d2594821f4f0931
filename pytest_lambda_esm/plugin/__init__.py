"""The pytest plugin: options, settings, markers, fixtures and the timeline in reports.

At import, it loads only the settings' names. The rest of the package, with boto3, moto and freezegun, is imported
when a test first uses a fixture or a marker.
"""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from pytest_lambda_esm.plugin.option_help import (
    DEPLOY_MARKER,
    EXPLORE_MARKER,
    FAULT_MARKER,
    LISTS,
    MARKER,
    OPTIONS,
    SETTINGS,
    help_of,
)
from pytest_lambda_esm.running import OBSERVER

if TYPE_CHECKING:
    from pytest_lambda_esm.clock.handle import VirtualClock
    from pytest_lambda_esm.config import Config
    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.invocation.handlers import HandlerCall, HandlerResult
    from pytest_lambda_esm.observe.timeline import Entry
    from pytest_lambda_esm.plugin.outside_fakes import OutsideFakes, Phase
    from pytest_lambda_esm.server.server import Server


_FAKE: Final = pytest.StashKey["FakeLambda"]()
_SHOWN: Final = pytest.StashKey["tuple[FakeLambda, list[Entry]]"]()
"""The fake and the entries that the file of ``--lambda-esm-report`` shows of a test."""
_MISTAKES: Final = pytest.StashKey[list[str]]()
_PREFIX: Final = "lambda_esm_"
"""How the names of ini settings and of markers begin."""
_OUTSIDE: Final = pytest.StashKey["OutsideFakes"]()
_NOW: Final = pytest.StashKey["tuple[pytest.Item | None, Phase]"]()
_STREAMS: Final = pytest.StashKey[tuple[Any, Any]]()


# --- options, settings, markers --------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command-line options, and one ini setting for each field of the configuration."""
    group = parser.getgroup("lambda-esm", "fake AWS Lambda event sources (pytest-lambda-esm)")
    for name in OPTIONS:
        group.addoption(f"--lambda-esm-{name}", dest=f"lambda_esm_{name}", default=None, help=help_of(name))
    group.addoption(
        "--lambda-esm-report",
        dest="lambda_esm_report",
        default=None,
        metavar="FILE.html",
        help="write what happened in the tests that used lambda_esm to an HTML file, with a picture of each test",
    )
    for name in SETTINGS:
        kind: Literal["linelist", "string"] = "linelist" if name in LISTS else "string"
        parser.addini(f"lambda_esm_{name}", f"lambda_esm: {help_of(name)}", type=kind, default=None)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that this plugin calls."""
    from pytest_lambda_esm.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and reject invalid settings before any test runs."""
    config.addinivalue_line("markers", MARKER)
    config.addinivalue_line("markers", FAULT_MARKER)
    config.addinivalue_line("markers", DEPLOY_MARKER)
    config.addinivalue_line("markers", EXPLORE_MARKER)
    _check_ini_names(config)
    _check(_session_layers(config))
    token = OBSERVER.set(partial(_observer, config))
    config.add_cleanup(lambda: OBSERVER.reset(token))
    path = config.getoption("lambda_esm_report")
    if path is not None:
        if not path.endswith((".html", ".htm")):
            raise pytest.UsageError(f"--lambda-esm-report writes HTML: give it a name that ends in .html, not {path!r}")
        from pytest_lambda_esm.plugin.report.collect import Collector

        config.pluginmanager.register(Collector(_take_shown), "lambda_esm_collector")
        if not hasattr(config, "workerinput"):  # pytest-xdist sends the reports of its workers to the main process.
            from pytest_lambda_esm.plugin.report.file import ReportFile, cannot_write

            try:
                report = ReportFile(config.invocation_params.dir / path)
            except OSError as error:
                raise pytest.UsageError(cannot_write(path, error)) from None
            config.pluginmanager.register(report, "lambda_esm_report")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Show the settings that differ from the defaults."""
    layers = _session_layers(config)
    if not layers:
        return None
    from pytest_lambda_esm.config import Config

    changes = Config.from_layers(layers).changes()
    if not changes:
        return None
    return "lambda_esm: " + ", ".join(f"{name}={value!r}" for name, value in changes.items())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the markers, and add the fixture to a marked test that does not request it."""
    tests_by_mistake: dict[str, list[pytest.Item]] = {}
    for item in items:
        marked = {marker.name for marker in item.iter_markers() if marker.name.startswith("lambda_esm")}
        if not marked:
            continue
        from pytest_lambda_esm.plugin import markers

        for mistake in [*markers.unknown(config, marked), *markers.mistakes(item)]:
            tests_by_mistake.setdefault(mistake, []).append(item)
        names = getattr(item, "fixturenames", None)
        if names is not None and "lambda_esm" not in names:
            names.insert(_after_wider_scopes(item, names), "lambda_esm")
    if tests_by_mistake and not hasattr(config, "workerinput"):
        raise pytest.UsageError(*(_mistake_line(mistake, tests) for mistake, tests in tests_by_mistake.items()))
    # A worker of pytest-xdist can report a mistake only through its tests.
    for mistake, tests in tests_by_mistake.items():
        for item in tests:
            item.stash.setdefault(_MISTAKES, []).append(f"{item.nodeid}: {mistake}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each part of an exploration."""
    if next(metafunc.definition.iter_markers("lambda_esm_explore"), None) is not None:
        from pytest_lambda_esm.plugin import markers

        markers.add_parts(metafunc)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report() -> Generator[None, object, object]:
    """Note what imported modules do to the root logger: functions whose code they are have done the same in Lambda."""
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        return (yield)
    finally:
        if root.handlers != before:
            from pytest_lambda_esm.invocation.sandbox.root_logger import note_changes

            note_changes(before)


def _after_wider_scopes(item: pytest.Item, names: list[str]) -> int:
    """Return the index of the first fixture of function scope: those of wider scopes come before the fake."""
    found = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    wider = [index for index, name in enumerate(names, 1) if found.get(name) and found[name][-1].scope != "function"]
    return wider[-1] if wider else 0


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note pytest's streams. Fail a test whose markers are invalid, in a worker that could not report it before."""
    # Before capsys replaces them: these are the streams that loggers of imported modules hold.
    item.stash[_STREAMS] = (sys.stdout, sys.stderr)
    _begin(item, "setup")
    mistakes = item.stash.get(_MISTAKES, None)
    if mistakes:
        pytest.fail("\n".join(mistakes), pytrace=False)


def _mistake_line(mistake: str, tests: list[pytest.Item]) -> str:
    from pytest_lambda_esm.wording import counted

    others = f" (the same in {counted(len(tests) - 1, 'more test')})" if len(tests) > 1 else ""
    return f"{tests[0].nodeid}: {mistake}{others}"


def _check_ini_names(config: pytest.Config) -> None:
    """Raise UsageError for an ini setting that begins as ours do and does not exist."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytest 9.2 deprecates it, without another way to see the names.
        in_file = list(getattr(config, "inicfg", ()))
    given = [*in_file, *(text.partition("=")[0].strip() for text in config.getoption("override_ini") or ())]
    unknown = [name for name in given if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) not in SETTINGS]
    if not unknown:
        return
    from pytest_lambda_esm.errors import nearest

    known = [f"{_PREFIX}{name}" for name in SETTINGS]
    raise pytest.UsageError(*(f"there is no ini setting {name!r}. {nearest(name, known)}" for name in unknown))


def _check(layers: list[tuple[str, Mapping[str, Any]]]) -> None:
    """Raise UsageError for an invalid setting."""
    if not layers:
        return
    from pytest_lambda_esm.config import Config
    from pytest_lambda_esm.errors import ConfigurationError

    try:
        Config.from_layers(layers)
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None


def _session_layers(config: pytest.Config) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the settings that the ini file and the command line contain; later layers take precedence."""
    layers: list[tuple[str, Mapping[str, Any]]] = []
    for name in SETTINGS:
        value = config.getini(f"lambda_esm_{name}")
        if value not in (None, "", []):
            given = _LINES[name](value) if name in LISTS else value
            layers.append((f"ini setting lambda_esm_{name}", {name: given}))
    for name in OPTIONS:
        value = config.getoption(f"lambda_esm_{name}")
        if value is not None:
            layers.append((f"--lambda-esm-{name}", {name: value}))
    return layers


def _transition_lines(lines: list[str]) -> dict[str, Any]:
    """Read lines such as ``creating = 30``."""
    from pytest_lambda_esm.config import after_reads

    times: dict[str, Any] = {}
    for line in lines:
        name, _, text = (part.strip() for part in line.partition("="))
        reads = re.fullmatch(r"after_reads\((\d+)\)", text)
        if reads:
            times[name] = after_reads(int(reads[1]))
        else:
            times[name] = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else text
    return times


def _weather_lines(lines: list[str]) -> dict[str, str]:
    """Read lines such as ``duplicates = 0.1``."""
    pairs = (line.partition("=") for line in lines)
    return {name.strip(): rate.strip() for name, _, rate in pairs}


_LINES: Final = {"transitions": _transition_lines, "weather": _weather_lines}


# --- fixtures --------------------------------------------------------------------------------------------------


@pytest.fixture
def lambda_esm_config() -> dict[str, Any] | Config:
    """Settings of the lambda_esm fixture, by name or as a Config; override this fixture to change them.

    Example::

        @pytest.fixture
        def lambda_esm_config():
            return {"region": "eu-west-1", "transitions": {"creating": 30}}
    """
    return {}


@pytest.fixture
def lambda_esm(request: pytest.FixtureRequest, lambda_esm_config: Mapping[str, Any] | Config) -> Iterator[FakeLambda]:
    """A fake AWS Lambda event system on virtual time; boto3 clients need no configuration to reach it.

    Example::

        def test_orders(lambda_esm):
            orders = lambda_esm.function("orders", "shop.handlers:orders")
            ...
            lambda_esm.clock.run_until_idle()
            assert orders.invocations[0].outcome == "success"
    """
    from pytest_lambda_esm.config import Config
    from pytest_lambda_esm.errors import is_for_the_author
    from pytest_lambda_esm.fake import FakeLambda
    from pytest_lambda_esm.plugin import markers
    from pytest_lambda_esm.plugin.hook_caller import PytestHooks

    __tracebackhide__ = is_for_the_author
    config = Config.from_layers(
        [
            *_session_layers(request.config),
            ("the fixture lambda_esm_config", lambda_esm_config),
            *markers.setting_layers(request.node),
        ]
    )
    hooks = PytestHooks(request.node, request.node.stash.get(_STREAMS, ()))
    with FakeLambda(config, _hooks=hooks) as fake:
        hooks.fake = request.node.stash[_FAKE] = fake
        hooks.request = request
        hooks.configure()
        markers.deploy(request.node, fake)
        markers.add_faults(request.node, fake.faults)
        fake._part = markers.part(request.node)
        yield fake


@pytest.fixture
def _lambda_esm_part() -> None:
    """The part of an exploration that a test has; its parameter is in the test's ``callspec``."""


@pytest.fixture
def lambda_esm_clock(lambda_esm: FakeLambda) -> VirtualClock:
    """The clock of lambda_esm: virtual time, which the test moves.

    Example::

        def test_an_hour_later(lambda_esm_clock):
            lambda_esm_clock.advance(hours=1)
    """
    return lambda_esm.clock


@pytest.fixture
def lambda_esm_client(lambda_esm: FakeLambda) -> Any:
    """A boto3 client for Lambda, in lambda_esm's default region.

    Example::

        def test_no_mappings_yet(lambda_esm_client):
            assert lambda_esm_client.list_event_source_mappings()["EventSourceMappings"] == []
    """
    return lambda_esm.client("lambda")


@pytest.fixture
def lambda_esm_server(lambda_esm: FakeLambda) -> Iterator[Server]:
    """The fake over HTTP, for programs in other processes and languages; ``lambda_esm.serve()`` takes options.

    Example::

        def test_deployer(lambda_esm, lambda_esm_server):
            done = lambda_esm_server.run(["aws", "lambda", "list-functions"])
            assert done.returncode == 0
    """
    with lambda_esm.serve() as server:
        yield server


@pytest.hookimpl(trylast=True)
def pytest_lambda_esm_invoke(invocation: HandlerCall) -> HandlerResult:
    """Run the handler, unless another implementation returned a result."""
    return invocation.run()


# --- fakes that the fixture did not open -----------------------------------------------------------------------


def _observer(config: pytest.Config) -> OutsideFakes:
    """Return what notices fakes that the fixture did not open; most test runs have none."""
    if _OUTSIDE not in config.stash:
        from pytest_lambda_esm.plugin.outside_fakes import OutsideFakes

        config.stash[_OUTSIDE] = OutsideFakes()
        config.stash[_OUTSIDE].begin(*config.stash.get(_NOW, (None, "setup")))
    return config.stash[_OUTSIDE]


def _begin(item: pytest.Item, phase: Phase) -> None:
    """Note which test runs, and its phase."""
    item.config.stash[_NOW] = item, phase
    if _OUTSIDE in item.config.stash:
        item.config.stash[_OUTSIDE].begin(item, phase)


# --- reports ---------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed although its code swallowed an error of the fake, or one of its faults never struck."""
    _begin(item, "call")
    try:
        result = yield
    except BaseException:
        _warn(item, has_failed=True)
        raise
    if _OUTSIDE in item.config.stash:
        item.config.stash[_OUTSIDE].check_faults()
    fake = item.stash.get(_FAKE, None)
    if fake is None:
        return result
    fake._raise_server_error()
    _warn(item)
    failures = fake.handler_errors()
    if failures:
        pytest.fail(failures, pytrace=False)
    if fake.config.strict:
        errors, unused = fake._swallowed_errors(), fake.faults_left()
        if errors or unused:
            from pytest_lambda_esm.plugin import sections

            pytest.fail("\n".join(filter(None, [sections.swallowed(errors), unused])), pytrace=False)
    return result


def _warn(item: pytest.Item, *, has_failed: bool = False) -> None:
    """Show the advice of a test's fake as warnings at the test, or fail the test where the setting says so.

    A test that has failed fails with its own error, also where warnings are errors.
    """
    fake = item.stash.get(_FAKE, None)
    if fake is None:
        return
    for advice in fake.take_advice():
        if fake.config.advice == "error" and not has_failed:
            pytest.fail(str(advice), pytrace=False)
        with suppress(type(advice)) if has_failed else nullcontext():
            item.warn(advice)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Release the fake of a test that has ended: pytest keeps its items, and what they refer to, until the run ends.

    What a fixture has put back that replaced the same as the fake, and was torn down after it, is removed as well. A
    fake that the test has left open is closed, and the test fails.
    """
    _begin(item, "teardown")
    leaked = ""
    try:
        result = yield
    finally:
        if _OUTSIDE in item.config.stash:
            leaked = item.config.stash[_OUTSIDE].close_leaked(item, nextitem)
        fake = item.stash.get(_FAKE, None)
        if fake is not None:
            del item.stash[_FAKE]
            fake._undo_again()
    if leaked:
        pytest.fail(leaked, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the timeline to the report of a failed test, or of every test, as configured."""
    report = yield
    used = _used_by(item)  # The test's fake, and its diagnosis if that had to be made earlier.
    if used is None or report.when == "teardown" or (report.when == "setup" and report.passed):
        return report
    from pytest_lambda_esm.plugin import sections

    fake, diagnosis = used
    if report.failed:
        report.sections.append(("lambda esm diagnosis", diagnosis or fake._report_diagnosis(sections.own_error(call))))
    in_terminal = fake.config.timeline == "all" or (fake.config.timeline == "failed" and report.failed)
    in_file = item.config.getoption("lambda_esm_report") is not None
    if in_terminal or in_file:
        _attach_timeline(report, item, fake, in_terminal=in_terminal, in_file=in_file)
    if report.passed and fake.sweeps:
        report.sections.append(("lambda esm sweeps", "\n".join(sweep.report for sweep in fake.sweeps)))
    if report.failed and report.when == "call":
        report.sections += sections.of_faults(item, fake, str(report.longrepr))
    return report


def _used_by(item: pytest.Item) -> tuple[FakeLambda, str] | None:
    """Return the fake of a test: that of the fixture, or the one that the test opened itself."""
    fake = item.stash.get(_FAKE, None)
    if fake is not None:
        return fake, ""
    outside = item.config.stash.get(_OUTSIDE, None)
    return outside.at_hand() if outside is not None else None


def _attach_timeline(
    report: pytest.TestReport, item: pytest.Item, fake: FakeLambda, *, in_terminal: bool, in_file: bool
) -> None:
    from pytest_lambda_esm.plugin import sections

    entries = fake.timeline._recorded
    item.ihook.pytest_lambda_esm_timeline(entries=entries, fake=fake)
    if in_terminal:
        text = sections.timeline(entries, every_call=fake.config.timeline_calls == "all")
        report.sections.append(("lambda esm timeline", text))
    if in_file:
        item.stash[_SHOWN] = (fake, entries)


def _take_shown(item: pytest.Item) -> tuple[FakeLambda, list[Entry]] | None:
    """Return what the file shows of a test, once."""
    shown = item.stash.get(_SHOWN, None)
    if shown is not None:
        del item.stash[_SHOWN]
    return shown
