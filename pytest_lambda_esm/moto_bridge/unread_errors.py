"""Which responses of Invoke with a function error have not been looked at.

Such a response has status 200 and raises nothing. One with a function error is therefore a dictionary that notes what
is read of it; all other responses stay what botocore made. Seen with botocore 1.36.0, 1.43.117 and 1.44.5: the parsed
response that ``BaseClient._make_request`` returns is what the caller gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

_OF_ERROR: Final = frozenset({"FunctionError", "Payload"})
_OF_STATUS: Final = frozenset({"StatusCode", "ResponseMetadata"})


class WatchedResponse(dict[str, Any]):
    """A response with a function error. ``sees_error`` says whether its reader may have noticed that."""

    __slots__ = ("sees_error", "sees_status")

    def __init__(self, parsed: Mapping[str, Any]) -> None:
        super().__init__(parsed)
        self.sees_error = False
        self.sees_status = False

    def _read(self, key: object) -> None:
        self.sees_error = self.sees_error or key in _OF_ERROR
        self.sees_status = self.sees_status or key in _OF_STATUS

    def __getitem__(self, key: str) -> Any:
        self._read(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._read(key)
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a member, as a dictionary does."""
        self._read(key)
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        """Remove and return a member, as a dictionary does."""
        self._read(key)
        return super().pop(key, *default)

    def __iter__(self) -> Any:
        self.sees_error = True
        return super().__iter__()

    def keys(self) -> Any:
        """Return the keys, as a dictionary does."""
        self.sees_error = True
        return super().keys()

    def values(self) -> Any:
        """Return the members, as a dictionary does."""
        self.sees_error = True
        return super().values()

    def items(self) -> Any:
        """Return the keys and members, as a dictionary does."""
        self.sees_error = True
        return super().items()

    def copy(self) -> dict[str, Any]:
        """Return a copy that notes nothing."""
        self.sees_error = True
        return super().copy()

    def __eq__(self, other: object) -> bool:
        self.sees_error = True
        return super().__eq__(other)

    __hash__ = None  # as dict has it


class UnreadErrors:
    """Watches responses. ``in_handler`` returns whether a handler runs, whose calls no test makes to check them."""

    def __init__(self, in_handler: Callable[[], object]) -> None:
        self._in_handler = in_handler
        self._watched: list[tuple[str, bool, WatchedResponse]] = []

    def watch(self, params: Mapping[str, Any], parsed: Any) -> Any:
        """Return what the caller of Invoke gets in place of the parsed response."""
        if not parsed.get("FunctionError"):
            return parsed
        watched = WatchedResponse(parsed)
        self._watched.append((str(params.get("FunctionName")), bool(self._in_handler()), watched))
        return watched

    def unread(self) -> list[str]:
        """Return the functions, as the callers named them, whose errors nobody has looked at.

        A response of which nothing was read counts only if a handler received it: a test may call a function for its
        effects.
        """
        return [
            function
            for function, in_handler, response in self._watched
            if not response.sees_error and (response.sees_status or in_handler)
        ]
