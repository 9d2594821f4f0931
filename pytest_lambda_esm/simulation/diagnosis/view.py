"""What the rules of the diagnosis look at: a world as it is when it is asked, read once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pytest_lambda_esm.arn import parse
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge import inventory
from pytest_lambda_esm.moto_bridge.inventory import QueueFacts
from pytest_lambda_esm.moto_bridge.other_callers import other_callers as found_callers
from pytest_lambda_esm.observe.calls import Call
from pytest_lambda_esm.observe.fates import DELAYED, IN_FLIGHT, WAITING, Fate
from pytest_lambda_esm.observe.timeline import Entry
from pytest_lambda_esm.simulation.diagnosis.finding import is_pipe, unqualified
from pytest_lambda_esm.simulation.diagnosis.places import Place, divided_sources, unread_places
from pytest_lambda_esm.simulation.queries import fates_of_mapping
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import time_text

_UNFINISHED = (WAITING, DELAYED, IN_FLIGHT)


class View:
    """A read-only look at a world. It moves no time and calls no hook; each part is read when a rule first needs it.

    ``errors`` are the exceptions of this package that the fake raised into code under test.
    """

    def __init__(self, world: World, errors: Sequence[BaseException] = ()) -> None:
        self._world = world
        self.errors = errors
        self.now = world.clock.instant
        self.strict = world.config.strict
        self._fates: dict[str, Sequence[Fate]] = {}

    @cached_property
    def mappings(self) -> list[Mapping]:
        """The mappings that exist, in the order of their creation, and those that poll for pipes."""
        pipes = self._world.pipes.mappings if "pipes" in self._world.__dict__ else ()
        return [mapping for mapping in (*self._world.store, *pipes) if mapping.state != GONE]

    @cached_property
    def deleted(self) -> list[Mapping]:
        """The mappings that do not exist any more."""
        return [mapping for mapping in self._world.store if mapping.state == GONE]

    @cached_property
    def entries(self) -> list[Entry]:
        """The timeline."""
        return self._world.timeline._recorded

    @cached_property
    def calls(self) -> list[Call]:
        """The calls to the Lambda API."""
        return list(self._world.calls)

    @property
    def invocations(self) -> Sequence[Invocation]:
        """The invocations of all functions, in order."""
        return self._world.invocations

    @cached_property
    def last_invocations(self) -> dict[tuple[str, str], list[Invocation]]:
        """The invocations by their function's ARN and their mapping's UUID, which is empty for other callers."""
        found: dict[tuple[str, str], list[Invocation]] = {}
        for each in self._world.invocations:
            mapping = each.mapping
            function = unqualified(each._request.invoked_arn)
            found.setdefault((function, mapping.uuid if mapping is not None else ""), []).append(each)
        return found

    @cached_property
    def queues(self) -> dict[str, QueueFacts]:
        """The queues in moto, by ARN."""
        return {queue.arn: queue for queue in inventory.queues()}

    @cached_property
    def streams(self) -> list[str]:
        """The ARNs of the streams in moto."""
        return list(inventory.streams())

    @cached_property
    def clusters(self) -> list[str]:
        """The clusters and brokers that the test has used: ARNs, or the bootstrap servers of a Kafka cluster."""
        return divided_sources(self._world)

    @cached_property
    def functions(self) -> set[str]:
        """The unqualified ARNs of the functions in moto."""
        return set(inventory.functions())

    @cached_property
    def bound(self) -> list[str]:
        """The ARNs of the functions with a handler of the test."""
        return [function.arn for function in self._world.registry if function.handler is not None]

    @cached_property
    def outputs(self) -> set[str]:
        """The ARNs to which failed records go: dead-letter queues and destinations."""
        found = {queue.dead_letter_target for queue in self.queues.values() if queue.dead_letter_target}
        for mapping in self.mappings:
            found.add(mapping._in_force.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
        found.update(entry.subject for entry in self.entries if entry.kind == "delivery")
        return {arn for arn in found if arn}

    def fates(self, mapping: Mapping) -> Sequence[Fate]:
        """Return the fates of the records of a mapping's source."""
        if mapping.uuid not in self._fates:
            self._fates[mapping.uuid] = fates_of_mapping(self._world, mapping)
        return self._fates[mapping.uuid]

    def unfinished(self, mapping: Mapping) -> list[Fate]:
        """Return the fates of the records of a mapping's source that are not done."""
        return [fate for fate in self.fates(mapping) if fate.fate in _UNFINISHED]

    def unread(self, source: str) -> list[Place]:
        """Return how many records that no mapping reads a source holds: in a queue or stream, or in which parts."""
        if source in self.clusters:
            return unread_places(self._world, source)
        if source in self.queues:
            queue = self._world.queues.find(source)
            count = len(queue.contents()) if queue is not None else 0
        else:
            count = sum(fate.fate == WAITING and not fate.mapping for fate in self._world.stream_fates(source))
        return [Place("", count)] if count else []

    def has_read(self, mapping: Mapping) -> bool:
        """Whether a mapping has received records. Amazon MQ has no metrics, so that their fates tell."""
        done = (each for each in self.fates(mapping) if each.fate not in (WAITING, DELAYED))
        return bool(mapping._counters["PolledEventCount"]) or any(done)

    def schedules_of(self, function_arn: str) -> list[str]:
        """Return when the schedules are due that have a function as their target, one line each."""
        if "schedules" not in self._world.__dict__:
            return []
        agenda = self._world.schedules.agenda
        return list(agenda.explain(lambda target: unqualified(target) == function_arn))

    def explained(self, mapping: Mapping) -> list[str]:
        """Return what a mapping's poller waits for, as ``explain()`` says it."""
        return self._world.engine.explain(mapping)

    @cached_property
    def events(self) -> list[tuple[str, Fate]]:
        """The unfinished asynchronous events, each with its function's ARN."""
        return [
            (function.arn, fate)
            for function in self._world.registry
            for fate in self._world.async_queue.fates(function.arn)
        ]

    @property
    def other_callers(self) -> list[tuple[str, str]]:
        """What would have invoked a function on AWS, and does not here: its kind and its name."""
        return list(found_callers())

    @property
    def unused_faults(self) -> str:
        """The report on faults that never struck; empty if there are none."""
        return self._world.persistent.plan.unused()

    def time(self, instant: int) -> str:
        """Return an instant as text."""
        return time_text(instant, self.now)

    def function_of(self, mapping: Mapping) -> str:
        """Return the unqualified ARN of a mapping's function, or the ARN of the pipe that it polls for."""
        if is_pipe(mapping):
            return mapping.function_arn
        return parse(mapping.function_arn, mapping.account_id, mapping.region).unqualified_arn
