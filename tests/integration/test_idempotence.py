"""check_idempotent: a body, and the same with deliveries repeated, leave the same behind."""

import time
import uuid

import boto3
import pytest

from helpers.charges import Charges
from helpers.queues import make_queue
from pytest_lambda_esm import FaultError, NotIdempotent


@pytest.fixture
def charges(lambda_esm):
    return Charges()


def refused(lambda_esm, body, **options):
    """Return the lines of the error."""
    with pytest.raises(NotIdempotent) as caught:
        lambda_esm.check_idempotent(body, **options)
    return str(caught.value).splitlines()


def test_what_is_idempotent_passes(lambda_esm, charges):
    lambda_esm.check_idempotent(lambda: charges.run(lambda_esm, charges.put, "o1", "o2"))
    assert lambda_esm.timeline[-1].text == "idempotence: 3 worlds with repeated deliveries, no difference"


def test_the_first_difference_is_told_in_words(lambda_esm, charges):
    assert refused(lambda_esm, lambda: charges.run(lambda_esm, charges.add, "o1", "o2")) == [
        "not idempotent: with batch 1 delivered twice, something else remains:",
        "  table charges: item o1 has n = 2, was 1",
        "  replay it alone, with this above a test of the body:",
        "    @pytest.mark.lambda_esm_fault('poller.Read', 'duplicated')",
    ]


def test_an_assertion_that_fails_only_then_is_a_difference(lambda_esm, charges):
    def body():
        assert charges.run(lambda_esm, charges.add, "o1") == {"o1": 1}, "charged once"

    assert refused(lambda_esm, body)[1].startswith("  the body fails: AssertionError: charged once")


def test_a_body_that_fails_without_repeats_fails_as_it_is(lambda_esm):
    with pytest.raises(ZeroDivisionError):
        lambda_esm.check_idempotent(lambda: 1 / 0)


def events(lambda_esm, handler, **made):
    """Return a body that invokes a handler asynchronously."""

    def body():
        for service, operation, params in made.get("before", ()):
            getattr(boto3.client(service), operation)(**params)
        lambda_esm.function("f", handler)
        boto3.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b'"o1"')
        lambda_esm.clock.run_until_idle()

    return body


BUCKET = ("s3", "create_bucket", {"Bucket": "results"})
QUEUE = ("sqs", "create_queue", {"QueueName": "results"})
STREAM = ("kinesis", "create_stream", {"StreamName": "results", "ShardCount": 1})


def test_asynchronous_events_are_repeated_too(lambda_esm):
    def handler(event, context):
        boto3.client("s3").put_object(Bucket="results", Key=f"{event}-{time.monotonic_ns()}", Body=b"x")

    lines = refused(lambda_esm, events(lambda_esm, handler, before=[BUCKET]))
    assert lines[0] == "not idempotent: with asynchronous event 1 delivered twice, something else remains:"
    assert lines[1].startswith("  bucket results: object o1-")
    assert lines[3] == "    @pytest.mark.lambda_esm_fault('poller.InvokeEvent', 'duplicated')"


@pytest.mark.parametrize(
    ("made", "write", "difference"),
    [
        (
            QUEUE,
            lambda: boto3.client("sqs").send_message(
                QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/results", MessageBody="o1 done"
            ),
            "queue results: 2 messages o1 done, was 1",
        ),
        (
            STREAM,
            lambda: boto3.client("kinesis").put_record(StreamName="results", Data=b"done", PartitionKey="o1"),
            "stream results: 2 records o1: done, was 1",
        ),
        (
            ("ses", "verify_email_identity", {"EmailAddress": "shop@example.com"}),
            lambda: boto3.client("ses").send_email(
                Source="shop@example.com",
                Destination={"ToAddresses": ["a@example.com"]},
                Message={"Subject": {"Data": "o1"}, "Body": {"Text": {"Data": "done"}}},
            ),
            "calls of ses.SendEmail: 2 calls with Source='shop@example.com'",
        ),
    ],
    ids=["queue", "stream", "another service"],
)
def test_what_was_written_twice_differs(lambda_esm, made, write, difference):
    assert difference in refused(lambda_esm, events(lambda_esm, lambda *_: write(), before=[made]))[1]


def test_times_and_ids_may_differ(lambda_esm):
    bodies = []

    def handler(event, context):
        body = f"{uuid.uuid4()} {uuid.uuid4().hex} {time.time()} at 2026-01-01T00:00:05.{time.monotonic_ns()}Z"
        bodies.append(body.replace(str(time.time()), "now"))
        boto3.client("s3").put_object(Bucket="results", Key=event, Body=bodies[-1])

    lambda_esm.check_idempotent(events(lambda_esm, handler, before=[BUCKET]))
    assert len(set(bodies)) > 1


def test_a_function_of_both_states_decides_instead(lambda_esm, charges):
    seen = []

    def compare(state, repeated):
        seen.append((state, repeated))
        return "they look odd" if len(seen) == 2 else None

    lines = refused(lambda_esm, lambda: charges.run(lambda_esm, charges.add, "o1", "o2"), compare=compare)
    assert lines[:2] == [
        "not idempotent: with batch 2 delivered twice, something else remains:",
        "  they look odd",
    ]
    assert [each["n"] for each in seen[0][0]["table charges"]["o1"]] == [1]
    assert [each["n"] for each in seen[0][1]["table charges"]["o1"]] == [2]


def test_a_body_to_which_nothing_is_delivered_is_an_error(lambda_esm):
    assert "had nothing delivered" in refused(lambda_esm, make_queue)[0]


def test_what_exists_before_is_refused(lambda_esm):
    make_queue()
    with pytest.raises(FaultError, match="starts empty, but these already exist: queue 'orders'"):
        lambda_esm.check_idempotent(lambda: None)


def forwards_to_kafka(lambda_esm):
    cluster = lambda_esm.kafka("b-1.example.com:9092")
    cluster.create_topic("orders")
    return lambda body: cluster.produce("orders", body)


def forwards_to_documentdb(lambda_esm):
    cluster = lambda_esm.documentdb("arn:aws:rds:us-east-1:123456789012:cluster:docs")
    collection = cluster.collection("shop", "orders")
    return lambda body: collection.insert({"order": body})


def forwards_to_a_broker(lambda_esm):
    arn = "arn:aws:mq:us-east-1:123456789012:broker:shop:b-12345678-1234-1234-1234-123456789012"
    return lambda_esm.mq(arn).queue("orders").send


@pytest.mark.parametrize(
    ("forwards", "difference"),
    [
        (forwards_to_kafka, "topic orders of "),
        (forwards_to_documentdb, "collection shop.orders of "),
        (forwards_to_a_broker, "queue orders of "),
    ],
)
def test_what_handlers_write_to_clusters_and_brokers_is_compared(lambda_esm, forwards, difference):
    def body():
        forward = forwards(lambda_esm)
        queue = lambda_esm.queue("incoming")

        def handler(event, context):
            for record in event["Records"]:
                forward(record["body"])

        lambda_esm.connect(queue, lambda_esm.function("forward", handler))
        queue.send("o1")
        lambda_esm.clock.run_until_idle()

    assert refused(lambda_esm, body)[1].startswith(f"  {difference}")
