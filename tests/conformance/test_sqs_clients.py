"""Queues as their clients see them: receipts, visibility and groups, as recorded from AWS or documented."""

import os
import re

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers.conformance import Facts
from helpers.queues import arn_of, bodies, counts, make_queue, send, subscribe

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")

FACTS = Facts("SQS: clients of queues")

TITLE = {"DataType": "String", "StringValue": "The Whistler"}
GONE = (
    "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility"
    " timeout change."
)
QUEUES = pytest.mark.parametrize("name", ["orders", "orders.fifo"], ids=["standard", "FIFO"])


def receive(url, most=10, **params):
    return boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=most, **params).get("Messages", [])


def receive_bodies(url, most=10, **params):
    return [message["Body"] for message in receive(url, most, **params)]


def change(url, message, seconds):
    boto3.client("sqs").change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
    )


def delete(url, message):
    boto3.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def send_to(url, *texts):
    return send(url, *texts, group="A" if url.endswith(".fifo") else None)


# --- groups ----------------------------------------------------------------------------------------------------


@FACTS(
    "c5-extended-last",
    "recorded",
    "If a, b and c of a group were received and only c's visibility was extended, a and b are received again.",
)
def test_messages_before_a_hidden_one_are_received(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    send_to(url, "a", "b", "c")
    change(url, receive(url)[2], 100)
    lambda_esm.clock.advance(seconds=30)
    assert receive_bodies(url) == ["a", "b"]


@FACTS(
    "c5-shown-again",
    "recorded",
    "A message that becomes visible again while a later one of its group is in flight is received.",
)
def test_a_message_that_is_shown_again_is_received(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    send_to(url, "a", "b", "c")
    change(url, receive(url, 2)[0], 0)
    assert receive_bodies(url) == ["a"]
    assert receive_bodies(url) == []


@FACTS("c5-extended-first", "documented", "A hidden first message of a group holds back the others.")
def test_a_hidden_first_message_holds_the_others(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    send_to(url, "a", "b", "c")
    change(url, receive(url)[0], 100)
    lambda_esm.clock.advance(seconds=99)
    assert receive_bodies(url) == []
    lambda_esm.clock.advance(seconds=1)
    assert receive_bodies(url) == ["a", "b", "c"]


@FACTS("c5-groups-of-mappings", "chosen", "A mapping receives the same messages of a group as a client would.")
def test_a_mapping_receives_what_is_before_a_hidden_message(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    attempts = []

    def handler(event, context):
        attempts.append([record["body"] for record in event["Records"]])
        if len(attempts) == 1:
            change(url, {"ReceiptHandle": event["Records"][2]["receiptHandle"]}, 100)
            raise ValueError("the first time")

    lambda_esm.function("orders", handler)
    send_to(url, "a", "b", "c")
    mapping = subscribe(lambda_esm, url)
    lambda_esm.clock.advance(seconds=31)
    assert attempts == [["a", "b", "c"], ["a", "b"]]
    [waiting] = send_to(url, "d")
    fates = {fate.record: fate for fate in lambda_esm.fates(mapping)}
    assert fates[waiting].fate == "waiting"
    lambda_esm.clock.advance(seconds=60)
    assert len(attempts) == 2
    lambda_esm.clock.run_until_idle()
    assert attempts[2:] == [["c", "d"]]


# --- receipts --------------------------------------------------------------------------------------------------


@FACTS(
    "c5-change-after-the-end",
    "recorded",
    "ChangeMessageVisibility after the visibility timeout has ended is accepted, and hides the message.",
)
@QUEUES
def test_a_visibility_can_be_changed_after_it_has_ended(lambda_esm, name):
    url = make_queue(name, VisibilityTimeout=10)
    send_to(url, "a")
    [message] = receive(url)
    lambda_esm.clock.advance(seconds=15)
    change(url, message, 60)
    assert receive(url) == []
    assert counts(url) == (0, 1, 0)
    lambda_esm.clock.advance(seconds=59)
    assert receive(url) == []
    lambda_esm.clock.advance(seconds=1)
    assert receive_bodies(url) == ["a"]


@FACTS("c5-change-with-an-older-receipt", "recorded", "ChangeMessageVisibility takes effect with an older receipt too.")
@QUEUES
def test_an_older_receipt_changes_the_visibility(lambda_esm, name):
    url = make_queue(name, VisibilityTimeout=10)
    send_to(url, "a")
    [first] = receive(url, VisibilityTimeout=0)
    [second] = receive(url)
    change(url, first, 100)
    lambda_esm.clock.advance(seconds=99)
    assert receive(url) == []
    change(url, first, 0)
    [third] = receive(url)
    assert len({message["ReceiptHandle"] for message in (first, second, third)}) == 3


@FACTS(
    "c5-change-of-a-deleted-message",
    "recorded",
    "ChangeMessageVisibility of a deleted message is refused with InvalidParameterValue.",
)
@QUEUES
@pytest.mark.parametrize("how", ["deleted", "purged", "expired", "dead-lettered"])
def test_a_visibility_of_a_message_that_is_gone_cannot_be_changed(lambda_esm, name, how):
    dead = make_queue(f"dead-{name}")
    url = make_queue(name, dead_letter=dead, after=1, MessageRetentionPeriod=60, VisibilityTimeout=10)
    sqs = boto3.client("sqs")
    send_to(url, "a")
    [message] = receive(url)
    if how == "deleted":
        delete(url, message)
    elif how == "purged":
        sqs.purge_queue(QueueUrl=url)
    else:
        lambda_esm.clock.advance(seconds=61 if how == "expired" else 11)
        assert receive(url) == []
    with pytest.raises(ClientError) as caught:
        change(url, message, 42)
    expected = {"Code": "InvalidParameterValue", "Message": GONE.format(message["ReceiptHandle"])}
    error = caught.value.response["Error"]
    assert {key: error[key] for key in expected} == expected
    entry = {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{**entry, "VisibilityTimeout": 42}])
    [failed] = answer["Failed"]
    assert {key: failed[key] for key in expected} == expected
    assert failed["SenderFault"] is True


@FACTS(
    "c5-delete-of-an-expired-message",
    "recorded",
    "DeleteMessage of a message whose retention period has ended is accepted.",
)
@QUEUES
@pytest.mark.parametrize("noticed", [True, False], ids=["after a receive", "at once"])
def test_an_expired_message_can_be_deleted(lambda_esm, name, noticed):
    url = make_queue(name, MessageRetentionPeriod=60, VisibilityTimeout=60)
    [message_id] = send_to(url, "a")
    lambda_esm.clock.advance(seconds=5)
    [message] = receive(url)
    lambda_esm.clock.advance(seconds=70)
    if noticed:
        assert receive(url) == []
    delete(url, message)
    entry = {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}
    answer = boto3.client("sqs").delete_message_batch(QueueUrl=url, Entries=[entry])
    assert [done["Id"] for done in answer["Successful"]] == ["1"]
    assert [(fate.record, fate.fate) for fate in lambda_esm.fates(arn_of(url))] == [(message_id, "expired")]


@FACTS(
    "c5-delete-with-an-older-receipt",
    "documented",
    "DeleteMessage with a receipt handle other than the most recent one is accepted and deletes nothing.",
)
def test_an_older_receipt_deletes_nothing(lambda_esm):
    url = make_queue(VisibilityTimeout=10)
    send_to(url, "a")
    [first] = receive(url, VisibilityTimeout=0)
    receive(url)
    delete(url, first)
    lambda_esm.clock.advance(seconds=10)
    assert receive_bodies(url) == ["a"]


@FACTS("c5-purge-and-deduplication", "recorded", "After PurgeQueue a deduplication id is accepted again.")
def test_a_purge_forgets_deduplication_ids(lambda_esm):
    url = make_queue("orders.fifo")
    send_to(url, "same")
    boto3.client("sqs").purge_queue(QueueUrl=url)
    send_to(url, "same", "same")
    assert receive_bodies(url) == ["same"]


@FACTS(
    "c5-fifo-dead-letter",
    "documented",
    "In a FIFO dead-letter queue a message keeps its group, and its own id replaces its deduplication id.",
)
def test_two_dead_letters_with_the_same_deduplication_id(lambda_esm):
    dead = make_queue("dead.fifo")
    url = make_queue("orders.fifo", dead_letter=dead, after=1, VisibilityTimeout=0)
    sqs, ids = boto3.client("sqs"), []
    for _ in range(2):
        params = {"MessageGroupId": "g", "MessageDeduplicationId": "same"}
        ids.append(sqs.send_message(QueueUrl=url, MessageBody="a", **params)["MessageId"])
        receive(url)
        receive(url)
        lambda_esm.clock.advance(minutes=5)
    found = [message["Attributes"] for message in receive(dead, AttributeNames=["All"])]
    assert [attributes["MessageDeduplicationId"] for attributes in found] == ids
    assert [attributes["MessageGroupId"] for attributes in found] == ["g", "g"]


@FACTS("c5-receipt-handles", "reported", "Receipt handles contain neither a UUID nor hyphens.")
@pytest.mark.parametrize("by", ["client", "mapping"])
def test_receipt_handles_hold_no_uuid(lambda_esm, by):
    url = make_queue()
    [message_id] = send_to(url, "a")
    if by == "client":
        [message] = receive(url)
        handle = message["ReceiptHandle"]
    else:
        orders = lambda_esm.function("orders", lambda event, context: None)
        subscribe(lambda_esm, url)
        lambda_esm.clock.run_until_idle()
        handle = orders.invocations[0].event["Records"][0]["receiptHandle"]
    assert re.fullmatch("AQEB[A-Za-z0-9+/=]+", handle)
    assert message_id not in handle
    assert message_id.replace("-", "") not in handle


# --- attributes ------------------------------------------------------------------------------------------------


@FACTS(
    "c5-dead-letter-source",
    "recorded",
    "ReceiveMessage shows DeadLetterQueueSourceArn of a dead letter to clients that ask for All.",
)
@pytest.mark.parametrize("parameter", ["AttributeNames", "MessageSystemAttributeNames"])
@pytest.mark.parametrize("name", ["All", "DeadLetterQueueSourceArn", "SenderId"])
def test_a_dead_letter_shows_where_it_came_from(lambda_esm, parameter, name):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=1, VisibilityTimeout=0)
    send_to(url, "a")
    receive(url)
    receive(url)
    send_to(dead, "sent here")
    letters = {message["Body"]: message.get("Attributes", {}) for message in receive(dead, **{parameter: [name]})}
    assert letters["a"].get("DeadLetterQueueSourceArn") == (None if name == "SenderId" else arn_of(url))
    assert "DeadLetterQueueSourceArn" not in letters["sent here"]
    assert ("SenderId" in letters["a"]) == (name != "DeadLetterQueueSourceArn")


@FACTS("c5-asterisk", "chosen", "An asterisk in MessageAttributeNames asks for all message attributes.")
@FACTS("c5-all-attributes", "documented", "MessageAttributeNames takes All, .* and prefixes such as order.*.")
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["All"], ["order.id", "order.size", "shop"]),
        ([".*"], ["order.id", "order.size", "shop"]),
        (["*"], ["order.id", "order.size", "shop"]),
        (["order.*"], ["order.id", "order.size"]),
        (["shop", "order.id"], ["order.id", "shop"]),
        (["ord"], []),
        ([], []),
    ],
    ids=["All", "a pattern", "an asterisk", "a prefix", "two names", "part of a name", "nothing"],
)
def test_message_attributes_by_name(lambda_esm, names, expected):
    url = make_queue()
    send(url, "a", MessageAttributes={"order.id": TITLE, "order.size": TITLE, "shop": TITLE})
    [message] = receive(url, MessageAttributeNames=names)
    assert sorted(message.get("MessageAttributes", {})) == expected
    assert ("MD5OfMessageAttributes" in message) == bool(expected)


@FACTS("c5-explicit-visibility-zero", "documented", "A message that is received with a visibility of 0 stays visible.")
def test_a_visibility_of_zero_leaves_the_message_visible(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    orders = lambda_esm.function("orders", lambda event, context: None)
    send_to(url, "a")
    assert receive_bodies(url, VisibilityTimeout=0) == ["a"]
    subscribe(lambda_esm, url)
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["a"]]


# --- trace headers ---------------------------------------------------------------------------------------------

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def traces_of(url):
    names = ["AWSTraceHeader"]
    return [
        each.get("Attributes", {}).get("AWSTraceHeader") for each in receive(url, MessageSystemAttributeNames=names)
    ]


@FACTS("c10-trace", "documented", "AWSTraceHeader is a system attribute of SendMessage and of each entry of a batch.")
def test_trace_headers(lambda_esm):
    url, sqs = make_queue("orders"), boto3.client("sqs")
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}}
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageSystemAttributes=system)
    late = {"Id": "2", "MessageBody": "b", "DelaySeconds": 1800}
    entries = [
        {"Id": "1", "MessageBody": "a"},
        late,
        {"Id": "3", "MessageBody": "a", "MessageSystemAttributes": system},
    ]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert traces_of(url) == [TRACE, None, TRACE]


@FACTS("c10-trace-handler", "documented", "What a handler sends has the handler's trace header, and so has its record.")
def test_trace_header_of_a_handler(lambda_esm):
    seen = []

    def forward(event, context):
        seen.append(os.environ["_X_AMZN_TRACE_ID"])
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody="a")

    url = make_queue("orders")
    lambda_esm.function("forward", forward)
    orders = lambda_esm.function("orders", lambda event, context: None)
    subscribe(lambda_esm, url)
    boto3.client("lambda").invoke(FunctionName="forward")
    lambda_esm.clock.run_until_idle()
    [invocation] = orders.invocations
    assert [record["attributes"]["AWSTraceHeader"] for record in invocation.event["Records"]] == seen
