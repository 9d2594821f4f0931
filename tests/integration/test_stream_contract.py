"""What pollers rely on in a stream, for moto's streams and for the stream in memory that unit tests use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from helpers.memory_stream import ARN, MemoryStream
from helpers.streams import KinesisSource, TableSource
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.moto_bridge.streams.dynamodb import MotoTableStreams
from pytest_lambda_esm.moto_bridge.streams.kinesis import MotoStreams
from pytest_lambda_esm.sources.stream_ports import Reader, Shard, Stream
from pytest_lambda_esm.timing import instant_of

READER = Reader("the source's ARN", "the role's ARN")


class InMemory:
    """The stream of the unit tests."""

    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.arn = ARN
        self.streams = MemoryStream()

    def put(self, name: str) -> None:
        self.streams.put(name, name, instant_of(self.fake.clock.now))

    def close(self) -> None:
        self.streams.split(self.streams.all[0])

    def delete(self) -> None:
        self.streams.exists = False

    def create_again(self) -> None:
        self.streams = MemoryStream()
        self.streams.incarnation = "second"

    @staticmethod
    def number(record: dict[str, Any]) -> str:
        return str(record["kinesis"]["sequenceNumber"])


class InKinesis:
    """A Kinesis stream in moto."""

    number = staticmethod(KinesisSource.sequence_number)

    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.streams = MotoStreams()
        self.create_again()

    def put(self, name: str) -> None:
        self.source.put(name)

    def close(self) -> None:
        [shard] = self.source.client.list_shards(StreamName="events")["Shards"]
        self.source.client.split_shard(
            StreamName="events", ShardToSplit=shard["ShardId"], NewStartingHashKey=str(1 << 127)
        )

    def delete(self) -> None:
        self.source.client.delete_stream(StreamName="events")

    def create_again(self) -> None:
        self.source = KinesisSource(self.fake)
        self.arn = self.source.arn


class InTable:
    """A table's stream in moto."""

    number = staticmethod(TableSource.sequence_number)

    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.streams = MotoTableStreams()
        self.create_again()

    def put(self, name: str) -> None:
        self.source.put(name)

    def close(self) -> None:
        self.source.client.update_table(TableName="items", StreamSpecification={"StreamEnabled": False})

    def delete(self) -> None:
        self.source.client.delete_table(TableName="items")

    def create_again(self) -> None:
        self.source = TableSource(self.fake)
        self.arn = self.source.arn


@pytest.fixture(params=[InMemory, InKinesis, InTable])
def source(request: pytest.FixtureRequest) -> Iterator[Any]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        yield request.param(fake)


def stream_of(source: Any) -> Stream:
    stream = source.streams.find(source.arn)
    assert stream is not None
    return stream


def shard_of(source: Any) -> Shard:
    return stream_of(source).shards()[0]


def filled(source: Any) -> Shard:
    """Put twelve records of different sizes, one each second, and return their shard."""
    for number in range(12):
        source.put(f"record-{number}" * (1 + number % 4))
        source.fake.clock.advance(1)
    return shard_of(source)


def test_positions_count_from_zero_and_stay(source: Any) -> None:
    start = instant_of(source.fake.clock.now)
    shard = filled(source)
    assert shard.end == 12
    before = [(shard.arrival(position), shard.sequence_number(position)) for position in range(12)]
    assert [arrival for arrival, _ in before] == [start + second * 1_000_000 for second in range(12)]
    source.fake.clock.advance(days=9)
    source.put("later")
    shard = shard_of(source)
    assert [(shard.arrival(position), shard.sequence_number(position)) for position in range(12)] == before
    assert shard.end == 13
    assert shard.arrival(0) + shard.retention < instant_of(source.fake.clock.now)


def test_sequence_numbers_grow_and_are_those_of_the_records(source: Any) -> None:
    shard = filled(source)
    numbers = [shard.sequence_number(position) for position in range(12)]
    assert numbers == sorted(set(numbers), key=int)
    assert [source.number(record) for record in shard.records(range(12), READER)] == numbers


def test_keys_are_readable_and_fall_into_the_range_of_the_shard(source: Any) -> None:
    shard = filled(source)
    assert all(f"record-{position}" in shard.key(position) for position in range(12))
    fractions = [shard.hash_fraction(position) for position in range(12)]
    assert all(0 <= fraction < 1 for fraction in fractions)
    assert fractions == [shard_of(source).hash_fraction(position) for position in range(12)]
    assert len(set(fractions)) == 12


def test_the_size_is_about_that_in_an_event(source: Any) -> None:
    shard = filled(source)
    for position in range(12):
        [record] = shard.records([position], READER)
        assert shard.size(position) == pytest.approx(len(json.dumps(record)), rel=0.5)


def test_what_fits_are_the_records_that_have_arrived_and_have_room(source: Any) -> None:
    shard = filled(source)
    for start, stop in ((0, 12), (0, 1), (3, 7), (11, 12)):
        for now in (0, shard.arrival(0), shard.arrival(5) - 1, shard.arrival(5), shard.arrival(11)):
            for room in (0, shard.size(start), shard.size(start) - 1, 3000, 1_000_000):
                end, taken = start, 0
                while end < stop and shard.arrival(end) <= now and taken + shard.size(end) <= room:
                    end, taken = end + 1, taken + shard.size(end)
                assert shard.fitting(start, stop, now, room) == (end, taken)


def test_records_are_new_each_time_and_name_the_reader(source: Any) -> None:
    shard = filled(source)
    first, second = shard.records([3, 5], READER), shard.records([3, 5], READER)
    assert first == second
    assert len(first) == 2
    first[0].clear()
    assert shard.records([3, 5], READER) == second
    assert second[0]["eventSourceARN"] == "the source's ARN"


def test_records_of_the_tests_own_have_no_depth(source: Any) -> None:
    assert filled(source).depth(range(12)) == 0
    assert shard_of(source).depth(()) == 0


def test_a_closed_shard_keeps_its_records(source: Any) -> None:
    assert not filled(source).closed
    assert list(shard_of(source).parents) == []
    source.close()
    shard = shard_of(source)
    assert (shard.closed, shard.end) == (True, 12)
    for child in stream_of(source).shards()[1:]:
        assert (child.closed, list(child.parents), child.end) == (False, [shard.shard_id], 0)


def test_shards_are_found_by_their_ids(source: Any) -> None:
    stream = stream_of(source)
    [shard] = stream.shards()
    found = stream.shard(shard.shard_id)
    assert found is not None
    assert found.shard_id == shard.shard_id
    assert stream.shard("nonsense") is None


def test_a_stream_is_another_one_once_it_was_created_again(source: Any) -> None:
    before = stream_of(source).incarnation
    assert stream_of(source).incarnation == before
    source.fake.clock.advance(1)
    source.delete()
    assert source.streams.find(source.arn) is None
    source.create_again()
    assert stream_of(source).incarnation != before
