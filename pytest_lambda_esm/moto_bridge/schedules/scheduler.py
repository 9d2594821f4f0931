"""Schedules of EventBridge Scheduler: when they are due, and what they send to their target.

This follows the pages "Schedule types", "Adding context attributes" and "Configuring a dead-letter queue" of
EventBridge Scheduler, and CreateSchedule of its API reference. Seen with moto 5.1.9, 5.1.22 and 5.2.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from moto.scheduler.exceptions import ValidationException

from pytest_lambda_esm.arn import partition_of
from pytest_lambda_esm.destinations import Message, Sender
from pytest_lambda_esm.moto_bridge.schedules.universal import templated
from pytest_lambda_esm.schedules import expressions
from pytest_lambda_esm.schedules.agenda import Plan
from pytest_lambda_esm.schedules.cron import Cron
from pytest_lambda_esm.schedules.deliveries import Delivery
from pytest_lambda_esm.schedules.expressions import At, ExpressionError
from pytest_lambda_esm.schedules.service import RetryPolicy, Scheduling, belongs_to, second_of
from pytest_lambda_esm.schedules.timetable import Timetable
from pytest_lambda_esm.timing import MICROSECONDS, instant_of

_UTC: Final = "UTC"
_ENABLED: Final = "ENABLED"
_DELETE: Final = "DELETE"
_EVENT_BUS: Final = ":event-bus/"
_NOT_PERMITTED: Final = {"sqs": "AccessDenied", "sns": "AuthorizationError"}
"""The codes with which services refuse calls that are not permitted, where these are not AccessDeniedException."""
_NOT_ASSUMABLE: Final = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


class Schedules:
    """Keeps the agenda in step with moto's schedules."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    def check(self, backend: Any, parameters: Mapping[str, Any]) -> None:
        """Refuse a schedule that AWS refuses; the texts were chosen, except for that of the expression (reported)."""
        backend.get_schedule_group(parameters.get("group_name"))  # moto has a KeyError for a group that is missing.
        text = parameters["schedule_expression"]
        try:
            expressions.of_schedule(text)
        except ExpressionError:
            raise ValidationException(f"Invalid Schedule Expression {text}.") from None
        name = parameters.get("schedule_expression_timezone")
        try:
            _zone(name)
        except (ValueError, OSError, KeyError):
            raise ValidationException(f"Invalid ScheduleExpressionTimezone {name}.") from None
        group, target = parameters.get("group_name") or "default", parameters["target"]
        if self._scheduling.refuses_role(_sender(_arn(backend, group, parameters["name"]), target)):
            raise ValidationException(_NOT_ASSUMABLE)

    def changed(self, backend: Any, schedule: Any, *, created: bool = False) -> None:
        """Follow the creation or a change; a rate goes on counting if what decides about its times is the same."""
        plan = self._scheduling.agenda.find(schedule.arn)
        timing = (_timing(schedule), schedule.state == _ENABLED)
        if created or plan is None or (plan.expression, plan.enabled) != timing:
            self._plan(backend, schedule, first=True)

    def deleted(self, schedule: Any) -> None:
        """Follow the deletion of a schedule."""
        self._scheduling.agenda.drop(schedule.arn)

    def adopt(self, backend: Any, schedule: Any) -> None:
        """Take over a schedule that moto had before; one that AWS refuses is named by advice."""
        try:
            self._plan(backend, schedule, first=False)
        except (ValueError, OSError, KeyError) as error:
            self._scheduling.advise(schedule.arn, f"the schedule {schedule.name} is never due: {error}")

    def forget_place(self, account_id: str, region: str) -> None:
        """Drop the schedules of a region that was reset in moto."""
        self._scheduling.agenda.drop_all(belongs_to("scheduler", account_id, region))

    # --- inside ------------------------------------------------------------------------------------------

    def _plan(self, backend: Any, schedule: Any, *, first: bool) -> None:
        """Put a schedule on the agenda. With ``first``, a rate without a start is due at once (documented)."""
        now = self._scheduling.now()
        expression, start = expressions.of_schedule(schedule.schedule_expression), _instant(schedule.start_date)
        timetable = Timetable(
            expression=expression,
            anchor=start if start is not None else now,
            zone=_zone(schedule.schedule_expression_timezone),
            start=start,
            end=_instant(schedule.end_date),
        )
        group, name = schedule.group_name, schedule.name
        plan = Plan(
            key=schedule.arn,
            label=f"schedule {group}/{name}",
            expression=_timing(schedule),
            timetable=timetable,
            fire=lambda due: self._fire(backend, group, name, due),
            targets=lambda: [found.target["Arn"] for found in [_find(backend, group, name)] if found is not None],
            enabled=schedule.state == _ENABLED,
        )
        counts_now = isinstance(expression, At) or (first and not isinstance(expression, Cron))
        self._scheduling.agenda.put(plan, since=now - 1 if counts_now else now)
        if isinstance(expression, At) and plan.enabled and self._scheduling.agenda.is_over(schedule.arn):
            self._scheduling.advise(schedule.arn, f"{plan.label} is never due: {plan.expression} has passed")

    def _fire(self, backend: Any, group: str, name: str, due: int) -> None:
        schedule = _find(backend, group, name)
        plan = self._scheduling.agenda.find(schedule.arn) if schedule is not None else None
        if schedule is None or plan is None:
            return
        self._scheduling.note_due(plan)
        target = templated(schedule.target, backend.account_id, backend.region_name)
        if self._scheduling.accepts(plan, (target or schedule.target)["Arn"]) and target is not None:
            self._send(plan, schedule, target, due, lambda: self._complete(backend, schedule))
        else:
            self._complete(backend, schedule)

    def _send(
        self, plan: Plan, schedule: Any, target: Mapping[str, Any], due: int, settled: Callable[[], None]
    ) -> None:
        execution = f"{self._scheduling.randomness.getrandbits(64):016x}"
        occurrence = Occurrence(schedule.arn, due, execution, self._scheduling.new_id())
        policy, arn = RetryPolicy.of(target), target["Arn"]
        delivery = Delivery(
            subject=plan.label,
            target=arn,
            message=lambda attempt: _message(target, occurrence, attempt),
            accepted=due,
            retries=policy.retries,
            age=policy.age,
            dead_letter=policy.dead_letter,
            about={
                "SCHEDULE_ARN": schedule.arn,
                "TARGET_ARN": schedule.target["Arn"],
                "EXECUTION_ID": execution,
                "SCHEDULED_TIME": second_of(due),
                "IS_PAYLOAD_TRUNCATED": "false",
            },
            settled=settled,
            sender=_sender(schedule.arn, schedule.target),
            not_permitted=_NOT_PERMITTED.get(arn.split(":")[2], "AccessDeniedException"),
        )
        self._scheduling.deliveries.send(delivery, due + self._flexibility(schedule.flexible_time_window))

    def _flexibility(self, window: Mapping[str, Any] | None) -> int:
        """Return how late a schedule is invoked, a random time within its window, in microseconds."""
        if not window or window.get("Mode") != "FLEXIBLE":
            return 0
        seconds = int(window.get("MaximumWindowInMinutes") or 0) * 60
        return self._scheduling.randomness.randrange(seconds + 1) * MICROSECONDS

    def _complete(self, backend: Any, schedule: Any) -> None:
        """Delete a schedule with ``ActionAfterCompletion`` whose last occurrence was delivered or given up."""
        if schedule.action_after_completion != _DELETE or not self._scheduling.agenda.is_over(schedule.arn):
            return
        if _find(backend, schedule.group_name, schedule.name) is schedule and schedule.state == _ENABLED:
            backend.delete_schedule(schedule.group_name, schedule.name)


def _sender(arn: str, target: Mapping[str, Any]) -> Sender:
    role, account_id = str(target.get("RoleArn") or ""), arn.split(":")[4]
    return Sender(service="scheduler.amazonaws.com", arn=arn, account_id=account_id, role=role)


def _arn(backend: Any, group: str, name: str) -> str:
    place = f"{partition_of(backend.region_name)}:scheduler:{backend.region_name}:{backend.account_id}"
    return f"arn:{place}:schedule/{group}/{name}"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of a schedule: when it was due, the id of its execution, and the id of the default event."""

    schedule_arn: str
    due: int
    execution: str
    event_id: str

    def fill(self, text: str, attempt: int) -> str:
        """Replace the context attributes in the input of a target."""
        values = {
            "schedule-arn": self.schedule_arn,
            "scheduled-time": second_of(self.due),
            "execution-id": self.execution,
            "attempt-number": str(attempt),
        }
        for name, value in values.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text

    def event(self) -> str:
        """Return what a target without input gets; ``detail`` is text (reported)."""
        _, _, _, region, account_id, _ = self.schedule_arn.split(":", 5)
        event = {
            "version": "0",
            "id": self.event_id,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account_id,
            "time": second_of(self.due),
            "region": region,
            "resources": [self.schedule_arn],
            "detail": "{}",
        }
        return json.dumps(event)


def _message(target: Mapping[str, Any], occurrence: Occurrence, attempt: int) -> Message:
    given = target.get("Input")
    bus = target.get("EventBridgeParameters") or {}
    default = "{}" if _EVENT_BUS in target["Arn"] else occurrence.event()
    return Message(
        body=occurrence.fill(given, attempt) if given else default,
        group=(target.get("SqsParameters") or {}).get("MessageGroupId") or "",
        partition_key=(target.get("KinesisParameters") or {}).get("PartitionKey") or "",
        source=bus.get("Source") or "",
        detail_type=bus.get("DetailType") or "",
        resources=(occurrence.schedule_arn,),
    )


def _find(backend: Any, group: str, name: str) -> Any:
    found = backend.schedule_groups.get(group)
    return found.schedules.get(name) if found is not None else None


def _timing(schedule: Any) -> str:
    """Describe everything that decides when a schedule is due."""
    parts = [schedule.schedule_expression]
    zone = schedule.schedule_expression_timezone
    if zone and zone != _UTC:
        parts.append(zone)
    for word, given in (("from", schedule.start_date), ("until", schedule.end_date)):
        instant = _instant(given)
        if instant is not None:
            parts.append(f"{word} {second_of(instant)}")
    return " ".join(parts)


def _zone(name: str | None) -> tzinfo:
    return ZoneInfo(name) if name and name != _UTC else timezone.utc


def _instant(given: Any) -> int | None:
    """Read a date: seconds since the epoch from clients, ISO text from templates."""
    if given is None or given == "":
        return None
    if isinstance(given, (int, float)):
        return round(given * MICROSECONDS)
    moment = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
    return instant_of(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
