"""How moto finds the method for a request, and the attributes of a queue, by their names.

moto turns the name of an operation or an attribute into a Python name, letter by letter, and lists all methods of a
service's class to see whether there is one of that name: for each request, and for each attribute of a queue.

* The Python name depends only on the name. It is kept.
* Nothing of the methods is kept: a name is looked up in the class, as it is when the request arrives.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``core.utils.camelcase_to_underscores`` and ``method_names_from_class``,
which ``core.responses`` and ``sqs.models`` call by these names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from functools import cache, lru_cache
from typing import Any, Final

from moto.core import responses, utils
from moto.sqs import models as sqs_models

from pytest_lambda_esm.patching import Patches

_MOST: Final = 4096
"""The most names that are kept; an AWS service has some hundred."""
_TO_PYTHON: Final = "camelcase_to_underscores"
_METHODS: Final = "method_names_from_class"


class _MethodNames(Collection[str]):
    """The names of a class's methods, looked up when asked for."""

    def __init__(self, owner: type, names: Callable[[type], Collection[str]]) -> None:
        self._owner = owner
        self._names = names

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and inspect.isfunction(getattr(self._owner, name, None))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names(self._owner))

    def __len__(self) -> int:
        return len(self._names(self._owner))


@cache
def _python_names(convert: Callable[[str], str]) -> Callable[[str], str]:
    return lru_cache(_MOST)(convert)


def install(patches: Patches) -> None:
    """Convert each operation's name once, and look only for its method. What is not moto's is left alone."""
    _convert_once(patches, responses)
    names = vars(responses).get(_METHODS)
    if names is not None and names is vars(utils).get(_METHODS):
        patches.set(responses, _METHODS, _lookup(names))


def install_queues(patches: Patches) -> None:
    """Convert the name of each attribute of queues once."""
    _convert_once(patches, sqs_models)


def _convert_once(patches: Patches, module: Any) -> None:
    convert = vars(module).get(_TO_PYTHON)
    if convert is not None and convert is vars(utils).get(_TO_PYTHON):
        patches.set(module, _TO_PYTHON, _python_names(convert))


def _lookup(names: Callable[[type], Collection[str]]) -> Any:
    def method_names_from_class(clazz: type) -> Collection[str]:
        return _MethodNames(clazz, names)

    return method_names_from_class
