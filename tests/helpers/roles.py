"""Roles with policies, and functions that have them, through plain boto3."""

import io
import json
import zipfile

import boto3

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def grant(*statements, role="orders-role", name="rights"):
    """Replace the statements of a role's inline policy."""
    boto3.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy(*statements))


def revoke(role="orders-role", name="rights"):
    boto3.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


def make_role(*statements, role="orders-role", trust=TRUST, **params):
    """Create a role with an inline policy, and return its ARN."""
    created = boto3.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust), **params)
    if statements:
        grant(*statements, role=role)
    return created["Role"]["Arn"]


def make_function(role_arn, name="orders", **params):
    """Create a function as a deployment does, and return its ARN."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return None\n")
    created = boto3.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role_arn,
        Handler="app.handler",
        Code={"ZipFile": content.getvalue()},
        **params,
    )
    return created["FunctionArn"]
