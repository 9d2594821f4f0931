"""Exceptions that pass through pollers and the asynchronous queue to the test, and what these do then.

Code of the test runs in the middle of an event of the clock: handlers, hooks, the predicates of faults. Most exceptions
of a handler become function errors. Some are for the test: pytest's outcomes, KeyboardInterrupt, errors of this
package.
"""

from __future__ import annotations

from collections.abc import Callable


class Interruptions:
    """Keeps an exception that is for the test until the running event of the clock has ended.

    The part of the event that it ended has failed, in the way in which AWS's own failures end that part, and the rest
    of the event follows from this failure. The event then raises the exception. So nothing is left half done, and the
    simulation continues when the clock is moved again.
    """

    def __init__(self) -> None:
        self._in_event = False
        self._kept: BaseException | None = None

    @property
    def pending(self) -> bool:
        """Whether the running event will raise an exception, so that no more handlers should run in it."""
        return self._kept is not None

    def keep(self, error: BaseException) -> None:
        """Raise an exception at the end of the running event; the first one, if there are several.

        Raises it immediately outside of events.
        """
        if not self._in_event:
            raise error
        if self._kept is None:
            self._kept = error

    def event(self, action: Callable[[], None], mend: Callable[[], None]) -> Callable[[], None]:
        """Return an action for the clock that raises what was kept while it ran.

        ``mend()`` is called if ``action`` itself raises, which only a bug in this package causes. It must bring the
        owner of the event into a state from which it continues.
        """

        def run() -> None:
            __tracebackhide__ = True
            self._in_event = True
            try:
                action()
            except BaseException as error:
                self.keep(error)
                mend()
            finally:
                self._in_event = False
                kept, self._kept = self._kept, None
            if kept is not None:
                raise kept

        return run


def broken_off(error: BaseException) -> str:
    """Describe what an exception has ended, for the timeline and for explanations."""
    return f"broken off by {type(error).__name__}, which the test gets"
