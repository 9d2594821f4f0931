"""The recipes for aiobotocore. Each is a test, and the project runs them where aiobotocore is installed."""

import pytest

pytest.importorskip("aiobotocore")

# [setup]
import asyncio
import json

from aiobotocore.session import get_session

from pytest_lambda_esm import lost_response


def client(service):
    return get_session().create_client(service, region_name="us-east-1")


def shipping(lambda_esm):
    """Create a queue, "orders", and a function that receives its messages."""
    ship = lambda_esm.function("ship", lambda event, context: None)
    lambda_esm.connect(lambda_esm.queue("orders"), ship)
    return ship


# [/setup]


# [call]
async def prices_of(articles):
    """Code under test: asks for all prices at once."""

    async def price_of(article):
        answer = await aws_lambda.invoke(FunctionName="prices", Payload=json.dumps(article))
        async with answer["Payload"] as payload:
            return json.loads(await payload.read())

    async with client("lambda") as aws_lambda:
        return await asyncio.gather(*map(price_of, articles))


def test_all_prices(lambda_esm):
    prices = {"lamp": 20, "chair": 45}
    lambda_esm.function("prices", lambda event, context: prices[event])

    assert asyncio.run(prices_of(["lamp", "chair"])) == [20, 45]


# [/call]


# [deliver]
async def place(order):
    """Code under test."""
    async with client("sqs") as sqs:
        url = (await sqs.get_queue_url(QueueName="orders"))["QueueUrl"]
        await sqs.send_message(QueueUrl=url, MessageBody=order)


def test_an_order_reaches_its_function(lambda_esm):
    ship = shipping(lambda_esm)

    asyncio.run(place("a lamp"))
    lambda_esm.clock.run_until_idle()

    [invocation] = ship.invocations
    assert [record["body"] for record in invocation.event["Records"]] == ["a lamp"]


# [/deliver]


# [retry]
def test_a_lost_answer_makes_two_messages(lambda_esm):
    ship = shipping(lambda_esm)
    lambda_esm.faults.add("sqs.SendMessage", lost_response())

    asyncio.run(place("a lamp"))
    lambda_esm.clock.run_until_idle()

    assert [call.attempt for call in lambda_esm.calls.of("sqs.SendMessage")] == [1, 2]
    assert sum(len(invocation.event["Records"]) for invocation in ship.invocations) == 2


# [/retry]
