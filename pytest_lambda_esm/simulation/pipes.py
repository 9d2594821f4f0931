"""Pipes in a world: each is polled as a mapping is, and its batches go through the pipe instead of to a function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm.api import mapping_settings
from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.invocation.record import MakeEvent
from pytest_lambda_esm.mappings.lifecycle import GONE, Step
from pytest_lambda_esm.mappings.mapping import Mapping, MappingSpec, Transition
from pytest_lambda_esm.polling.pipes import settings
from pytest_lambda_esm.polling.pipes.delivery import Batch, PipeDelivery
from pytest_lambda_esm.polling.pipes.settings import Pipe
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.simulation.schedules import moto_targets, with_faults
from pytest_lambda_esm.sources.catalogue import recognise
from pytest_lambda_esm.vocabulary import AnyState

if TYPE_CHECKING:
    from pytest_lambda_esm.simulation.world import World


class WorldPipes:
    """The pipes of a world, by their ARNs, each with the mapping that polls for it; no client sees that mapping."""

    def __init__(self, world: World) -> None:
        self._world = world
        targets = with_faults(world, moto_targets(world))
        self._delivery = PipeDelivery(
            world.batches.invoke, targets, lambda: world.clock.instant, world.permissions.check_sender
        )
        self._pipes: dict[str, Pipe] = {}
        self._mappings: dict[str, Mapping] = {}

    @property
    def mappings(self) -> Iterable[Mapping]:
        """The mappings that poll for pipes."""
        return list(self._mappings.values())

    def changed(self, pipe: Pipe) -> None:
        """Follow the creation or a change of a pipe. Raises NotSimulated for what cannot be simulated."""
        stated = settings.mapping_settings(pipe)
        mapping = self._mappings.get(pipe.arn)
        if mapping is None:
            mapping = self._mappings[pipe.arn] = self._new_mapping(pipe, stated)
        self._pipes[pipe.arn] = pipe
        state: AnyState = "Enabled" if pipe.runs else "Disabled"
        mapping._begin(Step(state, state), self._completed(pipe, stated))

    def adopt(self, pipe: Pipe) -> None:
        """Take over a pipe that moto had before; one that cannot be simulated is named by advice."""
        try:
            self.changed(pipe)
        except NotSimulated as error:
            self._world.advice.give("ESM206", pipe.arn, what=str(error).rstrip("."))

    def deleted(self, arn: str) -> None:
        """Follow the deletion of a pipe. Batches in flight still complete."""
        mapping = self._mappings.pop(arn, None)
        if mapping is not None:
            mapping._begin(Step(GONE, GONE))

    def deliver(self, mapping: Mapping, event: MakeEvent, attempt: int, depth: int) -> Delivery:
        """Deliver a batch through the pipe that a mapping polls for."""
        return self._delivery.deliver(self._pipes[mapping.arn], Batch(mapping, attempt, depth), event())

    def forbidden(self, mapping: Mapping) -> str | None:
        """Return why the role of a pipe may not read its source, None where it goes on."""
        return self._world.permissions.pipe_forbidden(self._pipes[mapping.arn].sender, mapping.settings)

    # --- inside ------------------------------------------------------------------------------------------

    def _new_mapping(self, pipe: Pipe, stated: dict[str, Any]) -> Mapping:
        spec = MappingSpec(
            uuid=f"of pipe {pipe.name}",
            arn=pipe.arn,
            account_id=pipe.account_id,
            region=pipe.region,
            settings=self._completed(pipe, stated),
            user_reason="User action",
        )
        world = self._world
        return Mapping(spec, times=lambda: world.times, clock=world.clock, on_transition=self._on_transition)

    def _completed(self, pipe: Pipe, stated: dict[str, Any]) -> dict[str, Any]:
        source = recognise(stated, self._world.config.limits)
        assert source is not None
        return mapping_settings.completed(source, stated, pipe.name)

    def _on_transition(self, mapping: Mapping, transition: Transition) -> None:
        state = {"Enabled": "RUNNING", "Disabled": "STOPPED"}.get(transition.state, transition.state.upper())
        self._world.timeline.add("transition", self._pipes[mapping.arn].arn, state)
        self._world.engine.on_transition(mapping, transition)
