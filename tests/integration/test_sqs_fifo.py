"""FIFO queues: order in a group, one batch of a group in flight, failures that block only their group."""

import boto3
import pytest

from helpers.queues import accept, bodies, counts, make_queue, receive_counts, refuse, report, send, since, subscribe

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")


def test_a_group_keeps_its_order_and_has_one_batch_in_flight(lambda_esm):
    url = make_queue("orders.fifo")
    orders = lambda_esm.function("orders", accept, timeout=10, duration=5)
    subscribe(lambda_esm, url, BatchSize=2)
    start = lambda_esm.clock.now
    send(url, "1", "2", "3", "4", "5", group="A")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["1", "2"], ["3", "4"], ["5"]]
    assert since(lambda_esm, start) == [0, 5, 10]
    assert counts(url) == (0, 0, 0)


def test_groups_run_side_by_side(lambda_esm):
    url = make_queue("orders.fifo")
    orders = lambda_esm.function("orders", accept, timeout=10, duration=5)
    subscribe(lambda_esm, url, BatchSize=1)
    start = lambda_esm.clock.now
    for number in "123":
        send(url, f"A{number}", group="A")
        send(url, f"B{number}", group="B")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["A1"], ["B1"], ["A2"], ["B2"], ["A3"], ["B3"]]
    assert since(lambda_esm, start) == [0, 0, 5, 5, 10, 10]


def test_a_batch_mixes_groups_each_in_its_order(lambda_esm):
    url = make_queue("orders.fifo")
    orders = lambda_esm.function("orders", accept)
    for body, group in (("A1", "A"), ("B1", "B"), ("A2", "A"), ("B2", "B")):
        send(url, body, group=group)
    subscribe(lambda_esm, url)
    lambda_esm.clock.run_until_idle()
    [invocation] = orders.invocations
    assert bodies(invocation) == ["A1", "A2", "B1", "B2"]


def test_a_failing_group_blocks_only_itself_until_redrive_frees_it(lambda_esm):
    dead = make_queue("dead.fifo")
    url = make_queue("orders.fifo", dead_letter=dead, after=2, VisibilityTimeout=30)
    done = []

    def handler(event, context):
        [record] = event["Records"]
        if record["body"] == "A poison":
            raise ValueError("poison")
        done.append(record["body"])

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url, BatchSize=1)
    send(url, "A poison", "A2", group="A")
    send(url, "B1", "B2", group="B")
    lambda_esm.clock.advance(seconds=59)
    assert done == ["B1", "B2"]
    lambda_esm.clock.run_until_idle()
    assert done == ["B1", "B2", "A2"]
    [message] = boto3.client("sqs").receive_message(QueueUrl=dead, AttributeNames=["All"])["Messages"]
    assert message["Body"] == "A poison"
    assert message["Attributes"]["ApproximateReceiveCount"] == "3"


def test_a_message_that_keeps_failing_has_a_high_receive_count_and_keeps_its_first_receive(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=10)
    orders = lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url)
    send(url, "poison", group="A")
    lambda_esm.clock.advance(seconds=95)
    assert [receive_counts(invocation) for invocation in orders.invocations] == [[str(n)] for n in range(1, 11)]
    records = [invocation.event["Records"][0] for invocation in orders.invocations]
    assert len({record["attributes"]["ApproximateFirstReceiveTimestamp"] for record in records}) == 1
    assert len({record["messageId"] for record in records}) == 1
    assert len({record["receiptHandle"] for record in records}) == 10


def test_everything_of_a_group_comes_back_in_order_after_a_failure(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    attempts = []

    def handler(event, context):
        attempts.append([record["body"] for record in event["Records"]])
        if len(attempts) == 1:
            raise ValueError("the first time")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url)
    send(url, "a", "b", "c", group="A")
    lambda_esm.clock.advance(seconds=10)
    send(url, "d", group="A")
    lambda_esm.clock.run_until_idle()
    # The first poll came between the first and the second send, as on AWS.
    assert [body for attempt in attempts for body in attempt] == ["a", "b", "c", "a", "b", "c", "d"]


def test_a_partial_failure_blocks_what_follows_in_its_group(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=20)
    done = []

    def handler(event, context):
        done.append([record["body"] for record in event["Records"]])
        return report("b", "c")(event, context) if len(done) == 1 else None

    lambda_esm.function("orders", handler)
    send(url, "a", "b", "c", group="A")
    subscribe(lambda_esm, url, FunctionResponseTypes=["ReportBatchItemFailures"])
    lambda_esm.clock.advance(seconds=1)
    send(url, "d", group="A")
    lambda_esm.clock.run_until_idle()
    assert done == [["a", "b", "c"], ["b", "c", "d"]]


def test_repetitions_are_swallowed_for_five_minutes_even_after_the_message_is_gone(lambda_esm):
    url = make_queue("orders.fifo")
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    first = boto3.client("sqs").send_message(QueueUrl=url, MessageBody="same", MessageGroupId="A")
    lambda_esm.clock.advance(minutes=4, seconds=59)
    again = boto3.client("sqs").send_message(QueueUrl=url, MessageBody="same", MessageGroupId="A")
    lambda_esm.clock.advance(seconds=1)
    assert first["MessageId"] == again["MessageId"]
    assert first.get("SequenceNumber") == again.get("SequenceNumber")  # moto answers it since 5.2.
    assert len(orders.invocations) == 1
    send(url, "same", group="A")
    lambda_esm.clock.run_until_idle()
    assert len(orders.invocations) == 2


def test_deduplication_ids_given_by_the_sender_count(lambda_esm):
    url = make_queue("orders.fifo", ContentBasedDeduplication="false")
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    send(url, "one", group="A", MessageDeduplicationId="x")
    send(url, "two", group="B", MessageDeduplicationId="x")
    send(url, "two", group="B", MessageDeduplicationId="y")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["one", "two"]]


def test_deduplication_by_group_where_the_queue_asks_for_it(lambda_esm):
    url = make_queue("orders.fifo", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    for group in "ABA":
        send(url, "same", group=group)
    lambda_esm.clock.run_until_idle()
    assert sum(len(bodies(invocation)) for invocation in orders.invocations) == 2


def test_sequence_numbers_grow(lambda_esm):
    url = make_queue("orders.fifo")
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url)
    send(url, *"abcdefghijklmnopqrstuvwxyz", group="A")
    lambda_esm.clock.run_until_idle()
    numbers = [
        record["attributes"]["SequenceNumber"]
        for invocation in orders.invocations
        for record in invocation.event["Records"]
    ]
    assert len(numbers) == 26
    assert numbers == sorted(set(numbers))
    assert {len(number) for number in numbers} == {20}


def test_a_client_sees_the_same_order_and_the_same_blocking(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    send(url, "a", "b", "c", group="A")
    sqs = boto3.client("sqs")

    def receive():
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)
        return [message["Body"] for message in answer.get("Messages", [])]

    assert receive() == ["a", "b"]
    assert receive() == []
    lambda_esm.clock.advance(seconds=30)
    assert receive() == ["a", "b"]


def test_a_receipt_of_a_fifo_queue_ends_with_its_visibility(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    send(url, "a", group="A")
    sqs = boto3.client("sqs")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    lambda_esm.clock.advance(seconds=30)
    with pytest.raises(sqs.exceptions.ClientError, match="The receipt handle has expired"):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_of_a_batch_of_receipts_each_is_refused_by_itself(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    sqs = boto3.client("sqs")
    send(url, "old", group="A")
    [old] = sqs.receive_message(QueueUrl=url)["Messages"]
    lambda_esm.clock.advance(seconds=29)
    send(url, "new", group="B")
    [new] = sqs.receive_message(QueueUrl=url)["Messages"]
    lambda_esm.clock.advance(seconds=1)
    entries = [{"Id": name, "ReceiptHandle": each["ReceiptHandle"]} for name, each in (("old", old), ("new", new))]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["new"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("old", "InvalidParameterValue")]
    hidden = [{**entry, "VisibilityTimeout": 60} for entry in entries]
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=hidden)
    assert [entry["Id"] for entry in answer["Successful"]] == ["old"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("new", "InvalidParameterValue")]


def test_explain_names_the_message_that_blocks_a_group(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    mapping = subscribe(lambda_esm, url, BatchSize=1)
    [poison, following] = send(url, "poison", "next", group="A")
    lambda_esm.clock.advance(seconds=1)
    fates = {fate.record: fate for fate in lambda_esm.fates(mapping)}
    assert fates[following].fate == "waiting"
    assert fates[following].detail == f"its group is blocked by message {poison}, hidden until then"
    assert fates[following].at == fates[poison].at
    assert f"the group 'A' is blocked by message {poison}, hidden until" in lambda_esm.explain(mapping)
    assert "1 wait behind it" in lambda_esm.explain(mapping)


@pytest.mark.parametrize(
    ("name", "left"), [("orders", (0, 0, 0)), ("orders.fifo", (1, 0, 0))], ids=["standard", "FIFO"]
)
def test_a_delete_after_the_visibility_timeout_has_ended(lambda_esm, name, left):
    """The mapping stops in the meantime, so nothing receives the message again before its function succeeds."""
    url = make_queue(name, VisibilityTimeout=60)
    orders = lambda_esm.function("orders", accept, timeout=60, duration=50)
    mapping = subscribe(lambda_esm, url)
    sqs = boto3.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "20"})
    send(url, "a", **({"group": "A"} if name.endswith(".fifo") else {}))
    lambda_esm.clock.advance(seconds=1)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    aws_lambda = boto3.client("lambda")
    aws_lambda.update_event_source_mapping(UUID=mapping.uuid, Enabled=False)
    lambda_esm.clock.advance(seconds=60)
    assert counts(url) == left
    assert mapping.metrics["DeletedEventCount"] == 1 - left[0]
    aws_lambda.update_event_source_mapping(UUID=mapping.uuid, Enabled=True)
    lambda_esm.clock.run_until_idle()
    assert [receive_counts(invocation) for invocation in orders.invocations] == [["1"], ["2"]][: 1 + left[0]]
    assert counts(url) == (0, 0, 0)


def test_groups_that_open_at_the_same_instant_come_in_the_order_of_sending(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=30)
    seen = []

    def handler(event, context):
        seen.append([record["body"] for record in event["Records"]])
        if len(seen) == 1:
            raise ValueError("the first time")

    lambda_esm.function("orders", handler)
    for body in ("c1", "a1", "b1", "a2", "c2"):
        send(url, body, group=body[0])
    subscribe(lambda_esm, url, BatchSize=5)
    lambda_esm.clock.run_until_idle()
    assert seen == [["c1", "c2", "a1", "a2", "b1"]] * 2
