"""The parts of the conformance tables: facts about AWS, each with a check, and the ``Lab`` that the checks use.

A fact has an id, its kind of evidence and a sentence. The documentation builds its reference page on fidelity from the
same objects, so every fact on that page is a passing test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from helpers.evidence import EVIDENCE

ACCOUNT, REGION = "123456789012", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fn"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
FIFO = f"{QUEUE}.fifo"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
CONSUMER = f"{STREAM}/consumer/app"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/users/stream/2026-01-01T00:00:00.000"
MSK = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/main/0123-4567"
BROKER = f"arn:aws:mq:{REGION}:{ACCOUNT}:broker:main:b-0123-4567"
DOCUMENTS = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:documents"
SECRET = {"Type": "BASIC_AUTH", "URI": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:login"}
SERVERS = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"]}}

CREATES: dict[str, dict[str, Any]] = {
    "sqs": {"EventSourceArn": QUEUE},
    "fifo": {"EventSourceArn": FIFO},
    "kinesis": {"EventSourceArn": STREAM, "StartingPosition": "TRIM_HORIZON"},
    "consumer": {"EventSourceArn": CONSUMER, "StartingPosition": "TRIM_HORIZON"},
    "dynamodb": {"EventSourceArn": TABLE, "StartingPosition": "TRIM_HORIZON"},
    "msk": {"EventSourceArn": MSK, "Topics": ["topic"], "StartingPosition": "LATEST"},
    "self-managed": {
        "SelfManagedEventSource": SERVERS,
        "Topics": ["topic"],
        "SourceAccessConfigurations": [SECRET],
    },
    "mq": {"EventSourceArn": BROKER, "Queues": ["orders"], "SourceAccessConfigurations": [SECRET]},
    "documentdb": {
        "EventSourceArn": DOCUMENTS,
        "StartingPosition": "LATEST",
        "SourceAccessConfigurations": [SECRET],
        "DocumentDBEventSourceConfig": {"DatabaseName": "shop"},
    },
}
"""The shortest request that creates a mapping for each source."""


@cache
def client(service: str) -> Any:
    """Return a client, created once per process: creating one takes longer than most checks."""
    return boto3.client(service, region_name=REGION, aws_access_key_id="key", aws_secret_access_key="secret")


def needs_shape(shape: str, text: str) -> None:
    """Skip the test if the installed botocore does not have ``text`` (a member, value or pattern) at a shape."""
    model = client("lambda").meta.service_model
    known = model.shape_for(shape) if shape in model.shape_names else None
    if known is None or text not in repr((known.metadata, list(getattr(known, "members", ())))):
        pytest.skip(f"the installed botocore has no {text} at {shape}")


@dataclass(frozen=True)
class Refusal:
    """An error, as a client sees it."""

    status: int
    code: str
    message: str
    response: dict[str, Any]


class Lab:
    """A fake with a Lambda client. Creates the sources that requests name."""

    def __init__(self, fake: Any) -> None:
        self.fake = fake
        self.aws_lambda = client("lambda")
        self._created: set[str] = set()
        self.function("fn")

    def needs(self, shape: str, text: str) -> None:
        """Skip the test if the installed botocore does not have ``text`` (a member, value or pattern) at a shape."""
        needs_shape(shape, text)

    def function(self, name: str, **settings: Any) -> Any:
        return self.fake.function(name, lambda event, context: None, region=REGION, **settings)

    def create(self, source: str = "sqs", **params: Any) -> dict[str, Any]:
        """Create a mapping with the shortest request plus ``params``; None leaves a member out."""
        if source in _CLUSTERS and CREATES[source]["Topics"][0] not in self.fake.kafka(_CLUSTERS[source]).topics:
            self.fake.kafka(_CLUSTERS[source]).create_topic(CREATES[source]["Topics"][0])
        if source == "documentdb":
            self.fake.documentdb(DOCUMENTS).collection("shop", "orders")
        members = {"FunctionName": "fn", **CREATES[source], **params}
        return self.call("CreateEventSourceMapping", {k: v for k, v in members.items() if v is not None})

    def settled(self, source: str = "sqs", **params: Any) -> str:
        """Create a mapping, wait until its state is stable, and return its UUID."""
        uuid = str(self.create(source, **params)["UUID"])
        self.settle()
        return uuid

    def settle(self) -> None:
        self.fake.clock.advance(60)

    def get(self, uuid: str) -> dict[str, Any]:
        return self.call("GetEventSourceMapping", {"UUID": uuid})

    def update(self, uuid: str, **params: Any) -> dict[str, Any]:
        return self.call("UpdateEventSourceMapping", {"UUID": uuid, **params})

    def delete(self, uuid: str) -> dict[str, Any]:
        return self.call("DeleteEventSourceMapping", {"UUID": uuid})

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Create the sources that ``params`` names, call the operation, and return the answer without its metadata."""
        text = repr(params)
        for arn, make in _MAKERS.items():
            if arn in text and arn not in self._created:
                self._created.add(arn)
                make()
        answer = getattr(self.aws_lambda, self.method(operation))(**params)
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    @staticmethod
    def method(operation: str) -> str:
        """Return the name of the client's method for an operation."""
        return str(xform_name(operation))

    def refusal(self, operation: str, params: dict[str, Any]) -> Refusal:
        """Call an operation that must be refused, and return its error."""
        with pytest.raises(ClientError) as refused:
            self.call(operation, params)
        response = refused.value.response
        return Refusal(
            status=response["ResponseMetadata"]["HTTPStatusCode"],
            code=response["Error"]["Code"],
            message=response["Error"]["Message"],
            response={name: value for name, value in response.items() if name != "ResponseMetadata"},
        )


_CLUSTERS = {"msk": MSK, "self-managed": "kafka:1000"}


def _make_queue() -> None:
    client("sqs").create_queue(QueueName="orders")


def _make_fifo() -> None:
    client("sqs").create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})


def _make_stream() -> None:
    client("kinesis").create_stream(StreamName="clicks", ShardCount=1)


def _make_consumer() -> None:
    client("kinesis").register_stream_consumer(StreamARN=STREAM, ConsumerName="app")


def _make_table() -> None:
    client("dynamodb").create_table(
        TableName="users",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def _make_secret() -> None:
    client("secretsmanager").create_secret(Name="login", SecretString='{"username": "lambda", "password": "secret"}')


_MAKERS: dict[str, Callable[[], None]] = {
    f"{QUEUE}'": _make_queue,
    f"{FIFO}'": _make_fifo,
    STREAM: _make_stream,
    CONSUMER: _make_consumer,
    TABLE: _make_table,
    SECRET["URI"]: _make_secret,
}


@dataclass(frozen=True)
class Fact:
    """One known or chosen behaviour of AWS; ``check`` fails if the fake behaves differently."""

    id: str
    evidence: str
    text: str
    check: Callable[[Lab], None]
    limits: str = "current"


class Facts:
    """A table of facts: decorate checks with it, or add refused requests with ``refused``."""

    def __init__(self, title: str, limits: str = "current") -> None:
        self.title = title
        self._limits = limits
        self._facts: list[Fact] = []

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts)

    def __call__(self, id: str, evidence: str, text: str) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
        assert evidence in EVIDENCE, evidence
        assert all(fact.id != id for fact in self._facts), f"two facts are called {id}"

        def add(check: Callable[[Lab], None]) -> Callable[[Lab], None]:
            self._facts.append(Fact(id, evidence, text, check, self._limits))
            return check

        return add

    def refused(
        self,
        id: str,
        evidence: str,
        text: str,
        operation: str,
        params: dict[str, Any],
        message: str,
        code: str = "InvalidParameterValueException",
        status: int = 400,
        needs: tuple[str, str] | None = None,
    ) -> None:
        """Add a request that is refused with exactly this message.

        ``needs`` is a shape and a text that the installed botocore must have there. If not, the test is skipped.
        """

        def check(lab: Lab) -> None:
            if needs is not None:
                lab.needs(*needs)
            refusal = lab.refusal(operation, params)
            assert refusal.message == message
            assert (refusal.status, refusal.code) == (status, code)

        self(id, evidence, text)(check)

    def parametrize(self) -> Any:
        """Return the mark for a test with the parameter ``fact``."""
        return pytest.mark.parametrize("fact", list(self), ids=[f"{fact.id}-{fact.evidence}" for fact in self])
