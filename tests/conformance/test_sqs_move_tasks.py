"""Message move tasks of SQS: what moves when, and what is refused."""

import base64
import json

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.conformance import Facts
from helpers.queues import arn_of, bodies, counts, make_queue, send, subscribe

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")

FACTS = Facts("SQS: message move tasks")

ELSEWHERE = "arn:aws:sqs:us-east-1:123456789012:elsewhere"


@pytest.fixture
def sqs():
    return boto3.client("sqs")


class Pair:
    """A queue and its dead-letter queue, which has messages that were received once."""

    def __init__(self, *texts, suffix="", **params):
        self.dead = make_queue(f"dead{suffix}")
        self.url = make_queue(f"orders{suffix}", dead_letter=self.dead, after=1, VisibilityTimeout=0)
        self.arn, self.dead_arn = arn_of(self.url), arn_of(self.dead)
        self.ids = send(self.url, *texts, group="g" if suffix else None, **params)
        for _ in range(2):
            boto3.client("sqs").receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)


def receive(url):
    return boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["*"], MessageSystemAttributeNames=["All"]
    )["Messages"]


def latest(sqs, arn):
    return sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]


@FACTS("c9-back", "documented", "Without a destination, messages return to the queues that they came from.")
def test_back_to_the_source(lambda_esm, sqs):
    pair = Pair("a", "b")
    sqs.start_message_move_task(SourceArn=pair.dead_arn)
    assert counts(pair.dead)[0] == 2
    lambda_esm.clock.run_until_idle()
    assert (counts(pair.dead)[0], counts(pair.url)[0]) == (0, 2)


@FACTS(
    "c9-new", "documented", "A moved message is a new one: its own id and time of sending; its receives count from 0."
)
def test_a_moved_message(lambda_esm, sqs):
    pair = Pair("a", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
    lambda_esm.clock.advance(hours=1)
    sqs.start_message_move_task(SourceArn=pair.dead_arn)
    lambda_esm.clock.run_until_idle()
    [message] = receive(pair.url)
    assert (message["Body"], message["MessageAttributes"]["k"]["StringValue"]) == ("a", "v")
    assert message["MessageId"] not in pair.ids
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["SentTimestamp"] == str(int(lambda_esm.clock.now.timestamp() * 1000))
    assert "DeadLetterQueueSourceArn" not in message["Attributes"]


@FACTS(
    "c9-elsewhere", "documented", "With a destination, all messages move there, also those sent to the queue itself."
)
def test_to_another_queue(lambda_esm, sqs):
    pair, other = Pair("a"), make_queue("elsewhere")
    send(pair.dead, "b")
    sqs.start_message_move_task(SourceArn=pair.dead_arn, DestinationArn=ELSEWHERE)
    lambda_esm.clock.run_until_idle()
    assert sorted(message["Body"] for message in receive(other)) == ["a", "b"]


@FACTS("c9-no-source", "reported", "A message that came from nowhere makes a task without destination fail.")
def test_a_message_without_a_source(lambda_esm, sqs):
    pair = Pair()
    send(pair.dead, "b")
    sqs.start_message_move_task(SourceArn=pair.dead_arn)
    lambda_esm.clock.run_until_idle()
    task = latest(sqs, pair.dead_arn)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert counts(pair.dead)[0] == 1


@FACTS("c9-rate", "documented", "MaxNumberOfMessagesPerSecond is how many messages a second moves.")
def test_the_rate(lambda_esm, sqs):
    pair = Pair(*"abcdefg")
    sqs.start_message_move_task(SourceArn=pair.dead_arn, MaxNumberOfMessagesPerSecond=3)
    moved = []
    for _ in range(3):
        lambda_esm.clock.advance(seconds=1)
        moved.append(counts(pair.url)[0])
    assert moved == [3, 6, 7]
    assert latest(sqs, pair.dead_arn)["Status"] == "COMPLETED"


@FACTS("c9-in-flight", "chosen", "A message that a consumer holds stays; the task is completed without it.")
def test_messages_in_flight_stay(lambda_esm, sqs):
    pair = Pair("a", "b")
    sqs.receive_message(QueueUrl=pair.dead, MaxNumberOfMessages=1, VisibilityTimeout=60)
    sqs.start_message_move_task(SourceArn=pair.dead_arn)
    lambda_esm.clock.run_until_idle()
    assert counts(pair.dead) == (0, 1, 0)
    assert latest(sqs, pair.dead_arn)["Status"] == "COMPLETED"


@FACTS("c9-fifo", "documented", "Messages of a FIFO queue keep group and order, and are no duplicates of themselves.")
def test_fifo_queues(lambda_esm, sqs):
    pair = Pair("a", "b", suffix=".fifo")
    assert counts(pair.dead)[0] == 2
    sqs.start_message_move_task(SourceArn=pair.dead_arn)
    lambda_esm.clock.run_until_idle()
    found = receive(pair.url)
    assert [message["Body"] for message in found] == ["a", "b"]
    assert {message["Attributes"]["MessageGroupId"] for message in found} == {"g"}
    assert [message["Attributes"]["MessageDeduplicationId"] for message in found] == pair.ids


@FACTS("c9-mapping", "documented", "A mapping of the destination gets the messages like new ones.")
def test_a_mapping_of_the_destination(lambda_esm, sqs):
    broken = [True]

    def handler(event, context):
        if broken[0]:
            raise RuntimeError("boom")

    function = lambda_esm.function("orders", handler)
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=1)
    subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    broken[0] = False
    sqs.start_message_move_task(SourceArn=arn_of(dead))
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in function.invocations] == [["a"], ["a"]]
    assert function.invocations[-1].event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"


@FACTS("c9-list", "documented", "ListMessageMoveTasks answers the latest task; only a running one has a handle.")
def test_listing(lambda_esm, sqs):
    pair = Pair("a", "b")
    handle = sqs.start_message_move_task(SourceArn=pair.dead_arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    lambda_esm.clock.advance(seconds=1)
    running = latest(sqs, pair.dead_arn)
    assert running == {
        "TaskHandle": handle,
        "Status": "RUNNING",
        "SourceArn": pair.dead_arn,
        "MaxNumberOfMessagesPerSecond": 1,
        "ApproximateNumberOfMessagesMoved": 1,
        "ApproximateNumberOfMessagesToMove": 2,
        "StartedTimestamp": 1767225600000,
    }
    lambda_esm.clock.run_until_idle()
    sqs.start_message_move_task(SourceArn=pair.dead_arn, DestinationArn=pair.arn)
    lambda_esm.clock.run_until_idle()
    both = sqs.list_message_move_tasks(SourceArn=pair.dead_arn, MaxResults=10)["Results"]
    assert [(task["Status"], task.get("DestinationArn"), "TaskHandle" in task) for task in both] == [
        ("COMPLETED", pair.arn, False),
        ("COMPLETED", None, False),
    ]
    assert len(sqs.list_message_move_tasks(SourceArn=pair.dead_arn)["Results"]) == 1


@FACTS("c9-cancel", "documented", "A cancelled task answers how many messages it has moved; those stay moved.")
def test_cancelling(lambda_esm, sqs):
    pair = Pair("a", "b", "c")
    handle = sqs.start_message_move_task(SourceArn=pair.dead_arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    lambda_esm.clock.advance(seconds=2)
    assert sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] == 2
    lambda_esm.clock.run_until_idle()
    assert (counts(pair.dead)[0], counts(pair.url)[0]) == (1, 2)
    assert latest(sqs, pair.dead_arn)["Status"] == "CANCELLED"


DEAD = "arn:aws:sqs:us-east-1:123456789012:dead"
INVALID, MISSING = "InvalidParameterValue", "ResourceNotFoundException"
_FORMAT = "arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
REFUSALS = [
    (
        "not a dead-letter queue",
        {"SourceArn": "arn:aws:sqs:us-east-1:123456789012:orders"},
        INVALID,
        "Source queue must be configured as a Dead Letter Queue.",
    ),
    (
        "no source",
        {"SourceArn": ELSEWHERE},
        MISSING,
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    ),
    (
        "no destination",
        {"SourceArn": DEAD, "DestinationArn": ELSEWHERE},
        MISSING,
        "The resource that you specified for the DestinationArn parameter doesn't exist.",
    ),
    ("no ARN", {"SourceArn": "dead"}, INVALID, f"You must use this format to specify the SourceArn: {_FORMAT}"),
    (
        "same queue",
        {"SourceArn": DEAD, "DestinationArn": DEAD},
        INVALID,
        "Source queue arn and destination queue arn cannot be the same.",
    ),
    (
        "rate",
        {"SourceArn": DEAD, "MaxNumberOfMessagesPerSecond": 501},
        INVALID,
        "Value 501 for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500, if"
        " provided.",
    ),
]


@FACTS("c9-refused", "reported", "What StartMessageMoveTask refuses, with its codes and texts.")
@pytest.mark.parametrize(("params", "code", "text"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_refusals(lambda_esm, sqs, params, code, text):
    Pair()
    with pytest.raises(ClientError) as caught:
        sqs.start_message_move_task(**params)
    assert (caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]) == (code, text)


@FACTS("c9-one", "reported", "A second task of a queue is refused while one is running.")
def test_one_task_at_a_time(lambda_esm, sqs):
    pair = Pair("a")
    sqs.start_message_move_task(SourceArn=pair.dead_arn)
    with pytest.raises(ClientError, match="Only one active task is allowed for a source queue arn at a given time"):
        sqs.start_message_move_task(SourceArn=pair.dead_arn)
    lambda_esm.clock.run_until_idle()
    sqs.start_message_move_task(SourceArn=pair.dead_arn)


@FACTS("c9-handles", "reported", "A handle that is none is an invalid value; the handle of no task is not found.")
def test_invalid_handles(lambda_esm, sqs):
    pair = Pair("a")
    unknown = base64.b64encode(json.dumps({"taskId": "t", "sourceArn": pair.dead_arn}).encode()).decode()
    with pytest.raises(sqs.exceptions.ResourceNotFoundException, match="Task does not exist"):
        sqs.cancel_message_move_task(TaskHandle=unknown)
    for handle in ("nonsense", "bnVsbA=="):
        with pytest.raises(ClientError, match="Value for parameter TaskHandle is invalid"):
            sqs.cancel_message_move_task(TaskHandle=handle)


@FACTS("c9-ended", "chosen", "A task that has ended cannot be cancelled.")
def test_cancelling_too_late(lambda_esm, sqs):
    pair = Pair("a")
    handle = sqs.start_message_move_task(SourceArn=pair.dead_arn)["TaskHandle"]
    lambda_esm.clock.run_until_idle()
    with pytest.raises(ClientError, match="Only running tasks can be cancelled"):
        sqs.cancel_message_move_task(TaskHandle=handle)
