"""Resource types of SNS and SQS: topics, subscriptions, queues and their policies.

Follows the pages ``AWS::SNS::Topic``, ``AWS::SNS::Subscription``, ``AWS::SNS::TopicPolicy``, ``AWS::SQS::Queue`` and
``AWS::SQS::QueuePolicy`` of the CloudFormation template reference. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: its
template parser knows no subscriptions and policies, names FIFO queues wrongly, updates two attributes of a queue, and
replaces a topic with each update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.moto_bridge.stacks.calls import Place
from pytest_lambda_esm.moto_bridge.stacks.kinds import (
    Kind,
    Made,
    Properties,
    Wanted,
    as_text,
    gone_is_fine,
)

Tag = Callable[[list[Any]], Any]
"""Adds tags, or removes the tags with these keys."""

_FIFO: Final = ".fifo"


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return {
        "AWS::SNS::Subscription": SubscriptionKind(),
        "AWS::SNS::Topic": TopicKind(),
        "AWS::SNS::TopicPolicy": PolicyKind("Topics", _topic_policy, _set_topic_policy),
        "AWS::SQS::Queue": QueueKind(),
        "AWS::SQS::QueuePolicy": PolicyKind("Queues", _queue_policy, _set_queue_policy),
    }


# --- queues and topics ---------------------------------------------------------------------------------------


_QUEUE_DEFAULTS: Final = MappingProxyType(
    {
        "ContentBasedDeduplication": "false",
        "DelaySeconds": "0",
        "KmsMasterKeyId": "",
        "MaximumMessageSize": "262144",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "RedrivePolicy": "",
        "VisibilityTimeout": "30",
    }
)
"""The values of the attributes that a later template leaves out."""

_TOPIC_DEFAULTS: Final = MappingProxyType(
    {"ContentBasedDeduplication": "false", "DeliveryPolicy": "{}", "DisplayName": "", "KmsMasterKeyId": ""}
)
_NO_ATTRIBUTES: Final = ("DataProtectionPolicy", "QueueName", "Subscription", "Tags", "TopicName")
"""Properties of queues and topics that are parameters of their own."""


class QueueKind:
    """``AWS::SQS::Queue``: another name replaces it."""

    attribute_names: frozenset[str] | None = frozenset({"Arn", "QueueName", "QueueUrl"})

    def create(self, wanted: Wanted) -> Made:
        """Create the queue."""
        properties = wanted.properties
        name = str(properties.get("QueueName") or _fifo_name(wanted, "FifoQueue", 80))
        params = {"QueueName": name, "Attributes": _attributes(properties), "tags": properties.get("Tags")}
        url = wanted.place.call("sqs", "CreateQueue", params)["QueueUrl"]
        return self._made(wanted, url, name)

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Set the attributes and tags, or make another queue."""
        before, after = made.wanted.properties, wanted.properties
        if any(before.get(name) != after.get(name) for name in ("QueueName", "FifoQueue")):
            return self.create(wanted)
        url, place = made.physical_id, wanted.place
        changes = _changes(before, after, _QUEUE_DEFAULTS)
        if changes:
            place.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": changes})
        retag(
            before,
            after,
            lambda tags: place.call("sqs", "TagQueue", {"QueueUrl": url, "Tags": tags}),
            lambda keys: place.call("sqs", "UntagQueue", {"QueueUrl": url, "TagKeys": keys}),
        )
        return self._made(wanted, url, made.attributes["QueueName"])

    def delete(self, made: Made) -> None:
        """Delete the queue."""
        with gone_is_fine():
            made.wanted.place.call("sqs", "DeleteQueue", {"QueueUrl": made.physical_id})

    def _made(self, wanted: Wanted, url: str, name: str) -> Made:
        attributes = {"Arn": wanted.place.arn("sqs", name), "QueueName": name, "QueueUrl": url}
        return Made(wanted=wanted, physical_id=url, attributes=attributes)


class TopicKind:
    """``AWS::SNS::Topic``, with the subscriptions that it states itself: another name replaces it."""

    attribute_names: frozenset[str] | None = frozenset({"TopicArn", "TopicName"})

    def create(self, wanted: Wanted) -> Made:
        """Create the topic and its subscriptions."""
        properties = wanted.properties
        name = str(properties.get("TopicName") or _fifo_name(wanted, "FifoTopic", 256))
        params = {"Name": name, "Attributes": _attributes(properties), "Tags": properties.get("Tags")}
        params["DataProtectionPolicy"] = as_text(properties.get("DataProtectionPolicy"))
        arn = wanted.place.call("sns", "CreateTopic", params)["TopicArn"]
        return self._made(wanted, arn, name, ())

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Set the attributes, subscriptions and tags, or make another topic."""
        before, after = made.wanted.properties, wanted.properties
        if any(before.get(name) != after.get(name) for name in ("TopicName", "FifoTopic")):
            return self.create(wanted)
        arn, place = made.physical_id, wanted.place
        for name, value in _changes(before, after, _TOPIC_DEFAULTS).items():
            change = {"TopicArn": arn, "AttributeName": name, "AttributeValue": value}
            place.call("sns", "SetTopicAttributes", change)
        retag(
            before,
            after,
            lambda tags: place.call("sns", "TagResource", {"ResourceArn": arn, "Tags": tags}),
            lambda keys: place.call("sns", "UntagResource", {"ResourceArn": arn, "TagKeys": keys}),
        )
        return self._made(wanted, arn, made.attributes["TopicName"], made.known["subscriptions"])

    def delete(self, made: Made) -> None:
        """Delete the topic, and its subscriptions with it."""
        with gone_is_fine():
            made.wanted.place.call("sns", "DeleteTopic", {"TopicArn": made.physical_id})

    def _made(self, wanted: Wanted, arn: str, name: str, before: tuple[tuple[Any, str], ...]) -> Made:
        """Make and remove subscriptions; ``before`` has those so far, each with its ARN."""
        stated = list(wanted.properties.get("Subscription") or ())
        kept = [(each, subscription) for each, subscription in before if each in stated]
        place = wanted.place
        for each, subscription in before:
            if each not in stated:
                place.call("sns", "Unsubscribe", {"SubscriptionArn": subscription})
        for each in stated:
            if each not in [known for known, _ in kept]:
                params = {"TopicArn": arn, **each, "ReturnSubscriptionArn": True}
                kept.append((each, place.call("sns", "Subscribe", params)["SubscriptionArn"]))
        attributes = {"TopicArn": arn, "TopicName": name}
        return Made(wanted=wanted, physical_id=arn, attributes=attributes, known={"subscriptions": tuple(kept)})


def _fifo_name(wanted: Wanted, flag: str, length: int) -> str:
    """Return the generated name, shortened, with the suffix of FIFO queues and topics where it is one."""
    suffix = _FIFO if as_text(wanted.properties.get(flag)) == "true" else ""
    return wanted.name[: length - len(suffix)] + suffix


def _attributes(properties: Properties) -> dict[str, str]:
    stated = {name: value for name, value in properties.items() if name not in _NO_ATTRIBUTES and value is not None}
    # A standard queue or topic states no flag: neither service takes "false".
    return {
        name: as_text(value)
        for name, value in stated.items()
        if name not in ("FifoQueue", "FifoTopic") or as_text(value) == "true"
    }


def _changes(before: Properties, after: Properties, defaults: Mapping[str, str]) -> dict[str, str]:
    old, new = _attributes(before), _attributes(after)
    dropped = {name: defaults[name] for name in old if name not in new and name in defaults}
    return {**{name: value for name, value in new.items() if old.get(name) != value}, **dropped}


def retag(before: Properties, after: Properties, tag: Tag, untag: Tag) -> None:
    """Change the tags of a resource to those of a later template."""
    old, new = ({each["Key"]: each for each in each_of.get("Tags") or ()} for each_of in (before, after))
    added = [each for key, each in new.items() if old.get(key) != each]
    removed = [key for key in old if key not in new]
    if added:
        tag(added)
    if removed:
        untag(removed)


# --- subscriptions -------------------------------------------------------------------------------------------

_SUBSCRIPTION_DEFAULTS: Final = MappingProxyType(
    {
        "FilterPolicyScope": "MessageAttributes",  # Comes first: the policy is read according to it.
        "FilterPolicy": "{}",
        "DeliveryPolicy": "{}",
        "RawMessageDelivery": "false",
        "RedrivePolicy": "{}",
        "ReplayPolicy": "{}",
        "SubscriptionRoleArn": "",
    }
)
"""The attributes of a subscription, in the order in which they are set, with what resets them."""
_SUBSCRIBING: Final = ("Endpoint", "Protocol", "Region", "TopicArn")


class SubscriptionKind:
    """``AWS::SNS::Subscription``: another topic, protocol or endpoint replaces it."""

    attribute_names: frozenset[str] | None = frozenset({"Arn"})

    def create(self, wanted: Wanted) -> Made:
        """Subscribe."""
        stated = {name: wanted.properties.get(name) for name in _SUBSCRIBING if name != "Region"}
        params = {**stated, "Attributes": self._attributes(wanted.properties), "ReturnSubscriptionArn": True}
        answer = self._place(wanted).call("sns", "Subscribe", params)
        return self._made(wanted, answer["SubscriptionArn"])

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Set the attributes that have changed, or subscribe again."""
        before, after = made.wanted.properties, wanted.properties
        if any(before.get(name) != after.get(name) for name in _SUBSCRIBING):
            return self.create(wanted)
        old, new = self._attributes(before), self._attributes(after)
        rescoped = old.get("FilterPolicyScope") != new.get("FilterPolicyScope")
        for name, default in _SUBSCRIPTION_DEFAULTS.items():
            if old.get(name) != new.get(name) or (rescoped and name == "FilterPolicy" and name in new):
                change = {"AttributeName": name, "AttributeValue": new.get(name, default)}
                params = {"SubscriptionArn": made.physical_id, **change}
                self._place(wanted).call("sns", "SetSubscriptionAttributes", params)
        return self._made(wanted, made.physical_id)

    def delete(self, made: Made) -> None:
        """Unsubscribe."""
        with gone_is_fine():
            self._place(made.wanted).call("sns", "Unsubscribe", {"SubscriptionArn": made.physical_id})

    def _attributes(self, properties: Properties) -> dict[str, str]:
        unknown = properties.keys() - {*_SUBSCRIBING, *_SUBSCRIPTION_DEFAULTS}
        if unknown:
            raise ApiError("ValidationError", f"Encountered unsupported property {min(unknown)}", 400)
        return {name: as_text(properties[name]) for name in _SUBSCRIPTION_DEFAULTS if properties.get(name) is not None}

    def _place(self, wanted: Wanted) -> Place:
        region = wanted.properties.get("Region")
        return replace(wanted.place, region=region) if region else wanted.place

    def _made(self, wanted: Wanted, arn: str) -> Made:
        return Made(wanted=wanted, physical_id=arn, attributes={"Arn": arn})


# --- policies ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PolicyKind:
    """A policy of several queues or topics; ``targets`` is the property that names them.

    ``read(place, target)`` returns the policy of a queue or topic, ``write(place, target, policy)`` sets it. The policy
    that was there before returns when the resource is deleted.
    """

    targets: str
    read: Callable[[Place, str], str]
    write: Callable[[Place, str, str], None]

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """The name that ``Fn::GetAtt`` knows."""
        return frozenset({"Id"})

    def create(self, wanted: Wanted) -> Made:
        """Set the policy of each queue or topic."""
        return self._put(wanted, wanted.name, {})

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Set the policy, and restore that of the queues and topics that are no longer named."""
        updated = self._put(wanted, made.physical_id, made.known)
        self._restore(wanted.place, {name: made.known[name] for name in made.known.keys() - updated.known.keys()})
        return updated

    def delete(self, made: Made) -> None:
        """Restore the policies."""
        self._restore(made.wanted.place, made.known)

    def _put(self, wanted: Wanted, physical_id: str, before: Mapping[str, str]) -> Made:
        policy = as_text(wanted.properties.get("PolicyDocument") or {})
        known = {}
        for target in wanted.properties.get(self.targets) or ():
            known[target] = before[target] if target in before else self.read(wanted.place, target)
            self.write(wanted.place, target, policy)
        return Made(wanted=wanted, physical_id=physical_id, attributes={"Id": physical_id}, known=known)

    def _restore(self, place: Place, policies: Mapping[str, str]) -> None:
        for target, policy in policies.items():
            with gone_is_fine():
                self.write(place, target, policy)


def _queue_policy(place: Place, url: str) -> str:
    answer = place.call("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["Policy"]})
    return str(answer.get("Attributes", {}).get("Policy", ""))


def _set_queue_policy(place: Place, url: str, policy: str) -> None:
    place.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": policy}})


def _topic_policy(place: Place, arn: str) -> str:
    answer = place.call("sns", "GetTopicAttributes", {"TopicArn": arn})
    return str(answer.get("Attributes", {}).get("Policy", ""))


def _set_topic_policy(place: Place, arn: str, policy: str) -> None:
    change = {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": policy}
    place.call("sns", "SetTopicAttributes", change)
