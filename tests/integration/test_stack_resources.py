"""Each resource type of stacks: created, updated, replaced, deleted, and referred to. The rows are in helpers."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from helpers.stack_rows import functions, logs, messages, stores, streams
from helpers.stack_rows.row import PARTS, Row, Template
from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.moto_bridge.stacks import installation

PIPES = messages.PIPES
ROWS = [*functions.ROWS, *messages.ROWS, *stores.ROWS, *streams.ROWS, *logs.ROWS]
ROWS += PIPES if importlib.util.find_spec("moto.pipes") else []
IDS = [f"{row.type.partition('::')[2].replace('::', '-')}-{number}" for number, row in enumerate(ROWS)]

APART = {
    "AWS::CloudFormation::CustomResource",
    "AWS::Cognito::UserPoolClient",
    "AWS::EC2::RouteTable",
    "Custom::LogRetention",
    "Custom::S3AutoDeleteObjects",
}


class Stack:
    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.cloudformation = fake.client("cloudformation")

    def apply(self, verb: str, resources: Template, outputs: Template | None = None, **more: Any) -> None:
        template = json.dumps({"Resources": resources, "Outputs": outputs or {}})
        getattr(self.cloudformation, f"{verb}_stack")(StackName="shop", TemplateBody=template, **more)

    def described(self) -> dict[str, Any]:
        return dict(self.cloudformation.describe_stacks(StackName="shop")["Stacks"][0])

    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.described().get("Outputs", [])}

    def advice(self) -> list[str]:
        return [str(advice) for advice in self.fake.take_advice() if advice.code == "ESM205"]


@pytest.fixture
def stack() -> Iterator[Stack]:
    with FakeLambda(region="us-east-1") as fake:
        yield Stack(fake)
        fake.take_advice()


def parts() -> Template:
    second = {**PARTS["Fn"], "Properties": {**PARTS["Fn"]["Properties"], "FunctionName": "fn2"}}
    return {**PARTS, "Fn2": second}


def stating(row: Row, **changes: Any) -> Template:
    properties = {name: value for name, value in {**row.properties, **changes}.items() if value is not None}
    return {"Tested": {"Type": row.type, "DependsOn": list(parts()), "Properties": properties}}


def matches(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_resource_type(stack: Stack, row: Row) -> None:
    client = stack.fake.client
    if row.type == "AWS::Lambda::LayerVersion":
        client("s3").create_bucket(Bucket="code")
        client("s3").put_object(Bucket="code", Key="layer.zip", Body=b"zip")
    outputs = {"Ref": {"Value": {"Ref": "Tested"}}}
    outputs |= {name: {"Value": {"Fn::GetAtt": ["Tested", name]}} for name in row.attributes}
    stack.apply("create", {**stating(row), **parts()}, outputs)
    assert row.shown(client) == row.created
    before = stack.outputs()
    assert all(matches(before[name], pattern) for name, pattern in {"Ref": row.ref, **row.attributes}.items()), before

    stack.apply("update", {**stating(row, **row.changes), **parts()}, outputs)
    assert row.shown(client) == row.updated
    assert (stack.outputs()["Ref"] != before["Ref"]) == row.replaced

    stack.apply("update", parts())
    assert row.shown(client) == row.after
    stack.cloudformation.delete_stack(StackName="shop")
    assert not stack.fake.errors
    assert not stack.advice()


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_resource_type_is_rolled_back(stack: Stack, row: Row) -> None:
    client = stack.fake.client
    if row.type == "AWS::Lambda::LayerVersion":
        client("s3").create_bucket(Bucket="code")
        client("s3").put_object(Bucket="code", Key="layer.zip", Body=b"zip")
    stack.apply("create", parts())
    failing = {"Type": "AWS::SNS::Subscription", "DependsOn": "Tested", "Properties": {"TopicArn": "x"}}
    with pytest.raises(ClientError, match="Failing"):
        stack.apply("update", {**parts(), **stating(row), "Failing": failing})
    assert row.shown(client) == row.after
    stack.apply("update", {**parts(), **stating(row)})
    with pytest.raises(ClientError, match="Failing"):
        stack.apply("update", {**parts(), **stating(row, **row.changes), "Failing": failing})
    assert row.shown(client) == row.created
    assert stack.described()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_each_type_of_the_package_has_a_row() -> None:
    """Custom resources have tests of their own, also those of CDK; the others here are in tests of templates."""
    nothing = installation.Surroundings(operations=dict, options=dict, advise=print, new_id=str)
    types = installation.kinds(nothing)
    assert {row.type for row in [*ROWS, *PIPES]} == types.keys() - APART


@pytest.mark.skipif(bool(importlib.util.find_spec("moto.pipes")), reason="this moto has pipes")
def test_a_pipe_is_refused_where_moto_has_none(stack: Stack) -> None:
    with pytest.raises(NotSimulated, match=r"Tested \(AWS::Pipes::Pipe\) cannot be made: .*pipes.CreatePipe"):
        stack.apply("create", {**stating(PIPES[0]), **parts()})
