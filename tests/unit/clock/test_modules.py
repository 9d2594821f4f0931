"""The looks at loaded modules: what a look notices, and which looks count for later ones."""

import sys
from types import ModuleType

import pytest

from pytest_lambda_esm.clock.modules import LoadedModules, ModuleMemo, loaded_modules

NAME = "a_module_of_this_test"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.setitem(sys.modules, NAME, ModuleType(NAME))
    monkeypatch.setitem(sys.modules, f"{NAME}_and_another", ModuleType(NAME))  # Not the last one.
    return sys.modules[NAME]


def change_global(monkeypatch, module):
    module.something = 1


def replace(monkeypatch, module):
    monkeypatch.setitem(sys.modules, NAME, ModuleType(NAME))


def remove(monkeypatch, module):
    monkeypatch.delitem(sys.modules, NAME)


def add(monkeypatch, module):
    monkeypatch.setitem(sys.modules, f"{NAME}_that_is_new", ModuleType(NAME))


@pytest.mark.parametrize("change", [change_global, replace, remove, add])
def test_a_look_notices(monkeypatch, module, change):
    loaded = LoadedModules()
    before = loaded.look()
    assert loaded.look() == before
    change(monkeypatch, module)
    assert loaded.look() == before + 1


@pytest.mark.parametrize("change", [change_global, replace, remove, add])
def test_the_first_of_several_looks_notices_what_came_before_it(monkeypatch, module, change):
    loaded = LoadedModules()
    before = loaded.look()
    with loaded.looking_once():
        change(monkeypatch, module)
        assert loaded.look() == before + 1


@pytest.mark.parametrize(("change", "noticed"), [(change_global, 0), (replace, 0), (remove, 1), (add, 1)])
def test_a_later_one_notices_only_modules_that_come_and_go(monkeypatch, module, change, noticed):
    loaded = LoadedModules()
    with loaded.looking_once():
        before = loaded.look()
        change(monkeypatch, module)
        assert loaded.look() == before + noticed
    assert loaded.look() == before + 1


def test_a_memo_examines_a_module_again_that_has_been_replaced_before_the_first_look(monkeypatch, module):
    memo = ModuleMemo(lambda name, namespace: [id(namespace)] if name == NAME else [])
    assert memo.findings() == [id(vars(module))]
    with loaded_modules().looking_once():
        replace(monkeypatch, module)
        assert memo.findings() == [id(vars(sys.modules[NAME]))] != [id(vars(module))]
