"""When what aiobotocore needs is installed."""

from __future__ import annotations

import sys
from types import ModuleType

import botocore.session
import pytest

from pytest_lambda_esm.moto_bridge.aio import loading
from pytest_lambda_esm.patching import Patches

SESSIONS = "aiobotocore.session"


@pytest.fixture
def patches():
    patches = Patches()
    yield patches
    patches.undo()


def test_at_once_where_it_is_imported(patches, monkeypatch):
    monkeypatch.setitem(sys.modules, SESSIONS, ModuleType(SESSIONS))
    calls = []
    loading._when_used(patches, lambda: calls.append(1))
    botocore.session.Session()
    assert calls == [1]


def test_before_the_first_session_where_it_is_not(patches, monkeypatch):
    monkeypatch.delitem(sys.modules, SESSIONS, raising=False)
    calls = []
    loading._when_used(patches, lambda: calls.append(1))
    botocore.session.Session()
    assert calls == []
    monkeypatch.setitem(sys.modules, SESSIONS, ModuleType(SESSIONS))
    botocore.session.Session()
    botocore.session.Session()
    assert calls == [1]


def test_never_after_the_end(monkeypatch):
    monkeypatch.delitem(sys.modules, SESSIONS, raising=False)
    patches, calls = Patches(), []
    loading._when_used(patches, lambda: calls.append(1))
    patches.undo()
    monkeypatch.setitem(sys.modules, SESSIONS, ModuleType(SESSIONS))
    botocore.session.Session()
    assert calls == []
