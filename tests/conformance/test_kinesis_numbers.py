"""Sequence numbers of Kinesis, as every client of a stream and every function finds them: one row, one fact."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from helpers.conformance import Facts
from helpers.streams import Handler, KinesisSource, subscribe
from pytest_lambda_esm import FakeLambda

FACTS = Facts("Kinesis: sequence numbers")

LOWEST, HIGHEST = "0", str(2**128 - 1)


def read(source: KinesisSource, shard: str = "shardId-000000000000", **start: Any) -> list[str]:
    """Return the data from an iterator's position to the end of a shard."""
    start = start or {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = source.client.get_shard_iterator(StreamName=source.name, ShardId=shard, **start)["ShardIterator"]
    found: list[str] = []
    while records := (answer := source.client.get_records(ShardIterator=iterator, Limit=2))["Records"]:
        found += [record["Data"].decode() for record in records]
        iterator = answer["NextShardIterator"]
    return found


def ranges(source: KinesisSource) -> dict[str, tuple[int, int | None]]:
    found = {}
    for shard in source.client.list_shards(StreamName=source.name)["Shards"]:
        between = shard["SequenceNumberRange"]
        last = between.get("EndingSequenceNumber")
        found[shard["ShardId"]] = (int(between["StartingSequenceNumber"]), int(last) if last else None)
    return found


@FACTS("b2-numbers-have-56-digits", "recorded", "A sequence number of Kinesis has 56 digits.")
@FACTS("b2-numbers-grow", "documented", "Sequence numbers of a shard grow, as numbers and, by their length, as texts.")
def test_numbers_grow_over_the_whole_stream(fake: FakeLambda) -> None:
    source = KinesisSource(fake, shards=3)
    handler = Handler(source)
    numbers = [*source.put(*map(str, range(15)))]
    fake.clock.advance(90)
    answer = source.client.put_records(
        StreamName=source.name, Records=[{"Data": b"x", "PartitionKey": str(key)} for key in range(15)]
    )
    numbers += [record["SequenceNumber"] for record in answer["Records"]]
    assert {len(number) for number in numbers} == {56}
    assert numbers == sorted(set(numbers))
    subscribe(fake, source, handler)
    fake.clock.run_until_idle()
    seen = [record["kinesis"]["sequenceNumber"] for each in fake.invocations for record in each.event["Records"]]
    assert sorted(seen) == numbers


@FACTS("b2-iterators", "documented", "Iterators begin at or after a sequence number that PutRecord answered.")
def test_iterators_begin_at_or_after_a_number(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    numbers = source.put("a", "b", "c", "d")
    for place, number in enumerate(numbers):
        start = {"StartingSequenceNumber": number}
        assert read(source, ShardIteratorType="AT_SEQUENCE_NUMBER", **start) == list("abcd")[place:]
        assert read(source, ShardIteratorType="AFTER_SEQUENCE_NUMBER", **start) == list("abcd")[place + 1 :]
    first = str(ranges(source)["shardId-000000000000"][0])
    assert read(source, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=first) == list("abcd")


@FACTS("b2-iterators-by-time", "documented", "An iterator AT_TIMESTAMP begins with the first record of that time.")
def test_an_iterator_begins_at_a_time(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    start = fake.clock.now.timestamp()
    for name in "abc":
        source.put(name)
        fake.clock.advance(10)
    for seconds, expected in ((-5, "abc"), (0, "abc"), (5, "bc"), (10, "bc"), (20, "c"), (25, "")):
        found = read(source, ShardIteratorType="AT_TIMESTAMP", Timestamp=start + seconds)
        assert found == list(expected), seconds
    assert read(source, ShardIteratorType="LATEST") == []


@FACTS(
    "b2-numbers-of-shards",
    "documented",
    "A shard's SequenceNumberRange holds the numbers of its records; those of children are above those of parents.",
)
def test_ranges_of_shards_before_and_after_resharding(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    parent = "shardId-000000000000"
    first, last = ranges(source)[parent]
    assert (len(str(first)), last) == (56, None)
    before = [int(number) for number in source.put("a", "b")]
    source.client.split_shard(StreamName=source.name, ShardToSplit=parent, NewStartingHashKey=str(2**127))
    one, two = "shardId-000000000001", "shardId-000000000002"
    after = [
        int(
            source.client.put_record(
                StreamName=source.name, Data=name.encode(), PartitionKey="k", ExplicitHashKey=hash_key
            )["SequenceNumber"]
        )
        for name, hash_key in (("low", LOWEST), ("high", HIGHEST))
    ]
    found = ranges(source)
    first, last = found[parent]
    assert last is not None
    assert first < min(before)
    assert max(before) < last < found[one][0] < after[0]
    assert last < found[two][0] < after[1]
    assert (read(source, one), read(source, two)) == (["low"], ["high"])
    source.client.merge_shards(StreamName=source.name, ShardToMerge=one, AdjacentShardToMerge=two)
    source.put("merged")
    closed = ranges(source)
    assert closed[parent] == (first, last)
    end = closed[two][1]
    assert end is not None
    assert after[1] < end < closed["shardId-000000000003"][0]
    assert read(source, "shardId-000000000003") == ["merged"]


def test_numbers_from_before_the_fake_still_lead_to_their_records() -> None:
    with mock_aws():
        client = boto3.client("kinesis", "us-east-1")
        client.create_stream(StreamName="events", ShardCount=1)
        put = {"StreamName": "events", "PartitionKey": "k"}
        earlier = [client.put_record(Data=name, **put)["SequenceNumber"] for name in (b"a", b"b", b"c")]
        with FakeLambda(region="us-east-1", advice="off"):
            source = KinesisSource.__new__(KinesisSource)
            source.client, source.name = client, "events"
            assert read(source, ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=earlier[0]) == [
                "b",
                "c",
            ]
            number = client.put_record(Data=b"d", **put)["SequenceNumber"]
            first, _ = ranges(source)["shardId-000000000000"]
            assert first < int(number)
        later = client.put_record(Data=b"e", **put)["SequenceNumber"]
        assert [*earlier, later] == ["1", "2", "3", "5"]
        assert read(source, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber="4") == ["d", "e"]


@pytest.mark.parametrize("report", [True, False])
def test_a_mapping_retries_from_the_number_that_its_function_reports(fake: FakeLambda, report: bool) -> None:
    source = KinesisSource(fake)
    numbers = source.put("a", "b", "c")
    answers = iter([{"batchItemFailures": [{"itemIdentifier": numbers[1]}]}] if report else [])
    handler = Handler(source, lambda event, names: next(answers, None))
    subscribe(fake, source, handler, FunctionResponseTypes=["ReportBatchItemFailures"])
    fake.clock.run_until_idle()
    assert handler.batches == ([["a", "b", "c"], ["b", "c"]] if report else [["a", "b", "c"]])
