"""EventBridge: which targets of a rule get an event, and what follows if a delivery fails.

Patterns are tested by this package's own engine, which follows AWS's recorded answers; moto judges those that it does
not accept. A rule without a pattern gets no events: only its schedule starts it. An event that cannot be delivered goes
to the dead-letter queue of the target (DeadLetterConfig).

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5. moto's disabled rules stay active, targets such as functions and topics
raise NotImplementedError, and its own event for a target lacks the account. Its archives, and its calls of API
destinations, remain as they are.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from moto.core.utils import unix_time_millis
from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import Rule, events_backends
from moto.events.responses import EventsHandler
from moto.kinesis.models import kinesis_backends
from moto.logs.models import logs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.destinations import DeliveryFailed, NotPermitted
from pytest_lambda_esm.errors import LambdaEsmError, NotSimulated
from pytest_lambda_esm.filters import InvalidPattern, compile_pattern
from pytest_lambda_esm.moto_bridge.sqs.sending import QueueMessage, attribute
from pytest_lambda_esm.moto_bridge.triggers.deliveries import DeadLetters, Deliveries, TriggerPorts
from pytest_lambda_esm.moto_bridge.triggers.inputs import at_path, event_of, target_input
from pytest_lambda_esm.patching import Patches, original_of

_ACTIVE: Final = frozenset({"ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"})
_ARCHIVE: Final = ""
"""The kind of an archive's target: its ARN names no resource."""
_API: Final = "api-destination"
_RULE_OF_ARCHIVE: Final = "Events-Archive-"
"""What the names of the rules begin with that moto makes for archives."""

Send = Callable[[Any, dict[str, Any], str], None]
"""Delivers a target's input; the event is as moto stores it."""


class Rules:
    """Sends events to the targets of moto's rules. ``_passed`` are the buses through which the current event came."""

    def __init__(self, ports: TriggerPorts, deliveries: Deliveries) -> None:
        self._ports = ports
        self._deliveries = deliveries
        self._passed: tuple[str, ...] = ()

    def install(self, patches: Patches) -> None:
        """Replace moto's delivery to targets until the patches are undone."""
        send_as_moto = original_of(Rule, "send_to_targets")

        def send_to_targets(rule: Any, original_event: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            if rule.state not in _ACTIVE or not _matches(rule, original_event):
                return
            for target in list(rule.targets):
                kind = _kind_of_moto(target)
                if kind == _ARCHIVE:
                    _keep(rule, original_event)
                elif kind is not None:
                    only = copy.copy(rule)
                    only.targets = [target]
                    send_as_moto(only, original_event, transform_input=False)
                else:
                    self._send(rule, target, original_event)

        patches.set(Rule, "send_to_targets", send_to_targets)
        patches.set(EventsHandler, "test_event_pattern", _test_event_pattern)

    def _send(self, rule: Any, target: Mapping[str, Any], original: dict[str, Any]) -> None:
        arn, dead_letters = str(target["Arn"]), _dead_letters(rule, target, original)
        try:
            self._ports.permit(arn)
        except NotPermitted as error:
            self._deliveries.refuse(arn, error, dead_letters)
            return
        text = target_input(target, original, rule.arn, rule.name)
        service = arn.split(":")[2]
        if service == "lambda":
            self._deliveries.to_function(arn, text, dead_letters)
        elif service == "sqs":
            group = (target.get("SqsParameters") or {}).get("MessageGroupId")
            self._deliveries.to_queue(arn, QueueMessage(text, group_id=group), dead_letters)
        elif service == "sns":
            self._deliveries.to_topic(arn, text, None, dead_letters)
        elif service == "events":
            self._deliveries.to_other(arn, lambda: self._to_bus(rule, arn, original), dead_letters)
        elif service in _OTHERS:
            self._deliveries.to_other(arn, lambda: _tried(_OTHERS[service], target, original, text), dead_letters)
        else:
            raise NotSimulated(
                f"the rule {rule.name} has the target {arn}. Only functions, queues, topics, streams, log groups and"
                " event buses are delivered to. Remove the target from the test's rule, or add a queue as a target, and"
                " read what it gets."
            )

    def _to_bus(self, rule: Any, arn: str, original: dict[str, Any]) -> None:
        place = Arn.parse(arn)
        name = place.resource.partition("/")[2] if place is not None else ""
        buses = events_backends[place.account_id][place.region].event_buses if place is not None else {}
        if name not in buses:
            raise DeliveryFailed(f"the event bus {arn} does not exist")
        own = events_backends[rule.account_id][rule.region_name].event_buses[rule.event_bus_name].arn
        passed = (*self._passed, own)
        if arn in passed:
            raise DeliveryFailed(f"the event has already passed through {arn}")
        before, self._passed = self._passed, passed
        try:
            for each in list(buses[name].rules.values()):
                each.send_to_targets(copy.deepcopy(original))
        finally:
            self._passed = before


def _kind_of_moto(target: Mapping[str, Any]) -> str | None:
    """Return what kind of resource a target is if moto serves it, else None."""
    place = Arn.parse(str(target["Arn"]))
    if place is None or place.service != "events":
        return None
    kind = place.resource.strip(":").partition("/")[0]
    return kind if kind in (_ARCHIVE, _API) else None


def _keep(rule: Any, event: dict[str, Any]) -> None:
    """Keep an event in the archive to which a rule belongs. moto needs jsonpath_ng for that."""
    archives = events_backends[rule.account_id][rule.region_name].archives
    archive = archives.get(rule.name.removeprefix(_RULE_OF_ARCHIVE))
    if archive is not None:
        archive.events.append(event)


def _test_event_pattern(handler: Any) -> str:
    """Answer TestEventPattern, which moto does not."""
    try:
        pattern = compile_pattern(handler._get_param("EventPattern"))
    except InvalidPattern as error:
        raise InvalidEventPatternException(reason=str(error)) from error
    return json.dumps({"Result": pattern.matches(json.loads(handler._get_param("Event")))})


def _matches(rule: Any, original: dict[str, Any]) -> bool:
    text = rule.event_pattern.dump()
    if not text:
        return False
    try:
        return compile_pattern(text).matches(event_of(original))
    except InvalidPattern:
        return bool(rule.event_pattern.matches_event(original))


def _dead_letters(rule: Any, target: Mapping[str, Any], original: Mapping[str, Any]) -> DeadLetters | None:
    queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue_arn:
        return None

    def message(error: DeliveryFailed) -> QueueMessage:
        code = "NO_RESOURCE" if str(error).endswith("does not exist") else "SDK_CLIENT_ERROR"
        texts = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": str(target["Arn"]),
            "ERROR_CODE": "NO_PERMISSIONS" if isinstance(error, NotPermitted) else code,
            "ERROR_MESSAGE": str(error),
        }
        attributes = {name: attribute("String", text) for name, text in texts.items()}
        return QueueMessage(json.dumps(event_of(original)), attributes)

    return DeadLetters(str(queue_arn), message)


def _tried(send: Send, target: Mapping[str, Any], original: dict[str, Any], text: str) -> None:
    try:
        send(target, original, text)
    except (LambdaEsmError, DeliveryFailed):
        raise
    except Exception as error:
        raise DeliveryFailed(f"{target['Arn']} refused: {type(error).__name__}: {error}") from error


def _to_log_group(target: Any, original: dict[str, Any], text: str) -> None:
    place = Arn.parse(str(target["Arn"]))
    name = place.resource.removeprefix("log-group:").removesuffix(":*") if place is not None else ""
    backend = logs_backends[place.account_id][place.region] if place is not None else None
    if backend is None or name not in backend.groups:
        raise DeliveryFailed(f"the log group {name} does not exist")
    stream = str(original["id"])
    backend.create_log_stream(name, stream)
    backend.put_log_events(name, stream, [{"timestamp": int(unix_time_millis()), "message": text}])


def _to_stream(target: Any, original: dict[str, Any], text: str) -> None:
    place = Arn.parse(str(target["Arn"]))
    name = place.resource.partition("/")[2] if place is not None else ""
    backend = kinesis_backends[place.account_id][place.region] if place is not None else None
    if backend is None or name not in backend.streams:
        raise DeliveryFailed(f"the stream {name} does not exist")
    path = (target.get("KinesisParameters") or {}).get("PartitionKeyPath")
    key = at_path(event_of(original), path) if path else None
    data = base64.b64encode(text.encode()).decode()
    backend.put_record(str(target["Arn"]), name, str(key if key is not None else original["id"]), "", data)


_OTHERS: Final[Mapping[str, Send]] = MappingProxyType({"logs": _to_log_group, "kinesis": _to_stream})
"""Services whose resources are targets, beside functions, queues, topics and buses."""
