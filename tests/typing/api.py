"""Never run: mypy checks it, and with it the types that users see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

from pytest_lambda_esm import (
    Call,
    Calls,
    DocumentDBCluster,
    DocumentDBCollection,
    Entry,
    FakeLambda,
    Fate,
    Function,
    Invocation,
    Journey,
    JourneyStep,
    KafkaCluster,
    KafkaRecord,
    LambdaContext,
    Mapping,
    MqBroker,
    MqMessage,
    MqQueue,
    RecordMetadata,
    SchemaRegistry,
    Server,
    Stack,
    StackResource,
    Timeline,
    Transition,
    VirtualClock,
    after_reads,
)


def handler(event: dict[str, Any], context: LambdaContext) -> str:
    return context.function_name


def test_api(lambda_esm: FakeLambda) -> None:
    assert_type(lambda_esm.clock, VirtualClock)
    assert_type(lambda_esm.clock.now, datetime)
    assert_type(lambda_esm.clock.slept, list[float])
    lambda_esm.clock.advance(5)
    lambda_esm.clock.advance(timedelta(hours=1))
    lambda_esm.clock.advance(minutes=5)
    lambda_esm.clock.run_until(lambda: True, limit=timedelta(hours=1))
    assert_type(lambda_esm.function("f", handler, duration=timedelta(seconds=1)), Function)
    assert_type(lambda_esm.function("f", "pkg.mod:handler").invocations, Sequence[Invocation])
    assert_type(lambda_esm.invocations[0].duration, timedelta)
    assert_type(lambda_esm.calls, Calls)
    assert_type(lambda_esm.calls.last, Call)
    assert_type(lambda_esm.calls.all, Sequence[Call])
    assert_type(lambda_esm.calls.of("sqs.SendMessage"), list[Call])
    assert_type(lambda_esm.calls.last.service, str)
    assert_type(lambda_esm.timeline, Timeline)
    assert_type(lambda_esm.timeline[0], Entry)
    assert_type(lambda_esm.mapping("uuid"), Mapping)
    assert_type(lambda_esm.mapping({"UUID": "uuid"}).history, tuple[Transition, ...])
    assert_type(lambda_esm.fates("arn"), Sequence[Fate])
    assert_type(lambda_esm.explain(), str)
    stack = lambda_esm.deploy(Path("template.yaml"), parameters={"Size": 1}, code={"F": handler}, skip=["AWS::No::*"])
    assert_type(stack, Stack)
    assert_type(stack.outputs, dict[str, str])
    assert_type(stack.resource("Queue"), StackResource)
    assert_type(stack.function("F"), Function)
    assert_type(stack.mapping("Mapping"), Mapping)
    assert_type(stack.queue("Queue"), str)
    assert_type(stack.nested("Child"), Stack)
    stack.update({"Resources": {}})
    journey = lambda_esm.journey({"MessageId": "id"})
    assert_type(journey, Journey)
    assert_type(journey[0], JourneyStep)
    assert_type(journey[0].at, datetime)
    assert_type(journey[0].invocation, Invocation | None)
    assert_type(journey.causes, Sequence[Journey])
    assert_type(journey.caused_by, Sequence[Journey])
    assert_type(journey.invocations, Sequence[Invocation])
    assert_type(journey.fates, Sequence[Fate])
    assert_type(journey.of("sent"), list[JourneyStep])
    lambda_esm.journey(lambda_esm.invocations[0])
    lambda_esm.journey(lambda_esm.fates("arn")[0])
    lambda_esm.journey("message-id")
    cluster = lambda_esm.kafka("main")
    assert_type(cluster, KafkaCluster)
    assert_type(cluster.arn, str | None)
    assert_type(cluster.produce("orders", {"n": 1}, key="k", headers={"a": b"1"}), RecordMetadata)
    assert_type(cluster.records("orders"), list[KafkaRecord])
    lambda_esm.journey(cluster.produce("orders", "x"))
    lambda_esm.journey(cluster.records("orders")[0])
    assert_type(cluster.committed("group"), dict[str, int])
    assert_type(cluster.join("group").poll(), list[KafkaRecord])
    assert_type(len(cluster.producer()), int)
    registry = cluster.schema_registry("https://registry.example.com")
    assert_type(registry, SchemaRegistry)
    assert_type(registry.register("orders-value", {"type": "string"}, type="AVRO"), int | str)
    assert_type(registry.encode("orders-value", "a", message=None), bytes)
    assert_type(lambda_esm.mapping("uuid").offset_lag, dict[str, int])
    documents = lambda_esm.documentdb("shop")
    assert_type(documents, DocumentDBCluster)
    assert_type(documents.arn, str)
    assert_type(documents.collection("shop", "orders"), DocumentDBCollection)
    assert_type(documents.collection("shop", "orders").documents, list[dict[str, Any]])
    documents.collection("shop", "orders").update({"n": 1}, {"$set": {"n": 2}})
    broker = lambda_esm.mq("main", engine="RabbitMQ", region="eu-west-1")
    assert_type(broker, MqBroker)
    assert_type(lambda_esm.mq({"BrokerArn": "arn"}).arn, str)
    assert_type(broker.queue("orders", "/", dead_letter="failed", delivery_limit=3), MqQueue)
    assert_type(broker.queue("orders").send("x", priority=3, headers={"a": 1}), str)
    assert_type(broker.queue("orders").messages, list[MqMessage])
    with lambda_esm.serve(speed=60, advance_per_request=1) as server:
        assert_type(server, Server)
        assert_type(server.url, str)
        assert_type(server.environment, dict[str, str])
        assert_type(server.run(["aws", "lambda", "list-functions"], timeout=60).returncode, int)
    lambda_esm.transitions(creating=5, updating="manual", deleting=after_reads(2))
    lambda_esm.mapping("uuid").hold("Creating")
    lambda_esm.mapping("uuid").force("Disabled", reason="FUNCTION_CONFIG_NOT_VALID", result="PROBLEM: x")
