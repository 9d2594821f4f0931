"""Installs a world into moto, botocore and this process: every patch, in order.

The order matters in five places. Patches are undone in reverse.

1. Endpoints come before the faults of other services: both replace the same method of moto, and a fault has to strike
   the request as the client sent it.
2. The log of calls comes after the faults, so that it sees what they answer. Arrivals come after both, so that a fault
   meets a request at the time that the user moved to.
3. Archives come after isolation and nesting, so that they are removed while both still work.
4. Mappings come late: adopting moto's earlier ones creates mappings, which need everything above.
5. Permissions come last, around what sends events on; most tests have none.

What belongs to one service besides Lambda is in ``services``; it is installed when that service is first used.
"""

from __future__ import annotations

from typing import Any

from pytest_lambda_esm.api import unsupported
from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.moto_bridge import (
    arrivals,
    cloudformation,
    code_sizes,
    functions,
    lambda_service,
    network_guard,
    pipes,
)
from pytest_lambda_esm.moto_bridge.aio import loading as aiobotocore
from pytest_lambda_esm.moto_bridge.botocore_retries import install_jitter
from pytest_lambda_esm.moto_bridge.first_use import FirstUse
from pytest_lambda_esm.moto_bridge.service_calls import ServiceCalls
from pytest_lambda_esm.moto_bridge.service_faults import RequestReader, ServiceFaults
from pytest_lambda_esm.moto_bridge.triggers import direct
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.simulation.services import Services
from pytest_lambda_esm.simulation.sleeping import OnError
from pytest_lambda_esm.simulation.world import World


def install(patches: Patches, world: World, on_error: OnError) -> None:
    """Connect a world: requests, messages, records, stacks and deletions reach it until ``patches`` are undone."""
    services = Services(world, patches, on_error)
    world.patches, world.first_use = patches, FirstUse(services.installations())
    _install_requests(patches, world, on_error)
    direct.install(patches, lambda arn, payload: services.deliveries.to_function(arn, payload))
    functions.install(patches)
    code_sizes.install(patches)
    world.logs.install(patches)
    world.isolation.install(patches)
    world.runtime.nesting.install(patches)
    world.runtime.output.install(patches, world.hooks.standard_streams())
    patches.then(world.archives.remove)
    lambda_service.install_resets(patches, world.forget)
    lambda_service.install_deletions(patches, world.invoke_configs.forget_function)
    world.first_use.install(patches)
    _install_mappings(patches, world, services)
    world.permissions.install(patches)


def _install_requests(patches: Patches, world: World, on_error: OnError) -> None:
    lambda_service.install_dispatcher(patches, world.dispatcher, on_error)
    lambda_service.install_endpoints(patches)
    network_guard.install(patches, on_error, unsupported.caller_of_host)
    aiobotocore.install_clients(patches, world.persistent.client_calls, world.response_waits, on_error)
    requests = RequestReader(world.persistent.client_calls, world.config.account_id, lambda: world.clock.instant)
    ServiceFaults(world.injector, requests, world.network, world.new_id, on_error).install(patches)
    ServiceCalls(requests, world.calls, world.timeline, world.local_instant).install(patches)
    arrivals.install(patches, world.clock.follow_wall)
    pipes.refuse_where_missing(patches, on_error)
    install_jitter(patches, world.config.seed)


def _install_mappings(patches: Patches, world: World, services: Services) -> None:
    def adopt(account_id: str, region: str, uuid: str, params: dict[str, Any]) -> None:
        world.mappings.adopt(Caller(account_id, region), uuid, params)

    cloudformation.install(patches, lambda: services.stack_operations, adopt)
