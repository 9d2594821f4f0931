"""All pollers of one Kafka mapping: how many there are, where they start, and what keeps them from polling.

It lives as long as its mapping. The consumer group holds the mapping's place in the topic, which survives disabling,
enabling and updates; a new mapping inherits it only if it states the same group.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.history import PartitionHistory
from pytest_lambda_esm.polling.kafka.lane import KafkaLane, owners
from pytest_lambda_esm.polling.kafka.modes import Mode, QueueMode, StreamMode
from pytest_lambda_esm.polling.kafka.scaling import PollerScaling
from pytest_lambda_esm.polling.kafka.system_log import PartitionOffsets, PollerLog, SystemLog
from pytest_lambda_esm.polling.streams.history import PendingState
from pytest_lambda_esm.sources.kafka import NO_TOPIC, REFUSALS, REGISTRY_PROBLEMS, client_error
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition
from pytest_lambda_esm.sources.rules import BAD_FUNCTION, BROKER_FUNCTION_TIMEOUT
from pytest_lambda_esm.timing import instant_of

_TEXTS: Final = frozenset(text for _, text in (NO_TOPIC, BAD_FUNCTION, *REFUSALS.values(), *REGISTRY_PROBLEMS.values()))
_LOOKS_AGAIN: Final = "the mapping looks again when it or its cluster changes, as with a new record"
_HINTS: Final = {
    BAD_FUNCTION: f"the function may have a timeout of at most {BROKER_FUNCTION_TIMEOUT} seconds; {_LOOKS_AGAIN}",
    REGISTRY_PROBLEMS["missing"]: "make it with cluster.schema_registry(url), or a registry of Glue with"
    f" glue.create_registry; {_LOOKS_AGAIN}",
    REGISTRY_PROBLEMS["credentials"]: "the registry requires AccessConfigs that the mapping does not have, or"
    f" Secrets Manager does not have their secret; {_LOOKS_AGAIN}",
}
_ELSEWHERE: Final = "another member of the consumer group reads the partition"
_NOT_YET: Final = "the mapping does not poll now"


class KafkaPoller:
    """Reads a topic for a mapping."""

    def __init__(self, context: KafkaContext) -> None:
        self._context = context
        self._mapping = context.mapping
        self._clock = context.clock
        self._mode: Mode = QueueMode(context) if context.settings().is_queue else StreamMode(context)
        self._scaling = PollerScaling(context, lambda: sum(self.offset_lag().values()), self.wake)
        self._log = SystemLog(context, self._offsets)
        self._lanes: list[KafkaLane] = []
        self._leaving: list[KafkaLane] = []
        self._polling = False
        self._next_look: Any = None
        self._look_event = context.interruptions.event(self._look, self._mend)
        self._shown: tuple[str, str] | None = None
        self._reason = ""  # The StateTransitionReason that this poller has set.
        self._topic_was_missing = False

    def start(self) -> None:
        """Start polling: the first time at the starting position, later where the group has committed."""
        self._polling = True
        self._context.cluster.listen(self.wake)
        if self._problem() is None:
            self._look()
        else:
            self.wake()  # Not at once: this may be called while the mapping enters a state.

    def stop(self) -> None:
        """Stop polling; in-flight batches still complete."""
        self._polling = False
        self._context.cluster.stop_listening(self.wake)
        self._clock.cancel(self._next_look)
        self._next_look = None
        self._scaling.stop()
        self._log.stop()
        self._stop_lanes(0)

    def wake(self) -> None:
        """Look at the cluster as soon as the clock runs, since it or the mapping's settings have changed."""
        if self._polling and self._next_look is None:
            self._next_look = self._clock.call_at(self._clock.instant, self._look_event, self._about_look)

    def iterator_age(self) -> timedelta | None:
        """Return the age of the last record of the last batch; the greatest age if pollers differ."""
        ages = [age for lane in self._lanes if (age := lane.iterator_age()) is not None]
        return timedelta(microseconds=max(ages)) if ages else None

    def offset_lag(self) -> dict[str, int]:
        """Return how many records of each partition are not over for the mapping's group."""
        context = self._context
        return {
            partition.shard_id: self._mode.lag(partition, context.histories.get(partition.number))
            for partition in context.cluster.partitions(context.topic)
        }

    def explain(self) -> list[str]:
        """Return what keeps the mapping from polling, or what each poller waits for."""
        problem = self._problem()
        if problem is not None:
            return [f"{problem[1]}: {_HINTS[problem]}" if problem in _HINTS else problem[1]]
        lines = list(dict.fromkeys(line for lane in self._lanes for line in lane.explain()))
        read = owners(self._lanes)
        for partition in self._context.cluster.partitions(self._context.topic):
            if partition.number not in read:
                lines.append(f"{partition.shard_id}: {_ELSEWHERE}")
        return lines or ["all records have been read"]

    def in_hand(self) -> list[str]:
        """Return what the function runs with, even after polling has stopped."""
        return [line for lane in [*self._lanes, *self._leaving] for line in lane.in_hand()]

    def fates(self) -> list[Fate]:
        """Return the fates of all records of the topic for this mapping; waiting records come last."""
        found: list[tuple[int, Fate]] = []
        context = self._context
        for partition in context.cluster.partitions(context.topic):
            history = context.histories.get(partition.number)
            if history is None:
                history = PartitionHistory(self._mapping.uuid)
            elif self._mapping.state != GONE:
                self._mode.update(partition, history)
            found += history.fates(partition, self._pending(partition))
        return [fate for _, fate in sorted(found, key=lambda entry: entry[0])]

    # --- inside ---------------------------------------------------------------------------------------------

    def _about_look(self) -> str:
        return f"mapping {self._mapping.uuid}: look at {self._mapping.source_arn}"

    def _look(self) -> None:
        """Poll, or show what prevents it."""
        self._next_look = None
        problem = self._problem()
        self._topic_was_missing = self._topic_was_missing or problem is NO_TOPIC
        if problem is not None:
            self._stop_lanes(0)
            self._show(problem)
            return
        self._show(None)
        self._log.start()
        self._begin()
        partitions = self._context.cluster.partitions(self._context.topic)
        wanted = self._scaling.wanted(self._context.settings(), self._mode.most_pollers(len(partitions)))
        self._stop_lanes(wanted)
        while len(self._lanes) < wanted:
            log = PollerLog(self._log, self._context, len(self._lanes))
            self._lanes.append(KafkaLane(self._context, self._mode, log))
        for lane in self._lanes:
            lane.start()
            lane.wake()

    def _mend(self) -> None:
        """Look again after a bug."""
        if self._polling and self._next_look is None:
            due = self._clock.instant + self._context.polling.read_retry
            self._next_look = self._clock.call_at(due, self._look_event, self._about_look)

    def _problem(self) -> tuple[str, str] | None:
        """Return why the mapping cannot poll: the code for its state, and a text."""
        context = self._context
        if context.cluster.refusal is not None:
            return REFUSALS[context.cluster.refusal]
        if context.forbidden(self._mapping) is not None:
            return REFUSALS["authorization"]
        if (context.timeout(self._mapping) or 0) > BROKER_FUNCTION_TIMEOUT:
            return BAD_FUNCTION
        if not context.cluster.partitions(context.topic):
            return NO_TOPIC
        registry = context.settings().registry
        reason = None if registry is None else context.cluster.registries.problem(registry.uri, registry.access)
        return None if reason is None else REGISTRY_PROBLEMS[reason]

    def _show(self, problem: tuple[str, str] | None) -> None:
        """Show a problem in the mapping's state, and remove it when it is over."""
        mapping = self._mapping
        if problem is not None and problem != self._shown:
            self._context.journal.add("poll", f"mapping {mapping.uuid}", problem[1])
            self._log.warn(0, problem[1].removeprefix("PROBLEM: "), client_error(problem))
        self._shown = problem
        code, text = problem or ("", "")
        if code:
            mapping._last_result = text
        elif mapping._last_result in _TEXTS:
            mapping._last_result = "OK"
        reason = mapping.history[-1].reason
        if mapping.state != "Enabled":
            return
        if code and reason != code:
            self._reason = code
            mapping.force("Enabled", reason=code)
        elif not code and self._reason and reason == self._reason:
            self._reason = ""
            mapping.force("Enabled", reason=mapping._user_reason)

    def _begin(self) -> None:
        """Note where reading begins in each partition, the first time that the topic can be read."""
        context = self._context
        partitions = context.cluster.partitions(context.topic)
        if len(context.histories) == len(partitions):
            return
        for partition in partitions:
            if partition.number not in context.histories:
                self._mode.begin(partition, topic_was_missing=self._topic_was_missing)

    def _stop_lanes(self, kept: int) -> None:
        """Stop all pollers but the first ones."""
        self._leaving = [lane for lane in self._leaving if lane.busy]
        stopped, self._lanes = self._lanes[kept:], self._lanes[:kept]
        for lane in reversed(stopped):
            lane.stop()
        self._leaving += [lane for lane in stopped if lane.busy]

    def _offsets(self) -> Iterator[PartitionOffsets]:
        """Return the offsets of the partitions that the pollers read; a share group has none."""
        if isinstance(self._mode, QueueMode):
            return
        for number, lane in sorted(owners(self._lanes).items()):
            partition = self._context.partition(number)
            committed = partition.end - self._mode.lag(partition, self._context.histories[number])
            yield PartitionOffsets(
                poller=self._lanes.index(lane),
                partition=partition.shard_id,
                end=partition.end,
                consumed=max(committed, lane.read_before(number)) - 1,
                committed=committed,
            )

    def _pending(self, partition: KafkaPartition) -> PendingState:
        read = owners(self._lanes)
        lane = read.get(partition.number)
        if lane is not None:
            why = "; ".join(lane.explain())
        else:
            why = "; ".join(self.explain()) if not self._lanes else _ELSEWHERE
        return PendingState(
            now=self._clock.instant,
            why=lambda _: why or _NOT_YET,
            in_flight=frozenset(
                offset
                for each in [*self._lanes, *self._leaving]
                for run in each.in_flight
                if run.partition.number == partition.number
                for offset in run.offsets
            ),
            deleted_at=instant_of(self._mapping.last_modified) if self._mapping.state == GONE else None,
        )
