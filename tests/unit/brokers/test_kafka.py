"""The embedded Kafka cluster: topics, partitions, producers, groups, retention."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from helpers.kafka import memory_cluster
from helpers.simulation import START
from pytest_lambda_esm import ConfigurationError, NotActive
from pytest_lambda_esm.brokers.kafka.cluster import KafkaCluster
from pytest_lambda_esm.brokers.kafka.partitioner import murmur2, partition_of_key
from pytest_lambda_esm.clock.virtual import EventClock


@pytest.fixture
def clock() -> EventClock:
    return EventClock(START)


@pytest.fixture
def cluster(clock: EventClock) -> KafkaCluster:
    cluster = memory_cluster(clock)
    cluster.create_topic("orders", 3)
    return cluster


def values(cluster: KafkaCluster, partition: int | None = None) -> list[bytes | None]:
    return [record.value for record in cluster.records("orders", partition=partition)]


# --- partitions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_keys_are_hashed_as_kafkas_own_tests_have_it(key: str, expected: int) -> None:
    assert murmur2(key.encode()) == expected % (1 << 32)


def test_equal_keys_have_one_partition(cluster: KafkaCluster) -> None:
    numbers = {cluster.produce("orders", "x", key="customer-7").partition for _ in range(5)}
    assert numbers == {partition_of_key(b"customer-7", 3)}


def test_records_without_a_key_stay_together_for_an_instant(cluster: KafkaCluster, clock: EventClock) -> None:
    numbers = []
    for _ in range(4):
        numbers.append([cluster.produce("orders", "x").partition for _ in range(3)])
        clock.advance(1)
    assert numbers == [[0] * 3, [1] * 3, [2] * 3, [0] * 3]


def test_a_full_batch_goes_on_to_the_next_partition(cluster: KafkaCluster) -> None:
    assert [cluster.produce("orders", b"x" * 10_000).partition for _ in range(3)] == [0, 1, 2]


def test_a_partition_can_be_stated(cluster: KafkaCluster) -> None:
    made = [cluster.produce("orders", "x", key="any", partition=2) for _ in range(2)]
    assert [(each.partition, each.offset) for each in made] == [(2, 0), (2, 1)]


# --- records ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [(b"\x00\xff", b"\x00\xff"), ("é", "é".encode()), ({"n": 1}, b'{"n": 1}'), ([1], b"[1]"), (7, b"7"), (None, None)],
)
def test_values_are_bytes_texts_json_or_tombstones(cluster: KafkaCluster, given: Any, stored: bytes | None) -> None:
    cluster.produce("orders", given)
    assert values(cluster) == [stored]


def test_a_record_has_its_key_headers_and_timestamp(cluster: KafkaCluster) -> None:
    at = datetime(2025, 12, 31, tzinfo=timezone.utc)
    made = cluster.produce("orders", {"n": 1}, key="k", headers={"a": b"1", "b": "ü"}, timestamp=at)
    (record,) = cluster.records("orders")
    assert (record.key, record.headers) == (b"k", (("a", b"1"), ("b", "ü".encode())))
    assert record.timestamp == made.timestamp == 1_767_139_200_000
    assert record.json() == {"n": 1}


def test_a_header_may_occur_twice(cluster: KafkaCluster) -> None:
    cluster.produce("orders", "x", headers=[("a", "1"), ("a", None)])
    assert cluster.records("orders")[0].headers == (("a", b"1"), ("a", None))


def test_the_cluster_sets_the_timestamp_of_records_where_the_topic_says_so(cluster: KafkaCluster) -> None:
    cluster.create_topic("log", timestamp_type="LOG_APPEND_TIME")
    assert cluster.produce("log", "x", timestamp=1).timestamp == 1_767_225_600_000


def test_records_are_kept_for_a_week(cluster: KafkaCluster, clock: EventClock) -> None:
    cluster.produce("orders", "old", partition=0)
    clock.advance(days=3)
    cluster.produce("orders", "new", partition=0)
    clock.advance(days=4)
    assert values(cluster) == [b"new"]
    assert cluster.records("orders")[0].offset == 1


def test_the_retention_of_a_topic_can_be_set(cluster: KafkaCluster, clock: EventClock) -> None:
    cluster.create_topic("short", retention=timedelta(minutes=1))
    cluster.produce("short", "x")
    clock.advance(60)
    assert cluster.records("short") == []


# --- consumer groups -------------------------------------------------------------------------------------------


def test_members_share_the_partitions(cluster: KafkaCluster) -> None:
    one = cluster.join("group", "orders")
    assert len(one.assignment) == 3
    two = cluster.join("group")
    assert (one.assignment, two.assignment) == ([("orders", 0), ("orders", 2)], [("orders", 1)])
    one.leave()
    assert len(two.assignment) == 0  # Nobody subscribes to the topic any more.


def test_a_member_goes_on_where_the_group_has_committed(cluster: KafkaCluster) -> None:
    for number in range(4):
        cluster.produce("orders", str(number), partition=0)
    one = cluster.join("group", "orders")
    assert [record.value for record in one.poll(2)] == [b"0", b"1"]
    one.commit()
    assert [record.value for record in one.poll(1)] == [b"2"]
    one.leave()
    assert cluster.committed("group") == {"orders-0": 2}
    two = cluster.join("group", "orders")
    assert [record.offset for record in two.poll()] == [2, 3]
    assert two.poll() == []


def test_a_new_topic_is_dealt_out(cluster: KafkaCluster) -> None:
    member = cluster.join("group", "orders", "orders")
    cluster.create_topic("later")
    other = cluster.join("group", "later")
    assert other.assignment == [("later", 0)]
    assert ("later", 0) not in member.assignment


# --- the producer ----------------------------------------------------------------------------------------------


def test_a_share_group_gives_each_record_to_one_consumer(cluster: KafkaCluster) -> None:
    group, place = cluster.share_group("g"), ("orders", 0)
    group.begin(place, 0)
    for name in "abc":
        cluster.produce("orders", name, partition=0)
    group.acquire(place, [0, 1])
    assert list(group.available(place)) == [2]
    group.acknowledge(place, [1])
    assert group.release(place, [0]) == []
    assert list(group.available(place)) == [0, 2]
    assert group.lag(place) == 2


def test_a_share_group_archives_at_its_limit(cluster: KafkaCluster) -> None:
    cluster.configure_share_group("g", delivery_limit=2)
    group, place = cluster.share_group("g"), ("orders", 0)
    group.begin(place, 0)
    cluster.produce("orders", "a", partition=0)
    for archived in ([], [0]):
        group.acquire(place, [0])
        assert group.release(place, [0]) == archived
    assert (list(group.available(place)), group.lag(place)) == ([], 0)


def test_a_producer_calls_back_when_it_is_polled(cluster: KafkaCluster) -> None:
    producer, delivered = cluster.producer(), []
    producer.produce(
        "orders", "x", "key", on_delivery=lambda error, message: delivered.append((error, message)), headers={"a": "1"}
    )
    producer.produce("orders", b"y", partition=2, callback=lambda error, message: delivered.append((error, message)))
    assert (len(producer), delivered) == (2, [])
    assert bool(producer)
    assert producer.poll(0) == 2
    assert len(producer) == 0
    (error, first), (_, second) = delivered
    assert error is None
    assert first.error() is None
    assert (first.topic(), first.key(), first.value(), first.headers()) == ("orders", b"key", b"x", [("a", b"1")])
    assert (second.partition(), second.offset(), second.headers()) == (2, 0, None)
    assert second.timestamp() == (1, 1_767_225_600_000)


def test_flush_also_sends_what_a_callback_produces(cluster: KafkaCluster) -> None:
    producer = cluster.producer()
    producer.produce("orders", "x", on_delivery=lambda error, message: producer.produce("orders", "y"))
    assert producer.flush() == 0
    assert len(producer) == 0
    assert values(cluster) == [b"x", b"y"]


def test_a_producer_takes_texts_and_bytes_only(cluster: KafkaCluster) -> None:
    with pytest.raises(TypeError, match="bytes-like"):
        cluster.producer().produce("orders", {"n": 1})  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="pass one of them"):
        cluster.producer().produce("orders", "x", on_delivery=print, callback=print)


# --- misuse ----------------------------------------------------------------------------------------------------

MISUSES: dict[str, tuple[Any, str]] = {
    "unknown-topic": (lambda c: c.produce("ordres", "x"), "no topic 'ordres'. Did you mean 'orders'"),
    "partition-out-of-range": (
        lambda c: c.produce("orders", "x", partition=3),
        "and no partition 3",
    ),
    "partition-no-number": (lambda c: c.produce("orders", "x", partition=True), "no partition True"),
    "value-no-json": (lambda c: c.produce("orders", object()), "a value is bytes, a text"),
    "key-no-bytes": (lambda c: c.produce("orders", "x", key=1), "a key is bytes, a text or None"),
    "headers-no-pairs": (lambda c: c.produce("orders", "x", headers=["a"]), "headers are a mapping"),
    "headers-no-list": (lambda c: c.produce("orders", "x", headers=5), "headers are a mapping"),
    "value-not-a-number": (lambda c: c.produce("orders", {"n": float("nan")}), "that JSON can express"),
    "headers-no-bytes": (lambda c: c.produce("orders", "x", headers={"a": 1}), "headers are a mapping"),
    "naive-timestamp": (lambda c: c.produce("orders", "x", timestamp=datetime(2026, 1, 1)), "an aware datetime"),
    "records-of-an-unknown-topic": (lambda c: c.records("nothing"), "no topic 'nothing'"),
    "topic-twice": (lambda c: c.create_topic("orders"), "exists already"),
    "topic-name": (lambda c: c.create_topic("no spaces"), "letters, digits, dots"),
    "no-partitions": (lambda c: c.create_topic("t", 0), "a whole number from 1"),
    "retention": (lambda c: c.create_topic("t", retention=-1), "retention: a time span cannot be negative"),
    "timestamp-type": (lambda c: c.create_topic("t", timestamp_type="NOW"), "timestamp_type is one of"),
    "join-an-unknown-topic": (lambda c: c.join("group", "nothing"), "no topic 'nothing'"),
    "join-nothing": (lambda c: c.join(""), "a consumer group is a text"),
    "share-group-of-no-name": (lambda c: c.configure_share_group(""), "a share group is a text"),
    "share-group-limit": (lambda c: c.configure_share_group("g", delivery_limit=1), "from 2 to 25, not 1"),
    "share-group-start": (lambda c: c.configure_share_group("g", from_start="earliest"), "True or False"),
    "refuse-for-no-reason": (lambda c: c.refuse("authentcation"), "Did you mean 'authentication'"),
}


@pytest.mark.parametrize(("call", "text"), MISUSES.values(), ids=MISUSES)
def test_misuse_is_an_error_of_ours(cluster: KafkaCluster, call: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        call(cluster)
    assert text in str(refused.value)


def test_a_closed_cluster_can_only_be_read(cluster: KafkaCluster) -> None:
    cluster.produce("orders", "x")
    member = cluster.join("group", "orders")
    cluster.close("is over")
    assert values(cluster) == [b"x"]
    for call in (
        lambda: cluster.produce("orders", "y"),
        lambda: cluster.create_topic("more"),
        lambda: cluster.join("group"),
        lambda: cluster.refuse("connection"),
        lambda: cluster.accept(),
        lambda: cluster.producer(),
        lambda: member.poll(),
        lambda: member.commit(),
        lambda: member.leave(),
    ):
        with pytest.raises(NotActive, match="is over"):
            call()
