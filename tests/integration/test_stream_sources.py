"""moto's streams under a fake: sharding, consumers, handlers that write, resets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.backends import get_backend

from helpers.streams import ACCOUNT, REGION, SOURCES, Handler, KinesisSource, Source, TableSource, poison, subscribe
from pytest_lambda_esm import ConfigurationError, FakeLambda, HandlerError, LambdaEsmError


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region=REGION, advice="off") as active:
        yield active


def shards_of(source: KinesisSource) -> dict[str, dict[str, Any]]:
    return {shard["ShardId"]: shard for shard in source.client.list_shards(StreamName=source.name)["Shards"]}


def read(source: KinesisSource, shard_id: str) -> list[str]:
    iterator = source.client.get_shard_iterator(
        StreamName=source.name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [record["Data"].decode() for record in source.client.get_records(ShardIterator=iterator)["Records"]]


# --- resharding --------------------------------------------------------------------------------------------------


def test_records_put_after_a_split_belong_to_the_children(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    handler = Handler(source)
    source.put("before")
    source.client.split_shard(
        StreamName=source.name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(1 << 127)
    )
    source.put("a", "b")
    assert read(source, "shardId-000000000000") == ["before"]
    assert read(source, "shardId-000000000001") == ["a"]
    assert read(source, "shardId-000000000002") == ["b"]
    subscribe(fake, source, handler)
    fake.clock.run_until_idle()
    assert handler.batches == [["before"], ["a"], ["b"]]


def test_a_merged_shard_is_read_after_both_of_its_parents(fake: FakeLambda) -> None:
    source = KinesisSource(fake, shards=2)
    handler = Handler(source, poison("b"))
    subscribe(fake, source, handler)
    source.put("a", "b")
    source.client.merge_shards(
        StreamName=source.name, ShardToMerge="shardId-000000000000", AdjacentShardToMerge="shardId-000000000001"
    )
    source.put("after")
    assert read(source, "shardId-000000000002") == ["after"]
    fake.clock.advance(60)
    assert ["after"] not in handler.batches
    assert "is read after its parents" in fake.explain(source.arn)
    handler.act = None
    fake.clock.run_until_idle()
    assert handler.batches[0] == ["a"]
    assert handler.batches[-2:] == [["b"], ["after"]]
    assert [fate.fate for fate in fake.fates(source.arn)] == ["done"] * 3


def test_order_per_key_holds_through_many_reshardings(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    handler = Handler(source)
    subscribe(fake, source, handler, BatchSize=2)
    keys = "abcdefgh"
    for round_number, count in enumerate((2, 4, 2, 1, 3)):
        for key in keys:
            source.put(f"{key}{round_number}", key=key)
        source.client.update_shard_count(StreamName=source.name, TargetShardCount=count, ScalingType="UNIFORM_SCALING")
    fake.clock.run_until_idle()
    delivered = [name for batch in handler.batches for name in batch]
    assert len(delivered) == 5 * len(keys)
    for key in keys:
        assert [name for name in delivered if name[0] == key] == [f"{key}{number}" for number in range(5)]


@pytest.mark.parametrize("hash_key", [0, (1 << 127) - 1, 1 << 127, (1 << 128) - 1])
def test_explicit_hash_keys_go_to_the_shard_of_their_range(fake: FakeLambda, hash_key: int) -> None:
    source = KinesisSource(fake, shards=2)
    answer = source.client.put_record(
        StreamName=source.name, Data=b"x", PartitionKey="k", ExplicitHashKey=str(hash_key)
    )
    assert answer["ShardId"] == f"shardId-00000000000{hash_key >> 127}"


def test_put_records_wakes_the_poller(fake: FakeLambda) -> None:
    source = KinesisSource(fake, shards=2)
    handler = Handler(source)
    subscribe(fake, source, handler)
    records = [{"Data": name.encode(), "PartitionKey": name} for name in "abcd"]
    source.client.put_records(StreamName=source.name, Records=records)
    fake.clock.run_until_idle()
    assert sorted(handler.batches) == [["a", "c"], ["b", "d"]]


# --- handlers ----------------------------------------------------------------------------------------------------


def test_what_a_handler_writes_in_its_own_future_is_not_seen_before(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    target = KinesisSource(fake, name="later")

    def forward(event: dict[str, Any], names: list[str]) -> None:
        time.sleep(2)
        target.put("forwarded")

    subscribe(fake, source, Handler(source, forward))
    second = Handler(target)
    fake.function("second", second)
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn=target.arn, FunctionName="second", StartingPosition="TRIM_HORIZON"
    )
    fake.clock.run_until_idle()
    source.put("1")
    began = fake.clock.now
    fake.clock.advance(1)
    target.put("meanwhile")  # It has the later sequence number, but the earlier time.
    fake.clock.run_until_idle()
    assert second.batches == [["forwarded", "meanwhile"]]
    assert fake.invocations[-1].started == began + timedelta(seconds=2)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_handler_that_feeds_its_own_source_is_stopped(kind: str) -> None:
    with FakeLambda(region=REGION, advice="off", loop_depth=5) as fake:
        source = SOURCES[kind](fake)
        numbers = iter(range(1000))
        handler = Handler(source, lambda event, names: source.put(f"next-{next(numbers)}"))
        subscribe(fake, source, handler)
        source.put("first")
        with pytest.raises(LambdaEsmError, match="feeds its own source"):
            fake.clock.run_until_idle()
        assert len(handler.batches) == 5


def test_a_handler_may_disable_its_own_mapping(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    fake.transitions(disabling="instant")
    mappings: list[str] = []

    def stop(event: dict[str, Any], names: list[str]) -> None:
        fake.client("lambda").update_event_source_mapping(UUID=mappings[0], Enabled=False)

    handler = Handler(source, stop)
    mappings.append(subscribe(fake, source, handler, BatchSize=1))
    source.put("1", "2")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]
    assert [fate.fate for fate in fake.fates(source.arn)] == ["done", "waiting"]


def test_an_update_keeps_the_position_and_the_new_function_gets_what_waits(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    first, second = Handler(source, poison("2")), Handler(source)
    uuid = subscribe(fake, source, first, BatchSize=1)
    source.put("1", "2", "3")
    fake.clock.advance(1)
    fake.function("repaired", second)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, FunctionName="repaired")
    fake.clock.run_until_idle()
    assert first.batches[0] == ["1"]
    assert second.batches == [["2"], ["3"]]


def test_a_missing_handler_can_be_mended(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    handler = Handler(source)
    fake.function("consumer")
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName="consumer", StartingPosition="TRIM_HORIZON"
    )
    source.put("1")
    with pytest.raises(HandlerError):
        fake.clock.run_until_idle()
    fake.function("consumer", handler)
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@pytest.mark.parametrize("setting", ["stream_backoff", "stream_backoff_limit"])
def test_a_back_off_of_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        FakeLambda(**{setting: 0})


# --- moto's behaviour ----------------------------------------------------------------------------------------------


def test_a_transaction_that_fails_writes_no_record_and_the_stream_goes_on(fake: FakeLambda) -> None:
    source = TableSource(fake)
    handler = Handler(source)
    subscribe(fake, source, handler)
    source.put("a")
    put = {"Put": {"TableName": source.name, "Item": {"id": {"S": "b"}}}}
    refused = {
        "Update": {
            "TableName": source.name,
            "Key": {"id": {"S": "c"}},
            "UpdateExpression": "SET x = :x",
            "ConditionExpression": "attribute_exists(id)",
            "ExpressionAttributeValues": {":x": {"N": "1"}},
        }
    }
    with pytest.raises(source.client.exceptions.TransactionCanceledException):
        source.client.transact_write_items(TransactItems=[put, refused])
    source.put("d")
    fake.clock.run_until_idle()
    assert [name for batch in handler.batches for name in batch] == ["a", "d"]


def test_a_reset_of_moto_forgets_streams_and_mappings(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    handler = Handler(source)
    subscribe(fake, source, handler)
    source.put("1")
    for service in ("kinesis", "lambda"):
        get_backend(service)[ACCOUNT][REGION].reset()
    fake.clock.run_until_idle()
    assert handler.batches == []
    assert fake.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []


def enable(source: TableSource, view: str) -> None:
    specification = {"StreamEnabled": True, "StreamViewType": view}
    table = source.client.update_table(TableName=source.name, StreamSpecification=specification)
    source.arn = table["TableDescription"]["LatestStreamArn"]


def test_a_table_whose_stream_is_enabled_again_has_another_stream(fake: FakeLambda) -> None:
    source = TableSource(fake)
    first, handler = source.arn, Handler(source)
    subscribe(fake, source, handler)
    source.put("a")
    source.client.update_table(TableName=source.name, StreamSpecification={"StreamEnabled": False})
    source.put("missed")
    enable(source, "KEYS_ONLY")
    assert source.arn != first
    source.put("b")
    second = Handler(source)
    fake.function("second", second)
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName="second", StartingPosition="TRIM_HORIZON"
    )
    fake.clock.run_until_idle()
    assert (handler.batches, second.batches) == ([["a"]], [["b"]])
    (record,) = fake.invocations[-1].event["Records"]
    assert (record["eventSourceARN"], record["dynamodb"]["StreamViewType"]) == (source.arn, "KEYS_ONLY")
    assert [len(fake.fates(arn)) for arn in (first, source.arn)] == [1, 1]


@pytest.mark.parametrize("again", [False, True], ids=["disabled", "disabled and enabled"])
def test_nothing_joins_a_batch_of_a_stream_that_was_disabled(fake: FakeLambda, again: bool) -> None:
    source = TableSource(fake)
    handler = Handler(source)
    subscribe(fake, source, handler, MaximumBatchingWindowInSeconds=300)
    source.put("a")
    fake.clock.advance(1)
    assert handler.batches == []
    source.client.update_table(TableName=source.name, StreamSpecification={"StreamEnabled": False})
    if again:
        enable(source, "KEYS_ONLY")
        source.put("b")
    fake.clock.advance(1)
    assert handler.batches == [["a"]]
    fake.clock.run_until_idle()
    assert handler.batches == [["a"]]


def test_a_stream_that_is_enabled_cannot_be_enabled_again(fake: FakeLambda) -> None:
    source = TableSource(fake)
    with pytest.raises(ClientError, match="Cannot enable stream"):
        enable(source, "KEYS_ONLY")


def test_a_table_that_is_made_anew_at_once_has_another_stream(fake: FakeLambda) -> None:
    source = TableSource(fake)
    source.put("a")
    source.client.delete_table(TableName=source.name)
    assert TableSource(fake).arn != source.arn


@pytest.mark.parametrize("made", ["", ":1700000000"], ids=["as-moto-writes-it", "with-the-time-of-its-making"])
def test_a_consumer_is_known_by_either_form_of_its_arn(fake: FakeLambda, made: str) -> None:
    source = KinesisSource(fake)
    registered = source.client.register_stream_consumer(StreamARN=source.arn, ConsumerName="fast")
    source.arn = registered["Consumer"]["ConsumerARN"] + made
    handler = Handler(source)
    uuid = subscribe(fake, source, handler)
    source.put("1")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]
    assert fake.invocations[0].event["Records"][0]["eventSourceARN"] == source.arn
    assert [fate.mapping for fate in fake.fates(source.arn)] == [uuid]


@pytest.mark.parametrize("resource", ["slow", "slow:1700000000", "fast:soon"])
def test_a_consumer_that_is_not_registered_is_refused(fake: FakeLambda, resource: str) -> None:
    source = KinesisSource(fake)
    source.client.register_stream_consumer(StreamARN=source.arn, ConsumerName="fast")
    fake.function("consumer")
    with pytest.raises(ClientError, match="Stream not found"):
        fake.client("lambda").create_event_source_mapping(
            EventSourceArn=f"{source.arn}/consumer/{resource}", FunctionName="consumer", StartingPosition="LATEST"
        )


def test_streams_made_before_the_fake_are_read_with_their_ages() -> None:
    with mock_aws():
        kinesis = boto3.client("kinesis", region_name=REGION)
        kinesis.create_stream(StreamName="events", ShardCount=1)
        kinesis.put_record(StreamName="events", Data=b"early", PartitionKey="k")
        with FakeLambda(region=REGION, advice="off") as fake:
            arn = kinesis.describe_stream(StreamName="events")["StreamDescription"]["StreamARN"]
            function = fake.function("consumer", lambda event, context: None)
            fake.client("lambda").create_event_source_mapping(
                EventSourceArn=arn, FunctionName="consumer", StartingPosition="TRIM_HORIZON"
            )
            fake.clock.run_until_idle()
            (record,) = function.invocations[0].event["Records"]
            age = fake.config.start.timestamp() - record["kinesis"]["approximateArrivalTimestamp"]
            assert 0 <= age < 60


def test_moto_is_itself_again_afterwards() -> None:
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.table import StreamShard, Table
    from moto.kinesis.models import KinesisBackend, Stream

    owners = (DynamoDBBackend, StreamShard, Table, KinesisBackend, Stream)
    before = [dict(vars(owner)) for owner in owners]
    with FakeLambda(region=REGION):
        pass
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_table_that_is_deleted_shows_in_the_last_result(fake: FakeLambda) -> None:
    source = TableSource(fake)
    uuid = subscribe(fake, source, Handler(source))
    source.put("a")
    fake.clock.run_until_idle()
    source.client.delete_table(TableName=source.name)
    fake.clock.run_until_idle()
    assert fake.mapping(uuid)._last_result == "PROBLEM: Stream not found"
    assert "does not exist (any more)" in fake.explain(uuid)
    assert [fate.fate for fate in fake.fates(source.arn)] == ["done"]


def test_records_that_no_mapping_reads_wait(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    source.put("old")
    fake.clock.advance(hours=25)
    source.put("new")
    fates = fake.fates(source.arn)
    assert [(fate.fate, fate.detail) for fate in fates] == [
        ("expired", "expired at the stream's retention, unread"),
        ("waiting", "no mapping reads the stream"),
    ]


# --- explaining ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SOURCES)
def test_a_blocked_shard_is_explained(fake: FakeLambda, kind: str) -> None:
    source: Source = SOURCES[kind](fake)
    uuid = subscribe(fake, source, Handler(source, poison("bad")))
    source.put("bad")
    fake.clock.advance(1)
    text = fake.explain(uuid)
    assert "is blocked by record" in text
    assert "3 attempts so far (error, ValueError: bad is bad)" in text
    assert "attempt 4 comes at" in text


def test_the_timeline_tells_what_became_of_records(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    subscribe(fake, source, Handler(source, poison("bad")), MaximumRetryAttempts=0)
    (number,) = source.put("bad")
    fake.clock.run_until_idle()
    (entry,) = fake.timeline.of("fate")
    assert entry.items == (f"shardId-000000000000:{number}",)
    assert entry.detail == (
        "1 record of shardId-000000000000 discarded: RetryAttemptsExhausted after 1 attempt;"
        " there is no failure destination"
    )


def test_fates_and_deliveries_go_on_after_a_transaction_that_failed(fake: FakeLambda) -> None:
    source = TableSource(fake)
    handler = Handler(source)
    subscribe(fake, source, handler)
    source.put("a")
    fake.clock.run_until_idle()
    impossible = {"TableName": source.name, "Item": {"id": {"S": "b"}}, "ConditionExpression": "attribute_exists(id)"}
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        source.client.transact_write_items(TransactItems=[{"Put": impossible}])
    source.put("c")
    assert [fate.fate for fate in fake.fates(source.arn)] == ["done", "waiting"]
    assert "1 record waits" in fake.explain(source.arn)
    fake.clock.run_until_idle()
    assert handler.batches == [["a"], ["c"]]
    assert [fate.fate for fate in fake.fates(source.arn)] == ["done", "done"]
