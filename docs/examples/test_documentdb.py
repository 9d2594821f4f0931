"""The recipes of the how-to page on Amazon DocumentDB. Each is a test, and the project runs them."""

# [setup]
import boto3
import pytest

from pytest_lambda_esm import ConfigurationError

LOGIN = '{"username": "lambda", "password": "secret"}'


class Ledger:
    """The function under test books the orders that are inserted."""

    def __init__(self):
        self.booked = []
        self.events = []

    def handler(self, event, context):
        for entry in event["events"]:
            change = entry["event"]
            self.events.append(change)
            if change["operationType"] == "insert":
                self.booked.append(change["fullDocument"]["amount"])


def subscribe(cluster, **config):
    secret = boto3.client("secretsmanager").create_secret(Name="login", SecretString=LOGIN)
    return boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn,
        FunctionName="ledger",
        StartingPosition="TRIM_HORIZON",
        SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": secret["ARN"]}],
        DocumentDBEventSourceConfig={"DatabaseName": "shop", **config},
    )


# [/setup]


# [first]
def test_an_order_is_booked(lambda_esm):
    cluster = lambda_esm.documentdb("shop")  # Its ARN works, too.
    orders = cluster.collection("shop", "orders")
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    mapping = subscribe(cluster, CollectionName="orders")

    orders.insert({"amount": 12})
    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [12]
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["done"]


# [/first]


# [update]
def test_an_update_has_the_document_as_it_is_when_it_is_read(lambda_esm):
    cluster = lambda_esm.documentdb("shop")
    orders = cluster.collection("shop", "orders")
    orders.insert({"_id": 7, "amount": 12, "state": "new"})
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    subscribe(cluster, FullDocument="UpdateLookup")
    lambda_esm.clock.run_until_idle()

    orders.update(7, {"state": "paid"})
    orders.update({"state": "paid"}, {"$inc": {"amount": 1}, "$unset": {"state": ""}})
    lambda_esm.clock.run_until_idle()

    _, first, second = ledger.events
    assert first["updateDescription"] == {"removedFields": [], "updatedFields": {"state": "paid"}}
    assert second["updateDescription"] == {"removedFields": ["state"], "updatedFields": {"amount": 13}}
    # Both documents were looked up after the second update.
    assert first["fullDocument"] == second["fullDocument"] == {"_id": 7, "amount": 13}


# [/update]


# [expired]
def test_a_poison_event_disables_the_mapping(lambda_esm):
    cluster = lambda_esm.documentdb("shop")
    cluster.collection("shop", "orders").insert({"no": "amount"})
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    mapping = subscribe(cluster)

    lambda_esm.clock.advance(hours=3)  # Lambda retries until the event expires.

    answer = boto3.client("lambda").get_event_source_mapping(UUID=mapping["UUID"])
    assert answer["State"] == "Disabled"
    assert answer["LastProcessingResult"] == "PROBLEM: Change stream events have expired"
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["expired"]


# [/expired]


# [trouble]
def test_a_cluster_that_refuses_the_credentials(lambda_esm):
    cluster = lambda_esm.documentdb("shop")
    orders = cluster.collection("shop", "orders")
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    mapping = subscribe(cluster)
    lambda_esm.clock.run_until_idle()

    cluster.refuse("authentication")
    orders.insert({"amount": 12})
    lambda_esm.clock.run_until_idle()

    answer = boto3.client("lambda").get_event_source_mapping(UUID=mapping["UUID"])
    assert answer["StateTransitionReason"] == "EVENT_SOURCE_AUTHN_ERROR"
    assert "failed to authenticate" in lambda_esm.explain(mapping)

    cluster.accept()
    lambda_esm.clock.run_until_idle()
    assert ledger.booked == [12]


# [/trouble]


# [streams]
def test_what_is_written_without_a_change_stream_is_never_read(lambda_esm):
    cluster = lambda_esm.documentdb("shop")
    orders = cluster.collection("shop", "orders")
    cluster.modify_change_streams(enable=False)
    orders.insert({"amount": 1})
    cluster.modify_change_streams(enable=True, database="shop")
    orders.insert({"amount": 2})
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    subscribe(cluster)

    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [2]


# [/streams]


# [misuse]
def test_a_misuse_fails_at_the_line_of_the_test(lambda_esm):
    orders = lambda_esm.documentdb("shop").collection("shop", "orders")
    orders.insert({"_id": 7})

    with pytest.raises(ConfigurationError, match=r"has no such document\. The _id of its documents: 7"):
        orders.update(8, {"amount": 1})


# [/misuse]
