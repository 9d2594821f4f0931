"""Batches, failures and filters of SQS mappings, as AWS was recorded or documents it: one row, one fact."""

import json

import boto3
import pytest

from helpers.conformance import Facts
from helpers.queues import (
    accept,
    bodies,
    counts,
    make_queue,
    receive_counts,
    refuse,
    report,
    send,
    send_many,
    since,
    slug,
    subscribe,
)

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")

FACTS = Facts("SQS: polling and filters")

REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


# --- batching --------------------------------------------------------------------------------------------------


@FACTS(
    "c1-all-arrive",
    "recorded",
    "15 messages all arrive with a window of 2 seconds and a BatchSize of 15, 100, 1,000 or 10,000.",
)
@pytest.mark.parametrize("size", [15, 100, 1_000, 10_000], ids=lambda size: f"c.1 BatchSize {size}, window 2")
def test_all_of_fifteen_messages_arrive_whatever_the_batch_size(lambda_esm, size):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    subscribe(lambda_esm, url, BatchSize=size, MaximumBatchingWindowInSeconds=2)
    send_many(url, 15)
    lambda_esm.clock.run_until_idle()
    assert sorted(body for invocation in orders.invocations for body in bodies(invocation)) == sorted(
        f"message {number}" for number in range(15)
    )
    assert counts(url) == (0, 0, 0)


@FACTS(
    "c1-two-batches",
    "recorded",
    "30 waiting messages with BatchSize 20, a window of 1 second and MaximumConcurrency 2 are exactly two batches.",
)
def test_thirty_messages_in_batches_of_twenty_with_concurrency_two_are_two_batches(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    send_many(url, 30)
    subscribe(
        lambda_esm,
        url,
        BatchSize=20,
        MaximumBatchingWindowInSeconds=1,
        ScalingConfig={"MaximumConcurrency": 2},
    )
    lambda_esm.clock.run_until_idle()
    assert len(orders.invocations) == 2
    assert len({body for invocation in orders.invocations for body in bodies(invocation)}) == 30


# --- batch responses -------------------------------------------------------------------------------------------


def ids_of(event):
    return [record["messageId"] for record in event["Records"]]


def items(*identifiers):
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


RESPONSES = [
    ("c.2 {}", "recorded", "The response {} counts as success of the whole batch.", lambda event: {}, []),
    ("c.2 null", "recorded", "The response null counts as success of the whole batch.", lambda event: None, []),
    (
        "c.2 empty list of failures",
        "recorded",
        "An empty list batchItemFailures counts as success of the whole batch.",
        lambda event: {"batchItemFailures": []},
        [],
    ),
    (
        "c.2 null list of failures",
        "recorded",
        "batchItemFailures that is null counts as success of the whole batch.",
        lambda event: {"batchItemFailures": None},
        [],
    ),
    (
        "c.2 empty text",
        "recorded",
        "An empty text as response counts as success of the whole batch.",
        lambda event: "",
        [],
    ),
    (
        "c.2 empty list",
        "recorded",
        "An empty list as response counts as success of the whole batch.",
        lambda event: [],
        [],
    ),
    (
        "c.2 other members",
        "chosen",
        "A response that is an object without batchItemFailures counts as success of the whole batch.",
        lambda event: {"statusCode": 500, "failures": ids_of(event)},
        [],
    ),
    (
        "c.2 one of three",
        "recorded",
        "Messages that are reported stay until their visibility timeout ends; the others are deleted.",
        lambda event: items(ids_of(event)[1]),
        ["b"],
    ),
    (
        "c.2 all of three",
        "documented",
        "All messages may be reported.",
        lambda event: items(*ids_of(event)),
        ["a", "b", "c"],
    ),
    (
        "c.2 one twice",
        "chosen",
        "A message that is reported twice counts once.",
        lambda event: items(ids_of(event)[0], ids_of(event)[0]),
        ["a"],
    ),
    (
        "c.2 bad key",
        "recorded",
        "An item with another key than itemIdentifier makes the whole batch a failure.",
        lambda event: {"batchItemFailures": [{"foo": "notvalid"}]},
        ["a", "b", "c"],
    ),
    (
        "c.2 key in other letters",
        "documented",
        "The key is itemIdentifier in exactly these letters; another one makes the whole batch a failure.",
        lambda event: {"batchItemFailures": [{"ItemIdentifier": "x"}]},
        ["a", "b", "c"],
    ),
    (
        "c.2 empty identifier",
        "documented",
        "An empty itemIdentifier makes the whole batch a failure.",
        lambda event: items(""),
        ["a", "b", "c"],
    ),
    (
        "c.2 null identifier",
        "documented",
        "An itemIdentifier that is null makes the whole batch a failure.",
        lambda event: items(None),
        ["a", "b", "c"],
    ),
    (
        "c.2 identifier that is no text",
        "documented",
        "An itemIdentifier that is a number makes the whole batch a failure.",
        lambda event: items(123),
        ["a", "b", "c"],
    ),
    (
        "c.2 unknown identifier",
        "documented",
        "An itemIdentifier that is no message of the batch makes the whole batch a failure.",
        lambda event: items("no message of this batch"),
        ["a", "b", "c"],
    ),
    (
        "c.2 one right and one unknown",
        "documented",
        "One unknown itemIdentifier beside right ones makes the whole batch a failure.",
        lambda event: items(ids_of(event)[0], "unknown"),
        ["a", "b", "c"],
    ),
    (
        "c.2 invalid JSON",
        "documented",
        "A response that is a text, and not empty, makes the whole batch a failure.",
        lambda event: "{not json",
        ["a", "b", "c"],
    ),
    (
        "c.2 items that are no objects",
        "documented",
        "An item that is no object makes the whole batch a failure.",
        lambda event: {"batchItemFailures": ["a"]},
        ["a", "b", "c"],
    ),
    (
        "c.2 failures that are no list",
        "documented",
        "batchItemFailures that is no list makes the whole batch a failure.",
        lambda event: {"batchItemFailures": "a"},
        ["a", "b", "c"],
    ),
    (
        "c.2 function error",
        "recorded",
        "A function error makes the whole batch a failure.",
        lambda event: 1 / 0,
        ["a", "b", "c"],
    ),
]


@pytest.mark.parametrize(("respond", "stay"), [row[3:] for row in RESPONSES], ids=[row[0] for row in RESPONSES])
def test_report(lambda_esm, respond, stay):
    url = make_queue(VisibilityTimeout=30)
    answers = iter([respond])
    orders = lambda_esm.function("orders", lambda event, context: next(answers, lambda event: None)(event))
    send(url, "a", "b", "c")
    mapping = subscribe(lambda_esm, url, **REPORTS)
    start = lambda_esm.clock.now
    lambda_esm.clock.advance()
    assert counts(url) == (0, len(stay), 0)
    assert mapping.metrics["DeletedEventCount"] == 3 - len(stay)
    assert mapping.metrics["FailedInvokeEventCount"] == len(stay)
    lambda_esm.clock.run_until_idle()
    again = orders.invocations[1:]
    assert [bodies(invocation) for invocation in again] == ([stay] if stay else [])
    assert since(lambda_esm, start)[1:] == ([30] if stay else [])


for name, evidence, text, *_ in RESPONSES:
    FACTS(slug(name), evidence, text)(test_report)


@FACTS(
    "c2-response-type-not-set",
    "documented",
    "Without ReportBatchItemFailures in FunctionResponseTypes the response is ignored and everything is deleted.",
)
@pytest.mark.parametrize("respond", [row[3] for row in RESPONSES[7:-1]], ids=[row[0] for row in RESPONSES[7:-1]])
def test_without_the_response_type_a_return_is_success_whatever_it_says(lambda_esm, respond):
    url = make_queue()
    lambda_esm.function("orders", lambda event, context: respond(event))
    send(url, "a", "b", "c")
    mapping = subscribe(lambda_esm, url)
    lambda_esm.clock.run_until_idle()
    assert mapping.metrics["DeletedEventCount"] == 3
    assert len(lambda_esm.invocations) == 1


@FACTS(
    "c2-partial-failures-fifo",
    "recorded",
    "Partial failures of a FIFO group: only those reported come again, with receive count 2, until"
    " redrive takes the last one.",
)
def test_recorded_partial_failures_of_a_fifo_queue(lambda_esm):
    dead = make_queue("dead.fifo")
    url = make_queue("orders.fifo", dead_letter=dead, after=2, VisibilityTimeout=8)
    answers = iter([report("2", "3", "4"), report("4")])
    orders = lambda_esm.function("orders", lambda event, context: next(answers)(event, context))
    send(url, "1", "2", "3", "4", group="1")
    subscribe(lambda_esm, url, BatchSize=10, **REPORTS)
    lambda_esm.clock.run_until_idle()
    first, second = orders.invocations
    assert (bodies(first), receive_counts(first)) == (["1", "2", "3", "4"], ["1"] * 4)
    assert (bodies(second), receive_counts(second)) == (["2", "3", "4"], ["2"] * 3)
    [message] = boto3.client("sqs").receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    assert message["Body"] == "4"
    assert counts(url) == (0, 0, 0)


@FACTS(
    "c2-group-in-sequence",
    "recorded",
    "Five messages of one group run one after the other, in one execution environment.",
)
def test_five_messages_of_a_group_run_one_after_the_other(lambda_esm):
    url = make_queue("orders.fifo", VisibilityTimeout=60)
    orders = lambda_esm.function("orders", accept, timeout=10, duration=5)
    subscribe(lambda_esm, url, BatchSize=1)
    start = lambda_esm.clock.now
    send(url, *"12345", group="1")
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [0, 5, 10, 15, 20]
    assert len({invocation.context.log_stream_name for invocation in orders.invocations}) == 1


@FACTS(
    "c2-max-receive-count",
    "recorded",
    "maxReceiveCount N gives exactly N invocations; then the message is in the dead-letter queue, with"
    " its id and body.",
)
@pytest.mark.parametrize("most", [1, 2, 3, 5], ids=lambda most: f"c.2 maxReceiveCount {most}")
def test_exactly_so_many_invocations_and_then_the_dead_letter_queue(lambda_esm, most):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=most, VisibilityTimeout=30)
    orders = lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url)
    [message_id] = send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert [receive_counts(invocation) for invocation in orders.invocations] == [[str(n + 1)] for n in range(most)]
    [message] = boto3.client("sqs").receive_message(QueueUrl=dead)["Messages"]
    assert (message["MessageId"], message["Body"]) == (message_id, "a")


@FACTS(
    "c2-functions-own-dead-letters",
    "documented",
    "The function's own dead-letter queue gets nothing from a mapping of a queue.",
)
def test_the_functions_own_dead_letter_queue_gets_nothing(lambda_esm):
    dead, functions_own = make_queue("dead"), make_queue("own")
    url = make_queue("orders", dead_letter=dead, after=1)
    lambda_esm.function("orders", refuse)
    boto3.client("lambda").update_function_configuration(
        FunctionName="orders", DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:123456789012:own"}
    )
    subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert counts(dead) == (1, 0, 0)
    assert counts(functions_own) == (0, 0, 0)


# --- filters ---------------------------------------------------------------------------------------------------


def numeric(*condition):
    return {"body": {"my-number": [{"numeric": list(condition)}]}}


FILTERS = [
    (
        "f.4 single",
        "recorded",
        "One value of a key lets a message pass.",
        {"body": {"my-key": ["my-value"]}},
        {"my-key": "my-value"},
        {"my-key": "other-value"},
    ),
    (
        "f.4 or",
        "recorded",
        "Several values of a key are alternatives.",
        {"body": {"my-key": ["my-value-one", "my-value-two"]}},
        {"my-key": "my-value-two"},
        {"my-key": "other-value"},
    ),
    (
        "f.4 and",
        "recorded",
        "Several keys must all match.",
        {"body": {"my-key-one": ["other-filter", "my-value-one"], "my-key-two": ["my-value-two"]}},
        {"my-key-one": "my-value-one", "my-key-two": "my-value-two"},
        {"my-key-one": "other-value-", "my-key-two": "my-value-two"},
    ),
    (
        "f.4 exists",
        "recorded",
        "exists: true asks for the key, whatever its value.",
        {"body": {"my-key": [{"exists": True}]}},
        {"my-key": "any-value-one"},
        {"other-key": "any-value-two"},
    ),
    (
        "f.4 numeric-bigger",
        "recorded",
        "numeric > refuses the number itself.",
        numeric(">", 100),
        {"my-number": 101},
        {"my-number": 100},
    ),
    (
        "f.4 numeric-smaller",
        "recorded",
        "numeric < refuses the number itself.",
        numeric("<", 100),
        {"my-number": 99},
        {"my-number": 100},
    ),
    (
        "f.4 numeric-range",
        "recorded",
        "A numeric range takes its bounds as its operators say.",
        numeric(">=", 100, "<", 200),
        {"my-number": 100},
        {"my-number": 200},
    ),
    (
        "f.4 prefix",
        "recorded",
        "prefix compares the beginning of a text.",
        {"body": {"my-key": [{"prefix": "yes"}]}},
        {"my-key": "yes-value"},
        {"my-key": "no-value"},
    ),
    (
        "f.4 valid-json-filter",
        "recorded",
        "Plain text is dropped where the pattern for the body is JSON.",
        {"body": {"my-key": ["my-value"]}},
        {"my-key": "my-value"},
        "plain-string",
    ),
    (
        "f.2 plain text, plain pattern",
        "documented",
        "Plain text is compared with a pattern for plain text.",
        {"body": ["yes", {"prefix": "y-"}]},
        "y-es",
        "no",
    ),
    (
        "f.2 JSON against a plain pattern",
        "documented",
        "JSON is dropped where the pattern for the body is plain text.",
        {"body": [{"prefix": ""}]},
        "text",
        {"a": 1},
    ),
    (
        "f.2 JSON, no pattern for the body",
        "documented",
        "JSON passes by its metadata where no pattern speaks of the body.",
        {"awsRegion": ["us-east-1"]},
        {"a": 1},
        None,
    ),
    (
        "f.2 plain text, no pattern for the body",
        "documented",
        "Plain text passes by its metadata where no pattern speaks of the body.",
        {"awsRegion": ["us-east-1"]},
        "text",
        None,
    ),
    (
        "f.2 other metadata refuses",
        "documented",
        "Metadata that does not match drops the message.",
        {"eventSource": ["aws:kinesis"]},
        None,
        {"a": 1},
    ),
    (
        "f.1 metadata: a message attribute",
        "chosen",
        "Patterns may speak of a message's attributes, as those of streams may (recorded) of metadata.",
        {"attributes": {"SenderId": [{"exists": True}]}},
        "x",
        None,
    ),
]


@pytest.mark.parametrize(
    ("pattern", "passing", "dropped"), [row[3:] for row in FILTERS], ids=[row[0] for row in FILTERS]
)
def test_filter(lambda_esm, pattern, passing, dropped):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    texts = [body if isinstance(body, str) else json.dumps(body) for body in (passing, dropped) if body is not None]
    ids = send(url, *texts)
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == ([texts[:1]] if passing is not None else [])
    assert counts(url) == (0, 0, 0)
    assert mapping.metrics["FilteredOutEventCount"] == (dropped is not None)
    fates = {fate.record: fate.fate for fate in lambda_esm.fates(mapping)}
    wanted = [(passing, "deleted"), (dropped, "filtered out")]
    assert fates == dict(zip(ids, [fate for body, fate in wanted if body is not None], strict=True))


for name, evidence, text, *_ in FILTERS:
    FACTS(slug(name), evidence, text)(test_filter)
