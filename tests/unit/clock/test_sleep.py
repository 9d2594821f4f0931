from __future__ import annotations

import asyncio
import copy
import functools
import importlib
import itertools
import pickle
import sched
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

import pytest

from pytest_lambda_esm.clock.sleep import VirtualSleep
from pytest_lambda_esm.clock.wall import open_wall
from pytest_lambda_esm.errors import AlreadyActive
from pytest_lambda_esm.patching import Patches

NAMES = itertools.count()

SUBJECT = """
import functools
import time
from dataclasses import dataclass
from time import sleep
from time import sleep as nap
from typing import Callable

def by_module(seconds): time.sleep(seconds)
def by_global(seconds): sleep(seconds)
def by_alias(seconds): nap(seconds)
def by_default(seconds, wait=time.sleep): wait(seconds)
def by_keyword_default(seconds, *, wait=time.sleep): wait(seconds)

def retried(function):
    @functools.wraps(function)
    def wrapper(*args): return function(*args)
    return wrapper

@retried
def by_decorated(seconds, wait=time.sleep): wait(seconds)

@functools.lru_cache
def by_cached(seconds, wait=time.sleep): wait(seconds)

class Poller:
    pause = time.sleep
    rest = staticmethod(time.sleep)

    def __init__(self, wait=sleep): self.wait = wait
    def method(self, seconds): self.wait(seconds)
    def by_attribute(self, seconds): self.pause(seconds)
    def by_static_attribute(self, seconds): self.rest(seconds)

    @staticmethod
    def by_static(seconds, wait=sleep): wait(seconds)

    @classmethod
    def by_class(cls, seconds, *, wait=sleep): wait(seconds)

    class Nested:
        def method(self, seconds, wait=sleep): wait(seconds)

Poller.itself = Poller

def make(wait):
    def inner(seconds): wait(seconds)
    return inner

by_closure = make(sleep)
by_partial = functools.partial(sleep)
by_partial_argument = functools.partial(by_default, wait=sleep)

def wrapped(wait):
    def decorate(function):
        def wrapper(self, seconds): wait(seconds)
        return wrapper
    return decorate

class Waiter:
    rest = functools.partial(time.sleep)
    @wrapped(time.sleep)
    def method(self, seconds): raise AssertionError

@dataclass
class Settings:
    wait: Callable[[float], None] = time.sleep
"""

FORMS = {
    "time.sleep": lambda subject: subject.by_module,
    "global": lambda subject: subject.by_global,
    "renamed global": lambda subject: subject.by_alias,
    "default": lambda subject: subject.by_default,
    "keyword default": lambda subject: subject.by_keyword_default,
    "default of a decorated function": lambda subject: subject.by_decorated,
    "default of a cached function": lambda subject: subject.by_cached,
    "default of __init__": lambda subject: subject.Poller().method,
    "default of a static method": lambda subject: subject.Poller.by_static,
    "default of a class method": lambda subject: subject.Poller.by_class,
    "default of a nested class's method": lambda subject: subject.Poller.Nested().method,
    "default of a dataclass": lambda subject: subject.Settings().wait,
    "closure": lambda subject: subject.by_closure,
    "closure of a decorated method": lambda subject: subject.Waiter().method,
    "partial": lambda subject: subject.by_partial,
    "argument of a partial": lambda subject: subject.by_partial_argument,
    "partial in a class": lambda subject: subject.Waiter.rest,
    "class attribute": lambda subject: subject.Poller().by_attribute,
    "static class attribute": lambda subject: subject.Poller().by_static_attribute,
}


@pytest.fixture
def really(monkeypatch):
    """Record the sleeps that would be real, instead of sleeping."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.fixture
def naps():
    return []


@pytest.fixture
def patches():
    return Patches()


@pytest.fixture
def virtual(really, naps, patches):
    """An installed virtual sleep that writes down what was slept."""
    sleep = VirtualSleep(naps.append)
    sleep.install(patches)
    yield sleep
    patches.undo()


@pytest.fixture
def module_of(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(source=SUBJECT, prefix="sleeping_subject"):
        name = f"{prefix}_{next(NAMES)}"
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        made.append(name)
        return name

    yield write
    for name in made:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("imported", ["before", "meanwhile"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_sleep_is_virtual_and_put_back(really, naps, module_of, form, imported, patches):
    name, sleep = module_of(), VirtualSleep(naps.append)
    if imported == "before":
        importlib.import_module(name)
    sleep.install(patches)
    try:
        subject = importlib.import_module(name)
        FORMS[form](subject)(1.5)
    finally:
        patches.undo()
    assert (naps, really) == ([1.5], [])

    FORMS[form](subject)(2.5)

    assert (naps, really) == ([1.5], [2.5])


def test_every_place_holds_the_very_same_function_again(module_of, patches):
    genuine = time.sleep
    subject = importlib.import_module(module_of())
    places = [
        lambda: time.sleep,
        lambda: subject.nap,
        lambda: subject.by_default.__defaults__[0],
        lambda: subject.by_keyword_default.__kwdefaults__["wait"],
        lambda: vars(subject.Poller)["pause"],
        lambda: vars(subject.Poller)["rest"].__func__,
        lambda: subject.by_closure.__closure__[0].cell_contents,
        lambda: subject.by_partial.func,
        lambda: subject.by_partial_argument.keywords["wait"],
    ]
    sleep = VirtualSleep(lambda seconds: None)
    sleep.install(patches)
    replaced = [place() is not genuine for place in places]
    patches.undo()

    assert replaced == [True] * len(places)
    assert [place() is genuine for place in places] == [True] * len(places)


@pytest.mark.parametrize("wrong", ["1", None, 1j, object(), -1, -0.5, float("nan"), float("inf"), 1e10])
def test_what_time_sleep_refuses_is_refused_in_its_words(wrong, patches):
    with pytest.raises((TypeError, ValueError, OverflowError)) as expected:
        time.sleep(wrong)
    naps = []
    sleep = VirtualSleep(naps.append)
    sleep.install(patches)
    try:
        with pytest.raises(type(expected.value)) as refused:
            time.sleep(wrong)
    finally:
        patches.undo()

    assert str(refused.value) == str(expected.value)
    assert naps == []


@pytest.mark.parametrize(("given", "seconds"), [(0, 0.0), (2, 2.0), (True, 1.0), (0.25, 0.25)])
def test_seconds_arrive_as_a_float(virtual, naps, given, seconds):
    time.sleep(given)

    assert naps == [seconds]
    assert type(naps[0]) is float


def test_time_sleep_takes_no_keyword(virtual):
    with pytest.raises(TypeError):
        time.sleep(seconds=1)


def test_it_takes_the_arguments_of_the_function_that_it_stands_for(naps, patches, monkeypatch):
    """gevent's monkey patching puts such a function in place of the builtin."""
    slept = []

    def sleep(seconds=0, ref=True):
        slept.append((seconds, ref))

    monkeypatch.setattr(time, "sleep", sleep)
    VirtualSleep(naps.append).install(patches)
    try:
        time.sleep()
        time.sleep(seconds=2)
        time.sleep(3, False)
        time.sleep(4, ref=False)
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            time.sleep(5, other=True)
    finally:
        patches.undo()
    assert (naps, slept) == ([0, 2, 3, 4], [])


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, 2), {}), ((), {"secs": 1})])
def test_the_builtin_refuses_what_it_refuses(patches, naps, args, kwargs):
    VirtualSleep(naps.append).install(patches)
    try:
        with pytest.raises(TypeError):
            time.sleep(*args, **kwargs)
    finally:
        patches.undo()
    assert naps == []


def test_a_class_made_meanwhile_can_hold_it(virtual, naps):
    class Poller:
        pause = time.sleep

    Poller().pause(3)

    assert naps == [3]


def test_threads_started_later_sleep_virtually_and_older_ones_really(really, naps, patches):
    installed, done = threading.Event(), threading.Event()

    def older_thread():
        installed.wait(10)
        time.sleep(1)
        done.set()

    older = threading.Thread(target=older_thread)
    older.start()
    sleep = VirtualSleep(naps.append)
    sleep.install(patches)
    try:
        installed.set()
        done.wait(10)
        younger = threading.Thread(target=lambda: time.sleep(2))
        younger.start()
        younger.join()
        time.sleep(3)
    finally:
        patches.undo()
        older.join()

    assert (naps, really) == ([2, 3], [1])


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ThreadPool])
def test_a_pools_thread_that_outlives_a_test_sleeps_virtually_in_the_next_one(really, naps, kind, patches):
    with kind(1) as pool:
        for _ in range(2):
            sleep = VirtualSleep(naps.append)
            sleep.install(patches)
            list(pool.map(lambda seconds: time.sleep(seconds), [1]))
            patches.undo()

    assert (naps, really) == ([1, 1], [])


def test_a_pools_thread_that_works_for_somebody_else_sleeps_really(really, naps, patches):
    begun, installed = threading.Event(), threading.Event()

    def work():
        begun.set()
        installed.wait(10)
        time.sleep(1)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        begun.wait(10)
        sleep = VirtualSleep(naps.append)
        sleep.install(patches)
        installed.set()
        working.result()
        patches.undo()

    assert (naps, really) == ([], [1])


def in_a_thread():
    thread = threading.Thread(target=time.sleep, args=(7,))
    thread.start()
    thread.join()


def submitted():
    with ThreadPoolExecutor() as pool:
        pool.submit(time.sleep, 7).result()


def mapped(pool):
    with pool:
        list(pool.map(time.sleep, [7]))


def starmapped():
    with ThreadPool(1) as pool:
        pool.starmap(time.sleep, [(7,)])


def applied():
    with ThreadPool(1) as pool:
        pool.apply(time.sleep, (7,))


async def in_an_executor():
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 7)


async def called_soon():
    asyncio.get_running_loop().call_soon(time.sleep, 7)
    await asyncio.sleep(0)


def scheduled():
    plan = sched.scheduler()
    plan.enter(0, 1, time.sleep, (7,))
    plan.run()


HANDED_OVER = {
    "threading.Thread": in_a_thread,
    "submit": submitted,
    "Executor.map": lambda: mapped(ThreadPoolExecutor()),
    "ThreadPool.map": lambda: mapped(ThreadPool(1)),
    "starmap": starmapped,
    "apply": applied,
    "asyncio.to_thread": lambda: asyncio.run(asyncio.to_thread(time.sleep, 7)),
    "run_in_executor": lambda: asyncio.run(in_an_executor()),
    "call_soon": lambda: asyncio.run(called_soon()),
    "sched": scheduled,
}


@pytest.mark.parametrize("way", HANDED_OVER)
def test_a_sleep_that_is_handed_over_is_virtual(virtual, naps, really, way):
    HANDED_OVER[way]()

    assert [nap for nap in naps if nap] == [7]  # sched sleeps for 0 s besides
    assert 7 not in really


@pytest.mark.parametrize(
    "package", ["_pytest", "execnet", "xdist", "multiprocessing", "subprocess", "freezegun", "gevent"]
)
def test_what_runs_the_tests_sleeps_really(virtual, naps, really, package):
    caller = {"__name__": f"{package}.something", "time": time}
    exec("def wait(): time.sleep(7)", caller)
    caller["wait"]()

    assert (naps, really) == ([], [7])


def test_a_process_with_a_timeout_waits_in_real_time(naps, patches):
    sleep = VirtualSleep(naps.append)
    sleep.install(patches)
    try:
        child = subprocess.Popen([sys.executable, "-c", ""])
        assert child.wait(timeout=60) == 0
    finally:
        patches.undo()

    assert naps == []


def test_asyncio_sleeps_really(virtual, naps):
    asyncio.run(asyncio.sleep(0.001))

    assert naps == []


def test_the_real_sleep_is_at_hand(virtual, naps, really):
    virtual.real_sleep(4)

    assert (naps, really) == ([], [4])


def test_a_second_one_is_refused(virtual):
    with pytest.raises(AlreadyActive, match="is virtual already"):
        VirtualSleep(print).install(Patches())


def test_one_that_was_refused_leaves_the_other_alone(virtual, naps):
    refused = Patches()
    with pytest.raises(AlreadyActive):
        VirtualSleep(print).install(refused)
    refused.undo()
    time.sleep(1)

    assert naps == [1]


def test_a_sleep_that_the_test_put_there_itself_stays(naps, module_of, patches):
    mine = []
    sleep = VirtualSleep(naps.append)
    sleep.install(patches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", mine.append)
        subject = importlib.import_module(module_of("import time\ntime.sleep(1)"))
        patches.undo()
        subject.time.sleep(2)
        # undone only now, and so it puts our function back
    left = time.sleep

    again = VirtualSleep(naps.append)
    again.install(patches)
    time.sleep(3)
    patches.undo()

    assert (mine, naps) == ([1, 2], [3])
    assert left is not time.sleep
    assert time.sleep.__self__ is time


def test_what_is_kept_out_of_reach_is_virtual_again_in_the_next_test(really, naps, patches):
    first = VirtualSleep(naps.append)
    first.install(patches)
    kept = [functools.partial(time.sleep, 1)]
    patches.undo()
    kept[0]()
    second = VirtualSleep(naps.append)
    second.install(patches)
    kept[0]()
    patches.undo()

    assert (naps, really) == ([1], [1])


def test_a_module_examined_while_a_mock_was_in_place_is_found_in_the_next_test(really, naps, module_of, patches):
    subject = importlib.import_module(module_of("from time import sleep"))
    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subject, "sleep", print)
            sleep = VirtualSleep(naps.append)
            sleep.install(patches)
            patches.undo()
    sleep = VirtualSleep(naps.append)
    sleep.install(patches)
    subject.sleep(1)
    patches.undo()

    assert (naps, really) == ([1], [])


def test_it_can_be_pickled_and_copied_like_the_builtin(virtual):
    assert pickle.loads(pickle.dumps(time.sleep)) is time.sleep
    assert copy.deepcopy({"sleep": time.sleep})["sleep"] is time.sleep


def test_a_lazy_proxy_is_not_built(virtual, module_of):
    source = """
class Proxy:
    @property
    def __class__(self): raise RuntimeError("the proxy was asked what it is")
proxy = Proxy()
"""
    subject = importlib.import_module(module_of(source))

    assert object.__repr__(subject.proxy)


@pytest.mark.parametrize("first", ["wall", "sleep"])
def test_with_a_wall_beside_it_the_order_of_leaving_does_not_matter(really, naps, module_of, first, patches):
    loader = vars(importlib.machinery.SourceFileLoader).get("exec_module")
    wall, sleep = open_wall("freezegun", 0), VirtualSleep(naps.append)
    sleep.install(patches)
    leave = {"wall": wall.close, "sleep": patches.undo}
    subject = importlib.import_module(module_of("import time\ntime.sleep(9)\nimported = time.time()"))
    assert subject.imported > 0
    leave.pop(first)()
    importlib.import_module(module_of())
    leave.popitem()[1]()

    assert (naps, really) == ([], [9])
    assert vars(importlib.machinery.SourceFileLoader).get("exec_module") is loader
    assert time.sleep == really.append
