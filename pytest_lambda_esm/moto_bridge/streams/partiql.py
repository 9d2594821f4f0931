"""PartiQL statements that write to moto's tables. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

moto's parser refuses most statements with literal values, an INSERT of an existing item does nothing, and a failed
transaction stays half done. While a fake is active, these statements go through the same writes as PutItem, UpdateItem
and DeleteItem, so they reach the table's stream as those do. Everything else remains moto's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    DynamodbException,
    MockValidationException,
    ResourceNotFoundException,
    TransactionCanceledException,
)
from moto.dynamodb.models import DynamoDBBackend

from pytest_lambda_esm.moto_bridge.streams import partiql_syntax
from pytest_lambda_esm.moto_bridge.streams.partiql_syntax import NotReadError, Statement
from pytest_lambda_esm.patching import Patches, original_of

_DUPLICATE: Final = "com.amazonaws.dynamodb.v20120810#DuplicateItemException"
_NO_KEY: Final = "Where clause does not contain a mandatory equality on all key attributes"


def install(patches: Patches) -> None:
    """Perform PartiQL's writes here until the patches are undone."""
    execute = original_of(DynamoDBBackend, "execute_statement")
    execute_batch = original_of(DynamoDBBackend, "batch_execute_statement")

    def execute_statement(self: Any, statement: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        try:
            parsed = partiql_syntax.read(statement, parameters or ())
        except NotReadError:
            return list(execute(self, statement, parameters))
        return _write(self, parsed)

    def execute_transaction(self: Any, statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return _all_or_nothing(self, statements)

    def batch_execute_statement(self: Any, statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [_one_of_batch(self, statement, execute_batch) for statement in statements]

    patches.set(DynamoDBBackend, "execute_statement", execute_statement)
    patches.set(DynamoDBBackend, "execute_transaction", execute_transaction)
    patches.set(DynamoDBBackend, "batch_execute_statement", batch_execute_statement)


def _write(backend: Any, statement: Statement) -> list[dict[str, Any]]:
    """Perform a statement, and return the items that it asks for."""
    table = backend.tables.get(statement.table)
    if table is None:
        raise ResourceNotFoundException()
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name is not None]
    if statement.kind == "INSERT":
        _insert(backend, statement, names)
        return []
    key = statement.key(names)
    if key is None:
        raise MockValidationException(_NO_KEY)
    before = _attributes(backend.get_item(statement.table, key))
    if statement.kind == "UPDATE":
        after = _update(backend, statement, key, names)
    else:
        after = _delete(backend, statement, key, names)
    return _returned(statement, before, after)


def _insert(backend: Any, statement: Statement, names: Sequence[str]) -> None:
    condition = " AND ".join(f"attribute_not_exists({statement.values.name(name)})" for name in names)
    try:
        backend.put_item(
            statement.table,
            dict(statement.item),
            condition_expression=condition,
            expression_attribute_names=statement.values.names,
            expression_attribute_values={},
        )
    except ConditionalCheckFailed:
        raise DynamodbException(_DUPLICATE, "Duplicate primary key exists in table") from None


def _update(backend: Any, statement: Statement, key: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    exists = [f"attribute_exists({statement.values.name(name)})" for name in names]
    changes = " ".join(f"{clause} {', '.join(texts)}" for clause, texts in statement.changes.items())
    item = backend.update_item(
        statement.table,
        key,
        update_expression=changes,
        expression_attribute_names=statement.values.names,
        expression_attribute_values=statement.values.values,
        condition_expression=" AND ".join(exists + statement.conditions(names)),
    )
    return _attributes(item)


def _delete(backend: Any, statement: Statement, key: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    backend.delete_item(
        statement.table,
        key,
        expression_attribute_names=statement.values.names,
        expression_attribute_values=statement.values.values,
        condition_expression=" AND ".join(statement.conditions(names)) or None,
    )
    return {}


def _attributes(item: Any) -> dict[str, Any]:
    return dict(item.to_json()["Attributes"]) if item is not None else {}


def _returned(statement: Statement, before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    if statement.returning is None:
        return []
    which, when = statement.returning
    attributes = before if when == "OLD" else after
    if which == "MODIFIED":
        attributes = {name: value for name, value in attributes.items() if name in statement.changed}
    return [attributes] if attributes else []


def _all_or_nothing(backend: Any, statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Perform a transaction. If a statement fails, restore the tables as moto does for TransactWriteItems."""
    earlier = {name: copy.deepcopy(backend.tables[name]) for name in _tables_of(backend, statements)}
    responses: list[dict[str, Any]] = []
    failures: list[tuple[str | None, str | None, Any]] = []
    for each in statements:
        try:
            items = backend.execute_statement(each["Statement"], each.get("Parameters", []))
            responses += [{"Item": item} for item in items]
            failures.append((None, None, None))
        except JsonRESTError as error:
            failures.append((_code(error), error.message, None))
    if any(code is not None for code, _, _ in failures):
        backend.tables.update(earlier)
        raise TransactionCanceledException(failures)
    return responses


def _tables_of(backend: Any, statements: Sequence[dict[str, Any]]) -> set[str]:
    """Return the tables that statements write to."""
    tables = set()
    for each in statements:
        try:
            tables.add(partiql_syntax.read(each["Statement"], each.get("Parameters", [])).table)
        except NotReadError:
            continue
    return tables & set(backend.tables)


def _one_of_batch(backend: Any, statement: dict[str, Any], execute_batch: Callable[..., Any]) -> dict[str, Any]:
    try:
        parsed = partiql_syntax.read(statement["Statement"], statement.get("Parameters", []))
    except NotReadError:
        (answer,) = execute_batch(backend, [statement])
        return dict(answer)
    try:
        items = _write(backend, parsed)
    except JsonRESTError as error:
        return {"Error": {"Code": _code(error), "Message": error.message}, "TableName": parsed.table}
    return {"TableName": parsed.table, **({"Item": items[0]} if items else {})}


def _code(error: JsonRESTError) -> str:
    """Return a code as batches and cancellation reasons have it: without namespace and the word at its end."""
    code = str(error.error_type).rpartition("#")[2].removesuffix("Exception")
    return {"Validation": "ValidationError"}.get(code, code)
