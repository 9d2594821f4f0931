"""Resource types that send events on: event buses, rules, schedules, pipes and subscription filters of logs.

Follows the pages ``AWS::Events::EventBus``, ``AWS::Events::Rule``, ``AWS::Scheduler::Schedule``, ``ScheduleGroup``,
``AWS::Pipes::Pipe`` and ``AWS::Logs::SubscriptionFilter`` of the CloudFormation template reference. Seen with moto
5.1.9, 5.1.22, 5.2.0 and 5.2.5: its template parser knows rules and buses only, makes another rule with each update, and
has no Ref of a bus; older versions have no pipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.stacks.kinds import ApiKind, Kind, Made, Properties, Wanted, as_text, gone_is_fine


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return _TYPES


class RuleKind:
    """``AWS::Events::Rule`` with its targets: another name or event bus replaces it."""

    attribute_names: frozenset[str] | None = frozenset({"Arn"})

    def create(self, wanted: Wanted) -> Made:
        """Put the rule and its targets."""
        return self._put(wanted, str(wanted.properties.get("Name") or wanted.name))

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Put the rule and its targets again, and remove the targets that are no longer stated."""
        before, after = made.wanted.properties, wanted.properties
        if any(before.get(name) != after.get(name) for name in ("Name", "EventBusName")):
            return self.create(wanted)
        updated = self._put(wanted, made.known["Name"])
        self._remove(made, [target for target in _ids(before) if target not in _ids(after)])
        return updated

    def delete(self, made: Made) -> None:
        """Remove the targets and delete the rule."""
        with gone_is_fine():
            self._remove(made, _ids(made.wanted.properties))
        with gone_is_fine():
            made.wanted.place.call("events", "DeleteRule", made.known)

    def _put(self, wanted: Wanted, name: str) -> Made:
        properties = wanted.properties
        stated = {key: value for key, value in properties.items() if key != "Targets"}
        bus = properties.get("EventBusName")
        known = {"Name": name, "EventBusName": bus}
        pattern = {"EventPattern": as_text(properties.get("EventPattern"))}
        place = wanted.place
        arn = place.call("events", "PutRule", {**stated, **pattern, "Name": name})["RuleArn"]
        targets = properties.get("Targets")
        if targets:
            place.call("events", "PutTargets", {"Rule": name, "EventBusName": bus, "Targets": targets})
        # The Ref of a rule of another event bus has both names.
        named = str(bus or "default").rpartition("/")[2]
        physical_id = name if named == "default" else f"{named}|{name}"
        return Made(wanted=wanted, physical_id=physical_id, attributes={"Arn": arn}, known=known)

    def _remove(self, made: Made, targets: list[str]) -> None:
        if targets:
            rule = {"Rule": made.known["Name"], "EventBusName": made.known["EventBusName"], "Ids": targets}
            made.wanted.place.call("events", "RemoveTargets", rule)


def _ids(properties: Properties) -> list[Any]:
    return [target.get("Id") for target in properties.get("Targets") or ()]


_TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::Events::EventBus": ApiKind(
            service="events",
            creates="CreateEventBus",
            deletes="DeleteEventBus",
            physical_id="{Name}",
            identity={"Name": "{Name}"},
            attributes={"Arn": "{EventBusArn}", "Name": "{Name}"},
            named="Name",
        ),
        "AWS::Events::Rule": RuleKind(),
        "AWS::Logs::SubscriptionFilter": ApiKind(
            service="logs",
            creates="PutSubscriptionFilter",
            updates="PutSubscriptionFilter",
            deletes="DeleteSubscriptionFilter",
            physical_id="{FilterName}",
            identity={"logGroupName": "{LogGroupName}", "filterName": "{FilterName}"},
            named="FilterName",
            fixed=("LogGroupName", "FilterName"),
        ),
        "AWS::Pipes::Pipe": ApiKind(
            service="pipes",
            creates="CreatePipe",
            updates="UpdatePipe",
            deletes="DeletePipe",
            physical_id="{Name}",
            identity={"Name": "{Name}"},
            attributes={
                "Arn": "{Arn}",
                "CreationTime": "{CreationTime}",
                "CurrentState": "{CurrentState}",
                "LastModifiedTime": "{LastModifiedTime}",
            },
            named="Name",
            fixed=("Name", "Source"),
            resets={"Description": "", "DesiredState": "RUNNING", "Enrichment": ""},
        ),
        "AWS::Scheduler::Schedule": ApiKind(
            service="scheduler",
            creates="CreateSchedule",
            updates="UpdateSchedule",
            deletes="DeleteSchedule",
            physical_id="{Name}",
            identity={"Name": "{Name}", "GroupName": "{GroupName}"},
            attributes={"Arn": "{ScheduleArn}"},
            named="Name",
            fixed=("Name", "GroupName"),
        ),
        "AWS::Scheduler::ScheduleGroup": ApiKind(
            service="scheduler",
            creates="CreateScheduleGroup",
            deletes="DeleteScheduleGroup",
            physical_id="{Name}",
            identity={"Name": "{Name}"},
            attributes={"Arn": "{ScheduleGroupArn}"},
            named="Name",
        ),
    }
)
