"""What a subscription gets: the event of a function, and the notification in a queue.

Follows "Fanout Amazon SNS notifications to Lambda functions", "Amazon SNS message formats" and "Amazon SNS raw message
delivery". Messages of FIFO topics have a sequence number, and no signature.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.sqs.sending import QueueMessage, attribute


@dataclass(frozen=True, slots=True)
class Publication:
    """A message that was published; ``attributes`` have the members Type and Value, as SNS sends them.

    A message of a standard topic may have a group as well; only those of FIFO topics have a deduplication id and a
    sequence number.
    """

    message_id: str
    message: str
    timestamp: str
    subject: str | None
    attributes: Mapping[str, Any]
    group_id: str | None = None
    deduplication_id: str | None = None
    sequence_number: str | None = None


def is_true(value: Any) -> bool:
    """Whether an attribute of a topic or subscription is true; up to moto 5.1 these are texts."""
    return str(value).lower() == "true"


def is_raw(subscription: Any) -> bool:
    """Whether a subscription's queue gets messages as they were published."""
    return subscription.protocol == "sqs" and is_true(subscription.attributes.get("RawMessageDelivery"))


def function_event(subscription: Any, publication: Publication) -> dict[str, Any]:
    """Return the event of a function. Its URLs are spelled otherwise than in a notification; no member is left out."""
    found = notification(subscription, publication)
    content = {
        "Type": found["Type"],
        "MessageId": found["MessageId"],
        "TopicArn": found["TopicArn"],
        "Subject": publication.subject,
        "Message": found["Message"],
        "Timestamp": found["Timestamp"],
        "SignatureVersion": found.get("SignatureVersion"),
        "Signature": found.get("Signature"),
        "SigningCertUrl": found.get("SigningCertURL"),
        "UnsubscribeUrl": found["UnsubscribeURL"],
        "MessageAttributes": dict(publication.attributes),
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": content,
    }
    return {"Records": [record]}


def notification(subscription: Any, publication: Publication) -> dict[str, Any]:
    """Return the notification that a queue gets, in the order of its members on AWS."""
    topic = subscription.topic
    place = Arn.parse(topic.arn)
    region = place.region if place is not None else topic.sns_backend.region_name
    service = f"https://sns.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    found: dict[str, Any] = {"Type": "Notification", "MessageId": publication.message_id}
    if publication.sequence_number is not None:
        found["SequenceNumber"] = publication.sequence_number
    found["TopicArn"] = topic.arn
    if publication.subject is not None:
        found["Subject"] = publication.subject
    found["Message"] = publication.message
    found["Timestamp"] = publication.timestamp
    if publication.sequence_number is None:
        # Imported here, since most tests publish nothing, and cryptography takes long to import.
        from pytest_lambda_esm.moto_bridge.triggers.sns_signing import CERTIFICATE, publish_certificate, signature_of

        version = str(getattr(topic, "signature_version", None) or "1")
        publish_certificate(region)
        found["SignatureVersion"] = version
        found["Signature"] = signature_of(found, version)
        found["SigningCertURL"] = f"{service}/{CERTIFICATE}"
    found["UnsubscribeURL"] = f"{service}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}"
    if publication.attributes:
        found["MessageAttributes"] = dict(publication.attributes)
    return found


def queue_message(subscription: Any, publication: Publication, queue_arn: str) -> QueueMessage:
    """Return the message for a subscription's queue or dead-letter queue.

    Only FIFO queues get the ids of a FIFO topic's message.
    """
    in_order = publication.sequence_number is None or queue_arn.endswith(".fifo")
    group_id = publication.group_id if in_order else None
    deduplication_id = publication.deduplication_id if in_order else None
    if is_raw(subscription):
        attributes = {name: _raw(each) for name, each in publication.attributes.items()}
        return QueueMessage(publication.message, attributes, group_id, deduplication_id)
    body = json.dumps(notification(subscription, publication), indent=2, separators=(",", " : "), ensure_ascii=False)
    return QueueMessage(body, {}, group_id, deduplication_id)


def _raw(found: Mapping[str, Any]) -> dict[str, Any]:
    kind, value = str(found["Type"]), found["Value"]
    return attribute(kind, base64.b64decode(value) if kind.startswith("Binary") else str(value))
