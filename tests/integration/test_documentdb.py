"""DocumentDB as a user tests it: the fixture's clusters, and mappings through boto3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto.secretsmanager.models import SecretsManagerBackend

from helpers.documentdb import ARN, HOUR, LOGIN, Handler, Shop
from pytest_lambda_esm import ConfigurationError, FakeLambda, FaultError, LambdaEsmError, NotActive

SECRETS = "arn:aws:secretsmanager:us-east-1:123456789012:secret"


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        yield fake


@pytest.fixture
def shop(fake: FakeLambda) -> Shop:
    return Shop(fake)


# --- which cluster -------------------------------------------------------------------------------------------


def test_a_cluster_is_the_same_by_arn_name_and_response(fake: FakeLambda) -> None:
    cluster = fake.documentdb(ARN)
    assert cluster.arn == ARN
    assert fake.documentdb("documents") is cluster
    assert fake.documentdb({"DBCluster": {"DBClusterArn": ARN}}) is cluster
    assert fake.documentdb({"DBClusterArn": ARN}) is cluster
    assert fake.documentdb("documents", region="eu-west-1").arn == ARN.replace("us-east-1", "eu-west-1")
    assert fake.documentdb("documents", region="cn-north-1").arn.startswith("arn:aws-cn:rds:cn-north-1:")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("", "a cluster is given by its ARN"),
        ("-x", "a cluster is given by its ARN"),
        (5, "a cluster is given by its ARN"),
        ({"DBCluster": {}}, "a cluster is given by its ARN"),
        ("arn:aws:sqs:us-east-1:123456789012:queue", "this is not the ARN of a cluster"),
        ("arn:aws:rds:us-east-1:123456789012:db:instance", "this is not the ARN of a cluster"),
        ("arn:aws:rds:us-east-7:123456789012:cluster:x", "there is no region 'us-east-7'"),
    ],
    ids=["empty", "name", "number", "response", "queue", "instance", "region"],
)
def test_what_is_not_a_cluster_is_refused(fake: FakeLambda, given: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        fake.documentdb(given)
    assert text in str(refused.value)


def test_a_closed_fake_refuses(fake: FakeLambda, shop: Shop) -> None:
    fake.__exit__(None, None, None)
    with pytest.raises(NotActive, match="its fake is closed"):
        shop.insert("1")
    with pytest.raises(NotActive):
        fake.documentdb(ARN)


def test_moto_reset_empties_the_clusters_of_its_regions(shop: Shop) -> None:
    from moto.moto_api._internal import moto_api_backend

    shop.subscribe(Handler())
    moto_api_backend.reset()
    with pytest.raises(NotActive, match="before moto was reset"):
        shop.insert("1")


def test_a_sweep_begins_each_run_with_empty_clusters(fake: FakeLambda) -> None:
    for run in fake.sweep(operations=["GetEventSourceMapping"], errors=["ServiceException"]):
        with run:
            shop, handler = Shop(fake), Handler()
            shop.insert("1")
            uuid = shop.subscribe(handler)
            try:
                shop.shown(uuid)
            except fake.client("lambda").exceptions.ServiceException:
                shop.shown(uuid)
            fake.clock.run_until_idle()
            assert handler.batches == [["1"]]


def test_a_cluster_that_is_made_before_a_sweep_is_refused(fake: FakeLambda) -> None:
    fake.documentdb("documents")
    with pytest.raises(FaultError, match="DocumentDB cluster 'arn:aws:rds"):
        next(iter(fake.sweep()))


def test_a_look_at_fates_after_the_end_leaves_no_patches(fake: FakeLambda) -> None:
    fake.function("consumer")
    created = fake.client("lambda").create_event_source_mapping(
        EventSourceArn=ARN,
        FunctionName="consumer",
        Enabled=False,
        StartingPosition="LATEST",
        SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": f"{SECRETS}:login"}],
        DocumentDBEventSourceConfig={"DatabaseName": "shop"},
    )
    fake.__exit__(None, None, None)
    before = dict(vars(SecretsManagerBackend))
    assert fake.fates(ARN) == fake.fates(created) == []
    assert dict(vars(SecretsManagerBackend)) == before


# --- polling -------------------------------------------------------------------------------------------------


def test_a_handler_may_write_documents(fake: FakeLambda, shop: Shop) -> None:
    bills = shop.cluster.collection("shop", "bills")
    shop.subscribe(lambda event, context: bills.insert({"n": len(event["events"])}) and None)
    shop.insert("1", "2")
    fake.clock.run_until_idle()
    assert [document["n"] for document in bills.documents] == [2]


def test_a_function_that_feeds_its_own_collection_is_stopped(fake: FakeLambda, shop: Shop) -> None:
    shop.subscribe(lambda event, context: shop.orders.insert({}) and None)
    shop.insert("1")
    with pytest.raises(LambdaEsmError, match="feeds its own source"):
        fake.clock.run_until_idle()


def test_mappings_read_independently(fake: FakeLambda, shop: Shop) -> None:
    first, second = Handler(), Handler("1")
    shop.insert("1")
    uuid = shop.subscribe(first)
    fake.function("other", second)
    other = fake.client("lambda").create_event_source_mapping(
        EventSourceArn=ARN,
        FunctionName="other",
        StartingPosition="TRIM_HORIZON",
        SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": shop.secret}],
        DocumentDBEventSourceConfig={"DatabaseName": "shop"},
    )
    fake.clock.advance(10)
    assert [fate.fate for fate in fake.fates(ARN)] == ["done", "waiting"]
    assert [fate.fate for fate in fake.fates(uuid)] == ["done"]
    assert [fate.fate for fate in fake.fates(other)] == ["waiting"]


def test_disabling_keeps_the_place(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    uuid = shop.subscribe(handler, StartingPosition="LATEST")
    client = fake.client("lambda")
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.run_until_idle()
    shop.insert("1")
    fake.clock.advance(60)
    assert handler.batches == []
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


def test_an_update_of_the_collection_concerns_later_events(fake: FakeLambda, shop: Shop) -> None:
    handler, bills = Handler(), shop.cluster.collection("shop", "bills")
    uuid = shop.subscribe(handler)
    bills.insert({"_id": "before"})
    fake.clock.run_until_idle()
    fake.client("lambda").update_event_source_mapping(
        UUID=uuid, DocumentDBEventSourceConfig={"DatabaseName": "shop", "CollectionName": "bills"}
    )
    fake.clock.run_until_idle()
    bills.insert({"_id": "after"})
    shop.insert("not read any more")
    fake.clock.run_until_idle()
    assert handler.batches == [["after"]]


def test_faults_strike_the_steps_of_the_poller(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    fake.faults.add("poller.Read", "throttled")
    fake.faults.add("poller.Invoke", "throttled")
    fake.faults.add("poller.Checkpoint", "late")
    uuid = shop.subscribe(handler)
    shop.insert("1")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"], ["1"]]
    assert [fate.fate for fate in fake.fates(uuid)] == ["done"]


def test_weather_delivers_events_more_than_once() -> None:
    with FakeLambda(region="us-east-1", advice="off", weather={"duplicates": 1.0}) as stormy:
        shop, handler = Shop(stormy), Handler()
        shop.subscribe(handler)
        shop.insert("1")
        stormy.clock.run_until_idle()
        assert handler.batches == [["1"], ["1"]]


def test_explain_names_what_waits_and_what_prevents_reading(fake: FakeLambda, shop: Shop) -> None:
    uuid = shop.subscribe(Handler("1"))
    shop.insert("1")
    fake.clock.advance(0)
    assert "change-stream: 1 record waits, starting with record 01" in fake.explain(uuid)
    assert '(key shop.orders "1")' in fake.explain(uuid)
    fake.clock.advance(10)
    assert "change-stream is blocked by record 01" in fake.explain(ARN)
    shop.cluster.refuse("connection")
    fake.clock.advance(0)
    assert "PROBLEM: Connection error" in fake.explain(uuid)
    assert [fate.detail for fate in fake.fates(uuid)] == [
        "PROBLEM: Connection error. Please check your event source connection configuration."
    ]
    assert any("Connection error" in entry.detail for entry in fake.timeline.of("poll"))


def test_fates_of_collections_that_no_mapping_reads(fake: FakeLambda, shop: Shop) -> None:
    assert fake.fates(ARN) == []
    shop.insert("1")
    shop.cluster.collection("shop", "bills").insert({})
    assert [(fate.fate, fate.detail) for fate in fake.fates(ARN)] == [("waiting", "no mapping reads the stream")] * 2
    shop.subscribe(Handler())
    fake.clock.run_until_idle()
    assert [fate.fate for fate in fake.fates(ARN)] == ["done", "waiting"]
    fake.clock.advance(3 * HOUR)
    assert [fate.fate for fate in fake.fates(ARN)] == ["done", "expired"]


def test_a_mapping_can_be_held_and_forced(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    uuid = shop.subscribe(handler)
    fake.mapping(uuid).force("Disabled", reason="no events for weeks")
    shop.insert("1")
    fake.clock.advance(60)
    assert shop.shown(uuid)[:2] == ("Disabled", "no events for weeks")
    assert handler.batches == []
    fake.mapping(uuid).force("Enabled")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


def test_a_reason_that_the_test_forces_stays(fake: FakeLambda, shop: Shop) -> None:
    uuid = shop.subscribe(Handler())
    shop.cluster.refuse("authorization")
    fake.clock.advance(1)
    fake.mapping(uuid).force("Enabled", reason="mine", result="PROBLEM: mine")
    fake.clock.advance(1)
    shop.cluster.accept()
    fake.clock.advance(1)
    assert shop.shown(uuid) == ("Enabled", "mine", "PROBLEM: mine")


def test_polling_continues_after_an_exception_that_is_for_the_test(fake: FakeLambda, shop: Shop) -> None:
    handler, stops = Handler(), [KeyboardInterrupt()]

    def interrupted(event: dict[str, Any], context: object) -> None:
        if stops:
            raise stops.pop()
        handler(event, context)

    shop.subscribe(interrupted)
    shop.insert("1")
    with pytest.raises(KeyboardInterrupt):
        fake.clock.run_until_idle()
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


def test_a_deleted_mapping_still_finishes_its_batch(fake: FakeLambda, shop: Shop) -> None:
    fake.transitions(deleting="instant")
    uuid = shop.subscribe(Handler())
    fake.function("consumer", duration=2)
    shop.insert("1")
    fake.clock.advance(1)
    fake.client("lambda").delete_event_source_mapping(UUID=uuid)
    fake.clock.advance(60)
    shop.insert("2")
    assert [fate.fate for fate in fake.fates(uuid)] == ["done"]


def test_an_oversized_event_in_a_batch_in_flight_keeps_its_fate(fake: FakeLambda, shop: Shop) -> None:
    fake.transitions(disabling="instant")
    uuid = shop.subscribe(Handler())
    fake.function("consumer", duration=2)
    shop.insert("1")
    shop.orders.insert({"_id": "huge", "text": "x" * (6 * 1024 * 1024)})
    shop.insert("2")
    fake.clock.advance(1)
    client = fake.client("lambda")
    client.update_event_source_mapping(UUID=uuid, Enabled=False)  # The function is still running.
    fake.clock.run_until_idle()
    client.update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert sorted(fate.fate for fate in fake.fates(uuid)) == ["discarded", "done", "done"]
    assert fake.mapping(uuid).metrics["OversizedRecordCount"] == 1


def test_a_cluster_that_refuses_stops_retries(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler("1")
    shop.subscribe(handler)
    shop.insert("1")
    fake.clock.advance(10)
    shop.cluster.refuse("connection")
    fake.clock.advance(0)
    attempts = len(handler.batches)
    fake.clock.advance(600)
    assert len(handler.batches) == attempts > 1
    shop.cluster.accept()
    handler.bad.clear()
    fake.clock.run_until_idle()
    assert handler.batches[attempts:] == [["1"]]


def test_a_deleted_secret_is_missing_and_a_restored_one_is_not(fake: FakeLambda, shop: Shop) -> None:
    handler, secrets = Handler(), fake.client("secretsmanager")
    uuid = shop.subscribe(handler)
    secrets.delete_secret(SecretId="login")
    shop.insert("1")
    fake.clock.advance(10)
    assert shop.shown(uuid)[2] == "PROBLEM: Cannot access the secret with the credentials"
    secrets.restore_secret(SecretId="login")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@pytest.mark.parametrize(
    "uri",
    [f"{SECRETS}:other", SECRETS.replace("us-east-1", "us-east-7") + ":login", "arn:aws:iam::123456789012:role/login"],
    ids=["other", "region", "service"],
)
def test_secrets_that_do_not_exist(fake: FakeLambda, shop: Shop, uri: str) -> None:
    uuid = shop.subscribe(Handler(), SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": uri}])
    fake.clock.advance(1)
    assert shop.shown(uuid)[1:] == (
        "EVENT_SOURCE_AUTHN_ERROR",
        "PROBLEM: Cannot access the secret with the credentials",
    )


def test_a_replica_of_a_secret_has_its_credentials(fake: FakeLambda, shop: Shop) -> None:
    handler = Handler()
    fake.client("secretsmanager").replicate_secret_to_regions(
        SecretId="login", AddReplicaRegions=[{"Region": "us-east-2"}]
    )
    uri = shop.secret.replace("us-east-1", "us-east-2")
    shop.subscribe(handler, SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": uri}])
    shop.insert("1")
    fake.clock.run_until_idle()
    assert handler.batches == [["1"]]


@pytest.mark.parametrize("text", ["no JSON", '"text"', "[]", '{"username": "", "password": "x"}'])
def test_secrets_without_credentials(fake: FakeLambda, shop: Shop, text: str) -> None:
    fake.client("secretsmanager").update_secret(SecretId="login", SecretString=text)
    uuid = shop.subscribe(Handler())
    fake.clock.advance(1)
    assert shop.shown(uuid)[1:] == ("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Secret has no username and password")
    fake.client("secretsmanager").update_secret(SecretId="login", SecretString=LOGIN)
    fake.clock.advance(1)
    assert shop.shown(uuid)[1] == "User action"


def test_a_shorter_retention_ends_retries_earlier(fake: FakeLambda, shop: Shop) -> None:
    uuid = shop.subscribe(Handler("1"))
    shop.insert("1")
    at = fake.clock.now
    fake.clock.advance(1800)
    shop.cluster.set_retention(timedelta(hours=1))
    fake.clock.advance(HOUR)
    assert fake.mapping(uuid).history[-1].at == at + timedelta(hours=1)
    assert fake.mapping(uuid).state == "Disabled"
