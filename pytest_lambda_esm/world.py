"""One fake world: all parts, made for each other, from one configuration. Nothing here decides anything."""

from __future__ import annotations

import random
import uuid
from typing import Any, Final

from pytest_lambda_esm.api.checks import Rules
from pytest_lambda_esm.api.dispatch import Dispatcher
from pytest_lambda_esm.api.event_source_mappings import EventSourceMappings
from pytest_lambda_esm.api.mapping_store import MappingStore
from pytest_lambda_esm.api.service_model import LambdaModel
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
from pytest_lambda_esm.moto_bridge.delivery import MotoDestinations
from pytest_lambda_esm.moto_bridge.functions import MotoFunctions
from pytest_lambda_esm.moto_bridge.sqs import MotoQueues
from pytest_lambda_esm.moto_bridge.streams import AllStreams
from pytest_lambda_esm.observe.advice import Advice
from pytest_lambda_esm.observe.calls import Calls
from pytest_lambda_esm.observe.fates import Fate, FateLedger
from pytest_lambda_esm.observe.journal import Journal
from pytest_lambda_esm.observe.timeline import Timeline
from pytest_lambda_esm.polling.backoff import Backoff
from pytest_lambda_esm.polling.bench import StreamPolling
from pytest_lambda_esm.polling.discards import Discards
from pytest_lambda_esm.polling.engine import Engine
from pytest_lambda_esm.polling.ports import Delivery, Lane
from pytest_lambda_esm.polling.queue_lane import QueueLane, QueuePolling
from pytest_lambda_esm.polling.stream_poller import StreamPoller
from pytest_lambda_esm.sources import dynamodb, kinesis, sqs
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.stream import Reader, StreamKind, stream_arn

_STREAMS: Final[dict[str, StreamKind]] = {"kinesis": kinesis.KIND, "dynamodb": dynamodb.KIND}

_FUNCTION_GONE: Final = (
    "Function not found under accountId {account} in database"
    " (Service: null; Status Code: 0; Error Code: null; Request ID: null)"
)
"""LastProcessingResult behind its ``PROBLEM: ``, as users of AWS have reported it."""


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
        self.streams = AllStreams()
        self.destinations = MotoDestinations()
        self.stream_pollers: dict[str, StreamPoller] = {}
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
            rules=Rules(model, self.functions, self.queues, self.streams, Advice(config.advice, self.timeline).give),
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
        for mapping in self.store.forget_place(account_id, region):
            self.engine.drop(mapping)
            mapping.drop()
            self.stream_pollers.pop(mapping.uuid, None)

    def stream_fates(self, source_arn: str, mapping_uuid: str | None = None) -> list[Fate]:
        """What became of a stream's records, for one mapping or for each one that reads or has read it."""
        return [
            fate
            for mapping in self.store
            if stream_arn(mapping.source_arn) == stream_arn(source_arn) and mapping_uuid in (None, mapping.uuid)
            for fate in self._stream_poller(mapping).fates()
        ]

    # --- inside ------------------------------------------------------------------------------------------

    def _on_transition(self, mapping: Mapping, transition: Transition) -> None:
        self.timeline.add("transition", f"mapping {mapping.uuid}", f"{transition.state} ({transition.reason})")
        if transition.state == GONE:
            self.store.forget(mapping)
        self.engine.on_transition(mapping, transition)
        self.hooks.transition(mapping, transition)

    def _new_lane(self, mapping: Mapping) -> Lane:
        arn = Arn.parse(mapping.source_arn)
        assert arn is not None
        if arn.service in _STREAMS:
            return self._stream_poller(mapping)
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

    def _stream_poller(self, mapping: Mapping) -> StreamPoller:
        """A mapping's poller is kept while the mapping is known: it holds the mapping's place in the stream."""
        poller = self.stream_pollers.get(mapping.uuid)
        if poller is None:
            config = self.config
            poller = self.stream_pollers[mapping.uuid] = StreamPoller(
                mapping,
                streams=self.streams,
                deliver=self._deliver,
                clock=self.clock,
                journal=self.journal,
                discards=Discards(
                    destinations=self.destinations,
                    kind=_STREAMS[mapping.source_arn.split(":")[2]],
                    new_id=self.new_id,
                    payload_as_text=config.failure_payload == "text",
                ),
                polling=StreamPolling(
                    latency=microseconds(config.poll_latency),
                    backoff=Backoff(microseconds(config.stream_backoff), microseconds(config.stream_backoff_limit)),
                    idle_wait=microseconds(config.window_idle_wait),
                    larger_half=config.larger_half,
                    loop_depth=config.loop_depth,
                ),
                reader=self._reader,
            )
            mapping.read_iterator_age = poller.iterator_age
        return poller

    def _reader(self, mapping: Mapping) -> Reader:
        configuration = self.functions.find(parse(mapping.function_arn, mapping.account_id, mapping.region))
        return Reader(mapping.source_arn, configuration.role if configuration is not None else "")

    def _deliver(self, mapping: Mapping, event: MakeEvent, attempt: int, depth: int) -> Delivery:
        reference = parse(mapping.function_arn, mapping.account_id, mapping.region)
        configuration = self.functions.find(reference)
        if configuration is None:
            return Delivery(
                False,
                self.clock.instant,
                reference.name,
                "the function does not exist (any more)",
                problem=_FUNCTION_GONE.format(account=reference.account_id),
            )
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
        return Delivery(
            invocation.outcome == "success",
            invocation.end,
            reference.name,
            about,
            result=invocation.result,
            version=configuration.version,
            request_id=invocation.request_id,
        )
