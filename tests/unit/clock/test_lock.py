"""The clock's lock: attempts, reentrance, and what a holder lends."""

import threading

import pytest

from pytest_lambda_esm.clock.lock import HeldLock


def in_thread(action):
    results = []
    thread = threading.Thread(target=lambda: results.append(action()))
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.parametrize("seconds", [0, 0.001])
def test_an_attempt_while_another_thread_holds_it(seconds):
    lock = HeldLock(str)
    assert lock.attempt(str, seconds)
    assert in_thread(lambda: lock.attempt(str, seconds)) is False
    lock.release()
    assert in_thread(lambda: lock.attempt(str, seconds)) is True


def test_the_holder_acquires_it_again():
    lock = HeldLock(str)
    lock.acquire(str)
    assert lock.attempt(str, 0)
    lock.release()
    assert in_thread(lambda: lock.attempt(str, 0)) is False
    lock.release()
    assert in_thread(lambda: lock.attempt(str, 0)) is True


def test_a_lent_lock_can_be_acquired():
    lock, acquired = HeldLock(str), threading.Event()

    def take():
        if lock.attempt(str, 5):
            acquired.set()
            lock.release()

    thread = threading.Thread(target=take)
    lock.acquire(str)
    thread.start()
    while not acquired.is_set():
        lock.lend(0.001)
    thread.join()
    assert in_thread(lambda: lock.attempt(str, 0)) is False
    lock.release()
