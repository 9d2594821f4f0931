"""Buckets, tables, secrets, parameters and users."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from helpers.stack_rows.row import ACCOUNT, FN_ARN, POLICY, Q1_ARN, Client, Row

FUNCTIONS = "LambdaFunctionConfigurations"
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
BY_DAY = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "day")],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-day",
            "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
EXPIRING = {"AttributeName": "until", "Enabled": True}


def notifications(client: Client) -> list[Any]:
    s3 = client("s3")
    shown = [s3.get_bucket_notification_configuration(Bucket=each["Name"]) for each in s3.list_buckets()["Buckets"]]
    return [
        [
            *([each["LambdaFunctionArn"], each["Events"], each.get("Filter")] for each in one.get(FUNCTIONS, [])),
            *([each["QueueArn"], each["Events"]] for each in one.get("QueueConfigurations", [])),
        ]
        for one in shown
    ]


def bucket_policies(client: Client) -> list[Any]:
    try:
        return [json.loads(client("s3").get_bucket_policy(Bucket="shelf")["Policy"])]
    except ClientError:
        return []


def secrets(client: Client) -> list[Any]:
    manager = client("secretsmanager")
    found = manager.list_secrets()["SecretList"]
    return [[each.get("Description"), manager.get_secret_value(SecretId=each["ARN"])["SecretString"]] for each in found]


def tables(client: Client) -> list[Any]:
    dynamodb = client("dynamodb")
    shown = []
    for name in dynamodb.list_tables()["TableNames"]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        stream = table.get("StreamSpecification") or {}
        tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        shown.append(
            [
                stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
                [index["IndexName"] for index in table.get("GlobalSecondaryIndexes") or ()],
                expiry["TimeToLiveStatus"],
                [tag["Value"] for tag in tags],
            ]
        )
    return shown


def user_pools(client: Client) -> list[Any]:
    cognito = client("cognito-idp")
    return [
        [pool["Name"], cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"].get("MfaConfiguration")]
        for pool in cognito.list_user_pools(MaxResults=9)["UserPools"]
    ]


ROWS = [
    Row(
        "AWS::S3::Bucket",
        {
            "BucketName": "inbox",
            "NotificationConfiguration": {
                "LambdaConfigurations": [
                    {
                        "Event": "s3:ObjectCreated:*",
                        "Function": FN_ARN,
                        "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}},
                    }
                ]
            },
        },
        {"NotificationConfiguration": {"QueueConfigurations": [{"Event": "s3:ObjectRemoved:*", "Queue": Q1_ARN}]}},
        lambda client: [each for each in notifications(client) if each],
        created=[
            [
                [FN_ARN, ["s3:ObjectCreated:*"], {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}],
            ]
        ],
        updated=[[[Q1_ARN, ["s3:ObjectRemoved:*"]]]],
        ref="inbox",
        attributes={"Arn": "arn:aws:s3:::inbox", "DomainName": "inbox.s3.amazonaws.com"},
    ),
    Row(
        "AWS::S3::BucketPolicy",
        {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": POLICY},
        {"PolicyDocument": {**POLICY, "Id": "two"}},
        bucket_policies,
        created=[POLICY],
        updated=[{**POLICY, "Id": "two"}],
        ref="shelf",
    ),
    Row(
        "AWS::SecretsManager::Secret",
        {"Description": "one", "SecretString": "x"},
        {"Description": "two", "SecretString": "y"},
        secrets,
        created=[["one", "x"]],
        updated=[["two", "y"]],
        ref=f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:shop-Tested-*",
        attributes={"Id": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:shop-Tested-*"},
    ),
    Row(
        "AWS::DynamoDB::Table",
        {
            **TABLE,
            "TableName": "orders",
            "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
            "Tags": [{"Key": "team", "Value": "a"}],
        },
        {
            **BY_DAY,
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            "TimeToLiveSpecification": EXPIRING,
            "Tags": [{"Key": "team", "Value": "b"}],
        },
        tables,
        created=[["KEYS_ONLY", [], "DISABLED", ["a"]]],
        updated=[["NEW_IMAGE", ["by-day"], "ENABLED", ["b"]]],
        ref="orders",
        attributes={
            "Arn": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders",
            "StreamArn": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders/stream/*",
        },
    ),
    Row(
        "AWS::DynamoDB::Table",
        {
            **TABLE,
            **BY_DAY,
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            "TimeToLiveSpecification": EXPIRING,
            "SSESpecification": {"SSEEnabled": True},
        },
        {
            **TABLE,
            "GlobalSecondaryIndexes": None,
            "StreamSpecification": None,
            "TimeToLiveSpecification": {**EXPIRING, "Enabled": "false"},
        },
        tables,
        created=[["NEW_IMAGE", ["by-day"], "ENABLED", []]],
        updated=[[None, [], "DISABLED", []]],
        ref="shop-Tested-*",
    ),
    Row(
        "AWS::DynamoDB::Table",
        {**TABLE, "TableName": "orders"},
        {"TableName": "other"},
        lambda client: client("dynamodb").list_tables()["TableNames"],
        created=["orders"],
        updated=["other"],
        ref="orders",
        replaced=True,
    ),
    Row(
        "AWS::DynamoDB::GlobalTable",
        {
            **TABLE,
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            "TimeToLiveSpecification": EXPIRING,
            "Replicas": [{"Region": "us-east-1", "Tags": [{"Key": "team", "Value": "a"}]}],
        },
        {
            "TimeToLiveSpecification": None,
            "Replicas": [{"Region": "us-east-1", "Tags": [{"Key": "team", "Value": "b"}]}],
        },
        tables,
        created=[["NEW_IMAGE", [], "ENABLED", ["a"]]],
        updated=[["NEW_IMAGE", [], "DISABLED", ["b"]]],
        ref="shop-Tested-*",
        attributes={"StreamArn": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/shop-Tested-*"},
    ),
    Row(
        "AWS::Cognito::UserPool",
        {"UserPoolName": "users", "MfaConfiguration": "OFF"},
        {"MfaConfiguration": "OPTIONAL"},
        user_pools,
        created=[["users", "OFF"]],
        updated=[["users", "OPTIONAL"]],
        ref="us-east-1_*",
        attributes={
            "Arn": f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/us-east-1_*",
            "ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_*",
            "UserPoolId": "us-east-1_*",
        },
    ),
    Row(
        "AWS::SSM::Parameter",
        {"Type": "String", "Value": "one", "Tags": {"team": "shop"}},
        {"Value": "two"},
        lambda client: [
            client("ssm").get_parameter(Name=each["Name"])["Parameter"]["Value"]
            for each in client("ssm").describe_parameters()["Parameters"]
        ],
        created=["one"],
        updated=["two"],
        ref="shop-Tested-*",
        attributes={"Type": "String", "Value": "*"},
    ),
    Row(
        "AWS::SSM::Parameter",
        {"Name": "/shop/one", "Type": "String", "Value": "one"},
        {"Name": "/shop/two"},
        lambda client: [each["Name"] for each in client("ssm").describe_parameters()["Parameters"]],
        created=["/shop/one"],
        updated=["/shop/two"],
        ref="/shop/one",
        replaced=True,
    ),
]
