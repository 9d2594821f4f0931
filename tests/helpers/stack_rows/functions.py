"""Functions and their roles."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from helpers.stack_rows.row import ACCOUNT, FN_ARN, Client, Row

READING, WRITING = (
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    for action in ("sqs:ReceiveMessage", "sqs:SendMessage")
)


def policies(client: Client) -> list[str]:
    """Return the actions of the statements in the function's policy."""
    try:
        policy = client("lambda").get_policy(FunctionName="fn")["Policy"]
    except ClientError:
        return []
    return [statement["Action"] for statement in json.loads(policy)["Statement"]]


def managed_policies(client: Client) -> list[Any]:
    """Return how many have each policy, and its document."""
    iam = client("iam")
    return [
        [
            policy["AttachmentCount"],
            iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"][
                "Document"
            ],
        ]
        for policy in iam.list_policies(Scope="Local")["Policies"]
    ]


def aliases(client: Client) -> list[Any]:
    found = client("lambda").list_aliases(FunctionName="fn")["Aliases"]
    weights = [alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {} for alias in found]
    return [
        [alias["Description"], alias["FunctionVersion"], weight] for alias, weight in zip(found, weights, strict=True)
    ]


ROWS = [
    Row(
        "AWS::Lambda::Version",
        {"FunctionName": {"Ref": "Fn2"}},
        {},
        lambda client: [
            version["Version"] for version in client("lambda").list_versions_by_function(FunctionName="fn2")["Versions"]
        ][1:],
        created=["1"],
        updated=["1"],
        ref=f"{FN_ARN}2:1",
        attributes={"Version": "1", "FunctionArn": f"{FN_ARN}2:1"},
    ),
    Row(
        "AWS::Lambda::Alias",
        {
            "FunctionName": {"Ref": "Fn"},
            "Name": "live",
            "Description": "d",
            "FunctionVersion": {"Fn::GetAtt": ["V1", "Version"]},
            "RoutingConfig": {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.25}]},
        },
        {"Description": None, "RoutingConfig": None},
        aliases,
        created=[["d", "1", {"1": 0.25}]],
        updated=[["", "1", {}]],
        ref=f"{FN_ARN}:live",
        attributes={"AliasArn": f"{FN_ARN}:live"},
    ),
    Row(
        "AWS::Lambda::Permission",
        {"FunctionName": {"Ref": "Fn"}, "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"},
        {"Action": "lambda:GetFunction"},
        policies,
        created=["lambda:InvokeFunction"],
        updated=["lambda:GetFunction"],
        ref="shop-Tested-*",
        attributes={"Id": "shop-Tested-*"},
        replaced=True,
    ),
    Row(
        "AWS::Lambda::LayerVersion",
        {"LayerName": "layer", "Description": "one", "Content": {"S3Bucket": "code", "S3Key": "layer.zip"}},
        {"Description": "two"},
        lambda client: [
            version["Description"]
            for version in client("lambda").list_layer_versions(LayerName="layer")["LayerVersions"]
        ],
        created=["one"],
        updated=["two"],
        ref=f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:layer:1",
        attributes={"LayerVersionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:layer:1"},
        replaced=True,
    ),
    Row(
        "AWS::Lambda::EventInvokeConfig",
        {"FunctionName": "fn", "Qualifier": "$LATEST", "MaximumRetryAttempts": "1"},
        {"MaximumRetryAttempts": "0"},
        lambda client: [
            config["MaximumRetryAttempts"]
            for config in client("lambda").list_function_event_invoke_configs(FunctionName="fn")[
                "FunctionEventInvokeConfigs"
            ]
        ],
        created=[1],
        updated=[0],
        ref="fn|EventInvokeConfig|$LATEST",
    ),
    Row(
        "AWS::IAM::ManagedPolicy",
        {"Roles": [{"Ref": "Role"}], "PolicyDocument": READING},
        {"PolicyDocument": WRITING},
        managed_policies,
        created=[[1, READING]],
        updated=[[1, WRITING]],
        ref=f"arn:aws:iam::{ACCOUNT}:policy/shop-Tested-*",
        attributes={"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/shop-Tested-*", "PolicyId": "A*"},
    ),
    Row(
        "AWS::IAM::ManagedPolicy",
        {"ManagedPolicyName": "mine", "Roles": [{"Ref": "Role"}], "PolicyDocument": READING},
        {"ManagedPolicyName": "other", "Roles": None},
        managed_policies,
        created=[[1, READING]],
        updated=[[0, READING]],
        ref=f"arn:aws:iam::{ACCOUNT}:policy/mine",
        replaced=True,
    ),
]
