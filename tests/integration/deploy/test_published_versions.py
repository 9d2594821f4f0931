"""``AutoPublishAlias``: a changed source folder publishes a version and moves the alias, as ``sam deploy`` does."""

import boto3

TEMPLATE = """
    Transform: AWS::Serverless-2016-10-31
    Globals: {Function: {Runtime: python3.12, AutoPublishAlias: live}}
    Resources:
      Orders: {Type: AWS::SQS::Queue}
      F:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: app.handler
          Description: one
          Events: {Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn}}}
"""
APP = "def handler(event, context): return {}, context.function_version\n"


def versions(stack):
    listed = boto3.client("lambda").list_versions_by_function(FunctionName=stack.function("F").name)["Versions"]
    alias = boto3.client("lambda").get_alias(FunctionName=stack.function("F").name, Name="live")
    return [each["Version"] for each in listed], alias["FunctionVersion"]


def invoked(stack, lambda_esm):
    boto3.client("sqs").send_message(QueueUrl=stack.queue("Orders"), MessageBody="one")
    lambda_esm.clock.run_until_idle()
    return stack.function("F").invocations[-1].result


def test_a_change_of_the_source_moves_the_alias(lambda_esm, project):
    stack = lambda_esm.deploy(project(TEMPLATE, src__app_py=APP.format(1)))
    assert (invoked(stack, lambda_esm), versions(stack)) == ([1, "1"], (["$LATEST", "1"], "1"))
    stack.update(project(TEMPLATE, src__app_py=APP.format(2)))
    assert (invoked(stack, lambda_esm), versions(stack)) == ([2, "2"], (["$LATEST", "1", "2"], "2"))


def test_the_same_source_publishes_nothing(lambda_esm, project, tmp_path):
    stack = lambda_esm.deploy(project(TEMPLATE, src__app_py=APP.format(1)))
    invoked(stack, lambda_esm)
    (tmp_path / "src" / ".cache").mkdir()
    (tmp_path / "src" / ".cache" / "notes.txt").write_text("of a tool")
    stack.update(project(TEMPLATE.replace("one", "two"), src__app_py=APP.format(1)))
    assert versions(stack) == (["$LATEST", "1"], "1")


def test_source_that_returns_is_a_version_again(lambda_esm, project):
    stack = lambda_esm.deploy(project(TEMPLATE, src__app_py=APP.format(1)))
    for value in (2, 1):
        stack.update(project(TEMPLATE, src__app_py=APP.format(value)))
    assert (invoked(stack, lambda_esm), versions(stack)) == ([1, "3"], (["$LATEST", "1", "2", "3"], "3"))


def test_a_module_below_the_folder_counts(lambda_esm, project):
    app = "from lib.names import NAME\ndef handler(event, context): return NAME\n"
    stack = lambda_esm.deploy(project(TEMPLATE, src__app_py=app, src__lib__names_py="NAME = 1"))
    stack.update(project(TEMPLATE, src__app_py=app, src__lib__names_py="NAME = 2"))
    assert (invoked(stack, lambda_esm), versions(stack)[1]) == (2, "2")


def test_a_hash_of_the_template_decides_alone(lambda_esm, project):
    template = TEMPLATE.replace("Description: one", "AutoPublishCodeSha256: " + 64 * "a")
    stack = lambda_esm.deploy(project(template, src__app_py=APP.format(1)))
    stack.update(project(template, src__app_py=APP.format(2)))
    assert versions(stack)[1] == "1"
    stack.update(project(template.replace(64 * "a", 64 * "b"), src__app_py=APP.format(2)))
    assert versions(stack)[1] == "2"
