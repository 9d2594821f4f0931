"""Stacks make, change and remove mappings and invoke configs, through the same operations as a client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pytest_lambda_esm import FakeLambda

MAPPING = {
    "Type": "AWS::Lambda::EventSourceMapping",
    "Properties": {
        "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
        "FunctionName": "fn",
        "BatchSize": "7",
        "Enabled": "true",
        "ScalingConfig": {"MaximumConcurrency": "5"},
        "Tags": [{"Key": "team", "Value": "shop"}],
    },
}
CONFIG = {
    "Type": "AWS::Lambda::EventInvokeConfig",
    "Properties": {"FunctionName": "fn", "Qualifier": "$LATEST", "MaximumRetryAttempts": "1"},
}
KAFKA = {
    "Type": "AWS::Lambda::EventSourceMapping",
    "Properties": {
        "FunctionName": "fn",
        "Topics": ["topic"],
        "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": ["kafka:1000"]}},
        "SourceAccessConfigurations": [
            {"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:x"}
        ],
    },
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}


class Stack:
    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.aws_lambda = fake.client("lambda")
        self.cloudformation = fake.client("cloudformation")

    def apply(self, verb: str, outputs: dict[str, Any] | None = None, **resources: Any) -> None:
        template = {"Resources": {"Queue": QUEUE, **resources}, "Outputs": outputs or {}}
        getattr(self.cloudformation, f"{verb}_stack")(StackName="shop", TemplateBody=json.dumps(template))

    def mappings(self) -> list[dict[str, Any]]:
        return list(self.aws_lambda.list_event_source_mappings()["EventSourceMappings"])


@pytest.fixture
def stack() -> Iterator[Stack]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        fake.function("fn")
        fake.function("fn2")
        yield Stack(fake)


def with_properties(resource: dict[str, Any], **changes: Any) -> dict[str, Any]:
    properties = {**resource["Properties"], **changes}
    return {**resource, "Properties": {name: value for name, value in properties.items() if value is not None}}


def test_a_stack_makes_a_mapping_with_numbers_as_texts(stack: Stack) -> None:
    outputs = {
        "Id": {"Value": {"Ref": "Mapping"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Mapping", "EventSourceMappingArn"]}},
    }
    stack.apply("create", outputs, Mapping=MAPPING)
    (mapping,) = stack.mappings()
    assert (mapping["State"], mapping["BatchSize"]) == ("Enabled", 7)
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
    tags = stack.aws_lambda.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"]
    assert tags == {"team": "shop"}
    (described,) = stack.cloudformation.describe_stacks()["Stacks"]
    shown = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    assert shown == {"Id": mapping["UUID"], "Arn": mapping["EventSourceMappingArn"]}


def test_an_update_keeps_the_mapping_and_undoes_what_the_template_leaves_out(stack: Stack) -> None:
    stack.apply("create", Mapping=MAPPING)
    (before,) = stack.mappings()
    stack.apply("update", Mapping=with_properties(MAPPING, BatchSize=9, ScalingConfig=None, Tags=None))
    (after,) = stack.mappings()
    assert (after["UUID"], after["BatchSize"], after["State"]) == (before["UUID"], 9, "Enabled")
    assert "ScalingConfig" not in after
    assert stack.aws_lambda.list_tags(Resource=after["EventSourceMappingArn"])["Tags"] == {}


def test_another_source_replaces_the_mapping(stack: Stack) -> None:
    stack.apply("create", Kafka=KAFKA)
    (before,) = stack.mappings()
    stack.apply("update", Kafka=with_properties(KAFKA, Topics=["other"]))
    (after,) = stack.mappings()
    assert after["Topics"] == ["other"]
    assert after["UUID"] != before["UUID"]


def test_a_deleted_stack_takes_its_mappings_and_configs_along(stack: Stack) -> None:
    stack.apply("create", Mapping=MAPPING, Kafka=KAFKA, Config=CONFIG)
    assert len(stack.mappings()) == 2
    stack.cloudformation.delete_stack(StackName="shop")
    assert stack.mappings() == []
    assert stack.aws_lambda.list_function_event_invoke_configs(FunctionName="fn")["FunctionEventInvokeConfigs"] == []


def test_a_stack_states_an_invoke_config_and_moves_it(stack: Stack) -> None:
    stack.apply("create", Config=CONFIG)
    config = stack.aws_lambda.get_function_event_invoke_config(FunctionName="fn")
    assert config["MaximumRetryAttempts"] == 1
    stack.apply("update", Config=with_properties(CONFIG, FunctionName="fn2", MaximumRetryAttempts="2"))
    config = stack.aws_lambda.get_function_event_invoke_config(FunctionName="fn2")
    assert config["MaximumRetryAttempts"] == 2
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig"):
        stack.aws_lambda.get_function_event_invoke_config(FunctionName="fn")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"BatchSize": "many"}, "Property /BatchSize must be of type Number"),
        ({"Enabled": "perhaps"}, "Property /Enabled must be of type Boolean"),
        ({"Colour": "red"}, "Encountered unsupported property Colour"),
        ({"FunctionName": "unknown"}, "Function does not exist"),
        ({"BatchSize": "10001"}, "Member must have value less than or equal to 10000"),
        ({"ScalingConfig": "5"}, "Property /ScalingConfig must be an object"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_lambda_refuses_the_stack_refuses(stack: Stack, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=text):
        stack.apply("create", Mapping=with_properties(MAPPING, **changes))
    assert stack.mappings() == []
    assert not stack.fake.errors


def test_a_stack_that_is_made_after_the_fake_does_not_know_invoke_configs_any_more(stack: Stack) -> None:
    from moto.cloudformation.parsing import get_model_map

    stack.apply("create", Config=CONFIG)
    assert "AWS::Lambda::EventInvokeConfig" in get_model_map()
    stack.fake.__exit__(None, None, None)
    assert "AWS::Lambda::EventInvokeConfig" not in get_model_map()
