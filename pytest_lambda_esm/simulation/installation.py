"""Installs a world into moto, botocore and this process: every patch, in order.

The order matters in six places. Patches are undone in reverse.

1. Endpoints come before the faults of other services: both replace the same method of moto, and a fault has to strike
   the request as the client sent it.
2. The log of calls comes after the faults, so that it sees what they answer. Arrivals come after both, so that a fault
   meets a request at the time that the user moved to.
3. Archives come after isolation and nesting, so that they are removed while both still work.
4. Time to live comes after DynamoDB's streams: it wraps the writes that they have replaced, and so sees the final item.
5. Stacks come late: adopting moto's earlier mappings creates mappings, which need everything above.
6. Permissions come last, around what sends events on; most tests have none.
"""

from __future__ import annotations

import random
from functools import cache, partial
from typing import Any

from pytest_lambda_esm import ids
from pytest_lambda_esm.api import unsupported
from pytest_lambda_esm.api.cloudformation import CloudFormationResources
from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.moto_bridge import (
    arrivals,
    cloudformation,
    code_sizes,
    functions,
    identity,
    lambda_service,
    network_guard,
    pipes,
    role_policies,
    triggers,
)
from pytest_lambda_esm.moto_bridge.aio import loading as aiobotocore
from pytest_lambda_esm.moto_bridge.botocore_retries import install_jitter
from pytest_lambda_esm.moto_bridge.schedules import watch
from pytest_lambda_esm.moto_bridge.service_calls import ServiceCalls
from pytest_lambda_esm.moto_bridge.service_faults import RequestReader, ServiceFaults
from pytest_lambda_esm.moto_bridge.sqs import move_task_calls, traces
from pytest_lambda_esm.moto_bridge.sqs.operations import QueueCalls
from pytest_lambda_esm.moto_bridge.streams import dynamodb, kinesis
from pytest_lambda_esm.moto_bridge.streams.time_to_live import TimeToLive
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.simulation.sleeping import OnError
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import microseconds


def install(patches: Patches, world: World, on_error: OnError) -> None:
    """Connect a world: requests, messages, records, stacks and deletions reach it until ``patches`` are undone."""
    world.patches = patches
    _install_requests(patches, world, on_error)
    triggers.install(patches, _trigger_ports(world))
    functions.install(patches)
    code_sizes.install(patches)
    role_policies.install(patches)
    identity.install(patches, world.runtime.output.function)
    world.logs.install(patches)
    world.isolation.install(patches)
    world.runtime.nesting.install(patches)
    world.runtime.output.install(patches, world.hooks.standard_streams())
    patches.then(world.archives.remove)
    lambda_service.install_resets(patches, world.forget)
    lambda_service.install_deletions(patches, world.invoke_configs.forget_function)
    QueueCalls(world).install(patches)
    traces.install(patches)
    move_task_calls.install(patches, world.move_tasks)
    kinesis.install(patches, world.source_changed, lambda: chains.untraced(world.depth()), world.sent)
    dynamodb.install(patches, world.source_changed, lambda: chains.untraced(world.depth()), world.sent)
    delay = microseconds(world.config.time_to_live_delay)
    TimeToLive(world.clock, delay, partial(world.timeline.add, "fate")).install(patches)
    watch.install_rules(patches, lambda: world.schedules.rules)
    watch.install_scheduler(patches, lambda: world.schedules.schedules)
    pipes.install(patches, lambda: world.pipes, on_error)
    _install_stacks(patches, world)
    world.permissions.install(patches)


def _trigger_ports(world: World) -> triggers.TriggerPorts:
    """Return what other services use to send events to functions, queues and topics."""
    return triggers.TriggerPorts(
        invoke=world.invoke_asynchronously,
        note=partial(world.timeline.add, "delivery"),
        new_id=ids.uuids(random.Random(f"triggers {world.config.seed}")).new,
        now=world.local_instant,
        permit=world.permissions.check_target,
    )


def _install_requests(patches: Patches, world: World, on_error: OnError) -> None:
    lambda_service.install_dispatcher(patches, world.dispatcher, on_error)
    lambda_service.install_endpoints(patches)
    network_guard.install(patches, on_error, unsupported.caller_of_host)
    aiobotocore.install_clients(patches, world.persistent.client_calls, world.response_waits, on_error)
    requests = RequestReader(world.persistent.client_calls, world.config.account_id, lambda: world.clock.instant)
    ServiceFaults(world.injector, requests, world.network, world.new_id, on_error).install(patches)
    ServiceCalls(requests, world.calls, world.timeline, world.local_instant).install(patches)
    arrivals.install(patches, world.clock.follow_wall)
    install_jitter(patches, world.config.seed)


def _install_stacks(patches: Patches, world: World) -> None:
    def adopt(account_id: str, region: str, uuid: str, params: dict[str, Any]) -> None:
        world.mappings.adopt(Caller(account_id, region), uuid, params)

    @cache  # Few tests use stacks.
    def operations() -> CloudFormationResources:
        others = {**world.invoke_config_operations.operations(), **world.invocation_operations}
        return CloudFormationResources(world.mappings, others, world.model)

    def install_stacks() -> None:
        from pytest_lambda_esm.moto_bridge.stacks import installation as stacks

        calls = world.persistent.client_calls
        stacks.install(
            patches,
            stacks.Surroundings(
                operations=operations,
                options=lambda: calls.current.params if calls.current is not None else {},
                advise=lambda subject, what: world.advice.give("ESM205", subject, about=what, what=what),
                new_id=world.new_id,
                before_final=world.deployments.before_final,
            ),
        )

    cloudformation.install(patches, operations, adopt, install_stacks)
