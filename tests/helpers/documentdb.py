"""A DocumentDB cluster with one collection, and a mapping of it through plain boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_lambda_esm import DocumentDBCluster, DocumentDBCollection, FakeLambda

ARN = "arn:aws:rds:us-east-1:123456789012:cluster:documents"
LOGIN = '{"username": "lambda", "password": "secret"}'
HOUR = 3600


class Shop:
    """The cluster ``documents`` with the collection ``shop.orders``; documents are inserted by their ``_id``."""

    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.cluster: DocumentDBCluster = fake.documentdb(ARN)
        self.orders: DocumentDBCollection = self.cluster.collection("shop", "orders")
        self.secret = str(fake.client("secretsmanager").create_secret(Name="login", SecretString=LOGIN)["ARN"])

    def insert(self, *names: str) -> None:
        for name in names:
            self.orders.insert({"_id": name})

    def subscribe(self, handler: Callable[[dict[str, Any], Any], Any], **params: Any) -> str:
        """Map a function named ``consumer`` to the collection, wait until it is Enabled, and return the UUID."""
        self.fake.function("consumer", handler)
        config = {"DatabaseName": "shop", "CollectionName": "orders", **params.pop("config", {})}
        members = {
            "EventSourceArn": ARN,
            "FunctionName": "consumer",
            "StartingPosition": "TRIM_HORIZON",
            "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": self.secret}],
            "DocumentDBEventSourceConfig": {name: value for name, value in config.items() if value is not None},
            **params,
        }
        created = self.fake.client("lambda").create_event_source_mapping(**members)
        self.fake.clock.run_until(lambda: self.fake.mapping(created).state == "Enabled")
        return str(created["UUID"])

    def shown(self, uuid: str) -> tuple[str, str, str]:
        """Return the state of a mapping, its reason, and its last result, as a client sees them."""
        answer = self.fake.client("lambda").get_event_source_mapping(UUID=uuid)
        return answer["State"], answer["StateTransitionReason"], answer["LastProcessingResult"]


class Handler:
    """A handler that keeps each event, and fails if a document's ``_id`` is one of ``bad``."""

    def __init__(self, *bad: str) -> None:
        self.bad = set(bad)
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any], context: object) -> None:
        self.events.append(event)
        if self.bad.intersection(map(str, names_of(event))):
            raise ValueError("bad")

    @property
    def batches(self) -> list[list[Any]]:
        return [names_of(event) for event in self.events]

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [entry["event"] for event in self.events for entry in event["events"]]


def names_of(event: dict[str, Any]) -> list[Any]:
    """Return the ``_id`` of each event's document."""
    return [entry["event"]["documentKey"]["_id"] for entry in event["events"]]
