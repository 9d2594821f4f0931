"""Nothing is lost: whatever happens to a queue and its mapping, each message is in exactly one place."""

import json
import time
from collections import Counter, defaultdict
from contextlib import suppress
from threading import Thread

from botocore.exceptions import ClientError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from helpers.queues import arn_of, make_queue
from helpers.trials import Interrupter, trials
from pytest_lambda_esm import FakeLambda

FINAL = {"deleted", "filtered out", "dead-lettered", "expired"}
VISIBILITY, RETENTION, MOST_RECEIVES, TIMEOUT = 30, 400, 3, 10


class Queues(RuleBasedStateMachine):
    """Sends, fails, times out, is throttled, hides, purges, disables, updates, deletes and moves time at random, throws
    exceptions through the poller, uses old receipts, and looks each time."""

    @initialize(fifo=st.booleans(), window=st.sampled_from([0, 0, 12]), partial=st.booleans(), filtered=st.booleans())
    def start(self, fifo, window, partial, filtered):
        self.fake = FakeLambda(region="us-east-1", advice="off").__enter__()
        self.suffix = ".fifo" if fifo else ""
        self.sqs, self.aws_lambda = self.fake.client("sqs"), self.fake.client("lambda")
        self.dead = make_queue(f"dead{self.suffix}")
        self.url = make_queue(
            f"orders{self.suffix}",
            dead_letter=self.dead,
            after=MOST_RECEIVES,
            VisibilityTimeout=VISIBILITY,
            MessageRetentionPeriod=RETENTION,
        )
        self.arn = arn_of(self.url)
        self.fake.function("orders", self.handle, timeout=TIMEOUT)
        self.settings = {"BatchSize": 3}
        if partial:
            self.settings["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        if window and not fifo:
            self.settings["MaximumBatchingWindowInSeconds"] = window
        if filtered:
            pattern = {"body": [{"anything-but": {"suffix": "drop"}}]}
            self.settings["FilterCriteria"] = {"Filters": [{"Pattern": json.dumps(pattern)}]}
        self.sent, self.groups = {}, defaultdict(list)
        self.behaviour, self.deliveries, self.finished = ("succeed", 0), Counter(), {}
        self.receives, self.hidden_for, self.purged = Counter(), VISIBILITY, set()
        self.broken = []
        self.uuid = None
        self.receipts, self.touched, self.reordered = [], set(), set()
        self.interrupter = Interrupter()
        for step, fault in (("Read", "failed"), ("Invoke", "failed"), ("Delete", "lost")):
            self.fake.faults.add(f"poller.{step}", fault, match=self.look, times=None, optional=True)
        self.create()

    def teardown(self):
        if hasattr(self, "fake"):
            try:
                if hasattr(self, "interrupter"):
                    self.everything_ends()
            finally:
                self.fake.__exit__(None, None, None)

    def everything_ends(self):
        """Nothing is stuck: with a healthy function and an enabled mapping, every message comes to its end."""
        self.interrupter.armed, self.behaviour = None, ("succeed", 0)
        self.aws_lambda.delete_function_concurrency(FunctionName="orders")
        self.interrupter.move(self.fake.clock, 300)  # Transitions of the mapping end.
        if self.uuid is None:
            self.hidden_for = max(self.hidden_for, TIMEOUT)
            self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"VisibilityTimeout": str(self.hidden_for)})
            self.create()
        elif self.fake.mapping(self.uuid).state != "Enabled":
            self.fake.mapping(self.uuid).force("Enabled")
        self.interrupter.move(self.fake.clock, RETENTION + 200)
        assert {fate.fate for fate in self.fake.fates(self.arn)} <= FINAL, self.fake.explain(self.arn)
        assert not self.broken, self.broken

    def look(self, call):
        """A predicate that matches no step of a poller, and looks at each of them."""
        self.count_fates()
        self.interrupter.at(call.operation)
        return False

    # --- the function under the poller -------------------------------------------------------------------------

    def handle(self, event, context):
        kind, seconds = self.behaviour
        batch = [record["messageId"] for record in event["Records"]]
        for place, record in enumerate(event["Records"]):
            self.delivered(record, batch[:place])
            self.receipts.append(record["receiptHandle"])
        self.count_fates()
        told = self.fake.explain(self.arn)
        if f"a batch of {len(batch)} is in flight: the function runs with it" not in told:
            self.broken.append(f"a running batch is not in: {told}")
        if seconds:
            time.sleep(seconds)
        self.interrupter.at("handler")
        if kind == "send in a thread":
            self.behaviour = ("succeed", 0)  # Otherwise the function would feed its own queue for ever.
            thread = Thread(target=self.send_one, args=("A", "from a thread"))
            thread.start()
            thread.join()
        first = event["Records"][0]
        if kind == "fail":
            raise ValueError("as the test wishes")
        if kind == "hide the first and fail":
            self.sqs.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=first["receiptHandle"], VisibilityTimeout=seconds * 9
            )
            raise ValueError("as the test wishes")
        if kind == "delete the first and fail":
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=first["receiptHandle"])
            raise ValueError("as the test wishes")
        if kind == "report the last":
            return {"batchItemFailures": [{"itemIdentifier": batch[-1]}]}
        if kind == "report nonsense":
            return {"batchItemFailures": [{"itemIdentifier": "nonsense"}]}
        return None

    def delivered(self, record, before):
        message_id = record["messageId"]
        self.deliveries[message_id] += 1
        received = int(record["attributes"]["ApproximateReceiveCount"])
        # Batches that were throttled, and clients, have received it without a delivery.
        if received <= self.receives[message_id] or received < self.deliveries[message_id]:
            self.broken.append(f"{message_id}: delivery {self.deliveries[message_id]} has receive count {received}")
        self.receives[message_id] = received
        self.receipts.append((message_id, record["receiptHandle"]))
        fates = {fate.record: fate.fate for fate in self.fake.fates(self.arn)}
        # A purge does not reach what the poller holds: in a window that is open, in a batch that is throttled.
        if fates[message_id] != "in flight" and message_id not in self.purged:
            self.broken.append(f"{message_id} is delivered while it is {fates[message_id]}")
        group = record["attributes"].get("MessageGroupId")
        if group is not None and group not in self.reordered:
            line = self.groups[group]
            for earlier in line[: line.index(message_id)]:
                if fates[earlier] not in FINAL and earlier not in before and earlier not in self.touched:
                    self.broken.append(f"{message_id} overtakes {earlier}, which is {fates[earlier]}")

    # --- what happens ------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 5), group=st.sampled_from("AB"), drop=st.booleans(), delay=st.sampled_from([0, 0, 20]))
    def send(self, count, group, drop, delay):
        for _ in range(count):
            self.send_one(group, "drop" if drop else "keep", delay)

    def send_one(self, group, text, delay=0):
        params = {"MessageGroupId": group} if self.suffix else {"DelaySeconds": delay}
        body = f"{len(self.sent)} {text}"
        answer = self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **params)
        self.sent[answer["MessageId"]] = body
        self.groups[group].append(answer["MessageId"])

    @rule(
        kind=st.sampled_from(
            [
                "succeed",
                "fail",
                "report the last",
                "report nonsense",
                "hide the first and fail",
                "delete the first and fail",
                "send in a thread",
            ]
        ),
        seconds=st.sampled_from([0, 0, 4, TIMEOUT + 5]),
    )
    def behave(self, kind, seconds):
        self.behaviour = (kind, seconds)

    @rule(seconds=st.sampled_from([0, 1, 5, 29, 30, 31, 200]))
    def move_time(self, seconds):
        self.interrupter.move(self.fake.clock, seconds)
        assert "is in use" not in self.fake.explain(self.arn)  # Ten batches at a time are more than there ever are.

    @rule(place=st.sampled_from(["handler", "poller.Read", "poller.Invoke", "poller.Delete"]))
    def interrupt(self, place):
        self.interrupter.armed = place

    @precondition(lambda self: "MaximumBatchingWindowInSeconds" not in self.settings)
    @rule(seconds=st.sampled_from([TIMEOUT - 2, VISIBILITY]))
    def hide_for(self, seconds):
        """Shorter than the function runs: the second delivery begins while the first goes on."""
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"VisibilityTimeout": str(seconds)})
        self.hidden_for = seconds

    @rule(limit=st.sampled_from([0, 1, None, None]))
    def throttle(self, limit):
        if limit is None:
            self.aws_lambda.delete_function_concurrency(FunctionName="orders")
        else:
            self.aws_lambda.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=limit)

    @rule(delete=st.booleans())
    def receive_as_a_client(self, delete):
        for message in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=2).get("Messages", ()):
            self.receipts.append((message["MessageId"], message["ReceiptHandle"]))
            self.touched.add(message["MessageId"])
            if delete:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    @precondition(lambda self: getattr(self, "receipts", None))
    @rule(which=st.integers(0, 30), seconds=st.sampled_from([None, 0, 7, 60]))
    def use_a_receipt_again(self, which, seconds):
        """Delete with a receipt, however old, or show or hide its message; that may change the order in its group."""
        message_id, handle = self.receipts[-1 - which % len(self.receipts)]
        gone = {fate.record for fate in self.fake.fates(self.arn) if fate.fate in FINAL}
        self.touched |= {fate.record for fate in self.fake.fates(self.arn) if fate.fate not in FINAL}
        self.reordered |= {group for group, line in self.groups.items() if message_id in line}
        receipt = {"QueueUrl": self.url, "ReceiptHandle": handle}
        refused = None
        try:
            if seconds is None:
                self.sqs.delete_message(**receipt)
            else:
                self.sqs.change_message_visibility(**receipt, VisibilityTimeout=seconds)
        except ClientError as error:
            refused = error.response["Error"]["Code"]
        if seconds is not None:
            assert refused == ("InvalidParameterValue" if message_id in gone else None)
        else:
            assert refused is None or (self.suffix and message_id not in gone)

    @rule()
    def purge(self):
        there = {fate.record for fate in self.fake.fates(self.arn) if fate.fate not in FINAL}
        with suppress(self.sqs.exceptions.PurgeQueueInProgress):  # It is allowed once a minute.
            self.sqs.purge_queue(QueueUrl=self.url)
            self.purged |= there

    @precondition(lambda self: self.settled())
    @rule(enabled=st.booleans())
    def enable(self, enabled):
        self.aws_lambda.update_event_source_mapping(UUID=self.uuid, Enabled=enabled)

    @precondition(lambda self: self.settled())
    @rule(size=st.integers(1, 10))
    def update(self, size):
        self.aws_lambda.update_event_source_mapping(UUID=self.uuid, BatchSize=size)

    @precondition(lambda self: self.settled())
    @rule()
    def delete(self):
        self.aws_lambda.delete_event_source_mapping(UUID=self.uuid)
        self.uuid = None

    @precondition(lambda self: self.uuid is None and not self.fake.mappings and self.hidden_for >= TIMEOUT)
    @rule()
    def create(self):
        answer = self.aws_lambda.create_event_source_mapping(
            EventSourceArn=self.arn, FunctionName="orders", **self.settings
        )
        self.uuid = answer["UUID"]

    def settled(self):
        """Whether the mapping can be changed; AWS looks at the queue's visibility timeout then."""
        if self.uuid is None or self.hidden_for < TIMEOUT:
            return False
        return self.fake.mapping(self.uuid).state in ("Enabled", "Disabled")

    # --- what must hold ----------------------------------------------------------------------------------------

    def count_fates(self):
        """Note a message that has no fate, or two; here a thread may be about to note what it has sent."""
        counted = Counter(fate.record for fate in self.fake.fates(self.arn))
        if set(counted) != set(self.sent) or max(counted.values(), default=1) > 1:
            self.broken.append(f"{set(self.sent) ^ set(counted)} have no fate, or {counted} have two")

    @invariant()
    def each_message_is_in_exactly_one_place(self):
        if not hasattr(self, "interrupter"):
            return
        fates = list(self.fake.fates(self.arn))
        assert Counter(fate.record for fate in fates) == Counter(self.sent.keys())
        for fate in fates:
            if fate.record in self.finished:
                assert fate.fate == self.finished[fate.record]
            elif fate.fate in FINAL:
                self.finished[fate.record] = fate.fate
        dead = {fate.record for fate in self.fake.fates(arn_of(self.dead)) if fate.fate != "expired"}
        assert dead == {record for record, fate in self.finished.items() if fate == "dead-lettered"}

    @invariant()
    def deliveries_are_in_order_and_counted(self):
        broken = getattr(self, "broken", None)
        assert not broken, broken

    @invariant()
    def nothing_is_received_too_often(self):
        assert max(getattr(self, "deliveries", {}).values(), default=0) <= MOST_RECEIVES


TestQueues = Queues.TestCase
TestQueues.settings = trials(examples=10, steps=30)
