"""Whatever happens to a DocumentDB cluster: events keep their order, have one fate, and are lost only by expiry."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helpers.memory_stream import Simulation
from helpers.simulation import Throttled
from helpers.trials import trials
from pytest_lambda_esm.brokers.documentdb.change_stream import ChangeStream, Scope
from pytest_lambda_esm.brokers.documentdb.cluster import DocumentDBCluster, Surroundings
from pytest_lambda_esm.mappings.mapping import Transition
from pytest_lambda_esm.sources.documentdb import DOCUMENTDB, REFUSALS
from pytest_lambda_esm.sources.stream_ports import Stream, Trouble

ARN = "arn:aws:rds:us-east-1:123456789012:cluster:documents"
NAMES = ("a", "b", "c")


class Watched:
    """The change stream of the database ``shop``."""

    def __init__(self, cluster: DocumentDBCluster, simulation: Simulation) -> None:
        self.cluster = cluster
        self.simulation = simulation
        self.changes = ChangeStream(cluster, self.scope)

    def scope(self) -> Scope:
        config = self.simulation.settings["DocumentDBEventSourceConfig"]
        return Scope("shop", None, config["FullDocument"] == "UpdateLookup")

    def find(self, arn: str) -> Stream:
        return self.changes.read_log()

    def trouble(self) -> Trouble | None:
        return REFUSALS[self.cluster.refusal] if self.cluster.refusal is not None else None


class ChangeSimulation(Simulation):
    """A mapping of a DocumentDB cluster."""

    arn = ARN
    source = DOCUMENTDB

    def new_stream(self, shards: int) -> Watched:
        self.poller: Any = None
        surroundings = Surroundings(now=lambda: self.clock.instant, depth=lambda: 0, changed=self.changed)
        self.cluster = DocumentDBCluster(ARN, surroundings)
        return Watched(self.cluster, self)

    def changed(self, arn: str) -> None:
        if self.poller is not None:
            self.poller.wake()

    def on_transition(self, transition: Transition) -> None:
        if self.poller is not None and transition.state == "Disabled":
            self.poller.stop()

    def names_of(self, event: dict[str, Any]) -> list[str]:
        return [f"change-stream:{entry['event']['_id']['_data']}" for entry in event["events"]]


class ChangeStreamMachine(RuleBasedStateMachine):
    """A model next to the simulation: which events there are, and which have been delivered with success."""

    def __init__(self) -> None:
        super().__init__()
        config = {"DatabaseName": "shop", "FullDocument": "Default"}
        self.simulation = ChangeSimulation(self.handle, DocumentDBEventSourceConfig=config)
        self.cluster = self.simulation.cluster
        self.fails = False
        self.throttles = False
        self.polls = True
        self.delivered: list[str] = []
        self.simulation.mapping.force("Enabled")
        self.simulation.poller.start()

    @property
    def written(self) -> list[str]:
        changes = ChangeStream(self.cluster, lambda: Scope("shop")).read_log()
        return [f"change-stream:{changes.sequence_number(position)}" for position in range(changes.end)]

    @property
    def enabled(self) -> bool:
        return self.simulation.mapping.state == "Enabled"

    # --- the function ------------------------------------------------------------------------------------

    def handle(self, event: dict[str, Any]) -> None:
        names = self.simulation.names_of(event)
        assert names == sorted(names), "events overtake each other"
        assert not set(names) & set(self.delivered), "an event comes again after success"
        assert not self.delivered or names[0] > self.delivered[-1], "an event comes too late"
        assert self.enabled
        if self.throttles:
            self.throttles = False
            raise Throttled
        if self.fails:
            raise ValueError("bad")
        self.delivered += names

    # --- what happens ------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), collection=st.sampled_from(NAMES), database=st.sampled_from(("shop", "other")))
    def write(self, name: str, collection: str, database: str) -> None:
        found = self.cluster.collection(database, collection)
        document = next((each for each in found.documents if each["_id"] == name), None)
        if document is None:
            found.insert({"_id": name, "n": 0})
        elif document["n"] < 2:
            found.update(name, {"$inc": {"n": 1}})
        else:
            found.delete(name)

    @rule(seconds=st.sampled_from([0, 0.25, 0.5, 1, 60, 1800, 4000]))
    def advance(self, seconds: float) -> None:
        self.simulation.clock.advance(seconds)

    @rule(fails=st.booleans(), throttles=st.booleans(), seconds=st.sampled_from([0, 0.1, 2]))
    def answer_otherwise(self, fails: bool, throttles: bool, seconds: float) -> None:
        self.fails, self.throttles, self.simulation.duration = fails, throttles, seconds

    @precondition(lambda self: self.enabled and self.polls)
    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "BatchSize": st.sampled_from([1, 2, 100]),
                "MaximumBatchingWindowInSeconds": st.sampled_from([0, 1, 300]),
                "DocumentDBEventSourceConfig": st.sampled_from(
                    [{"DatabaseName": "shop", "FullDocument": full} for full in ("Default", "UpdateLookup")]
                ),
            },
        )
    )
    def update(self, changes: dict[str, Any]) -> None:
        self.simulation.update(**changes)

    @rule(refusal=st.sampled_from([None, "authentication", "connection"]))
    def refuse_or_accept(self, refusal: str | None) -> None:
        if refusal is None:
            self.cluster.accept()
        else:
            self.cluster.refuse(refusal)

    @rule(hours=st.sampled_from([1, 3, 24]))
    def keep_events(self, hours: int) -> None:
        self.cluster.set_retention(hours * 3600)

    @precondition(lambda self: self.enabled)
    @rule()
    def toggle(self) -> None:
        self.polls = not self.polls
        if self.polls:
            self.simulation.poller.start()
        else:
            self.simulation.poller.stop()

    # --- what holds --------------------------------------------------------------------------------------

    @invariant()
    def every_event_has_one_fate(self) -> None:
        fates = self.simulation.poller.fates()
        assert sorted(fate.record for fate in fates) == self.written

    @invariant()
    def what_is_done_was_delivered(self) -> None:
        done = {fate.record for fate in self.simulation.poller.fates() if fate.fate == "done"}
        assert done <= set(self.delivered)

    @invariant()
    def only_an_expired_event_disables(self) -> None:
        if not self.enabled:
            assert "expired" in self.simulation.fates()
            assert self.simulation.mapping._last_result == "PROBLEM: Change stream events have expired"

    def teardown(self) -> None:
        """Nothing is lost: with a healthy function, all events come, unless one has expired."""
        self.fails = self.throttles = False
        self.simulation.duration = 0
        if self.enabled:
            self.cluster.set_retention(7 * 24 * 3600)
            self.cluster.accept()
            if not self.polls:
                self.simulation.poller.start()
            self.simulation.clock.run_until_idle(limit=7200)
        fates = self.simulation.fates()
        expected = {"done"} if self.enabled else {"done", "waiting", "expired"}
        assert set(fates) <= expected


TestChangeStream = ChangeStreamMachine.TestCase
TestChangeStream.settings = trials(examples=60, steps=30)
