"""Any request to the ten operations gets AWS's answer or AWS's error, and a refused one changes nothing.

Requests, both valid and invalid, are drawn from the service model of the installed botocore;
``--hypothesis-profile=long`` draws many more of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import requests as http
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import event, example, given
from hypothesis import strategies as st

from helpers.conformance import (
    ACCOUNT,
    BROKER,
    CONSUMER,
    CREATES,
    DOCUMENTS,
    FIFO,
    FUNCTION,
    MSK,
    QUEUE,
    REGION,
    STREAM,
    TABLE,
    Lab,
)
from helpers.trials import trials
from pytest_lambda_esm import FakeLambda

MAPPINGS = ("Create", "Update", "Get", "List", "Delete")
CONFIGS = ("Put", "Update", "Get", "List", "Delete")
OPERATIONS = [f"{verb}EventSourceMapping{'s' * (verb == 'List')}" for verb in MAPPINGS] + [
    f"{verb}FunctionEventInvokeConfig{'s' * (verb == 'List')}" for verb in CONFIGS
]
MODEL = boto3.client("lambda", region_name=REGION).meta.service_model
FRAMEWORK_ERRORS = {"ValidationException", "SerializationException"}
FUNCTIONS = ("fn", "fn2", "fn:1", "fn:live", "fn:$LATEST", FUNCTION, f"{FUNCTION}:1")
STRANGE_FUNCTIONS = (
    "unknown",
    "fn:unknown",
    "fn:$latest",
    "f" * 65,
    "f" * 257,
    "a b",
    f"{ACCOUNT}:fn",
    FUNCTION.replace(REGION, "eu-west-1"),
    FUNCTION.replace(REGION, "xx-nowhere-9"),
    FUNCTION.replace(ACCOUNT, "210987654321"),
    "function:",
    "arn:aws:lambda:us-east-1:123456789012:function",
)
ARNS = (QUEUE, FIFO, STREAM, CONSUMER, TABLE, MSK, BROKER, DOCUMENTS)
STRANGE_ARNS = (
    *(f"{arn}-unknown" for arn in ARNS),
    "",
    "nonsense",
    "arn:aws:sqs:::",
    "arn:aws:kinesis:us-east-1:123456789012:stream",
    "arn:aws:kinesis:us-east-1:123456789012:stream/",
    "arn:aws:kinesis:xx-nowhere-9:123456789012:stream/clicks",
    "arn:aws:dynamodb:us-east-1:123456789012:table//stream/",
    "arn:aws:dynamodb::123456789012:table/users/stream/x",
    "arn:aws:sqs:us-east-1::orders",
    "arn:aws:sns:us-east-1:123456789012:topic",
    "arn:aws:s3:::bucket",
    f"{FUNCTION}2",
    FUNCTION,
    "kafka://topic",
    f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
    f"arn:aws:events:xx-nowhere-9:{ACCOUNT}:event-bus/default",
)
PATTERNS = ('{"body": ["a"]}', '{"a": [{"prefix": "b"}]}', "", "null", "[]", '{"a": "b"}', "{", '{"a": {"$or": 1}}')
POOLS: dict[str, tuple[Any, ...]] = {
    "FunctionName": FUNCTIONS + STRANGE_FUNCTIONS,
    "EventSourceArn": ARNS + STRANGE_ARNS,
    "Destination": ARNS + STRANGE_ARNS,
    "KMSKeyArn": ("", "arn:aws:kms:us-east-1:123456789012:key/x", "nonsense"),
    "Pattern": PATTERNS,
    "Qualifier": ("1", "live", "$LATEST", "unknown", "$latest", "a b", "q" * 129),
    "Marker": ("", "MQ==", "MTAw", "AAAA", "nonsense", "LTE=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk="),
    "UUID": ("00000000-0000-4000-8000-000000000000", "u" * 40, "short"),
    "StartingPositionTimestamp": (0, 1_700_000_000, 1_767_225_600.5, 4e9, -6.2e10, 5e-324, -0.0),
    "Topics": (["topic"], ["other"], [".bad"], ["x"]),
    "Queues": (["queue"], [""]),
    "SchemaRegistryURI": ("https://registry", "arn:aws:glue:us-east-1:123456789012:registry/a", "nonsense"),
}
USUAL: dict[str, tuple[Any, ...]] = {
    "FilterCriteria": ({"Filters": [{"Pattern": '{"body": ["a"]}'}]}, {}),
    "DestinationConfig": (
        {"OnFailure": {"Destination": QUEUE}},
        {"OnFailure": {"Destination": f"{FUNCTION}2"}},
        {"OnFailure": {"Destination": ""}},
        {"OnSuccess": {}},
    ),
    "ProvisionedPollerConfig": ({"MinimumPollers": 2}, {"MaximumPollers": 5}, {}),
    "ScalingConfig": ({"MaximumConcurrency": 2}, {}),
    "SourceAccessConfigurations": (CREATES["mq"]["SourceAccessConfigurations"], []),
    "Qualifier": ("1", "live", "$LATEST"),
    "UUID": (0, 0, 1),
    "FunctionName": ("fn", *FUNCTIONS),
    "StartingPosition": ("LATEST", "AT_TIMESTAMP"),
    "MaximumBatchingWindowInSeconds": (0, 1),
    "BatchSize": (1, 10, 11),
}
"""Values that are valid in the right place; half of the drawn values come from here."""
TEXTS = st.sampled_from(["a", "", "x" * 5000, "é", "\ud83d\ude00", "{}", "a,b", "kafka:1000", "kafka:2000", "group"])


def values(name: str, shape: Shape) -> st.SearchStrategy[Any]:
    """Values for a member, some of which break the model's constraints or the service's rules."""
    if name in POOLS:
        return st.sampled_from(POOLS[name])
    traits = shape.metadata
    if isinstance(shape, StructureShape):
        return structures(shape)
    if isinstance(shape, ListShape):
        most = min(traits.get("max", 3), 10) + 1
        return st.lists(values(name, shape.member), max_size=most)
    if isinstance(shape, MapShape):
        keys = st.one_of(values(name, shape.key), TEXTS)
        return st.dictionaries(keys, values(name, shape.value), max_size=3)
    if "enum" in traits:
        return st.one_of(st.sampled_from(traits["enum"]), st.sampled_from(traits["enum"]), st.just("nonsense"))
    if shape.type_name in ("integer", "long"):
        least, most = traits.get("min", 0), traits.get("max", 100)
        near = [least - 1, least, least + 1, 1, 2, 10, 11, 60, most - 1, most, most + 1, 2**31, -(2**63)]
        return st.one_of(st.integers(least, most), st.sampled_from(near))
    if shape.type_name == "boolean":
        return st.booleans()
    return TEXTS


def structures(shape: StructureShape) -> st.SearchStrategy[dict[str, Any]]:
    members = {
        name: st.one_of(values(name, member), st.sampled_from(USUAL[name])) if name in USUAL else values(name, member)
        for name, member in shape.members.items()
    }
    return st.lists(st.sampled_from(sorted(members)), unique=True, max_size=3).flatmap(
        lambda names: st.fixed_dictionaries({name: members[name] for name in names})
    )


def requests(operation: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    shape = MODEL.operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    base: st.SearchStrategy[dict[str, Any]] = st.just({})
    if operation == "CreateEventSourceMapping":
        base = st.one_of(st.sampled_from([{}, *CREATES.values()]), st.sampled_from(list(CREATES.values())))
    required = {
        name: st.one_of(st.sampled_from(USUAL[name]), st.sampled_from(USUAL[name]), values(name, shape.members[name]))
        for name in shape.required_members
    }
    return st.tuples(base, st.fixed_dictionaries(required), structures(shape)).map(
        lambda parts: (operation, {**parts[0], **parts[2], **parts[1]})
    )


STEPS = st.lists(
    st.one_of(
        *(requests(operation) for operation in OPERATIONS), *(requests(operation) for operation in OPERATIONS[:2] * 3)
    ),
    min_size=1,
    max_size=5,
)
BEGINNINGS = st.lists(st.sampled_from(sorted(CREATES)), min_size=1, max_size=2, unique=True)


def answered(method: Callable[..., Any], params: dict[str, Any]) -> Any:
    """The answer to a request, or the error's."""
    try:
        return method(**params)
    except ClientError as error:
        return error.response


class World:
    """The fake that all examples share; each begins with no mapping and no config."""

    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.lab = Lab(fake)
        self.lab.function("fn2")
        for params in CREATES.values():
            self.lab.call("CreateEventSourceMapping", {"FunctionName": "fn", **params})
        self.lab.call("PublishVersion", {"FunctionName": "fn"})
        self.lab.call("CreateAlias", {"FunctionName": "fn", "Name": "live", "FunctionVersion": "1"})
        loose = Config(parameter_validation=False, retries={"total_max_attempts": 1})
        self.client = boto3.client("lambda", region_name=REGION, config=loose)
        self.uuids: list[str] = []

    def clear(self) -> None:
        self.fake.clock.advance(60)
        for mapping in self.client.list_event_source_mappings()["EventSourceMappings"]:
            self.client.delete_event_source_mapping(UUID=mapping["UUID"])
        for name in ("fn", "fn2"):
            for config in self.configs(name):
                self.client.delete_function_event_invoke_config(FunctionName=config["FunctionArn"])
        self.fake.clock.advance(60)
        self.uuids = []

    def configs(self, name: str) -> list[dict[str, Any]]:
        answer = self.client.list_function_event_invoke_configs(FunctionName=name)
        return list(answer["FunctionEventInvokeConfigs"])

    def everything(self) -> str:
        """The whole state, read directly: a client's reads would take most of the time."""
        world = self.fake._world
        mappings = [mapping for _, mapping in world.store.visible(ACCOUNT, REGION)]
        return repr(
            (
                [(m.uuid, m.state, dict(m.settings), dict(m.requested), len(m.history)) for m in mappings],
                [world.mappings.tags(mapping) for mapping in mappings],
                world.invoke_configs._configs,
            )
        )

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """Send a request; return the answer, or None if the request was refused as AWS refuses it."""
        if isinstance(params.get("UUID"), int):
            params = {**params, "UUID": dict(enumerate(self.uuids)).get(params["UUID"], POOLS["UUID"][0])}
        if not params.get("FunctionName", "fn") or not params.get("UUID", "uuid"):
            return None  # this path does not exist
        method = getattr(self.client, self.lab.method(operation))
        before = self.everything()
        answer = answered(method, params)
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        event(f"{operation} {answer.get('Error', {}).get('Code', 'accepted')}")
        if "Error" in answer:
            known = {shape.name for shape in MODEL.operation_model(operation).error_shapes} | FRAMEWORK_ERRORS
            assert answer["Error"]["Code"] in known, (operation, params, answer)
            assert 400 <= status < 500, (operation, params, answer)
            assert self.everything() == before, (operation, params, answer)
            return None
        if operation == "CreateEventSourceMapping":
            self.uuids.append(answer["UUID"])
        nothing_ignored(operation, params, answer)
        return dict(answer)


BODY_MEMBERS = (
    "BatchSize",
    "DestinationConfig",
    "Enabled",
    "FilterCriteria",
    "FunctionName",
    "OnFailure",
    "SelfManagedEventSource",
    "StartingPositionTimestamp",
    "Tags",
    "Topics",
)
NAMES = ("FunctionName", "Qualifier", "UUID", "Marker", "MaxItems", "Tags")
ON, OFF = ("Creating", "Enabling", "Updating"), ("Disabled", "Disabling", "Updating")
EMPTY = (None, "", [], {})


def nothing_ignored(operation: str, params: dict[str, Any], answer: dict[str, Any]) -> None:
    """Each member of an accepted request shows in the answer, unless its value means that nothing is set."""
    if operation.startswith(("Create", "Put", "Update")):
        for name, value in params.items():
            if name == "Enabled":
                assert answer["State"] in (
                    ("Creating", "Enabling", "Updating") if value else ("Disabled", "Disabling", "Updating")
                )
            elif name not in NAMES:
                assert shows(answer.get(name), value), (operation, params, answer)


def shows(shown: Any, given: Any) -> bool:
    if hasattr(shown, "timestamp"):
        return abs(shown.timestamp() - given) < 0.01
    if isinstance(given, dict):
        if not any(value not in EMPTY for value in flat(given)):
            return True
        return isinstance(shown, dict) and all(
            shows(shown.get(name), value) for name, value in given.items() if any(v not in EMPTY for v in flat(value))
        )
    return shown == given or (given in EMPTY and shown in EMPTY)


def flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in flat(inner)]
    return [value]


@pytest.fixture
def world() -> Any:
    with FakeLambda(region=REGION, advice="off") as fake:
        yield World(fake)


@trials(100)
@given(sources=BEGINNINGS, steps=STEPS, pauses=st.lists(st.integers(0, 9), min_size=5, max_size=5))
@example(
    sources=["sqs"],
    steps=[("CreateEventSourceMapping", {"FunctionName": "fn:$LATEST", **CREATES["sqs"]})],
    pauses=[0] * 5,
)
def test_any_request(
    world: World, sources: list[str], steps: list[tuple[str, dict[str, Any]]], pauses: list[int]
) -> None:
    world.clear()
    for source in sources:
        world.call("CreateEventSourceMapping", {"FunctionName": "fn", **CREATES[source]})
    world.fake.clock.advance(6)
    for (operation, params), pause in zip(steps, pauses, strict=False):
        world.call(operation, params)
        world.fake.clock.advance(pause)
    assert not world.fake.errors


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(BODY_MEMBERS), inner, max_size=3),
    max_leaves=8,
)


def send(method: str, path: str, body: str) -> Any:
    """Send a request that no client would send."""
    return http.request(
        method,
        f"https://lambda.{REGION}.amazonaws.com{path}",
        data=body,
        headers={"Authorization": f"AWS4-HMAC-SHA256 Credential=key/20260101/{REGION}/lambda/aws4_request"},
        timeout=5,
    )


@trials(60)
@given(operation=st.sampled_from(OPERATIONS), body=BODIES)
def test_any_body(world: World, operation: str, body: Any) -> None:
    model = MODEL.operation_model(operation)
    path = model.http["requestUri"].replace("{FunctionName}", "fn").replace("{UUID}", POOLS["UUID"][0])
    answer = send(model.http["method"], path, json.dumps(body))
    assert 200 <= answer.status_code < 500, answer.text
    assert not world.fake.errors


@pytest.mark.parametrize("moment", ["1e308", "-1e308", "-1e18", "1e999", "NaN", "99999999999999999999", '"tomorrow"'])
def test_any_time(world: World, moment: str) -> None:
    body = (
        f'{{"FunctionName": "fn", "EventSourceArn": "{STREAM}-2", "StartingPosition": "AT_TIMESTAMP",'
        f' "StartingPositionTimestamp": {moment}}}'
    )
    boto3.client("kinesis", region_name=REGION).create_stream(StreamName="clicks-2", ShardCount=1)
    answer = send("POST", "/2015-03-31/event-source-mappings", body)
    assert answer.status_code == 400, answer.text
    assert not world.fake.errors
