"""An update whose handlers do not import leaves the stack, and the code that its functions run, as they were."""

import boto3
import pytest

from pytest_lambda_esm import DeployError

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Globals: {Function: {Runtime: python3.12, CodeUri: src/}}
    Resources:
      Old: {Type: AWS::SQS::Queue}
      F:
        Type: AWS::Serverless::Function
        Properties: {Handler: app.handler, MemorySize: 256, Environment: {Variables: {NAME: before}}}
    Outputs:
      Size: {Value: "256"}
"""
CHANGED = (
    TEMPLATE.replace("256", "512")
    .replace("NAME: before", "NAME: after")
    .replace("Old: {Type: AWS::SQS::Queue}", "New: {Type: AWS::SNS::Topic}")
)
APP = """
    import os
    calls = []
    def handler(event, context):
        calls.append(1)
        return os.environ["NAME"], len(calls)
"""


def invoked(stack):
    boto3.client("lambda").invoke(FunctionName=stack.function("F").name)
    return stack.function("F").invocations[-1].result


@pytest.mark.parametrize(
    "broken",
    ["import nothing_of_this_name", "def handler(", "raise ValueError('no')", "import sys; sys.exit(3)", "other = 1"],
)
def test_the_stack_is_as_it_was(lambda_esm, project, broken):
    stack = lambda_esm.deploy(project(TEMPLATE, src__app_py=APP))
    boto3.client("sqs").send_message(QueueUrl=stack.queue("Old"), MessageBody="kept")
    assert invoked(stack) == ["before", 1]
    with pytest.raises(DeployError, match=r"the handler 'app.handler' of 'F' does not import"):
        stack.update(project(CHANGED, src__app_py=broken))
    described = boto3.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
    assert (described["StackStatus"], stack.outputs) == ("UPDATE_ROLLBACK_COMPLETE", {"Size": "256"})
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=stack.function("F").name)
    assert configuration["MemorySize"] == 256
    assert boto3.client("sns").list_topics()["Topics"] == []
    assert boto3.client("sqs").receive_message(QueueUrl=stack.queue("Old"))["Messages"][0]["Body"] == "kept"
    assert invoked(stack) == ["before", 2]


def test_a_version_of_broken_source_is_not_published(lambda_esm, project):
    template = TEMPLATE.replace("MemorySize", "AutoPublishAlias: live, MemorySize")
    stack = lambda_esm.deploy(project(template, src__app_py=APP))
    with pytest.raises(DeployError, match="does not import"):
        stack.update(project(template, src__app_py="import nothing_of_this_name"))
    client, name = boto3.client("lambda"), stack.function("F").name
    assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "1"
    assert [each["Version"] for each in client.list_versions_by_function(FunctionName=name)["Versions"]] == [
        "$LATEST",
        "1",
    ]


def test_the_stack_can_be_updated_again(lambda_esm, project):
    stack = lambda_esm.deploy(project(TEMPLATE, src__app_py=APP))
    with pytest.raises(DeployError, match="does not import"):
        stack.update(project(CHANGED, src__app_py="import nothing_of_this_name"))
    stack.update(project(CHANGED, src__app_py=APP))
    assert (invoked(stack), stack.outputs) == (["after", 1], {"Size": "512"})


def test_functions_that_import_go_on_as_well(lambda_esm, project):
    other = "G: {Type: AWS::Serverless::Function, Properties: {Handler: other.handler}}"
    template = TEMPLATE.replace("Outputs:", f"  {other}\n    Outputs:")
    good = "def handler(event, context): return 1\n"
    stack = lambda_esm.deploy(project(template, src__app_py=APP, src__other_py=good))
    invoked(stack)
    with pytest.raises(DeployError, match="of 'G' does not import"):
        stack.update(project(template.replace("256", "512"), src__app_py=APP, src__other_py="import nothing_here"))
    assert invoked(stack) == ["before", 2]
