"""The creation of a bucket as EventBridge gets it from CloudTrail.

moto sends this event only, with or without a trail, in the form of an S3 event with constants. Seen with moto 5.1.9,
5.1.22, 5.2.0 and 5.2.5. The members follow "CloudTrail record contents".
"""

from __future__ import annotations

from typing import Any

from moto.events.models import events_backends
from moto.s3 import models

from pytest_lambda_esm.moto_bridge.triggers.deliveries import TriggerPorts
from pytest_lambda_esm.patching import Patches


def install(patches: Patches, ports: TriggerPorts) -> None:
    """Send the event of a bucket's creation to the rules of the default bus that match it."""

    def send_notification(source: str, event_name: str, region: str, resources: Any, detail: dict[str, Any]) -> None:
        account_id, time = str(detail["requester"]), f"{ports.timestamp()[:19]}Z"
        record = {
            "eventVersion": "1.08",
            "userIdentity": {"type": "Root", "principalId": account_id, "accountId": account_id},
            "eventTime": time,
            "eventSource": "s3.amazonaws.com",
            "eventName": event_name,
            "awsRegion": region,
            "sourceIPAddress": "127.0.0.1",
            "requestParameters": {"bucketName": detail["bucket"]["name"]},
            "responseElements": None,
            "requestID": ports.new_id().replace("-", "")[:16].upper(),
            "eventID": ports.new_id(),
            "eventType": "AwsApiCall",
            "recipientAccountId": account_id,
        }
        event = {
            "version": "0",
            "id": ports.new_id(),
            "detail-type": "AWS API Call via CloudTrail",
            "source": source,
            "account": account_id,
            "time": time,
            "region": region,
            "resources": [],
            "detail": record,
        }
        for rule in list(events_backends[account_id][region].event_buses["default"].rules.values()):
            rule.send_to_targets(event)

    patches.set(models, "events_send_notification", send_notification)
