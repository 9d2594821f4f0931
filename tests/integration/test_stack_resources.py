"""Each resource type of stacks: created, updated, replaced, deleted, and referred to."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pytest_lambda_esm import FakeLambda
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.moto_bridge.stacks import installation

ACCOUNT = "123456789012"
Client = Callable[[str], Any]
Template = dict[str, Any]

TRUST = {"Version": "2012-10-17", "Statement": []}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
READING, WRITING = (
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    for action in ("sqs:ReceiveMessage", "sqs:SendMessage")
)
PARTS: Template = {
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    "Fn": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "fn",
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
        },
    },
    "V1": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Fn"}}},
    "Q1": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q1"}},
    "Q2": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q2"}},
    "T1": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t1"}},
    "T2": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t2"}},
    "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "shelf"}},
    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "logs"}},
    "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "stream", "ShardCount": 1}},
}
FN_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:fn"
Q1_ARN, Q2_ARN = (f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}" for name in ("q1", "q2"))
Q1_URL = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/q1"
T1_ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:t1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
TARGET = {"Arn": Q1_ARN, "RoleArn": ROLE}


@dataclass(frozen=True)
class Row:
    """One type: ``shown`` returns what its service has, ``created`` and ``updated`` are what it should return.

    ``ref`` and ``attributes`` are what the template gets; ``*`` at the end stands for a generated part. ``replaced``
    says whether the update makes another resource.
    """

    type: str
    properties: Template
    changes: Template
    shown: Callable[[Client], Any]
    created: Any
    updated: Any
    ref: str
    attributes: dict[str, str] = field(default_factory=dict)
    replaced: bool = False
    after: Any = field(default_factory=list)


def policies(client: Client) -> list[str]:
    """Return the actions of the statements in the function's policy."""
    try:
        policy = client("lambda").get_policy(FunctionName="fn")["Policy"]
    except ClientError:
        return []
    return [statement["Action"] for statement in json.loads(policy)["Statement"]]


def nothing_stored(client: Client) -> list[str]:
    """Return what moto has of Amazon DocumentDB."""
    return []


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


def subscriptions(client: Client) -> list[Any]:
    sns = client("sns")
    found = [each["SubscriptionArn"] for each in sns.list_subscriptions()["Subscriptions"]]
    names = ("Protocol", "RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy")
    shown = [sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] for arn in found]
    return [[each.get(name) for name in names] for each in shown]


def aliases(client: Client) -> list[Any]:
    found = client("lambda").list_aliases(FunctionName="fn")["Aliases"]
    weights = [alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {} for alias in found]
    return [
        [alias["Description"], alias["FunctionVersion"], weight] for alias, weight in zip(found, weights, strict=True)
    ]


def queues(client: Client) -> list[Any]:
    sqs = client("sqs")
    urls = [url for url in sqs.list_queues().get("QueueUrls", []) if url.rpartition("/")[2] not in ("q1", "q2")]
    names = ("VisibilityTimeout", "DelaySeconds", "FifoQueue")
    shown = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in urls]
    return [[each.get(name) for name in names] for each in shown]


def queue_policies(client: Client) -> list[str]:
    sqs = client("sqs")
    shown = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for url in sqs.list_queues()["QueueUrls"]
    ]
    return [each["QueueArn"].rpartition(":")[2] for each in shown if each.get("Policy")]


def topic_policies(client: Client) -> list[str]:
    sns = client("sns")
    arns = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    policies = [sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"] for arn in arns]
    return [arn.rpartition(":")[2] for arn, policy in zip(arns, policies, strict=True) if json.loads(policy) == POLICY]


def topics(client: Client) -> list[Any]:
    sns = client("sns")
    arns = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    return [
        [
            sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("DisplayName"),
            [each["Endpoint"] for each in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]],
        ]
        for arn in arns
        if not arn.endswith((":t1", ":t2"))
    ]


def rules(client: Client) -> list[Any]:
    events = client("events")
    return [
        [
            rule["Name"],
            rule["State"],
            rule.get("ScheduleExpression"),
            json.loads(rule.get("EventPattern", "null")),
            sorted(target["Id"] for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]),
        ]
        for rule in events.list_rules()["Rules"]
    ]


def schedules(client: Client) -> list[Any]:
    scheduler = client("scheduler")
    shown = [scheduler.get_schedule(Name=each["Name"]) for each in scheduler.list_schedules()["Schedules"]]
    return [[each["ScheduleExpression"], each["State"], each["Target"]["Arn"]] for each in shown]


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


FUNCTIONS = "LambdaFunctionConfigurations"


def filters(client: Client) -> list[Any]:
    found = client("logs").describe_subscription_filters(logGroupName="logs")["subscriptionFilters"]
    return [[each["filterName"], each["filterPattern"]] for each in found]


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
        "AWS::SNS::Subscription",
        {
            "TopicArn": {"Ref": "T1"},
            "Protocol": "sqs",
            "Endpoint": Q1_ARN,
            "RawMessageDelivery": "true",
            "FilterPolicyScope": "MessageBody",
            "FilterPolicy": {"a": {"b": [1]}},
            "RedrivePolicy": {"deadLetterTargetArn": Q2_ARN},
        },
        {"RawMessageDelivery": None, "FilterPolicyScope": None, "FilterPolicy": {"a": ["x"]}, "RedrivePolicy": None},
        subscriptions,
        created=[
            ["sqs", "true", '{"a": {"b": [1]}}', "MessageBody", json.dumps({"deadLetterTargetArn": Q2_ARN})],
        ],
        updated=[["sqs", "false", '{"a": ["x"]}', "MessageAttributes", "{}"]],
        ref=f"{T1_ARN}:*",
        attributes={"Arn": f"{T1_ARN}:*"},
    ),
    Row(
        "AWS::SNS::Subscription",
        {"TopicArn": {"Ref": "T1"}, "Protocol": "sqs", "Endpoint": Q1_ARN},
        {"Protocol": "lambda", "Endpoint": FN_ARN},
        lambda client: [each[0] for each in subscriptions(client)],
        created=["sqs"],
        updated=["lambda"],
        ref=f"{T1_ARN}:*",
        replaced=True,
    ),
    Row(
        "AWS::SNS::Topic",
        {"DisplayName": "one", "Subscription": [{"Protocol": "sqs", "Endpoint": Q1_ARN}]},
        {"DisplayName": None, "Subscription": [{"Protocol": "sqs", "Endpoint": Q2_ARN}]},
        topics,
        created=[["one", [Q1_ARN]]],
        updated=[["", [Q2_ARN]]],
        ref=f"arn:aws:sns:us-east-1:{ACCOUNT}:shop-Tested-*",
        attributes={"TopicName": "shop-Tested-*", "TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:shop-Tested-*"},
    ),
    Row(
        "AWS::SNS::TopicPolicy",
        {"Topics": [{"Ref": "T1"}], "PolicyDocument": POLICY},
        {"Topics": [{"Ref": "T2"}]},
        topic_policies,
        created=["t1"],
        updated=["t2"],
        ref="shop-Tested-*",
        attributes={"Id": "shop-Tested-*"},
    ),
    Row(
        "AWS::SQS::Queue",
        {"VisibilityTimeout": "60", "DelaySeconds": 5},
        {"VisibilityTimeout": 90, "DelaySeconds": None},
        queues,
        created=[["60", "5", None]],
        updated=[["90", "0", None]],
        ref=f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/shop-Tested-*",
        attributes={
            "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:shop-Tested-*",
            "QueueName": "shop-Tested-*",
            "QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/shop-Tested-*",
        },
    ),
    Row(
        "AWS::SQS::Queue",
        {"FifoQueue": True, "ContentBasedDeduplication": True},
        {"FifoQueue": None, "ContentBasedDeduplication": None},
        queues,
        created=[["30", "0", "true"]],
        updated=[["30", "0", None]],
        ref=f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/shop-Tested-*",
        replaced=True,
    ),
    Row(
        "AWS::SQS::QueuePolicy",
        {"Queues": [{"Ref": "Q1"}], "PolicyDocument": POLICY},
        {"Queues": [{"Ref": "Q2"}]},
        queue_policies,
        created=["q1"],
        updated=["q2"],
        ref="shop-Tested-*",
        attributes={"Id": "shop-Tested-*"},
    ),
    Row(
        "AWS::Events::Rule",
        {
            "Name": "rule",
            "EventPattern": {"source": ["shop"]},
            "State": "ENABLED",
            "Targets": [{"Id": "a", "Arn": Q1_ARN}, {"Id": "b", "Arn": FN_ARN}],
        },
        {"State": "DISABLED", "Targets": [{"Id": "b", "Arn": Q2_ARN}]},
        rules,
        created=[["rule", "ENABLED", None, {"source": ["shop"]}, ["a", "b"]]],
        updated=[["rule", "DISABLED", None, {"source": ["shop"]}, ["b"]]],
        ref="rule",
        attributes={"Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/rule"},
    ),
    Row(
        "AWS::Events::EventBus",
        {"Name": "one"},
        {"Name": "two"},
        lambda client: [
            bus["Name"] for bus in client("events").list_event_buses()["EventBuses"] if bus["Name"] != "default"
        ],
        created=["one"],
        updated=["two"],
        ref="one",
        attributes={"Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/one", "Name": "one"},
        replaced=True,
    ),
    Row(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "rate(5 minutes)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": TARGET,
            "State": "ENABLED",
        },
        {"ScheduleExpression": "cron(0 3 * * ? *)", "State": "DISABLED"},
        schedules,
        created=[["rate(5 minutes)", "ENABLED", Q1_ARN]],
        updated=[["cron(0 3 * * ? *)", "DISABLED", Q1_ARN]],
        ref="shop-Tested-*",
        attributes={"Arn": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/shop-Tested-*"},
    ),
    Row(
        "AWS::Scheduler::ScheduleGroup",
        {"Name": "one"},
        {"Name": "two"},
        lambda client: [
            group["Name"]
            for group in client("scheduler").list_schedule_groups()["ScheduleGroups"]
            if group["Name"] != "default"
        ],
        created=["one"],
        updated=["two"],
        ref="one",
        attributes={"Arn": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/one"},
        replaced=True,
    ),
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
        "AWS::Kinesis::StreamConsumer",
        {"StreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}, "ConsumerName": "one"},
        {"ConsumerName": "two"},
        lambda client: [
            consumer["ConsumerName"]
            for consumer in client("kinesis").list_stream_consumers(
                StreamARN=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream"
            )["Consumers"]
        ],
        created=["one"],
        updated=["two"],
        ref=f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream/consumer/one*",
        attributes={
            "ConsumerARN": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream/consumer/one*",
            "ConsumerName": "one",
            "ConsumerStatus": "ACTIVE",
            "StreamARN": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream",
        },
        replaced=True,
    ),
    Row(
        "AWS::MSK::Cluster",
        {
            "ClusterName": "one",
            "KafkaVersion": "3.6.0",
            "NumberOfBrokerNodes": "3",
            "BrokerNodeGroupInfo": {"InstanceType": "kafka.m5.large", "ClientSubnets": ["subnet-1"]},
        },
        {"ClusterName": "two"},
        lambda client: [each["ClusterName"] for each in client("kafka").list_clusters()["ClusterInfoList"]],
        created=["one"],
        updated=["two"],
        ref=f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/*",
        attributes={"Arn": f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/*"},
        replaced=True,
    ),
    Row(
        "AWS::MSK::ServerlessCluster",
        {"ClusterName": "one", "VpcConfigs": [{"SubnetIds": ["subnet-1"]}], "Tags": {"team": "shop"}},
        {"ClusterName": "two"},
        lambda client: [each["ClusterName"] for each in client("kafka").list_clusters_v2()["ClusterInfoList"]],
        created=["one"],
        updated=["two"],
        ref=f"arn:aws:kafka:us-east-1:{ACCOUNT}:serverless-cluster/*",
        attributes={"Arn": f"arn:aws:kafka:us-east-1:{ACCOUNT}:serverless-cluster/*"},
        replaced=True,
    ),
    Row(
        "AWS::AmazonMQ::Broker",
        {
            "BrokerName": "one",
            "EngineType": "ACTIVEMQ",
            "EngineVersion": "5.18",
            "DeploymentMode": "SINGLE_INSTANCE",
            "HostInstanceType": "mq.m5.large",
            "PubliclyAccessible": False,
            "AutoMinorVersionUpgrade": True,
            "Users": [{"Username": "shop", "Password": "long-enough-1"}],
            "Tags": [{"Key": "team", "Value": "shop"}],
        },
        {"HostInstanceType": "mq.m5.xlarge"},
        lambda client: [each["HostInstanceType"] for each in client("mq").list_brokers()["BrokerSummaries"]],
        created=["mq.m5.large"],
        updated=["mq.m5.xlarge"],
        ref="*",
        attributes={"Arn": f"arn:aws:mq:us-east-1:{ACCOUNT}:broker:*"},
    ),
    Row(
        "AWS::DocDB::DBCluster",
        {"DBClusterIdentifier": "One", "MasterUsername": "shop", "MasterUserPassword": "long-enough-1"},
        {"DBClusterIdentifier": "two"},
        nothing_stored,
        created=[],
        updated=[],
        ref="one",
        attributes={
            "ClusterResourceId": "cluster-*",
            "Endpoint": "one.cluster-*",
            "Port": "27017",
            "ReadEndpoint": "one.cluster-ro-*",
        },
        replaced=True,
    ),
    Row(
        "AWS::DocDB::DBInstance",
        {"DBClusterIdentifier": "one", "DBInstanceIdentifier": "first", "DBInstanceClass": "db.r5.large"},
        {"DBInstanceClass": "db.r5.xlarge"},
        nothing_stored,
        created=[],
        updated=[],
        ref="first",
        attributes={"Endpoint": "first.*", "Port": "27017"},
    ),
    Row(
        "AWS::DocDB::DBSubnetGroup",
        {"DBSubnetGroupDescription": "of the shop", "SubnetIds": ["subnet-1"]},
        {"SubnetIds": ["subnet-2"]},
        nothing_stored,
        created=[],
        updated=[],
        ref="shop-tested-*",
    ),
    Row(
        "AWS::DocDB::DBClusterParameterGroup",
        {"Description": "of the shop", "Family": "docdb5.0", "Parameters": {"audit_logs": "disabled"}},
        {"Parameters": {"audit_logs": "enabled"}},
        nothing_stored,
        created=[],
        updated=[],
        ref="shop-tested-*",
    ),
    Row(
        "AWS::Logs::SubscriptionFilter",
        {"LogGroupName": {"Ref": "Logs"}, "FilterName": "f", "FilterPattern": "one", "DestinationArn": FN_ARN},
        {"FilterPattern": "two"},
        filters,
        created=[["f", "one"]],
        updated=[["f", "two"]],
        ref="f",
    ),
]
ROWS += [
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


def metric_filters(client: Client) -> list[Any]:
    return [each["filterPattern"] for each in client("logs").describe_metric_filters()["metricFilters"]]


STORED = [
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
        "AWS::CloudWatch::Alarm",
        {
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": "1",
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": "1",
        },
        {"Threshold": 5},
        lambda client: [each["Threshold"] for each in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        created=[1.0],
        updated=[5.0],
        ref="shop-Tested-*",
        attributes={"Arn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:shop-Tested-*"},
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
        "AWS::Events::Connection",
        {
            "AuthorizationType": "API_KEY",
            "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "key", "ApiKeyValue": "value"}},
            "Description": "one",
        },
        {"Description": "two"},
        lambda client: [
            client("events").describe_connection(Name=each["Name"]).get("Description")
            for each in client("events").list_connections()["Connections"]
        ],
        created=["one"],
        updated=["two"],
        ref="shop-Tested-*",
        attributes={"Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:connection/shop-Tested-*"},
    ),
    Row(
        "AWS::Events::ApiDestination",
        {
            "ConnectionArn": f"arn:aws:events:us-east-1:{ACCOUNT}:connection/one/0a1b",
            "HttpMethod": "POST",
            "InvocationEndpoint": "https://example.com/orders",
        },
        {"HttpMethod": "PUT"},
        lambda client: [each["HttpMethod"] for each in client("events").list_api_destinations()["ApiDestinations"]],
        created=["POST"],
        updated=["PUT"],
        ref="shop-Tested-*",
        attributes={"Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:api-destination/shop-Tested-*"},
    ),
    Row(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "DeliveryStreamType": "DirectPut",
            "ExtendedS3DestinationConfiguration": {"BucketARN": "arn:aws:s3:::shelf", "RoleARN": ROLE},
        },
        {"DeliveryStreamName": "named"},
        lambda client: [
            each.startswith("shop-Tested") for each in client("firehose").list_delivery_streams()["DeliveryStreamNames"]
        ],
        created=[True],
        updated=[False],
        ref="shop-Tested-*",
        attributes={"Arn": f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/shop-Tested-*"},
        replaced=True,
    ),
    Row(
        "AWS::Logs::LogStream",
        {"LogGroupName": {"Ref": "Logs"}, "LogStreamName": "one"},
        {"LogStreamName": "two"},
        lambda client: [
            each["logStreamName"] for each in client("logs").describe_log_streams(logGroupName="logs")["logStreams"]
        ],
        created=["one"],
        updated=["two"],
        ref="one",
        replaced=True,
    ),
    Row(
        "AWS::Logs::MetricFilter",
        {
            "LogGroupName": {"Ref": "Logs"},
            "FilterPattern": "ERROR",
            "MetricTransformations": [{"MetricName": "Errors", "MetricNamespace": "Shop", "MetricValue": "1"}],
        },
        {"FilterPattern": "WARN"},
        metric_filters,
        created=["ERROR"],
        updated=["WARN"],
        ref="shop-Tested-*",
    ),
]
STORED += [
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
ROWS += STORED
PIPES = [
    Row(
        "AWS::Pipes::Pipe",
        {"Name": "pipe", "Source": Q1_ARN, "Target": FN_ARN, "RoleArn": ROLE, "Description": "one"},
        {"Description": None},
        lambda client: [
            client("pipes").describe_pipe(Name=pipe["Name"]).get("Description")
            for pipe in client("pipes").list_pipes()["Pipes"]
        ],
        created=["one"],
        updated=[""],
        ref="pipe",
        attributes={"Arn": f"arn:aws:pipes:us-east-1:{ACCOUNT}:pipe/pipe"},
    )
]
ROWS += PIPES if importlib.util.find_spec("moto.pipes") else []
IDS = [f"{row.type.partition('::')[2].replace('::', '-')}-{number}" for number, row in enumerate(ROWS)]

APART = {
    "AWS::CloudFormation::CustomResource",
    "AWS::Cognito::UserPoolClient",
    "AWS::EC2::RouteTable",
    "Custom::LogRetention",
    "Custom::S3AutoDeleteObjects",
}


class Stack:
    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.cloudformation = fake.client("cloudformation")

    def apply(self, verb: str, resources: Template, outputs: Template | None = None, **more: Any) -> None:
        template = json.dumps({"Resources": resources, "Outputs": outputs or {}})
        getattr(self.cloudformation, f"{verb}_stack")(StackName="shop", TemplateBody=template, **more)

    def described(self) -> dict[str, Any]:
        return dict(self.cloudformation.describe_stacks(StackName="shop")["Stacks"][0])

    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.described().get("Outputs", [])}

    def advice(self) -> list[str]:
        return [str(advice) for advice in self.fake.take_advice() if advice.code == "ESM205"]


@pytest.fixture
def stack() -> Iterator[Stack]:
    with FakeLambda(region="us-east-1") as fake:
        yield Stack(fake)
        fake.take_advice()


def parts() -> Template:
    second = {**PARTS["Fn"], "Properties": {**PARTS["Fn"]["Properties"], "FunctionName": "fn2"}}
    return {**PARTS, "Fn2": second}


def stating(row: Row, **changes: Any) -> Template:
    properties = {name: value for name, value in {**row.properties, **changes}.items() if value is not None}
    return {"Tested": {"Type": row.type, "DependsOn": list(parts()), "Properties": properties}}


def matches(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_resource_type(stack: Stack, row: Row) -> None:
    client = stack.fake.client
    if row.type == "AWS::Lambda::LayerVersion":
        client("s3").create_bucket(Bucket="code")
        client("s3").put_object(Bucket="code", Key="layer.zip", Body=b"zip")
    outputs = {"Ref": {"Value": {"Ref": "Tested"}}}
    outputs |= {name: {"Value": {"Fn::GetAtt": ["Tested", name]}} for name in row.attributes}
    stack.apply("create", {**stating(row), **parts()}, outputs)
    assert row.shown(client) == row.created
    before = stack.outputs()
    assert all(matches(before[name], pattern) for name, pattern in {"Ref": row.ref, **row.attributes}.items()), before

    stack.apply("update", {**stating(row, **row.changes), **parts()}, outputs)
    assert row.shown(client) == row.updated
    assert (stack.outputs()["Ref"] != before["Ref"]) == row.replaced

    stack.apply("update", parts())
    assert row.shown(client) == row.after
    stack.cloudformation.delete_stack(StackName="shop")
    assert not stack.fake.errors
    assert not stack.advice()


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_resource_type_is_rolled_back(stack: Stack, row: Row) -> None:
    client = stack.fake.client
    if row.type == "AWS::Lambda::LayerVersion":
        client("s3").create_bucket(Bucket="code")
        client("s3").put_object(Bucket="code", Key="layer.zip", Body=b"zip")
    stack.apply("create", parts())
    failing = {"Type": "AWS::SNS::Subscription", "DependsOn": "Tested", "Properties": {"TopicArn": "x"}}
    with pytest.raises(ClientError, match="Failing"):
        stack.apply("update", {**parts(), **stating(row), "Failing": failing})
    assert row.shown(client) == row.after
    stack.apply("update", {**parts(), **stating(row)})
    with pytest.raises(ClientError, match="Failing"):
        stack.apply("update", {**parts(), **stating(row, **row.changes), "Failing": failing})
    assert row.shown(client) == row.created
    assert stack.described()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_each_type_of_the_package_has_a_row() -> None:
    """Custom resources have tests of their own, also those of CDK; the others here are in tests of templates."""
    nothing = installation.Surroundings(operations=dict, options=dict, advise=print, new_id=str, before_final=print)
    types = installation.kinds(nothing)
    assert {row.type for row in [*ROWS, *PIPES]} == types.keys() - APART


@pytest.mark.skipif(bool(importlib.util.find_spec("moto.pipes")), reason="this moto has pipes")
def test_a_pipe_is_refused_where_moto_has_none(stack: Stack) -> None:
    with pytest.raises(NotSimulated, match=r"Tested \(AWS::Pipes::Pipe\) cannot be made: .*pipes.CreatePipe"):
        stack.apply("create", {**stating(PIPES[0]), **parts()})
