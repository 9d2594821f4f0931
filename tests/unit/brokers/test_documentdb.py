"""DocumentDB clusters in memory: documents, their changes in extended JSON, and what is refused."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lambda_esm import ConfigurationError, NotActive
from pytest_lambda_esm.brokers.documentdb.change_stream import ChangeStream, Scope
from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster, Surroundings
from pytest_lambda_esm.brokers.documentdb.clusters import DocumentDBClusters
from pytest_lambda_esm.brokers.documentdb.collection import DocumentDBCollection
from pytest_lambda_esm.brokers.documentdb.extended_json import ObjectId, encode
from pytest_lambda_esm.sources.stream_ports import Reader

ARN = "arn:aws:rds:us-east-1:123456789012:cluster:documents"
START = 1_767_225_600_000_000
READER = Reader(ARN, "")


class World:
    """The time, and which clusters have changed."""

    def __init__(self) -> None:
        self.instant = START
        self.changed: list[str] = []
        self.surroundings = Surroundings(now=lambda: self.instant, depth=lambda: 0, changed=self.changed.append)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def cluster(world: World) -> DocumentDBCluster:
    return DocumentDBCluster(ARN, world.surroundings)


@pytest.fixture
def orders(cluster: DocumentDBCluster) -> DocumentDBCollection:
    return cluster.collection("shop", "orders")


def changes(cluster: DocumentDBCluster, scope: Scope = Scope()) -> list[dict[str, Any]]:  # noqa: B008 - it is frozen
    stream = ChangeStream(cluster, lambda: scope).read_log()
    return [entry["event"] for entry in stream.records(range(stream.end), READER)]


# --- extended JSON ---------------------------------------------------------------------------------------------


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


VALUES: dict[str, tuple[Any, Any]] = {
    "text": ("é\ud83d", "é\ud83d"),
    "boolean": (True, True),
    "none": (None, None),
    "number": (-(2**63), -(2**63)),
    "float": (1.5, 1.5),
    "not-a-number": (float("nan"), {"$numberDouble": "NaN"}),
    "infinity": (float("-inf"), {"$numberDouble": "-Infinity"}),
    "moment": (datetime(2026, 1, 2, tzinfo=timezone.utc), {"$date": "2026-01-02T00:00:00Z"}),
    "moment-without-zone": (datetime(2026, 1, 2, 3, 4, 5, 6999), {"$date": "2026-01-02T03:04:05.006Z"}),
    "moment-elsewhere": (
        datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        {"$date": "2026-01-01T22:00:00Z"},
    ),
    "moment-long-ago": (datetime(1969, 12, 31, 23, 59, 59), {"$date": {"$numberLong": "-1000"}}),
    "bytes": (b"\x00\x01", {"$binary": {"base64": "AAE=", "subType": "00"}}),
    "object-id": (ObjectId("63eeb6e7d418cd98afb1c1d7"), {"$oid": "63eeb6e7d418cd98afb1c1d7"}),
    "extended-json": ({"$oid": "63eeb6e7d418cd98afb1c1d7"}, {"$oid": "63eeb6e7d418cd98afb1c1d7"}),
    "nested": ({"a": [1, (2, {"b": b""})]}, {"a": [1, [2, {"b": {"$binary": {"base64": "", "subType": "00"}}}]]}),
    "ordered": (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    "enumeration": (Colour.RED, "red"),
    "number-enumeration": (Level.HIGH, 3),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES)
def test_extended_json(value: Any, expected: Any) -> None:
    encoded = encode("insert()", value)
    assert json.dumps(encoded) == json.dumps(expected)
    assert type(encoded) is type(expected)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), "no values of the type object"),
        ({1}, "no values of the type set"),
        ({1: 2}, "the names of a document's fields are texts, not 1"),
        (2**63, "more than 64 bits"),
        ({"a": [object()]}, "no values of the type object"),
    ],
    ids=["object", "set", "name", "number", "inner"],
)
def test_values_that_no_document_has(value: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        encode("insert()", value)
    assert str(refused.value).startswith("insert(): ")
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda bson: bson.ObjectId("63eeb6e7d418cd98afb1c1d7"), {"$oid": "63eeb6e7d418cd98afb1c1d7"}),
        (lambda bson: bson.Decimal128("1.50"), {"$numberDecimal": "1.50"}),
        (lambda bson: bson.Int64(5), 5),
        (lambda bson: bson.Timestamp(7, 8), {"$timestamp": {"t": 7, "i": 8}}),
        (lambda bson: bson.Binary(b"x", 5), {"$binary": {"base64": "eA==", "subType": "05"}}),
        (lambda bson: bson.SON([("b", 1), ("a", bson.MinKey())]), {"b": 1, "a": {"$minKey": 1}}),
        (lambda bson: bson.Regex("a", "i"), {"$regularExpression": {"pattern": "a", "options": "i"}}),
        (lambda bson: bson.DBRef("c", bson.Int64(1)), {"$ref": "c", "$id": 1}),
    ],
    ids=["object-id", "decimal", "int64", "timestamp", "binary", "son", "regex", "dbref"],
)  # fmt: skip
def test_types_of_bson(make: Callable[[Any], Any], expected: Any) -> None:
    bson = pytest.importorskip("bson", reason="pymongo is not installed")
    assert json.dumps(encode("insert()", make(bson))) == json.dumps(expected)


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)))
def test_every_plain_value_has_a_strict_json_text(value: Any) -> None:
    assert json.loads(json.dumps(encode("insert()", value), allow_nan=False)) == encode("insert()", value)


# --- writing -----------------------------------------------------------------------------------------------------


def test_documents_are_copies(orders: DocumentDBCollection) -> None:
    given = {"_id": 1, "lines": [1]}
    orders.insert(given)
    given["lines"].append(2)  # type: ignore[attr-defined]
    orders.documents[0]["lines"].append(3)
    assert orders.documents == [{"_id": 1, "lines": [1]}]
    assert (orders.database, orders.name, repr(orders)) == ("shop", "orders", "<DocumentDBCollection shop.orders>")


def test_a_document_without_id_gets_an_object_id(
    world: World, orders: DocumentDBCollection, cluster: DocumentDBCluster
) -> None:
    first, second = orders.insert({"n": 1}), orders.insert({"n": 2})
    assert first != second
    assert first[:8] == f"{START // 1_000_000:08x}"
    assert len(first) == 24
    assert list(orders.documents[0]) == ["_id", "n"]
    assert changes(cluster)[0]["documentKey"] == {"_id": {"$oid": str(first)}}
    orders.update(str(first), {"n": 3})
    orders.update({"$oid": str(second)}, {"n": 4})
    assert [document["n"] for document in orders.documents] == [3, 4]


UPDATES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str]]] = {
    "fields": ({"n": 2}, {"n": 2, "in": {"a": 1}, "list": [1]}, {"n": 2}, []),
    "inner": ({"in.b.c": 2}, {"n": 1, "in": {"a": 1, "b": {"c": 2}}, "list": [1]}, {"in.b.c": 2}, []),
    "set": ({"$set": {"list.0": 5}}, {"n": 1, "in": {"a": 1}, "list": [5]}, {"list.0": 5}, []),
    "unset": ({"$unset": {"in.a": "", "x": ""}}, {"n": 1, "in": {}, "list": [1]}, {}, ["in.a"]),
    "unset-element": ({"$unset": {"list.0": ""}}, {"n": 1, "in": {"a": 1}, "list": [None]}, {"list.0": None}, []),
    "inc": ({"$inc": {"n": 2, "m": 1}}, {"n": 3, "in": {"a": 1}, "list": [1], "m": 1}, {"n": 3, "m": 1}, []),
    "push": (
        {"$push": {"list": 2, "new": 1}},
        {"n": 1, "in": {"a": 1}, "list": [1, 2], "new": [1]},
        {"list.1": 2, "new": [1]},
        [],
    ),
}


@pytest.mark.parametrize(("change", "after", "updated", "removed"), UPDATES.values(), ids=UPDATES)
def test_updates(
    cluster: DocumentDBCluster,
    orders: DocumentDBCollection,
    change: dict[str, Any],
    after: dict[str, Any],
    updated: dict[str, Any],
    removed: list[str],
) -> None:
    orders.insert({"_id": 1, "n": 1, "in": {"a": 1}, "list": [1]})
    orders.update({"n": 1, "in.a": 1, "list.0": 1}, change)
    assert orders.documents == [{"_id": 1, **after}]
    assert changes(cluster)[-1]["updateDescription"] == {"removedFields": removed, "updatedFields": updated}


@pytest.mark.parametrize("change", [{"n": 1}, {"$inc": {"n": 0}}, {"$unset": {"x": ""}}], ids=["set", "inc", "unset"])
def test_an_update_that_changes_nothing_has_no_event(
    cluster: DocumentDBCluster, orders: DocumentDBCollection, change: dict[str, Any]
) -> None:
    orders.insert({"_id": 1, "n": 1})
    orders.update(1, change)
    assert len(changes(cluster)) == 1


def test_a_filter_finds_the_first_match(orders: DocumentDBCollection) -> None:
    for number in range(3):
        orders.insert({"_id": number, "kind": "x"})
    orders.delete({"kind": "x"})
    orders.replace({"kind": "x", "_id": 2}, {"kind": "y"})
    assert orders.documents == [{"_id": 1, "kind": "x"}, {"_id": 2, "kind": "y"}]


REFUSED: dict[str, tuple[Callable[[DocumentDBCollection], Any], str]] = {
    "twice": (lambda orders: orders.insert({"_id": 1}), "has a document with the _id 1 already"),
    "no-dictionary": (lambda orders: orders.insert([1]), "a document is a dictionary, not [1]"),  # type: ignore[arg-type]
    "no-value": (lambda orders: orders.insert({"a": object()}), "no values of the type object"),
    "unknown": (lambda orders: orders.update(7, {"n": 1}), "has no such document. The _id of its documents: 1"),
    "no-match": (lambda orders: orders.delete({"n": 9}), "has no such document"),
    "operator": (lambda orders: orders.update(1, {"$sett": {"n": 1}}), "$sett is not simulated"),
    "both": (lambda orders: orders.update(1, {"$set": {"n": 1}, "m": 1}), "either fields or operators"),
    "no-changes": (lambda orders: orders.update(1, {}), "changes are a dictionary"),
    "no-fields": (lambda orders: orders.update(1, {"$set": 1}), "$set takes a dictionary of fields, not 1"),
    "id": (lambda orders: orders.update(1, {"_id": 2}), "the _id of a document never changes"),
    "replaced-id": (lambda orders: orders.replace(1, {"_id": 2}), "the _id of a document never changes"),
    "filter": (lambda orders: orders.update({"n": {"$gt": 1}}, {"n": 1}), "'n' has an operator"),
    "inc": (lambda orders: orders.update(1, {"$inc": {"text": 1}}), "$inc adds a number to a number, not 1 to 'x'"),
    "push": (lambda orders: orders.update(1, {"$push": {"n": 1}}), "$push appends to a list, and 'n' is 1"),
    "path": (lambda orders: orders.update(1, {"n.m": 1}), "there is no field 'n.m'"),
}


@pytest.mark.parametrize(("act", "text"), REFUSED.values(), ids=REFUSED)
def test_what_a_collection_refuses(
    cluster: DocumentDBCluster, orders: DocumentDBCollection, act: Callable[[DocumentDBCollection], Any], text: str
) -> None:
    orders.insert({"_id": 1, "n": 1, "text": "x"})
    with pytest.raises(ConfigurationError) as refused:
        act(orders)
    assert text in str(refused.value)
    assert orders.documents == [{"_id": 1, "n": 1, "text": "x"}]
    assert len(changes(cluster)) == 1


# --- the cluster -------------------------------------------------------------------------------------------------

MISUSES: dict[str, tuple[Callable[[DocumentDBCluster], Any], str]] = {
    "database": (lambda cluster: cluster.collection("a.b", "c"), "a database's name has up to 63 characters"),
    "no-database": (lambda cluster: cluster.collection("", "c"), "a database's name has up to 63 characters"),
    "collection": (lambda cluster: cluster.collection("a", "system.x"), "a collection's name has up to 57 characters"),
    "retention": (lambda cluster: cluster.set_retention(60), "kept for an hour to 7 days"),
    "long-retention": (lambda cluster: cluster.set_retention(timedelta(days=8)), "kept for an hour to 7 days"),
    "no-span": (lambda cluster: cluster.set_retention("3h"), "set_retention('3h'): "),
    "reason": (lambda cluster: cluster.refuse("authentications"), "'authentication'"),
    "modify": (lambda cluster: cluster.modify_change_streams(enable=True, collection="c"), "needs the name of its"),
}


@pytest.mark.parametrize(("act", "text"), MISUSES.values(), ids=MISUSES)
def test_what_a_cluster_refuses(cluster: DocumentDBCluster, act: Callable[[DocumentDBCluster], Any], text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        act(cluster)
    assert text in str(refused.value)


def test_change_streams_are_enabled_by_cluster_database_and_collection(cluster: DocumentDBCluster) -> None:
    def enabled() -> list[bool]:
        return [cluster.has_change_stream(*place) for place in (("a", "x"), ("a", None), ("b", "x"))]

    assert enabled() == [True, True, True]
    cluster.modify_change_streams(enable=False)
    assert enabled() == [False, False, False]
    cluster.modify_change_streams(enable=True, database="a", collection="x")
    assert enabled() == [True, False, False]
    cluster.modify_change_streams(enable=True, database="a")
    cluster.modify_change_streams(enable=False, database="a", collection="x")
    assert enabled() == [False, True, False]
    cluster.collection("b", "x").insert({})
    cluster.collection("a", "y").insert({"_id": 1})
    assert [change["ns"] for change in changes(cluster)] == [{"db": "a", "coll": "y"}]


def test_tokens_grow_and_events_of_a_second_are_numbered(world: World, cluster: DocumentDBCluster) -> None:
    orders = cluster.collection("shop", "orders")
    for step in (0, 300_000, 700_000, 0, -5_000_000):  # A handler's own time may go back.
        world.instant += step
        orders.insert({})
    found = changes(cluster)
    times = [(change["clusterTime"]["$timestamp"]["t"], change["clusterTime"]["$timestamp"]["i"]) for change in found]
    assert times == [
        (START // 1_000_000 + second, number) for second, number in ((0, 1), (0, 2), (1, 1), (1, 2), (1, 3))
    ]
    tokens = [change["_id"]["_data"] for change in found]
    assert tokens == sorted(set(tokens))


def test_each_change_is_announced(world: World, cluster: DocumentDBCluster) -> None:
    orders = cluster.collection("shop", "orders")
    assert cluster.collection("shop", "orders") is orders
    assert world.changed == [ARN]
    orders.insert({"_id": 1})
    orders.update(1, {"n": 1})
    orders.delete(1)
    cluster.refuse("connection")
    cluster.accept()
    cluster.set_retention(3600)
    cluster.modify_change_streams(enable=False)
    assert world.changed == [ARN] * 8
    orders.insert({"_id": 2})
    assert world.changed == [ARN] * 8


def test_clusters_are_found_forgotten_and_closed(world: World) -> None:
    clusters = DocumentDBClusters(world.surroundings)
    assert clusters.known(ARN) is None
    cluster, other = clusters.find(ARN), clusters.find(ARN.replace("us-east-1", "eu-west-1"))
    assert [*clusters] == [cluster, other]
    assert clusters.find(ARN) is cluster
    orders = cluster.collection("shop", "orders")
    clusters.forget_place("123456789012", "us-east-1")
    assert [*clusters] == [other]
    with pytest.raises(NotActive, match="before moto was reset"):
        orders.insert({})
    clusters.close("is closed")
    with pytest.raises(NotActive, match="cluster:documents> is closed"):
        other.refuse("connection")


def test_a_scope_that_changes_concerns_later_events(cluster: DocumentDBCluster) -> None:
    scope = Scope("shop", "orders")
    stream = ChangeStream(cluster, lambda: scope)
    for name in ("orders", "bills"):
        cluster.collection("shop", name).insert({"_id": f"{name} 1"})
    assert stream.read_log().end == 1
    scope = Scope("shop", "bills")
    for name in ("orders", "bills"):
        cluster.collection("shop", name).insert({"_id": f"{name} 2"})
    stream.read_log()
    assert [stream.key(position) for position in range(stream.end)] == [
        'shop.orders "orders 1"',
        'shop.bills "bills 2"',
    ]


def test_what_fits_are_the_events_that_have_arrived_and_have_room(world: World, cluster: DocumentDBCluster) -> None:
    orders = cluster.collection("shop", "orders")
    for number in range(8):
        orders.insert({"_id": number, "text": "x" * (number % 3 * 10)})
        world.instant += 1_000_000
    stream = ChangeStream(cluster, Scope).read_log()
    for start, stop in ((0, 8), (0, 1), (3, 7), (7, 8)):
        for now in (0, stream.arrival(0), stream.arrival(5) - 1, stream.arrival(7)):
            for room in (0, stream.size(start), stream.size(start) - 1, 700, 1_000_000):
                end, taken = start, 0
                while end < stop and stream.arrival(end) <= now and taken + stream.size(end) <= room:
                    end, taken = end + 1, taken + stream.size(end)
                assert stream.fitting(start, stop, now, room) == (end, taken)
    assert stream.size(0) == len(json.dumps(stream.records([0], READER)[0], separators=(",", ":")))


def test_a_change_stream_has_one_shard(cluster: DocumentDBCluster) -> None:
    stream = ChangeStream(cluster, Scope)
    (shard,) = stream.shards()
    assert (shard, stream.shard("other")) == (stream.shard(shard.shard_id), None)
    assert (list(shard.parents), shard.closed, shard.depth(()), shard.hash_fraction(0)) == ([], False, 0, 0.0)
    assert stream.incarnation is cluster
    assert shard.retention == 3 * 3600 * 1_000_000
