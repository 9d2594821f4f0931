"""S3: which notifications a change of an object causes, and where they go.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto sends no event for a delete marker and for a deleted version that is
not the last, one event too many for an upload in parts and for tags that come with an object, and all buses get what
belongs to the default one. Its events lack half of their members, and their sequencer is a constant.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from moto.events.models import events_backends
from moto.s3 import notifications
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.moto_bridge.sqs.sending import QueueMessage
from pytest_lambda_esm.moto_bridge.triggers import s3_events
from pytest_lambda_esm.moto_bridge.triggers.deliveries import Deliveries, TriggerPorts
from pytest_lambda_esm.moto_bridge.triggers.s3_events import ChangedObject, Surroundings, encoded_key
from pytest_lambda_esm.patching import Patches, original_of

_SUBJECT: Final = "Amazon S3 Notification"
_TAGGED: Final = "ObjectTagging:Put"
_COMPLETED: Final = "ObjectCreated:CompleteMultipartUpload"
_SEQUENCE_BITS: Final = 12


class Buckets:
    """Sends the notifications of moto's buckets. ``_only`` are the events that the operation that runs now causes."""

    def __init__(self, ports: TriggerPorts, deliveries: Deliveries) -> None:
        self._ports = ports
        self._deliveries = deliveries
        self._only: frozenset[str] | None = None
        self._sequencer = 0

    def install(self, patches: Patches) -> None:
        """Replace moto's notifications until the patches are undone."""

        def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
            self._send_event(account_id, event_name, bucket, key)

        def send_test_event(account_id: str, bucket: Any) -> None:
            self._send_test_event(account_id, bucket)

        patches.set(notifications, "send_event", send_event)
        patches.set(notifications, "send_test_event", send_test_event)
        patches.set(S3Backend, "delete_object", self._deleting(original_of(S3Backend, "delete_object")))
        for owner, name, event in (
            (S3Backend, "complete_multipart_upload", _COMPLETED),
            (S3Response, "put_object_tagging", _TAGGED),
        ):
            patches.set(owner, name, self._causing(event, original_of(owner, name)))

    def _causing(self, event: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def causing(owner: Any, *args: Any, **kwargs: Any) -> Any:
            with self._limited_to(event):
                return operation(owner, *args, **kwargs)

        return causing

    def _deleting(self, delete: Callable[..., Any]) -> Callable[..., Any]:
        def delete_object(
            backend: Any, bucket_name: str, key_name: str, version_id: Any = None, *args: Any, **kw: Any
        ) -> Any:
            bucket = backend.get_bucket(bucket_name)
            before = list(bucket.keys.getlist(key_name, []))
            with self._limited_to():
                done, answer = delete(backend, bucket_name, key_name, version_id, *args, **kw)
            if done and before:
                self._deleted(backend, bucket, before, answer.get("version-id") if bucket.is_versioned else None)
            return done, answer

        return delete_object

    def _deleted(self, backend: Any, bucket: Any, before: list[Any], version_id: str | None) -> None:
        versions = {str(each.version_id) for each in before}
        marked = (
            version_id is not None
            and version_id not in versions
            and len(bucket.keys.getlist(before[0].name)) > len(before)
        )
        event = "ObjectRemoved:DeleteMarkerCreated" if marked else "ObjectRemoved:Delete"
        if version_id is None or marked or version_id in versions:
            change = ChangedObject(event, before[0].name, self._next_sequencer(), version_id=version_id)
            self._notify(backend.account_id, bucket, change)

    @contextmanager
    def _limited_to(self, *events: str) -> Iterator[None]:
        before, self._only = self._only, frozenset(events)
        try:
            yield
        finally:
            self._only = before

    def _send_event(self, account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        event = str(getattr(event_name, "value", event_name)).removeprefix("s3:")
        if bucket.notification_configuration is None or not self._is_caused(event):
            return
        restored = event == "ObjectRestore:Completed"
        change = ChangedObject(
            event,
            key.name,
            self._next_sequencer(),
            size=key.size,
            etag=key.etag.replace('"', ""),
            version_id=str(key.version_id) if bucket.is_versioned else None,
            restored_until=_time_of(key._expiry) if restored else None,
            storage_class=key.storage_class if event.startswith("ObjectRestore:") else None,
        )
        self._notify(account_id, bucket, change)

    def _is_caused(self, event: str) -> bool:
        # Tags that come with an object do not count as a change of tags.
        return event != _TAGGED if self._only is None else event in self._only

    def _notify(self, account_id: str, bucket: Any, change: ChangedObject) -> None:
        configured, around = bucket.notification_configuration, self._surroundings(account_id, bucket)
        if configured is None:
            return

        def body(configuration: Any) -> str:
            return json.dumps(s3_events.notification(change, around, configuration.id))

        for each in configured.cloud_function:
            if matches(each, change):
                self._deliveries.to_function(each.arn, body(each))
        for each in configured.queue:
            if matches(each, change):
                self._deliveries.to_queue(each.arn, QueueMessage(body(each)))
        for each in configured.topic:
            if matches(each, change):
                self._deliveries.to_topic(each.arn, body(each), _SUBJECT)
        event = (
            s3_events.bus_event(change, around, self._ports.new_id()) if configured.event_bridge is not None else None
        )
        if event is not None:
            for rule in list(events_backends[account_id][bucket.region_name].event_buses["default"].rules.values()):
                rule.send_to_targets(event)

    def _send_test_event(self, account_id: str, bucket: Any) -> None:
        configured = bucket.notification_configuration
        body = json.dumps(s3_events.configuration_event(self._surroundings(account_id, bucket)))
        for arn in dict.fromkeys(each.arn for each in configured.queue):
            self._deliveries.to_queue(arn, QueueMessage(body))
        for arn in dict.fromkeys(each.arn for each in configured.topic):
            self._deliveries.to_topic(arn, body, _SUBJECT)

    def _surroundings(self, account_id: str, bucket: Any) -> Surroundings:
        request, host = self._ports.new_id().replace("-", ""), self._ports.new_id() + self._ports.new_id()
        return Surroundings(
            bucket=bucket.name,
            partition=partition_of(bucket.region_name),
            region=bucket.region_name,
            account_id=account_id,
            time=self._ports.timestamp(),
            request_id=request[:16].upper(),
            host_id=base64.b64encode(host.replace("-", "")[:57].encode()).decode(),
        )

    def _next_sequencer(self) -> str:
        self._sequencer = max(self._sequencer + 1, self._ports.now() << _SEQUENCE_BITS)
        return f"{self._sequencer:018X}"


def matches(configuration: Any, change: ChangedObject) -> bool:
    """Return whether a bucket's configuration names the event, and its prefix and suffix fit the key.

    A prefix or suffix may be written as it is, or encoded, as AWS's console demands for special characters.
    """
    names = (f"s3:{change.event}", f"s3:{change.kind}:*")
    if not any(name in configuration.events for name in names):
        return False
    rules = configuration.filters.get("S3Key", {}).get("FilterRule", [])
    spellings = (change.key, encoded_key(change.key))
    return all(_fits(rule, spellings) for rule in ([rules] if isinstance(rules, dict) else rules))


def _fits(rule: dict[str, str], spellings: tuple[str, ...]) -> bool:
    value = rule["Value"] or ""
    if rule["Name"].lower() == "prefix":
        return any(key.startswith(value) for key in spellings)
    return any(key.endswith(value) for key in spellings)


def _time_of(expiry: Any) -> str | None:
    return f"{expiry:%Y-%m-%dT%H:%M:%S}.000Z" if expiry is not None else None
