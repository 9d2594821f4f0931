"""What a zip file contains, checked before anything is written: sizes, names, and entries that exclude each other.

Sizes come from the archive's directory, so an archive that unpacks to terabytes is refused without reading it. zipfile
never reads more of an entry than the directory says.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

LARGEST_UNPACKED: Final = 262_144_000
"""The most bytes of a function's code and its layers, unpacked."""
_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 4_096 - len("/var/task/")
_ENCRYPTED: Final = 0x1


class BadArchive(Exception):
    """An archive that cannot be unpacked; the text continues a sentence about the archive."""


class NotAnArchive(BadArchive):
    """The content is not a zip file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder or a symbolic link of an archive, and its place."""

    info: zipfile.ZipInfo
    path: PurePosixPath

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.info.is_dir()

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link, whose content is its target."""
        return stat.S_ISLNK(self.info.external_attr >> 16)


def unpacked_size(content: bytes) -> int | None:
    """Return how many bytes an archive has unpacked, or None if it is not a zip file."""
    try:
        return sum(info.file_size for info in _opened(content).infolist())
    except NotAnArchive:
        return None


def unpack(content: bytes, folder: Path) -> None:
    """Write an archive into a folder. Raises BadArchive; part of it may have been written by then."""
    archive = _opened(content)
    entries = _checked(archive.infolist())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            _write(archive, entry, folder)
        for entry in entries:
            _check_link(entry, folder)
    except (OSError, UnicodeError) as error:
        raise BadArchive(f"cannot be unpacked here: {error}") from error


def _opened(content: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except Exception as error:  # Damaged archives raise errors of many kinds, from struct.error to NotImplementedError.
        raise NotAnArchive(f"is not a zip file ({error})") from None


def _checked(infos: Sequence[zipfile.ZipInfo]) -> list[Entry]:
    """Return the entries. Raises BadArchive for one that Linux could not unpack into a folder of its own."""
    entries = [Entry(info, _place(info)) for info in infos]
    files = {entry.path for entry in entries if not entry.is_folder}
    folders = {folder for entry in entries for folder in _folders(entry)}
    for path in files & folders:
        raise BadArchive(f"has an entry that is both a file and a folder: {str(path)!r}")
    return entries


def _folders(entry: Entry) -> Iterator[PurePosixPath]:
    yield from entry.path.parents
    if entry.is_folder:
        yield entry.path


def _place(info: zipfile.ZipInfo) -> PurePosixPath:
    name = info.filename
    as_windows = PurePosixPath(name.replace("\\", "/"))
    path = PurePosixPath(name)
    leaves = as_windows.is_absolute() or ".." in as_windows.parts or any(":" in part for part in as_windows.parts[:1])
    if leaves or not (path.parts or info.is_dir()):
        raise BadArchive(f"has an entry outside its folder: {name!r}")
    size = len(os.fsencode(str(path)))
    if size > _LONGEST_PATH or any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts):
        raise BadArchive(f"has an entry whose name is too long: {name[:40]!r}... of {size} bytes")
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive(f"has an encrypted entry: {name!r}")
    return path


def _write(archive: zipfile.ZipFile, entry: Entry, folder: Path) -> None:
    target = folder / entry.path
    if entry.is_folder:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # Of two entries with one name, the last counts.
    if entry.is_link:
        target.symlink_to(os.fsdecode(_content(archive, entry)))
        return
    with target.open("xb") as file:
        try:
            with archive.open(entry.info) as content:
                shutil.copyfileobj(content, file)
        except OSError:
            raise
        except Exception as error:  # As above; also zlib.error, EOFError and a checksum that differs.
            raise _damaged(entry, error) from None


def _content(archive: zipfile.ZipFile, entry: Entry) -> bytes:
    if entry.info.file_size > _LONGEST_PATH:
        raise _damaged(entry, "a link to such a long path")
    try:
        return archive.read(entry.info)
    except Exception as error:
        raise _damaged(entry, error) from None


def _damaged(entry: Entry, problem: object) -> BadArchive:
    return BadArchive(f"has a damaged entry: {entry.info.filename!r} ({problem})")


def _check_link(entry: Entry, folder: Path) -> None:
    """Refuse a link out of the folder. All links exist by now, so chains of them are seen to their end."""
    if entry.is_link:
        end = os.path.realpath(folder / entry.path)
        if not f"{end}{os.sep}".startswith(f"{os.path.realpath(folder)}{os.sep}"):
            raise BadArchive(f"has a link out of its folder: {entry.info.filename!r}")
