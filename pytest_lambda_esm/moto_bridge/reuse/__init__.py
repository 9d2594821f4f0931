"""What tests share: the parts of moto and botocore that are the same in every test, and take most of its time."""

from __future__ import annotations

from pytest_lambda_esm.moto_bridge.reuse import client_parts, event_hooks, names, regions, routes, tls
from pytest_lambda_esm.patching import Patches


def install(patches: Patches) -> None:
    """Create sessions, clients and backends from shared parts, and find the handlers of requests faster."""
    event_hooks.install(patches)
    client_parts.install(patches)
    tls.install(patches)
    regions.install(patches)
    routes.install(patches)
    names.install(patches)
