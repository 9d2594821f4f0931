"""aiobotocore's clients beside other tasks, on the virtual time of their loop."""

from __future__ import annotations

import asyncio

import pytest
from botocore.config import Config

from helpers.aio import asynchronous, client
from pytest_lambda_esm import connection_reset, latency

pytest.importorskip("aiobotocore")


def passed(fake, since):
    return (fake.clock.now - since).total_seconds()


@asynchronous
async def test_other_tasks_go_on_while_one_waits_for_a_response(lambda_esm):
    lambda_esm.function("worker", lambda event, context: event, timeout=60, duration=5)
    began, ticks = lambda_esm.clock.now, []

    async def tick():
        while len(ticks) < 6:
            await asyncio.sleep(2)
            ticks.append(passed(lambda_esm, began))

    async def call():
        async with client("lambda") as aws_lambda:
            await aws_lambda.invoke(FunctionName="worker", Payload=b"{}")
            ticks.append(("answered", passed(lambda_esm, began)))

    await asyncio.gather(tick(), call())
    assert ticks == [2, 4, ("answered", 5), 6, 8, 10]
    assert lambda_esm.clock.slept == [2] * 5


@asynchronous
async def test_pauses_of_several_tasks_pass_side_by_side(lambda_esm):
    lambda_esm.faults.add("ListFunctions", connection_reset(), times=5)
    began = lambda_esm.clock.now

    async def call(aws_lambda):
        await aws_lambda.list_functions()

    config = Config(retries={"mode": "standard", "total_max_attempts": 5})
    async with client("lambda", config=config) as aws_lambda:
        await asyncio.gather(*[call(aws_lambda) for _ in range(5)])
    assert len(lambda_esm.clock.slept) == 5
    assert passed(lambda_esm, began) == pytest.approx(max(lambda_esm.clock.slept), abs=0.001)


@asynchronous
async def test_a_time_limit_ends_a_call(lambda_esm):
    lambda_esm.function("worker", lambda event, context: event, timeout=60, duration=50)
    began = lambda_esm.clock.now
    async with client("lambda") as aws_lambda:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aws_lambda.invoke(FunctionName="worker", Payload=b"{}"), 3)
    assert passed(lambda_esm, began) == 3


@asynchronous
async def test_a_long_poll_gets_what_another_task_sends_meanwhile(lambda_esm):
    async with client("sqs") as sqs:
        url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
        began = lambda_esm.clock.now

        async def consume():
            response = await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
            return [message["Body"] for message in response.get("Messages", [])], passed(lambda_esm, began)

        async def produce():
            await asyncio.sleep(4.5)
            await sqs.send_message(QueueUrl=url, MessageBody="1")

        received, _ = await asyncio.gather(consume(), produce())
    assert received == (["1"], 5)
    [call] = lambda_esm.calls.of("sqs.ReceiveMessage")
    assert call.at == began
    assert lambda_esm.clock.slept == [4.5]


@asynchronous
async def test_a_long_poll_meets_its_fault_once(lambda_esm):
    fault = lambda_esm.faults.add("sqs.ReceiveMessage", latency(2))
    async with client("sqs") as sqs:
        url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
        began = lambda_esm.clock.now
        assert "Messages" not in await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3)
    assert fault.hits == 1
    assert passed(lambda_esm, began) == 5
    assert len(lambda_esm.calls.of("sqs.ReceiveMessage")) == 1
