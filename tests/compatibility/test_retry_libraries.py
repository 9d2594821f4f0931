"""Libraries that wait and retry: which of their pauses are virtual. The table in explanation/time.md has these rows."""

import dataclasses
import functools
import time
from datetime import timedelta
from time import sleep

import pytest


class Flaky:
    """Fails twice, and then succeeds."""

    def __init__(self):
        self.attempts = 0

    def __call__(self):
        self.attempts += 1
        if self.attempts < 3:
            raise ValueError(self.attempts)
        return "done"


class Pauses:
    """What has been slept, and how much real time has passed."""

    def __init__(self, fake):
        self._clock = fake.clock
        self._started = self._clock.now
        self._real = time.perf_counter()

    def assert_virtual(self, *seconds):
        assert self._clock.slept == list(seconds)
        assert self._clock.now - self._started == timedelta(seconds=sum(seconds))
        assert time.perf_counter() - self._real < 5


@pytest.fixture
def pauses(lambda_esm):
    return Pauses(lambda_esm)


def test_tenacity(pauses):
    tenacity = pytest.importorskip("tenacity")
    assert tenacity.retry(wait=tenacity.wait_fixed(10))(Flaky())() == "done"
    pauses.assert_virtual(10, 10)


def test_tenacity_decorated_at_import(pauses):
    tenacity = pytest.importorskip("tenacity")
    flaky = Flaky()
    assert decorated_with(tenacity)(flaky) == "done"
    pauses.assert_virtual(10, 10)


@functools.cache
def decorated_with(tenacity):
    """Return a function that was decorated once, whichever test comes first."""

    @tenacity.retry(wait=tenacity.wait_fixed(10))
    def call(function):
        return function()

    return call


def test_tenacity_as_a_loop(pauses):
    tenacity = pytest.importorskip("tenacity")
    flaky = Flaky()
    for attempt in tenacity.Retrying(wait=tenacity.wait_fixed(10)):
        with attempt:
            flaky()
    pauses.assert_virtual(10, 10)


def test_tenacity_with_time_sleep_as_its_argument(pauses):
    tenacity = pytest.importorskip("tenacity")
    assert tenacity.Retrying(wait=tenacity.wait_fixed(10), sleep=time.sleep)(Flaky()) == "done"
    pauses.assert_virtual(10, 10)


def test_tenacity_nap(pauses):
    nap = pytest.importorskip("tenacity.nap")
    nap.sleep(10)
    pauses.assert_virtual(10)


def test_tenacity_stops_by_the_monotonic_clock(lambda_esm):
    """Which stays real: such a limit never ends a loop of virtual pauses, so the fake does."""
    tenacity = pytest.importorskip("tenacity")
    stop = tenacity.stop_any(tenacity.stop_after_delay(30), tenacity.stop_after_attempt(9))
    calls = []

    def fail():
        calls.append(1)
        raise ValueError

    with pytest.raises(tenacity.RetryError):
        tenacity.Retrying(wait=tenacity.wait_fixed(10), stop=stop)(fail)
    assert len(calls) == 9


def test_stamina(pauses):
    stamina = pytest.importorskip("stamina")
    retry = stamina.retry(
        on=ValueError, attempts=5, timeout=None, wait_initial=10, wait_max=60, wait_jitter=0, wait_exp_base=1
    )
    assert retry(Flaky().__call__)() == "done"
    pauses.assert_virtual(10, 10)


def test_backoff(pauses):
    backoff = pytest.importorskip("backoff")
    assert backoff.on_exception(backoff.constant, ValueError, interval=10, jitter=None)(Flaky().__call__)() == "done"
    pauses.assert_virtual(10, 10)


def test_backoff_stops_by_the_wall_clock(lambda_esm):
    backoff = pytest.importorskip("backoff")
    calls = []

    @backoff.on_exception(backoff.constant, ValueError, interval=10, jitter=None, max_time=30)
    def fail():
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert (lambda_esm.clock.slept, len(calls)) == ([10, 10, 10], 4)


def test_retrying(pauses):
    retrying = pytest.importorskip("retrying")
    assert retrying.retry(wait_fixed=10_000)(Flaky().__call__)() == "done"
    pauses.assert_virtual(10, 10)


def test_retrying_stops_by_the_wall_clock(lambda_esm):
    retrying = pytest.importorskip("retrying")
    calls = []

    @retrying.retry(wait_fixed=10_000, stop_max_delay=30_000)
    def fail():
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert len(calls) == 4


def test_polling2(pauses):
    polling2 = pytest.importorskip("polling2")
    answers = iter([False, False, True])
    assert polling2.poll(lambda: next(answers), step=10, timeout=60)
    pauses.assert_virtual(10, 10)


def test_polling2_times_out_by_the_wall_clock(lambda_esm):
    polling2 = pytest.importorskip("polling2")
    with pytest.raises(polling2.TimeoutException):
        polling2.poll(lambda: False, step=10, timeout=30)
    assert set(lambda_esm.clock.slept) == {10}
    assert 3 <= len(lambda_esm.clock.slept) <= 4


def test_urllib3(pauses):
    retry = pytest.importorskip("urllib3").Retry(total=5, backoff_factor=10)
    for _ in range(3):
        retry = retry.increment("GET", "/", error=Exception())
    retry.sleep()
    pauses.assert_virtual(40)


# --- functions of one's own -------------------------------------------------------------------------------------


def waiter(pause):
    def wait(seconds):
        pause(seconds)

    return wait


class Holder:
    pause = staticmethod(time.sleep)
    wait = waiter(time.sleep)

    def __init__(self):
        self.kept = sleep


@dataclasses.dataclass
class Settings:
    pause: object = time.sleep


by_closure = waiter(time.sleep)
by_partial = functools.partial(time.sleep, 10)
by_argument = functools.partial(lambda pause, seconds: pause(seconds), time.sleep)
in_an_instance = Holder()
in_a_list = [sleep]

CAUGHT = {
    "a name of a module": lambda: sleep(10),
    "a class attribute": lambda: Holder.pause(10),
    "an attribute set by a constructor that runs in the test": lambda: Holder().kept(10),
    "a closure": lambda: by_closure(10),
    "a closure in a class": lambda: Holder.wait(10),
    "a partial": lambda: by_partial(),
    "an argument of a partial": lambda: by_argument(10),
    "a default of a dataclass": lambda: Settings().pause(10),
}


@pytest.mark.parametrize("call", CAUGHT.values(), ids=CAUGHT)
def test_caught(pauses, call):
    call()
    pauses.assert_virtual(10)


NOT_CAUGHT = {
    "an instance that was created at import": lambda: in_an_instance.kept(0.001),
    "a list": lambda: in_a_list[0](0.001),
}


@pytest.mark.parametrize("call", NOT_CAUGHT.values(), ids=NOT_CAUGHT)
def test_not_caught(lambda_esm, call):
    call()
    assert lambda_esm.clock.slept == []
