"""What a service does to send something to a resource of another service: the action of each kind of resource.

Follows the pages "Capturing records of Lambda asynchronous invocations", "Retain discarded batch records", and "Amazon
EventBridge and AWS Identity and Access Management".
"""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.permissions.places import Access

_ACTIONS: Final = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "s3": "s3:PutObject",
    "kinesis": "kinesis:PutRecord",
    "logs": "logs:PutLogEvents",
}


def sending(arn: str, key: str = "") -> Access | None:
    """Return what a delivery needs, None for a destination without an IAM action, such as a topic of Kafka.

    ``key`` is the key of the object in a bucket.
    """
    place = Arn.parse(arn)
    action = _ACTIONS.get(place.service) if place is not None else None
    if action is None:
        return None
    return Access(action, f"{arn}/{key}" if action == "s3:PutObject" else arn)
