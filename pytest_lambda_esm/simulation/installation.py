"""The joints between a world and what it stands on: moto, botocore and this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.clock.sleep import VirtualSleep
from pytest_lambda_esm.cloudformation import CloudFormationResources
from pytest_lambda_esm.config import microseconds
from pytest_lambda_esm.errors import ClockLimitExceeded
from pytest_lambda_esm.moto_bridge import earlier_mappings, kept_configuration, others, seam, stacks, streams
from pytest_lambda_esm.moto_bridge.backoff import BackoffPatch
from pytest_lambda_esm.moto_bridge.jitter import seed_backoff
from pytest_lambda_esm.moto_bridge.name_guard import guard_names
from pytest_lambda_esm.moto_bridge.patches import Patches
from pytest_lambda_esm.moto_bridge.queue_calls import QueueCalls
from pytest_lambda_esm.moto_bridge.service_faults import ServiceFaults
from pytest_lambda_esm.moto_bridge.time_to_live import TimeToLive
from pytest_lambda_esm.world import Faults, World


def join(
    joints: Patches, world: World, faults: Faults, model: LambdaModel, failed: Callable[[BaseException], None]
) -> None:
    """Let requests, messages, stacks and deletions in moto reach a world, until ``joints`` are undone.

    ``failed`` is told of each exception of this package that is raised through an API call.
    """
    _answer_requests(joints, world, faults, failed)
    others.lead_to_queue(joints, world.send_to_function)
    kept_configuration.keep(joints)
    world.logs.install(joints)
    for guard in (world.isolation, world.runtime.frames):
        guard.install()
        joints.then(guard.remove)
    joints.then(world.archives.remove)
    seam.tell_resets(joints, world.forget)
    seam.tell_deletions(joints, world.invoke_configs.forget_function)
    QueueCalls(world).install(joints)
    streams.listen(joints, world.source_changed, world.depth)
    delay = microseconds(world.config.time_to_live_delay)
    TimeToLive(world.clock, delay, partial(world.timeline.add, "fate")).follow(joints)
    _make_stacks_resources(joints, world, model)


def take_over_waiting(
    patches: Patches, sleep: Callable[[float], None], kind: str, failed: Callable[[BaseException], None]
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
                failed(error)
            raise

    virtual = VirtualSleep(telling_sleep)
    if kind == "virtual":
        virtual.install()
        patches.then(virtual.remove)
    backoff = BackoffPatch(telling_sleep if kind == "virtual" else virtual.real_sleep)
    backoff.install()
    patches.then(backoff.remove)


def _answer_requests(joints: Patches, world: World, faults: Faults, failed: Callable[[BaseException], None]) -> None:
    seam.answer_lambda(joints, world.dispatcher, failed)
    seam.know_new_endpoints(joints)
    seam.guard_network(joints, failed)
    guard_names(joints, failed)
    ServiceFaults(
        world.injector,
        faults.exchanges,
        world.network,
        account_id=world.config.account_id,
        instant=lambda: world.clock.instant,
        new_id=world.new_id,
        failed=failed,
    ).strike(joints)
    seed_backoff(joints, world.config.seed)


def _make_stacks_resources(joints: Patches, world: World, model: LambdaModel) -> None:
    def adopt(account_id: str, region: str, uuid: str, params: dict[str, Any]) -> None:
        world.mappings.adopt(Caller(account_id, region), uuid, params)

    resources = CloudFormationResources(world.mappings, world.invoke_config_operations.operations(), model)
    earlier_mappings.lead_to(joints, resources)
    stacks.make_invoke_configs(joints, resources)
    earlier_mappings.take_over(joints, adopt)
