"""Table items whose time to live ends while virtual time passes."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.streams import Handler, TableSource, subscribe
from pytest_lambda_esm import FakeLambda

DAY = 24 * 3600


class Table(TableSource):
    """A table whose items have a number ``expires``, in seconds after the start of the test."""

    def __init__(self, fake: FakeLambda, *, enabled: bool = True) -> None:
        super().__init__(fake)
        self.streams = fake.client("dynamodbstreams")
        self.start = int(fake.clock.now.timestamp())
        if enabled:
            self.expires_by("expires")

    def expires_by(self, attribute: str, *, enabled: bool = True) -> None:
        specification = {"Enabled": enabled, "AttributeName": attribute}
        self.client.update_time_to_live(TableName=self.name, TimeToLiveSpecification=specification)

    def put_until(self, name: str, seconds: float) -> None:
        self.put_with(name, expires={"N": str(self.start + seconds)})

    def put_with(self, name: str, **attributes: dict[str, Any]) -> None:
        self.client.put_item(TableName=self.name, Item={"id": {"S": name}, **attributes})

    def left(self) -> list[str]:
        return sorted(item["id"]["S"] for item in self.client.scan(TableName=self.name)["Items"])

    def stream_records(self) -> list[dict[str, Any]]:
        streams = self.streams
        (shard,) = streams.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=self.arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return list(streams.get_records(ShardIterator=iterator)["Records"])


@pytest.fixture
def table(lambda_esm: FakeLambda) -> Table:
    return Table(lambda_esm)


def test_an_item_goes_at_the_second_of_its_time_to_live(lambda_esm: FakeLambda, table: Table) -> None:
    table.put_until("a", 60)
    lambda_esm.clock.advance(59.999)
    assert table.left() == ["a"]
    lambda_esm.clock.advance(0.001)
    assert table.left() == []
    assert "the item a is deleted: its time to live has ended" in str(lambda_esm.timeline)


def test_the_streams_api_tells_who_deleted_it(lambda_esm: FakeLambda, table: Table) -> None:
    table.put_until("a", 60)
    table.put("b")
    table.client.delete_item(TableName=table.name, Key={"id": {"S": "b"}})
    lambda_esm.clock.advance(60)
    removed = [record for record in table.stream_records() if record["eventName"] == "REMOVE"]
    by_service = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert [record.get("userIdentity") for record in removed] == [None, by_service]


def test_items_go_in_the_order_of_their_times_and_then_of_their_writes(lambda_esm: FakeLambda, table: Table) -> None:
    handler = Handler(table)
    subscribe(lambda_esm, table, handler, StartingPosition="LATEST")
    for name, seconds in (("c", 20), ("a", 10), ("d", 20), ("b", 10)):
        table.put_until(name, seconds)
    lambda_esm.clock.run_until_idle()
    lambda_esm.clock.advance(30)
    assert handler.batches == [["c", "a", "d", "b"], ["a", "b"], ["c", "d"]]


def test_writing_an_item_again_gives_it_another_time(lambda_esm: FakeLambda, table: Table) -> None:
    for name in "abc":
        table.put_until(name, 60)
    later = {":later": {"N": str(table.start + 120)}}
    key = {"id": {"S": "a"}}
    table.client.update_item(
        TableName=table.name, Key=key, UpdateExpression="SET expires = :later", ExpressionAttributeValues=later
    )
    table.put("b")
    lambda_esm.clock.advance(60)
    assert table.left() == ["a", "b"]
    lambda_esm.clock.advance(60)
    assert table.left() == ["b"]


@pytest.mark.parametrize(
    "expires",
    [{"S": "1767225660"}, {"N": "1600000000"}, {"NULL": True}, {"N": "9" * 30}],
    ids=["a text", "more than five years ago", "null", "beyond all time"],
)
def test_what_does_not_expire(lambda_esm: FakeLambda, table: Table, expires: dict[str, Any]) -> None:
    table.put_with("a", expires=expires)
    lambda_esm.clock.advance(days=400)
    assert table.left() == ["a"]
    assert lambda_esm.clock.pending == ()


def test_what_has_expired_before_goes_as_soon_as_the_clock_runs(lambda_esm: FakeLambda, table: Table) -> None:
    table.put_until("a", -60)
    assert table.left() == ["a"]
    lambda_esm.clock.run_until_idle()
    assert table.left() == []


def test_time_to_live_is_turned_on_and_off(lambda_esm: FakeLambda) -> None:
    table = Table(lambda_esm, enabled=False)
    table.put_until("a", 60)
    table.put_until("b", 180)
    lambda_esm.clock.advance(60)
    assert lambda_esm.clock.pending == ()
    table.expires_by("expires")
    lambda_esm.clock.advance(0)
    assert table.left() == ["b"]
    table.expires_by("expires", enabled=False)
    lambda_esm.clock.advance(240)
    assert table.left() == ["b"]


def test_items_of_a_table_with_a_range_key(lambda_esm: FakeLambda) -> None:
    client = lambda_esm.client("dynamodb")
    client.create_table(
        TableName="ranges",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    now = int(lambda_esm.clock.now.timestamp())
    for number in (1, 2):
        item = {"id": {"S": "a"}, "n": {"N": str(number)}, "until": {"N": str(now + 60 * number)}}
        client.put_item(TableName="ranges", Item=item)
    specification = {"Enabled": True, "AttributeName": "until"}
    client.update_time_to_live(TableName="ranges", TimeToLiveSpecification=specification)
    lambda_esm.clock.advance(60)
    assert [item["n"] for item in client.scan(TableName="ranges")["Items"]] == [{"N": "2"}]


def test_a_table_that_is_gone_by_then(lambda_esm: FakeLambda, table: Table) -> None:
    table.put_until("a", 60)
    table.client.delete_table(TableName=table.name)
    again = Table(lambda_esm, enabled=False)
    again.put_until("a", 60)
    lambda_esm.clock.advance(120)
    assert again.left() == ["a"]


@pytest.mark.lambda_esm(time_to_live_delay=2 * DAY)
def test_the_service_may_take_its_time(lambda_esm: FakeLambda, table: Table) -> None:
    table.put_until("a", 60)
    lambda_esm.clock.advance(2 * DAY + 59)
    assert table.left() == ["a"]
    lambda_esm.clock.advance(1)
    assert table.left() == []


def test_an_idle_clock_does_not_wait_for_it(lambda_esm: FakeLambda, table: Table) -> None:
    handler = Handler(table)
    subscribe(lambda_esm, table, handler)
    table.put_until("a", 30 * DAY)
    lambda_esm.clock.run_until_idle()
    assert handler.batches == [["a"]]
    assert "the time to live of an item of items ends" in lambda_esm.explain()
    lambda_esm.clock.run_until(lambda: len(handler.batches) == 2, limit=31 * DAY)
    assert lambda_esm.clock.now.timestamp() == table.start + 30 * DAY
