"""Subscription filters of CloudWatch Logs: the data that a function gets.

Follows the page "Log group-level subscription filters", example 2. An event's id is a text of 56 digits that grows with
the time. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: moto sends every event to every subscription, and its ids are
numbers that count on through the process.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any, Final

from moto.logs.models import LogStream
from moto.logs.utils import EventMessageFilter

from pytest_lambda_esm.moto_bridge.triggers.deliveries import Deliveries
from pytest_lambda_esm.patching import Patches, original_of

_TIME_BITS: Final = 144
"""The bits of an id below its time in milliseconds, as ids in AWS have them."""


def install(patches: Patches, deliveries: Deliveries) -> None:
    """Send log events to functions in AWS's form, and to each destination only those that match the pattern."""
    send = original_of(LogStream, "_send_log_events")
    first: list[int] = []

    def send_log_events(
        self: Any, service: str, destination_arn: str, filter_name: str, log_events: Sequence[dict[str, Any]]
    ) -> None:
        pattern = EventMessageFilter(self.log_group.subscription_filters[filter_name].filter_pattern)
        chosen = [event for event in log_events if pattern.matches(event["message"])]
        if not chosen:
            return
        if service != "lambda":
            send(self, service, destination_arn, filter_name, chosen)
            return
        first.extend([] if first else [int(log_events[0]["id"])])
        data = {
            "messageType": "DATA_MESSAGE",
            "owner": self.account_id,
            "logGroup": self.log_group.name,
            "logStream": self.log_stream_name,
            "subscriptionFilters": [filter_name],
            "logEvents": [_log_event(event, int(event["id"]) - first[0]) for event in chosen],
        }
        deliveries.to_function(destination_arn, json.dumps({"awslogs": {"data": _packed(data)}}))

    patches.set(LogStream, "_send_log_events", send_log_events)


def _log_event(event: dict[str, Any], number: int) -> dict[str, Any]:
    timestamp = int(event["timestamp"])
    return {
        "id": f"{(timestamp << _TIME_BITS) + max(number, 0):056d}",
        "timestamp": timestamp,
        "message": event["message"],
    }


def _packed(data: dict[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
