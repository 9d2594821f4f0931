"""Stacks create, update and delete mappings and invoke configs, through the same operations as a client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

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
KAFKA_CONFIG = "SelfManagedKafkaEventSourceConfig"
QUEUE_MODE = {"ConsumptionMode": "Queue"}
STREAM = {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "clicks", "ShardCount": 1}}
STREAM_MAPPING = {
    "Type": "AWS::Lambda::EventSourceMapping",
    "Properties": {
        "EventSourceArn": {"Fn::GetAtt": ["Stream", "Arn"]},
        "FunctionName": "fn",
        "StartingPosition": "LATEST",
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

    def needs(self, shape: str, member: str) -> None:
        """Skip where the installed botocore has no such member."""
        model = self.aws_lambda.meta.service_model
        if shape not in model.shape_names or member not in model.shape_for(shape).members:
            pytest.skip(f"the installed botocore has no {member} of {shape}")

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


def test_a_template_may_state_numbers_as_strings(stack: Stack) -> None:
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


def test_an_update_keeps_the_mapping_and_resets_properties_that_the_template_leaves_out(stack: Stack) -> None:
    stack.apply("create", Mapping=MAPPING)
    (before,) = stack.mappings()
    stack.apply("update", Mapping=with_properties(MAPPING, BatchSize=9, ScalingConfig=None, Tags=None))
    (after,) = stack.mappings()
    assert (after["UUID"], after["BatchSize"], after["State"]) == (before["UUID"], 9, "Enabled")
    assert "ScalingConfig" not in after
    assert stack.aws_lambda.list_tags(Resource=after["EventSourceMappingArn"])["Tags"] == {}


@pytest.mark.parametrize(
    ("resource", "defaults"),
    [
        (MAPPING, {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "State": "Enabled"}),
        (STREAM_MAPPING, {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "State": "Enabled"}),
    ],
    ids=["queue", "stream"],
)
def test_properties_that_the_template_leaves_out_return_to_the_defaults_of_the_source(
    stack: Stack, resource: dict[str, Any], defaults: dict[str, Any]
) -> None:
    stated = {"BatchSize": 5, "MaximumBatchingWindowInSeconds": 9, "Enabled": False}
    stack.apply("create", Stream=STREAM, Mapping=with_properties(resource, **stated))
    (before,) = stack.mappings()
    assert before["State"] == "Disabled"
    stack.apply("update", Stream=STREAM, Mapping=with_properties(resource, **dict.fromkeys(stated)))
    (after,) = stack.mappings()
    assert {name: after[name] for name in ("UUID", *defaults)} == {"UUID": before["UUID"], **defaults}


def test_settings_that_no_template_stated_stay_as_a_client_set_them(stack: Stack) -> None:
    resource = with_properties(MAPPING, BatchSize=None, Enabled=None)
    stack.apply("create", Mapping=resource)
    (before,) = stack.mappings()
    stack.aws_lambda.update_event_source_mapping(UUID=before["UUID"], BatchSize=3, Enabled=False)
    stack.fake.clock.advance(10)
    stack.apply("update", Mapping=with_properties(resource, Tags=None))
    (after,) = stack.mappings()
    assert (after["BatchSize"], after["State"]) == (3, "Disabled")


def test_the_batching_window_of_kafka_stays_because_no_update_can_reset_it(stack: Stack) -> None:
    stack.apply("create", Kafka=with_properties(KAFKA, MaximumBatchingWindowInSeconds=9))
    stack.apply("update", Kafka=with_properties(KAFKA, BatchSize=5))
    (after,) = stack.mappings()
    assert (after["BatchSize"], after["MaximumBatchingWindowInSeconds"]) == (5, 9)


def test_an_update_keeps_the_consumer_group(stack: Stack) -> None:
    group = {KAFKA_CONFIG: {"ConsumerGroupId": "group"}}
    stack.apply("create", Kafka=with_properties(KAFKA, **group))
    (before,) = stack.mappings()
    stack.apply("update", Kafka=with_properties(KAFKA, **group, BatchSize=7))
    (after,) = stack.mappings()
    assert (after["UUID"], after["BatchSize"], after[KAFKA_CONFIG]) == (before["UUID"], 7, group[KAFKA_CONFIG])


@pytest.mark.parametrize(
    ("first", "second"),
    [({"ConsumerGroupId": "a"}, {"ConsumerGroupId": "b"}), ({"ConsumerGroupId": "a"}, None), (None, QUEUE_MODE)],
    ids=["group", "no-group", "mode"],
)
def test_another_consumer_group_or_mode_replaces_the_mapping(stack: Stack, first: Any, second: Any) -> None:
    for member in second or {}:
        stack.needs(KAFKA_CONFIG, member)
    stack.apply("create", Kafka=with_properties(KAFKA, **{KAFKA_CONFIG: first}))
    (before,) = stack.mappings()
    # The topic changes too, since the new mapping is made before the old one is deleted.
    stack.apply("update", Kafka=with_properties(KAFKA, **{KAFKA_CONFIG: second}, Topics=["other"]))
    (after,) = stack.mappings()
    assert after["UUID"] != before["UUID"]
    assert after[KAFKA_CONFIG] == {"ConsumerGroupId": after["UUID"], **(second or {})}


def test_provisioned_pollers_go_with_what_needs_them(stack: Stack) -> None:
    stack.needs(KAFKA_CONFIG, "SchemaRegistryConfig")
    registry = {
        "SchemaRegistryURI": "https://registry.example.com:8081",
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
    }
    provisioned = {
        "ProvisionedPollerConfig": {"MinimumPollers": 1},
        "MaximumRetryAttempts": 3,
        KAFKA_CONFIG: {"ConsumerGroupId": "group", "SchemaRegistryConfig": registry},
    }
    stack.apply("create", Kafka=with_properties(KAFKA, **provisioned))
    (before,) = stack.mappings()
    assert before["MaximumRetryAttempts"] == 3
    stack.apply("update", Kafka=with_properties(KAFKA, **{KAFKA_CONFIG: {"ConsumerGroupId": "group"}}))
    (after,) = stack.mappings()
    assert (after["UUID"], after[KAFKA_CONFIG]) == (before["UUID"], {"ConsumerGroupId": "group"})
    assert not provisioned.keys() - {KAFKA_CONFIG} & after.keys()


def test_an_update_leaves_a_poller_group_that_the_template_leaves_out(stack: Stack) -> None:
    stack.needs("ProvisionedPollerConfig", "PollerGroupName")
    stack.apply(
        "create", Kafka=with_properties(KAFKA, ProvisionedPollerConfig={"MinimumPollers": 2, "PollerGroupName": "g"})
    )
    stack.apply("update", Kafka=with_properties(KAFKA, ProvisionedPollerConfig={"MinimumPollers": 2}))
    (after,) = stack.mappings()
    assert after["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 200}


def test_another_source_replaces_the_mapping(stack: Stack) -> None:
    stack.apply("create", Kafka=KAFKA)
    (before,) = stack.mappings()
    stack.apply("update", Kafka=with_properties(KAFKA, Topics=["other"]))
    (after,) = stack.mappings()
    assert after["Topics"] == ["other"]
    assert after["UUID"] != before["UUID"]


def test_deleting_a_stack_deletes_its_mappings_and_invoke_configs(stack: Stack) -> None:
    stack.apply("create", Mapping=MAPPING, Kafka=KAFKA, Config=CONFIG)
    assert len(stack.mappings()) == 2
    stack.cloudformation.delete_stack(StackName="shop")
    assert stack.mappings() == []
    assert stack.aws_lambda.list_function_event_invoke_configs(FunctionName="fn")["FunctionEventInvokeConfigs"] == []


def test_a_stack_can_be_deleted_after_its_invoke_config(stack: Stack) -> None:
    stack.apply("create", Config=CONFIG)
    stack.aws_lambda.delete_function_event_invoke_config(FunctionName="fn")
    stack.cloudformation.delete_stack(StackName="shop")
    summaries = stack.cloudformation.list_stacks()["StackSummaries"]
    assert [summary["StackStatus"] for summary in summaries] == ["DELETE_COMPLETE"]
    assert not stack.fake.errors


def test_a_stack_can_be_deleted_after_its_mapping(stack: Stack) -> None:
    stack.apply("create", Mapping=MAPPING)
    (mapping,) = stack.mappings()
    stack.aws_lambda.delete_event_source_mapping(UUID=mapping["UUID"])
    stack.fake.clock.advance(60)
    stack.cloudformation.delete_stack(StackName="shop")
    summaries = stack.cloudformation.list_stacks()["StackSummaries"]
    assert [summary["StackStatus"] for summary in summaries] == ["DELETE_COMPLETE"]
    assert not stack.fake.errors


def test_an_update_of_a_stack_moves_its_invoke_config_to_another_function(stack: Stack) -> None:
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
def test_a_stack_fails_with_the_error_of_lambda(stack: Stack, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=text):
        stack.apply("create", Mapping=with_properties(MAPPING, **changes))
    assert stack.mappings() == []
    assert not stack.fake.errors


def test_an_update_of_a_stack_from_before_the_fake_keeps_its_mapping() -> None:
    """Its old template is unknown, so the settings that the new one leaves out stay unchanged."""
    with mock_aws():
        boto3.client("sqs", "us-east-1").create_queue(QueueName="orders")
        role = boto3.client("iam", "us-east-1").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        boto3.client("lambda", "us-east-1").create_function(
            FunctionName="fn", Role=role, Runtime="python3.12", Handler="app.handler", Code={"ZipFile": b"zip"}
        )
        properties = {
            "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:orders",
            "FunctionName": "fn",
            "BatchSize": 7,
            "Enabled": True,
        }
        template = {"Resources": {"Mapping": {"Type": MAPPING["Type"], "Properties": properties}}}
        cloudformation = boto3.client("cloudformation", "us-east-1")
        cloudformation.create_stack(StackName="shop", TemplateBody=json.dumps(template))
        with FakeLambda(region="us-east-1", advice="off") as fake:
            aws_lambda = fake.client("lambda")
            (before,) = aws_lambda.list_event_source_mappings()["EventSourceMappings"]
            properties["MaximumBatchingWindowInSeconds"] = 3
            del properties["BatchSize"]
            cloudformation.update_stack(StackName="shop", TemplateBody=json.dumps(template))
            (after,) = aws_lambda.list_event_source_mappings()["EventSourceMappings"]
            assert (after["UUID"], after["BatchSize"]) == (before["UUID"], 7)
            assert (after["State"], after["MaximumBatchingWindowInSeconds"]) == ("Enabled", 3)


def test_moto_no_longer_knows_invoke_configs_after_the_fake(stack: Stack) -> None:
    from moto.cloudformation import parsing

    stack.apply("create", Config=CONFIG)
    assert parsing.resource_class_from_type(CONFIG["Type"]) is not None
    stack.fake.__exit__(None, None, None)
    assert parsing.resource_class_from_type(CONFIG["Type"]) is None
