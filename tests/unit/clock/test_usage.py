"""What Linux tells of a thread; other systems tell nothing."""

import sys
import threading
from types import SimpleNamespace

import pytest

from pytest_lambda_esm.clock import usage
from pytest_lambda_esm.clock.usage import is_ready, usage_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture
def blocked():
    lock = threading.Lock()
    lock.acquire()
    thread = threading.Thread(target=lock.acquire, name="a) R (name")
    thread.start()
    yield thread
    lock.release()
    thread.join()


@linux
def test_the_calling_thread_is_ready_and_uses_the_processor():
    thread = threading.current_thread()
    before = usage_of(thread)
    sum(range(1_000_000))
    assert is_ready(thread)
    assert usage_of(thread).cpu > before.cpu


@linux
def test_a_thread_that_waits_is_not_ready_and_uses_nothing(blocked):
    for _ in range(1000):
        if not is_ready(blocked):
            break
        threading.Event().wait(0.001)
    before = usage_of(blocked)
    threading.Event().wait(0.002)
    assert not is_ready(blocked)
    assert usage_of(blocked) == before


def test_nothing_is_known_of_a_thread_that_has_ended():
    ended = SimpleNamespace(native_id=-1)
    assert usage_of(ended) is None
    assert not is_ready(ended)


def test_a_system_that_does_not_tell(monkeypatch):
    def missing(*arguments, **options):
        raise FileNotFoundError

    monkeypatch.setattr(usage, "open", missing, raising=False)
    assert usage_of(threading.current_thread()) is None
    assert not is_ready(threading.current_thread())
