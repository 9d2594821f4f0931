"""Scheduled rules and schedules in a world. Nothing of them is imported before there is one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pytest_lambda_esm.faults.poller_faults import FaultyDestinations
from pytest_lambda_esm.moto_bridge.destinations import MotoDestinationFinder, MotoDestinations
from pytest_lambda_esm.moto_bridge.schedules.rules import ScheduledRules
from pytest_lambda_esm.moto_bridge.schedules.scheduler import Schedules
from pytest_lambda_esm.moto_bridge.schedules.targets import MotoTargets
from pytest_lambda_esm.schedules.agenda import Agenda
from pytest_lambda_esm.schedules.deliveries import Deliveries, Targets
from pytest_lambda_esm.schedules.service import Scheduling

if TYPE_CHECKING:
    from pytest_lambda_esm.simulation.world import World


def moto_targets(world: World) -> MotoTargets:
    """Return the targets in moto."""
    destinations = MotoDestinations(world.invoke_asynchronously)
    return MotoTargets(destinations, MotoDestinationFinder(world.functions), world.new_id)


def with_faults(world: World, targets: MotoTargets) -> FaultyDestinations:
    """Return targets that the faults of the test strike."""
    return FaultyDestinations(targets, world.injector, lambda: world.clock.instant, world.interruptions)


class WorldSchedules:
    """Everything that is scheduled in a world: rules of EventBridge, and schedules of EventBridge Scheduler."""

    def __init__(self, world: World) -> None:
        guard = world.interruptions.event
        targets = moto_targets(world)
        self.agenda = Agenda(world.clock, guard)
        known = Targets(exists=targets.exists, permit=world.permissions.check_sender, guard=guard)
        scheduling = Scheduling(
            now=world.local_instant,
            journal=world.journal,
            agenda=self.agenda,
            deliveries=Deliveries(world.clock, world.journal, with_faults(world, targets), known),
            supports=targets.supports,
            advise=lambda subject, what: world.advice.give("ESM206", subject, about=what, what=what),
            new_id=world.new_id,
            randomness=random.Random(f"schedules {world.config.seed}"),
            refuses_role=world.permissions.refuses_role,
        )
        self.rules = ScheduledRules(scheduling)
        self.schedules = Schedules(scheduling)
