"""Resource types of DynamoDB: tables, and global tables with their replica in the region of the stack.

Follows the pages ``AWS::DynamoDB::Table`` and ``AWS::DynamoDB::GlobalTable`` of the CloudFormation template reference.
Seen with moto 5.1.9 and 5.2.5: its template parser knows no global tables, ignores the time to live of tables, and
cannot update them; ``UpdateTable`` refuses a stream for a table that has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.stacks.engine import Advise
from pytest_lambda_esm.moto_bridge.stacks.kinds import Kind, Made, Properties, Wanted, gone_is_fine
from pytest_lambda_esm.moto_bridge.stacks.messaging import retag

_FIXED: Final = ("TableName", "KeySchema", "LocalSecondaryIndexes", "ImportSourceSpecification")
"""Properties whose change makes another table."""
_PARAMETERS: Final = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "OnDemandThroughput",
    "ProvisionedThroughput",
    "TableClass",
    "Tags",
    "WarmThroughput",
)
"""Properties that are parameters of CreateTable."""
_CHANGED: Final = ("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput")
"""Properties that UpdateTable changes; secondary indexes and the stream have their own calls."""
_IGNORED: Final = {
    "ImportSourceSpecification": "nothing is imported",
    "KinesisStreamSpecification": "changes of the table do not reach the stream",
}
"""Properties that a test would miss, with what is missing. Backups and insights are ignored silently."""


def types(advise: Advise) -> Mapping[str, Kind]:
    """Return the resource types by name; ``advise`` is told of properties that have no effect."""
    return {"AWS::DynamoDB::Table": TableKind(advise), "AWS::DynamoDB::GlobalTable": TableKind(advise, is_global=True)}


@dataclass(frozen=True, slots=True)
class TableKind:
    """``AWS::DynamoDB::Table`` or ``GlobalTable``: another name or key replaces the table."""

    advise: Advise
    is_global: bool = False

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """The names that ``Fn::GetAtt`` knows; a table without a stream has no StreamArn, and moto has no TableId."""
        return frozenset({"Arn", "StreamArn"})

    def create(self, wanted: Wanted) -> Made:
        """Create the table, its stream, indexes, tags and time to live."""
        stated = self._stated(wanted)
        name = str(stated.get("TableName") or wanted.name)
        params = {key: stated[key] for key in _PARAMETERS if stated.get(key)}
        stream = _stream(stated)
        if stream:
            params["StreamSpecification"] = stream
        if stated.get("SSESpecification"):
            params["SSESpecification"] = {
                {"SSEEnabled": "Enabled"}.get(key, key): value for key, value in stated["SSESpecification"].items()
            }
        answer = wanted.place.call("dynamodb", "CreateTable", {"TableName": name, **params})
        if _expiry(stated):
            self._expire(wanted, name, stated)
        return self._made(wanted, answer["TableDescription"])

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Change the table with UpdateTable, or make another one."""
        before, after = self._stated(made.wanted, is_new=False), self._stated(wanted)
        if any(before.get(key) != after.get(key) for key in _FIXED):
            return self.create(wanted)
        name, place = made.physical_id, wanted.place
        changes = {key: after[key] for key in _CHANGED if key in after and after[key] != before.get(key)}
        changed_indexes = _index_updates(before, after)
        if changes and not (set(changes) == {"AttributeDefinitions"} and changed_indexes):
            place.call("dynamodb", "UpdateTable", {"TableName": name, **changes})
        for update in changed_indexes:
            place.call(
                "dynamodb",
                "UpdateTable",
                {
                    "TableName": name,
                    "AttributeDefinitions": after["AttributeDefinitions"],
                    "GlobalSecondaryIndexUpdates": [update],
                },
            )
        self._change_stream(wanted, name, _stream(before), _stream(after))
        if _expiry(before) != _expiry(after):
            self._expire(wanted, name, after if _expiry(after) else {"TimeToLiveSpecification": _off(before)})
        retag(before, after, partial(self._tag, made), partial(self._untag, made))
        return self._made(wanted, place.call("dynamodb", "DescribeTable", {"TableName": name})["Table"])

    def delete(self, made: Made) -> None:
        """Delete the table."""
        with gone_is_fine():
            made.wanted.place.call("dynamodb", "DeleteTable", {"TableName": made.physical_id})

    def _stated(self, wanted: Wanted, is_new: bool = True) -> Properties:
        stated = _of_region(wanted) if self.is_global else wanted.properties
        if is_new:
            for name in sorted(_IGNORED.keys() & stated.keys()):
                about = f"{name} of the table {wanted.logical_id!r} has no effect"
                self.advise(wanted.logical_id, f"{about}: {_IGNORED[name]}")
        return stated

    def _change_stream(self, wanted: Wanted, name: str, before: Any, after: Any) -> None:
        if before == after:
            return
        for stream in ({"StreamEnabled": False} if before else None, after):
            if stream:
                wanted.place.call("dynamodb", "UpdateTable", {"TableName": name, "StreamSpecification": stream})

    def _expire(self, wanted: Wanted, name: str, stated: Properties) -> None:
        params = {"TableName": name, "TimeToLiveSpecification": stated["TimeToLiveSpecification"]}
        wanted.place.call("dynamodb", "UpdateTimeToLive", params)

    def _tag(self, made: Made, tags: list[Any]) -> None:
        self._untag(made, [tag["Key"] for tag in tags])  # moto adds a tag to those of the same key.
        made.wanted.place.call("dynamodb", "TagResource", {"ResourceArn": made.attributes["Arn"], "Tags": tags})

    def _untag(self, made: Made, keys: list[Any]) -> None:
        made.wanted.place.call("dynamodb", "UntagResource", {"ResourceArn": made.attributes["Arn"], "TagKeys": keys})

    def _made(self, wanted: Wanted, described: Mapping[str, Any]) -> Made:
        attributes = {"Arn": described["TableArn"]}
        if described.get("LatestStreamArn") and described.get("StreamSpecification", {}).get("StreamEnabled"):
            attributes["StreamArn"] = described["LatestStreamArn"]
        return Made(wanted=wanted, physical_id=described["TableName"], attributes=attributes)


def _of_region(wanted: Wanted) -> Properties:
    """Return a global table as the table that its replica in the stack's region is; capacity is on demand."""
    properties = wanted.properties
    replicas = properties.get("Replicas") or ()
    own: Properties = next((each for each in replicas if each.get("Region") == wanted.place.region), {})
    stated = {name: value for name, value in properties.items() if name not in ("Replicas", "BillingMode")}
    indexes = [
        {name: value for name, value in each.items() if not name.startswith("Write")}
        for each in properties.get("GlobalSecondaryIndexes") or ()
    ]
    replica = {name: own[name] for name in ("Tags", "DeletionProtectionEnabled", "TableClass") if name in own}
    return {**stated, **replica, "GlobalSecondaryIndexes": indexes, "BillingMode": "PAY_PER_REQUEST"}


def _stream(stated: Properties) -> dict[str, Any] | None:
    view = (stated.get("StreamSpecification") or {}).get("StreamViewType")
    return {"StreamEnabled": True, "StreamViewType": view} if view else None


def _expiry(stated: Properties) -> Any:
    given = stated.get("TimeToLiveSpecification") or {}
    return given.get("AttributeName") if str(given.get("Enabled", True)).lower() == "true" else None


def _off(before: Properties) -> dict[str, Any]:
    return {"AttributeName": _expiry(before), "Enabled": False}


def _index_updates(before: Properties, after: Properties) -> list[dict[str, Any]]:
    old, new = (
        {each["IndexName"]: each for each in stated.get("GlobalSecondaryIndexes") or ()} for stated in (before, after)
    )
    gone = [name for name in old if old[name] != new.get(name)]
    made = [each for name, each in new.items() if each != old.get(name)]
    return [{"Delete": {"IndexName": name}} for name in gone] + [{"Create": each} for each in made]
