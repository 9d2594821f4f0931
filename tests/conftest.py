"""Loaded before the tests: pytester takes modules away again that a run inside a test imports first."""

import pytest

import pytest_lambda_esm.fake  # noqa: F401


@pytest.fixture
def run(pytester):
    """Run pytest on a file's text, in this process, with this plugin and few others."""

    def run(text, *options, ini="", **files):
        pytester.makeini(f"[pytest]\n{ini}")
        pytester.makepyfile(text, **files)
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", *options)

    return run
