"""What a typical test does, with the fake and with plain moto. It imports neither of them.

Whole runs of pytest import this file on both sides.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

import boto3

REGION: Final = "us-east-1"
_QUEUE: Final = f"arn:aws:sqs:{REGION}:123456789012:q"


def deliver(fake: Any) -> None:
    """Do what a typical test does."""
    sqs, aws_lambda = boto3.client("sqs", REGION), boto3.client("lambda", REGION)
    function = fake.function("orders", lambda event, context: None)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    aws_lambda.create_event_source_mapping(EventSourceArn=_QUEUE, FunctionName="orders")
    sqs.send_message(QueueUrl=url, MessageBody="1")
    fake.clock.run_until_idle()
    if len(function.invocations) != 1:
        raise SystemExit("the message has not arrived; the numbers mean nothing")


def only_call(moto: Any) -> None:
    """Call plain moto as a typical test does; its functions need a role and an archive."""
    sqs, aws_lambda, iam = (boto3.client(name, REGION) for name in ("sqs", "lambda", "iam"))
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", "def handler(event, context):\n    return None\n")
    aws_lambda.create_function(
        FunctionName="orders",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    aws_lambda.create_event_source_mapping(EventSourceArn=_QUEUE, FunctionName="orders")
    sqs.send_message(QueueUrl=url, MessageBody="1")
