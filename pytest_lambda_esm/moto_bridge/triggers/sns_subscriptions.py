"""Subscriptions that SNS refuses: protocols of FIFO topics, raw delivery, and dead-letter queues.

The texts are those that users and other projects have published from AWS. moto accepts all of this, and keeps a
subscription whose attributes it refuses. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``SNSBackend.subscribe`` and
``set_subscription_attributes``, ``SNSResponse.subscribe``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend
from moto.sns.responses import SNSResponse

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.triggers.sns_messages import is_true
from pytest_lambda_esm.patching import Patches, original_of

_OF_FIFO_TOPICS: Final = ("sqs",)
_FIFO: Final = ".fifo"
_NOT_RAW: Final = ("lambda", "email", "email-json", "sms", "application")
_IN_SUBSCRIBE: Final = "_lambda_esm_subscribes"
"""An attribute of moto's backends while they answer Subscribe, whose texts have another beginning."""


def install(patches: Patches) -> None:
    """Refuse what AWS refuses until the patches are undone."""
    subscribe = original_of(SNSBackend, "subscribe")
    set_attributes = original_of(SNSBackend, "set_subscription_attributes")

    def subscribe_checked(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        topic = backend.topics.get(topic_arn)
        if topic is not None and is_true(topic.fifo_topic) and protocol not in _OF_FIFO_TOPICS:
            raise SNSInvalidParameter(f"Invalid parameter: Invalid protocol type: {protocol}")
        return subscribe(backend, topic_arn, endpoint, protocol)

    def set_checked(backend: Any, arn: str, name: str, value: Any) -> None:
        subscription, check = backend.subscriptions.get(arn), _CHECKS.get(name)
        problem = check(subscription, value) if check is not None and subscription is not None else None
        if problem is not None:
            reason = "Attributes Reason: " if _IN_SUBSCRIBE in vars(backend) else ""
            raise SNSInvalidParameter(f"Invalid parameter: {reason}{problem}")
        set_attributes(backend, arn, name, value)

    patches.set(SNSBackend, "subscribe", subscribe_checked)
    patches.set(SNSBackend, "set_subscription_attributes", set_checked)
    patches.set(SNSResponse, "subscribe", _all_or_nothing(original_of(SNSResponse, "subscribe")))


def _all_or_nothing(respond: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Answer Subscribe without leaving a subscription behind whose attributes are refused."""

    def answer(response: Any) -> Any:
        backend = response.backend
        before = dict(backend.subscriptions)
        setattr(backend, _IN_SUBSCRIBE, True)
        try:
            return respond(response)
        except Exception:
            for arn in backend.subscriptions.keys() - before.keys():
                del backend.subscriptions[arn]
            raise
        finally:
            delattr(backend, _IN_SUBSCRIBE)

    return answer


def _redrive_policy(subscription: Any, value: Any) -> str | None:
    if not value:
        return None
    try:
        policy = json.loads(value) if isinstance(value, str) else value
        target = str(policy.get("deadLetterTargetArn", ""))
    except (ValueError, AttributeError):
        return "RedrivePolicy: failed to parse JSON."
    if not policy:
        return None  # It removes the policy.
    queue = Arn.parse(target)
    if queue is None:
        return "RedrivePolicy: deadLetterTargetArn is an invalid arn"
    is_fifo = is_true(subscription.topic.fifo_topic) and str(subscription.endpoint).endswith(_FIFO)
    if is_fifo and not (queue.service == "sqs" and queue.resource.endswith(_FIFO)):
        return "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
    return None


def _raw_delivery(subscription: Any, value: Any) -> str | None:
    text = str(value).lower()
    if text not in ("true", "false"):
        return f"RawMessageDelivery: Invalid value [{value}]. Must be true or false."
    if text == "true" and subscription.protocol in _NOT_RAW:
        return f"Delivery protocol [{subscription.protocol}] does not support raw message delivery."
    return None


_CHECKS: Final = MappingProxyType({"RedrivePolicy": _redrive_policy, "RawMessageDelivery": _raw_delivery})
"""By attribute: what says what is wrong with a value, or None."""
