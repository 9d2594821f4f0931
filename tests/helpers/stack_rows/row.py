"""The resources that the template of each row has, and what a row says of its own resource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "123456789012"
Client = Callable[[str], Any]
Template = dict[str, Any]
TRUST = {"Version": "2012-10-17", "Statement": []}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
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
T1_ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:t1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


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
