"""The account that a function is in: its limits, its usage, and who calls with a handler's credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.conformance import ACCOUNT, REGION, Facts, client
from pytest_lambda_esm import FakeLambda

FACT_TITLE = "Accounts"
FACTS = Facts(FACT_TITLE)


def settings() -> dict[str, Any]:
    answer = client("lambda").get_account_settings()
    return {name: answer[name] for name in ("AccountLimit", "AccountUsage")}


@FACTS("h1-limits", "documented", "GetAccountSettings returns the limits on code size and concurrency.")
def test_limits(lambda_esm: FakeLambda) -> None:
    assert settings() == {
        "AccountLimit": {
            "TotalCodeSize": 80530636800,
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
            "ConcurrentExecutions": 1000,
            "UnreservedConcurrentExecutions": 1000,
        },
        "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": 0},
    }


@FACTS(
    "h1-usage",
    "documented",
    "Reserved concurrency is subtracted; functions are counted once; versions add to the code size.",
)
@pytest.mark.lambda_esm(account_concurrency=500)
def test_usage(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("a", lambda event, context: None, reserved_concurrency=30)
    lambda_esm.function("b", lambda event, context: None, region="eu-west-1")
    size = client("lambda").get_function(FunctionName="a")["Configuration"]["CodeSize"]
    client("lambda").publish_version(FunctionName="a")
    answer = settings()
    assert answer["AccountLimit"]["ConcurrentExecutions"] == 500
    assert answer["AccountLimit"]["UnreservedConcurrentExecutions"] == 470
    assert answer["AccountUsage"] == {"TotalCodeSize": 2 * size, "FunctionCount": 1}


def caller(**credentials: str) -> Any:
    return boto3.client("sts", region_name=REGION, **credentials).get_caller_identity()


@FACTS("h2-identity", "documented", "A handler calls AWS as assumed-role/<role>/<function>.")
def test_identity_of_a_handler(lambda_esm: FakeLambda) -> None:
    function = lambda_esm.function("fn", lambda event, context: [caller()[name] for name in ("Arn", "Account")])
    client("lambda").invoke(FunctionName="fn")
    role = client("lambda").get_function(FunctionName="fn")["Configuration"]["Role"].rpartition("/")[2]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/fn"
    assert function.invocations[0].result == [arn, ACCOUNT]
    assert ":assumed-role/" not in caller()["Arn"]  # The test's own.


def test_credentials_of_another_identity(lambda_esm: FakeLambda) -> None:
    """A handler that assumes a role, or has a user's key, calls AWS under that identity."""
    iam, sts = boto3.client("iam", region_name=REGION), boto3.client("sts", region_name=REGION)
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/other", RoleSessionName="session")["Credentials"]

    def handler(event: Any, context: Any) -> list[str]:
        user = caller(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
        assumed = caller(
            aws_access_key_id=role["AccessKeyId"],
            aws_secret_access_key=role["SecretAccessKey"],
            aws_session_token=role["SessionToken"],
        )
        return [user["Arn"], assumed["Arn"], os.environ["AWS_LAMBDA_FUNCTION_NAME"]]

    function = lambda_esm.function("fn", handler)
    client("lambda").invoke(FunctionName="fn")
    assert function.invocations[0].result == [
        f"arn:aws:iam::{ACCOUNT}:user/someone",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/other/session",
        "fn",
    ]


RESERVED = (
    "Lambda was unable to configure"
    " your environment variables because the environment variables you have provided contains reserved keys that are"
    " currently not supported for modification. Reserved keys used in this request: AWS_REGION"
)


VARIABLES = {"Environment": {"Variables": {"AWS_REGION": "eu-west-1", "TABLE": "orders"}}}
CODE = {"Runtime": "python3.12", "Handler": "index.handler"}


def create_with_reserved(role: str) -> None:
    client("lambda").create_function(FunctionName="f", Code={"ZipFile": b"x"}, Role=role, **CODE, **VARIABLES)


def update_with_reserved(role: str) -> None:
    client("lambda").update_function_configuration(FunctionName="made", **VARIABLES)


def deploy_with_reserved(role: str) -> None:
    properties = {"Code": {"ZipFile": "x = 1"}, "Role": role, **CODE, **VARIABLES}
    resources = {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    boto3.client("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))


@FACTS("h1-reserved-keys", "reported", "Environment variables that Lambda sets itself are refused.")
@pytest.mark.parametrize(
    ("give", "called"),
    [
        (create_with_reserved, "(InvalidParameterValueException) when calling the CreateFunction operation: "),
        (
            update_with_reserved,
            "(InvalidParameterValueException) when calling the UpdateFunctionConfiguration operation: ",
        ),
        (deploy_with_reserved, ""),
    ],
    ids=["create", "update", "stack"],
)
def test_reserved_variables(lambda_esm: FakeLambda, give: Callable[[str], None], called: str) -> None:
    lambda_esm.function("made", lambda event, context: None)
    role = client("lambda").get_function(FunctionName="made")["Configuration"]["Role"]
    with pytest.raises(ClientError) as refused:
        give(role)
    assert called + RESERVED in str(refused.value)
    assert [each["FunctionName"] for each in client("lambda").list_functions()["Functions"]] == ["made"]
    assert "TABLE" not in str(client("lambda").get_function_configuration(FunctionName="made"))
