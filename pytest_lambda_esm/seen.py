"""Whether a test has seen an exception of this package, or the code under test has swallowed it."""

from __future__ import annotations

from collections.abc import Container
from pathlib import PurePath
from typing import Final

_TOOLS: Final = frozenset({"_pytest", "pytest", "unittest"})
"""The packages that catch for a test: ``pytest.raises(NetworkBlocked, call)``, ``assertRaises``."""


def was_seen(error: BaseException, files: Container[str]) -> bool:
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
