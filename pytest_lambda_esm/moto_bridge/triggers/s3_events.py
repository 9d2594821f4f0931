"""The contents of S3's event notifications.

Follows "Event message structure" and, for EventBridge, "Amazon S3 EventBridge event message structure". The tables
below say which members an event of a kind has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote_plus

SOURCE_IP: Final = "127.0.0.1"

_NO_CONTENT: Final = "d41d8cd98f00b204e9800998ecf8427e"
"""The ETag of a delete marker (in AWS's sample, and in events that users have published): the MD5 of nothing."""

_LATER_VERSIONS: Final = MappingProxyType(
    {"Replication": "2.2", "LifecycleExpiration": "2.3", "ObjectAcl": "2.3", "ObjectTagging": "2.3"}
)
"""The eventVersion of kinds of events that came after 2.1."""

_DETAIL_TYPES: Final = MappingProxyType(
    {
        "ObjectCreated": "Object Created",
        "ObjectRemoved": "Object Deleted",
        "LifecycleExpiration": "Object Deleted",
        "ObjectRestore:Post": "Object Restore Initiated",
        "ObjectRestore:Completed": "Object Restore Completed",
        "ObjectRestore:Delete": "Object Restore Expired",
        "ObjectTagging:Put": "Object Tags Added",
        "ObjectTagging:Delete": "Object Tags Deleted",
        "ObjectAcl": "Object ACL Updated",
    }
)

_REASONS: Final = MappingProxyType(
    {
        "ObjectCreated:Put": "PutObject",
        "ObjectCreated:Post": "POST Object",
        "ObjectCreated:Copy": "CopyObject",
        "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
        "ObjectRemoved:Delete": "DeleteObject",
        "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
    }
)

_SIZED: Final = frozenset({"ObjectCreated", "ObjectRestore"})
_SEQUENCED: Final = frozenset({"ObjectCreated", "ObjectRemoved", "LifecycleExpiration"})


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """What happened to an object: ``event`` is a name such as ``ObjectCreated:Put``.

    ``key`` is as the client wrote it. ``version_id`` is None in a bucket without versions, ``etag`` and ``size`` are
    None for an object that is gone. ``restored_until`` and ``storage_class`` belong to a restore.
    """

    event: str
    key: str
    sequencer: str
    size: int | None = None
    etag: str | None = None
    version_id: str | None = None
    restored_until: str | None = None
    storage_class: str | None = None

    @property
    def kind(self) -> str:
        """The part of the name before the colon."""
        return self.event.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The bucket and the request of an event. ``time`` is in UTC, with milliseconds."""

    bucket: str
    partition: str
    region: str
    account_id: str
    time: str
    request_id: str
    host_id: str

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"


def encoded_key(key: str) -> str:
    """Return a key as notifications encode it: like a form, but slashes stay. EventBridge gets keys as they are."""
    return quote_plus(key, safe="/")


def notification(change: ChangedObject, around: Surroundings, configuration_id: str) -> dict[str, Any]:
    """Return the event that functions, queues and topics get."""
    record: dict[str, Any] = {
        "eventVersion": _LATER_VERSIONS.get(change.kind, "2.3" if change.event == "ObjectRestore:Delete" else "2.1"),
        "eventSource": "aws:s3",
        "awsRegion": around.region,
        "eventTime": around.time,
        "eventName": change.event,
        "userIdentity": {"principalId": f"AWS:{around.account_id}"},
        "requestParameters": {"sourceIPAddress": SOURCE_IP},
        "responseElements": {"x-amz-request-id": around.request_id, "x-amz-id-2": around.host_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {
                "name": around.bucket,
                "ownerIdentity": {"principalId": _owner(around.account_id)},
                "arn": around.bucket_arn,
            },
            "object": _object(change),
        },
    }
    if change.restored_until is not None:
        restored = {
            "lifecycleRestorationExpiryTime": change.restored_until,
            "lifecycleRestoreStorageClass": change.storage_class,
        }
        record["glacierEventData"] = {"restoreEventData": restored}
    return {"Records": [record]}


def _object(change: ChangedObject) -> dict[str, Any]:
    members: dict[str, Any] = {"key": encoded_key(change.key)}
    if change.kind in _SIZED:
        members["size"] = change.size
    etag = _etag(change)
    if etag is not None:
        members["eTag"] = etag
    if change.version_id is not None:
        members["versionId"] = change.version_id
    if change.kind in _SEQUENCED:
        members["sequencer"] = change.sequencer
    return members


def _etag(change: ChangedObject) -> str | None:
    return _NO_CONTENT if change.event.endswith(":DeleteMarkerCreated") else change.etag


def configuration_event(around: Surroundings) -> dict[str, Any]:
    """Return what queues and topics get when a bucket's notifications are configured."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": around.time,
        "Bucket": around.bucket,
        "RequestId": around.request_id,
        "HostId": around.host_id,
    }


def bus_event(change: ChangedObject, around: Surroundings, event_id: str) -> dict[str, Any] | None:
    """Return the event that EventBridge gets, or None for a kind that S3 does not send there."""
    detail_type = _DETAIL_TYPES.get(change.event) or _DETAIL_TYPES.get(change.kind)
    if detail_type is None:
        return None
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": "aws.s3",
        "account": around.account_id,
        "time": f"{around.time[:19]}Z",
        "region": around.region,
        "resources": [around.bucket_arn],
        "detail": _detail(change, around),
    }


def _detail(change: ChangedObject, around: Surroundings) -> dict[str, Any]:
    found: dict[str, Any] = {"key": change.key}
    if change.kind in _SIZED:
        found["size"] = change.size
    found.update({name: value for name, value in (("etag", _etag(change)), ("version-id", change.version_id)) if value})
    if change.kind in _SEQUENCED:
        found["sequencer"] = change.sequencer
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": around.bucket},
        "object": found,
        "request-id": around.request_id,
        "requester": around.account_id,
        "source-ip-address": SOURCE_IP,
    }
    return {**detail, **_more(change)}


def _more(change: ChangedObject) -> Mapping[str, Any]:
    """Return the members of an event's detail that only some kinds have."""
    more: dict[str, Any] = {}
    if change.event in _REASONS:
        more["reason"] = _REASONS[change.event]
    if change.kind == "ObjectRemoved":
        marked = change.event.endswith(":DeleteMarkerCreated")
        more["deletion-type"] = "Delete Marker Created" if marked else "Permanently Deleted"
    if change.restored_until is not None:
        more["restore-expiry-time"] = f"{change.restored_until[:19]}Z"
    if change.storage_class is not None:
        more["source-storage-class"] = change.storage_class
    return more


def _owner(account_id: str) -> str:
    """Return the id of a bucket's owner: like AWS's, it does not show the account."""
    return f"A{hashlib.sha256(account_id.encode()).hexdigest()[:13].upper()}"
