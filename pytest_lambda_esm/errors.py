"""Every exception of this package.

AWS's own errors reach the code under test as botocore's ``ClientError``. The exceptions here are for the
test's author: a wrong use of this package, a thing this fake does not simulate, a request that would have
left the process. None of them is a botocore error, so code under test cannot mistake one for an answer of AWS.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import PurePath
from typing import Any, Final


class LambdaEsmError(Exception):
    """Base class of every exception that this package raises on its own behalf."""


class ConfigurationError(LambdaEsmError):
    """A configuration value, marker, option or argument that cannot be used; the text says where it came from."""


class ClockError(LambdaEsmError):
    """An impossible wish to the virtual clock: a negative step, a time in the past, a move from inside an event."""


class ClockLimitExceeded(ClockError):
    """``run_until`` or ``run_until_idle`` reached its limit; the text lists what is still pending, and why."""


class MappingNotFound(LambdaEsmError):
    """No mapping has the UUID or ARN that the test asked for."""


class StateError(LambdaEsmError):
    """A mapping cannot be held in, released from or forced into the state that the test asked for."""


class HandlerError(LambdaEsmError):
    """A handler cannot be imported or called, or a function has none bound."""


class NotSimulated(LambdaEsmError):
    """AWS has this, this fake does not simulate it. Never an answer of AWS: the text says what to do instead."""


class NetworkBlocked(LambdaEsmError):
    """An AWS request was about to leave the process while the fake was active."""


class FaultError(LambdaEsmError):
    """A fault that cannot be: an unknown operation, an error that it does not raise, a predicate that raises ..."""


class UnusedFault(LambdaEsmError, AssertionError):
    """A fault that the test asked for has never struck; the text says which calls came near and why not."""


class SweepFailed(LambdaEsmError, AssertionError):
    """A sweep found worlds in which the body broke, or calls that differ from run to run; the text is its report."""


class AlreadyActive(LambdaEsmError):
    """A second fake was started in a process that has one already, or a closed one was started again."""


class NotActive(LambdaEsmError):
    """A fake that is closed, or has not been started, was asked to do something; what is closed can only be read."""


class LambdaEsmAdvice(UserWarning):
    """A setup that AWS accepts and that is known to go wrong in production.

    The configuration field ``advice`` decides what happens: a warning, an error, or nothing.
    """


def nearest(name: object, candidates: Iterable[str]) -> str:
    """Say which of the candidates are meant by a misspelt name, as the end of an error text.

    Example: ``nearest("Enabeld", ["Enabled", "Disabled"])`` is ``"Did you mean 'Enabled'?"``. Where nothing is
    near, all candidates are listed. What was given need not be a text.
    """
    import difflib  # Only where something is misspelt: it takes a tenth of this package's share of a start.

    known = sorted(candidates)
    lowered = {candidate.lower(): candidate for candidate in known}
    close = [lowered[match] for match in difflib.get_close_matches(str(name).lower(), lowered, n=3, cutoff=0.6)]
    if close:
        return f"Did you mean {' or '.join(repr(match) for match in close)}?"
    return f"Known are: {', '.join(known)}."


def is_for_the_author(excinfo: Any) -> bool:
    """A ``__tracebackhide__`` for frames that API calls pass through: they matter in a bug of this package only."""
    return isinstance(excinfo.value, LambdaEsmError)


_TOOLS: Final = frozenset({"_pytest", "pytest", "unittest"})
"""The packages that catch for a test: ``pytest.raises(NetworkBlocked, call)``, ``assertRaises``."""


def caught_by_test(error: BaseException, files: Container[str]) -> bool:
    """Whether the frame that caught the exception is in one of the test's files, in a conftest.py or in a test tool.

    A traceback begins in that frame; ``assertRaises`` takes it off, which code under test has no reason to do.
    """
    trace = error.__traceback__
    if trace is None:
        return True
    frame = trace.tb_frame
    file = frame.f_code.co_filename
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return file in files or PurePath(file).name == "conftest.py" or package in _TOOLS
