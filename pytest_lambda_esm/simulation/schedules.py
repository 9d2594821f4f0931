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
from pytest_lambda_esm.schedules.deliveries import Deliveries
from pytest_lambda_esm.schedules.service import Scheduling

if TYPE_CHECKING:
    from pytest_lambda_esm.simulation.world import World


class WorldSchedules:
    """Everything that is scheduled in a world: rules of EventBridge, and schedules of EventBridge Scheduler."""

    def __init__(self, world: World) -> None:
        guard = world.interruptions.event
        destinations = MotoDestinations(world.invoke_asynchronously)
        targets = MotoTargets(destinations, MotoDestinationFinder(world.functions), world.new_id)
        faulty = FaultyDestinations(targets, world.injector, lambda: world.clock.instant, world.interruptions)
        self.agenda = Agenda(world.clock, guard)
        scheduling = Scheduling(
            now=world.local_instant,
            journal=world.journal,
            agenda=self.agenda,
            deliveries=Deliveries(world.clock, world.journal, faulty, targets.exists, guard),
            supports=targets.supports,
            advise=world.advice.give,
            new_id=world.new_id,
            randomness=random.Random(f"schedules {world.config.seed}"),
        )
        self.rules = ScheduledRules(scheduling)
        self.schedules = Schedules(scheduling)
