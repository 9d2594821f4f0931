"""What the modules of a test run have done to the root logger when they were imported.

In Lambda, the runtime's handler hangs on the root logger before the function's modules are imported. A module may add a
handler of its own, or replace the runtime's, as ``logging.config.dictConfig`` and ``basicConfig(force=True)`` do. In a
test run, pytest's handlers hang there while test modules are imported, so the same code has the same effect on them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_IN_LAMBDA: Final = "_lambda_esm_in_lambda"
"""An attribute of handlers: True if it replaces the runtime's handler, False if it is there in addition."""
_HIDDEN: Final = "powertools_handler"
"""The attribute of loggers of Powertools for AWS Lambda, which hide their records from the root logger's handlers."""
_SHOWN: Final = "POWERTOOLS_LOG_DEDUPLICATION_DISABLED"
"""The variable that turns this off."""


@contextmanager
def noting_imports() -> Iterator[None]:
    """Note which handlers the modules that are imported meanwhile add to the root logger."""
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        yield
    finally:
        # Without any handler, basicConfig adds one that it would not add in Lambda.
        if before and root.handlers != before:
            replaces = any(handler not in root.handlers for handler in before)
            for handler in root.handlers:
                if handler not in before:
                    setattr(handler, _IN_LAMBDA, replaces)


def of_a_module(handler: logging.Handler) -> bool:
    """Return whether a module added a handler of the root logger when it was imported, as it would in Lambda."""
    return _IN_LAMBDA in vars(handler)


def replaces_the_runtimes(handler: logging.Handler) -> bool:
    """Return whether a module replaced the handlers of the root logger by this one."""
    return bool(vars(handler).get(_IN_LAMBDA, False))


def hides_from_root(name: str) -> bool:
    """Return whether the records of a logger are hidden from the handlers of the root logger.

    Powertools adds a filter to these handlers when its Logger is created, which is usually before there is a fake.
    """
    known = logging.root.manager.loggerDict
    if os.environ.get(_SHOWN, "").lower() in ("1", "t", "true", "y", "yes", "on"):
        return False
    while name:
        logger = known.get(name)
        if isinstance(logger, logging.Logger) and _HIDDEN in vars(logger):
            return True
        name = name.rpartition(".")[0]
    return False
