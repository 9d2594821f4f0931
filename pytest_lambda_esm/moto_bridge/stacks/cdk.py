"""Custom resources that CDK adds to a template by itself, and whose functions are in JavaScript.

``log_retention`` of a function creates ``Custom::LogRetention``, and ``auto_delete_objects`` of a bucket
``Custom::S3AutoDeleteObjects``. Their functions do not run here, so what they do is done without them. Follows the
sources of ``aws-cdk-lib`` 2.260: ``log-retention-handler`` and ``auto-delete-objects-handler``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.moto_bridge.stacks.kinds import Kind, Made, Wanted, gone_is_fine


def types(custom: Kind) -> Mapping[str, Kind]:
    """Return the resource types by name; ``custom`` makes those of other tools, whose functions run here."""
    return {
        "Custom::LogRetention": OfCdk(custom, _retain, _forget_logs),
        "Custom::S3AutoDeleteObjects": OfCdk(custom, _nothing, _empty),
    }


@dataclass(frozen=True, slots=True)
class OfCdk:
    """A custom resource of CDK; ``put`` creates and updates it and returns its physical id, ``remove`` deletes it."""

    custom: Kind
    put: Callable[[Wanted], str]
    remove: Callable[[Made], None]

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """Any name is allowed, as for each custom resource."""
        return None

    def create(self, wanted: Wanted) -> Made:
        """Do what the function does, or run it if its language is Python."""
        if not _is_foreign(wanted):
            return self.custom.create(wanted)
        physical_id = self.put(wanted)
        return Made(wanted=wanted, physical_id=physical_id, attributes={"LogGroupName": physical_id}, known={"": self})

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Do it again."""
        return self.create(wanted) if made.known else self.custom.update(made, wanted)

    def delete(self, made: Made) -> None:
        """Do what the function does for a deletion."""
        if made.known:
            with gone_is_fine():
                self.remove(made)
        else:
            self.custom.delete(made)


def _is_foreign(wanted: Wanted) -> bool:
    token = str(wanted.properties.get("ServiceToken"))
    try:
        found = wanted.place.call("lambda", "GetFunctionConfiguration", {"FunctionName": token})
    except ApiError:
        return False
    return str(found.get("Runtime", "")).startswith("nodejs")


def _retain(wanted: Wanted) -> str:
    name, days = str(wanted.properties["LogGroupName"]), wanted.properties.get("RetentionInDays")
    group = {"logGroupName": name}
    try:
        wanted.place.call("logs", "CreateLogGroup", group)
    except ApiError as problem:
        if problem.code != "ResourceAlreadyExistsException":
            raise
    if days is None:
        wanted.place.call("logs", "DeleteRetentionPolicy", group)
    else:
        wanted.place.call("logs", "PutRetentionPolicy", {**group, "retentionInDays": days})
    return name


def _forget_logs(made: Made) -> None:
    if made.wanted.properties.get("RemovalPolicy") == "destroy":
        made.wanted.place.call("logs", "DeleteLogGroup", {"logGroupName": made.physical_id})


def _nothing(wanted: Wanted) -> str:
    return wanted.name


def _empty(made: Made) -> None:
    """Delete all versions of all objects of the bucket."""
    place, bucket = made.wanted.place, {"Bucket": made.wanted.properties["BucketName"]}
    marks: dict[str, Any] = {}
    while True:
        page = place.call("s3", "ListObjectVersions", {**bucket, **marks})
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            place.call("s3", "DeleteObject", {**bucket, "Key": each["Key"], "VersionId": each["VersionId"]})
        if not page.get("IsTruncated"):
            return
        marks = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker")}
