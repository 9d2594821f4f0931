"""The joints between a world and what it stands on: moto, botocore and this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_lambda_esm.api.cloudformation import CloudFormationResources
from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.clock.sleep import VirtualSleep
from pytest_lambda_esm.errors import ClockLimitExceeded
from pytest_lambda_esm.moto_bridge import cloudformation, functions, lambda_service, network_guard, triggers
from pytest_lambda_esm.moto_bridge.botocore_retries import BackoffPatch, install_jitter
from pytest_lambda_esm.moto_bridge.service_faults import ServiceFaults
from pytest_lambda_esm.moto_bridge.sqs.operations import QueueCalls
from pytest_lambda_esm.moto_bridge.streams import dynamodb, kinesis
from pytest_lambda_esm.moto_bridge.streams.time_to_live import TimeToLive
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.simulation.world import Faults, World
from pytest_lambda_esm.timing import microseconds


def install(
    patches: Patches, world: World, faults: Faults, model: LambdaModel, on_error: Callable[[BaseException], None]
) -> None:
    """Let requests, messages, stacks and deletions in moto reach a world, until ``joints`` are undone.

    ``failed`` is told of each exception of this package that is raised through an API call.
    """
    _answer_requests(patches, world, faults, on_error)
    triggers.install(patches, world.send_to_function)
    functions.install(patches)
    world.logs.install(patches)
    world.isolation.install(patches)
    world.runtime.nesting.install(patches)
    patches.then(world.archives.remove)
    lambda_service.install_resets(patches, world.forget)
    lambda_service.install_deletions(patches, world.invoke_configs.forget_function)
    QueueCalls(world).install(patches)
    kinesis.install(patches, world.source_changed, world.depth)
    dynamodb.install(patches, world.source_changed, world.depth)
    delay = microseconds(world.config.time_to_live_delay)
    TimeToLive(world.clock, delay, partial(world.timeline.add, "fate")).install(patches)
    _make_stacks_resources(patches, world, model)


def install_sleep(
    patches: Patches, sleep: Callable[[float], None], kind: str, on_error: Callable[[BaseException], None]
) -> None:
    """Let ``sleep`` be called wherever code under test or botocore sleeps; with the kind ``"real"``, sleep really.

    ``failed`` is told once of an exception by which a sleep without an end is stopped.
    """
    told: list[BaseException] = []

    def telling_sleep(seconds: float) -> None:
        __tracebackhide__ = True
        try:
            sleep(seconds)
        except ClockLimitExceeded as error:
            if error not in told:
                told.append(error)
                on_error(error)
            raise

    virtual = VirtualSleep(telling_sleep)
    if kind == "virtual":
        virtual.install(patches)
    BackoffPatch(telling_sleep if kind == "virtual" else virtual.real_sleep).install(patches)


def _answer_requests(patches: Patches, world: World, faults: Faults, on_error: Callable[[BaseException], None]) -> None:
    lambda_service.install_dispatcher(patches, world.dispatcher, on_error)
    lambda_service.install_endpoints(patches)
    network_guard.install(patches, on_error)
    ServiceFaults(
        world.injector,
        faults.client_calls,
        world.network,
        account_id=world.config.account_id,
        instant=lambda: world.clock.instant,
        new_id=world.new_id,
        on_error=on_error,
    ).install(patches)
    install_jitter(patches, world.config.seed)


def _make_stacks_resources(patches: Patches, world: World, model: LambdaModel) -> None:
    def adopt(account_id: str, region: str, uuid: str, params: dict[str, Any]) -> None:
        world.mappings.adopt(Caller(account_id, region), uuid, params)

    resources = CloudFormationResources(world.mappings, world.invoke_config_operations.operations(), model)
    cloudformation.install(patches, resources, adopt)
