"""Arguments that a method does not have: the error of the call names the right ones."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from pytest_lambda_esm.errors import nearest

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_UNEXPECTED: Final = re.compile(r"unexpected keyword argument '(\w+)'")


def suggesting(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Decorate a function so that a call with an unknown keyword argument names the nearest ones that it takes.

    The call raises TypeError as usual, at the user's line.
    """

    @functools.wraps(function)
    def checked(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            unknown = _UNEXPECTED.search(str(error))
            if unknown is None or _came_from_inside(error):
                raise
            takes = [name for name in inspect.signature(function).parameters if name != "self"]
            text = str(error).partition(". Did you mean")[0]
        raise TypeError(f"{text}. {nearest(unknown[1], takes)}")

    return checked


def _came_from_inside(error: TypeError) -> bool:
    """Whether the function itself began to run, so that the error is about another call."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is not None
