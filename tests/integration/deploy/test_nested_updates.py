"""Updates of nested stacks: they change in place, and are taken back with the stack around them."""

import boto3
import pytest

from pytest_lambda_esm import DeployError

CHILD = """
Transform: AWS::Serverless-2016-10-31
Parameters: {{Name: {{Type: String}}}}
Resources:
  Orders: {{Type: AWS::SQS::Queue}}
  {queue}: {{Type: AWS::SQS::Queue}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      CodeUri: src
      MemorySize: {size}
      AutoPublishAlias: live
      Environment: {{Variables: {{NAME: !Ref Name}}}}
Outputs: {{Size: {{Value: "{size}"}}}}
"""
OUTER = """
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: child.yaml, Parameters: {{Name: {name}}}}}
Outputs: {{Size: {{Value: !GetAtt Child.Outputs.Size}}}}
"""
APP = "import os\ndef handler(event, context): return {}, os.environ['NAME'], context.function_version\n"


@pytest.fixture
def write(tmp_path):
    def write(app, size=128, queue="Old", name="one"):
        (tmp_path / "child.yaml").write_text(CHILD.format(size=size, queue=queue))
        (tmp_path / "src").mkdir(exist_ok=True)
        (tmp_path / "src" / "app.py").write_text(app)
        (tmp_path / "template.yaml").write_text(OUTER.format(name=name))
        return tmp_path / "template.yaml"

    return write


def filled(stack, logical_id):
    url = stack.nested("Child").queue(logical_id)
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="kept")
    return url


def holds(url):
    return [each["Body"] for each in boto3.client("sqs").receive_message(QueueUrl=url).get("Messages", [])]


def invoked(stack, lambda_esm):
    name = stack.nested("Child").function("F").name
    boto3.client("lambda").invoke(FunctionName=name, Qualifier="live")
    return lambda_esm.invocations[-1].result


def test_it_is_updated_in_place(lambda_esm, write):
    stack = lambda_esm.deploy(write(APP.format(1)))
    orders, function = filled(stack, "Orders"), stack.nested("Child").function("F").name
    assert invoked(stack, lambda_esm) == [1, "one", "1"]
    stack.update(write(APP.format(2), size=256, queue="New", name="two"))
    assert (stack.nested("Child").queue("Orders"), stack.nested("Child").function("F").name) == (orders, function)
    assert holds(orders) == ["kept"]
    assert invoked(stack, lambda_esm) == [2, "two", "2"]
    assert stack.outputs == {"Size": "256"}
    with pytest.raises(DeployError):
        stack.nested("Child").queue("Old")


def test_it_is_taken_back_with_the_stack_around_it(lambda_esm, write):
    stack = lambda_esm.deploy(write(APP.format(1)))
    urls = [filled(stack, name) for name in ("Orders", "Old")]
    invoked(stack, lambda_esm)
    with pytest.raises(DeployError, match="does not import"):
        stack.update(write("import nothing_of_this_name", size=256, queue="New", name="two"))
    assert [stack.nested("Child").queue(name) for name in ("Orders", "Old")] == urls
    assert [holds(url) for url in urls] == [["kept"], ["kept"]]
    assert invoked(stack, lambda_esm) == [1, "one", "1"]
    assert stack.outputs == {"Size": "128"}
    stack.update(write(APP.format(3), size=512, queue="New"))
    assert (invoked(stack, lambda_esm)[0], stack.outputs) == (3, {"Size": "512"})
