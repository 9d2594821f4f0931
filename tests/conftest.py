"""Fixtures and settings for all tests: the fake is imported first, and this machine's settings are removed."""

import gc
import os
import sys

import pytest
from hypothesis import settings

import pytest_lambda_esm.fake  # noqa: F401 - pytester unloads modules that a run inside a test was the first to import

# No test has a deadline: on a busy machine, any example may take long once. Trials of a test are sized by the profile,
# see helpers/trials.py: .ci/run and tox run four times as many as a plain pytest, with --hypothesis-profile=usual, and
# --hypothesis-profile=long a thousand times as many as that.
settings.register_profile("quick", settings.default, max_examples=25, deadline=None)
settings.register_profile("usual", settings.default, deadline=None)
settings.register_profile("long", settings.default, max_examples=100_000, deadline=None, print_blob=True)
settings.load_profile("quick")

PROXIES = {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
LONGEST = 300  # real seconds; a test that takes longer hangs, and fails with the stack of each thread
# CI makes pytest's summary repeat whole messages; the others change colours, widths and options.
OUTPUT = ("BUILD_NUMBER", "CI", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Remove a developer's profile, region, retry mode and proxy, so that they do not affect the tests."""
    if config.pluginmanager.hasplugin("timeout") and config.option.timeout is None:
        config.option.timeout = LONGEST  # Not in pyproject.toml: without pytest-timeout, pytest would refuse it.
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    # Otherwise each worker and each process that a test starts would compile the package and the tests again.
    patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    for name in list(os.environ):
        if name.startswith("AWS_") or name.upper() in PROXIES:
            patch.delenv(name)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Give a process that is done with its tests some of another one's, and otherwise whole files to each."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "worksteal"


_FREEZE_EVERY = 100  # tests
_DONE = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect no garbage while tests are collected: everything that is made then is kept."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        _freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Keep the garbage collector from looking at tests, modules and AWS's service models again and again.

    These fill most of the memory and are never freed, and looking at them takes a quarter of the time of all tests.
    No test has anything open between two tests, so everything that is left then stays anyway.
    """
    result = yield
    done = item.session.stash.get(_DONE, 0) + 1
    item.session.stash[_DONE] = done
    if done % _FREEZE_EVERY == 0:
        _freeze()
    return result


def _freeze():
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_output_settings():
    """Make runs of pytest inside a test print the same text everywhere."""
    # Not the monkeypatch fixture: it would be set up first, and so undone only after the fake that a test patches.
    with pytest.MonkeyPatch.context() as patch:
        for name in OUTPUT:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def trace_function_is_kept():
    """Check that each test leaves the trace function of coverage or a debugger in place."""
    before = sys.gettrace()
    yield
    assert sys.gettrace() is before


@pytest.fixture
def pytester(pytester):
    """Run pytest inside a test without pytest-asyncio, which warns where it is not configured.

    The plugins of Hypothesis and anyio are not loaded either: in a new process, they take longer to import than a short
    run. ``@given`` works without them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", "-p no:asyncio -p no:hypothesispytest -p no:anyio")
        yield pytester


@pytest.fixture
def run(pytester):
    """Run pytest in this process on the text of a test file, with few other plugins."""

    def run(text, *options, ini="", **files):
        pytester.makeini(f"[pytest]\n{ini}")
        pytester.makepyfile(text, **files)
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", *options)

    return run
