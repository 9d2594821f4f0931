"""One fake world: all parts, made for each other, from one configuration. Nothing here decides anything."""

from __future__ import annotations

import random
from typing import Final

from pytest_lambda_esm.api.checks import Rules
from pytest_lambda_esm.api.dispatch import Dispatcher
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings
from pytest_lambda_esm.api.invoke import Invocations
from pytest_lambda_esm.api.invoke_config_store import InvokeConfigStore
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.api.recursion_configs import RecursionConfigs
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.clock.virtual import VirtualClock, Wall
from pytest_lambda_esm.config import Config, microseconds, moment_of
from pytest_lambda_esm.hooks import Hooks
from pytest_lambda_esm.invocation.archive import CodeEnvironments
from pytest_lambda_esm.invocation.async_queue import AsyncQueue, QueueSettings
from pytest_lambda_esm.invocation.caller_time import CallerTime
from pytest_lambda_esm.invocation.concurrency import Concurrency
from pytest_lambda_esm.invocation.function import Registry
from pytest_lambda_esm.invocation.function_name import parse
from pytest_lambda_esm.invocation.invoker import Invoker, Order, Throttled
from pytest_lambda_esm.invocation.isolation import Isolation
from pytest_lambda_esm.invocation.record import Invocation, MakeEvent
from pytest_lambda_esm.invocation.runtime import Runtime
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping, Transition
from pytest_lambda_esm.moto_bridge.delivery import MotoDestinations
from pytest_lambda_esm.moto_bridge.function_logs import FunctionLogs
from pytest_lambda_esm.moto_bridge.functions import MotoFunctions
from pytest_lambda_esm.moto_bridge.sqs import MotoQueues
from pytest_lambda_esm.observe.advice import Advice
from pytest_lambda_esm.observe.calls import Calls
from pytest_lambda_esm.observe.fates import FateLedger
from pytest_lambda_esm.observe.journal import Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.polling.engine import Engine
from pytest_lambda_esm.polling.ports import Delivery
from pytest_lambda_esm.polling.queue_lane import QueueLane, QueuePolling
from pytest_lambda_esm.sources import sqs
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.destinations import DeliveryFailed

_UUID_FIXED: Final = 0xF000 << 64 | 0xC000 << 48
_UUID_VERSION_4: Final = 4 << 76 | 0x8000 << 48


class World:
    """The parts of one fake, joined."""

    def __init__(self, config: Config, model: LambdaModel, start: int, wall: Wall, hooks: Hooks) -> None:
        self.config = config
        self.hooks = hooks
        self.times = config.transitions
        self.randomness = random.Random(config.seed)
        self.clock = VirtualClock(moment_of(start), wall)
        self.isolation = Isolation()
        self.runtime = Runtime(self.clock, self.new_id, self.isolation)
        self.timeline = Timeline(self.local_instant)
        self.ledger = FateLedger()
        self.journal = Journal(self.timeline, self.ledger)
        self.calls = Calls(model.operations)
        self.invocations: list[Invocation] = []
        self.registry = Registry()
        self.functions = MotoFunctions(self.randomness)
        self.archives = CodeEnvironments()
        self.logs = FunctionLogs()
        self.queues = MotoQueues(self.randomness)
        self.invoker = Invoker(
            clock=self.clock,
            functions=self.functions,
            registry=self.registry,
            concurrency=Concurrency(config.account_concurrency),
            runtime=self.runtime,
            archives=self.archives,
            journal=self.journal,
            hooks=hooks,
            keep=self._keep,
        )
        self.recursion = RecursionConfigs(model=model, functions=self.functions, limit=config.recursion_limit)
        self.invoke_configs = InvokeConfigStore(lambda: self.clock.instant)
        self.async_queue = AsyncQueue(
            clock=self.clock,
            functions=self.functions,
            registry=self.registry,
            invoker=self.invoker,
            configs=self.invoke_configs,
            destinations=MotoDestinations(self.invoke_asynchronously),
            journal=self.journal,
            causing=self.runtime.causing,
            new_id=self.new_id,
            randomness=self.randomness,
            settings=QueueSettings(
                stops_loop=self.recursion.stops,
                latency=microseconds(config.async_latency),
                jitter=microseconds(config.async_jitter),
            ),
        )
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
        invocations = Invocations(
            model=model,
            functions=self.functions,
            invoker=self.invoker,
            queue=self.async_queue,
            time=CallerTime(self.clock, self.runtime),
            journal=self.journal.add,
            stops_loop=self.recursion.stops,
        ).operations()
        self.dispatcher = Dispatcher(
            model,
            {
                **self.mappings.operations(),
                **invocations,
                **self.invoke_configs.operations(),
                **self.recursion.operations(),
            },
            clock=self.clock,
            calls=self.calls,
            timeline=self.timeline,
            new_id=self.new_id,
            answered=hooks.call,
            side_by_side=frozenset(invocations),
        )

    def new_id(self) -> str:
        """A random UUID out of the world's seed."""
        # Like uuid.UUID(int=..., version=4), which takes twice the time; each invocation needs one.
        number = self.randomness.getrandbits(128)
        digits = f"{number & ~_UUID_FIXED | _UUID_VERSION_4:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

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

    def invoke_asynchronously(self, function_arn: str, payload: str) -> None:
        """Queue an event that another service sends. Raises DeliveryFailed where the function does not exist."""
        reference = parse(function_arn, self.config.account_id, "us-east-1")
        if self.functions.find(reference) is None:
            raise DeliveryFailed(f"the function {reference.arn} does not exist")
        self.async_queue.accept(reference, payload, self.new_id(), self.runtime.depth, self.runtime.now())

    def send_to_function(self, function_arn: str, payload: str) -> None:
        """The same for a service that has nobody to tell of a failure: the timeline shows it."""
        try:
            self.invoke_asynchronously(function_arn, payload)
        except DeliveryFailed as error:
            self.timeline.add("delivery", function_arn, f"failed: {error}")

    def forget(self, account_id: str, region: str) -> None:
        """moto has forgotten everything in a region, and so do we."""
        self.async_queue.forget_place(account_id, region)
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
            ),
        )

    def _deliver(self, mapping: Mapping, event: MakeEvent, attempt: int, depth: int) -> Delivery:
        reference = parse(mapping.function_arn, mapping.account_id, mapping.region)
        configuration = self.functions.route(reference)
        if configuration is None:
            return Delivery(False, self.clock.instant, reference.name, "the function does not exist (any more)")
        order = Order(reference, configuration, mapping.function_arn, event, self.new_id(), attempt, depth, mapping)
        outcome = self.invoker.attempt(order)
        if isinstance(outcome, Throttled):
            return Delivery(False, outcome.at, reference.name, f"throttled: {outcome.reason}", throttled=True)
        return Delivery(outcome.outcome == "success", outcome.end, reference.name, self.invoker.told(outcome))

    def _keep(self, invocation: Invocation) -> None:
        self.invocations.append(invocation)
        self.logs.keep(invocation)
