"""The standard streams of the test's process, watched for what handlers write to them.

In Lambda, everything that a function's process writes to its standard output and error is in its log. Here, loggers
that were created when a module was imported hold the stream of that time: the process's own, or that of pytest's
capturing. The streams that may be meant are therefore watched: each write of a handler is recorded, and then goes where
it always went.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from pytest_lambda_esm.patching import Patches, original_of

STANDARD_DESCRIPTORS: Final = frozenset({1, 2})


class StandardStreams:
    """The watched streams. ``record`` is called with each text that is written to one of them."""

    def __init__(self, record: Callable[[str], None]) -> None:
        self._record = record
        self._watched: dict[int, Any] = {}
        self._patches: Patches | None = None
        self._thread = _Thread()

    def install(self, patches: Patches, streams: Iterable[Any]) -> None:
        """Watch the process's standard streams, and the given ones, until ``patches`` are undone."""
        self._patches = patches
        patches.then(self._remove)
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__, *streams):
            self.watch(stream)
        write = original_of(os, "write")

        def recording_write(descriptor: int, data: Any) -> int:
            written: int = write(descriptor, data)
            if descriptor in STANDARD_DESCRIPTORS:
                self.note(bytes(data)[:written].decode(errors="replace"))
            return written

        patches.set(os, "write", recording_write)

    def _remove(self) -> None:
        self._patches = None
        self._watched.clear()

    def watches(self, stream: Any) -> bool:
        """Return whether a stream is watched."""
        return id(stream) in self._watched

    def watch(self, stream: Any) -> None:
        """Watch a stream, unless it is watched already or cannot be. Does nothing before :meth:`install`."""
        if stream is None or self._patches is None or id(stream) in self._watched:
            return
        self._watched[id(stream)] = stream  # A reference, so that the id stays taken.
        buffer = getattr(stream, "buffer", None)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            # Below the text, since a library may keep the method ``write`` of the stream itself.
            self._watch_writes(stream if buffer is None else buffer, encoding)
        except (AttributeError, TypeError):  # The object takes no attributes.
            del self._watched[id(stream)]
            return
        if buffer is not None:
            self._write_through(stream)
            if getattr(type(stream), "write", None) is not io.TextIOWrapper.write:
                self._watch_writes(stream, encoding)  # It may also write to another watched stream, and counts once.

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Record nothing that this thread writes meanwhile."""
        self._thread.silent += 1
        try:
            yield
        finally:
            self._thread.silent -= 1

    def _watch_writes(self, owner: Any, encoding: str) -> None:
        assert self._patches is not None
        write = original_of(owner, "write")

        def recording_write(data: Any) -> Any:
            with self.unrecorded():
                written = write(data)
            self.note(data if isinstance(data, str) else bytes(data).decode(encoding, "replace"))
            return written

        self._patches.set(owner, "write", recording_write)

    def _write_through(self, stream: Any) -> None:
        """Let a text stream hand over what is written at once, so that it belongs to the invocation that wrote it."""
        if getattr(stream, "write_through", True):
            return
        assert self._patches is not None
        stream.reconfigure(write_through=True)

        def restore() -> None:
            with suppress(ValueError):  # It has been closed.
                stream.reconfigure(write_through=False)

        self._patches.then(restore)

    def note(self, text: str) -> None:
        """Record a text, unless the calling thread is in :meth:`unrecorded`."""
        if not self._thread.silent:
            self._record(text)


class _Thread(threading.local):
    """How many calls of :meth:`StandardStreams.unrecorded` the calling thread is in."""

    def __init__(self) -> None:
        self.silent = 0
