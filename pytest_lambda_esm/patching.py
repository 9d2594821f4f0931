"""Replaces attributes and items of other packages, and restores them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_ABSENT: Final = object()


class Patches:
    """The changes made so far; :meth:`undo` reverts them in reverse order."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, owner: Any, name: str, value: Any) -> Any:
        """Set an attribute of a class, module or instance, and return the value it had, inherited or not.

        Undoing restores what was in ``vars(owner)``, such as a ``staticmethod`` object, and deletes what was not there.
        """
        own = vars(owner).get(name, _ABSENT)
        original = getattr(owner, name, None)
        setattr(owner, name, value)
        if own is _ABSENT:
            self._undo.append(lambda: delattr(owner, name))
        else:
            self._undo.append(lambda: setattr(owner, name, own))
        return original

    def item(self, mapping: Any, key: Any, value: Any) -> None:
        """Set an item of a mapping such as ``os.environ``; None removes it."""
        previous = mapping.get(key, _ABSENT)
        if value is None:
            mapping.pop(key, None)
        else:
            mapping[key] = value
        if previous is _ABSENT:
            self._undo.append(lambda: mapping.pop(key, None))
        else:
            self._undo.append(lambda: mapping.__setitem__(key, previous))

    def then(self, undo: Callable[[], None]) -> None:
        """Add a callable to what :meth:`undo` does."""
        self._undo.append(undo)

    def undo(self) -> None:
        """Revert everything, the last change first. Each step runs even if another fails; the first error is raised."""
        failure: BaseException | None = None
        while self._undo:
            try:
                self._undo.pop()()
            except BaseException as error:
                failure = failure or error
        if failure is not None:
            raise failure
