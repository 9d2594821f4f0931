"""Replacing attributes of other people's classes and modules, so that all of it is put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_ABSENT: Final = object()


class Patches:
    """The attributes replaced so far, put back in reverse order by :meth:`undo`."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, owner: Any, name: str, value: Any) -> Any:
        """Set an attribute of a class, module or instance; the value it had (inherited ones too) is returned."""
        own = vars(owner).get(name, _ABSENT)
        original = getattr(owner, name, None)
        setattr(owner, name, value)
        if own is _ABSENT:
            self._undo.append(lambda: delattr(owner, name))
        else:
            self._undo.append(lambda: setattr(owner, name, own))
        return original

    def item(self, mapping: Any, key: Any, value: Any) -> None:
        """Set an item of a mapping, such as ``os.environ``; None removes it."""
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
        """Remember something else that :meth:`undo` has to do."""
        self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back, the last change first; each step is tried even if another one fails."""
        failure: BaseException | None = None
        while self._undo:
            try:
                self._undo.pop()()
            except BaseException as error:
                failure = failure or error
        if failure is not None:
            raise failure
