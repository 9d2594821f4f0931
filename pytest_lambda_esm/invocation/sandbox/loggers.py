"""The configuration of a process's loggers: saved, compared and restored."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

_SEPARATE: Final = frozenset({"_cache", "filters", "handlers", "level", "manager", "name", "parent"})
"""Attributes of a logger that :class:`LoggerState` stores separately, or that place it in the hierarchy."""


@dataclass(frozen=True, slots=True)
class LoggerState:
    """The configuration of one logger; ``members`` are its other attributes, including those that libraries add."""

    logger: logging.Logger
    level: int
    handlers: list[logging.Handler]
    filters: list[Any]
    members: dict[str, Any]

    @classmethod
    def current(cls, logger: logging.Logger) -> LoggerState:
        """Return the current configuration of a logger."""
        members = {name: value for name, value in vars(logger).items() if name not in _SEPARATE}
        return cls(logger, logger.level, logger.handlers[:], logger.filters[:], members)

    @classmethod
    def untouched(cls, logger: logging.Logger) -> LoggerState:
        """Return the configuration that a logger has when it is created."""
        return replace(cls.current(type(logger)(logger.name)), logger=logger)

    def restore(self) -> None:
        """Give the logger this configuration again."""
        logger = self.logger
        logger.handlers[:], logger.filters[:] = self.handlers, self.filters
        members = vars(logger)
        for name in set(members) - _SEPARATE - set(self.members):
            del members[name]
        members.update(self.members)
        if logger.level != self.level:
            logger.setLevel(self.level)


@dataclass(frozen=True, slots=True)
class LoggingState:
    """The configuration of all loggers but the root.

    ``disabled`` is the argument of ``logging.disable``; ``handlers`` are weak references to all handlers that exist.
    """

    loggers: list[LoggerState]
    disabled: int
    handlers: list[Any]

    @classmethod
    def current(cls) -> LoggingState:
        """Return the current configuration."""
        registry: Any = logging
        entries = logging.root.manager.loggerDict.values()
        loggers = [LoggerState.current(logger) for logger in entries if isinstance(logger, logging.Logger)]
        return cls(loggers, logging.root.manager.disable, registry._handlerList[:])

    def restore(self) -> None:
        """Restore this configuration, without handlers that no longer exist; newer loggers and handlers stay."""
        registry: Any = logging
        for state in self.loggers:
            state.restore()
        logging.root.manager.disable = self.disabled
        # logging removes the reference to a handler that dies from its list, but not from a copy of the list.
        alive = [(reference, handler) for reference in self.handlers if (handler := reference()) is not None]
        registry._handlerList[:] = [*(reference for reference, _ in alive), *self.newer()]
        registry._handlers.update((handler.name, handler) for _, handler in alive if handler.name)

    def changed(self) -> list[tuple[LoggerState, LoggerState]]:
        """Return the loggers whose configuration has changed, newer ones included, as (before, now)."""
        before = {state.logger: state for state in self.loggers}
        pairs = [
            (before.get(now.logger) or LoggerState.untouched(now.logger), now) for now in LoggingState.current().loggers
        ]
        return [(old, now) for old, now in pairs if old != now]

    def newer(self, handlers: Iterable[Any] | None = None) -> list[Any]:
        """Return the weak references to handlers created since then: of those given, or of all."""
        registry: Any = logging
        known = {id(reference) for reference in self.handlers}
        candidates = registry._handlerList if handlers is None else handlers
        return [reference for reference in candidates if id(reference) not in known]
