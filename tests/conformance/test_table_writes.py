"""What reaches the stream of a table, whichever operation writes, and the labels of streams: one row, one fact."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from helpers.conformance import Facts
from helpers.streams import Handler, TableSource, subscribe
from pytest_lambda_esm import FakeLambda

FACTS = Facts("DynamoDB: streams of tables")

Run = Callable[..., Any]


class Table(TableSource):
    """A table with a mapping; ``changes`` are the records that its function received."""

    def __init__(self, fake: FakeLambda) -> None:
        super().__init__(fake)
        self.fake = fake
        subscribe(fake, self, Handler(self))

    def changes(self) -> list[tuple[str, str, Any, Any]]:
        self.fake.clock.run_until_idle()
        records = [record for each in self.fake.invocations for record in each.event["Records"]]
        return [
            (
                record["eventName"],
                record["dynamodb"]["Keys"]["id"]["S"],
                record["dynamodb"].get("OldImage", {}).get("v"),
                record["dynamodb"].get("NewImage", {}).get("v"),
            )
            for record in records
        ]

    def run(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        more = {"Parameters": list(parameters)} if parameters else {}
        return self.client.execute_statement(Statement=statement, **more)["Items"]


def one(number: int) -> dict[str, str]:
    return {"N": str(number)}


WRITES = ["INSERT INTO items VALUE {'id': 'a', 'v': 1}", "UPDATE items SET v = 2 WHERE id = 'a'"]
WRITES.append("DELETE FROM items WHERE id = 'a'")
CHANGES = [("INSERT", "a", None, one(1)), ("MODIFY", "a", one(1), one(2)), ("REMOVE", "a", one(2), None)]


@FACTS("b2-partiql", "documented", "Writes in PartiQL reach the table's stream as INSERT, MODIFY and REMOVE.")
@pytest.mark.parametrize("quoted", [False, True], ids=["items", '"items"'])
def test_statements_reach_the_stream(fake: FakeLambda, quoted: bool) -> None:
    table = Table(fake)
    for statement in WRITES:
        table.run(statement.replace("items", '"items"') if quoted else statement)
    assert table.changes() == CHANGES


@FACTS(
    "b2-partiql-batch", "documented", "BatchExecuteStatement reaches the stream; an error of one statement is its own."
)
def test_a_batch_of_statements_reaches_the_stream(fake: FakeLambda) -> None:
    table = Table(fake)
    statements = [WRITES[0], WRITES[0], *WRITES[1:], "INSERT INTO missing VALUE {'id': 'b'}"]
    answer = table.client.batch_execute_statement(Statements=[{"Statement": statement} for statement in statements])
    codes = [response.get("Error", {}).get("Code") for response in answer["Responses"]]
    assert codes == [None, "DuplicateItem", None, None, "ResourceNotFound"]
    assert table.changes() == CHANGES


@FACTS("b2-partiql-transaction", "documented", "ExecuteTransaction reaches the stream as a whole, or not at all.")
def test_a_transaction_of_statements_reaches_the_stream(fake: FakeLambda) -> None:
    table = Table(fake)
    table.run(WRITES[0])
    failing = ["UPDATE items SET v = 5 WHERE id = 'a'", "INSERT INTO items VALUE {'id': 'a'}"]
    with pytest.raises(ClientError, match="TransactionCanceledException") as caught:
        table.client.execute_transaction(TransactStatements=[{"Statement": statement} for statement in failing])
    reasons = [reason.get("Code") for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["None", "DuplicateItem"]
    good = [WRITES[1], "INSERT INTO items VALUE {'id': 'b', 'v': 3}"]
    table.client.execute_transaction(TransactStatements=[{"Statement": statement} for statement in good])
    assert table.changes() == [*CHANGES[:2], ("INSERT", "b", None, one(3))]


@FACTS("b2-transact-and-batch-writes", "documented", "TransactWriteItems and BatchWriteItem reach the table's stream.")
def test_transactions_and_batches_reach_the_stream(fake: FakeLambda) -> None:
    table = Table(fake)
    put = {"TableName": "items", "Item": {"id": {"S": "a"}, "v": one(1)}}
    update = {
        "TableName": "items",
        "Key": {"id": {"S": "b"}},
        "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": {":v": one(2)},
    }
    table.client.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])
    requests = [
        {"PutRequest": {"Item": {"id": {"S": "a"}, "v": one(3)}}},
        {"DeleteRequest": {"Key": {"id": {"S": "b"}}}},
    ]
    table.client.batch_write_item(RequestItems={"items": requests})
    assert table.changes() == [
        ("INSERT", "a", None, one(1)),
        ("INSERT", "b", None, one(2)),
        ("MODIFY", "a", one(1), one(3)),
        ("REMOVE", "b", one(2), None),
    ]


@FACTS("b2-partiql-nothing-changed", "documented", "A statement that changes nothing writes no record.")
def test_statements_that_change_nothing(fake: FakeLambda) -> None:
    table = Table(fake)
    table.run(WRITES[0])
    table.run("UPDATE items SET v = 1 WHERE id = 'a'")
    table.run("DELETE FROM items WHERE id = 'missing'")
    assert table.changes() == CHANGES[:1]


@FACTS(
    "b2-partiql-refusals", "documented", "An INSERT of an existing item, and an UPDATE of a missing one, are refused."
)
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("INSERT INTO items VALUE {'id': 'a', 'v': 2}", "DuplicateItemException"),
        ("UPDATE items SET v = 2 WHERE id = 'missing'", "ConditionalCheckFailedException"),
        ("UPDATE items SET v = 2 WHERE id = 'a' AND v > 1", "ConditionalCheckFailedException"),
        ("DELETE FROM items WHERE id = 'a' AND v IN [2, 3]", "ConditionalCheckFailedException"),
        ("UPDATE items SET v = 2 WHERE v = 1", "ValidationException"),
        ("DELETE FROM missing WHERE id = 'a'", "ResourceNotFoundException"),
    ],
)
def test_statements_that_are_refused(fake: FakeLambda, statement: str, code: str) -> None:
    table = Table(fake)
    table.run(WRITES[0])
    with pytest.raises(ClientError) as caught:
        table.run(statement)
    assert caught.value.response["Error"]["Code"] == code
    assert table.changes() == CHANGES[:1]


EVERYTHING = (
    "INSERT INTO items VALUE {'id': 'it''s', 'list': [1, -2.5, {'deep': null}], 'set': <<'x', 'y'>>, 'yes': true,"
    " 'v': ?};"
)


@FACTS("b2-partiql-values", "documented", "Literals, parameters, paths, functions and RETURNING of a statement.")
def test_what_statements_may_hold(fake: FakeLambda) -> None:
    table = Table(fake)
    table.run(EVERYTHING, one(1))
    (item,) = table.client.scan(TableName="items")["Items"]
    assert item == {
        "id": {"S": "it's"},
        "list": {"L": [one(1), {"N": "-2.5"}, {"M": {"deep": {"NULL": True}}}]},
        "set": {"SS": ["x", "y"]},
        "yes": {"BOOL": True},
        "v": one(1),
    }
    (changed,) = table.run(
        'UPDATE "items" SET v = v + ?, list[2].deep = \'new\' SET "set" = set_add("set", <<\'z\'>>) REMOVE yes'
        " WHERE id = ? AND (v = 1 OR v BETWEEN 5 AND 6) AND begins_with(id, 'it') AND nothing IS MISSING"
        " AND yes IS NOT MISSING AND NOT v = 3 AND size(id) > 2 RETURNING MODIFIED NEW *",
        one(4),
        {"S": "it's"},
    )
    assert changed["v"] == one(5)
    assert changed["list"]["L"][2] == {"M": {"deep": {"S": "new"}}}
    assert sorted(changed["set"]["SS"]) == ["x", "y", "z"]
    assert set(changed) == {"v", "list", "set"}
    (old,) = table.run("DELETE FROM items WHERE id = 'it''s' RETURNING ALL OLD *")
    assert old["v"] == one(5)
    assert [change[0] for change in table.changes()] == ["INSERT", "MODIFY", "REMOVE"]


def test_reads_and_unknown_statements_remain_motos(fake: FakeLambda) -> None:
    pytest.importorskip("py_partiql_parser")
    table = Table(fake)
    table.put("a")
    assert table.run("SELECT * FROM items WHERE id = 'a'") == [{"id": {"S": "a"}}]
    answer = table.client.batch_execute_statement(
        Statements=[{"Statement": "SELECT * FROM items WHERE id = 'a'"}, {"Statement": WRITES[2]}]
    )
    assert [response.get("Item") for response in answer["Responses"]] == [{"id": {"S": "a"}}, None]


@FACTS("b2-labels", "documented", "The label of a stream has milliseconds.")
def test_labels_of_streams_have_milliseconds(fake: FakeLambda) -> None:
    table = TableSource(fake)
    labels = set()
    for enabled in (None, False, True, False, True):
        if enabled is not None:
            view = {"StreamViewType": "KEYS_ONLY"} if enabled else {}
            table.client.update_table(TableName="items", StreamSpecification={"StreamEnabled": enabled, **view})
        description = table.client.describe_table(TableName="items")["Table"]
        label = description["LatestStreamLabel"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", label)
        assert description["LatestStreamArn"].endswith(f":table/items/stream/{label}")
        labels.add(label)
    assert labels == {f"2026-01-01T00:00:00.00{number}" for number in range(3)}
    streams = fake.client("dynamodbstreams").list_streams(TableName="items")["Streams"]
    assert streams[0]["StreamLabel"] == "2026-01-01T00:00:00.002"
