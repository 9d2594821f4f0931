"""Plain CloudFormation templates, dictionaries, CDK's cloud assembly, and packages of the Serverless Framework."""

import io
import json
import zipfile

import boto3
import pytest

from pytest_lambda_esm import DeployError

APP = "def handler(event, context):\n    return __file__\n"
ROLE = "arn:aws:iam::123456789012:role/any"


def run(lambda_esm, stack, logical_id):
    boto3.client("lambda").invoke(FunctionName=stack.function(logical_id).name)
    return lambda_esm.invocations[-1].result


def test_a_plain_template_names_folders_as_the_package_command_takes_them(lambda_esm, project):
    template = """
        Resources:
          Layer: {Type: AWS::Lambda::LayerVersion, Properties: {Content: layer}}
          F:
            Type: AWS::Lambda::Function
            Properties:
              Runtime: python3.12
              Handler: app.handler
              Role: !Sub "arn:aws:iam::${AWS::AccountId}:role/any"
              Code: src
              Layers: [!Ref Layer]
    """
    app = "import shared\ndef handler(event, context):\n    return shared.N, __file__\n"
    path = project(template, src__app_py=app, layer__python__shared_py="N = 1")
    assert run(lambda_esm, lambda_esm.deploy(path), "F") == [1, str(path.parent / "src" / "app.py")]


def test_code_in_the_template_and_in_buckets_runs_as_always(lambda_esm):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return 'bucket'\n")
    lambda_esm.client("s3").create_bucket(Bucket="code")
    lambda_esm.client("s3").put_object(Bucket="code", Key="app.zip", Body=content.getvalue())
    shared = {"Runtime": "python3.12", "Role": ROLE}
    inline = {"ZipFile": "def handler(event, context):\n    return 'template'\n"}
    resources = {
        "Inline": {**shared, "Handler": "index.handler", "Code": inline},
        "Stored": {**shared, "Handler": "app.handler", "Code": {"S3Bucket": "code", "S3Key": "app.zip"}},
    }
    template = {
        "Resources": {
            name: {"Type": "AWS::Lambda::Function", "Properties": properties} for name, properties in resources.items()
        }
    }
    stack = lambda_esm.deploy(template, stack_name="both")
    assert (stack.name, run(lambda_esm, stack, "Inline"), run(lambda_esm, stack, "Stored")) == (
        "both",
        "template",
        "bucket",
    )


def test_a_dictionary_takes_handlers_of_the_test(lambda_esm):
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Runtime": "python3.12", "Handler": "a.b", "Role": ROLE, "Code": {}},
            },
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"FunctionName": {"Ref": "F"}, "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
            },
        }
    }
    stack = lambda_esm.deploy(template, code={"F": lambda event, context: len(event["Records"])}, region="eu-west-1")
    lambda_esm.client("sqs", "eu-west-1").send_message(QueueUrl=stack.queue("Queue"), MessageBody="one")
    lambda_esm.clock.run_until_idle()
    assert stack.mapping("Mapping").function_arn.startswith("arn:aws:lambda:eu-west-1:")
    assert [each.result for each in stack.function("F").invocations] == [1]


@pytest.fixture
def assembly(tmp_path):
    """Write a cloud assembly as ``cdk synth`` does, with one function in each stack, and return its folder."""

    def write(*stacks):
        folder = tmp_path / "cdk.out"
        (folder / "asset.abc").mkdir(parents=True)
        (folder / "asset.abc" / "app.py").write_text(APP)
        artifacts = {"Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}}}
        for name in stacks:
            artifacts[name] = {
                "type": "aws:cloudformation:stack",
                "properties": {"templateFile": f"{name}.template.json", "stackName": f"{name}-test"},
            }
            (folder / f"{name}.template.json").write_text(json.dumps(_template()))
            (folder / f"{name}.assets.json").write_text(json.dumps(_ASSETS))
        (folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": artifacts}))
        return folder

    return write


_ASSETS = {
    "files": {
        "abc": {
            "source": {"path": "asset.abc", "packaging": "zip"},
            "destinations": {"current": {"bucketName": "cdk", "objectKey": "abc.zip"}},
        }
    }
}


def _template():
    code = {"S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}, "S3Key": "abc.zip"}
    properties = {"Runtime": "python3.12", "Handler": "app.handler", "Role": ROLE, "Code": code}
    marked = {"aws:asset:path": "asset.abc", "aws:asset:is-bundled": False, "aws:asset:property": "Code"}
    return {
        "Resources": {
            "Marked": {"Type": "AWS::Lambda::Function", "Properties": properties, "Metadata": marked},
            "Unmarked": {"Type": "AWS::Lambda::Function", "Properties": properties},
            "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "x"}},
        },
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
    }


def test_a_cloud_assembly_runs_its_assets(lambda_esm, assembly):
    folder = assembly("Shop")
    stack = lambda_esm.deploy(folder)
    assert stack.name == "Shop-test"
    expected = str(folder / "asset.abc" / "app.py")
    assert [run(lambda_esm, stack, name) for name in ("Marked", "Unmarked")] == [expected, expected]
    assert lambda_esm.deploy(folder.parent).name == "Shop-test-2"  # the folder around cdk.out


@pytest.mark.parametrize(
    "url",
    [
        {"Fn::Sub": "https://s3.${AWS::Region}.${AWS::URLSuffix}/cdk-hnb659fds-assets/inner.json"},
        {"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}, "/cdk/inner.json"]]},
    ],
    ids=["Sub", "Join"],
)
def test_nested_stacks_of_an_assembly_are_found_by_the_key_of_their_asset(lambda_esm, assembly, url):
    folder = assembly("Shop")
    template = _template()
    template["Resources"]["Nested"] = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    (folder / "Shop.template.json").write_text(json.dumps(template))
    inner = {"Resources": {"Inner": template["Resources"]["Unmarked"]}}
    (folder / "Inner.nested.template.json").write_text(json.dumps(inner))
    assets = {"source": {"path": "Inner.nested.template.json"}, "destinations": {"here": {"objectKey": "inner.json"}}}
    (folder / "Shop.assets.json").write_text(json.dumps({"files": {**_ASSETS["files"], "inner": assets}}))
    stack = lambda_esm.deploy(folder)
    assert run(lambda_esm, stack.nested("Nested"), "Inner") == str(folder / "asset.abc" / "app.py")


def _provided(kind, provider, **properties):
    return {"Type": kind, "Properties": {"ServiceToken": {"Fn::GetAtt": [provider, "Arn"]}, **properties}}


def test_what_cdk_adds_in_javascript_is_done_without_its_function(lambda_esm):
    provider = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "nodejs24.x",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"S3Bucket": "cdk", "S3Key": "provider.zip"},
        },
    }
    logs = {"LogGroupName": "/aws/lambda/orders", "RetentionInDays": 7, "RemovalPolicy": "destroy"}
    template = {
        "Resources": {
            "Provider": provider,
            "Retention": _provided("Custom::LogRetention", "Provider", **logs),
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": "shelf", "VersioningConfiguration": {"Status": "Enabled"}},
            },
            "AutoDelete": _provided("Custom::S3AutoDeleteObjects", "Provider", BucketName={"Ref": "Bucket"}),
        }
    }
    stack = lambda_esm.deploy(template)
    client = lambda_esm.client("logs")
    assert [each["retentionInDays"] for each in client.describe_log_groups()["logGroups"]] == [7]
    del template["Resources"]["Retention"]["Properties"]["RetentionInDays"]
    stack.update(template)
    assert [each.get("retentionInDays") for each in client.describe_log_groups()["logGroups"]] == [None]
    s3 = lambda_esm.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket="shelf", Key="one", Body=body)
    s3.delete_object(Bucket="shelf", Key="one")
    stack.delete()
    assert client.describe_log_groups()["logGroups"] == []
    assert s3.list_buckets()["Buckets"] == []


PROVIDER = """
import json, urllib.request

def handler(event, context):
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "mine", "Data": {"LogGroupName": "own"}}
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


def test_a_custom_resource_of_the_same_name_in_python_runs_its_function(lambda_esm):
    provider = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"ZipFile": PROVIDER},
        },
    }
    template = {"Resources": {"Provider": provider, "Own": _provided("Custom::LogRetention", "Provider", Size=1)}}
    stack = lambda_esm.deploy(template)
    template["Resources"]["Own"]["Properties"]["Size"] = 2
    stack.update(template)
    own = stack.resource("Own")
    assert (own.physical_id, own.attribute("LogGroupName")) == ("mine", "own")
    requests = [invocation.event["RequestType"] for invocation in stack.function("Provider").invocations]
    stack.delete()
    assert requests == ["Create", "Update"]


def test_a_stack_of_several_is_chosen_by_its_name(lambda_esm, assembly):
    folder = assembly("Shop", "Mail")
    with pytest.raises(DeployError, match="has 2 stacks; choose one with stack_name= Mail-test, Shop-test"):
        lambda_esm.deploy(folder)
    assert lambda_esm.deploy(folder, stack_name="Mail-test").name == "Mail-test"
    assert run(lambda_esm, lambda_esm.deploy(folder / "Shop.template.json"), "Marked").endswith("app.py")


def test_a_missing_asset_is_named(lambda_esm, assembly):
    folder = assembly("Shop")
    (folder / "asset.abc" / "app.py").unlink()
    (folder / "asset.abc").rmdir()
    with pytest.raises(DeployError, match=r"the cloud assembly has no .*asset.abc'; run 'cdk synth' again"):
        lambda_esm.deploy(folder)


def test_a_serverless_package_runs_its_artifact(lambda_esm, tmp_path):
    folder = tmp_path / ".serverless"
    folder.mkdir()
    code = {"S3Bucket": {"Ref": "ServerlessDeploymentBucket"}, "S3Key": "serverless/shop/dev/1700000000000/shop.zip"}
    template = {
        "Resources": {
            "ServerlessDeploymentBucket": {"Type": "AWS::S3::Bucket"},
            "OrdersLambdaFunction": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Runtime": "python3.12", "Handler": "app.handler", "Role": ROLE, "Code": code},
            },
        }
    }
    (folder / "cloudformation-template-update-stack.json").write_text(json.dumps(template))
    with pytest.raises(DeployError, match=r"has no 'shop.zip'. Run 'serverless package' first"):
        lambda_esm.deploy(tmp_path)
    with zipfile.ZipFile(folder / "shop.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return 'packaged'\n")
    assert run(lambda_esm, lambda_esm.deploy(tmp_path), "OrdersLambdaFunction") == "packaged"
