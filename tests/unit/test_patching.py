"""Replacing attributes that others replace as well, in every order."""

import functools
import os
import socket
import types
from unittest import mock

import pytest

from pytest_lambda_esm.patching import Patches, original_of


def make_target():
    """Return a class and a module with something to replace."""

    class Base:
        def inherited(self, number):
            return ["inherited", number]

    class Target(Base):
        def method(self, number):
            return ["original", number]

        @staticmethod
        def static(number):
            return ["static", number]

        @classmethod
        def made(cls, number):
            return ["class", number]

    return Target


class Ours:
    """A replacement of a method, which marks what it returns."""

    def __init__(self, owner, name="method"):
        self.owner, self.name = owner, name
        self.patches = Patches()
        original = original_of(owner, name)

        def replacement(self, number):
            return ["ours", *original(self, number)]

        self.patches.set(owner, name, replacement)
        self.undo = self.patches.undo
        self.undo_again = self.patches.undo_again


class Closure:
    """A wrapper as people write it: a function that keeps the one before, and puts it back."""

    def __init__(self, owner, name="method"):
        self.owner, self.name = owner, name
        self.before = before = vars(owner).get(name) or getattr(owner, name)

        def wrapper(self, number):
            return ["theirs", *before(self, number)]

        setattr(owner, name, wrapper)

    def undo(self):
        setattr(self.owner, self.name, self.before)


class Descriptor(Closure):
    """A wrapper that is a descriptor of its own, and cannot be called unbound."""

    def __init__(self, owner, name="method"):
        self.owner, self.name = owner, name
        self.before = before = vars(owner)[name]

        class Wrapper:
            def __get__(self, instance, kind=None):
                bound = before.__get__(instance, kind)
                return lambda number: ["theirs", *bound(number)]

        setattr(owner, name, Wrapper())


class Wrapt:
    """A wrapper of wrapt, removed as OpenTelemetry and ddtrace remove theirs."""

    def __init__(self, owner, name="method"):
        wrapt = pytest.importorskip("wrapt")
        self.owner, self.name = owner, name
        wrapt.wrap_function_wrapper(
            owner, name, lambda wrapped, instance, args, kwargs: ["theirs", *wrapped(*args, **kwargs)]
        )

    def undo(self):
        setattr(self.owner, self.name, getattr(self.owner, self.name).__wrapped__)


class Restoring(Wrapt):
    """The same, removed by restoring what was there before."""

    def __init__(self, owner, name="method"):
        self.before = vars(owner)[name]
        super().__init__(owner, name)

    def undo(self):
        setattr(self.owner, self.name, self.before)


class Proxy(Wrapt):
    """The same, removed through the namespace of the class."""

    def undo(self):
        wrapper = vars(self.owner)[self.name]
        wrapt = pytest.importorskip("wrapt")
        assert isinstance(wrapper, getattr(wrapt, "BaseObjectProxy", wrapt.ObjectProxy))
        setattr(self.owner, self.name, wrapper.__wrapped__)


ALL = pytest.mark.parametrize("theirs", [Closure, Descriptor, Wrapt, Restoring, Proxy])


def seen(target):
    return target().method(1)


@ALL
def test_theirs_before_and_after_ours(theirs):
    target = make_target()
    own = vars(target)["method"]
    other = theirs(target)
    ours = Ours(target)
    assert sorted(seen(target), key=str) == [1, "original", "ours", "theirs"]
    ours.undo()
    assert seen(target) == ["theirs", "original", 1]
    other.undo()
    assert vars(target)["method"] is own


@ALL
def test_theirs_within_ours(theirs):
    target = make_target()
    own = vars(target)["method"]
    ours = Ours(target)
    other = theirs(target)
    assert seen(target) == ["theirs", "ours", "original", 1]
    other.undo()
    assert seen(target) == ["ours", "original", 1]
    ours.undo()
    assert vars(target)["method"] is own


@ALL
def test_theirs_before_ours_and_removed_within(theirs):
    target = make_target()
    own = vars(target)["method"]
    other = theirs(target)
    ours = Ours(target)
    other.undo()
    assert "theirs" not in seen(target)
    ours.undo()
    ours.undo_again()
    assert vars(target)["method"] is own


@pytest.mark.parametrize("theirs", [Wrapt, Proxy])
def test_a_wrapper_of_wrapt_that_is_removed_leaves_ours_in_force(theirs):
    target = make_target()
    other = theirs(target)
    ours = Ours(target)
    assert seen(target) == ["theirs", "ours", "original", 1]
    other.undo()
    assert seen(target) == ["ours", "original", 1]
    ours.undo()


@ALL
def test_theirs_within_ours_and_removed_after_it(theirs):
    target = make_target()
    own = vars(target)["method"]
    ours = Ours(target)
    other = theirs(target)
    ours.undo()
    assert seen(target) == ["theirs", "original", 1]
    other.undo()
    assert seen(target) == ["original", 1]
    ours.undo_again()
    assert vars(target)["method"] is own


@ALL
def test_what_others_put_back_too_late_is_the_original_for_the_next_fake(theirs):
    target = make_target()
    own = vars(target)["method"]
    first = Ours(target)
    other = theirs(target)
    first.undo()
    other.undo()
    second = Ours(target)
    assert seen(target) == ["ours", "original", 1]
    second.undo()
    assert vars(target)["method"] is own


def test_several_of_ours_and_theirs():
    target = make_target()
    own = vars(target)["method"]
    ours = [Ours(target), Ours(target)]
    other = Closure(target)
    assert seen(target) == ["theirs", "ours", "ours", "original", 1]
    for each in reversed(ours):
        each.undo()
    assert seen(target) == ["theirs", "original", 1]
    other.undo()
    for each in reversed(ours):
        each.undo_again()
    assert vars(target)["method"] is own


def test_wrappers_of_wrapt_on_both_sides_of_several_of_ours():
    target = make_target()
    own = vars(target)["method"]
    below = Wrapt(target)
    ours = [Ours(target), Ours(target)]
    above = Wrapt(target)
    assert seen(target) == ["theirs", "theirs", "ours", "ours", "original", 1]
    for each in reversed(ours):
        each.undo()
    assert seen(target) == ["theirs", "theirs", "original", 1]
    above.undo()
    below.undo()
    assert vars(target)["method"] is own


def test_an_inherited_method():
    target = make_target()
    ours = Ours(target, "inherited")
    assert target().inherited(1) == ["ours", "inherited", 1]
    ours.undo()
    assert "inherited" not in vars(target)


@pytest.mark.parametrize("theirs", [Closure, Wrapt])
def test_an_inherited_method_that_others_wrap_meanwhile(theirs):
    target = make_target()
    ours = Ours(target, "inherited")
    other = theirs(target, "inherited")
    ours.undo()
    assert target().inherited(1) == ["theirs", "inherited", 1]
    other.undo()
    assert target().inherited(1) == ["inherited", 1]
    ours.undo_again()
    assert target().inherited(1) == ["inherited", 1]


def test_a_mock_in_a_class_is_called_without_the_instance():
    target = make_target()
    with mock.patch.object(target, "method", return_value=["mock"]) as there:
        ours = Ours(target)
        assert seen(target) == ["ours", "mock"]
        there.assert_called_once_with(1)
        ours.undo()
        assert vars(target)["method"] is there


def test_a_partial_method():
    target = make_target()
    target.method = functools.partialmethod(target.method, 7)
    patches, original = Patches(), original_of(target, "method")
    patches.set(target, "method", lambda self: ["ours", *original(self)])
    assert target().method() == ["ours", "original", 7]
    patches.undo()
    assert target().method() == ["original", 7]


@pytest.mark.parametrize("name", ["static", "made"])
def test_static_methods_and_class_methods(name):
    target = make_target()
    own, kind = vars(target)[name], type(vars(target)[name])
    patches, original = Patches(), original_of(target, name)
    patches.set(target, name, kind(lambda *arguments: ["ours", *original(*arguments)]))
    kept = getattr(target, name)
    assert getattr(target(), name)(1)[0] == "ours"
    patches.undo()
    assert vars(target)[name] is own
    assert kept(1)[0] != "ours"


def test_a_property_that_others_replace_stays_theirs():
    target = make_target()
    patches = Patches()
    patches.set(target, "size", property(lambda self: 1))
    assert target().size == 1
    theirs = target.size = property(lambda self: 2)
    patches.undo()
    assert vars(target)["size"] is theirs
    patches = Patches()
    patches.set(target, "size", property(lambda self: 3))
    patches.undo()
    assert vars(target)["size"] is theirs


def test_a_value_is_restored_whatever_is_there():
    module = types.ModuleType("module")
    module.session = None
    patches = Patches()
    patches.set(module, "session", "ours")
    module.session = "of the test"
    patches.set(module, "added", 1)
    del module.added
    patches.undo()
    assert module.session is None
    assert not hasattr(module, "added")


@pytest.mark.parametrize("theirs", [None, Closure, Wrapt])
def test_a_method_of_one_instance(theirs):
    target = make_target()
    other = theirs(target) if theirs is not None else None
    owner, sibling = target(), target()
    patches, original = Patches(), original_of(owner, "method")
    patches.set(owner, "method", lambda number: ["ours", *original(number)])
    kept = owner.method
    assert owner.method(1) == ["ours", *sibling.method(1)]
    patches.undo()
    assert vars(owner) == {}
    assert kept(1) == sibling.method(1)
    if other is not None:
        other.undo()


def test_a_function_of_a_module():
    before = socket.getaddrinfo
    patches, original = Patches(), original_of(socket, "getaddrinfo")
    patches.set(socket, "getaddrinfo", lambda *args: ["ours", original])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *args: ["theirs"])
        patches.undo()
        assert socket.getaddrinfo("x") == ["theirs"]
    assert socket.getaddrinfo is not before
    patches.undo_again()
    assert socket.getaddrinfo is before


def test_a_variable_that_a_later_fixture_puts_back(monkeypatch):
    monkeypatch.setenv("A_VARIABLE", "of the process")
    monkeypatch.delenv("ANOTHER", raising=False)
    patches = Patches()
    patches.item(os.environ, "A_VARIABLE", None)
    patches.item(os.environ, "ANOTHER", "ours")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_VARIABLE", "of the test")
        patch.setenv("ANOTHER", "of the test")
        patches.undo()
    assert os.environ["ANOTHER"] == "ours"
    patches.undo_again()
    assert os.environ["A_VARIABLE"] == "of the process"
    assert "ANOTHER" not in os.environ


def test_every_step_of_undo_runs_and_the_first_error_is_raised():
    done = []

    def fail():
        done.append("failed")
        raise ValueError

    patches = Patches()
    patches.then(lambda: done.append("last"))
    patches.then(fail)
    with pytest.raises(ValueError):
        patches.undo()
    assert done == ["failed", "last"]
