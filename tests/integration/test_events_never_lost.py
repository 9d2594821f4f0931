"""Nothing is lost: whatever happens to functions, tables and streams, each event and each record has one fate."""

import base64
import time
from collections import Counter
from contextlib import suppress
from threading import Thread

from botocore.exceptions import ClientError
from freezegun import freeze_time
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from helpers.queues import make_queue
from helpers.streams import KinesisSource, TableSource
from helpers.trials import Interrupter, trials
from pytest_lambda_esm import FakeLambda

UNFINISHED = {"waiting", "in flight"}
TIMEOUT = 3
QUEUE = "arn:aws:sqs:us-east-1:123456789012:ends"
DESTINATIONS = [
    {},
    {"OnSuccess": {"Destination": QUEUE}, "OnFailure": {"Destination": QUEUE}},
    {"OnFailure": {"Destination": "arn:aws:sns:us-east-1:123456789012:gone"}},
]
STEPS = {"InvokeEvent": "failed", "Read": "failed", "Invoke": "failed", "Checkpoint": "late", "Send": "refused"}


def name_of(record):
    """Return the name of a record: its key, and a number that grows; None for the deletion of an item."""
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return record["dynamodb"].get("NewImage", {}).get("name", {}).get("S")


class Events(RuleBasedStateMachine):
    """Invokes asynchronously, writes to a table and a stream, and throws exceptions through all that happens then."""

    @initialize(kind=st.sampled_from([KinesisSource, TableSource]), factor=st.sampled_from([1, 3]))
    def start(self, kind, factor):
        self.fake = FakeLambda(region="us-east-1", advice="off").__enter__()
        self.aws_lambda = self.fake.client("lambda")
        make_queue("ends")
        self.topic = self.fake.client("sns").create_topic(Name="gone")["TopicArn"]
        self.events = self.fake.function("events", self.handle_event, timeout=TIMEOUT)
        self.fake.function("records", self.handle_records, timeout=TIMEOUT)
        self.source = kind(self.fake)
        if kind is TableSource:
            self.source.client.update_time_to_live(
                TableName=self.source.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"}
            )
        self.mapping = self.fake.mapping(
            self.aws_lambda.create_event_source_mapping(
                EventSourceArn=self.source.arn,
                FunctionName="records",
                StartingPosition="TRIM_HORIZON",
                MaximumRetryAttempts=2,
                ParallelizationFactor=factor,
                BatchSize=4,
            )
        )
        self.sent, self.written, self.names = set(), Counter(), []
        self.retries, self.behaviour = 2, ("succeed", 0)
        self.finished, self.records, self.last_seen, self.broken = {}, {}, {}, []
        self.interrupter = Interrupter()
        for step, fault in STEPS.items():
            self.fake.faults.add(f"poller.{step}", fault, match=self.look, times=None, optional=True)

    def look(self, call):
        """A predicate that matches no step of a poller, and looks at each of them."""
        self.count_fates()
        if call.operation == self.interrupter.armed == "poller.Checkpoint":
            self.last_seen.clear()  # The checkpoint is late, so the batch comes again.
        self.interrupter.at(call.operation)
        return False

    # --- the functions -------------------------------------------------------------------------------------------

    def handle_event(self, event, context):
        fates = {fate.record: fate.fate for fate in self.fake.fates(self.events)}
        if fates.get(context.aws_request_id) != "in flight":
            self.broken.append(f"{context.aws_request_id} runs while it is {fates.get(context.aws_request_id)}")
        self.behave_now()

    def handle_records(self, event, context):
        names = event["Records"]
        in_flight = sum(fate.fate == "in flight" for fate in self.fake.fates(self.mapping))
        if in_flight < len(names):
            self.broken.append(f"{in_flight} are in flight while the function runs with {len(names)}")
        self.behave_now()
        for record in event["Records"]:
            name = name_of(record)
            if name is None:
                continue
            key, _, number = name.partition("-")
            if int(number) <= self.last_seen.get(key, -1):
                self.broken.append(f"{name} comes after {self.last_seen[key]}")
            self.last_seen[key] = int(number)

    def behave_now(self):
        self.count_fates()
        kind, seconds = self.behaviour
        if seconds:
            time.sleep(seconds)
        self.interrupter.at("handler")
        if kind == "fail":
            raise ValueError("as the test wishes")
        if kind == "invoke in a thread":
            self.behaviour = ("succeed", 0)
            thread = Thread(target=self.invoke_once)
            thread.start()
            thread.join()

    # --- what happens --------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def invoke(self, count):
        for _ in range(count):
            self.invoke_once()

    def invoke_once(self):
        answer = self.aws_lambda.invoke(FunctionName="events", InvocationType="Event", Payload=b"{}")
        self.sent.add(answer["ResponseMetadata"]["RequestId"])

    @rule()
    def duplicate(self):
        self.events.duplicate_events()

    @precondition(lambda self: self.topic)
    @rule()
    def delete_the_topic(self):
        """From now on it refuses what is sent to it."""
        self.fake.client("sns").delete_topic(TopicArn=self.topic)
        self.topic = None

    @rule(retries=st.integers(0, 2), age=st.sampled_from([60, 90, 21_600]), ends=st.sampled_from(DESTINATIONS))
    def configure(self, retries, age, ends):
        with suppress(ClientError):  # The topic may be gone already.
            self.aws_lambda.put_function_event_invoke_config(
                FunctionName="events",
                MaximumRetryAttempts=retries,
                MaximumEventAgeInSeconds=age,
                DestinationConfig=ends,
            )

    @rule(limit=st.sampled_from([0, 1, None, None]), name=st.sampled_from(["events", "records"]))
    def throttle(self, limit, name):
        if limit is None:
            self.aws_lambda.delete_function_concurrency(FunctionName=name)
        else:
            self.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limit)

    @rule(
        kind=st.sampled_from(["succeed", "fail", "invoke in a thread"]),
        seconds=st.sampled_from([0, 0, 1, TIMEOUT + 1]),
    )
    def behave(self, kind, seconds):
        self.behaviour = (kind, seconds)

    @rule(place=st.sampled_from(["handler", *(f"poller.{step}" for step in STEPS)]))
    def interrupt(self, place):
        self.interrupter.armed = place

    @rule(key=st.sampled_from("abc"), count=st.integers(1, 4), lives=st.sampled_from([None, 5, 50]))
    def write(self, key, count, lives):
        for _ in range(count):
            name = f"{key}-{len(self.names)}"
            self.names.append(name)
            if isinstance(self.source, KinesisSource):
                self.source.put(name, key=key)
            else:
                ends = int(self.fake.clock.now.timestamp()) + lives if lives else 9_999_999_999
                item = {"id": {"S": key}, "name": {"S": name}, "ends": {"N": str(ends)}}
                self.source.client.put_item(TableName=self.source.name, Item=item)

    @rule(seconds=st.sampled_from([0, 0.5, 1, 2, 30, 61, 200]))
    def move_time(self, seconds):
        self.interrupter.move(self.fake.clock, seconds)

    @precondition(lambda self: not self.interrupter.armed)
    @rule(seconds=st.sampled_from([1, 40]))
    def travel(self, seconds):
        """The test travels by itself; the clock follows."""
        moment = self.fake.clock.now.timestamp() + seconds
        with freeze_time(self.fake.clock.now.replace(tzinfo=None)) as frozen:
            assert self.fake.clock.now
            frozen.tick(seconds)
            assert self.fake.clock.now.timestamp() >= moment - 0.001

    @precondition(lambda self: self.mapping.state in ("Enabled", "Disabled"))
    @rule(enabled=st.booleans(), size=st.sampled_from([1, 2, 10]))
    def update(self, enabled, size):
        self.aws_lambda.update_event_source_mapping(UUID=self.mapping.uuid, Enabled=enabled, BatchSize=size)

    @precondition(lambda self: isinstance(self.source, KinesisSource))
    @rule(data=st.data())
    def split(self, data):
        shards = self.source.client.list_shards(StreamName=self.source.name)["Shards"]
        open_shards = [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]
        shard = data.draw(st.sampled_from(open_shards))
        low, high = (int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending"))
        with suppress(ClientError):  # The range may be too small.
            self.source.client.split_shard(
                StreamName=self.source.name,
                ShardToSplit=shard["ShardId"],
                NewStartingHashKey=str((low + high) // 2),
            )

    # --- what must hold ------------------------------------------------------------------------------------------

    def count_fates(self):
        """Note an event or a record that has no fate, or two."""
        events = [fate.record for fate in self.fake.fates(self.events)]
        if Counter(events) != Counter(self.sent) and not set(events) - self.sent:
            self.broken.append(f"{Counter(events)} instead of {self.sent}")
        records = [fate.record for fate in self.fake.fates(self.mapping)]
        if max(Counter(records).values(), default=1) > 1 or not set(self.records) <= set(records):
            self.broken.append(f"{Counter(records)} after {self.records}")

    @invariant()
    def each_event_has_one_fate(self):
        if not hasattr(self, "interrupter"):
            return
        fates = self.fake.fates(self.events)
        assert Counter(fate.record for fate in fates) == Counter(self.sent)
        told = self.fake.explain(self.events)
        for fate in fates:
            assert (fate.record in told) == (fate.fate in UNFINISHED)
            if fate.record in self.finished:
                assert fate.fate == self.finished[fate.record]
            elif fate.fate not in UNFINISHED:
                self.finished[fate.record] = fate.fate

    @invariant()
    def each_record_has_one_fate(self):
        if not hasattr(self, "interrupter"):
            return
        fates = self.fake.fates(self.mapping)
        counted = Counter(fate.record for fate in fates)
        assert max(counted.values(), default=1) == 1
        assert len(counted) >= len(self.names)
        for fate in fates:
            before = self.records.get(fate.record, "waiting")
            assert before in UNFINISHED or before == fate.fate
            self.records[fate.record] = fate.fate
        assert set(self.records) == set(counted)

    @invariant()
    def nothing_was_seen_to_break(self):
        broken = getattr(self, "broken", None)
        assert not broken, broken

    def teardown(self):
        if not hasattr(self, "fake"):
            return
        try:
            if hasattr(self, "interrupter"):
                self.everything_ends()
        finally:
            self.fake.__exit__(None, None, None)

    def everything_ends(self):
        """Nothing is stuck: with healthy functions and an enabled mapping, everything comes to its end."""
        self.interrupter.armed, self.behaviour = None, ("succeed", 0)
        for name in ("events", "records"):
            self.aws_lambda.delete_function_concurrency(FunctionName=name)
        self.interrupter.move(self.fake.clock, 60)  # Transitions of the mapping end.
        if self.mapping.state != "Enabled":
            self.mapping.force("Enabled")
        self.interrupter.move(self.fake.clock, 1000)
        for source in (self.events, self.mapping):
            assert not {fate.fate for fate in self.fake.fates(source)} & UNFINISHED, self.fake.explain()
        assert not self.broken, self.broken


TestEvents = Events.TestCase
TestEvents.settings = trials(examples=8, steps=30)
