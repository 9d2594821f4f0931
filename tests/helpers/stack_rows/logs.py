"""Logs and alarms."""

from __future__ import annotations

from typing import Any

from helpers.stack_rows.row import ACCOUNT, FN_ARN, Client, Row


def filters(client: Client) -> list[Any]:
    found = client("logs").describe_subscription_filters(logGroupName="logs")["subscriptionFilters"]
    return [[each["filterName"], each["filterPattern"]] for each in found]


def metric_filters(client: Client) -> list[Any]:
    return [each["filterPattern"] for each in client("logs").describe_metric_filters()["metricFilters"]]


ROWS = [
    Row(
        "AWS::Logs::SubscriptionFilter",
        {"LogGroupName": {"Ref": "Logs"}, "FilterName": "f", "FilterPattern": "one", "DestinationArn": FN_ARN},
        {"FilterPattern": "two"},
        filters,
        created=[["f", "one"]],
        updated=[["f", "two"]],
        ref="f",
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
