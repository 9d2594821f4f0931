"""What the pauses of aiobotocore's clients cost in virtual time, and faults that their requests meet."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
    WaiterError,
)

from helpers.aio import asynchronous, client
from pytest_lambda_esm import (
    FakeLambda,
    NotSimulated,
    connect_timeout,
    connection_reset,
    latency,
    lost_response,
    read_timeout,
)

pytest.importorskip("aiobotocore")

MODES = ["legacy", "standard", "adaptive"]


def retrying(mode, attempts=5):
    return Config(retries={"mode": mode, "total_max_attempts": attempts})


def passed(fake, since):
    return (fake.clock.now - since).total_seconds()


@pytest.mark.parametrize("made", ["before", "meanwhile"])
@pytest.mark.parametrize("mode", MODES)
def test_retries_cost_virtual_time_only(mode, made):
    async def call(fake, aws_lambda):
        fake.faults.add("ListFunctions", "TooManyRequestsException", times=3)
        began = fake.clock.now
        response = await aws_lambda.list_functions()
        assert response["ResponseMetadata"]["RetryAttempts"] == 3
        assert [call.attempt for call in fake.calls.of("ListFunctions")] == [1, 2, 3, 4]
        assert 0 < passed(fake, began) == pytest.approx(sum(fake.clock.slept), abs=0.001)

    async def before():
        async with client("lambda", config=retrying(mode)) as aws_lambda:
            with FakeLambda() as fake:
                await call(fake, aws_lambda)

    async def meanwhile():
        with FakeLambda() as fake:
            async with client("lambda", config=retrying(mode)) as aws_lambda:
                await call(fake, aws_lambda)

    asyncio.run({"before": before, "meanwhile": meanwhile}[made]())


@pytest.mark.parametrize("mode", MODES)
def test_the_same_seed_gives_the_same_pauses(mode):
    def pauses():
        async def call(fake):
            async with client("lambda", config=retrying(mode)) as aws_lambda:
                fake.faults.add("ListFunctions", "TooManyRequestsException", times=4)
                await aws_lambda.list_functions()

        with FakeLambda(seed=7) as fake:
            asyncio.run(call(fake))
            return fake.clock.slept

    assert pauses() == pauses()


@asynchronous
async def test_adaptive_mode_goes_on_being_throttled_by_its_own_rate_limit(lambda_esm):
    lambda_esm.faults.add("ListFunctions", "TooManyRequestsException", times=2)
    async with client("lambda", config=retrying("adaptive")) as aws_lambda:
        for _ in range(10):
            await aws_lambda.list_functions()
        responses = await asyncio.gather(*[aws_lambda.list_functions() for _ in range(10)])
    assert len(responses) == 10
    assert 1 < sum(lambda_esm.clock.slept) < 120


@asynchronous
async def test_giving_up(lambda_esm):
    lambda_esm.faults.add("ListFunctions", "TooManyRequestsException", times=3)
    async with client("lambda", config=retrying("standard", 3)) as aws_lambda:
        with pytest.raises(ClientError, match=r"TooManyRequestsException.*reached max retries: 2"):
            await aws_lambda.list_functions()


@pytest.mark.lambda_esm(sleep="real")
@asynchronous
async def test_pauses_are_real_if_the_test_wants_real_sleeps(lambda_esm, monkeypatch):
    pauses = []
    real = asyncio.sleep

    async def sleep(seconds, result=None):
        pauses.append(seconds)
        return await real(0, result)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    lambda_esm.faults.add("ListFunctions", "TooManyRequestsException")
    async with client("lambda", config=retrying("standard")) as aws_lambda:
        await aws_lambda.list_functions()
    assert len(pauses) == 1
    assert lambda_esm.clock.slept == []


@asynchronous
async def test_a_sleep_of_the_test_is_respected(lambda_esm, monkeypatch):
    pauses = []

    async def sleep(seconds, result=None):
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    lambda_esm.faults.add("ListFunctions", "TooManyRequestsException")
    async with client("lambda", config=retrying("legacy")) as aws_lambda:
        await aws_lambda.list_functions()
    assert len(pauses) == 1
    assert lambda_esm.clock.slept == []


@asynchronous
async def test_waiters(lambda_esm):
    async with client("dynamodb") as dynamodb:
        with pytest.raises(WaiterError, match="Max attempts exceeded"):
            await dynamodb.get_waiter("table_exists").wait(
                TableName="orders", WaiterConfig={"Delay": 7, "MaxAttempts": 3}
            )
        assert lambda_esm.clock.slept == [7, 7]
        await dynamodb.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        await dynamodb.get_waiter("table_exists").wait(TableName="orders")


@pytest.mark.parametrize(
    ("fault", "error", "seconds"),
    [
        (connection_reset(), ConnectionClosedError, 0),
        (connect_timeout(), ConnectTimeoutError, 3),
        (read_timeout(), ReadTimeoutError, 5),
        (lost_response(), ReadTimeoutError, 5),
        (latency(9), ReadTimeoutError, 5),
        (latency(2), None, 2),
    ],
    ids=["reset", "connect", "read", "lost", "too-late", "late"],
)
@pytest.mark.parametrize("operation", ["Invoke", "sqs.SendMessage"])
def test_networks(operation, fault, error, seconds):
    async def call(fake):
        config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
        async with client("lambda", config=config) as aws_lambda, client("sqs", config=config) as sqs:
            url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
            fake.faults.add(operation, fault)
            began = fake.clock.now
            calls = {
                "Invoke": lambda: aws_lambda.invoke(FunctionName="worker", Payload=b"{}"),
                "sqs.SendMessage": lambda: sqs.send_message(QueueUrl=url, MessageBody="1"),
            }
            if error is None:
                await calls[operation]()
            else:
                with pytest.raises(error):
                    await calls[operation]()
            assert passed(fake, began) == seconds

    with FakeLambda() as fake:
        fake.function("worker", lambda event, context: "done")
        asyncio.run(call(fake))


@pytest.mark.parametrize("mode", MODES)
def test_a_lost_response_is_asked_for_again(mode):
    async def call(fake):
        async with client("lambda", config=retrying(mode)) as aws_lambda:
            fake.faults.add("Invoke", lost_response())
            response = await aws_lambda.invoke(FunctionName="worker", Payload=b'{"n": 1}')
            assert json.loads(await response["Payload"].read()) == 1

    with FakeLambda() as fake:
        worker = fake.function("worker", lambda event, context: event["n"])
        asyncio.run(call(fake))
        assert len(worker.invocations) == 2
        assert len({call.logical_id for call in fake.calls.of("Invoke")}) == 1


@asynchronous
async def test_a_function_that_outlasts_its_client(lambda_esm):
    worker = lambda_esm.function("worker", lambda event, context: "done", timeout=60, duration=20)
    config = Config(read_timeout=5, retries={"total_max_attempts": 1})
    async with client("lambda", config=config) as aws_lambda:
        began = lambda_esm.clock.now
        with pytest.raises(ReadTimeoutError):
            await aws_lambda.invoke(FunctionName="worker", Payload=b"{}")
    assert passed(lambda_esm, began) == 5
    lambda_esm.clock.run_until_idle()
    assert worker.invocations[0].duration == timedelta(seconds=20)


@asynchronous
async def test_faults_of_other_services_are_modelled_errors(lambda_esm):
    lambda_esm.faults.add("sqs.SendMessage", "QueueDoesNotExist")
    lambda_esm.faults.add("s3.CreateBucket", "BucketAlreadyExists")
    async with client("sqs") as sqs, client("s3") as s3:
        url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            await sqs.send_message(QueueUrl=url, MessageBody="1")
        with pytest.raises(s3.exceptions.BucketAlreadyExists):
            await s3.create_bucket(Bucket="orders")


@asynchronous
async def test_an_uploaded_body_is_sent_again(lambda_esm):
    """The checksum of a body over HTTPS follows the body, which is read in chunks, and has to be rewound."""
    lambda_esm.faults.add("s3.PutObject", connection_reset(), times=2)
    async with client("s3") as s3:
        await s3.create_bucket(Bucket="orders")
        await s3.put_object(Bucket="orders", Key="one", Body=b"first order", ChecksumAlgorithm="SHA256")
        response = await s3.get_object(Bucket="orders", Key="one", ChecksumMode="ENABLED")
        assert await response["Body"].read() == b"first order"
    assert [call.attempt for call in lambda_esm.calls.of("s3.PutObject")] == [1, 2, 3]


@pytest.mark.filterwarnings("ignore:aiobotocore's httpx backend:DeprecationWarning")
@pytest.mark.parametrize("mode", MODES)
@asynchronous
async def test_sessions_of_httpx(lambda_esm, mode):
    pytest.importorskip("httpx")
    from aiobotocore.config import AioConfig
    from aiobotocore.httpxsession import HttpxSession

    config = AioConfig(http_session_cls=HttpxSession, retries={"mode": mode, "total_max_attempts": 5})
    lambda_esm.function("worker", lambda event, context: "done")
    lambda_esm.faults.add("Invoke", "TooManyRequestsException", times=3)
    async with client("lambda", config=config) as aws_lambda, client("dynamodb", config=config) as dynamodb:
        response = await aws_lambda.invoke(FunctionName="worker", Payload=b"{}")
        assert await response["Payload"].read() == b'"done"'
        paused = len(lambda_esm.clock.slept)
        assert paused >= 3
        with pytest.raises(WaiterError):
            await dynamodb.get_waiter("table_exists").wait(
                TableName="orders", WaiterConfig={"Delay": 7, "MaxAttempts": 2}
            )
        assert lambda_esm.clock.slept[paused:] == [7]


@asynchronous
async def test_calls_side_by_side_take_as_long_as_the_longest(lambda_esm):
    worker = lambda_esm.function("worker", lambda event, context: event, timeout=60, duration=20)
    began = lambda_esm.clock.now
    async with client("lambda") as aws_lambda, client("sqs") as sqs:
        lambda_esm.faults.add("sqs.ListQueues", latency(7), times=3)
        await asyncio.gather(
            *[aws_lambda.invoke(FunctionName="worker", Payload=b"{}") for _ in range(10)],
            *[sqs.list_queues() for _ in range(3)],
        )
    assert passed(lambda_esm, began) == 20
    assert {invocation.started for invocation in worker.invocations} == {began}
    assert lambda_esm.clock.slept == []


@asynchronous
async def test_calls_side_by_side_compete_for_concurrency(lambda_esm):
    lambda_esm.function("worker", lambda event, context: event, duration=2, reserved_concurrency=3)
    async with client("lambda", config=retrying("standard", 1)) as aws_lambda:
        calls = [aws_lambda.invoke(FunctionName="worker", Payload=b"{}") for _ in range(5)]
        responses = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(response).__name__ for response in responses[3:]] == ["TooManyRequestsException"] * 2
    assert [response["StatusCode"] for response in responses[:3]] == [200] * 3


@asynchronous
async def test_a_call_ends_in_the_timeline_when_its_response_arrives(lambda_esm):
    lambda_esm.function("worker", lambda event, context: event, duration=2)
    async with client("lambda") as aws_lambda:
        began = lambda_esm.clock.now
        await aws_lambda.invoke(FunctionName="worker", Payload=b"{}")
    [result] = [entry for entry in lambda_esm.timeline if entry.kind == "result"]
    assert result.at - began == timedelta(seconds=2)


@asynchronous
async def test_a_handler_waits_in_its_own_time(lambda_esm):
    def caller(event, context):
        before = context.get_remaining_time_in_millis()
        asyncio.run(call_worker())
        return before - context.get_remaining_time_in_millis()

    async def call_worker():
        async with client("lambda") as aws_lambda:
            await aws_lambda.invoke(FunctionName="worker", Payload=b"{}")

    lambda_esm.function("worker", lambda event, context: event, duration=2)
    lambda_esm.function("caller", caller)
    began = lambda_esm.clock.now
    async with client("lambda") as aws_lambda:
        response = await aws_lambda.invoke(FunctionName="caller", Payload=b"{}")
        assert await response["Payload"].read() == b"2000"
    assert passed(lambda_esm, began) == 2


def test_a_sweep_of_asynchronous_code(lambda_esm):
    async def call():
        async with client("lambda", config=retrying("standard", 1)) as aws_lambda:
            lambda_esm.function("worker", lambda event, context: event)
            response = await aws_lambda.invoke(FunctionName="worker", Payload=b"{}")
            return response["StatusCode"]

    outcomes = []
    for run in lambda_esm.sweep(operations=["Invoke"], errors=["TooManyRequestsException", connection_reset()]):
        with run:
            try:
                outcomes.append(asyncio.run(call()))
            except (ClientError, ConnectionClosedError) as error:
                outcomes.append(type(error).__name__)
    assert outcomes == [200, "TooManyRequestsException", "ConnectionClosedError"]


@asynchronous
async def test_a_cancelled_call(lambda_esm):
    worker = lambda_esm.function("worker", lambda event, context: event, duration=2)
    async with client("lambda") as aws_lambda:
        task = asyncio.ensure_future(aws_lambda.invoke(FunctionName="worker", Payload=b"{}"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await aws_lambda.list_functions())["Functions"]
    lambda_esm.clock.run_until_idle()
    assert [invocation.outcome for invocation in worker.invocations] == ["success"]


@pytest.mark.filterwarnings("ignore:aiobotocore's httpx backend:DeprecationWarning")
def test_trio_is_refused():
    trio, _ = pytest.importorskip("trio"), pytest.importorskip("httpx")
    from aiobotocore.config import AioConfig
    from aiobotocore.httpxsession import HttpxSession

    async def call():
        async with client("lambda", config=AioConfig(http_session_cls=HttpxSession)) as aws_lambda:
            await aws_lambda.list_functions()

    with FakeLambda() as fake:
        with pytest.raises(NotSimulated, match="on asyncio only"):
            trio.run(call)
        assert [type(error) for error in fake.errors] == [NotSimulated]


def test_uvloop(lambda_esm):
    """Its loops have their own timers: what a client waits for passes at once."""
    uvloop = pytest.importorskip("uvloop")

    async def call():
        async with client("lambda", config=retrying("standard")) as aws_lambda, client("sqs") as sqs:
            await aws_lambda.invoke(FunctionName="worker", Payload=b"1")
            assert passed(lambda_esm, began) == pytest.approx(2 + sum(lambda_esm.clock.slept))
            url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
            await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)

    lambda_esm.function("worker", lambda event, context: event, duration=2)
    lambda_esm.faults.add("Invoke", "TooManyRequestsException")
    began = lambda_esm.clock.now
    loop = uvloop.new_event_loop()
    loop.run_until_complete(call())
    loop.close()
    assert len(lambda_esm.clock.slept) == 1
    assert passed(lambda_esm, began) == pytest.approx(7 + sum(lambda_esm.clock.slept))
