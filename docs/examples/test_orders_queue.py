"""A queue, a function and a mapping between them: copy this file, and start from it."""

import json
import time

import boto3


def subscribe(queue_arn, function_name):
    """Code under test: connect a queue with a function, and wait until the mapping works."""
    aws_lambda = boto3.client("lambda")
    mapping = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName=function_name, BatchSize=10)
    while mapping["State"] != "Enabled":
        time.sleep(5)
        mapping = aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])
    return mapping["UUID"]


class Shop:
    """Code under test: a Lambda function that takes orders."""

    def __init__(self):
        self.orders = []

    def handler(self, event, context):
        for record in event["Records"]:
            self.orders.append(json.loads(record["body"]))


def test_an_order_reaches_the_shop(lambda_esm):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    shop = Shop()
    orders = lambda_esm.function("orders", shop.handler)

    uuid = subscribe(arn, "orders")
    assert [step.state for step in lambda_esm.mapping(uuid).history] == ["Creating", "Enabled"]

    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"article": "lamp", "count": 2}))
    lambda_esm.clock.run_until_idle()

    assert shop.orders == [{"article": "lamp", "count": 2}]
    [invocation] = orders.invocations
    assert invocation.outcome == "success"
    assert invocation.event["Records"][0]["eventSource"] == "aws:sqs"
