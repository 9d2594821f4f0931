"""All pollers of one Kafka mapping: how many there are, where they start, and what keeps them from polling.

It lives as long as its mapping. The consumer group holds the mapping's place in the topic, which survives disabling,
enabling and updates; a new mapping inherits it only if it states the same group.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.history import PartitionHistory
from pytest_lambda_esm.polling.kafka.lane import KafkaLane, owners
from pytest_lambda_esm.polling.streams.history import PendingState
from pytest_lambda_esm.sources.kafka import NO_TOPIC, REFUSALS, REGISTRY_PROBLEMS
from pytest_lambda_esm.sources.kafka_ports import KafkaPartition
from pytest_lambda_esm.timing import instant_of

_TEXTS: Final = frozenset(text for _, text in (NO_TOPIC, *REFUSALS.values(), *REGISTRY_PROBLEMS.values()))
_LOOKS_AGAIN: Final = "the mapping looks again when it or its cluster changes, as with a new record"
_HINTS: Final = {
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
        """Return how many records of each partition its consumer group has not committed."""
        context = self._context
        lags = {}
        for partition in context.cluster.partitions(context.topic):
            history = context.histories.get(partition.number)
            committed = context.group.committed((context.topic, partition.number))
            start = history.over if history is not None else 0
            lags[partition.shard_id] = partition.end - (start if committed is None else min(committed, partition.end))
        return lags

    def explain(self) -> list[str]:
        """Return what keeps the mapping from polling, or what each poller waits for."""
        problem = self._problem()
        if problem is not None:
            return [f"{problem[1]}: {_HINTS[problem]}" if problem in _HINTS else problem[1]]
        lines = [line for lane in self._lanes for line in lane.explain()]
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
            else:
                committed = context.group.committed((context.topic, partition.number))
                history.others_committed(committed, self._clock.instant)
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
        self._begin()
        wanted = self._wanted()
        self._stop_lanes(wanted)
        while len(self._lanes) < wanted:
            self._lanes.append(KafkaLane(self._context))
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
        self._shown = problem
        code, text = problem or ("", "")
        if code:
            mapping.last_result = text
        elif mapping.last_result in _TEXTS:
            mapping.last_result = "OK"
        reason = mapping.history[-1].reason
        if mapping.state != "Enabled":
            return
        if code and reason != code:
            self._reason = code
            mapping.force("Enabled", reason=code)
        elif not code and self._reason and reason == self._reason:
            self._reason = ""
            mapping.force("Enabled", reason=mapping.user_reason)

    def _begin(self) -> None:
        """Note where reading begins in each partition, the first time that the topic can be read."""
        context = self._context
        partitions = context.cluster.partitions(context.topic)
        if len(context.histories) == len(partitions):
            return
        for partition in partitions:
            context.begin(partition, 0 if self._topic_was_missing else self._start_of(partition))

    def _start_of(self, partition: KafkaPartition) -> int:
        settings = self._context.settings()
        if settings.starting_position == "LATEST":
            return partition.end
        if settings.starting_position == "AT_TIMESTAMP":
            return partition.first_since(settings.starting_instant)
        return 0

    def _wanted(self) -> int:
        """Return the number of pollers: at most one per partition."""
        context = self._context
        pollers = context.settings().pollers or context.polling.pollers
        return min(pollers, len(context.cluster.partitions(context.topic)))

    def _stop_lanes(self, kept: int) -> None:
        """Stop all pollers but the first ones."""
        self._leaving = [lane for lane in self._leaving if lane.busy]
        stopped, self._lanes = self._lanes[kept:], self._lanes[:kept]
        for lane in reversed(stopped):
            lane.stop()
        self._leaving += [lane for lane in stopped if lane.busy]

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
