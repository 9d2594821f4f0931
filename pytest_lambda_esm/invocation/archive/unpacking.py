"""Unpacks deployment packages and layers into temporary folders, which are removed when the fake ends."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pytest_lambda_esm.clock.modules import import_watch
from pytest_lambda_esm.errors import HandlerError
from pytest_lambda_esm.invocation.archive.contents import (
    LARGEST_UNPACKED,
    BadArchive,
    NotAnArchive,
    unpack,
    unpacked_size,
)
from pytest_lambda_esm.invocation.configuration import Archive, FunctionConfiguration

_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The folders of a function's code: ``task`` is ``/var/task`` in Lambda, ``layers`` is ``/opt``."""

    task: Path
    layers: Path

    def holds(self, path: str) -> bool:
        """Return whether a path of Lambda's exists: in the code, in a layer, or among this machine's commands."""
        whole = PurePosixPath("/var/task", path)
        for folder, place in ((self.task, "/var/task"), (self.layers, "/opt")):
            if whole.is_relative_to(place):
                return (folder / whole.relative_to(place)).is_file()
        return Path(whole).is_file()

    def as_in_lambda(self, text: str) -> str:
        """Return a text with the paths that it would have in Lambda."""
        text = text.replace(str(self.task), "/var/task").replace(str(self.layers), "/opt")
        return text.replace(_STANDARD_LIBRARY, f"/var/lang/lib/python{sys.version_info[0]}.{sys.version_info[1]}")


class Unpacking:
    """The unpacked archives, by their contents, so that each is unpacked once."""

    def __init__(self) -> None:
        self._root: Path | None = None
        self._unpacked: dict[str, Unpacked] = {}

    def unpack(self, function: FunctionConfiguration) -> Unpacked:
        """Return the folders of a function's code.

        Raises HandlerError if the code is not a zip file, or cannot be unpacked: an entry would be written outside its
        folder, is damaged, or all of them are too large.
        """
        archive = function.archive
        assert archive is not None
        if archive.digest not in self._unpacked:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="lambda-esm-")).resolve()
                import_watch().keep_frozen(f"{self._root}{os.sep}")
            folder = self._root / hashlib.sha256(archive.digest.encode()).hexdigest()[:16]
            unpacked = Unpacked(folder / "task", folder / "opt")
            _check_size(archive, function.name)
            try:
                _extract(archive.content, unpacked.task, function.name)
                for layer in archive.layers:
                    _extract(layer, unpacked.layers, function.name)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._unpacked[archive.digest] = unpacked
        return self._unpacked[archive.digest]

    def remove(self) -> None:
        """Remove all folders."""
        if self._root is not None:
            import_watch().stop_keeping_frozen(f"{self._root}{os.sep}")
            shutil.rmtree(self._root, ignore_errors=True)


def _extract(content: bytes, folder: Path, function: str) -> None:
    try:
        unpack(content, folder)
    except NotAnArchive as problem:
        raise HandlerError(
            f"the function {function!r} was invoked, but it has no handler bound, and its code {problem}."
            f" Bind a handler: lambda_esm.function({function!r}, handler)."
        ) from None
    except BadArchive as problem:
        raise HandlerError(
            f"the archive of the function {function!r} {problem}. Build another one, or bind a handler:"
            f" lambda_esm.function({function!r}, handler)."
        ) from problem.__cause__


def _check_size(archive: Archive, function: str) -> None:
    size = sum(unpacked_size(content) or 0 for content in (archive.content, *archive.layers))
    if size > LARGEST_UNPACKED:
        raise HandlerError(
            f"the code of the function {function!r}, with its layers, has {size} bytes unpacked; Lambda accepts"
            f" {LARGEST_UNPACKED}. Nothing was unpacked; make the archive smaller, or bind a handler:"
            f" lambda_esm.function({function!r}, handler)."
        )
