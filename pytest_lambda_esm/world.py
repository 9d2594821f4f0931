"""One fake world: all parts, made for each other, from one configuration. Nothing here decides anything."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.api.checks import Rules
from pytest_lambda_esm.api.dispatch import Caller, Dispatcher
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings
from pytest_lambda_esm.api.fault_catalogue import FaultCatalogue
from pytest_lambda_esm.api.fault_injection import FaultInjector
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.clock.virtual import VirtualClock
from pytest_lambda_esm.config import Config, microseconds
from pytest_lambda_esm.faults.plan import FaultPlan
from pytest_lambda_esm.faults.poller_steps import INVOKE
from pytest_lambda_esm.hooks import HandlerCall, Hooks
from pytest_lambda_esm.invocation.context import LambdaContext
from pytest_lambda_esm.invocation.function import Registry
from pytest_lambda_esm.invocation.function_name import parse
from pytest_lambda_esm.invocation.record import Invocation, MakeEvent
from pytest_lambda_esm.invocation.runtime import Request, Runtime
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping, Transition
from pytest_lambda_esm.moto_bridge.exchanges import Exchanges
from pytest_lambda_esm.moto_bridge.functions import MotoFunctions
from pytest_lambda_esm.moto_bridge.network import Network
from pytest_lambda_esm.moto_bridge.sqs import MotoQueues
from pytest_lambda_esm.observe.advice import Advice
from pytest_lambda_esm.observe.calls import Calls
from pytest_lambda_esm.observe.fates import FateLedger
from pytest_lambda_esm.observe.journal import Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.polling.engine import Engine
from pytest_lambda_esm.polling.interference import PlannedInterference
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.queue_lane import QueueLane, QueuePolling
from pytest_lambda_esm.sources import sqs
from pytest_lambda_esm.sources.arn import Arn


@dataclass(frozen=True, slots=True)
class Faults:
    """What outlives a world: the test's plan, who judges what it asks for, and the calls that are going on."""

    plan: FaultPlan
    catalogue: FaultCatalogue
    exchanges: Exchanges


class World:
    """The parts of one fake, joined."""

    def __init__(
        self,
        config: Config,
        model: LambdaModel,
        clock: VirtualClock,
        hooks: Hooks,
        faults: Faults,
    ) -> None:
        self.config = config
        self.hooks = hooks
        self.times = config.transitions
        self.randomness = random.Random(config.seed)
        self.clock = clock
        self.runtime = Runtime(self.clock, self.new_id)
        self.timeline = Timeline(self.local_instant)
        self.ledger = FateLedger()
        self.journal = Journal(self.timeline, self.ledger)
        self.calls = Calls(model.operations)
        self.injector = FaultInjector(
            faults.plan,
            faults.catalogue,
            hook=hooks.fault,
            weather=config.weather,
            seed=config.seed,
            timeline=self.timeline,
        )
        self.network = Network(faults.exchanges, self.wait)
        self.interference = PlannedInterference(self.injector, lambda: self.clock.instant, self._remove)
        self.invocations: list[Invocation] = []
        self.registry = Registry()
        self.functions = MotoFunctions()
        self.queues = MotoQueues(self.randomness)
        self.engine = Engine(
            self.clock,
            new_lane=self._new_lane,
            delay=microseconds(config.polling_delay),
            polling_states=config.polling_states,
        )
        self.store = MappingStore()
        self.mappings = EventSourceMappings(
            store=self.store,
            model=model,
            rules=Rules(model, self.functions, self.queues, Advice(config.advice, self.timeline).give),
            scheduler=self.clock,
            times=lambda: self.times,
            new_id=self.new_id,
            on_transition=self._on_transition,
            answers_new_values=config.update_answers == "new",
        )
        self.dispatcher = Dispatcher(
            model,
            self.mappings.operations(),
            clock=self.clock,
            calls=self.calls,
            timeline=self.timeline,
            new_id=self.new_id,
            answered=hooks.call,
            faults=self.injector,
            network=self.network,
        )

    def new_id(self) -> str:
        """A random UUID out of the world's seed."""
        return str(uuid.UUID(int=self.randomness.getrandbits(128), version=4))

    def local_instant(self) -> int:
        """Now; inside a handler, the handler's own time."""
        local = self.runtime.local_time
        return local.now() if local is not None else self.clock.instant

    def sleep(self, seconds: float) -> None:
        """What ``time.sleep`` does in code under test, inside and outside of handlers."""
        __tracebackhide__ = True
        local = self.runtime.local_time
        self.timeline.add("sleep", "time.sleep", f"{seconds:g} s")
        if local is None:
            self.clock.sleep(seconds)
        else:
            self.clock.nap(seconds)
            local.sleep(seconds)

    def wait(self, seconds: float) -> None:
        """What waiting for an answer of the network does: time passes, and nobody has slept."""
        __tracebackhide__ = True
        local = self.runtime.local_time
        if local is None:
            self.clock.advance(seconds)
        else:
            local.sleep(seconds)

    def source_changed(self, source_arn: str) -> None:
        """A queue may have something to receive earlier than it had."""
        self.engine.source_changed(source_arn)

    def depth(self) -> int:
        """How many invocations, each caused by the one before, led to what happens now."""
        return self.runtime.depth

    def forget(self, account_id: str, region: str) -> None:
        """moto has forgotten everything in a region, and so do we."""
        for mapping in self.store.forget_place(account_id, region):
            self.engine.drop(mapping)
            mapping.drop()

    # --- inside ------------------------------------------------------------------------------------------

    def _remove(self, mapping: Mapping) -> None:
        self.mappings.delete(Caller(mapping.account_id, mapping.region), {"UUID": mapping.uuid})

    def _on_transition(self, mapping: Mapping, transition: Transition) -> None:
        self.timeline.add("transition", f"mapping {mapping.uuid}", f"{transition.state} ({transition.reason})")
        if transition.state == GONE:
            self.store.forget(mapping)
        self.engine.on_transition(mapping, transition)
        self.hooks.transition(mapping, transition)

    def _new_lane(self, mapping: Mapping) -> QueueLane:
        arn = Arn.parse(mapping.source_arn)
        assert arn is not None
        return QueueLane(
            mapping,
            queues=self.queues,
            record=lambda message: sqs.record(message, arn, mapping.source_arn),
            deliver=self._deliver,
            clock=self.clock,
            journal=self.journal,
            polling=QueuePolling(
                latency=microseconds(self.config.poll_latency),
                concurrency=self.config.initial_concurrency,
                loop_depth=self.config.loop_depth,
                read_retry=microseconds(self.config.read_retry_delay),
            ),
            interference=self.interference,
        )

    def _deliver(self, mapping: Mapping, event: MakeEvent, attempt: int, depth: int) -> Delivery:
        reference = parse(mapping.function_arn, mapping.account_id, mapping.region)
        configuration = self.functions.find(reference)
        if configuration is None:
            return Delivery(False, self.clock.instant, reference.name, "the function does not exist (any more)")
        trouble = self.interference.at(INVOKE, mapping)
        if trouble is not None:
            return Delivery(False, self.clock.instant, reference.name, f"{trouble} before it started")
        function = self.registry.get(reference.account_id, reference.region, reference.name)
        handler = self.registry.handler_of(reference.account_id, reference.region, reference.name)
        self.timeline.add("invocation", reference.name, f"begins, attempt {attempt}")
        request = Request(
            function=configuration,
            invoked_arn=mapping.function_arn,
            event=event,
            attempt=attempt,
            mapping=mapping,
            depth=depth,
        )

        def hooked(given: Any, context: LambdaContext) -> Any:
            call = HandlerCall(
                function=reference.name,
                handler=handler,
                event=given,
                context=context,
                attempt=attempt,
                mapping=mapping,
            )
            return self.hooks.invoke(call).value

        invocation = self.runtime.run(request, function, hooked)
        function.remember(invocation)
        self.invocations.append(invocation)
        about = invocation.outcome if invocation.error is None else f"{invocation.outcome}, {invocation.error}"
        return Delivery(invocation.outcome == "success", invocation.end, reference.name, about)
