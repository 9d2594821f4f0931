"""The composition root: every part of one simulated world, created and connected from one configuration.

Each ``_compose_*`` method creates one group of parts. Nothing here decides anything. ``installation`` connects a
finished world to moto, botocore and this process.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_lambda_esm import ids
from pytest_lambda_esm.api.account_settings import AccountSettings
from pytest_lambda_esm.api.dispatch import Caller, CallLog, Dispatcher, OperationTable, Trouble
from pytest_lambda_esm.api.event_invoke_configs import DestinationChecks, EventInvokeConfigs, InvokeConfigStore
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings, MappingFactory
from pytest_lambda_esm.api.invoke import Invocations, InvocationServices
from pytest_lambda_esm.api.mapping_advice import MappingAdvice
from pytest_lambda_esm.api.mapping_checks import Lookups, MappingChecks
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.api.recursion_configs import RecursionConfigs
from pytest_lambda_esm.api.tags import MappingTags, concerns_mappings
from pytest_lambda_esm.arn import parse
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.clock.turns import turns_of
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.clock.waiting import threads_are_visible
from pytest_lambda_esm.config import Config
from pytest_lambda_esm.destinations import DeliveryFailed
from pytest_lambda_esm.faults.catalogue import FaultCatalogue
from pytest_lambda_esm.faults.injection import FaultInjector, SeededWeather
from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.faults.plan import FaultPlan
from pytest_lambda_esm.faults.poller_faults import AsyncFaults, FaultyDestinations, PollerFaults
from pytest_lambda_esm.invocation.archive.environment import ArchiveSettings, CodeEnvironments
from pytest_lambda_esm.invocation.async_queue import AsyncAttempts, AsyncFunctions, AsyncQueue
from pytest_lambda_esm.invocation.async_results import AsyncResults
from pytest_lambda_esm.invocation.concurrency import Concurrency
from pytest_lambda_esm.invocation.function import Registry
from pytest_lambda_esm.invocation.invoker import Execution, Invoker, Recording
from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.invocation.runtime import Runtime
from pytest_lambda_esm.invocation.sandbox.isolation import Isolation
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping, Transition
from pytest_lambda_esm.moto_bridge import lookups
from pytest_lambda_esm.moto_bridge.client_calls import ClientCalls, ClientTime
from pytest_lambda_esm.moto_bridge.destinations import MotoDestinationFinder, MotoDestinations
from pytest_lambda_esm.moto_bridge.first_use import FirstUse
from pytest_lambda_esm.moto_bridge.function_logs import FunctionLogs
from pytest_lambda_esm.moto_bridge.functions import MotoFunctions
from pytest_lambda_esm.moto_bridge.lookups import MotoSources
from pytest_lambda_esm.moto_bridge.service_faults import Network
from pytest_lambda_esm.moto_bridge.sqs.move_tasks import MoveTaskPorts, MoveTasks
from pytest_lambda_esm.moto_bridge.sqs.queues import MotoQueues
from pytest_lambda_esm.moto_bridge.streams.lookup import AllStreams
from pytest_lambda_esm.moto_bridge.unread_errors import UnreadErrors
from pytest_lambda_esm.moto_bridge.waits import ResponseWaits
from pytest_lambda_esm.observe.advice import Advice
from pytest_lambda_esm.observe.calls import Calls
from pytest_lambda_esm.observe.fates import Fate, FateLedger, Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.patching import Patches
from pytest_lambda_esm.polling.engine import Engine
from pytest_lambda_esm.simulation.documentdb import ChangeStreams
from pytest_lambda_esm.simulation.hooks import Hooks
from pytest_lambda_esm.simulation.kafka import TopicsAnd
from pytest_lambda_esm.simulation.permissions import Permissions, PermittedDestinations
from pytest_lambda_esm.simulation.pollers import BatchInvoker, InvokerPorts, PollerFactory, PollerPorts
from pytest_lambda_esm.simulation.waits import Waits
from pytest_lambda_esm.timing import microseconds, moment_of
from pytest_lambda_esm.vocabulary import FateName

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.documentdb.clusters import DocumentDBClusters
    from pytest_lambda_esm.brokers.kafka.clusters import KafkaClusters
    from pytest_lambda_esm.brokers.mq.brokers import MqBrokers
    from pytest_lambda_esm.moto_bridge.deployment import Deployments
    from pytest_lambda_esm.simulation.pipes import WorldPipes
    from pytest_lambda_esm.simulation.schedules import WorldSchedules


@dataclass(frozen=True, slots=True)
class PersistentParts:
    """The parts that survive a restart of the world.

    They are the test's fault plan, the catalogue that checks requested faults, the boto3 calls in progress, and the
    boto3 clients of the fake itself, by service and region.
    """

    plan: FaultPlan
    catalogue: FaultCatalogue
    client_calls: ClientCalls
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)


class World:
    """The parts of one fake, from its start or its last restart on."""

    def __init__(
        self, config: Config, model: LambdaModel, clock: EventClock, hooks: Hooks, persistent: PersistentParts
    ) -> None:
        self.config = config
        self.model = model
        self.hooks = hooks
        self.persistent = persistent
        self.times = config.transitions
        self.patches: Patches | None = None  # For what is installed when it is first used; None before and after.
        self.first_use: FirstUse | None = None
        self.randomness = random.Random(config.seed)
        # Separate generators, so that the number of ids drawn changes no other random choice.
        self.new_id = ids.uuids(random.Random(f"ids {config.seed}")).new
        self.new_receipt = ids.receipts(random.Random(f"receipts {config.seed}")).new
        self.clock = clock
        self.isolation = Isolation()
        self.runtime = Runtime(self.clock, self.new_id, self.isolation)
        self.sent = self.runtime.sent
        self.clock.turns = turns_of(config.interleaving)
        if config.sleep == "virtual" and threads_are_visible():
            clock.sleepers.groups = self.runtime.nesting
        self.timeline = Timeline(self.runtime.now, clock.follow_wall)
        self.ledger = FateLedger()
        self.advice = Advice(self.timeline, config.advice_ignore, off=config.advice == "off")
        self.journal = Journal(self.timeline, self.ledger, self.advice)
        self.calls = Calls(model.operations, model.parameters_of, clock.follow_wall, persistent.catalogue.parameters)
        self.injector = FaultInjector(
            persistent.plan,
            persistent.catalogue,
            hook=hooks.fault,
            weather=SeededWeather(config.weather, config.seed, persistent.catalogue),
            timeline=self.timeline,
        )
        self.unread_errors = UnreadErrors(self.depth)
        persistent.client_calls.cuts = self.runtime.cuts
        persistent.client_calls.watch = self.unread_errors.watch if config.advice != "off" else None
        self.waits = Waits(clock, self.runtime)
        self.response_waits = ResponseWaits(self.runtime, self.waits.wait)
        self.poll_until = self.response_waits.poll_until
        self.network = Network(persistent.client_calls, self.response_waits.wait, self.response_waits.now)
        self.interruptions = Interruptions()
        self.interference = PollerFaults(self.injector, lambda: self.clock.instant, self._remove, self.interruptions)
        self._compose_runs(config)
        self.permissions = Permissions(self)
        self._compose_asynchronous_queue(config, model)
        self._compose_pollers(config)
        self._compose_mappings(config, model)
        self.dispatcher = self._compose_dispatcher(model, persistent.client_calls)
        clock.waiting = self._what_waits
        clock.set_event_time(self._handlers_time, self._move_handlers_time)

    def _compose_runs(self, config: Config) -> None:
        """Create what runs handlers, for pollers, clients and asynchronous events alike."""
        self.invocations: list[Invocation] = []
        self.registry = Registry(self.clock.follow_wall)
        self.functions = MotoFunctions(self.randomness)
        self.archives = CodeEnvironments(
            ArchiveSettings(self.isolation, config.archive_imports, self.advice, lambda: self.runtime.local_time)
        )
        self.logs = FunctionLogs()
        self.queues = MotoQueues(self.new_receipt)
        self.move_tasks = MoveTasks(
            MoveTaskPorts(
                clock=self.clock,
                now=self.local_instant,
                new_id=ids.uuids(random.Random(f"move tasks {config.seed}")).new,
                source_changed=self.source_changed,
                record_fate=self.record_fate,
            )
        )
        self.invoker = Invoker(
            clock=self.clock,
            registry=self.registry,
            concurrency=Concurrency(config.account_concurrency, self.functions.reserved_total),
            execution=Execution(runtime=self.runtime, archives=self.archives, hooks=self.hooks),
            recording=Recording(journal=self.journal, keep=self._keep),
        )

    def _compose_asynchronous_queue(self, config: Config, model: LambdaModel) -> None:
        self.invoke_configs = InvokeConfigStore()
        self.destinations = FaultyDestinations(
            PermittedDestinations(
                self.permissions,
                TopicsAnd(
                    lambda: self.kafka,
                    MotoDestinations(self.invoke_asynchronously),
                    lambda request_id: self.runtime.causing(self.runtime.depth, request_id),
                ),
            ),
            self.injector,
            lambda: self.clock.instant,
            self.interruptions,
        )
        self.recursion = RecursionConfigs(model=model, functions=self.functions, limit=config.recursion_limit)
        self.async_queue = AsyncQueue(
            clock=self.clock,
            journal=self.journal,
            functions=AsyncFunctions(functions=self.functions, registry=self.registry, configs=self.invoke_configs),
            attempts=AsyncAttempts(
                invoker=self.invoker,
                trouble=AsyncFaults(self.injector, lambda: self.clock.instant, self.interruptions),
                interruptions=self.interruptions,
                stops_loop=self.recursion.stops,
                latency=microseconds(config.async_latency),
                jitter=microseconds(config.async_jitter),
                randomness=self.randomness,
                accepted=self._note_event,
            ),
            results=AsyncResults(self.destinations, self.journal, self.runtime.causing, self.new_id),
        )

    def _compose_pollers(self, config: Config) -> None:
        change_streams = ChangeStreams(lambda: self.documentdb, in_use=lambda: "documentdb" in self.__dict__)
        self.streams = AllStreams({"rds": change_streams})
        self.batches = BatchInvoker(
            InvokerPorts(
                clock=self.clock,
                journal=self.journal,
                functions=self.functions,
                registry=self.registry,
                stops_loop=self.recursion.stops,
                invoker=self.invoker,
                interference=self.interference,
                interruptions=self.interruptions,
                new_id=self.new_id,
                through_pipe=lambda *batch: self.pipes.deliver(*batch),
            )
        )
        self.pollers = PollerFactory(
            config,
            PollerPorts(
                clock=self.clock,
                journal=self.journal,
                pipe_journal=Journal(self.timeline, self.ledger),
                functions=self.functions,
                queues=self.queues,
                streams=self.streams,
                destinations=self.destinations,
                deliver=self.batches.deliver,
                stops_loop=self.batches.stops_loop,
                interference=self.interference,
                interruptions=self.interruptions,
                new_id=self.new_id,
                source_changed=self.source_changed,
                clusters=lambda: self.kafka,
                log=self.logs.keep,
                brokers=lambda: self.mq,
                forbidden=self.permissions.forbidden,
            ),
        )
        self.engine = Engine(
            self.clock,
            new_poller=self.pollers.new,
            delay=microseconds(config.polling_delay),
            polling_states=config.polling_states,
        )

    def _compose_mappings(self, config: Config, model: LambdaModel) -> None:
        self.store = MappingStore()
        existing = Lookups(
            functions=self.functions,
            sources=MotoSources(),
            key_problem=lookups.key_problem,
            reading_refused=self.permissions.reading_refused,
        )
        self.mapping_advice = MappingAdvice(
            config,
            functions=self.functions,
            sources=existing.sources,
            invoke_configs=self.invoke_configs,
            store=self.store,
            advice=self.advice,
            is_serial=self._is_serial,
        )
        self.mappings = EventSourceMappings(
            config,
            model=model,
            store=self.store,
            checks=MappingChecks(config, model, existing),
            advice=self.mapping_advice,
            factory=MappingFactory(
                clock=self.clock,
                new_id=self.new_id,
                times=lambda: self.times,
                on_transition=self._on_transition,
            ),
        )
        self.invoke_config_operations = EventInvokeConfigs(
            store=self.invoke_configs,
            model=model,
            functions=self.functions,
            destinations=DestinationChecks(model, MotoDestinationFinder(self.functions)),
            now=lambda: moment_of(self.clock.instant),
            advice=self.advice,
        )

    def _compose_dispatcher(self, model: LambdaModel, client_calls: ClientCalls) -> Dispatcher:
        """Return the dispatcher, which answers requests to Lambda with the fake's own operations."""
        tags = MappingTags(self.mappings, model).operations()
        self.invocation_operations = invocations = Invocations(
            self.config,
            model=model,
            services=InvocationServices(
                functions=self.functions,
                invoker=self.invoker,
                queue=self.async_queue,
                stops_loop=self.recursion.stops,
                trace=self.runtime.trace,
            ),
            time=ClientTime(self.runtime, client_calls, self.response_waits, self.advice),
            journal=self.journal.add,
        ).operations()
        operations = OperationTable(
            operations={
                **self.mappings.operations(),
                **self.invoke_config_operations.operations(),
                **invocations,
                **tags,
                **self.recursion.operations(),
                **AccountSettings(self.config, self.functions).operations(),
            },
            shared=dict.fromkeys(tags, concerns_mappings),
            concurrent=frozenset(invocations),
        )
        return Dispatcher(
            model,
            operations,
            clock=self.clock,
            trouble=Trouble(faults=self.injector, network=self.network),
            log=CallLog(calls=self.calls, timeline=self.timeline, new_request_id=self.new_id, on_call=self.hooks.call),
        )

    @cached_property
    def kafka(self) -> KafkaClusters:
        """The clusters of Kafka; few tests use them."""
        from pytest_lambda_esm.simulation.embedded import kafka_clusters

        return kafka_clusters(self)

    @cached_property
    def documentdb(self) -> DocumentDBClusters:
        """The clusters of DocumentDB; few tests use them."""
        from pytest_lambda_esm.simulation.embedded import documentdb_clusters

        return documentdb_clusters(self)

    @cached_property
    def mq(self) -> MqBrokers:
        """The brokers of Amazon MQ; few tests use them."""
        from pytest_lambda_esm.simulation.embedded import mq_brokers

        return mq_brokers(self)

    def _is_serial(self, source: str) -> bool:
        """Whether a source is a broker that is known to run RabbitMQ."""
        broker = self.mq.known(source) if "mq" in self.__dict__ else None
        return broker is not None and broker.engine == "RabbitMQ"

    @cached_property
    def schedules(self) -> WorldSchedules:
        """Scheduled rules and schedules; few tests use them."""
        from pytest_lambda_esm.simulation.schedules import WorldSchedules

        return WorldSchedules(self)

    @cached_property
    def pipes(self) -> WorldPipes:
        """The pipes; few tests use them."""
        from pytest_lambda_esm.simulation.pipes import WorldPipes

        return WorldPipes(self)

    @cached_property
    def deployments(self) -> Deployments:
        """What the stacks of templates have on this machine; few tests use it."""
        from pytest_lambda_esm.moto_bridge import deployment

        deployments = deployment.Deployments()
        if self.patches is not None:
            deployment.install(
                self.patches, deployments, lambda *names, handler: self.registry.get(*names).bind(handler)
            )
        return deployments

    def review(self) -> None:
        """Give the advice that depends on how things are now: what a test changed after it had created a mapping."""
        self.mapping_advice.review_all()
        for function in self.unread_errors.unread():
            self.advice.give("ESM137", function, function=function)

    def close(self, why: str) -> None:
        """Refuse every change of what the test holds of this world, with this text."""
        self.patches = self.first_use = None
        for embedded in self._embedded():
            embedded.close(why)

    def local_instant(self) -> int:
        """Return the current instant; inside a handler, the handler's local time."""
        return self.runtime.now()

    def sleep(self, seconds: float) -> None:
        """Do what ``time.sleep`` does in code under test, inside and outside of handlers."""
        __tracebackhide__ = True
        local = self.runtime.local_time
        self.timeline.add("sleep", "time.sleep", f"{seconds:g} s")
        if local is None:
            self.clock.sleep(seconds)
        else:
            self.clock.record_sleep(seconds)
            local.sleep(seconds)

    def wait_a_while(self, seconds: float) -> float:
        """Let time pass for a client whose long poll has found nothing; return how many seconds have passed."""
        __tracebackhide__ = True
        waited = self.waits.outside_wait(seconds)
        if waited is None:
            self.response_waits.poll_again(seconds)
        return seconds if waited is None else waited

    def source_changed(self, source_arn: str) -> None:
        """Wake the pollers of a source that may have something to read earlier or later than before."""
        self.engine.source_changed(source_arn)

    def record_fate(self, source: str, records: Sequence[str], fate: FateName, text: str) -> None:
        """Record the final fate of records that a client caused."""
        self.journal.fate(source, records, fate, text)

    def depth(self) -> int:
        """Return the chain of invocations, each caused by the previous one, that led to the code that runs now."""
        return self.runtime.depth

    def invoke_asynchronously(self, function_arn: str, payload: str) -> None:
        """Queue an event from another service. Raises DeliveryFailed where the function does not exist."""
        reference = parse(function_arn, self.config.account_id, "us-east-1")
        if self.functions.find(reference) is None:
            raise DeliveryFailed(f"the function {reference.arn} does not exist")
        self.permissions.check_trigger(reference.arn)
        self.async_queue.accept(reference, payload, self.new_id(), self.runtime.depth, self.runtime.now())

    def forget(self, account_id: str, region: str) -> None:
        """Discard everything in a region that moto has reset."""
        self.invoke_configs.forget_place(account_id, region)
        self.async_queue.forget_place(account_id, region)
        self.move_tasks.forget_place(account_id, region)
        for mapping in self.store.forget_place(account_id, region):
            self.engine.drop(mapping)
            mapping._drop()
            self.pollers.forget(mapping)
        for embedded in self._embedded():
            embedded.forget_place(account_id, region)

    def stream_fates(self, source_arn: str, mapping_uuid: str | None = None) -> list[Fate]:
        """Return the fates of a stream's records, for one mapping or for each one that reads or has read it."""
        polled = [*self.store, *self.pipes.mappings] if "pipes" in self.__dict__ else self.store
        return self.pollers.stream_fates(polled, source_arn, mapping_uuid)

    def embedded_contents(self) -> Iterator[tuple[str, str, Any]]:
        """Yield what clusters and brokers keep: the place, a key, and the value."""
        for each in self._embedded():
            yield from each.contents()

    # --- inside ------------------------------------------------------------------------------------------

    def _embedded(self) -> list[KafkaClusters | DocumentDBClusters | MqBrokers]:
        """Return what there is of clusters and brokers, without making any."""
        return [self.__dict__[name] for name in ("kafka", "documentdb", "mq") if name in self.__dict__]

    def _what_waits(self) -> list[str]:
        waiting = (mapping for mapping in self.store if mapping._waits_for_test)
        return [f"mapping {mapping.uuid}: {reason}" for mapping in waiting for reason in mapping.explain()]

    def _handlers_time(self) -> int | None:
        local = self.runtime.local_time
        return local.now() if local is not None else None

    def _move_handlers_time(self, instant: int) -> None:
        local = self.runtime.local_time
        if local is not None:
            local.wait_until(instant)

    def _remove(self, mapping: Mapping) -> None:
        self.mappings.delete(Caller(mapping.account_id, mapping.region), {"UUID": mapping.uuid})

    def _on_transition(self, mapping: Mapping, transition: Transition) -> None:
        self.timeline.add("transition", f"mapping {mapping.uuid}", f"{transition.state} ({transition.reason})")
        if transition.state == GONE:
            self.store.forget(mapping)
        if transition.state == "Creating":
            self.pollers.note_creation(mapping)
        self.engine.on_transition(mapping, transition)
        self.hooks.transition(mapping, transition)

    def _note_event(self, function_arn: str, request_id: str, at: int) -> None:
        self.runtime.causes.note(at, function_arn, request_id, self.runtime.cause, self.runtime.local_time is not None)

    def _keep(self, invocation: Invocation) -> None:
        self.invocations.append(invocation)
        self.logs.keep(invocation)
