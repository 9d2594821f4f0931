"""What a world installs for each service of moto when a test first uses that service; see ``moto_bridge.first_use``.

A method here imports the files of its service, so that a test without that service does not wait for them. What every
test needs, such as Lambda, is in ``installation``.
"""

from __future__ import annotations

import random
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pytest_lambda_esm import ids
from pytest_lambda_esm.moto_bridge.first_use import Installations
from pytest_lambda_esm.moto_bridge.triggers.deliveries import Deliveries, TriggerPorts
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.simulation.sleeping import OnError
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import microseconds

if TYPE_CHECKING:
    from pytest_lambda_esm.api.cloudformation import CloudFormationResources


class Services:
    """Installs a world into the services of moto, each at its first use, until ``patches`` are undone."""

    def __init__(self, world: World, patches: Patches, on_error: OnError) -> None:
        self._world = world
        self._patches = patches
        self._on_error = on_error

    def installations(self) -> Installations:
        """Return what installs each service."""
        return {
            "moto.cloudformation.models": self._cloudformation,
            "moto.dynamodb.models": self._dynamodb,
            "moto.events.models": self._events,
            "moto.kinesis.models": self._kinesis,
            "moto.logs.models": self._logs,
            "moto.pipes.models": self._pipes,
            "moto.s3.models": self._s3,
            "moto.scheduler.models": self._scheduler,
            "moto.sns.models": self._sns,
            "moto.sqs.models": self._sqs,
            "moto.sts.models": self._sts,
        }

    @cached_property
    def stack_operations(self) -> CloudFormationResources:
        """The operations behind stacks and moto's own methods on mappings."""
        from pytest_lambda_esm.api.cloudformation import CloudFormationResources

        world = self._world
        others = {**world.invoke_config_operations.operations(), **world.invocation_operations}
        return CloudFormationResources(world.mappings, others, world.model)

    @cached_property
    def deliveries(self) -> Deliveries:
        """Delivers what other services send to functions, queues and topics."""
        return Deliveries(self._ports)

    @cached_property
    def _ports(self) -> TriggerPorts:
        world = self._world
        return TriggerPorts(
            invoke=world.invoke_asynchronously,
            note=partial(world.timeline.add, "delivery"),
            new_id=ids.uuids(random.Random(f"triggers {world.config.seed}")).new,
            now=world.local_instant,
            permit=world.permissions.check_target,
        )

    def _cloudformation(self) -> None:
        from pytest_lambda_esm.moto_bridge import role_policies
        from pytest_lambda_esm.moto_bridge.stacks import installation

        world = self._world
        calls = world.persistent.client_calls
        role_policies.install(self._patches)
        installation.install(
            self._patches,
            installation.Surroundings(
                operations=lambda: self.stack_operations,
                options=lambda: calls.current.params if calls.current is not None else {},
                advise=lambda subject, what: world.advice.give("ESM205", subject, about=what, what=what),
                new_id=world.new_id,
                before_final=world.deployments.before_final,
            ),
        )

    def _dynamodb(self) -> None:
        from pytest_lambda_esm.moto_bridge.streams import dynamodb
        from pytest_lambda_esm.moto_bridge.streams.time_to_live import TimeToLive

        world = self._world
        dynamodb.install(self._patches, world.source_changed, lambda: chains.untraced(world.depth()), world.sent)
        # After the streams, whose writes it wraps, and so sees the final item.
        delay = microseconds(world.config.time_to_live_delay)
        TimeToLive(world.clock, delay, partial(world.timeline.add, "fate")).install(self._patches)

    def _events(self) -> None:
        from pytest_lambda_esm.moto_bridge.schedules import watch
        from pytest_lambda_esm.moto_bridge.triggers.events import Rules

        Rules(self._ports, self.deliveries).install(self._patches)
        watch.install_rules(self._patches, lambda: self._world.schedules.rules)

    def _kinesis(self) -> None:
        from pytest_lambda_esm.moto_bridge.streams import kinesis

        world = self._world
        kinesis.install(self._patches, world.source_changed, lambda: chains.untraced(world.depth()), world.sent)

    def _logs(self) -> None:
        from pytest_lambda_esm.moto_bridge.triggers import logs

        logs.install(self._patches, self.deliveries)

    def _pipes(self) -> None:
        from pytest_lambda_esm.moto_bridge import pipes

        pipes.install(self._patches, lambda: self._world.pipes, self._on_error)

    def _s3(self) -> None:
        from pytest_lambda_esm.moto_bridge.triggers import cloudtrail, s3

        cloudtrail.install(self._patches, self._ports)
        s3.Buckets(self._ports, self.deliveries).install(self._patches)

    def _scheduler(self) -> None:
        from pytest_lambda_esm.moto_bridge.schedules import watch

        watch.install_scheduler(self._patches, lambda: self._world.schedules.schedules)

    def _sns(self) -> None:
        from pytest_lambda_esm.moto_bridge.triggers import sns, sns_fifo, sns_subscriptions

        sns_fifo.install(self._patches)
        sns_subscriptions.install(self._patches)
        sns.Topics(self._ports, self.deliveries).install(self._patches)

    def _sqs(self) -> None:
        from pytest_lambda_esm.moto_bridge.reuse import names
        from pytest_lambda_esm.moto_bridge.sqs import move_task_calls, traces
        from pytest_lambda_esm.moto_bridge.sqs.operations import QueueCalls

        names.install_queues(self._patches)
        QueueCalls(self._world).install(self._patches)
        traces.install(self._patches)
        move_task_calls.install(self._patches, self._world.move_tasks)

    def _sts(self) -> None:
        from pytest_lambda_esm.moto_bridge import identity

        identity.install(self._patches, self._world.runtime.output.function)
