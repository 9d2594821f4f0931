"""What SNS, S3 and EventBridge may send to functions and queues, by the policies of these.

A service's event is on its way while one of moto's methods below runs; what it sends arrives at a function's
asynchronous queue (:meth:`Triggers.check`) or in ``SQSBackend.send_message``.

Seen with moto 5.1.9, 5.1.22 and 5.2.5: ``Topic.publish``, ``Subscription.publish``, ``Rule.send_to_targets``,
``s3.notifications.send_event`` and ``send_test_event``, ``FakeBucket.set_notification_configuration`` and
``SQSBackend.send_message``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final

from moto.events.models import Rule
from moto.s3 import notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription, Topic
from moto.sqs.models import SQSBackend

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.destinations import NotPermitted, Sender
from pytest_lambda_esm.moto_bridge.permissions.enforcement import Enforcement
from pytest_lambda_esm.moto_bridge.permissions.judge import EVENTS, Cause
from pytest_lambda_esm.moto_bridge.permissions.sends import sending
from pytest_lambda_esm.patching import Patches, original_of

_CAUSE: Final[ContextVar[Cause | None]] = ContextVar("cause", default=None)

NOT_VALIDATED: Final = "Unable to validate the following destination configurations"
"""Recorded: what S3 says where a function's or a queue's policy does not let it send."""


class Triggers:
    """Checks what services send on."""

    def __init__(self, enforcement: Enforcement) -> None:
        self._enforcement = enforcement

    def check_function(self, function_arn: str) -> None:
        """Raise NotPermitted where the service whose event is on its way may not invoke a function."""
        self._check("lambda:InvokeFunction", function_arn)

    def check_target(self, arn: str) -> None:
        """Raise NotPermitted where the service whose event is on its way may not send to a target."""
        access = sending(arn)
        if access is not None:
            self._check(access.action, arn)

    def check_sender(self, sender: Sender, arn: str) -> None:
        """Raise NotPermitted where a resource of a service may not send to a target."""
        access = sending(arn)
        if access is not None:
            self._judge(cause_of(sender, arn), access.action, arn)

    def install(self, patches: Patches) -> None:
        """Know from now on whose event is on its way, and check what arrives in queues."""
        patches.set(Topic, "publish", _causing(original_of(Topic, "publish"), _of_topic))
        patches.set(Rule, "send_to_targets", _causing(original_of(Rule, "send_to_targets"), _of_rule))
        patches.set(notifications, "send_event", _causing(original_of(notifications, "send_event"), _of_bucket))
        patches.set(Subscription, "publish", _causing(original_of(Subscription, "publish"), _of_subscription))
        self._install_configurations(patches)
        send = original_of(SQSBackend, "send_message")

        def send_message(backend: Any, queue_name: str, *args: Any, **kwargs: Any) -> Any:
            region = backend.region_name
            arn = f"arn:{partition_of(region)}:sqs:{region}:{backend.account_id}:{queue_name}"
            self._check("sqs:SendMessage", arn)
            return send(backend, queue_name, *args, **kwargs)

        patches.set(SQSBackend, "send_message", send_message)

    def _install_configurations(self, patches: Patches) -> None:
        """Install for S3, which checks the functions and queues of notifications when these are configured."""
        configure = original_of(FakeBucket, "set_notification_configuration")
        test = original_of(notifications, "send_test_event")

        def set_notification_configuration(bucket: Any, notification_config: Any) -> None:
            before = bucket.notification_configuration
            try:
                configure(bucket, notification_config)
            except NotPermitted:
                bucket.notification_configuration = before
                raise S3ClientError("InvalidArgument", NOT_VALIDATED) from None

        def send_test_event(account_id: str, bucket: Any) -> None:
            token = _CAUSE.set(_of_bucket(account_id, None, bucket, None))
            try:
                for function in bucket.notification_configuration.cloud_function:
                    self._check("lambda:InvokeFunction", function.arn)
                for queue in bucket.notification_configuration.queue:
                    self._check("sqs:SendMessage", queue.arn)
                test(account_id, bucket)
            finally:
                _CAUSE.reset(token)

        patches.set(FakeBucket, "set_notification_configuration", set_notification_configuration)
        patches.set(notifications, "send_test_event", send_test_event)

    def _check(self, action: str, resource_arn: str) -> None:
        cause = _CAUSE.get()
        if cause is not None:
            self._judge(cause, action, resource_arn)

    def _judge(self, cause: Cause, action: str, resource_arn: str) -> None:
        if self._enforcement.of_service(cause, action, resource_arn) is None:
            return
        role = cause.roles.get(resource_arn)
        who, whose = (f"the role {role}", "the role's") if role else (cause.principal, "its")
        raise NotPermitted(f"{who} may not {action} on {resource_arn} for {cause.source_arn}: {whose} policy lacks it")


def _causing(original: Callable[..., Any], cause_of: Callable[..., Cause]) -> Callable[..., Any]:
    """Return a replacement during which the event of a resource is on its way. What is refused just does not arrive."""

    def causing(*args: Any, **kwargs: Any) -> Any:
        token = _CAUSE.set(cause_of(*args, **kwargs))
        try:
            with suppress(NotPermitted):
                return original(*args, **kwargs)
        finally:
            _CAUSE.reset(token)
        return None

    return causing


def cause_of(sender: Sender, target_arn: str) -> Cause:
    """Return the cause of what a resource sends to a target."""
    return Cause(sender.service, sender.arn, sender.account_id, {target_arn: sender.role} if sender.role else {})


def _of_topic(topic: Any, *_: Any, **__: Any) -> Cause:
    return Cause("sns.amazonaws.com", topic.arn, topic.account_id)


def _of_subscription(subscription: Any, *_: Any, **__: Any) -> Cause:
    return _of_topic(subscription.topic)


def _of_rule(rule: Any, *_: Any, **__: Any) -> Cause:
    roles = {target["Arn"]: target["RoleArn"] for target in rule.targets if target.get("RoleArn")}
    return Cause(EVENTS, rule.arn, rule.account_id, roles)


def _of_bucket(account_id: str, event_name: Any, bucket: Any, key: Any) -> Cause:
    return Cause("s3.amazonaws.com", bucket.arn, account_id)
