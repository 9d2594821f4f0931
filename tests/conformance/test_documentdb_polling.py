"""How mappings of DocumentDB read a change stream, retry and give up, and the events that they send.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from helpers.conformance import Facts
from helpers.documentdb import HOUR, Handler, Shop
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.sources.documentdb import REFUSALS

FACTS = Facts("DocumentDB: events and polling")

SAMPLE: dict[str, Any] = {
    "eventSourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:canaryclusterb2a659a2-qo5tcmqkcl03",
    "events": [
        {
            "event": {
                "_id": {"_data": "0163eeb6e7000000090100000009000041e1"},
                "clusterTime": {"$timestamp": {"t": 1676588775, "i": 9}},
                "documentKey": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}},
                "fullDocument": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}, "anyField": "sampleValue"},
                "ns": {"db": "test_database", "coll": "test_collection"},
                "operationType": "insert",
            }
        }
    ],
    "eventSource": "aws:docdb",
}


@pytest.fixture
def shop(fake: FakeLambda) -> Shop:
    return Shop(fake)


# --- events --------------------------------------------------------------------------------------------------


@FACTS("b7-event", "documented", "An event has the change events in extended JSON, member by member as in the sample.")
def test_event_documented() -> None:
    with FakeLambda(
        region="us-east-1", advice="off", start=datetime.fromtimestamp(1676588775, timezone.utc)
    ) as at_the_time:
        shop, handler = Shop(at_the_time), Handler()
        cluster = at_the_time.documentdb(SAMPLE["eventSourceArn"])
        for number in range(8):
            cluster.collection("other", "other").insert({"n": number})
        document = {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}, "anyField": "sampleValue"}
        cluster.collection("test_database", "test_collection").insert(document)
        config = {"DatabaseName": "test_database", "CollectionName": None}
        shop.subscribe(handler, EventSourceArn=cluster.arn, config=config)
        at_the_time.clock.run_until_idle()
    assert json.dumps(handler.events[0]) == json.dumps(SAMPLE)


@FACTS("b7-update", "documented", "An update has an updateDescription and, by default, no document.")
def test_update_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.orders.insert({"_id": 1, "state": "new", "note": "x", "lines": [{"n": 1}]})
    shop.subscribe(handler, StartingPosition="LATEST")
    shop.orders.update(1, {"$set": {"state": "paid", "lines.0.n": 2}, "$unset": {"note": ""}})
    fake.clock.run_until_idle()
    (change,) = handler.changes
    assert change["operationType"] == "update"
    assert "fullDocument" not in change
    assert change["updateDescription"] == {
        "removedFields": ["note"],
        "updatedFields": {"state": "paid", "lines.0.n": 2},
    }


@FACTS("b7-replace-and-delete", "documented", "A replace has the new document; a delete has its key only.")
def test_replace_and_delete_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.insert("a")
    shop.subscribe(handler, StartingPosition="LATEST")
    shop.orders.replace("a", {"n": 2})
    shop.orders.delete("a")
    fake.clock.run_until_idle()
    replaced, deleted = handler.changes
    assert (replaced["operationType"], replaced["fullDocument"]) == ("replace", {"_id": "a", "n": 2})
    assert "updateDescription" not in replaced
    assert (deleted["operationType"], deleted["documentKey"]) == ("delete", {"_id": "a"})
    assert "fullDocument" not in deleted


@FACTS(
    "b7-update-lookup",
    "documented",
    "With UpdateLookup, an update has the whole document as it is when the stream is read; null if it is gone.",
)
def test_update_lookup_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.insert("kept", "gone")
    shop.subscribe(handler, StartingPosition="LATEST", config={"FullDocument": "UpdateLookup"})
    shop.orders.update("kept", {"n": 1})
    shop.orders.update("kept", {"n": 2})
    shop.orders.update("gone", {"n": 1})
    shop.orders.delete("gone")
    fake.clock.run_until_idle()
    updates = [change for change in handler.changes if change["operationType"] == "update"]
    assert [change["fullDocument"] for change in updates] == [{"_id": "kept", "n": 2}, {"_id": "kept", "n": 2}, None]
    assert [change["updateDescription"]["updatedFields"]["n"] for change in updates] == [1, 2, 1]


@FACTS("b7-lookup-once", "chosen", "A retry sends the document that the first attempt sent.")
def test_lookup_once_chosen(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler("a")
    shop.insert("a")
    shop.subscribe(handler, StartingPosition="LATEST", config={"FullDocument": "UpdateLookup"})
    shop.orders.update("a", {"n": 1})
    fake.clock.advance(1)
    shop.orders.update("a", {"n": 2})
    fake.clock.advance(10)
    attempts = [event["events"][0]["event"]["fullDocument"] for event in handler.events]
    assert attempts == [{"_id": "a", "n": 1}] * len(handler.events)


@FACTS("b7-relaxed", "chosen", "Values are in the relaxed form of extended JSON; arrays are never truncated.")
def test_relaxed_chosen(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    at = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
    shop.orders.insert({"_id": 1, "n": 2**40, "f": 0.5, "at": at, "raw": b"\x00\xff", "none": None, "list": [True]})
    shop.subscribe(handler)
    fake.clock.run_until_idle()
    assert handler.changes[0]["fullDocument"] == {
        "_id": 1,
        "n": 2**40,
        "f": 0.5,
        "at": {"$date": "2026-01-02T03:04:05.678Z"},
        "raw": {"$binary": {"base64": "AP8=", "subType": "00"}},
        "none": None,
        "list": [True],
    }


# --- what is read ----------------------------------------------------------------------------------------------


@FACTS("s210-collection", "documented", "A mapping reads a collection, or all of a database if it names none.")
@pytest.mark.parametrize(
    ("collection", "read"),
    [
        pytest.param("orders", [["a"]], id="one-documented"),
        pytest.param(None, [["a", "b"]], id="all-documented"),
    ],
)
def test_collections(fake: FakeLambda, shop: Shop, collection: str | None, read: list[list[str]]) -> None:
    handler = Handler()
    shop.insert("a")
    shop.cluster.collection("shop", "bills").insert({"_id": "b"})
    shop.cluster.collection("other", "orders").insert({"_id": "c"})
    shop.subscribe(handler, config={"CollectionName": collection})
    fake.clock.run_until_idle()
    assert handler.batches == read


@FACTS("s210-latest", "documented", "LATEST reads what is written once the mapping has been created.")
def test_latest_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.insert("before")
    shop.subscribe(handler, StartingPosition="LATEST")
    shop.insert("after")
    fake.clock.run_until_idle()
    assert handler.batches == [["after"]]


@FACTS("s210-trim-horizon", "documented", "TRIM_HORIZON begins at the current time minus the log's retention.")
def test_trim_horizon_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.insert("expired")
    fake.clock.advance(2 * HOUR)
    shop.insert("kept")
    fake.clock.advance(2 * HOUR)
    uuid = shop.subscribe(handler)
    fake.clock.run_until_idle()
    assert handler.batches == [["kept"]]
    assert fake.mapping(uuid).state == "Enabled"


@FACTS("s210-at-timestamp", "documented", "AT_TIMESTAMP begins at the first event that is not older.")
def test_at_timestamp_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.insert("before")
    fake.clock.advance(60)
    at = fake.clock.now
    shop.insert("at")
    fake.clock.advance(60)
    shop.insert("after")
    shop.subscribe(handler, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=at)
    fake.clock.run_until_idle()
    assert handler.batches == [["at", "after"]]


@FACTS("s210-no-filters", "documented", "A mapping of DocumentDB has no filters, and nothing is filtered out.")
def test_no_filters_documented(fake: FakeLambda, shop: Shop) -> None:
    client = fake.client("lambda")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="filterCriteria"):
        shop.subscribe(Handler(), FilterCriteria={"Filters": [{"Pattern": '{"event": {"operationType": ["insert"]}}'}]})


# --- batches ---------------------------------------------------------------------------------------------------


@FACTS("c5-batch-size", "documented", "A batch is complete with BatchSize events, before its window ends.")
def test_batch_size_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.subscribe(handler, BatchSize=2, MaximumBatchingWindowInSeconds=60)
    shop.insert("1", "2", "3")
    fake.clock.advance(1)
    assert handler.batches == [["1", "2"]]
    fake.clock.advance(59)
    assert handler.batches == [["1", "2"], ["3"]]


@FACTS("c5-window", "documented", "The batching window starts with its first event; by default it is 500 ms.")
@pytest.mark.parametrize(
    ("window", "seconds"), [pytest.param(0, 0.5, id="default-documented"), pytest.param(5, 5, id="five-documented")]
)
def test_windows(fake: FakeLambda, shop: Shop, window: int, seconds: float) -> None:
    handler = Handler()
    shop.subscribe(handler, MaximumBatchingWindowInSeconds=window)
    fake.clock.advance(60)
    for name in "12":
        shop.insert(name)
        fake.clock.run_until_idle()
        invocation = fake.invocations[-1]
        assert invocation.started == fake.clock.now
        fake.clock.advance(seconds / 2)  # Less than a window after the last invocation.
    started = [invocation.started for invocation in fake.invocations]
    assert started[1] - started[0] == timedelta(seconds=seconds * 1.5)


@FACTS("s210-in-order", "documented", "There is one invocation at a time, and events come in their order.")
def test_in_order_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.subscribe(handler, BatchSize=1)
    fake.function("consumer", handler, duration=2)
    shop.insert(*"1234")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"], ["2"], ["3"], ["4"]]
    assert all(one.finished <= other.started for one, other in pairwise(fake.invocations))


@FACTS("c5-six-megabytes", "documented", "An event has at most 6 MB; the other change events come in the next one.")
def test_six_megabytes_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.subscribe(handler)
    for name in "123":
        shop.orders.insert({"_id": name, "text": "x" * 2_500_000})
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2"], ["3"]]


@FACTS(
    "s210-oversized",
    "documented",
    "A change event of more than 6 MB is dropped and counted by OversizedRecordCount; the others are delivered.",
)
def test_oversized_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    uuid = shop.subscribe(handler)
    shop.insert("before")
    shop.orders.insert({"_id": "huge", "text": "x" * (6 * 1024 * 1024)})
    shop.insert("after")
    fake.clock.run_until_idle()
    assert handler.batches == [["before", "after"]]
    assert fake.mapping(uuid).metrics["OversizedRecordCount"] == 1
    assert [fate.fate for fate in fake.fates(uuid)] == ["done", "done", "discarded"]


# --- failures --------------------------------------------------------------------------------------------------


@FACTS("s210-retries", "documented", "A failed batch is retried as a whole until it succeeds.")
def test_retries_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler("2")
    shop.subscribe(handler)
    shop.insert(*"123")
    fake.clock.advance(HOUR)
    assert len(handler.batches) > 30
    assert all(batch == ["1", "2", "3"] for batch in handler.batches)
    handler.bad.clear()
    fake.clock.run_until_idle()
    assert [fate.fate for fate in fake.fates(shop.cluster.arn)] == ["done"] * 3


@FACTS(
    "s210-expired",
    "documented",
    "When an event that is retried expires, after 3 hours, Lambda disables the mapping; the texts are ours.",
)
def test_expired_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler("1")
    uuid = shop.subscribe(handler, BatchSize=1)
    shop.insert("1")
    at = fake.clock.now
    fake.clock.advance(HOUR)
    shop.insert("2")
    fake.clock.advance(3 * HOUR)
    assert fake.mapping(uuid).history[-1].at == at + timedelta(hours=3)
    assert shop.shown(uuid) == (
        "Disabled",
        "Lambda disabled the event source mapping: change stream events have expired",
        "PROBLEM: Change stream events have expired",
    )
    assert "in the state Disabled (Lambda disabled the event source mapping" in fake.explain(uuid)
    assert {batch[0] for batch in handler.batches} == {"1"}
    assert [(fate.fate, fate.detail) for fate in fake.fates(uuid)][1:] == [
        ("expired", "expired at the stream's retention, unread")
    ]


@FACTS("s210-enabled-again", "chosen", "A mapping whose position has expired is disabled again when it is enabled.")
def test_enabled_again_chosen(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler("1")
    uuid = shop.subscribe(handler)
    shop.insert("1")
    fake.clock.advance(3 * HOUR)
    handler.bad.clear()
    attempts = len(handler.batches)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    shop.insert("2")
    fake.clock.run_until_idle()
    assert shop.shown(uuid)[0] == "Disabled"
    assert len(handler.batches) == attempts
    fake.client("lambda").delete_event_source_mapping(UUID=uuid)
    fake.clock.run_until_idle()
    shop.subscribe(handler)
    fake.clock.run_until_idle()
    assert handler.batches[attempts:] == [["2"]]


@FACTS("s210-expired-while-disabled", "documented", "A mapping that was disabled for longer than the retention, too.")
def test_expired_while_disabled_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    uuid = shop.subscribe(handler)
    client = fake.client("lambda")
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.run_until_idle()
    shop.insert("1")
    fake.clock.advance(3 * HOUR)
    shop.insert("2")
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert handler.batches == []
    assert shop.shown(uuid)[2] == "PROBLEM: Change stream events have expired"


@FACTS("s210-retention", "documented", "The retention is an hour to 7 days, 3 hours by default.")
def test_retention_documented(fake: FakeLambda, shop: Shop) -> None:
    assert shop.cluster.retention == timedelta(hours=3)
    shop.cluster.set_retention(timedelta(days=7))
    handler = Handler("1")
    uuid = shop.subscribe(handler)
    shop.insert("1")
    fake.clock.advance(days=6)
    assert fake.mapping(uuid).state == "Enabled"
    assert fake.mapping(uuid).iterator_age == timedelta(days=6)
    fake.clock.advance(days=1)
    assert fake.mapping(uuid).state == "Disabled"


@FACTS("s214-iterator-age", "documented", "The iterator age is that of the last event of the last batch.")
def test_iterator_age_documented(fake: FakeLambda, shop: Shop) -> None:
    uuid = shop.subscribe(Handler(), MaximumBatchingWindowInSeconds=10)
    shop.insert("1")
    fake.clock.advance(4)
    shop.insert("2")
    fake.clock.advance(6)
    assert fake.mapping(uuid).iterator_age == timedelta(seconds=6)


# --- what prevents reading ---------------------------------------------------------------------------------------


@FACTS("a4-docdb-refusals", "documented", "A cluster that refuses Lambda shows in the reason (texts are ours).")
@pytest.mark.parametrize("reason", [pytest.param(reason, id=f"{reason}-documented") for reason in REFUSALS])
def test_refusals(fake: FakeLambda, shop: Shop, reason: str) -> None:
    handler = Handler()
    uuid = shop.subscribe(handler)
    before = shop.shown(uuid)
    shop.cluster.refuse(reason)
    shop.insert("1")
    fake.clock.advance(60)
    trouble = REFUSALS[reason]
    assert (shop.shown(uuid), handler.batches) == (("Enabled", trouble.code, trouble.text), [])
    shop.cluster.accept()
    fake.clock.advance(0)
    assert shop.shown(uuid) == before
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@FACTS("a4-docdb-secret", "chosen", "The secret with the credentials must exist, and have a username and a password.")
def test_secrets_chosen(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    secrets = fake.client("secretsmanager")
    missing = "arn:aws:secretsmanager:us-east-1:123456789012:secret:later"
    uuid = shop.subscribe(handler, SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": missing}])
    shop.insert("1")
    fake.clock.advance(10)
    assert shop.shown(uuid)[1:] == (
        "EVENT_SOURCE_AUTHN_ERROR",
        "PROBLEM: Cannot access the secret with the credentials",
    )
    secrets.create_secret(Name="later", SecretString='{"username": "lambda"}')
    fake.clock.advance(10)
    assert shop.shown(uuid)[1:] == ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Secret has no username and password")
    secrets.put_secret_value(SecretId="later", SecretString='{"username": "lambda", "password": "x"}')
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]
    assert shop.shown(uuid)[1:] == ("User action", "OK")


@FACTS("a4-docdb-missing", "chosen", "A mapping shows that its collection is missing, and reads it once it is there.")
@pytest.mark.parametrize("position", ["TRIM_HORIZON", "LATEST"], ids=lambda position: f"{position}-chosen")
def test_missing_collections(fake: FakeLambda, shop: Shop, position: str) -> None:
    handler = Handler()
    uuid = shop.subscribe(handler, config={"CollectionName": "later"}, StartingPosition=position)
    fake.clock.advance(10)
    assert shop.shown(uuid)[1:] == ("ESM_CONFIG_NOT_VALID", "PROBLEM: Database or collection not found")
    shop.cluster.collection("shop", "later").insert({"_id": "1"})
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@FACTS("a4-docdb-not-enabled", "documented", "Change streams must be enabled; what is written before has no events.")
def test_change_streams_must_be_enabled_documented(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    shop.cluster.modify_change_streams(enable=False)
    uuid = shop.subscribe(handler)
    shop.insert("1")
    fake.clock.advance(10)
    assert shop.shown(uuid)[1:] == ("ESM_CONFIG_NOT_VALID", "PROBLEM: Change streams are not enabled")
    shop.cluster.modify_change_streams(enable=True, database="shop", collection="orders")
    shop.insert("2")
    fake.clock.run_until_idle()
    assert handler.batches == [["2"]]


@FACTS("a4-docdb-function-timeout", "documented", "The function's timeout is at most 14 minutes (the text is ours).")
def test_function_timeout_documented(fake: FakeLambda, shop: Shop) -> None:
    fake.function("consumer", Handler())
    client = fake.client("lambda")
    client.update_function_configuration(FunctionName="consumer", Timeout=841)
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="Function timeout: 841 seconds"):
        shop.subscribe(Handler())
    client.update_function_configuration(FunctionName="consumer", Timeout=840)
    assert shop.subscribe(Handler())


@FACTS("a4-docdb-later-timeout", "documented", "FUNCTION_CONFIG_NOT_VALID: the timeout grew after the creation.")
def test_function_timeout_that_changes(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    uuid = shop.subscribe(handler)
    client = fake.client("lambda")
    client.update_function_configuration(FunctionName="consumer", Timeout=841)
    shop.insert("1")
    fake.clock.run_until_idle()
    problem = "PROBLEM: The function's configuration is not valid."
    assert (handler.batches, shop.shown(uuid)) == ([], ("Enabled", "FUNCTION_CONFIG_NOT_VALID", problem))
    client.update_function_configuration(FunctionName="consumer", Timeout=840)
    shop.insert("2")
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2"]]
    assert shop.shown(uuid)[1:] == ("User action", "OK")
