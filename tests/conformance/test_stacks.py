"""Stacks of CloudFormation: their order, their failures, and the events of custom resources."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from helpers.conformance import Facts, client
from pytest_lambda_esm import FakeLambda

FACT_TITLE = "Stacks"
FACTS = Facts(FACT_TITLE)


def apply(verb: str, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
    template = json.dumps({"Resources": resources, "Outputs": outputs or {}})
    getattr(client("cloudformation"), f"{verb}_stack")(StackName="shop", TemplateBody=template)


def described() -> dict[str, Any]:
    return dict(client("cloudformation").describe_stacks(StackName="shop")["Stacks"][0])


def reference(logical_id: str) -> str:
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described()["Outputs"]}
    return str(outputs[logical_id])


class Provider:
    """A function behind a custom resource, which answers with success; ``physical_id`` is that of the resource."""

    def __init__(self, fake: FakeLambda) -> None:
        self.events: list[dict[str, Any]] = []
        self.physical_id = "thing-1"
        self.arn = fake.function("provider", self.provide).arn

    def provide(self, event: dict[str, Any], context: Any) -> None:
        self.events.append(event)
        body = {"Status": "SUCCESS", "PhysicalResourceId": self.physical_id}
        urllib3.PoolManager().request("PUT", event["ResponseURL"], body=json.dumps(body))

    def resource(self, **properties: Any) -> dict[str, Any]:
        return {"Type": "Custom::Thing", "Properties": {"ServiceToken": self.arn, **properties}}


@FACTS(
    "k1-request", "documented", "The event of a custom resource has these members; an Update has the old properties."
)
def test_members_of_custom_requests(lambda_esm: FakeLambda) -> None:
    provider = Provider(lambda_esm)
    apply("create", {"Thing": provider.resource(Size=1)})
    apply("update", {"Thing": provider.resource(Size=2)})
    client("cloudformation").delete_stack(StackName="shop")
    always = {"RequestType", "ServiceToken", "ResponseURL", "StackId", "RequestId", "LogicalResourceId"}
    always |= {"ResourceType", "ResourceProperties"}
    create, update, delete = provider.events
    assert create.keys() == always
    assert update.keys() == always | {"PhysicalResourceId", "OldResourceProperties"}
    assert delete.keys() == always | {"PhysicalResourceId"}


@FACTS("k1-texts", "reported", "CloudFormation sends the scalars among the properties of a custom resource as text.")
def test_properties_are_texts(lambda_esm: FakeLambda) -> None:
    provider = Provider(lambda_esm)
    apply("create", {"Thing": provider.resource(Size=1, Open=True, Names=["a", 2])})
    [event] = provider.events
    properties = {name: event["ResourceProperties"][name] for name in ("Size", "Open", "Names")}
    assert properties == {"Size": "1", "Open": "true", "Names": ["a", "2"]}


@FACTS("k1-replaced", "documented", "Another physical id in the answer to an Update: the old resource gets a Delete.")
def test_another_physical_id(lambda_esm: FakeLambda) -> None:
    provider = Provider(lambda_esm)
    apply("create", {"Thing": provider.resource(Size=1)})
    provider.physical_id = "thing-2"
    apply("update", {"Thing": provider.resource(Size=2)})
    assert [(event["RequestType"], event.get("PhysicalResourceId")) for event in provider.events] == [
        ("Create", None),
        ("Update", "thing-1"),
        ("Delete", "thing-1"),
    ]


@FACTS("k2-rollback", "documented", "A stack that fails deletes what it has made, and is ROLLBACK_COMPLETE.")
def test_rollback(lambda_esm: FakeLambda) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    broken = {"Type": "AWS::SNS::Subscription", "DependsOn": "Queue", "Properties": {"Protocol": "sqs"}}
    with pytest.raises(ClientError):
        apply("create", {"Queue": queue, "Broken": broken})
    assert client("sqs").list_queues().get("QueueUrls", []) == []
    assert described()["StackStatus"] == "ROLLBACK_COMPLETE"


@FACTS("k2-circle", "reported", "A circle is refused before anything is made, with the names of its resources.")
def test_circle(lambda_esm: FakeLambda) -> None:
    queues = {
        name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::GetAtt": [other, "QueueName"]}}}
        for name, other in {"A": "B", "B": "A"}.items()
    }
    with pytest.raises(ClientError) as refused:
        apply("create", queues)
    assert refused.value.response["Error"]["Message"] == "Circular dependency between resources: [A, B]"


@FACTS("k3-version", "reported", "A version of a function that has not changed since its last version is refused.")
def test_version_that_exists(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("fn", lambda event, context: None)
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": "fn"}}
    text = r"A version for this Lambda function exists \( 1 \). Modify the function to create a new version."
    with pytest.raises(ClientError, match=text):
        apply("create", {"One": version, "Two": {**version, "DependsOn": "One"}})


@FACTS("k3-fifo", "documented", "The generated name of a FIFO queue or topic ends in .fifo.")
def test_generated_fifo_names(lambda_esm: FakeLambda) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"FifoTopic": True}}
    resources = {"Queue": queue, "Topic": topic}
    apply("create", resources, {name: {"Value": {"Ref": name}} for name in resources})
    assert reference("Queue").endswith(".fifo")
    assert reference("Topic").endswith(".fifo")


@FACTS("k3-rule", "documented", "Ref of a rule is its name; that of a rule of another event bus is <bus>|<rule>.")
def test_reference_of_a_rule(lambda_esm: FakeLambda) -> None:
    rule = {"Type": "AWS::Events::Rule", "Properties": {"Name": "r", "EventPattern": {"source": ["shop"]}}}
    other = {**rule, "Properties": {**rule["Properties"], "EventBusName": {"Ref": "Bus"}}}
    resources = {"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "b"}}, "Own": rule, "Other": other}
    apply("create", resources, {name: {"Value": {"Ref": name}} for name in ("Own", "Other")})
    assert (reference("Own"), reference("Other")) == ("r", "b|r")


@FACTS("k3-expiry", "documented", "TimeToLiveSpecification of a table turns its time to live on.")
def test_time_to_live_of_a_table(lambda_esm: FakeLambda) -> None:
    table = {
        "TableName": "carts",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
    }
    apply("create", {"Carts": {"Type": "AWS::DynamoDB::Table", "Properties": table}})
    shown = client("dynamodb").describe_time_to_live(TableName="carts")["TimeToLiveDescription"]
    assert shown == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}


@FACTS("k3-variables", "reported", "Numbers and booleans of a template are texts in a function's environment.")
def test_variables_of_a_function_are_texts(lambda_esm: FakeLambda) -> None:
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::123456789012:role/r",
        "Code": {"ZipFile": "def handler(event, context): ..."},
        "Environment": {"Variables": {"RATE": 0.1, "COUNT": 0, "DEBUG": True}},
    }
    role = {"RoleName": "r", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Fn": {"Type": "AWS::Lambda::Function", "DependsOn": "Role", "Properties": function},
    }
    apply("create", resources, {"Fn": {"Value": {"Ref": "Fn"}}})
    shown = client("lambda").get_function_configuration(FunctionName=reference("Fn"))
    assert shown["Environment"]["Variables"] == {"RATE": "0.1", "COUNT": "0", "DEBUG": "true"}
