"""What all tests share: the fake loaded before them, and none of this machine's own settings."""

import os
import sys

import pytest

import pytest_lambda_esm.fake  # noqa: F401 - pytester takes modules away again that a run inside a test imports first

PROXIES = {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
# With CI set, pytest's summary repeats whole messages; the others change colours, widths and options.
OUTPUT = ("BUILD_NUMBER", "CI", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")


def pytest_configure(config):
    """A developer's profile, region, retry mode or proxy must not decide what these tests see."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name in list(os.environ):
        if name.startswith("AWS_") or name.upper() in PROXIES:
            patch.delenv(name)


@pytest.fixture(autouse=True)
def no_output_settings_of_this_machine():
    """Runs of pytest inside a test print the same everywhere."""
    # Not the fixture of that name: it would then be undone only after the fake that a test patches.
    with pytest.MonkeyPatch.context() as patch:
        for name in OUTPUT:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def tracing_goes_on():
    """Coverage, or a debugger, traces after each test what it traced before."""
    before = sys.gettrace()
    yield
    assert sys.gettrace() is before


@pytest.fixture
def run(pytester):
    """Run pytest on a file's text, in this process, with this plugin and few others."""

    def run(text, *options, ini="", **files):
        pytester.makeini(f"[pytest]\n{ini}")
        pytester.makepyfile(text, **files)
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", *options)

    return run
