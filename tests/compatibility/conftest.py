"""Each test of this folder skips itself, with ``pytest.importorskip``, if its library is missing."""

import pytest


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Run pytest inside a test with the plugin of anyio."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:asyncio -p no:hypothesispytest")
    return pytester
