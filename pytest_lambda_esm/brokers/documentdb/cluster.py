"""A DocumentDB cluster, as a test and the pollers see it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pytest_lambda_esm.brokers.documentdb.changes import Change, ChangeLog
from pytest_lambda_esm.brokers.documentdb.collection import Access, DocumentDBCollection
from pytest_lambda_esm.brokers.documentdb.extended_json import ObjectId
from pytest_lambda_esm.brokers.embedded import EmbeddedSource
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.timing import MICROSECONDS, Span, microseconds

_DATABASE: Final = re.compile(r'[^ /\\.$"\0]{1,63}')
_COLLECTION: Final = re.compile(r"(?!system\.)[_a-zA-Z0-9][^$\0]{0,56}")
_SHORTEST: Final = 3600 * MICROSECONDS
_LONGEST: Final = 7 * 24 * 3600 * MICROSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What clusters need from the simulation.

    ``now()`` is the time of the code that runs, in microseconds since the epoch. ``depth()`` is how many invocations,
    each caused by the one before, led to that code. ``changed(arn)`` is called after each change of a cluster,
    ``sent`` with its ARN and the resume token of each change event.
    """

    now: Callable[[], int]
    depth: Callable[[], int]
    changed: Callable[[str], None]
    sent: Callable[[str, str], None] = lambda cluster, token: None


class DocumentDBCluster(EmbeddedSource):
    """A DocumentDB cluster in memory, made with ``lambda_esm.documentdb(...)``; mappings of it are polled.

    It has collections of documents and a log of their changes, which is kept for 3 hours. Change streams are enabled
    for all collections from the start. There are no queries, indexes and transactions.
    """

    noun = "a cluster"

    def __init__(self, arn: str, surroundings: Surroundings) -> None:
        super().__init__()
        self.listen(lambda: surroundings.changed(arn))
        self._arn = arn
        self._surroundings = surroundings
        self._collections: dict[tuple[str, str], DocumentDBCollection] = {}
        self._enabled = [("", "", True)]
        self._ids = 0
        self._retention = 3 * _SHORTEST
        self._log = ChangeLog()

    def __repr__(self) -> str:
        return f"<DocumentDBCluster {self._arn}>"

    @property
    def arn(self) -> str:
        """The cluster's ARN, for ``EventSourceArn``."""
        return self._arn

    @property
    def retention(self) -> timedelta:
        """How long change events are kept."""
        return timedelta(microseconds=self._retention)

    def collection(self, database: str, name: str) -> DocumentDBCollection:
        """Return a collection, which is created with its database if it does not exist.

        Raises ConfigurationError for names that DocumentDB refuses.
        """
        __tracebackhide__ = True
        call = f"collection({database!r}, {name!r})"
        self._check_open(call)
        if not isinstance(database, str) or not _DATABASE.fullmatch(database):
            raise ConfigurationError(
                f"{call}: a database's name has up to 63 characters, and no spaces, dots, slashes, quotes and '$'"
            )
        if not isinstance(name, str) or not _COLLECTION.fullmatch(name):
            raise ConfigurationError(
                f"{call}: a collection's name has up to 57 characters and no '$'; it begins with a letter, a digit or"
                " '_', and not with 'system.'"
            )
        if (database, name) not in self._collections:
            access = Access(self._check_open, self._write, self._new_id)
            self._collections[database, name] = DocumentDBCollection(database, name, access)
            self.changed()
        return self._collections[database, name]

    @property
    def collections(self) -> list[DocumentDBCollection]:
        """The collections that were asked for or written to.

        :meta private:
        """
        return list(self._collections.values())

    def modify_change_streams(self, *, enable: bool, database: str = "", collection: str = "") -> None:
        """Enable or disable change streams, as the command ``modifyChangeStreams`` does.

        Without a collection, this concerns all of a database; without a database, all of them. Writes to a collection
        whose change stream is disabled have no events, and mappings of it show that they cannot read. Raises
        ConfigurationError for a collection without a database.
        """
        __tracebackhide__ = True
        call = f"modify_change_streams(enable={enable!r})"
        self._check_open(call)
        if collection and not database:
            raise ConfigurationError(f"{call}: the collection {collection!r} needs the name of its database")
        self._enabled.append((database, collection, bool(enable)))
        self.changed()

    def set_retention(self, retention: Span) -> None:
        """Set how long change events are kept (``change_stream_log_retention_duration``): an hour to 7 days.

        ``retention`` is in seconds or a timedelta. Raises ConfigurationError for other values.
        """
        __tracebackhide__ = True
        call = f"set_retention({retention!r})"
        self._check_open(call)
        try:
            span = microseconds(retention)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"{call}: {error}") from None
        if not _SHORTEST <= span <= _LONGEST:
            raise ConfigurationError(f"{call}: change events are kept for an hour to 7 days")
        self._retention = span
        self.changed()

    # --- for pollers, of this package only ----------------------------------------------------------------

    @property
    def log(self) -> ChangeLog:
        """The change events.

        :meta private:
        """
        return self._log

    @property
    def log_retention(self) -> int:
        """How long change events are kept, in microseconds.

        :meta private:
        """
        return self._retention

    def has(self, collection: object) -> bool:
        """Whether an object is one of the cluster's collections.

        :meta private:
        """
        return any(each is collection for each in self._collections.values())

    def exists(self, database: str, collection: str | None) -> bool:
        """Whether there is a collection, or a database if no collection is given.

        :meta private:
        """
        return any(known == database and collection in (None, name) for known, name in self._collections)

    def has_change_stream(self, database: str, collection: str | None) -> bool:
        """Whether change streams are enabled; the last command that concerns the collection decides.

        :meta private:
        """
        places = {("", ""), (database, ""), (database, collection or "")}
        return next(enabled for *place, enabled in reversed(self._enabled) if tuple(place) in places)

    def look_up(self, database: str, collection: str, document_id: Any) -> Any:
        """Return a document in extended JSON as it is now, or None.

        :meta private:
        """
        return self._collections[database, collection].look_up(document_id)

    # --- inside ------------------------------------------------------------------------------------------

    def _write(self, change: Change) -> None:
        if self.has_change_stream(change.database, change.collection):
            self._log.append(change, self._surroundings.now(), self._surroundings.depth())
            self._surroundings.sent(self._arn, self._log.events[-1].token)
            self.changed()

    def _new_id(self) -> ObjectId:
        """Return an ObjectId: the time, five bytes of the cluster, and a number."""
        self._ids += 1
        seconds = self._surroundings.now() // MICROSECONDS
        of_cluster = hashlib.sha256(self._arn.encode()).hexdigest()[:10]
        return ObjectId(f"{seconds:08x}{of_cluster}{self._ids:06x}")
