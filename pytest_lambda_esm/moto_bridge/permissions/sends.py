"""What Lambda does with a function's role to deliver a record: the action of each kind of destination.

Follows the pages "Capturing records of Lambda asynchronous invocations" and "Retain discarded batch records".
"""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.destinations import Message
from pytest_lambda_esm.moto_bridge.permissions.places import Access

_ACTIONS: Final = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "s3": "s3:PutObject",
}


def sending(arn: str, message: Message) -> Access | None:
    """Return what a delivery needs, None for a destination without an IAM action, such as a topic of Kafka."""
    place = Arn.parse(arn)
    action = _ACTIONS.get(place.service) if place is not None else None
    if action is None:
        return None
    return Access(action, f"{arn}/{message.key}" if action == "s3:PutObject" else arn)
