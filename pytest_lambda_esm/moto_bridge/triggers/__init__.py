"""Events that other services of moto send to functions, queues, topics and buses: their contents, filters and failures.

One file per service: ``sns``, ``s3``, ``logs`` and ``events`` (EventBridge). ``direct`` takes whatever else of moto
invokes a function.
"""

from __future__ import annotations

from pytest_lambda_esm.moto_bridge.triggers import cloudtrail, direct, logs, sns_fifo, sns_subscriptions
from pytest_lambda_esm.moto_bridge.triggers.deliveries import Deliveries, TriggerPorts
from pytest_lambda_esm.moto_bridge.triggers.events import Rules
from pytest_lambda_esm.moto_bridge.triggers.inputs import target_input
from pytest_lambda_esm.moto_bridge.triggers.s3 import Buckets
from pytest_lambda_esm.moto_bridge.triggers.sns import Topics
from pytest_lambda_esm.patching import Patches

__all__ = ["TriggerPorts", "install", "target_input"]


def install(patches: Patches, ports: TriggerPorts) -> None:
    """Deliver what other services send to functions, queues, topics and buses as AWS does, until this is undone."""
    deliveries = Deliveries(ports)
    direct.install(patches, deliveries)
    logs.install(patches, deliveries)
    cloudtrail.install(patches, ports)
    sns_fifo.install(patches)
    sns_subscriptions.install(patches)
    Topics(ports, deliveries).install(patches)
    Buckets(ports, deliveries).install(patches)
    Rules(ports, deliveries).install(patches)
