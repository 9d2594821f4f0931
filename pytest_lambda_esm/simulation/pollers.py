"""Creates the poller of a mapping, whatever its source, and invokes functions with the batches of pollers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.arn import FunctionReference, parse
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.config import Config
from pytest_lambda_esm.destinations import Destinations
from pytest_lambda_esm.faults.effects import PollerFault
from pytest_lambda_esm.faults.interruptions import Interruptions, broken_off
from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.invocation.async_results import RECURSIVE
from pytest_lambda_esm.invocation.configuration import Functions
from pytest_lambda_esm.invocation.function import Registry
from pytest_lambda_esm.invocation.invoker import Invoker, Throttled
from pytest_lambda_esm.invocation.record import MakeEvent, Request
from pytest_lambda_esm.invocation.script import outcome_of
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.moto_bridge.function_logs import MappingLog
from pytest_lambda_esm.moto_bridge.functions import MotoFunctions
from pytest_lambda_esm.moto_bridge.streams.lookup import AllStreams
from pytest_lambda_esm.observe import chains
from pytest_lambda_esm.observe.fates import Fate, Journal
from pytest_lambda_esm.polling.ports import Deliver, Delivery, Forbidden, Poller
from pytest_lambda_esm.polling.queues.context import QueueContext, QueuePolling
from pytest_lambda_esm.polling.queues.poller import QueuePoller
from pytest_lambda_esm.polling.queues.scaling import ScalingRates
from pytest_lambda_esm.simulation import mq
from pytest_lambda_esm.sources.broker_ports import Brokers, Queue
from pytest_lambda_esm.sources.catalogue import recognise
from pytest_lambda_esm.sources.event_source import EventSource
from pytest_lambda_esm.sources.kafka_ports import Clusters
from pytest_lambda_esm.sources.queue_ports import Queues
from pytest_lambda_esm.sources.stream_ports import Reader, stream_arn
from pytest_lambda_esm.timing import Backoff, microseconds

if TYPE_CHECKING:
    from pytest_lambda_esm.polling.brokers.poller import BrokerPoller
    from pytest_lambda_esm.polling.kafka.poller import KafkaPoller
    from pytest_lambda_esm.polling.streams.context import StreamPolling
    from pytest_lambda_esm.polling.streams.poller import StreamPoller

_FUNCTION_GONE: Final = (
    "Function not found under accountId {account} in database"
    " (Service: null; Status Code: 0; Error Code: null; Request ID: null)"
)
"""The rest of LastProcessingResult after ``PROBLEM: ``, as users of AWS have reported it."""

_LOOP: Final = f"RecursiveInvocationException: {RECURSIVE.message}"

_PIPES: Final = ":pipes:"
"""In the ARN of a pipe, which is in the place of the function of the mapping that polls for it."""

_FAILURES: Final[dict[str, dict[str, Any]]] = {
    "throttled": {"throttled": True},
    "failed": {"problem": "Function call failed"},
}
"""The fields of a Delivery for each fault at the step INVOKE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollerPorts:
    """What pollers work with.

    ``new_id`` returns a new UUID. ``stops_loop`` returns whether Lambda's loop detection refuses to invoke a mapping's
    function after a chain of invocations. ``source_changed`` is called with the ARN of a queue when messages in it may
    become visible earlier or later than before. ``clusters()`` are those of Kafka, ``brokers()`` those of Amazon MQ.
    ``log`` keeps a line of a mapping. ``forbidden`` returns why a function's role may not read a source.
    ``pipe_journal`` is the journal for pipes, which get no advice on mappings.
    """

    clock: EventClock
    journal: Journal
    pipe_journal: Journal
    functions: Functions
    queues: Queues
    streams: AllStreams
    destinations: Destinations
    deliver: Deliver
    stops_loop: Callable[[Mapping, int], bool]
    interference: PollerFaults
    interruptions: Interruptions
    new_id: Callable[[], str]
    source_changed: Callable[[str], None]
    clusters: Callable[[], Clusters]
    log: Callable[[MappingLog], None]
    brokers: Callable[[], Brokers]
    forbidden: Forbidden


class PollerFactory:
    """Creates pollers.

    The poller of a stream or of Kafka is kept as long as its mapping exists: it holds the mapping's place there. That
    of a broker is kept because its batches in flight count towards its concurrency.
    """

    def __init__(self, config: Config, ports: PollerPorts) -> None:
        self._config = config
        self._ports = ports
        self._stream_pollers: dict[str, StreamPoller] = {}
        self._kafka_pollers: dict[str, KafkaPoller] = {}
        self._broker_pollers: dict[str, BrokerPoller] = {}
        self._ends_at_creation: dict[str, dict[str, int]] = {}

    def note_creation(self, mapping: Mapping) -> None:
        """Note where the shards of a new mapping's stream end, if it will start at LATEST."""
        if mapping._in_force.get("StartingPosition") != "LATEST" or self._source(mapping).polled_as != "stream":
            return
        stream = self._ports.streams.read_by(mapping).find(mapping.source_arn)
        if stream is not None:
            self._ends_at_creation[mapping.uuid] = {shard.shard_id: shard.end for shard in stream.shards()}

    def new(self, mapping: Mapping) -> Poller:
        """Return the poller of a mapping that starts to poll."""
        if self._source(mapping).polled_as == "stream":
            return self._stream_poller(mapping)
        if self._source(mapping).polled_as == "kafka":
            return self._kafka_poller(mapping)
        if self._source(mapping).polled_as == "broker":
            return self._broker_poller(mapping)
        return self._new_queue_poller(mapping)

    def forget(self, mapping: Mapping) -> None:
        """Discard a mapping's place in its stream: its region has been reset."""
        self._stream_pollers.pop(mapping.uuid, None)
        self._ends_at_creation.pop(mapping.uuid, None)
        self._kafka_pollers.pop(mapping.uuid, None)
        self._broker_pollers.pop(mapping.uuid, None)

    def stream_fates(self, mappings: Iterable[Mapping], source_arn: str, uuid: str | None = None) -> list[Fate]:
        """Return the fates of a stream's records, for one mapping or for each one that reads or has read it."""
        readers = [
            mapping
            for mapping in mappings
            if stream_arn(mapping.source_arn) == stream_arn(source_arn) and uuid in (None, mapping.uuid)
        ]
        found = [fate for mapping in readers for fate in self._stream_poller(mapping).fates()]
        if uuid is None:
            from pytest_lambda_esm.polling.streams.history import unread_fates

            with_fate = {fate.record for fate in found}
            unread = unread_fates(self._ports.streams.find(source_arn), self._ports.clock.instant)
            found += [fate for fate in unread if fate.record not in with_fate]
        return found

    def kafka_mappings(self, mappings: Iterable[Mapping], source: str | None = None) -> list[Mapping]:
        """Return the mappings of Kafka that are polled, or those of them with this source."""
        return [
            mapping
            for mapping in mappings
            if source in (None, mapping.source_arn) and self._source(mapping).polled_as == "kafka"
        ]

    def kafka_fates(self, mappings: Iterable[Mapping]) -> list[Fate]:
        """Return the fates of a topic's records for each of some mappings of Kafka."""
        return [fate for mapping in mappings for fate in self._kafka_poller(mapping).fates()]

    def reads(self, mapping: Mapping, queue: Queue) -> bool:
        """Return whether a queue of a broker is the one that a mapping of this broker reads."""
        from pytest_lambda_esm.polling.brokers.settings import BrokerSettings

        settings = BrokerSettings.of(mapping._in_force, self._source(mapping).data_rules)
        return self._ports.brokers().find(mapping.source_arn).consumed(settings.queue, settings.virtual_host) is queue

    def _journal(self, mapping: Mapping) -> Journal:
        return self._ports.pipe_journal if _PIPES in mapping.function_arn else self._ports.journal

    def _source(self, mapping: Mapping) -> EventSource:
        source = recognise(mapping.settings, self._config.limits)
        assert source is not None
        return source

    def _stream_poller(self, mapping: Mapping) -> StreamPoller:
        poller = self._stream_pollers.get(mapping.uuid)
        if poller is None:
            poller = self._stream_pollers[mapping.uuid] = self._new_stream_poller(mapping)
            mapping._read_iterator_age = poller.iterator_age
        return poller

    def _new_stream_poller(self, mapping: Mapping) -> StreamPoller:
        # Imported here, since most tests need queues only.
        from pytest_lambda_esm.polling.streams.context import StreamContext
        from pytest_lambda_esm.polling.streams.failures import BatchDiscarder
        from pytest_lambda_esm.polling.streams.poller import StreamPoller

        ports, kind = self._ports, self._source(mapping).stream_kind
        assert kind is not None
        context = StreamContext(
            mapping=mapping,
            streams=ports.streams.read_by(mapping),
            deliver=ports.deliver,
            clock=ports.clock,
            journal=self._journal(mapping),
            discarder=BatchDiscarder(
                destinations=ports.destinations,
                kind=kind,
                new_id=ports.new_id,
                payload_as_text=self._config.failure_payload == "text",
            ),
            interference=ports.interference,
            interruptions=ports.interruptions,
            polling=_stream_polling(self._config),
            find_reader=self._reader,
            timeout=self._timeout,
            ends_at_creation=self._ends_at_creation.pop(mapping.uuid, None),
            forbidden=ports.forbidden,
        )
        return StreamPoller(context)

    def _kafka_poller(self, mapping: Mapping) -> KafkaPoller:
        poller = self._kafka_pollers.get(mapping.uuid)
        if poller is None:
            poller = self._kafka_pollers[mapping.uuid] = self._new_kafka_poller(mapping)
            mapping._read_iterator_age = poller.iterator_age
            mapping._read_offset_lag = poller.offset_lag
        return poller

    def _new_kafka_poller(self, mapping: Mapping) -> KafkaPoller:
        # Imported here, since most tests never need it.
        from pytest_lambda_esm.polling.kafka.context import KafkaContext, KafkaPolling
        from pytest_lambda_esm.polling.kafka.failures import KafkaDiscarder
        from pytest_lambda_esm.polling.kafka.poller import KafkaPoller

        ports, config = self._ports, self._config
        context = KafkaContext(
            mapping=mapping,
            source=self._source(mapping),
            cluster=ports.clusters().find(mapping.source_arn),
            deliver=ports.deliver,
            clock=ports.clock,
            journal=self._journal(mapping),
            discarder=KafkaDiscarder(ports.destinations, ports.new_id, config.failure_payload == "text"),
            interference=ports.interference,
            interruptions=ports.interruptions,
            write_log=partial(self._write_log, mapping),
            timeout=self._timeout,
            forbidden=ports.forbidden,
            polling=KafkaPolling(
                latency=microseconds(config.poll_latency),
                backoff=Backoff(microseconds(config.stream_backoff), microseconds(config.stream_backoff_limit)),
                pollers=config.kafka_pollers,
                larger_half=config.larger_half,
                loop_depth=config.loop_depth,
                read_retry=microseconds(config.read_retry_delay),
            ),
        )
        return KafkaPoller(context)

    def _broker_poller(self, mapping: Mapping) -> BrokerPoller:
        if mapping.uuid not in self._broker_pollers:
            self._broker_pollers[mapping.uuid] = self._new_broker_poller(mapping)
        return self._broker_pollers[mapping.uuid]

    def _new_broker_poller(self, mapping: Mapping) -> BrokerPoller:
        # Imported here, since most tests never need it.
        from pytest_lambda_esm.polling.brokers.context import BrokerContext
        from pytest_lambda_esm.polling.brokers.poller import BrokerPoller

        ports = self._ports
        context = BrokerContext(
            mapping=mapping,
            source=self._source(mapping),
            brokers=ports.brokers(),
            login_problem=mq.check_login,
            forbidden=ports.forbidden,
            timeout=self._timeout,
            deliver=ports.deliver,
            clock=ports.clock,
            journal=self._journal(mapping),
            interference=ports.interference,
            interruptions=ports.interruptions,
            polling=_stream_polling(self._config),
        )
        return BrokerPoller(context)

    def _new_queue_poller(self, mapping: Mapping) -> QueuePoller:
        ports = self._ports
        context = QueueContext(
            mapping=mapping,
            queues=ports.queues,
            deliver=ports.deliver,
            stops_loop=ports.stops_loop,
            clock=ports.clock,
            journal=self._journal(mapping),
            polling=_queue_polling(self._config),
            interference=ports.interference,
            interruptions=ports.interruptions,
            timeout=self._timeout,
            source_changed=ports.source_changed,
            forbidden=ports.forbidden,
        )
        return QueuePoller(context)

    def _write_log(self, mapping: Mapping, stream: str, instant: int, text: str) -> None:
        """Write a line into the log group of a mapping's function."""
        function = parse(mapping.function_arn, mapping.account_id, mapping.region)
        configuration = self._ports.functions.find(function)
        if configuration is not None:
            group = configuration.log_group
            self._ports.log(MappingLog(function.account_id, function.region, group, stream, instant, text))

    def _timeout(self, mapping: Mapping) -> int | None:
        """Return the timeout of a mapping's function, or None if it does not exist; a pipe has none, which is 0."""
        if _PIPES in mapping.function_arn:
            return 0
        function = parse(mapping.function_arn, mapping.account_id, mapping.region)
        configuration = self._ports.functions.find(function)
        return configuration.timeout if configuration is not None else None

    def _reader(self, mapping: Mapping) -> Reader:
        function = parse(mapping.function_arn, mapping.account_id, mapping.region)
        configuration = self._ports.functions.find(function)
        return Reader(mapping.source_arn, configuration.role if configuration is not None else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokerPorts:
    """What a batch invoker works with.

    ``stops_loop`` returns whether Lambda stops a chain of invocations at a function. ``new_id`` returns a new UUID.
    ``through_pipe`` delivers the batches that are polled for a pipe.
    """

    clock: EventClock
    journal: Journal
    functions: MotoFunctions
    registry: Registry
    stops_loop: Callable[[FunctionReference, int], bool]
    invoker: Invoker
    interference: PollerFaults
    interruptions: Interruptions
    new_id: Callable[[], str]
    through_pipe: Deliver


class BatchInvoker:
    """Invokes the function of a mapping with a batch.

    An invocation that an exception for the test has ended is one that failed.
    """

    def __init__(self, ports: InvokerPorts) -> None:
        self._clock = ports.clock
        self._advice = ports.journal.advice
        self._functions = ports.functions
        self._registry = ports.registry
        self._stops = ports.stops_loop
        self._invoker = ports.invoker
        self._interference = ports.interference
        self._interruptions = ports.interruptions
        self._new_id = ports.new_id
        self._through_pipe = ports.through_pipe

    def stops_loop(self, mapping: Mapping, depth: int) -> bool:
        """Return whether Lambda's loop detection refuses to invoke the mapping's function after a chain."""
        return self._stops(parse(mapping.function_arn, mapping.account_id, mapping.region), depth)

    def deliver(self, mapping: Mapping, event: MakeEvent, attempt: int, depth: int) -> Delivery:
        """Invoke the mapping's function now, and return the outcome."""
        return self.invoke(mapping, mapping.function_arn, event, attempt, depth)

    def invoke(self, mapping: Mapping, function_arn: str, event: MakeEvent, attempt: int, depth: int) -> Delivery:
        """Invoke a function now for a mapping whose own function may be another one, and return the outcome."""
        reference = parse(function_arn, mapping.account_id, mapping.region)
        configuration = self._functions.route(reference)
        if configuration is None:
            if _PIPES in function_arn:
                return self._through_pipe(mapping, event, attempt, depth)
            self._advice.give("ESM124", mapping.uuid, function=reference.name)
            return Delivery(
                False,
                self._clock.instant,
                reference.name,
                "the function does not exist (any more)",
                problem=_FUNCTION_GONE.format(account=reference.account_id),
            )
        if depth and self._stops(reference, depth):
            self._registry.get(reference.account_id, reference.region, reference.name)._count(
                "RecursiveInvocationsDropped"
            )
            self._advice.give("ESM135", reference.name, function=reference.name, depth=chains.traced(depth))
            return Delivery(False, self._clock.instant, reference.name, _LOOP, problem=_LOOP)
        fault = self._interference.at_invocation(mapping)
        if fault is None and self._interruptions.pending:
            fault = PollerFault("failed")
        if fault is not None and fault.name in _FAILURES:
            about = f"{fault.name} before it started"
            return Delivery(False, self._clock.instant, reference.name, about, **_FAILURES[fault.name])
        request = Request(configuration, function_arn, event, self._new_id(), attempt, depth, mapping)
        try:
            outcome = self._invoker.attempt(request, outcome_of(fault))
        except BaseException as error:
            self._interruptions.keep(error)
            return Delivery(
                False,
                self._clock.instant,
                reference.name,
                broken_off(error),
                version=configuration.version,
                request_id=request.request_id,
            )
        if isinstance(outcome, Throttled):
            if configuration.reserved_concurrency == 0:
                self._advice.give("ESM129", reference.name, function=reference.name)
            return Delivery(False, outcome.at, reference.name, f"throttled: {outcome.reason}", throttled=True)
        answer = outcome._answer
        return Delivery(
            answer.outcome == "success",
            outcome._end,
            reference.name,
            str(answer),
            answer.value,
            configuration.version,
            request.request_id,
        )


def _queue_polling(config: Config) -> QueuePolling:
    return QueuePolling(
        latency=microseconds(config.poll_latency),
        low_traffic_wait=microseconds(config.low_traffic_wait),
        extend_visibility=config.extend_visibility,
        throttle_backoff=Backoff(microseconds(config.throttle_backoff), microseconds(config.throttle_backoff_limit)),
        read_retry=microseconds(config.read_retry_delay),
        loop_depth=config.loop_depth,
        rates=ScalingRates.under(
            config.limits,
            initial=config.initial_concurrency,
            growth=config.concurrency_growth,
            maximum=config.maximum_concurrency,
            lowered_by=config.concurrency_lowered_by,
        ),
    )


def _stream_polling(config: Config) -> StreamPolling:
    from pytest_lambda_esm.polling.streams.context import StreamPolling

    return StreamPolling(
        latency=microseconds(config.poll_latency),
        backoff=Backoff(microseconds(config.stream_backoff), microseconds(config.stream_backoff_limit)),
        idle_wait=microseconds(config.window_idle_wait),
        larger_half=config.larger_half,
        loop_depth=config.loop_depth,
        read_retry=microseconds(config.read_retry_delay),
    )
