"""A queue, a function and a mapping, connected through plain boto3."""

import time
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from pytest_lambda_esm import Function


@dataclass
class Setup:
    """A queue, a function and a mapping between them."""

    sqs: Any
    aws_lambda: Any
    url: str
    queue_arn: str
    function: Function
    uuid: str

    def wait_until_enabled(self):
        """Poll the state and sleep, as code under test does."""
        while self.aws_lambda.get_event_source_mapping(UUID=self.uuid)["State"] != "Enabled":
            time.sleep(5)

    def send(self, *bodies, **parameters):
        return [
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **parameters)["MessageId"] for body in bodies
        ]


def _make_queue(sqs, name="q", **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture
def connect():
    """Return a function that connects a queue with a function; the mapping is still Creating."""

    def connect(
        fake, handler=lambda event, context: None, *, sqs=None, aws_lambda=None, region=None, mapping=None, **attributes
    ):
        sqs = sqs or boto3.client("sqs", region_name=region)
        aws_lambda = aws_lambda or boto3.client("lambda", region_name=region)
        url, arn = _make_queue(sqs, **attributes)
        function = fake.function("orders", handler, region=region)
        created = aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders", **(mapping or {}))
        return Setup(sqs, aws_lambda, url, arn, function, created["UUID"])

    return connect
