"""In which order a stack makes and deletes its resources, and what is left of one that fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.errors import NotSimulated

Template = dict[str, Any]


class Stack:
    """Stacks whose custom resources record the order in which they are made."""

    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.cloudformation = fake.client("cloudformation")
        self.seen: list[str] = []
        self.failing: set[str] = set()
        self.function = fake.function("provider", self.provide)

    def provide(self, event: dict[str, Any], context: Any) -> None:
        import urllib3

        name, request = event["LogicalResourceId"], event["RequestType"]
        self.seen.append(f"{request} {name}")
        status = "FAILED" if f"{request} {name}" in self.failing else "SUCCESS"
        body = {"Status": status, "Reason": "asked for", "PhysicalResourceId": name, "Data": {"Name": name}}
        urllib3.PoolManager().request("PUT", event["ResponseURL"], body=json.dumps(body))

    def thing(self, *depends: str, **properties: Any) -> Template:
        token = {"ServiceToken": self.function.arn}
        return {"Type": "Custom::Thing", "DependsOn": list(depends), "Properties": {**token, **properties}}

    def apply(self, verb: str, resources: Template, name: str = "shop", **sections: Any) -> None:
        options = {each: sections.pop(each) for each in ("OnFailure", "DisableRollback") if each in sections}
        template = json.dumps({"Resources": resources, **sections})
        getattr(self.cloudformation, f"{verb}_stack")(StackName=name, TemplateBody=template, **options)

    def status(self, name: str = "shop") -> str:
        return str(self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def advice(self) -> list[str]:
        return [str(advice) for advice in self.fake.take_advice() if advice.code == "ESM205"]


@pytest.fixture
def stack() -> Iterator[Stack]:
    with FakeLambda(region="us-east-1") as fake:
        yield Stack(fake)
        fake.take_advice()


def test_a_resource_is_made_after_those_that_it_depends_on_whoever_refers_to_it_first(stack: Stack) -> None:
    stack.apply("create", {"A": stack.thing(Of={"Ref": "B"}), "B": stack.thing("C"), "C": stack.thing()})
    assert stack.seen == ["Create C", "Create B", "Create A"]


def test_resources_are_deleted_in_the_opposite_order(stack: Stack) -> None:
    stack.apply("create", {"A": stack.thing(Of={"Fn::Sub": "${B.Name}!"}), "B": stack.thing("C"), "C": stack.thing()})
    stack.seen.clear()
    stack.cloudformation.delete_stack(StackName="shop")
    assert stack.seen == ["Delete A", "Delete B", "Delete C"]


def test_an_update_creates_before_it_deletes(stack: Stack) -> None:
    stack.apply("create", {"A": stack.thing(), "B": stack.thing(Size=1)})
    stack.seen.clear()
    stack.apply("update", {"C": stack.thing("B"), "B": stack.thing(Size=2)})
    assert stack.seen == ["Update B", "Create C", "Delete A"]


def test_a_resource_is_updated_when_what_it_refers_to_was_replaced(stack: Stack) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "one"}}
    stack.apply("create", {"A": stack.thing(Url={"Ref": "Q"}), "Q": queue})
    stack.seen.clear()
    queue["Properties"] = {"QueueName": "two"}
    stack.apply("update", {"A": stack.thing(Url={"Ref": "Q"}), "Q": queue})
    assert stack.seen == ["Update A"]
    [url] = stack.fake.client("sqs").list_queues()["QueueUrls"]
    assert url.endswith("/two")


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ({"A": {"Ref": "B"}, "B": {"Ref": "A"}}, r"Circular dependency between resources: \[A, B\]"),
        ({"A": {"Fn::Sub": "${B.Name}-${AWS::Region}"}}, r"Unresolved resource dependencies \[B\]"),
        ({"A": {"Fn::GetAtt": ["B", "Name"]}}, r"Unresolved resource dependencies \[B\]"),
    ],
    ids=["circle", "sub", "attribute"],
)
def test_nothing_is_made_of_a_template_that_does_not_hold_together(stack: Stack, resources: Any, text: str) -> None:
    things = {name: stack.thing(Of=value) for name, value in resources.items()}
    with pytest.raises(ClientError, match=text):
        stack.apply("create", things)
    assert stack.seen == []
    assert stack.cloudformation.list_stacks()["StackSummaries"] == []


def test_an_unknown_condition_is_refused(stack: Stack) -> None:
    with pytest.raises(ClientError, match="Unresolved condition dependency Production"):
        stack.apply("create", {"A": {**stack.thing(), "Condition": "Production"}})


def test_a_failed_stack_leaves_nothing_and_says_so(stack: Stack) -> None:
    stack.failing.add("Create B")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    outputs = {"Url": {"Value": {"Ref": "Q"}, "Export": {"Name": "url"}}}
    with pytest.raises(ClientError, match=r"B \(Custom::Thing\): .*asked for"):
        stack.apply("create", {"Q": queue, "A": stack.thing(), "B": stack.thing("A", "Q")}, Outputs=outputs)
    assert stack.status() == "ROLLBACK_COMPLETE"
    assert stack.seen == ["Create A", "Create B", "Delete B", "Delete A"]
    assert stack.fake.client("sqs").list_queues().get("QueueUrls", []) == []
    assert stack.cloudformation.list_exports()["Exports"] == []
    events = stack.cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    failed = next(event for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert (failed["LogicalResourceId"], failed["ResourceType"]) == ("B", "Custom::Thing")
    assert "asked for" in failed["ResourceStatusReason"]
    stack.cloudformation.delete_stack(StackName="shop")
    stack.failing.clear()
    stack.apply("create", {"Q": queue, "A": stack.thing()}, Outputs=outputs)
    assert stack.status() == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("options", "status", "queues"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", 1),
        ({"DisableRollback": True}, "CREATE_FAILED", 1),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", 0),
        ({"OnFailure": "DELETE"}, None, 0),
    ],
    ids=["nothing", "disabled", "roll-back", "delete"],
)
def test_what_on_failure_says_is_done(stack: Stack, options: Template, status: str | None, queues: int) -> None:
    stack.failing.add("Create B")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    with pytest.raises(ClientError, match="asked for"):
        stack.apply("create", {"Q": queue, "B": stack.thing("Q")}, **options)
    assert len(stack.fake.client("sqs").list_queues().get("QueueUrls", [])) == queues
    if status is None:
        assert stack.cloudformation.describe_stacks()["Stacks"] == []
    else:
        assert stack.status() == status


def test_a_failed_update_keeps_the_stack_as_it_was(stack: Stack) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "one"}}
    before = {"A": stack.thing(Size=1), "Gone": stack.thing(), "Q": queue}
    stack.apply("create", before)
    stack.failing.add("Create B")
    stack.seen.clear()
    replaced = {**queue, "Properties": {"QueueName": "two"}}
    with pytest.raises(ClientError, match=r"B \(Custom::Thing\)"):
        stack.apply("update", {"A": stack.thing(Size=2), "B": stack.thing("A", "Q"), "Q": replaced})
    assert stack.seen == ["Update A", "Create B", "Delete B", "Update A"]
    [url] = stack.fake.client("sqs").list_queues()["QueueUrls"]
    assert url.endswith("/one")
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert json.loads(json.dumps(stack.cloudformation.get_template(StackName="shop")["TemplateBody"])) == {
        "Resources": before
    }


def test_a_change_set_that_fails_is_rolled_back(stack: Stack) -> None:
    stack.failing.add("Create B")
    template = json.dumps({"Resources": {"A": stack.thing(), "B": stack.thing("A")}})
    made = {"StackName": "shop", "ChangeSetName": "first"}
    stack.cloudformation.create_change_set(**made, TemplateBody=template, ChangeSetType="CREATE")
    with pytest.raises(ClientError, match="asked for"):
        stack.cloudformation.execute_change_set(**made)
    assert stack.seen == ["Create A", "Create B", "Delete B", "Delete A"]
    assert stack.status() == "ROLLBACK_COMPLETE"


def test_a_resource_that_a_policy_retains_stays(stack: Stack) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "kept"}, "DeletionPolicy": "Retain"}
    stack.apply("create", {"Q": queue, "A": stack.thing()})
    stack.apply("update", {"A": stack.thing()})
    assert stack.fake.client("sqs").list_queues()["QueueUrls"]
    stack.cloudformation.delete_stack(StackName="shop")
    assert stack.fake.client("sqs").list_queues()["QueueUrls"]


@pytest.mark.parametrize(("policy", "left"), [("Retain", 1), ("RetainExceptOnCreate", 0), ("Delete", 0)])
def test_the_policy_says_what_a_rollback_keeps(stack: Stack, policy: str, left: int) -> None:
    stack.failing.add("Create B")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}, "DeletionPolicy": policy}
    with pytest.raises(ClientError, match="asked for"):
        stack.apply("create", {"Q": queue, "B": stack.thing("Q")})
    assert len(stack.fake.client("sqs").list_queues().get("QueueUrls", [])) == left
    assert stack.status() == "ROLLBACK_COMPLETE"


def test_a_stack_that_cannot_be_deleted_stays_and_says_why(stack: Stack) -> None:
    stack.apply("create", {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "inbox"}}})
    s3 = stack.fake.client("s3")
    s3.put_object(Bucket="inbox", Key="k", Body=b"")
    with pytest.raises(ClientError, match=r"B \(AWS::S3::Bucket\): .*not empty"):
        stack.cloudformation.delete_stack(StackName="shop")
    assert stack.status() == "DELETE_FAILED"
    s3.delete_object(Bucket="inbox", Key="k")
    stack.cloudformation.delete_stack(StackName="shop")
    assert s3.list_buckets()["Buckets"] == []


def test_each_unknown_type_is_named_once_and_its_references_are_placeholders(stack: Stack) -> None:
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "api"}}
    outputs = {"Url": {"Value": {"Fn::GetAtt": ["One", "ApiEndpoint"]}}, "Ref": {"Value": {"Ref": "Two"}}}
    stack.apply("create", {"One": api, "Two": api, "Meta": {"Type": "AWS::CDK::Metadata"}}, Outputs=outputs)
    [advice] = stack.advice()
    assert "AWS::ApiGatewayV2::Api is accepted and does nothing" in advice
    [described] = stack.cloudformation.describe_stacks(StackName="shop")["Stacks"]
    shown = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    assert shown["Url"].startswith("shop-One-")
    assert shown["Ref"].startswith("shop-Two-")
    stack.cloudformation.delete_stack(StackName="shop")


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ({"Type": "AWS::Serverless::Function", "Properties": {}}, "Translate the template first"),
        (
            {
                "Type": "AWS::Lambda::Version",
                "Properties": {
                    "FunctionName": "provider",
                    "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1},
                },
            },
            "ProvisionedConcurrencyConfig is not simulated",
        ),
    ],
    ids=["sam", "provisioned"],
)
def test_what_cannot_be_made_stops_the_stack_with_its_name_and_what_to_do(
    stack: Stack, resource: Template, text: str
) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    with pytest.raises(NotSimulated, match=rf"Bad \({resource['Type']}\) cannot be made: .*{text}"):
        stack.apply("create", {"Q": queue, "Bad": {**resource, "DependsOn": "Q"}})
    assert stack.fake.client("sqs").list_queues().get("QueueUrls", []) == []
    assert stack.status() == "ROLLBACK_COMPLETE"


def test_a_version_of_an_unchanged_function_is_refused_as_on_aws(stack: Stack) -> None:
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": "provider"}}
    with pytest.raises(ClientError, match=r"A version for this Lambda function exists \( 1 \)"):
        stack.apply("create", {"One": version, "Two": {**version, "DependsOn": "One"}})
    versions = stack.fake.client("lambda").list_versions_by_function(FunctionName="provider")["Versions"]
    assert [each["Version"] for each in versions] == ["$LATEST"]


def test_what_a_stack_does_is_neither_logged_nor_struck_by_faults(stack: Stack) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}
    permission = {"FunctionName": "provider", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    resources = {"T": topic, "P": {"Type": "AWS::Lambda::Permission", "Properties": permission}}
    stack.fake.faults.add("sns.CreateTopic", "ThrottlingException", times=1)
    stack.fake.faults.add("AddPermission", "ServiceException", times=1)
    stack.apply("create", resources)
    assert [call.name for call in stack.fake.calls.all if call.service != "sts"] == ["cloudformation.CreateStack"]
    assert [fault.remaining for fault in stack.fake.faults.all] == [1, 1]
    stack.fake.faults.clear()


def test_what_a_stack_deletes_may_be_gone(stack: Stack) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}
    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": "provider"}}
    stack.apply("create", {"V": version, "Q": queue})
    stack.fake.client("lambda").delete_function(FunctionName="provider")
    stack.cloudformation.delete_stack(StackName="shop")
    assert stack.cloudformation.describe_stacks()["Stacks"] == []


def test_a_bucket_s_events_reach_a_rule_of_the_same_stack(stack: Stack) -> None:
    bridge = {"NotificationConfiguration": {"EventBridgeConfiguration": {}}}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "inbox", **bridge}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}
    target = {"Id": "q", "Arn": {"Fn::GetAtt": ["Q", "Arn"]}}
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": {"source": ["aws.s3"]}, "Targets": [target]},
    }
    outputs = {"Rule": {"Value": {"Ref": "R"}}}
    stack.apply("create", {"B": bucket, "Q": queue, "R": rule}, Outputs=outputs)
    stack.fake.client("s3").put_object(Bucket="inbox", Key="k", Body=b"x")
    sqs = stack.fake.client("sqs")
    [url] = sqs.list_queues()["QueueUrls"]
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail-type"] == "Object Created"


def test_a_rule_of_another_bus_is_named_with_it(stack: Stack) -> None:
    bus = {"Type": "AWS::Events::EventBus", "Properties": {"Name": "shop"}}
    rule = {"EventBusName": {"Ref": "Bus"}, "Name": "r", "EventPattern": {"source": ["a"]}}
    resources = {"Bus": bus, "R": {"Type": "AWS::Events::Rule", "Properties": rule}}
    stack.apply("create", resources, Outputs={"Ref": {"Value": {"Ref": "R"}}})
    [described] = stack.cloudformation.describe_stacks(StackName="shop")["Stacks"]
    assert described["Outputs"][0]["OutputValue"] == "shop|r"
    stack.cloudformation.delete_stack(StackName="shop")
    assert stack.fake.client("events").list_rules(EventBusName="default")["Rules"] == []


def inline(number: int, **properties: Any) -> Template:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    stated = {
        "FunctionName": "fn",
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": f"def handler(event, context):\n    return {number}\n"},
    }
    return {"Role": role, "Fn": {"Type": "AWS::Lambda::Function", "Properties": {**stated, **properties}}}


def test_an_update_changes_the_inline_code_and_the_settings_of_a_function(stack: Stack) -> None:
    aws_lambda = stack.fake.client("lambda")
    tags = [{"Key": "team", "Value": "shop"}]
    stack.apply("create", inline(1, Timeout=20, ReservedConcurrentExecutions=3, Tags=tags))
    assert aws_lambda.invoke(FunctionName="fn")["Payload"].read() == b"1"
    shown = aws_lambda.get_function(FunctionName="fn")
    assert (shown["Tags"], shown["Concurrency"]) == ({"team": "shop"}, {"ReservedConcurrentExecutions": 3})
    stack.apply("update", inline(2, Environment={"Variables": {"A": "b"}}))
    assert aws_lambda.invoke(FunctionName="fn")["Payload"].read() == b"2"
    shown = aws_lambda.get_function(FunctionName="fn")
    assert (shown["Configuration"]["Timeout"], shown.get("Tags"), shown.get("Concurrency")) == (3, None, None)
    assert shown["Configuration"]["Environment"] == {"Variables": {"A": "b"}}


def test_another_name_replaces_a_function(stack: Stack) -> None:
    aws_lambda = stack.fake.client("lambda")
    stack.apply("create", inline(1))
    stack.apply("update", inline(2, FunctionName="other"))
    names = {function["FunctionName"] for function in aws_lambda.list_functions()["Functions"]}
    assert names == {"other", "provider"}
    assert aws_lambda.invoke(FunctionName="other")["Payload"].read() == b"2"


def test_each_publication_follows_a_change_of_the_code(stack: Stack) -> None:
    """What SAM's AutoPublishAlias makes of a function: another version for other code, and an alias of it."""
    aws_lambda = stack.fake.client("lambda")

    def published(number: int) -> Template:
        version = {"Type": "AWS::Lambda::Version", "DeletionPolicy": "Retain", "Properties": {"FunctionName": "fn"}}
        alias = {"FunctionName": {"Ref": "Fn"}, "Name": "live"}
        name = f"Version{number}"
        alias["FunctionVersion"] = {"Fn::GetAtt": [name, "Version"]}
        resources = {name: {**version, "DependsOn": "Fn"}, "Alias": {"Type": "AWS::Lambda::Alias", "Properties": alias}}
        return {**inline(number), **resources}

    stack.apply("create", published(1))
    assert aws_lambda.invoke(FunctionName="fn:live")["Payload"].read() == b"1"
    stack.apply("update", published(2))
    assert aws_lambda.invoke(FunctionName="fn:live")["Payload"].read() == b"2"
    assert aws_lambda.get_alias(FunctionName="fn", Name="live")["FunctionVersion"] == "2"
    assert aws_lambda.invoke(FunctionName="fn:1")["Payload"].read() == b"1"


@pytest.mark.parametrize(
    ("resource", "error", "text"),
    [
        ({"Properties": {}}, ClientError, r"\[/Resources/A\] Every Resources object must contain a Type member"),
        ([], ClientError, "Every Resources object must contain a Type member"),
    ],
    ids=["no-type", "list"],
)
def test_a_resource_has_a_type(stack: Stack, resource: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        stack.apply("create", {"A": resource})


def test_loops_are_refused(stack: Stack) -> None:
    with pytest.raises(NotSimulated, match="Fn::ForEach::Queues among its resources"):
        stack.apply("create", {"Fn::ForEach::Queues": ["Name", ["a"], {}]})


def test_a_rollback_that_fails_is_told_by_the_status(stack: Stack) -> None:
    stack.failing |= {"Create B", "Delete A"}
    with pytest.raises(ClientError, match=r"B \(Custom::Thing\)"):
        stack.apply("create", {"A": stack.thing(), "B": stack.thing("A")})
    assert stack.status() == "ROLLBACK_FAILED"


def test_a_stack_from_before_the_fake_is_updated_and_deleted() -> None:
    def template(**queues: Template) -> str:
        resources = {name: {"Type": "AWS::SQS::Queue", "Properties": stated} for name, stated in queues.items()}
        return json.dumps({"Resources": resources})

    with mock_aws():
        cloudformation, sqs = boto3.client("cloudformation", "us-east-1"), boto3.client("sqs", "us-east-1")
        queue = {"QueueName": "one", "VisibilityTimeout": 5}
        cloudformation.create_stack(StackName="shop", TemplateBody=template(A=queue, B={"QueueName": "two"}))
        with FakeLambda(region="us-east-1", advice="off"):
            later = template(A={**queue, "VisibilityTimeout": 50}, C={"QueueName": "three"})
            cloudformation.update_stack(StackName="shop", TemplateBody=later)
            urls = sqs.list_queues()["QueueUrls"]
            assert sorted(url.rpartition("/")[2] for url in urls) == ["one", "three"]
            shown = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["VisibilityTimeout"])
            assert shown["Attributes"] == {"VisibilityTimeout": "50"}
            cloudformation.delete_stack(StackName="shop")
            assert sqs.list_queues().get("QueueUrls", []) == []


def test_resources_are_made_in_the_region_of_the_stack(stack: Stack) -> None:
    client = stack.fake.client
    attributes = {
        "AWS::SQS::Queue": ({}, "Arn"),
        "AWS::SNS::Topic": ({}, "TopicArn"),
        "AWS::Events::Rule": ({"EventPattern": {"source": ["shop"]}}, "Arn"),
        "AWS::Events::EventBus": ({"Name": "bus"}, "Arn"),
        "AWS::Scheduler::ScheduleGroup": ({}, "Arn"),
        "AWS::Kinesis::Stream": ({"ShardCount": 1}, "Arn"),
        "AWS::MSK::ServerlessCluster": ({"ClusterName": "c", "VpcConfigs": [{"SubnetIds": ["subnet-1"]}]}, "Arn"),
    }
    names = {each.replace(":", ""): each for each in attributes}
    resources = {name: {"Type": each, "Properties": attributes[each][0]} for name, each in names.items()}
    outputs = {name: {"Value": {"Fn::GetAtt": [name, attributes[each][1]]}} for name, each in names.items()}
    consumer = {"StreamARN": {"Fn::GetAtt": ["AWSKinesisStream", "Arn"]}, "ConsumerName": "c"}
    resources["Consumer"] = {"Type": "AWS::Kinesis::StreamConsumer", "Properties": consumer}
    outputs["Consumer"] = {"Value": {"Ref": "Consumer"}}
    subscription = {
        "TopicArn": {"Ref": "AWSSNSTopic"},
        "Protocol": "sqs",
        "Endpoint": {"Fn::GetAtt": ["AWSSQSQueue", "Arn"]},
    }
    resources["Subscription"] = {"Type": "AWS::SNS::Subscription", "Properties": subscription}
    outputs["Subscription"] = {"Value": {"Ref": "Subscription"}}
    cloudformation = client("cloudformation", "eu-west-1")
    template = json.dumps({"Resources": resources, "Outputs": outputs})
    cloudformation.create_stack(StackName="shop", TemplateBody=template)
    shown = cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    assert [output["OutputValue"] for output in shown if ":eu-west-1:" not in output["OutputValue"]] == []
    assert len(client("sqs", "eu-west-1").list_queues()["QueueUrls"]) == 1
    assert len(client("sns", "eu-west-1").list_subscriptions()["Subscriptions"]) == 1
    assert len(client("events", "eu-west-1").list_rules()["Rules"]) == 1
    cloudformation.delete_stack(StackName="shop")
    assert client("sqs", "eu-west-1").list_queues().get("QueueUrls", []) == []


def test_a_secret_is_generated(stack: Stack) -> None:
    generate = {"SecretStringTemplate": '{"username": "u"}', "GenerateStringKey": "password", "PasswordLength": 12}
    secret = {"Name": "login", "GenerateSecretString": generate}
    stack.apply("create", {"S": {"Type": "AWS::SecretsManager::Secret", "Properties": secret}})
    value = json.loads(stack.fake.client("secretsmanager").get_secret_value(SecretId="login")["SecretString"])
    assert (value["username"], len(value["password"])) == ("u", 12)


@pytest.mark.parametrize("type", ["AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Events::Rule", "AWS::SNS::Subscription"])
def test_an_unknown_property_is_refused(stack: Stack, type: str) -> None:
    with pytest.raises(ClientError, match=rf"A \({type}\): .*Encountered unsupported property Colour"):
        stack.apply("create", {"A": {"Type": type, "Properties": {"Colour": "red"}}})
