"""A collection of documents, as a test writes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.brokers.documentdb import documents
from pytest_lambda_esm.brokers.documentdb.changes import Change
from pytest_lambda_esm.brokers.documentdb.extended_json import ObjectId, encode, id_text
from pytest_lambda_esm.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Access:
    """What a collection needs from its cluster.

    ``check(call)`` raises if the cluster cannot be used any more, ``write(change)`` logs a change, and ``new_id()``
    returns the ``_id`` of a document that has none.
    """

    check: Callable[[str], None]
    write: Callable[[Change], None]
    new_id: Callable[[], ObjectId]


class DocumentDBCollection:
    """A collection of a DocumentDB cluster, made with ``cluster.collection(database, name)``.

    Documents are dictionaries of texts, numbers, booleans, None, datetimes, bytes, lists and dictionaries, and of the
    types of ``bson`` where pymongo is installed. Each write adds a change event to the cluster's change stream.
    """

    def __init__(self, database: str, name: str, access: Access) -> None:
        self._database = database
        self._name = name
        self._access = access
        self._documents: dict[str, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"<DocumentDBCollection {self._database}.{self._name}>"

    @property
    def database(self) -> str:
        """The name of its database, as in ``DatabaseName`` of a mapping."""
        return self._database

    @property
    def name(self) -> str:
        """Its name, as in ``CollectionName`` of a mapping."""
        return self._name

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Copies of its documents, in the order in which they were inserted."""
        return [deepcopy(document) for document in self._documents.values()]

    def insert(self, document: Mapping[str, Any]) -> Any:
        """Insert a document, and return its ``_id``.

        A document without ``_id`` gets an ObjectId: a text of 24 hexadecimal digits, which events show as
        ``{"$oid": ...}``. To state one, use ``bson.ObjectId`` or ``{"$oid": "..."}``. Raises ConfigurationError for an
        ``_id`` that exists, and for values that no document has.
        """
        __tracebackhide__ = True
        call = "insert()"
        self._access.check(call)
        stored = self._copied(call, document)
        identified = {"_id": stored.pop("_id") if "_id" in stored else self._access.new_id(), **stored}
        key = id_text(call, identified["_id"])
        if key in self._documents:
            raise ConfigurationError(f"{call}: {self!r} has a document with the _id {key} already")
        content = encode(call, identified)
        self._documents[key] = identified
        self._write("insert", content["_id"], document=content)
        return identified["_id"]

    def update(self, filter_or_id: Any, changes: Mapping[str, Any]) -> None:
        """Update the first document that matches.

        ``filter_or_id`` is an ``_id``, or a dictionary of fields and their values. ``changes`` are fields and their
        new values, or the operators ``$set``, ``$unset``, ``$inc`` and ``$push``; names of inner fields have dots. An
        update that changes nothing has no event. Raises ConfigurationError if no document matches.
        """
        __tracebackhide__ = True
        call = f"update({filter_or_id!r:.80})"
        key = self._find(call, filter_or_id)
        changed, difference = documents.updated(call, self._documents[key], changes)
        if not difference.updated and not difference.removed:
            return
        content, description = encode(call, changed), difference.description(call)
        self._documents[key] = changed
        self._write("update", content["_id"], description=description)

    def replace(self, filter_or_id: Any, document: Mapping[str, Any]) -> None:
        """Replace the first document that matches; it keeps its ``_id``. Raises ConfigurationError if there is none."""
        __tracebackhide__ = True
        call = f"replace({filter_or_id!r:.80})"
        key = self._find(call, filter_or_id)
        replaced = {"_id": self._documents[key]["_id"], **self._copied(call, document)}
        if id_text(call, replaced["_id"]) != key:
            raise ConfigurationError(f"{call}: the _id of a document never changes; leave it out")
        content = encode(call, replaced)
        self._documents[key] = replaced
        self._write("replace", content["_id"], document=content)

    def delete(self, filter_or_id: Any) -> None:
        """Delete the first document that matches. Raises ConfigurationError if there is none."""
        __tracebackhide__ = True
        call = f"delete({filter_or_id!r:.80})"
        key = self._find(call, filter_or_id)
        document = self._documents.pop(key)
        self._write("delete", encode(call, document["_id"]))

    def look_up(self, document_id: Any) -> Any:
        """Return a document in extended JSON by its ``_id`` in extended JSON, or None.

        :meta private:
        """
        document = self._documents.get(id_text("lookup", document_id))
        return encode("lookup", document) if document is not None else None

    def _find(self, call: str, given: Any) -> str:
        """Return the key of the first document that matches."""
        __tracebackhide__ = True
        self._access.check(call)
        if not documents.is_filter(given):
            key = id_text(call, given)
            found = key if key in self._documents else self._as_object_id(given)
        else:
            found = next((key for key, each in self._documents.items() if documents.matches(call, each, given)), None)
        if found is None:
            known = ", ".join(list(self._documents)[:5]) or "none"
            raise ConfigurationError(f"{call}: {self!r} has no such document. The _id of its documents: {known}")
        return found

    def _as_object_id(self, given: Any) -> str | None:
        """Return the key of a document whose ObjectId is given as text."""
        key = id_text("", ObjectId(given)) if isinstance(given, str) else None
        return key if key in self._documents else None

    def _copied(self, call: str, document: Any) -> dict[str, Any]:
        __tracebackhide__ = True
        if not isinstance(document, Mapping):
            raise ConfigurationError(f"{call}: a document is a dictionary, not {document!r:.100}")
        return deepcopy(dict(document))

    def _write(self, operation: str, document_id: Any, *, document: Any = None, description: Any = None) -> None:
        self._access.write(
            Change(
                operation=operation,
                database=self._database,
                collection=self._name,
                document_id=document_id,
                document=document,
                description=description,
            )
        )
