"""What changes documents do: which document a filter finds, and what an update changes in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_lambda_esm.brokers.documentdb.extended_json import encode, id_text
from pytest_lambda_esm.errors import ConfigurationError, nearest

Document = dict[str, Any]

_ABSENT: Final = object()


@dataclass(slots=True)
class Difference:
    """What an update has changed, by the paths of fields: their new values, and those that it has removed."""

    updated: dict[str, Any] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def description(self, call: str) -> dict[str, Any]:
        """Return the ``updateDescription`` of a change event."""
        __tracebackhide__ = True
        return {"removedFields": self.removed, "updatedFields": encode(call, self.updated)}


def is_filter(given: Any) -> bool:
    """Whether what a test states is a filter, and not the ``_id`` of a document."""
    return isinstance(given, Mapping) and not (len(given) == 1 and next(iter(given)).startswith("$"))


def matches(call: str, document: Document, wanted: Mapping[str, Any]) -> bool:
    """Whether all fields of a filter, by their paths, have these values. Raises ConfigurationError for operators."""
    __tracebackhide__ = True
    for path, value in wanted.items():
        if path.startswith("$") or (isinstance(value, Mapping) and any(map(_is_operator, value))):
            raise ConfigurationError(f"{call}: a filter states fields and their values; {path!r} has an operator")
        found = _value_at(document, path)
        if found is _ABSENT or id_text(call, found) != id_text(call, value):
            return False
    return True


def updated(call: str, document: Document, changes: Mapping[str, Any]) -> tuple[Document, Difference]:
    """Return a changed copy of a document, and what has changed in it.

    Fields without an operator are set. Raises ConfigurationError for other operators, and for changes of ``_id``.
    """
    __tracebackhide__ = True
    operators = _by_operator(call, changes)
    changed, difference = deepcopy(document), Difference()
    for operator, fields in operators.items():
        if not isinstance(fields, Mapping):
            raise ConfigurationError(f"{call}: {operator} takes a dictionary of fields, not {fields!r}")
        for path, value in fields.items():
            _OPERATORS[operator](call, changed, path, deepcopy(value), difference)
    if id_text(call, changed.get("_id")) != id_text(call, document["_id"]):
        raise ConfigurationError(f"{call}: the _id of a document never changes; delete it, and insert another one")
    return changed, difference


def _by_operator(call: str, changes: Any) -> dict[str, Any]:
    __tracebackhide__ = True
    if not isinstance(changes, Mapping) or not changes:
        raise ConfigurationError(f"{call}: changes are a dictionary of fields, or of operators, not {changes!r}")
    given = [name for name in changes if name.startswith("$")]
    for name in given:
        if name not in _OPERATORS:
            raise ConfigurationError(
                f"{call}: the operator {name} is not simulated. {nearest(name, _OPERATORS)} replace() takes a whole"
                " document."
            )
    if given and len(given) < len(changes):
        raise ConfigurationError(f"{call}: changes are either fields or operators, not both")
    return dict(changes) if given else {"$set": changes}


def _is_operator(name: Any) -> bool:
    return isinstance(name, str) and name.startswith("$") and name not in ("$oid", "$date", "$binary", "$timestamp")


def _value_at(document: Any, path: str) -> Any:
    found = document
    for name in path.split("."):
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return _ABSENT
    return found


def _parent(call: str, document: Document, path: str) -> tuple[Any, Any]:
    """Return the container of a field, which is made where it is missing, and the field's key in it."""
    __tracebackhide__ = True
    container: Any = document
    *parents, last = path.split(".")
    for name in parents:
        key = _key(call, container, name, path)
        container = container.setdefault(key, {}) if isinstance(container, dict) else container[key]
    return container, _key(call, container, last, path)


def _key(call: str, container: Any, name: str, path: str) -> Any:
    __tracebackhide__ = True
    if isinstance(container, dict):
        return name
    if isinstance(container, list) and name.isdigit() and int(name) < len(container):
        return int(name)
    raise ConfigurationError(f"{call}: there is no field {path!r}: {container!r:.80} has no member {name!r}")


def _set(call: str, document: Document, path: str, value: Any, difference: Difference) -> None:
    __tracebackhide__ = True
    before = _value_at(document, path)
    if before is not _ABSENT and id_text(call, before) == id_text(call, value):
        return
    container, key = _parent(call, document, path)
    container[key] = value
    difference.updated[path] = value


def _unset(call: str, document: Document, path: str, _: Any, difference: Difference) -> None:
    __tracebackhide__ = True
    if _value_at(document, path) is _ABSENT:
        return
    container, key = _parent(call, document, path)
    if isinstance(container, list):
        container[key] = None
        difference.updated[path] = None
    else:
        del container[key]
        difference.removed.append(path)


def _increase(call: str, document: Document, path: str, value: Any, difference: Difference) -> None:
    __tracebackhide__ = True
    before = _value_at(document, path)
    before = 0 if before is _ABSENT else before
    if not _is_number(before) or not _is_number(value):
        raise ConfigurationError(f"{call}: $inc adds a number to a number, not {value!r} to {before!r}")
    _set(call, document, path, before + value, difference)


def _push(call: str, document: Document, path: str, value: Any, difference: Difference) -> None:
    __tracebackhide__ = True
    before = _value_at(document, path)
    if before is _ABSENT:
        _set(call, document, path, [value], difference)
        return
    if not isinstance(before, list):
        raise ConfigurationError(f"{call}: $push appends to a list, and {path!r} is {before!r}")
    before.append(value)
    difference.updated[f"{path}.{len(before) - 1}"] = value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPERATORS: Final[Mapping[str, Callable[[str, Document, str, Any, Difference], None]]] = {
    "$set": _set,
    "$unset": _unset,
    "$inc": _increase,
    "$push": _push,
}
