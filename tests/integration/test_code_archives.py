"""Functions that code under test makes from a zip file run their own code, in this process."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from pytest_lambda_esm import FakeLambda, HandlerError

REGION = "us-east-1"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as entries:
        for name, text in files.items():
            entries.writestr(name, text)
    return buffer.getvalue()


def deploy(name: str, files: dict[str, str], **params: Any) -> Any:
    """What code under test does: make a function from an archive."""
    iam = boto3.client("iam", region_name=REGION)
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    wanted = {"Runtime": PYTHON, "Handler": "app.handler", "Code": {"ZipFile": archive(files)}, **params}
    return boto3.client("lambda", region_name=REGION).create_function(FunctionName=name, Role=role, **wanted)


def invoke(name: str, event: Any = None, **params: Any) -> Any:
    answer = boto3.client("lambda", region_name=REGION).invoke(
        FunctionName=name, Payload=json.dumps(event if event is not None else {}), **params
    )
    return json.loads(answer["Payload"].read())


ECHO = "def handler(event, context):\n    return event\n"
COUNTER = "import state\ndef handler(event, context):\n    state.calls += 1\n    return state.calls\n"


def test_modules_stay_warm_and_start_anew_after_an_update(lambda_esm: FakeLambda) -> None:
    deploy("counter", {"app.py": COUNTER, "state.py": "calls = 0\n"})
    assert [invoke("counter") for _ in range(3)] == [1, 2, 3]
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.update_function_code(
        FunctionName="counter", ZipFile=archive({"app.py": COUNTER, "state.py": "calls = 9\n"})
    )
    assert invoke("counter") == 10
    aws_lambda.update_function_configuration(FunctionName="counter", Timeout=9)
    assert invoke("counter") == 10


def test_two_functions_have_modules_of_the_same_name(lambda_esm: FakeLambda) -> None:
    before = set(sys.modules)
    for name in ("first", "second"):
        deploy(
            name,
            {
                "app.py": "import helper\ndef handler(event, context):\n    return helper.NAME\n",
                "helper.py": f"NAME = {name!r}\n",
            },
        )
    assert [invoke("first"), invoke("second"), invoke("first")] == ["first", "second", "first"]
    assert not {"app", "helper"} & (set(sys.modules) - before)


def test_variables_directory_and_imports_at_run_time(lambda_esm: FakeLambda) -> None:
    code = """
        import os
        SEEN = os.environ["TABLE"]
        def handler(event, context):
            import late
            with open("data.txt") as file:
                return [SEEN, late.VALUE, file.read(), os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(),
                        os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.environ["_HANDLER"]]
    """
    files = {"app.py": "\n".join(line[8:] for line in code.splitlines()), "late.py": "VALUE = 7\n", "data.txt": "text"}
    directory, path = os.getcwd(), list(sys.path)
    deploy("f", files, Environment={"Variables": {"TABLE": "orders"}})
    assert invoke("f") == ["orders", 7, "text", True, "f", "app.handler"]
    assert (os.getcwd(), sys.path) == (directory, path)
    assert "TABLE" not in os.environ


def test_handler_in_a_package_and_in_a_folder(lambda_esm: FakeLambda) -> None:
    files = {"pkg/__init__.py": "", "pkg/app.py": ECHO}
    deploy("dotted", files, Handler="pkg.app.handler")
    deploy("slashed", files, Handler="pkg/app.handler")
    assert [invoke("dotted", 1), invoke("slashed", 2)] == [1, 2]


def test_code_in_a_bucket_and_in_a_layer(lambda_esm: FakeLambda) -> None:
    s3 = lambda_esm.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(
        Bucket="code",
        Key="app.zip",
        Body=archive({"app.py": "import shared\ndef handler(e, c):\n    return shared.WHO\n"}),
    )
    layer = lambda_esm.client("lambda").publish_layer_version(
        LayerName="shared", Content={"ZipFile": archive({"python/shared.py": "WHO = 'layer'\n"})}
    )
    deploy("f", {}, Code={"S3Bucket": "code", "S3Key": "app.zip"}, Layers=[layer["LayerVersionArn"]])
    assert invoke("f") == "layer"


def test_versions_and_aliases_run_their_own_code_and_configuration(lambda_esm: FakeLambda) -> None:
    code = "import os\ndef handler(event, context):\n    return [{}, os.environ['STAGE'], context.memory_limit_in_mb]\n"
    aws_lambda = lambda_esm.client("lambda")
    deploy("f", {"app.py": code.format(1)}, Environment={"Variables": {"STAGE": "one"}}, Publish=True)
    aws_lambda.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    aws_lambda.update_function_code(FunctionName="f", ZipFile=archive({"app.py": code.format(2)}))
    aws_lambda.update_function_configuration(
        FunctionName="f", Environment={"Variables": {"STAGE": "two"}}, MemorySize=256
    )
    assert invoke("f") == [2, "two", "256"]
    assert invoke("f", Qualifier="live") == [1, "one", "128"]
    aws_lambda.publish_version(FunctionName="f")
    aws_lambda.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    assert invoke("f", Qualifier="live") == [2, "two", "256"]


def test_weighted_aliases_split_by_the_seed(lambda_esm: FakeLambda) -> None:
    aws_lambda = lambda_esm.client("lambda")
    deploy("f", {"app.py": "def handler(event, context):\n    return context.function_version\n"}, Publish=True)
    aws_lambda.update_function_configuration(FunctionName="f", Timeout=5)
    aws_lambda.publish_version(FunctionName="f")
    aws_lambda.create_alias(
        FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.3}}
    )
    versions = [invoke("f", Qualifier="live") for _ in range(100)]
    assert set(versions) == {"1", "2"}
    assert 15 < versions.count("2") < 45
    assert versions != sorted(versions)


BROKEN = (
    (
        "app.handler",
        {"other.py": ""},
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'app'",
    ),
    (
        "app.handler",
        {"app.py": "import nothing_of_this_name\n"},
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'nothing_of_this_name'",
    ),
    ("app.missing", {"app.py": ECHO}, "Runtime.HandlerNotFound", "Handler 'missing' missing on module 'app'"),
    (
        "app",
        {"app.py": ECHO},
        "Runtime.MalformedHandlerName",
        "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
    ),
    ("app.handler", {"app.py": "raise KeyError('at import')\n"}, "KeyError", "'at import'"),
    (
        "sys.handler",
        {"sys.py": ECHO},
        "Runtime.BuiltInModuleConflict",
        "Cannot use built-in module sys as a handler module",
    ),
)


@pytest.mark.parametrize(("handler", "files", "kind", "message"), BROKEN)
def test_what_cannot_be_loaded(
    lambda_esm: FakeLambda, handler: str, files: dict[str, str], kind: str, message: str
) -> None:
    deploy("f", files, Handler=handler)
    error = invoke("f")
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == (kind, message, "")


def test_e2_traces_read_as_in_lambda(lambda_esm: FakeLambda) -> None:
    deploy("f", {"app.py": "def handler(event, context):\n    raise ValueError('no')\n"})
    trace = ["  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no')\n"]
    assert invoke("f")["stackTrace"] == trace
    deploy("g", {"app.py": "raise ValueError('at import')\n"})
    lines = invoke("g")["stackTrace"]
    assert lines[0].startswith('  File "/var/lang/lib/python3')
    assert lines[-1] == "  File \"/var/task/app.py\", line 1, in <module>\n    raise ValueError('at import')\n"
    deploy("h", {"app.py": "def handler(event, context:\n"})
    error = invoke("h")
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert error["stackTrace"][0].startswith('  File "/var/task/app.py" Line 1\n')


@pytest.mark.lambda_esm(strict=False)
@pytest.mark.parametrize("name", ["../escaped.py", "/tmp/escaped.py", "..\\escaped.py"])
def test_an_archive_that_leaves_its_folder_is_refused(lambda_esm: FakeLambda, name: str) -> None:
    deploy("f", {"app.py": ECHO, name: "print('out')\n"})
    with pytest.raises(HandlerError, match="leads out of its folder"):
        invoke("f")
    assert not Path("/tmp/escaped.py").exists()


@pytest.mark.lambda_esm(strict=False)
def test_other_runtimes_need_a_handler(lambda_esm: FakeLambda) -> None:
    deploy("f", {"index.js": ""}, Runtime="nodejs22.x")
    with pytest.raises(HandlerError, match=r"nodejs22\.x.*Bind a handler"):
        invoke("f")
    lambda_esm.function("f", lambda event, context: "bound")
    assert invoke("f") == "bound"


@pytest.mark.lambda_esm(strict=False)
def test_a_function_of_the_test_without_a_handler_says_so(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f")
    with pytest.raises(HandlerError, match="no handler bound"):
        invoke("f")


def test_a_bound_handler_stands_for_the_archive(lambda_esm: FakeLambda) -> None:
    deploy("f", {"app.py": ECHO})
    lambda_esm.function("f", lambda event, context: "bound")
    assert invoke("f") == "bound"


def test_an_archive_cannot_replace_boto3(lambda_esm: FakeLambda) -> None:
    code = (
        "import boto3\ndef handler(event, context):\n    return boto3.client('sqs').list_queues()['ResponseMetadata']\n"
    )
    deploy("f", {"app.py": code, "boto3/__init__.py": "raise ImportError('vendored')\n"})
    assert invoke("f")["HTTPStatusCode"] == 200


def test_what_was_unpacked_is_removed() -> None:
    with FakeLambda(region=REGION) as fake:
        deploy("f", {"app.py": "import os\ndef handler(e, c):\n    return os.getcwd()\n"})
        answer = fake.client("lambda").invoke(FunctionName="f")
        folder = Path(json.loads(answer["Payload"].read()))
        assert folder.is_dir()
    assert not folder.exists()
