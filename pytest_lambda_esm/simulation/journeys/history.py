"""Finds a record by what a test gave, and tells its journey from everything that its world has recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.errors import LambdaEsmError, nearest
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.simulation import queries, subjects
from pytest_lambda_esm.simulation.embedded import kafka_cluster
from pytest_lambda_esm.simulation.journeys.given import ACCEPTED, Asked, JourneyOf, read
from pytest_lambda_esm.simulation.journeys.journey import Journey, Ref, Story
from pytest_lambda_esm.simulation.journeys.runs import Run, is_same, runs_of
from pytest_lambda_esm.simulation.journeys.steps import Steps
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.sources.stream_ports import stream_arn

_SHORTEST: Final = 8
"""The fewest characters of the beginning of an id that are enough, as the timeline shows them."""
_MOST_LISTED: Final = 8
_WITH_POSITIONS: Final = frozenset({"kinesis", "dynamodb", "rds", "kafka"})
"""The services whose ids of records are positions, so that two sources may have the same ones."""


def journey(world: World, given: JourneyOf) -> Journey:
    """Return the journey of a record or request. Raises LambdaEsmError, with the nearest ids, for unknown ones."""
    __tracebackhide__ = True
    asked = read(given)
    history = History(world)
    return history.tell(history.find(asked, given))


class History:
    """Everything that a world has recorded, by records and requests.

    ``entries`` are those of the timeline, ``sent`` are the records that invocations have sent, ``fates`` those of each
    record with their sources.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.entries = world.timeline._recorded
        self.runs = runs_of(world.invocations, self.entries)
        self.sent = [(Ref(each.record, self.place(each.source)), each) for each in world.runtime.causes.sent]
        self.fates: dict[Ref, list[tuple[str, Fate]]] = {}
        for source in dict.fromkeys(subjects.all_sources(world)):
            for fate in queries.fates_of_source(world, source):
                self.fates.setdefault(Ref(fate.record, self.place(source)), []).append((source, fate))
        in_entries = [Ref(item, self.place(entry.subject)) for entry in self.entries for item in entry.items]
        requests = [Ref(run.request_id) for run in self.runs]
        self._known = dict.fromkeys([*self.fates, *in_entries, *(ref for ref, _ in self.sent), *requests])

    def place(self, source: str) -> str:
        """Return the stream or Kafka cluster that a source is; empty where the ids of records are unique everywhere."""
        cluster = kafka_cluster(self.world, source)
        if cluster is not None:
            return cluster.name
        arn = Arn.parse(source)
        return stream_arn(source) if arn is not None and arn.service in _WITH_POSITIONS else ""

    def has(self, run: Run, ref: Ref) -> bool:
        """Whether an invocation's event contained a record, or it is one of the request's."""
        if run.request_id == ref.record:
            return True
        if not any(is_same(ref.record, record) for record in run.records):
            return False
        mapping = run.invocation.mapping
        return mapping is not None and self.place(mapping.source_arn) == ref.place

    def find(self, asked: Asked, given: object) -> Ref:
        """Return what was asked for. Raises LambdaEsmError if there is no such record or request, or several."""
        __tracebackhide__ = True
        name, place = asked.record, self.place(asked.source)
        known = [ref for ref in self._known if not place or ref.place == place]
        found = [ref for ref in known if is_same(ref.record, name)]
        if not found and len(name) >= _SHORTEST:
            found = [ref for ref in known if ref.record.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            places = [f"  {ref.record} in {ref.place}" if ref.place else f"  {ref.record}" for ref in found]
            listed = "\n".join(places[:_MOST_LISTED])
            raise LambdaEsmError(
                f"journey({subjects.shown(given)}) is ambiguous. Give a whole id, or the record of an event, which"
                f" names its source. There are:\n{listed}"
            )
        raise LambdaEsmError(
            f"There is no record and no request {subjects.shown(given)}. {self._suggestion(name)} journey() takes"
            f" {ACCEPTED}."
        )

    def tell(self, ref: Ref) -> Journey:
        """Return the journey of a record or request that is known."""
        runs = [run for run in self.runs if self.has(run, ref)]
        requests = {run.request_id for run in runs}
        origins = [sent for sent_ref, sent in self.sent if sent_ref == ref]
        children = [
            (child, sent)
            for child, sent in self.sent
            if child != ref and (sent.cause in requests or Ref(sent.cause, child.place if ref.place else "") == ref)
        ]
        fates = self.fates.get(ref, [])
        causes = [sent.cause for sent in origins] or [ref.record]  # Those of a batch are its records.
        parents = [parent for before in causes for parent in self._parents(before, ref.place) if parent != ref]
        return Journey(
            Story(
                record=ref.record,
                steps=Steps(self, ref, runs).collect(origins, [sent for _, sent in children]),
                fates=tuple(dict.fromkeys(fate for _, fate in fates)),
                causes=tuple(dict.fromkeys(child for child, _ in children)),
                caused_by=tuple(dict.fromkeys(parents)),
            ),
            self.tell,
        )

    # --- inside ------------------------------------------------------------------------------------------

    def _parents(self, cause: str, place: str) -> Iterator[Ref]:
        """Yield the records of the invocation with this request; without a batch, the request, or else the record."""
        for run in self.runs:
            mapping = run.invocation.mapping
            if run.request_id == cause and mapping is not None:
                source = self.place(mapping.source_arn)
                in_source = [ref for ref in self._known if ref.place == source]
                for record in run.records:
                    yield next((ref for ref in in_source if is_same(ref.record, record)), Ref(record, source))
                return
        yield from (ref for ref in dict.fromkeys((Ref(cause), Ref(cause, place))) if ref in self._known)

    def _suggestion(self, name: str) -> str:
        known = [ref.record for ref in self._known]
        if not known:
            return "Nothing has been sent or invoked yet."
        if subjects.find(self.world, name).is_known:
            return f"{subjects.shown(name)} is a source, a function or a mapping: fates() lists its records."
        close = nearest(name, known)
        if close.startswith("Did you mean"):
            return close
        return f"The newest are {', '.join(known[-_MOST_LISTED:])}."
