"""What every embedded cluster, broker and registry can do: refuse Lambda, notify pollers, and end with its fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from pytest_lambda_esm.errors import ConfigurationError, NotActive, nearest


class EmbeddedSource:
    """A cluster, broker or registry in memory. A subclass states what it is called, and why it can refuse."""

    noun: ClassVar[str]
    """``"a cluster"``, for error texts.

    :meta private:
    """
    refusals: ClassVar[tuple[str, ...]] = ("authentication", "authorization", "connection")
    """The reasons for which it can refuse Lambda."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._refusal: str | None = None
        self._closed: str | None = None

    def refuse(self, reason: str) -> None:
        """Refuse Lambda's pollers until :meth:`accept`, for one of :attr:`refusals`.

        Mappings stop polling and show the reason; in-flight batches complete. Raises ConfigurationError for another
        reason.
        """
        __tracebackhide__ = True
        self._check_open(f"refuse({reason!r})")
        if reason not in self.refusals:
            raise ConfigurationError(
                f"{self.noun} does not refuse for {reason!r}. {nearest(str(reason), self.refusals)}"
            )
        self._refusal = reason
        self.changed()

    def accept(self) -> None:
        """Accept Lambda's pollers again after :meth:`refuse`."""
        __tracebackhide__ = True
        self._check_open("accept()")
        self._refusal = None
        self.changed()

    # --- for pollers, of this package only ----------------------------------------------------------------

    @property
    def refusal(self) -> str | None:
        """Why pollers are refused now, or None.

        :meta private:
        """
        return self._refusal

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a listener after each change.

        :meta private:
        """
        self._listeners.append(listener)

    def stop_listening(self, listener: Callable[[], None]) -> None:
        """Call a listener no more.

        :meta private:
        """
        if listener in self._listeners:
            self._listeners.remove(listener)

    def changed(self) -> None:
        """Tell the listeners that something has changed.

        :meta private:
        """
        for listener in tuple(self._listeners):
            listener()

    def close(self, why: str) -> None:
        """Refuse every change from now on, with this text.

        :meta private:
        """
        self._closed = why

    # --- inside ------------------------------------------------------------------------------------------

    def _check_open(self, call: str) -> None:
        """Raise NotActive, at the user's line, if nothing can be changed any more."""
        __tracebackhide__ = True
        if self._closed is not None:
            raise NotActive(f"{call}: {self!r} {self._closed}")
