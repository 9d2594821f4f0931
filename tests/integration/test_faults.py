"""Faults as code under test meets them: through boto3, with botocore's own retries, in virtual time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from pytest_lambda_esm import (
    FakeLambda,
    FaultError,
    UnusedFault,
    aws_error,
    connect_timeout,
    connection_reset,
    latency,
    lost_response,
    read_timeout,
)

REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:orders"
MODES = ("legacy", "standard", "adaptive")


@pytest.fixture
def fake():
    with FakeLambda(region=REGION, strict=False) as fake:
        fake.client("sqs").create_queue(QueueName="orders")
        fake.function("orders", lambda event, context: None)
        yield fake


def client(service="lambda", **config):
    return boto3.client(service, config=Config(**config))


def once(service="lambda", **config):
    """A client that does not retry."""
    return client(service, retries={"total_max_attempts": 1}, **config)


def subscribe(aws_lambda):
    return aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="orders")


# --- errors of AWS ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_throttled_call_is_retried_by_botocore_in_virtual_time(fake, mode):
    fault = fake.faults.add("CreateEventSourceMapping", "TooManyRequestsException", times=2)
    before = fake.clock.now

    answer = subscribe(client(retries={"mode": mode, "total_max_attempts": 4}))

    assert answer["State"] == "Creating"
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert [call.status for call in fake.calls.of("CreateEventSourceMapping")] == [429, 429, 202]
    assert [call.attempt for call in fault.calls] == [1, 2]
    assert len(fake.clock.slept) >= 2
    assert fake.clock.now - before == timedelta(seconds=sum(fake.clock.slept))


def test_the_backoff_comes_out_of_the_seed():
    def naps(seed):
        with FakeLambda(region=REGION, seed=seed) as fake:
            fake.faults.add("ListFunctions", "ServiceException", times=2)
            client(retries={"mode": "standard"}).list_functions()
            return fake.clock.slept

    assert naps(1) == naps(1)
    assert naps(1) != naps(2)


def test_nothing_happens_to_what_a_refused_call_would_have_changed(fake):
    fake.faults.add("CreateEventSourceMapping", "ServiceException")

    with pytest.raises(ClientError):
        subscribe(once())

    assert list(fake.mappings) == []


def test_when_the_plan_is_over_the_fake_answers_normally(fake):
    fake.faults.sequence("ListEventSourceMappings", "ServiceException", None, "InvalidParameterValueException")
    aws_lambda = once()

    def code():
        try:
            aws_lambda.list_event_source_mappings()
        except ClientError as error:
            return error.response["Error"]["Code"]
        return None

    assert [code() for _ in range(5)] == ["ServiceException", None, "InvalidParameterValueException", None, None]


def test_operations_that_are_motos_fail_as_well(fake):
    fake.faults.add("GetFunction", "ServiceException")

    with pytest.raises(ClientError, match=r"\(ServiceException\)"):
        once().get_function(FunctionName="orders")

    assert once().get_function(FunctionName="orders")["Configuration"]["FunctionName"] == "orders"


def test_operations_that_are_not_simulated_can_be_made_to_fail(fake):
    fake.faults.add("ListLayers", "TooManyRequestsException")

    with pytest.raises(ClientError, match="Rate exceeded"):
        once().list_layers()


def test_members_and_text_of_an_error_can_be_given(fake):
    error = aws_error("TooManyRequestsException", Reason="FunctionInvocationRateLimitExceeded", retryAfterSeconds="7")
    fake.faults.add("ListFunctions", error, message="slow down")
    aws_lambda = once()

    with pytest.raises(aws_lambda.exceptions.TooManyRequestsException) as caught:
        aws_lambda.list_functions()

    answer = caught.value.response
    assert answer["Error"]["Message"] == answer["message"] == "slow down"
    assert answer["Reason"] == "FunctionInvocationRateLimitExceeded"
    assert answer["retryAfterSeconds"] == "7"
    assert answer["Type"] == "User"


def test_per_call_all_attempts_of_one_call_fail(fake):
    fault = fake.faults.add("ListFunctions", "TooManyRequestsException", per="call")
    aws_lambda = client(retries={"mode": "standard", "total_max_attempts": 3})

    with pytest.raises(ClientError):
        aws_lambda.list_functions()
    aws_lambda.list_functions()

    assert fault.hits == 3
    assert len({call.logical_id for call in fault.calls}) == 1


def test_match_sees_the_parameters_that_were_sent(fake):
    fake.faults.add("CreateEventSourceMapping", "ServiceException", match={"FunctionName": "orders", "BatchSize": 5})
    aws_lambda = once()

    subscribe(aws_lambda)
    with pytest.raises(ClientError, match="ServiceException"):
        aws_lambda.create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="orders", BatchSize=5)


# --- other services --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_other_services_fail_and_are_retried(fake, mode):
    sqs = client("sqs", retries={"mode": mode, "total_max_attempts": 4})
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    fault = fake.faults.add("sqs.SendMessage", "InternalError", times=2, match={"MessageBody": "an order"})

    sqs.send_message(QueueUrl=url, MessageBody="another order")
    answer = sqs.send_message(QueueUrl=url, MessageBody="an order")

    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert [call.params["MessageBody"] for call in fault.calls] == ["an order", "an order"]
    assert len(fake.fates(QUEUE)) == 2


def test_a_send_whose_answer_is_lost_sends_twice(fake):
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    fake.faults.add("sqs.SendMessage", lost_response())

    sqs.send_message(QueueUrl=url, MessageBody="an order")

    assert len(fake.fates(QUEUE)) == 2


def test_clients_made_before_the_fake_meet_faults_too():
    session = boto3.Session(region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
    config = Config(retries={"total_max_attempts": 1})
    sqs, aws_lambda = session.client("sqs", config=config), session.client("lambda", config=config)
    with FakeLambda(region=REGION) as fake:
        fake.faults.add("sqs.ListQueues", "AccessDenied")
        fake.faults.add("ListFunctions", connection_reset())

        with pytest.raises(ClientError, match=r"\(AccessDenied\)"):
            sqs.list_queues()
        with pytest.raises(ConnectionClosedError):
            aws_lambda.list_functions()


# --- the network -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["lambda", "sqs"])
@pytest.mark.parametrize(
    ("fault", "error", "waited"),
    [
        (read_timeout(), ReadTimeoutError, 7),
        (connect_timeout(), ConnectTimeoutError, 3),
        (connection_reset(), ConnectionClosedError, 0),
        (lost_response(), ReadTimeoutError, 7),
        (latency(8), ReadTimeoutError, 7),
    ],
    ids=repr,
)
def test_the_client_sees_botocores_own_exception_after_its_own_timeout(fake, service, fault, error, waited):
    fake.faults.add("ListFunctions" if service == "lambda" else "sqs.ListQueues", fault)
    aws = once(service, read_timeout=7, connect_timeout=3)
    before = fake.clock.now

    with pytest.raises(error):
        aws.list_functions() if service == "lambda" else aws.list_queues()

    assert fake.clock.now - before == timedelta(seconds=waited)
    assert fake.clock.slept == []
    assert list(fake.errors) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", [read_timeout(), connect_timeout(), connection_reset(), lost_response()], ids=repr)
def test_botocore_tries_again(fake, mode, fault):
    fake.faults.add("ListEventSourceMappings", fault, times=2)
    aws_lambda = client(retries={"mode": mode, "total_max_attempts": 4})

    answer = aws_lambda.list_event_source_mappings()

    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert len(fake.clock.slept) >= 2


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (read_timeout(), 0),
        (connect_timeout(), 0),
        (connection_reset(), 0),
        (lost_response(), 1),
        (latency(61), 1),
        (latency(2), 1),
    ],
    ids=repr,
)
def test_what_is_done_and_what_is_not(fake, fault, made):
    fake.faults.add("CreateEventSourceMapping", fault)

    try:
        subscribe(once())
    except (ReadTimeoutError, ConnectTimeoutError, ConnectionClosedError):
        assert fault != latency(2)

    assert len(fake.mappings) == made


@pytest.mark.parametrize("mode", MODES)
def test_the_retry_of_a_lost_answer_meets_what_the_first_try_made(fake, mode):
    fake.faults.add("CreateEventSourceMapping", lost_response())
    aws_lambda = client(retries={"mode": mode})

    with pytest.raises(aws_lambda.exceptions.ResourceConflictException) as caught:
        subscribe(aws_lambda)

    [mapping] = fake.mappings
    assert mapping.uuid in str(caught.value)
    assert [call.status for call in fake.calls.of("CreateEventSourceMapping")] == [202, 409]


def test_a_late_answer_arrives_late(fake):
    fake.faults.add("ListFunctions", latency(timedelta(seconds=12)))
    before = fake.clock.now

    client().list_functions()

    assert fake.clock.now - before == timedelta(seconds=12)
    assert fake.clock.slept == []


def test_a_call_stands_in_the_timeline_before_what_it_caused(fake):
    """The entry is written with the result when the call is answered, and is placed where the call began."""
    fake.transitions(creating="instant")
    fake.function("outer", lambda event, context: client().invoke(FunctionName="inner")["StatusCode"])
    fake.function("inner", lambda event, context: time.sleep(1))
    fake.faults.add("CreateEventSourceMapping", latency(2))
    fake.faults.add("Invoke", "TooManyRequestsException", match={"FunctionName": "inner"})
    before = len(fake.timeline)

    answer = subscribe(client())
    client().invoke(FunctionName="outer")

    start = fake.timeline[before].at
    seen = [((entry.at - start).total_seconds(), entry.kind, entry.subject) for entry in fake.timeline[before:]]
    mapping = f"mapping {answer['UUID']}"
    assert seen[:4] == [
        (0, "call", "CreateEventSourceMapping"),
        (0, "fault", "CreateEventSourceMapping"),
        (0, "transition", mapping),
        (0, "transition", mapping),
    ]
    assert [(kind, subject) for _, kind, subject in seen[4:] if kind != "sleep"] == [
        ("call", "Invoke"),
        ("invocation", "outer"),
        ("call", "Invoke"),
        ("fault", "Invoke"),
        ("call", "Invoke"),
        ("invocation", "inner"),
        ("result", "inner"),
        ("result", "outer"),
    ]


def test_other_things_happen_while_a_client_waits(fake):
    mapping = fake.mapping(subscribe(client()))
    fake.faults.add("ListFunctions", latency(30))

    client().list_functions()

    assert mapping.state == "Enabled"


def test_requests_that_never_arrived_are_in_the_log_with_the_reason(fake):
    fake.faults.add("ListFunctions", connection_reset())

    client().list_functions()

    first, second = fake.calls.of("ListFunctions")
    assert (first.status, first.error, first.attempt) == (0, "connection reset", 1)
    assert (second.status, second.error, second.attempt) == (200, None, 2)
    assert "no answer: connection reset" in str(fake.timeline)
    assert "connection reset, asked for by the test" in str(fake.timeline)


def slow_invoke(fake, read_timeout):
    """A synchronous invocation whose handler takes eight seconds."""
    fake.function("slow", lambda event, context: time.sleep(8), timeout=30)
    once(read_timeout=read_timeout).invoke(FunctionName="slow")


def long_poll(fake, read_timeout):
    """A receive call that waits for eight seconds."""
    url = fake.client("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
    once("sqs", read_timeout=read_timeout).receive_message(QueueUrl=url, WaitTimeSeconds=8)


@pytest.mark.parametrize(
    ("operation", "call"), [("Invoke", slow_invoke), ("sqs.ReceiveMessage", long_poll)], ids=["invoke", "long poll"]
)
@pytest.mark.parametrize(
    ("fault", "seconds", "is_answered"),
    [
        (lost_response(), 10, False),
        (latency(1), 9, True),
        (latency(2), 10, True),
        (latency(3), 10, False),
        (latency(11), 10, False),
    ],
    ids=repr,
)
def test_what_the_operation_takes_is_part_of_what_the_client_waits(fake, operation, call, fault, seconds, is_answered):
    before = fake.clock.now
    fake.faults.add(operation, fault)

    if is_answered:
        call(fake, read_timeout=10)
    else:
        with pytest.raises(ReadTimeoutError):
            call(fake, read_timeout=10)

    assert fake.clock.now - before == timedelta(seconds=seconds)


def test_inside_a_handler_the_handlers_own_time_counts(fake):
    def handler(event, context):
        started = time.time()
        with pytest.raises(ReadTimeoutError):
            long_poll(fake, read_timeout=10)
        return time.time() - started

    fake.function("caller", handler, timeout=30)
    fake.faults.add("sqs.ReceiveMessage", lost_response())

    answer = fake.client("lambda").invoke(FunctionName="caller")

    assert float(answer["Payload"].read()) == 10


@pytest.mark.parametrize("error", ["ServiceException", aws_error("ServiceException", "")], ids=["message", "error"])
def test_a_text_may_be_empty(fake, error):
    fake.faults.add("ListFunctions", error, message="" if error == "ServiceException" else None)

    with pytest.raises(ClientError) as caught:
        once().list_functions()

    assert caught.value.response["Error"] == {"Code": "ServiceException", "Message": ""}


def test_a_time_matches_whatever_its_zone_and_form(fake):
    at = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    stream = f"arn:aws:kinesis:{REGION}:123456789012:stream/orders"
    fake.faults.add("CreateEventSourceMapping", "ServiceException", match={"StartingPositionTimestamp": at})

    with pytest.raises(ClientError, match="ServiceException"):
        once().create_event_source_mapping(
            EventSourceArn=stream,
            FunctionName="orders",
            StartingPosition="AT_TIMESTAMP",
            StartingPositionTimestamp=at.astimezone(timezone(timedelta(hours=9))),
        )


def test_a_client_that_would_wait_for_ever_is_told_to_the_tests_author(fake):
    fake.faults.add("ListFunctions", read_timeout())

    with pytest.raises(FaultError, match=r"would wait for ever.*connection_reset\(\)"):
        once(read_timeout=None).list_functions()


def test_a_client_without_a_timeout_waits_for_a_late_answer(fake):
    fake.faults.add("ListFunctions", latency(3600))

    once(read_timeout=None).list_functions()

    assert fake.clock.now.hour == 1


def test_waiting_in_a_handler_is_the_handlers_own_time(fake):
    def handler(event, context):
        once().list_functions()

    orders = fake.function("orders", handler)
    fake.client("lambda")
    subscribe(client())
    fake.client("sqs").send_message(QueueUrl=f"https://sqs.{REGION}.amazonaws.com/123456789012/orders", MessageBody="x")
    fake.faults.add("ListFunctions", latency(2))
    fake.clock.advance(10)

    [invocation] = orders.invocations
    assert (invocation.outcome, invocation.duration) == ("success", timedelta(seconds=2))


# --- what cannot be --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "error", "told"),
    [
        ("CreateEventSourceMaping", "ServiceException", "Did you mean 'CreateEventSourceMapping'"),
        ("CreateEventSourceMapping", "ResourceInUseException", "CreateEventSourceMapping cannot raise"),
        ("CreateEventSourceMapping", "TooManyRequestException", "Did you mean 'TooManyRequestsException'"),
        ("CreateEventSourceMapping", None, "an error is the name of one"),
        ("CreateEventSourceMapping", "throttled", "cannot raise 'throttled'"),
        (None, "ServiceException", "an operation is a name"),
        ("sqs.SendMesage", "InternalError", "Did you mean 'sqs.SendMessage'"),
        ("sqss.SendMessage", "InternalError", "botocore has no service 'sqss'. Did you mean 'sqs'"),
        ("sqs.SendMessage", "ServiceException", "sqs.SendMessage cannot raise"),
        ("poller.Reed", "throttled", "Did you mean 'poller.Read'"),
        ("poller.Read", "lost", "poller.Read has no fault 'lost'"),
        ("poller.Read", lost_response(), "poller.Read has no fault"),
        ("ListFunctions", aws_error("TooManyRequestsException", Reson="x"), "Did you mean 'Reason'"),
        ("ListFunctions", aws_error("AccessDeniedException", Reason="x"), "It has only a message"),
        (
            "ListFunctions",
            aws_error("TooManyRequestsException", Reason="CallerRateLimit"),
            "Reason cannot be 'CallerRateLimit'. Did you mean 'CallerRateLimitExceeded'",
        ),
        ("ListFunctions", lost_response, r"lost_response is a function: call it, as in lost_response()"),
        (
            "SendMessage",
            "ThrottlingException",
            r"Lambda has no operation 'SendMessage'. Did you mean 'sqs.SendMessage'\?$",
        ),
        ("PutRecord", "ThrottlingException", r"Did you mean 'kinesis.PutRecord'\?$"),
        ("Read", "throttled", r"Did you mean 'poller.Read'\?$"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_right_ones(fake, operation, error, told):
    with pytest.raises(FaultError, match=told.replace("(", r"\(").replace(")", r"\)")):
        fake.faults.add(operation, error)


def test_unknown_parameters_are_refused(fake):
    with pytest.raises(FaultError, match=r"has no parameter 'Uuid'\. Did you mean 'UUID'"):
        fake.faults.add("GetEventSourceMapping", "ServiceException", match={"Uuid": "x"})
    with pytest.raises(FaultError, match="has no parameter 'Queue'"):
        fake.faults.add("poller.Read", "throttled", match={"Queue": "x"})


def test_a_text_where_there_is_none_is_refused(fake):
    with pytest.raises(FaultError, match="has no message"):
        fake.faults.add("ListFunctions", lost_response(), message="lost")
    with pytest.raises(FaultError, match="takes no message"):
        fake.faults.add("poller.Read", "throttled", message="slow down")


@pytest.mark.parametrize("seconds", [-1, "x", None, timedelta(seconds=-1)])
def test_an_impossible_latency_is_refused(seconds):
    with pytest.raises(FaultError, match="latency: "):
        latency(seconds)


def test_a_predicate_that_raises_reaches_the_test_even_through_code_that_swallows(fake):
    fake.faults.add("ListFunctions", "ServiceException", match=lambda call: call.params["Missing"])

    with pytest.raises(FaultError, match="raised KeyError"):
        client().list_functions()

    assert [type(error) for error in fake.errors] == [FaultError]


def test_without_pytest_a_fault_that_never_struck_fails_the_block():
    with pytest.raises(UnusedFault, match="never struck"), FakeLambda(region=REGION) as fake:
        fake.faults.add("ListFunctions", "ServiceException")


def test_an_error_in_the_block_comes_before_a_fault_that_never_struck():
    def run():
        with FakeLambda(region=REGION) as fake:
            fake.faults.add("ListFunctions", "ServiceException")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
