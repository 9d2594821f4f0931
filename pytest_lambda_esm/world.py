"""One fake world: all parts, made for each other, from one configuration. Nothing here decides anything."""

from __future__ import annotations

import random
import uuid
from typing import Any

from pytest_lambda_esm.api import support
from pytest_lambda_esm.api.checks import Rules
from pytest_lambda_esm.api.dispatch import Dispatcher
from pytest_lambda_esm.api.event_invoke_configs import EventInvokeConfigs
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings
from pytest_lambda_esm.api.invoke_config_store import InvokeConfigStore
from pytest_lambda_esm.api.invoke_destinations import DestinationRules
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.api.tags import MappingTags, concerns_mappings
from pytest_lambda_esm.clock.virtual import VirtualClock, Wall
from pytest_lambda_esm.config import Config, microseconds, moment_of
from pytest_lambda_esm.hooks import HandlerCall, Hooks
from pytest_lambda_esm.invocation.context import LambdaContext
from pytest_lambda_esm.invocation.function import Registry
from pytest_lambda_esm.invocation.function_name import parse
from pytest_lambda_esm.invocation.record import Invocation, MakeEvent
from pytest_lambda_esm.invocation.runtime import Request, Runtime
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping, Transition
from pytest_lambda_esm.moto_bridge import keys
from pytest_lambda_esm.moto_bridge.destination_lookup import MotoDestinationFinder
from pytest_lambda_esm.moto_bridge.functions import MotoFunctions
from pytest_lambda_esm.moto_bridge.sources import MotoSources
from pytest_lambda_esm.moto_bridge.sqs import MotoQueues
from pytest_lambda_esm.observe.advice import Advice
from pytest_lambda_esm.observe.calls import Calls
from pytest_lambda_esm.observe.fates import FateLedger
from pytest_lambda_esm.observe.journal import Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.polling.engine import Engine
from pytest_lambda_esm.polling.ports import Delivery, Lane
from pytest_lambda_esm.polling.queue_lane import QueueLane, QueuePolling
from pytest_lambda_esm.polling.unpolled_lane import UnpolledLane
from pytest_lambda_esm.sources import sqs
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.catalogue import recognise


class World:
    """The parts of one fake, joined."""

    def __init__(self, config: Config, model: LambdaModel, start: int, wall: Wall, hooks: Hooks) -> None:
        self.config = config
        self.hooks = hooks
        self.times = config.transitions
        self.randomness = random.Random(config.seed)
        self.clock = VirtualClock(moment_of(start), wall)
        self.runtime = Runtime(self.clock, self.new_id)
        self.timeline = Timeline(self.local_instant)
        self.ledger = FateLedger()
        self.journal = Journal(self.timeline, self.ledger)
        self.calls = Calls(model.operations)
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
            rules=Rules(
                model,
                self.functions,
                MotoSources(),
                Advice(config.advice, self.timeline).give,
                limits=config.limits,
                maximum_filters=config.maximum_filters,
            ),
            scheduler=self.clock,
            times=lambda: self.times,
            new_id=self.new_id,
            on_transition=self._on_transition,
            answers_new_values=config.update_answers == "new",
            key_problem=keys.problem,
        )
        self.invoke_configs = InvokeConfigStore()
        self.invoke_config_operations = EventInvokeConfigs(
            store=self.invoke_configs,
            model=model,
            functions=self.functions,
            destinations=DestinationRules(model, MotoDestinationFinder(self.functions)),
            now=lambda: moment_of(self.clock.instant),
        )
        tags = MappingTags(self.mappings, model).operations()
        self.dispatcher = Dispatcher(
            model,
            {**self.mappings.operations(), **self.invoke_config_operations.operations(), **tags},
            clock=self.clock,
            calls=self.calls,
            timeline=self.timeline,
            new_id=self.new_id,
            answered=hooks.call,
            shared=dict.fromkeys(tags, concerns_mappings),
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

    def source_changed(self, source_arn: str) -> None:
        """A queue may have something to receive earlier than it had."""
        self.engine.source_changed(source_arn)

    def depth(self) -> int:
        """How many invocations, each caused by the one before, led to what happens now."""
        return self.runtime.depth

    def forget(self, account_id: str, region: str) -> None:
        """moto has forgotten everything in a region, and so do we."""
        self.invoke_configs.forget_place(account_id, region)
        for mapping in self.store.forget_place(account_id, region):
            self.engine.drop(mapping)
            mapping.drop()

    # --- inside ------------------------------------------------------------------------------------------

    def _on_transition(self, mapping: Mapping, transition: Transition) -> None:
        self.timeline.add("transition", f"mapping {mapping.uuid}", f"{transition.state} ({transition.reason})")
        if transition.state == GONE:
            self.store.forget(mapping)
        self.engine.on_transition(mapping, transition)
        self.hooks.transition(mapping, transition)

    def _new_lane(self, mapping: Mapping) -> Lane:
        source = recognise(mapping.settings, self.config.limits)
        assert source is not None
        not_polled = support.not_polled(source.service, mapping.settings)
        if not_polled:
            return UnpolledLane(mapping, not_polled, self.journal)
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
            ),
        )

    def _deliver(self, mapping: Mapping, event: MakeEvent, attempt: int, depth: int) -> Delivery:
        reference = parse(mapping.function_arn, mapping.account_id, mapping.region)
        configuration = self.functions.find(reference)
        if configuration is None:
            return Delivery(False, self.clock.instant, reference.name, "the function does not exist (any more)")
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
