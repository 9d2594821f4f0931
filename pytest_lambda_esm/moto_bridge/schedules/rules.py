"""Scheduled rules of EventBridge: what they send to their targets, and when.

This follows the page "Creating a scheduled rule (legacy) in Amazon EventBridge". Cron expressions are in UTC, and due
at the start of their minute. A rate counts from the rule's creation or enabling, or from the start of the fake for a
rule that moto had before. Seen with moto 5.1.9, 5.1.22 and 5.2.5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from moto.events.exceptions import ValidationException

from pytest_lambda_esm.destinations import Message, Sender
from pytest_lambda_esm.moto_bridge.triggers.inputs import target_input
from pytest_lambda_esm.schedules import expressions
from pytest_lambda_esm.schedules.agenda import Plan
from pytest_lambda_esm.schedules.deliveries import Delivery
from pytest_lambda_esm.schedules.expressions import ExpressionError
from pytest_lambda_esm.schedules.service import RetryPolicy, Scheduling, belongs_to, second_of
from pytest_lambda_esm.schedules.timetable import Timetable

_DISABLED: Final = "DISABLED"
_SOURCE: Final = "aws.events"
_DETAIL_TYPE: Final = "Scheduled Event"


class ScheduledRules:
    """Keeps the agenda in step with moto's rules."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._scheduling = scheduling

    def check(self, expression: str) -> None:
        """Refuse an invalid expression as EventBridge does (recorded)."""
        try:
            expressions.of_rule(expression)
        except ExpressionError:
            raise ValidationException("Parameter ScheduleExpression is not valid.") from None

    def changed(self, backend: Any, name: str) -> None:
        """Follow a change of a rule. A rate goes on counting if neither the expression nor the state has changed."""
        rule = _rule(backend, name)
        key = rule.arn if rule is not None else _arn(backend, name)
        if rule is None or not rule.scheduled_expression:
            self._scheduling.agenda.drop(key)
            return
        plan = self._scheduling.agenda.find(key)
        timing = (rule.scheduled_expression, rule.state != _DISABLED)
        if plan is None or (plan.expression, plan.enabled) != timing:
            self._plan(backend, rule)

    def adopt(self, backend: Any, name: str) -> None:
        """Take over a rule that moto had before; one with an expression that AWS refuses is named by advice."""
        rule: Any = _rule(backend, name)
        try:
            self.changed(backend, name)
        except ExpressionError as error:
            self._scheduling.advise(rule.arn, f"the rule {name} is never due: {error}")

    def forget_place(self, account_id: str, region: str) -> None:
        """Drop the rules of a region that was reset in moto."""
        self._scheduling.agenda.drop_all(belongs_to("events", account_id, region))

    # --- inside ------------------------------------------------------------------------------------------

    def _plan(self, backend: Any, rule: Any) -> None:
        now = self._scheduling.now()
        expression = expressions.of_rule(rule.scheduled_expression)
        plan = Plan(
            key=rule.arn,
            label=f"rule {rule.name}",
            expression=rule.scheduled_expression,
            timetable=Timetable(expression=expression, anchor=now),
            fire=lambda due: self._fire(backend, rule.name, due),
            targets=lambda: _targets(backend, rule.name),
            enabled=rule.state != _DISABLED,
        )
        self._scheduling.agenda.put(plan, since=now)

    def _fire(self, backend: Any, name: str, due: int) -> None:
        rule = _rule(backend, name)
        plan = self._scheduling.agenda.find(rule.arn) if rule is not None else None
        if rule is None or plan is None:
            return
        self._scheduling.note_due(plan)
        event = {
            "version": "0",
            "id": self._scheduling.new_id(),
            "detail-type": _DETAIL_TYPE,
            "source": _SOURCE,
            "account": rule.account_id,
            "time": second_of(due),
            "region": rule.region_name,
            "resources": [rule.arn],
            "detail": {},
        }
        for target in list(rule.targets):
            if self._scheduling.accepts(plan, target["Arn"]):
                self._send(plan, target, event, due)

    def _send(self, plan: Plan, target: Mapping[str, Any], event: Mapping[str, Any], due: int) -> None:
        policy, arn = RetryPolicy.of(target), target["Arn"]
        self._scheduling.deliveries.send(
            Delivery(
                subject=plan.label,
                target=arn,
                message=partial(_message, plan, target, event),
                accepted=due,
                retries=policy.retries,
                age=policy.age,
                dead_letter=policy.dead_letter,
                about={"RULE_ARN": plan.key, "TARGET_ARN": arn},
                sender=Sender(
                    service="events.amazonaws.com",
                    arn=plan.key,
                    account_id=event["account"],
                    role=target.get("RoleArn") or "",
                ),
            )
        )


def _rule(backend: Any, name: str) -> Any:
    return backend.event_buses["default"].rules.get(name)


def _arn(backend: Any, name: str) -> str:
    bus: str = backend.event_buses["default"].arn
    return f"{bus.rpartition(':')[0]}:rule/{name}"


def _targets(backend: Any, name: str) -> list[str]:
    rule = _rule(backend, name)
    return [target["Arn"] for target in rule.targets] if rule is not None else []


def _message(plan: Plan, target: Mapping[str, Any], event: Mapping[str, Any], attempt: int) -> Message:
    """Return what a target gets; an event bus gets the event itself."""
    if ":event-bus/" in target["Arn"]:
        return Message(
            body=json.dumps(event["detail"]),
            source=_SOURCE,
            detail_type=_DETAIL_TYPE,
            resources=tuple(event["resources"]),
        )
    return Message(
        body=target_input(target, event, plan.key, plan.label.removeprefix("rule ")),
        group=(target.get("SqsParameters") or {}).get("MessageGroupId") or "",
        partition_key=_partition_key(target, event),
    )


def _partition_key(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """Return the value at ``PartitionKeyPath``, or the event's id without one (documented)."""
    path = (target.get("KinesisParameters") or {}).get("PartitionKeyPath")
    if not path:
        return str(event["id"])
    value = json.loads(target_input({"InputPath": path}, event))
    return value if isinstance(value, str) else json.dumps(value)
