"""Notices scheduled rules and schedules as they come, change and go, whoever changes them: clients, stacks, moto.

Nothing else of schedules is imported before there is one. Three faults of moto are mended: UpdateSchedule ignores
``ActionAfterCompletion``, and leaves a schedule without a state where the request has none; and a rule that has only a
schedule gets every event of the default bus.

Seen with moto 5.1.9, 5.1.22 and 5.2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from moto.events.models import EventsBackend, Rule, events_backends
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends
from moto.scheduler.responses import EventBridgeSchedulerResponse

from pytest_lambda_esm.moto_bridge.lookups import backends_in
from pytest_lambda_esm.patching import Patches, original_of

if TYPE_CHECKING:
    from pytest_lambda_esm.moto_bridge.schedules.rules import ScheduledRules
    from pytest_lambda_esm.moto_bridge.schedules.scheduler import Schedules

_BUS: Final = "default"
"""The only bus whose rules can have a schedule."""
_RULE_CHANGES: Final = ("delete_rule", "enable_rule", "disable_rule")


def install_rules(patches: Patches, rules: Callable[[], ScheduledRules]) -> None:
    """Report every change of a scheduled rule; ``rules`` is called when there is one."""
    put_rule = original_of(EventsBackend, "put_rule")
    send = original_of(Rule, "send_to_targets")

    def put_and_report(backend: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        expression = kwargs.get("scheduled_expression")
        if expression:
            rules().check(expression)
        known = _is_scheduled(backend, name)
        rule = put_rule(backend, name, *args, **kwargs)
        if known or _is_scheduled(backend, name):
            rules().changed(backend, name)
        return rule

    def send_unless_only_scheduled(rule: Any, *args: Any, **kwargs: Any) -> Any:
        if rule.scheduled_expression and not rule.event_pattern.dump():
            return None
        return send(rule, *args, **kwargs)

    patches.set(EventsBackend, "put_rule", put_and_report)
    patches.set(Rule, "send_to_targets", send_unless_only_scheduled)
    for change in _RULE_CHANGES:
        patches.set(EventsBackend, change, _reporting(original_of(EventsBackend, change), rules))
    reset = original_of(EventsBackend, "reset")
    patches.set(EventsBackend, "reset", _forgetting(reset, _has_scheduled_rules, rules))
    for backend in backends_in(events_backends):
        for name in _scheduled(backend):
            rules().adopt(backend, name)


def _reporting(original: Callable[..., Any], rules: Callable[[], ScheduledRules]) -> Callable[..., Any]:
    def change(backend: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        known = _is_scheduled(backend, name)
        answer = original(backend, name, *args, **kwargs)
        if known:
            rules().changed(backend, name)
        return answer

    return change


def _scheduled(backend: Any) -> Iterator[str]:
    bus = backend.event_buses.get(_BUS)
    if bus is not None:
        yield from (name for name, rule in list(bus.rules.items()) if rule.scheduled_expression)


def _is_scheduled(backend: Any, name: str) -> bool:
    bus = backend.event_buses.get(_BUS)
    rule = bus.rules.get(name) if bus is not None else None
    return rule is not None and bool(rule.scheduled_expression)


def _has_scheduled_rules(backend: Any) -> bool:
    return next(_scheduled(backend), None) is not None


def install_scheduler(patches: Patches, schedules: Callable[[], Schedules]) -> None:
    """Report every change of a schedule; ``schedules`` is called when there is one."""
    backend_class = EventBridgeSchedulerBackend
    create_schedule = original_of(backend_class, "create_schedule")
    update_schedule = original_of(backend_class, "update_schedule")
    delete_schedule = original_of(backend_class, "delete_schedule")
    delete_group = original_of(backend_class, "delete_schedule_group")
    respond_to_update = original_of(EventBridgeSchedulerResponse, "update_schedule")

    def create(backend: Any, **parameters: Any) -> Any:
        schedules().check(backend, parameters)
        schedule = create_schedule(backend, **parameters)
        schedules().changed(backend, schedule, created=True)
        return schedule

    def update(backend: Any, **parameters: Any) -> Any:
        schedules().check(backend, parameters)
        schedule = update_schedule(backend, **{**parameters, "state": parameters.get("state") or "ENABLED"})
        schedules().changed(backend, schedule)
        return schedule

    def delete(backend: Any, group_name: str | None, name: str) -> None:
        schedule = backend.get_schedule(group_name, name)
        delete_schedule(backend, group_name, name)
        schedules().deleted(schedule)

    def delete_all(backend: Any, name: str | None) -> None:
        doomed = list(backend.get_schedule_group(name).schedules.values())
        delete_group(backend, name)
        for schedule in doomed:
            schedules().deleted(schedule)

    def update_action(response: Any) -> Any:
        answer = respond_to_update(response)
        name = response.uri.split("?")[0].split("/")[-1]
        schedule = response.scheduler_backend.get_schedule(response._get_param("GroupName"), name)
        schedule.action_after_completion = response._get_param("ActionAfterCompletion")
        return answer

    patches.set(backend_class, "create_schedule", create)
    patches.set(backend_class, "update_schedule", update)
    patches.set(backend_class, "delete_schedule", delete)
    patches.set(backend_class, "delete_schedule_group", delete_all)
    patches.set(EventBridgeSchedulerResponse, "update_schedule", update_action)
    patches.set(backend_class, "reset", _forgetting(original_of(backend_class, "reset"), _has_schedules, schedules))
    for backend in backends_in(scheduler_backends):
        for group in backend.schedule_groups.values():
            for schedule in group.schedules.values():
                schedules().adopt(backend, schedule)


def _has_schedules(backend: Any) -> bool:
    return any(group.schedules for group in backend.schedule_groups.values())


def _forgetting(
    reset: Callable[..., Any], has_any: Callable[[Any], bool], owner: Callable[[], ScheduledRules | Schedules]
) -> Callable[..., Any]:
    def reset_and_forget(backend: Any) -> Any:
        if has_any(backend):
            owner().forget_place(backend.account_id, backend.region_name)
        return reset(backend)

    return reset_and_forget
