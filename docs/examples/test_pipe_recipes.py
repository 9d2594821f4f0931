"""The recipe of the page on pipes. It is a test, and the project runs it."""

# [pipe]
import json

import boto3
import pytest

pytest.importorskip("moto.pipes", reason="this moto has no pipes")


def connect(queue_arn, enrichment, target_arn):
    """Code under test: large orders get a price and go on to the billing queue."""
    boto3.client("pipes").create_pipe(
        Name="billing",
        RoleArn="arn:aws:iam::123456789012:role/pipe",
        Source=queue_arn,
        SourceParameters={
            "SqsQueueParameters": {"BatchSize": 5},
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"body": {"pieces": [{"numeric": [">", 9]}]}})}]},
        },
        Enrichment=enrichment,
        Target=target_arn,
    )


def add_prices(event, context):
    orders = [json.loads(record["body"]) for record in event]
    return [{**order, "price": order["pieces"] * 2} for order in orders]


def test_large_orders_are_billed(lambda_esm):
    sqs = boto3.client("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("orders", "bills")}
    arn = "arn:aws:sqs:us-east-1:123456789012:"
    connect(f"{arn}orders", lambda_esm.function("add-prices", add_prices).arn, f"{arn}bills")

    for pieces in (1, 10, 20):
        sqs.send_message(QueueUrl=urls["orders"], MessageBody=json.dumps({"pieces": pieces}))
    lambda_esm.clock.run_until_idle()

    messages = sqs.receive_message(QueueUrl=urls["bills"], MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["price"] for message in messages] == [20, 40]


# [/pipe]
