"""Unpacks deployment packages and layers into temporary folders, which are removed when the fake ends.

Packages and layers that are folders of this machine are used where they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from pytest_lambda_esm.clock.modules import INSTALLED, import_watch
from pytest_lambda_esm.errors import HandlerError
from pytest_lambda_esm.invocation.archive.contents import (
    LARGEST_UNPACKED,
    BadArchive,
    NotAnArchive,
    unpack,
    unpacked_size,
)
from pytest_lambda_esm.invocation.configuration import Archive, FunctionConfiguration, SourceFolder

_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The folders of a function's code: ``task`` is ``/var/task`` in Lambda, ``layers`` is ``/opt``.

    ``folders`` are layers that are used where they are. ``is_local`` says whether the code itself is.
    """

    task: Path
    layers: Path
    folders: tuple[SourceFolder, ...] = ()
    is_local: bool = False

    @property
    def roots(self) -> tuple[str, ...]:
        """All folders, each with a separator at its end."""
        return tuple(f"{root}{os.sep}" for root in (self.task, self.layers, *(each.path for each in self.folders)))

    def import_path(self, runtime: str) -> list[str]:
        """Return the folders that Lambda has in ``sys.path``, as far as they exist here."""
        found = [self.task]
        for root in (self.layers, *(each.path for each in self.folders if not each.is_python)):
            found += [root / "python" / "lib" / runtime / "site-packages", root / "python"]
        found += [each.path for each in self.folders if each.is_python]
        return [str(folder) for folder in found if folder.is_dir()]

    @property
    def is_complete(self) -> bool:
        """Whether everything that Lambda finds in the package is here: a build adds what the source folder requires."""
        return not (self.is_local and any((self.task / name).is_file() for name in _MANIFESTS))

    def holds(self, path: str) -> bool:
        """Return whether a path of Lambda's exists: in the code, in a layer, or among this machine's commands."""
        whole = PurePosixPath("/var/task", path)
        if whole.is_relative_to("/var/task"):
            return (self.task / whole.relative_to("/var/task")).is_file()
        if whole.is_relative_to("/opt"):
            layers = (self.layers, *(each.path for each in self.folders))
            return any((layer / whole.relative_to("/opt")).is_file() for layer in layers)
        return Path(whole).is_file()

    def as_in_lambda(self, text: str) -> str:
        """Return a text with the paths that it would have in Lambda; source folders keep theirs, to be found here."""
        if self.is_local:
            return text
        text = text.replace(str(self.task), "/var/task").replace(str(self.layers), "/opt")
        return text.replace(_STANDARD_LIBRARY, f"/var/lang/lib/python{sys.version_info[0]}.{sys.version_info[1]}")


def owner_of(roots: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what tells whether a file belongs to code with these folders, and not to the test's own packages."""
    installed = tuple(folder for folder in INSTALLED if folder.startswith(roots))
    if not installed:
        return lambda file: file.startswith(roots)
    return lambda file: file.startswith(roots) and not file.startswith(installed)


_MANIFESTS: Final = ("requirements.txt", "pyproject.toml", "uv.lock")
"""Files that name the packages which ``sam build`` adds to the code of their folder."""


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
            self._unpacked[archive.digest] = self._unpack(archive, function.name)
        return self._unpacked[archive.digest]

    def _unpack(self, archive: Archive, function: str) -> Unpacked:
        zipped = [layer for layer in archive.layers if isinstance(layer, bytes)]
        folders = tuple(layer for layer in archive.layers if isinstance(layer, SourceFolder))
        local = archive.content.path if isinstance(archive.content, SourceFolder) else None
        folder = self._folder(archive) if zipped or local is None else Path(os.devnull)
        unpacked = Unpacked(local or folder / "task", folder / "opt", folders, local is not None)
        _check_size(archive, function)
        try:
            if isinstance(archive.content, bytes):
                _extract(archive.content, unpacked.task, function)
            for layer in zipped:
                _extract(layer, unpacked.layers, function)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return unpacked

    def _folder(self, archive: Archive) -> Path:
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="lambda-esm-")).resolve()
            import_watch().keep_frozen(f"{self._root}{os.sep}")
        return self._root / hashlib.sha256(archive.digest.encode()).hexdigest()[:16]

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
    contents = [each for each in (archive.content, *archive.layers) if isinstance(each, bytes)]
    size = sum(unpacked_size(content) or 0 for content in contents)
    if size > LARGEST_UNPACKED:
        raise HandlerError(
            f"the code of the function {function!r}, with its layers, has {size} bytes unpacked; Lambda accepts"
            f" {LARGEST_UNPACKED}. Nothing was unpacked; make the archive smaller, or bind a handler:"
            f" lambda_esm.function({function!r}, handler)."
        )
