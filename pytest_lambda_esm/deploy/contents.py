"""The contents of source folders, as one hash each: ``sam package`` names the code of a function after it.

A function with ``AutoPublishAlias`` has another version for other contents. Nothing else depends on them, since code
runs where it is; so only the folders of such functions are read, each once per deployment.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_NO_CODE: Final = ("__pycache__",)
_BYTECODE: Final = ".pyc"
_BLOCK: Final = 1 << 20


class Contents:
    """The hashes of one deployment; ``digests`` are those that it has read, by path."""

    def __init__(self) -> None:
        self.digests: dict[Path, str] = {}

    def digest(self, path: Path) -> str:
        """Return the SHA-256 of a file, or of a folder's files and their names, as hexadecimal text.

        Folders whose names start with a dot, such as ``.git``, and bytecode do not count: a test run changes them.
        """
        if path not in self.digests:
            whole = hashlib.sha256()
            for file in sorted(_files(path)) if path.is_dir() else [path]:
                whole.update(f"{file.relative_to(path).as_posix()}\0{_digest_of_file(file)}\0".encode())
            self.digests[path] = whole.hexdigest()
        return self.digests[path]


def _files(folder: Path) -> Iterator[Path]:
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NO_CODE]
        real = os.path.realpath(place)
        if real in seen:  # A link to a folder around it.
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(place, name) for name in files if not name.endswith(_BYTECODE))


def _digest_of_file(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                digest.update(block)
    except OSError:  # A broken link, or a file without a right to read it: its name counts.
        return ""
    return digest.hexdigest()
