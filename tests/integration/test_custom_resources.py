"""Custom resources of stacks: their functions run, and put the answer to the response URL with any usual library."""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import urllib3
from botocore.exceptions import ClientError

from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.errors import NotSimulated

Event = dict[str, Any]
Put = Callable[[str, bytes], None]


def with_urllib(url: str, body: bytes) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")) as response:
        assert response.status == 200


def with_urllib3(url: str, body: bytes) -> None:
    assert urllib3.PoolManager().request("PUT", url, body=body, headers={"content-type": ""}).status == 200


def with_requests(url: str, body: bytes) -> None:
    requests.put(url, data=body, headers={"content-type": ""}, timeout=5).raise_for_status()


def with_http_client(url: str, body: bytes) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc)
    connection.request("PUT", f"{parts.path}?{parts.query}", body=body)
    assert connection.getresponse().read() == b""
    connection.close()


class Provider:
    """A function that provides custom resources, and keeps the events that it got."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.put: Put = with_urllib3
        self.answer: dict[str, Any] = {"PhysicalResourceId": "thing-1", "Data": {"Address": "10.0.0.1"}}

    def __call__(self, event: Event, context: Any) -> None:
        self.events.append(event)
        same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
        body = {"Status": "SUCCESS", **same, **self.answer}
        self.put(event["ResponseURL"], json.dumps(body).encode())

    def requests(self) -> list[tuple[str, str | None]]:
        return [(event["RequestType"], event.get("PhysicalResourceId")) for event in self.events]


class Stack:
    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.provider = Provider()
        self.function = fake.function("provider", self.provider)
        self.cloudformation = fake.client("cloudformation")

    def apply(self, verb: str, type: str = "Custom::Thing", **properties: Any) -> None:
        thing = {"Type": type, "Properties": {"ServiceToken": self.function.arn, **properties}}
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::GetAtt": ["Thing", "Name"]}}}
        resources = {"Thing": thing, **({"Queue": queue} if "Name" in self.provider.answer.get("Data", {}) else {})}
        outputs = {"Ref": {"Value": {"Ref": "Thing"}}, "Address": {"Value": {"Fn::GetAtt": ["Thing", "Address"]}}}
        template = json.dumps({"Resources": resources, "Outputs": outputs})
        getattr(self.cloudformation, f"{verb}_stack")(StackName="shop", TemplateBody=template)

    def outputs(self) -> dict[str, str]:
        [described] = self.cloudformation.describe_stacks(StackName="shop")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


@pytest.fixture
def stack() -> Iterator[Stack]:
    with FakeLambda(region="us-east-1", advice="off") as fake:
        yield Stack(fake)


@pytest.mark.parametrize("put", [with_urllib, with_urllib3, with_requests, with_http_client])
def test_the_answer_arrives_with_any_usual_library(stack: Stack, put: Put) -> None:
    stack.provider.put = put
    stack.apply("create")
    assert stack.outputs() == {"Ref": "thing-1", "Address": "10.0.0.1"}
    assert not stack.fake.errors


@pytest.mark.parametrize("type", ["Custom::Thing", "AWS::CloudFormation::CustomResource"])
def test_a_life_of_a_custom_resource(stack: Stack, type: str) -> None:
    stack.apply("create", type, Size=1, Public=True, Tags=[{"Key": "a", "Value": 2}])
    [event] = stack.provider.events
    assert event["ResourceProperties"] == {
        "ServiceToken": stack.function.arn,
        "Size": "1",
        "Public": "true",
        "Tags": [{"Key": "a", "Value": "2"}],
    }
    assert (event["RequestType"], event["ResourceType"], event["LogicalResourceId"]) == ("Create", type, "Thing")
    assert event["StackId"].startswith("arn:aws:cloudformation:us-east-1:123456789012:stack/shop/")
    stack.apply("update", type, Size=2)
    update = stack.provider.events[-1]
    assert update["OldResourceProperties"]["Size"] == "1"
    assert update["ResourceProperties"]["Size"] == "2"
    stack.cloudformation.delete_stack(StackName="shop")
    assert stack.provider.requests() == [("Create", None), ("Update", "thing-1"), ("Delete", "thing-1")]


def test_another_physical_id_replaces_the_resource(stack: Stack) -> None:
    stack.apply("create", Size=1)
    stack.provider.answer["PhysicalResourceId"] = "thing-2"
    stack.apply("update", Size=2)
    assert stack.outputs()["Ref"] == "thing-2"
    assert stack.provider.requests() == [("Create", None), ("Update", "thing-1"), ("Delete", "thing-1")]


def test_other_resources_use_its_data(stack: Stack) -> None:
    stack.provider.answer["Data"]["Name"] = "orders"
    stack.apply("create")
    [url] = stack.fake.client("sqs").list_queues()["QueueUrls"]
    assert url.endswith("/orders")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"Status": "FAILED", "Reason": "no quota"}, "Message returned: no quota"),
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
    ],
    ids=["failed", "no-id"],
)
def test_a_failure_fails_the_stack_and_is_followed_by_a_delete(stack: Stack, answer: Event, text: str) -> None:
    stack.provider.answer.update(answer)
    with pytest.raises(ClientError, match=text):
        stack.apply("create")
    assert [request for request, _ in stack.provider.requests()] == ["Create", "Delete"]
    [described] = stack.cloudformation.describe_stacks(StackName="shop")["Stacks"]
    assert described["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_failed_update_is_taken_back_by_another_update(stack: Stack) -> None:
    stack.apply("create", Size=1)

    def fails_once(url: str, body: bytes) -> None:
        stack.provider.put = with_urllib3
        with_urllib3(url, json.dumps({**json.loads(body), "Status": "FAILED", "Reason": "no quota"}).encode())

    stack.provider.put = fails_once
    with pytest.raises(ClientError, match="no quota"):
        stack.apply("update", Size=2)
    assert stack.outputs() == {"Ref": "thing-1", "Address": "10.0.0.1"}
    [described] = stack.cloudformation.describe_stacks(StackName="shop")["Stacks"]
    assert described["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_function_that_ends_without_an_answer_fails_the_stack(stack: Stack) -> None:
    def forgets(event: Event, context: Any) -> None:
        raise ValueError("boom")

    stack.function.bind(forgets)
    with pytest.raises(ClientError, match=r"did not receive a response .*boom"):
        stack.apply("create")


def test_a_topic_as_service_token_is_refused(stack: Stack) -> None:
    with pytest.raises(NotSimulated, match=r"Thing \(Custom::Thing\) cannot be made: .* is a topic"):
        stack.apply("create", ServiceToken="arn:aws:sns:us-east-1:123456789012:topic")


def test_connections_work_as_before_afterwards(stack: Stack) -> None:
    before = [vars(each)["connect"] for each in (http.client.HTTPConnection, http.client.HTTPSConnection)]
    stack.apply("create")
    assert [vars(each)["connect"] for each in (http.client.HTTPConnection, http.client.HTTPSConnection)] == before


def test_moto_s_cfnresponse_answers(stack: Stack) -> None:
    """Code in a template gets the module ``cfnresponse``, as on AWS."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    send = "cfnresponse.send(event, context, 'SUCCESS', {'A': 'b'}, 'x')"
    code = f"import cfnresponse\ndef handler(event, context):\n    {send}\n"
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": code},
        },
    }
    thing = {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Fn", "Arn"]}}}
    outputs = {"A": {"Value": {"Fn::GetAtt": ["Thing", "A"]}}, "Ref": {"Value": {"Ref": "Thing"}}}
    template = {"Resources": {"Thing": thing, "Fn": function, "Role": role}, "Outputs": outputs}
    stack.cloudformation.create_stack(StackName="shop", TemplateBody=json.dumps(template))
    assert stack.outputs() == {"A": "b", "Ref": "x"}
    stack.cloudformation.delete_stack(StackName="shop")
