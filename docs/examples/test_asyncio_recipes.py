"""The recipes of docs/how-to/asynchronous-code.md about asyncio itself."""

# [setup]
import asyncio

import boto3
import pytest


async def subscribe(name):
    """Connect a queue with a function, and wait until messages are delivered."""
    aws_lambda, sqs = boto3.client("lambda"), boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    mapping = aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
    while mapping["State"] != "Enabled":
        await asyncio.sleep(1)
        mapping = aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])
    return url


# [/setup]


# [wait]
def test_tasks_wait_side_by_side(lambda_esm):
    orders = lambda_esm.function("orders", lambda event, context: None)
    prices = lambda_esm.function("prices", lambda event, context: None)

    async def main():
        urls = await asyncio.gather(subscribe("orders"), subscribe("prices"))
        boto3.client("sqs").send_message(QueueUrl=urls[0], MessageBody="x", DelaySeconds=60)
        await asyncio.sleep(61)

    asyncio.run(main())
    assert lambda_esm.clock.slept == [1, 1] * 5 + [61]
    assert (len(orders.invocations), len(prices.invocations)) == (1, 0)


# [/wait]


# [timeout]
@pytest.mark.lambda_esm(transitions={"creating": "manual"})  # The mapping never becomes Enabled.
def test_subscribing_takes_too_long(lambda_esm):
    lambda_esm.function("orders", lambda event, context: None)
    before = lambda_esm.clock.now
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(subscribe("orders"), timeout=300))
    assert (lambda_esm.clock.now - before).total_seconds() == 300


# [/timeout]


# [threads]
def test_functions_are_invoked_at_the_same_time(lambda_esm):
    lambda_esm.function("slow", lambda event, context: None, duration=2)
    aws_lambda = boto3.client("lambda")
    before = lambda_esm.clock.now

    async def main():
        await asyncio.gather(*(asyncio.to_thread(aws_lambda.invoke, FunctionName="slow") for _ in range(3)))

    asyncio.run(main())
    assert (lambda_esm.clock.now - before).total_seconds() == 2


# [/threads]


# [handler]
def test_a_handler_fetches_side_by_side(lambda_esm):
    async def fetch(seconds):
        await asyncio.sleep(seconds)
        return seconds

    async def main():
        return await asyncio.gather(fetch(3), fetch(1), fetch(2))

    function = lambda_esm.function("orders", lambda event, context: asyncio.run(main()), timeout=10)
    boto3.client("lambda").invoke(FunctionName="orders")
    [invocation] = function.invocations
    assert invocation.result == [3, 1, 2]
    assert invocation.duration.total_seconds() == 3


# [/handler]
