"""How a process's loggers are configured: taken down, and put back."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

_OF_THE_TREE: Final = frozenset({"_cache", "filters", "handlers", "level", "manager", "name", "parent"})
"""Attributes of a logger that say where it stands, and those that are kept by themselves."""


@dataclass(frozen=True, slots=True)
class LoggerState:
    """How one logger is configured; ``members`` are its other attributes, those that libraries note on it too."""

    logger: logging.Logger
    level: int
    handlers: list[logging.Handler]
    filters: list[Any]
    members: dict[str, Any]

    @classmethod
    def of(cls, logger: logging.Logger) -> LoggerState:
        """How it is configured now."""
        members = {name: value for name, value in vars(logger).items() if name not in _OF_THE_TREE}
        return cls(logger, logger.level, logger.handlers[:], logger.filters[:], members)

    @classmethod
    def untouched(cls, logger: logging.Logger) -> LoggerState:
        """How it was made."""
        return replace(cls.of(type(logger)(logger.name)), logger=logger)

    def put_back(self) -> None:
        """Configure it so again."""
        logger = self.logger
        logger.handlers[:], logger.filters[:] = self.handlers, self.filters
        members = vars(logger)
        for name in set(members) - _OF_THE_TREE - set(self.members):
            del members[name]
        members.update(self.members)
        if logger.level != self.level:
            logger.setLevel(self.level)


@dataclass(frozen=True, slots=True)
class LoggingState:
    """All loggers but the root, the level below which nothing is logged, and the handlers that logging knows of."""

    loggers: list[LoggerState]
    disabled: int
    handlers: list[Any]

    @classmethod
    def now(cls) -> LoggingState:
        """How it all is."""
        registry: Any = logging
        known = logging.root.manager.loggerDict.values()
        loggers = [LoggerState.of(logger) for logger in known if isinstance(logger, logging.Logger)]
        return cls(loggers, logging.root.manager.disable, registry._handlerList[:])

    def put_back(self) -> None:
        """Make it all so again; loggers and handlers that are newer stay as they are."""
        registry: Any = logging
        for state in self.loggers:
            state.put_back()
        logging.root.manager.disable = self.disabled
        registry._handlerList[:] = [*self.handlers, *self.newer()]
        named = ((handler.name, handler) for handler in (reference() for reference in self.handlers) if handler)
        registry._handlers.update((name, handler) for name, handler in named if name)

    def changed(self) -> list[tuple[LoggerState, LoggerState]]:
        """The loggers that are configured otherwise now, newer ones too: how they were, and how they are."""
        before = {state.logger: state for state in self.loggers}
        pairs = [
            (before.get(now.logger) or LoggerState.untouched(now.logger), now) for now in LoggingState.now().loggers
        ]
        return [(then, now) for then, now in pairs if then != now]

    def newer(self, handlers: Iterable[Any] | None = None) -> list[Any]:
        """The handlers that were not there then, as weak references: of those given, or of all."""
        registry: Any = logging
        known = {id(reference) for reference in self.handlers}
        return [one for one in (registry._handlerList if handlers is None else handlers) if id(one) not in known]
