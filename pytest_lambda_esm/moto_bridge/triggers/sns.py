"""SNS: the subscriptions to which a topic sends a message, and their dead-letter queues (RedrivePolicy).

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto's events for functions are constants, its notifications do not name
the subscription, it delivers to a hundred subscriptions at most, and its FIFO topics deduplicate nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Final

from moto.sns.models import Subscription, Topic

from pytest_lambda_esm.destinations import DeliveryFailed
from pytest_lambda_esm.moto_bridge.sqs.sending import QueueMessage
from pytest_lambda_esm.moto_bridge.triggers.deliveries import DeadLetters, Deliveries, TriggerPorts
from pytest_lambda_esm.moto_bridge.triggers.sns_fifo import deduplication_key, published_of
from pytest_lambda_esm.moto_bridge.triggers.sns_filters import accepts
from pytest_lambda_esm.moto_bridge.triggers.sns_messages import (
    Publication,
    function_event,
    is_raw,
    is_true,
    queue_message,
)
from pytest_lambda_esm.patching import Patches, original_of

_MOST_RAW_ATTRIBUTES: Final = 10
"""With raw delivery, SNS discards a message with more attributes than SQS accepts."""


class Topics:
    """Publishes messages to the subscriptions of moto's topics."""

    def __init__(self, ports: TriggerPorts, deliveries: Deliveries) -> None:
        self._ports = ports
        self._deliveries = deliveries

    def install(self, patches: Patches) -> None:
        """Replace moto's publishing. Subscriptions with other protocols than lambda and sqs remain moto's."""
        deliver_elsewhere = original_of(Subscription, "publish")

        def publish(topic: Any, message: str, subject: str | None = None, **kwargs: Any) -> str:
            # The other arguments are message_attributes, group_id, deduplication_id and message_structure.
            publication = self._publication(message, subject, kwargs)
            if is_true(topic.fifo_topic):
                publication, original = self._in_order(topic, publication)
                if original != publication.message_id:
                    return original
            for subscription in _subscriptions(topic):
                if subscription.protocol in ("lambda", "sqs"):
                    self._deliver(subscription, publication, kwargs.get("message_structure"))
                else:
                    deliver_elsewhere(subscription, message, publication.message_id, subject=subject, **kwargs)
            sent = (publication.message_id, message, subject, kwargs.get("message_attributes"), publication.group_id)
            topic.sent_notifications.append(sent)
            return publication.message_id

        patches.set(Topic, "publish", publish)

    def _publication(self, message: str, subject: str | None, others: dict[str, Any]) -> Publication:
        return Publication(
            message_id=self._ports.new_id(),
            message=message,
            timestamp=self._ports.timestamp(),
            subject=subject,
            attributes=others.get("message_attributes") or {},
            group_id=others.get("group_id"),
            deduplication_id=others.get("deduplication_id"),
        )

    def _in_order(self, topic: Any, publication: Publication) -> tuple[Publication, str]:
        """Return a FIFO topic's message with its sequence number, and the id of the message that it may duplicate."""
        deduplication_id = publication.deduplication_id or hashlib.sha256(publication.message.encode()).hexdigest()
        key = deduplication_key(topic, publication.group_id, deduplication_id)
        place = published_of(topic).place(key, publication.message_id, self._ports.now())
        numbered = replace(publication, deduplication_id=deduplication_id, sequence_number=place.sequence_number)
        return numbered, place.message_id

    def _deliver(self, subscription: Any, publication: Publication, structure: str | None) -> None:
        if structure == "json":
            text = subscription._parse_message_structure(publication.message, subscription.protocol)
            publication = replace(publication, message=text)
        if not accepts(subscription, publication.attributes, publication.message):
            return
        endpoint, dead_letters = subscription.endpoint, _dead_letters(subscription, publication)
        if subscription.protocol == "lambda":
            event = json.dumps(function_event(subscription, publication))
            self._deliveries.to_function(endpoint, event, dead_letters)
        elif is_raw(subscription) and len(publication.attributes) > _MOST_RAW_ATTRIBUTES:
            self._deliveries.to_other(endpoint, _refuse_attributes, dead_letters)
        else:
            self._deliveries.to_queue(endpoint, queue_message(subscription, publication, endpoint), dead_letters)


def _subscriptions(topic: Any) -> list[Any]:
    return [each for each in topic.sns_backend.subscriptions.values() if each.topic is topic]


def _dead_letters(subscription: Any, publication: Publication) -> DeadLetters | None:
    policy = subscription.attributes.get("RedrivePolicy")
    found = json.loads(policy) if isinstance(policy, str) and policy else policy
    if not found:
        return None
    queue_arn = str(found["deadLetterTargetArn"])

    def message(error: DeliveryFailed) -> QueueMessage:
        return queue_message(subscription, publication, queue_arn)

    return DeadLetters(queue_arn, message)


def _refuse_attributes() -> None:
    raise DeliveryFailed(f"a message with more than {_MOST_RAW_ATTRIBUTES} attributes cannot be delivered raw")
