"""Journeys: everything that happened to one record, across queues, functions, retries and destinations."""

import json
import time
from datetime import timedelta

import boto3
import pytest

from helpers.kafka import needs_topics_as_destinations
from helpers.queues import arn_of, make_queue, send, subscribe
from helpers.streams import KinesisSource, TableSource
from pytest_lambda_esm import ConfigurationError, FakeLambda, Journey, JourneyStep, LambdaEsmError, raises, throttled

LOGIN = json.dumps({"username": "lambda", "password": "secret"})


def kinds(journey):
    return [step.kind for step in journey]


def create_mapping(arn, function="consumer", **params):
    return boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=function, **params)


def login():
    secret = boto3.client("secretsmanager").create_secret(Name="login", SecretString=LOGIN)
    return [{"Type": "BASIC_AUTH", "URI": secret["ARN"]}]


# --- a queue ---------------------------------------------------------------------------------------------------


def put(fake, source, *names):
    """Put records into a stream, and return their sequence numbers."""
    before = len(fake.fates(source.arn))
    source.put(*names)
    return [fate.record.rpartition(":")[2] for fate in fake.fates(source.arn)[before:]]


def ignore(event, context):
    """Process everything."""


@pytest.fixture
def poison(lambda_esm):
    """A message that fails twice, and is dead-lettered."""
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=2)

    def handler(event, context):
        time.sleep(1)
        raise KeyError("id")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url)
    [message] = send(url, "bad")
    lambda_esm.clock.run_until_idle()
    return message


def test_a_message_is_followed_into_its_dead_letter_queue(lambda_esm, poison):
    journey = lambda_esm.journey(poison)
    attempt = ["poll", "invocation", "result", "fate"]
    assert kinds(journey) == ["sent", *attempt, *attempt, "fate", "now"]
    assert journey[0].where == "arn:aws:sqs:us-east-1:123456789012:orders"
    assert journey[-2].text == "dead-lettered: 1 moved to the dead-letter queue"
    assert journey[-1].where == "arn:aws:sqs:us-east-1:123456789012:dead"
    assert journey[-1].text.startswith("waiting")
    assert [fate.fate for fate in journey.fates] == ["dead-lettered", "waiting"]
    assert journey.of("result")[0].text.startswith("error, KeyError: 'id' at ")
    assert [invocation.attempt for invocation in journey.invocations] == [1, 2]
    assert journey.invocations == lambda_esm.invocations
    ends, began = journey[3], journey[2]
    assert ends.at - began.at == timedelta(seconds=1)
    assert ends.invocation is began.invocation is lambda_esm.invocations[0]


def test_it_goes_on_where_the_dead_letter_queue_is_read(lambda_esm, poison):
    lambda_esm.function("repair", ignore)
    dead = boto3.client("sqs").get_queue_url(QueueName="dead")["QueueUrl"]
    subscribe(lambda_esm, dead, "repair")
    lambda_esm.clock.run_until_idle()
    journey = lambda_esm.journey(poison)
    assert kinds(journey)[-5:] == ["fate", "poll", "invocation", "result", "fate"]
    assert [invocation.function for invocation in journey.invocations] == ["orders", "orders", "repair"]
    assert journey[-1].text == "deleted: 1 deleted after success"


def test_a_journey_is_a_sequence_and_a_text(lambda_esm, poison):
    journey = lambda_esm.journey(poison)
    assert isinstance(journey, Journey)
    assert isinstance(journey[0], JourneyStep)
    assert journey[:2] == list(journey)[:2]
    assert journey == lambda_esm.journey(poison)
    assert repr(journey) == f"<Journey of {poison[:8]}, 11 steps>"
    lines = str(journey).splitlines()
    assert lines[0] == f"journey of {poison[:8]}"
    assert lines[1].startswith("it begins at 2026-01-01 00:00:")
    assert lines[2] == "     0.000  sent        sqs:orders: sent"
    assert len(lines) > len(journey)
    assert all(len(line) <= 100 for line in lines)
    assert " sent sqs:orders: sent" in str(journey[0])


@pytest.mark.lambda_esm(advice="off")
def test_the_text_folds_repetitions(lambda_esm):
    url = make_queue("orders", VisibilityTimeout=10)
    lambda_esm.function("orders").script(*[throttled() for _ in range(9)])
    lambda_esm.function("orders", ignore).script(*[raises(ValueError("again")) for _ in range(20)])
    subscribe(lambda_esm, url)
    [message] = send(url, "x")
    lambda_esm.clock.run_until_idle(limit=3600)
    journey = lambda_esm.journey(message)
    assert len(journey) > 60
    assert len(str(journey).splitlines()) < 40
    assert "times more, until" in str(journey)


def test_escape_sequences_are_shown_and_not_obeyed(lambda_esm):
    url = make_queue()

    def handler(event, context):
        raise ValueError("\x1b[31mred\u202e")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url)
    [message] = send(url, "x")
    lambda_esm.clock.advance(1)
    journey = lambda_esm.journey(message)
    assert "\\x1b[31mred\\u202e" in journey.of("result")[0].text
    assert str(journey).replace("\n", "").isprintable()


def test_a_message_that_was_never_read_waits(lambda_esm):
    [message] = send(make_queue(), "x")
    assert kinds(lambda_esm.journey(message)) == ["sent", "now"]


def test_a_message_that_no_filter_matches_says_why(lambda_esm):
    url = make_queue()
    lambda_esm.function("orders", ignore)
    pattern = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["a"]}})}]}
    subscribe(lambda_esm, url, FilterCriteria=pattern)
    [message] = send(url, '{"kind": "b"}')
    lambda_esm.clock.run_until_idle()
    journey = lambda_esm.journey(message)
    assert kinds(journey) == ["poll", "fate"]
    assert "filtered out" in journey[-1].text
    assert "kind" in journey[-1].text


def test_a_record_of_a_batch_has_only_its_own_steps(lambda_esm):
    url = make_queue()

    def handler(event, context):
        return {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url, FunctionResponseTypes=["ReportBatchItemFailures"])
    good, _, other = send(url, *"abc")
    lambda_esm.clock.advance(1)
    journey = lambda_esm.journey(good)
    assert kinds(journey) == ["sent", "poll", "invocation", "result", "fate"]
    assert "with 3 records" in journey[2].text
    assert lambda_esm.journey(other)[-1].text.startswith("deleted")


# --- causes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def chain(lambda_esm):
    """orders -> handler -> results -> handler; and the first handler invokes a function, both ways."""
    orders, results = make_queue("orders"), make_queue("results")

    def first(event, context):
        send(results, f"from {event['Records'][0]['body']}")
        invoke = boto3.client("lambda").invoke
        invoke(FunctionName="audit", InvocationType="Event", Payload=b"{}")
        invoke(FunctionName="price", Payload=b"{}")

    for name, handler in {"first": first, "second": ignore, "audit": ignore, "price": ignore}.items():
        lambda_esm.function(name, handler)
    subscribe(lambda_esm, orders, "first")
    subscribe(lambda_esm, results, "second")
    [message] = send(orders, "x")
    lambda_esm.clock.run_until_idle()
    return message


def test_what_a_handler_sent_is_linked_to_its_cause(lambda_esm, chain):
    journey = lambda_esm.journey(chain)
    assert [step.where.rpartition(":")[2] for step in journey.of("caused")] == ["results", "audit", "price"]
    in_results, audit, price = journey.causes
    assert [invocation.function for each in journey.causes for invocation in each.invocations] == [
        "second",
        "audit",
        "price",
    ]
    [first] = journey.invocations
    for caused in (in_results, audit, price):
        assert caused[0].kind == "sent"
        assert caused[0].text == f"sent by first, request {first.request_id}"
        assert caused[0].invocation is first
        assert caused.caused_by == [journey]
    assert journey.caused_by == []
    assert in_results.fates[0].fate == "deleted"
    assert audit.fates[0].fate == "done"
    assert price.fates == ()  # A synchronous request.
    text = str(journey)
    assert f"it caused  {in_results.record[:8]} (sqs:results): deleted" in text
    assert f"caused by  {chain[:8]} (sqs:orders): deleted" in str(in_results)


def test_the_request_of_a_batch_is_caused_by_its_records(lambda_esm, chain):
    [first] = lambda_esm.function("first").invocations
    for given in (first, first.request_id):
        journey = lambda_esm.journey(given)
        assert kinds(journey) == ["poll", "invocation", "caused", "caused", "caused", "result"]
        assert [each.record for each in journey.caused_by] == [chain]
        assert journey.fates == ()


def test_a_message_that_a_handler_sends_back_to_its_own_queue_ends_nowhere(lambda_esm):
    url = make_queue("orders")

    def handler(event, context):
        if event["Records"][0]["body"] == "0":
            send(url, "1")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, url, BatchSize=1)
    [message] = send(url, "0")
    lambda_esm.clock.run_until_idle()
    [again] = lambda_esm.journey(message).causes
    assert again.record != message
    assert again.causes == []
    assert [each.record for each in again.caused_by] == [message]


# --- asynchronous events ---------------------------------------------------------------------------------------


def test_the_retries_of_an_event_end_at_its_destination(lambda_esm):
    queue = make_queue("failed")
    lambda_esm.function("audit").script(raises(ValueError("no")), raises(ValueError("no")), raises(ValueError("no")))
    client = boto3.client("lambda")
    client.put_function_event_invoke_config(
        FunctionName="audit", DestinationConfig={"OnFailure": {"Destination": arn_of(queue)}}
    )
    answer = client.invoke(FunctionName="audit", InvocationType="Event", Payload=b"{}")
    lambda_esm.clock.run_until_idle()
    journey = lambda_esm.journey(answer)
    attempt = ["invocation", "result"]
    assert kinds(journey) == [
        "sent",
        *attempt,
        "retry",
        *attempt,
        "retry",
        *attempt,
        "caused",
        "delivery",
        "fate",
    ]
    assert journey.record == answer["ResponseMetadata"]["RequestId"]
    [failed] = journey.causes
    assert failed[0].text.startswith("sent by Lambda after audit, request ")
    assert failed[0].where == arn_of(queue)
    assert [each.record for each in failed.caused_by] == [journey.record]


@pytest.mark.parametrize(
    ("make", "origin"),
    [("sns", "aws:sns"), ("s3", "aws:s3"), ("events", "EventBridge (shop)")],
)
def test_an_event_says_which_service_made_it(lambda_esm, make, origin):
    function = lambda_esm.function("audit", ignore)
    {"sns": publish, "s3": put_object, "events": put_event}[make](function.arn)
    lambda_esm.clock.run_until_idle()
    [invocation] = lambda_esm.invocations
    journey = lambda_esm.journey(invocation)
    assert journey[0].text == f"accepted, from {origin}"
    assert kinds(journey) == ["sent", "invocation", "result", "fate"]


def publish(function):
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message="x")


def put_object(function):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="files")
    events = [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket="files", NotificationConfiguration={"LambdaFunctionConfigurations": events}
    )
    s3.put_object(Bucket="files", Key="a", Body=b"x")


def put_event(function):
    events = boto3.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["shop"]}), State="ENABLED")
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": function}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])


def test_a_topic_that_a_handler_publishes_to_is_no_gap(lambda_esm):
    orders, copies = make_queue("orders"), make_queue("copies")
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of(copies))

    def handler(event, context):
        boto3.client("sns").publish(TopicArn=topic, Message="x")

    lambda_esm.function("orders", handler)
    subscribe(lambda_esm, orders)
    [message] = send(orders, "x")
    lambda_esm.clock.run_until_idle()
    [copy] = lambda_esm.journey(message).causes
    assert copy[0].where == arn_of(copies)


# --- every other source ----------------------------------------------------------------------------------------


def from_kinesis(fake):
    source = KinesisSource(fake)
    create_mapping(source.arn, StartingPosition="TRIM_HORIZON")
    return lambda: source.put("a")[0]


def from_dynamodb(fake):
    source = TableSource(fake)
    create_mapping(source.arn, StartingPosition="TRIM_HORIZON")
    return lambda: put(fake, source, "a")[0]


def from_kafka(fake):
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    create_mapping(cluster.arn, StartingPosition="TRIM_HORIZON", Topics=["orders"])
    return lambda: cluster.produce("orders", "a")


def from_activemq(fake, engine="ActiveMQ"):
    broker = fake.mq("main", engine=engine)
    broker.queue("orders")
    create_mapping(broker.arn, Queues=["orders"], SourceAccessConfigurations=login())
    return lambda: broker.queue("orders").send("a")


def from_rabbitmq(fake):
    return from_activemq(fake, "RabbitMQ")


def from_documentdb(fake):
    cluster = fake.documentdb("shop")
    create_mapping(
        cluster.arn,
        StartingPosition="TRIM_HORIZON",
        SourceAccessConfigurations=login(),
        DocumentDBEventSourceConfig={"DatabaseName": "shop"},
    )

    def insert():
        cluster.collection("shop", "orders").insert({"n": 1})
        return [fate.record for fate in fake.fates(cluster.arn)][-1]

    return insert


SOURCES = [from_kinesis, from_dynamodb, from_kafka, from_activemq, from_rabbitmq, from_documentdb]


@pytest.mark.parametrize("make", SOURCES)
def test_a_record_of_every_source_is_followed(lambda_esm, make):
    lambda_esm.function("consumer", ignore).script(raises(ValueError("once")))
    send_one = make(lambda_esm)
    lambda_esm.clock.run_until_idle()
    record = send_one()
    lambda_esm.clock.run_until_idle(limit=3600)
    journey = lambda_esm.journey(record)
    steps = kinds(journey)
    assert steps[0] == ("poll" if make is from_rabbitmq else "sent")
    assert all(len(line) <= 100 for line in str(journey).splitlines())
    assert [kind for kind in steps if kind in ("invocation", "result")] == ["invocation", "result"] * 2
    assert steps[-1] == "fate"
    assert journey.fates[-1].fate == "done"
    assert [invocation.outcome for invocation in journey.invocations] == ["error", "success"]
    assert journey.caused_by == []


@pytest.mark.parametrize("make", SOURCES)
def test_a_record_that_a_handler_sent_is_linked_for_every_source(lambda_esm, make):
    lambda_esm.function("consumer", ignore)
    send_one = make(lambda_esm)
    sent = []
    lambda_esm.function("first", lambda event, context: sent.append(send_one()))
    url = make_queue("orders")
    subscribe(lambda_esm, url, "first")
    [message] = send(url, "x")
    lambda_esm.clock.run_until_idle(limit=3600)
    [caused] = lambda_esm.journey(message).causes
    assert caused == lambda_esm.journey(sent[0])
    assert [invocation.function for invocation in caused.invocations] == ["consumer"]
    assert [each.record for each in caused.caused_by] == [message]
    assert all(len(line) <= 100 for each in (caused, caused.caused_by[0]) for line in str(each).splitlines())


def test_a_failure_record_in_a_topic_is_about_one_record(lambda_esm):
    needs_topics_as_destinations(lambda_esm)
    cluster = lambda_esm.kafka("main")
    cluster.create_topic("orders", partitions=2)
    cluster.create_topic("failed")
    lambda_esm.function("consumer").script(raises(ValueError("no")))
    create_mapping(
        cluster.arn,
        Topics=["orders"],
        StartingPosition="TRIM_HORIZON",
        ProvisionedPollerConfig={"MinimumPollers": 1, "MaximumPollers": 1},
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "kafka://failed"}},
    )
    sent = [cluster.produce("orders", number, partition=number % 2) for number in range(4)]
    lambda_esm.clock.run_until_idle()
    for record in sent:
        journey = lambda_esm.journey(record)
        [failed] = journey.causes
        assert failed.caused_by == [journey]
        assert failed[0].text == f"sent by Lambda about {journey.record}"
        assert kinds(journey) == ["sent", "poll", "invocation", "result", "caused", "fate"]


@pytest.mark.lambda_esm(advice_ignore=["ESM117"])
@pytest.mark.parametrize("make", [KinesisSource, TableSource])
def test_a_failure_record_is_caused_by_the_records_that_it_is_about(lambda_esm, make):
    source, queue = make(lambda_esm), make_queue("failed")
    lambda_esm.function("consumer").script(raises(ValueError("no")))
    create_mapping(
        source.arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn_of(queue)}},
    )
    first, middle, last = put(lambda_esm, source, *"abc")
    lambda_esm.clock.run_until_idle()
    journeys = [lambda_esm.journey(record) for record in (first, middle, last)]
    for journey in journeys:
        assert journey.fates[0].fate == "sent to a destination"
        [failed] = journey.causes
        assert failed[0].where == arn_of(queue)
        assert list(failed.caused_by) == journeys
        assert kinds(journey) == ["sent", "poll", "invocation", "result", "caused", "fate"]


def test_throttled_attempts_of_a_stream_are_steps(lambda_esm):
    source = KinesisSource(lambda_esm)
    lambda_esm.function("consumer", ignore).script(throttled())
    create_mapping(source.arn, StartingPosition="TRIM_HORIZON")
    _, middle, _ = source.put(*"abc")
    lambda_esm.clock.run_until_idle()
    assert kinds(lambda_esm.journey(middle)) == ["sent", "poll", "throttle", "poll", "invocation", "result", "fate"]


def test_records_of_parallel_lanes_do_not_share_steps(lambda_esm):
    source = KinesisSource(lambda_esm)
    lambda_esm.function("consumer", ignore)
    create_mapping(source.arn, StartingPosition="TRIM_HORIZON", ParallelizationFactor=10)
    numbers = source.put(*"abcdefghijkl")
    lambda_esm.clock.run_until_idle()
    for number in numbers:
        journey = lambda_esm.journey(number)
        assert kinds(journey) == ["sent", "poll", "invocation", "result", "fate"]
        assert number in json.dumps(journey.invocations[0].event)


# --- what names a record ---------------------------------------------------------------------------------------


def test_a_record_has_many_names(lambda_esm):
    url = make_queue()
    lambda_esm.function("orders", lambda event, context: [][1])
    subscribe(lambda_esm, url)
    answer = boto3.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    lambda_esm.clock.advance(31)
    journey = lambda_esm.journey(answer["MessageId"])
    names = [answer, answer["MessageId"][:8], f" {answer['MessageId']}\n", lambda_esm.fates(url)[0]]
    event = lambda_esm.invocations[0].event
    for name in [*names, event["Records"][0], event, {"Successful": [answer], "Failed": []}]:
        assert lambda_esm.journey(name) == journey


def test_the_records_of_two_tables_may_have_the_same_numbers(lambda_esm):
    lambda_esm.function("consumer", ignore)
    tables = [TableSource(lambda_esm, "one"), TableSource(lambda_esm, "two")]
    for table in tables:
        create_mapping(table.arn, StartingPosition="TRIM_HORIZON")
    [number], [same] = [put(lambda_esm, table, "a") for table in tables]
    lambda_esm.clock.run_until_idle()
    assert number == same
    with pytest.raises(LambdaEsmError, match="is ambiguous") as info:
        lambda_esm.journey(number)
    assert tables[0].arn in str(info.value)
    for invocation in lambda_esm.invocations:
        [record] = invocation.records
        journey = lambda_esm.journey(record)
        assert journey.invocations == [invocation]
        assert journey[1].where == record["eventSourceARN"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("nope", "There is no record and no request 'nope'. The newest are "),
        ("orders", "'orders' is a source, a function or a mapping: fates() lists its records. journey() takes the id"),
        (3, "not 3."),
        (None, "not None."),
        ("", "not ''."),
        ({}, "none of them is in {}."),
        ({"ResponseMetadata": {"RequestId": "x"}}, "none of them is in"),
        ({"Records": [{"messageId": "a"}, {"messageId": "b"}]}, "follows one record, and this has 2"),
        ("\x1b[31m", r"'\x1b[31m'"),
    ],
)
def test_a_wrong_name_is_refused_at_the_users_line(lambda_esm, given, text):
    send(make_queue(), "x")
    with pytest.raises(LambdaEsmError) as info:
        lambda_esm.journey(given)
    assert text in str(info.value)
    assert "\x1b" not in str(info.value)
    visible = [each for each in info.traceback if not each.ishidden(info)]
    assert str(visible[-1].path) == __file__


def test_a_misspelt_id_gets_the_right_one(lambda_esm):
    [message] = send(make_queue(), "x")
    wrong = f"{message[:4]}0000{message[8:]}"
    with pytest.raises(LambdaEsmError, match=f"Did you mean '{message}'"):
        lambda_esm.journey(wrong)


def test_nothing_has_happened_yet(lambda_esm):
    with pytest.raises(LambdaEsmError, match="Nothing has been sent or invoked yet"):
        lambda_esm.journey("x")


def test_a_closed_fake_can_still_tell():
    with FakeLambda() as fake:
        url = make_queue()
        fake.function("orders", ignore)
        subscribe(fake, url)
        [message] = send(url, "x")
        fake.clock.run_until_idle()
    assert kinds(fake.journey(message)) == ["sent", "poll", "invocation", "result", "fate"]


def test_a_kind_of_step_that_does_not_exist_is_refused(lambda_esm):
    [message] = send(make_queue(), "x")
    with pytest.raises(ConfigurationError, match=r"there is no kind 'invocations'\. Did you mean 'invocation'"):
        lambda_esm.journey(message).of("invocations")
