"""``AWS::S3::Bucket``: moto's bucket, with the notifications, versions and tags that its template parser leaves out.

Follows the page ``AWS::S3::Bucket`` of the CloudFormation template reference. Seen with moto 5.1.9, 5.1.22, 5.2.0 and
5.2.5: ``FakeBucket.create_from_cloudformation_json`` and ``update_from_cloudformation_json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from moto.s3.models import FakeBucket

from pytest_lambda_esm.moto_bridge.stacks.kinds import Kind, Made, Properties, Wanted, gone_is_fine

_ATTRIBUTES: Final = ("Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL")
_TARGETS: Final = (
    ("LambdaConfigurations", "Function", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ("QueueConfigurations", "Queue", "QueueConfigurations", "QueueArn"),
    ("TopicConfigurations", "Topic", "TopicConfigurations", "TopicArn"),
)
"""The spelling of a template and that of the API, of each list of notifications and of the target in it."""


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return {"AWS::S3::Bucket": BucketKind()}


class BucketKind:
    """``AWS::S3::Bucket``: another name replaces it."""

    attribute_names: frozenset[str] | None = frozenset(_ATTRIBUTES)

    def create(self, wanted: Wanted) -> Made:
        """Create the bucket and put its configurations."""
        place = wanted.place
        name = str(wanted.properties.get("BucketName") or wanted.name)
        bucket = FakeBucket.create_from_cloudformation_json(name, _json(wanted), place.account_id, place.region)
        attributes = {attribute: bucket.get_cfn_attribute(attribute) for attribute in _ATTRIBUTES}
        made = Made(wanted=wanted, physical_id=name, attributes=attributes, known={"bucket": bucket})
        try:
            self._configure({}, made)
        except Exception:
            self.delete(made)
            raise
        return made

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Put the configurations that have changed, or make another bucket."""
        before, after = made.wanted.properties, wanted.properties
        if before.get("BucketName") != after.get("BucketName"):
            return self.create(wanted)
        place, name = wanted.place, made.physical_id
        json = {"Properties": {**after, "BucketName": name}}
        bucket = made.known["bucket"]
        FakeBucket.update_from_cloudformation_json(bucket, name, json, place.account_id, place.region)
        updated = Made(wanted=wanted, physical_id=name, attributes=made.attributes, known=made.known)
        self._configure(before, updated)
        return updated

    def delete(self, made: Made) -> None:
        """Delete the bucket. As on AWS, this is an error while it has objects."""
        with gone_is_fine():
            made.wanted.place.call("s3", "DeleteBucket", {"Bucket": made.physical_id})

    def _configure(self, before: Properties, made: Made) -> None:
        after, place, bucket = made.wanted.properties, made.wanted.place, {"Bucket": made.physical_id}
        if before.get("VersioningConfiguration") != after.get("VersioningConfiguration"):
            versions = after.get("VersioningConfiguration") or {"Status": "Suspended"}
            place.call("s3", "PutBucketVersioning", {**bucket, "VersioningConfiguration": versions})
        if before.get("NotificationConfiguration") != after.get("NotificationConfiguration"):
            notifications = _notifications(after.get("NotificationConfiguration") or {})
            params = {**bucket, "NotificationConfiguration": notifications}
            place.call("s3", "PutBucketNotificationConfiguration", params)
        if before.get("Tags") and not after.get("Tags"):
            place.call("s3", "DeleteBucketTagging", bucket)


def _json(wanted: Wanted) -> dict[str, Any]:
    return {"Type": wanted.type, "Properties": dict(wanted.properties)}


def _notifications(stated: Properties) -> dict[str, Any]:
    """Return the parameter of PutBucketNotificationConfiguration; a template states one event in each entry."""
    configuration: dict[str, Any] = {
        theirs: [
            {theirs_target: entry.get(target), "Events": [entry.get("Event")], "Filter": _filter(entry)}
            for entry in stated[ours]
        ]
        for ours, target, theirs, theirs_target in _TARGETS
        if stated.get(ours)
    }
    bridge = stated.get("EventBridgeConfiguration")
    # EventBridgeEnabled is true by default.
    if bridge is not None and str(bridge.get("EventBridgeEnabled", True)).lower() == "true":
        configuration["EventBridgeConfiguration"] = {}
    return configuration


def _filter(entry: Properties) -> dict[str, Any] | None:
    rules = ((entry.get("Filter") or {}).get("S3Key") or {}).get("Rules")
    return {"Key": {"FilterRules": rules}} if rules else None
