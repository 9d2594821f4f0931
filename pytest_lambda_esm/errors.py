"""Every exception of this package, suggestions for misspelt names, texts for terminals, and caught exceptions.

AWS's errors reach the code under test as botocore's ``ClientError``. The exceptions here are for the author of the
test: wrong use of this package, something that the fake does not simulate, a request that would have left the process.
None of them is a botocore error, so code under test cannot mistake one for a response of AWS.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Iterable
from pathlib import PurePath
from typing import Any, Final

_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls except tabs and line feeds
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks
    "\u2028\u2029\ufff9-\ufffb\ud800-\udfff]"  # separators, interlinear annotations, surrogates
)


class LambdaEsmError(Exception):
    """Base class of every exception that this package defines.

    Its text may quote texts of code under test, so characters that would control a terminal are shown as escapes.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(each) if isinstance(each, str) else each for each in args))


class ConfigurationError(LambdaEsmError):
    """An invalid configuration value, marker, option or argument; the text says where it came from."""


class ClockError(LambdaEsmError):
    """An invalid clock operation: a negative time span, a time in the past, a move from inside an event."""


class ClockLimitExceeded(ClockError):
    """``run_until`` or ``run_until_idle`` reached its limit, or code under test sleeps in an endless loop.

    The text lists what is still pending and what waits for the test.
    """


class MappingNotFound(LambdaEsmError):
    """No mapping has the UUID or ARN that the test asked for."""


class StateError(LambdaEsmError):
    """A mapping cannot be held in, released from or forced into the state that the test asked for."""


class HandlerError(LambdaEsmError):
    """A handler cannot be imported or called, or a function has no handler."""


class NotSimulated(LambdaEsmError):
    """A feature of AWS that the fake does not simulate; the text says what to do instead."""


class DeployError(LambdaEsmError):
    """A template cannot be deployed; the text names its file, the line where known, and the logical id."""


class NetworkBlocked(LambdaEsmError):
    """An AWS request was about to leave the process while the fake was active."""


class FaultError(LambdaEsmError):
    """An invalid fault: an unknown operation, an error that it does not raise, a predicate that raises ..."""


class UnusedFault(LambdaEsmError, AssertionError):
    """A fault of the test never struck; the text says which calls came close, and why they did not match."""


class UnexpectedHandlerError(LambdaEsmError, AssertionError):
    """With ``handler_errors = "fail"``: a handler failed in a way that the test neither scripted nor expected."""


class SweepFailed(LambdaEsmError, AssertionError):
    """A sweep found runs in which the body failed, or calls that differ between runs; the text is its report."""


class ExplorationFailed(LambdaEsmError, AssertionError):
    """An exploration found worlds in which the body failed, or did something else each time; the text is its report."""


class NotIdempotent(LambdaEsmError, AssertionError):
    """A second delivery changes what remains; the text has the first difference and the markers that replay it."""


class AlreadyActive(LambdaEsmError):
    """A second fake was started in a process that has one already, or a closed fake was started again."""


class NotActive(LambdaEsmError):
    """A fake was used before it was started or after it was closed. A closed fake can only be read."""


class LambdaEsmAdvice(UserWarning):
    """A setup that AWS accepts and that is known to cause problems in production.

    The setting ``advice`` decides whether it is a warning, an error, or ignored, and ``advice_ignore`` names the codes
    that are ignored. The text begins with its code; the reference has a page for each one.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(each) if isinstance(each, str) else each for each in args))

    @property
    def code(self) -> str:
        """The code of the advice, such as ``"ESM106"``."""
        return str(self).partition(":")[0]


def nearest(name: object, candidates: Iterable[str]) -> str:
    """Return a suggestion for a misspelt name, to end an error text with.

    ``nearest("Enabeld", ["Enabled", "Disabled"])`` returns ``"Did you mean 'Enabled'?"``. If nothing is similar, it
    lists all candidates. ``name`` need not be a string.
    """
    import difflib  # Imported only here: it takes a tenth of the time that this package adds to pytest's start.

    known = sorted(candidates)
    same = [candidate for candidate in known if _letters(candidate) == _letters(name)]
    if len(same) == 1:  # Only the spelling differs: "sqs:sendMessage", "create_queue".
        return f"Did you mean {same[0]!r}?"
    lowered = {candidate.lower(): candidate for candidate in known}
    words = sorted(re.split("[_ -]+", str(name).lower()))
    turned = [each for each in known if len(words) > 1 and sorted(re.split("[_ -]+", each.lower())) == words]
    if turned:  # ignore_advice for advice_ignore.
        return f"Did you mean {' or '.join(repr(match) for match in turned)}?"
    close = [lowered[match] for match in difflib.get_close_matches(str(name).lower(), lowered, n=3, cutoff=0.6)]
    if close:
        return f"Did you mean {' or '.join(repr(match) for match in close)}?"
    return f"Known are: {', '.join(known)}."


def _letters(name: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def is_for_the_author(excinfo: Any) -> bool:
    """A ``__tracebackhide__`` for frames of API calls: hide them unless the error is a bug in this package."""
    return isinstance(excinfo.value, LambdaEsmError)


def ends_the_run(error: BaseException) -> bool:
    """Return whether this is what ``pytest.exit()`` raises: an Exception, unlike pytest's other outcomes.

    It passes through everything, as a KeyboardInterrupt does.
    """
    pytest: Any = sys.modules.get("pytest")
    return pytest is not None and isinstance(error, pytest.exit.Exception)


_TOOLS: Final = frozenset({"_pytest", "pytest", "unittest"})
"""The packages that catch exceptions for a test: ``pytest.raises(NetworkBlocked, call)``, ``assertRaises``."""


def caught_by_test(error: BaseException, files: Container[str]) -> bool:
    """Whether an exception was caught in one of the test's ``files``, in a conftest.py or in a test tool.

    A traceback starts in the frame that caught the exception. ``assertRaises`` removes the traceback, which code under
    test has no reason to do.
    """
    trace = error.__traceback__
    if trace is None:
        return True
    frame = trace.tb_frame
    file = frame.f_code.co_filename
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return file in files or PurePath(file).name == "conftest.py" or package in _TOOLS


def printable(text: str) -> str:
    """Return a text with each character that must not reach a terminal as its escape, such as ``\\x1b``.

    A terminal would obey an escape sequence in a text of code under test, bidirectional marks would show it in another
    order, and a lone surrogate cannot be written to a file.
    """
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
