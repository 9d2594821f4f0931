"""Topics, queues, rules, schedules and pipes."""

from __future__ import annotations

import json
from typing import Any

from helpers.stack_rows.row import ACCOUNT, FN_ARN, POLICY, Q1_ARN, Q2_ARN, ROLE, T1_ARN, Client, Row

TARGET = {"Arn": Q1_ARN, "RoleArn": ROLE}


def subscriptions(client: Client) -> list[Any]:
    sns = client("sns")
    found = [each["SubscriptionArn"] for each in sns.list_subscriptions()["Subscriptions"]]
    names = ("Protocol", "RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy")
    shown = [sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] for arn in found]
    return [[each.get(name) for name in names] for each in shown]


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


ROWS = [
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
]
# Older versions of moto have no pipes.
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
    ),
]
