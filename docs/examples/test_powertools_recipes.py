"""Recipes for functions that use Powertools for AWS Lambda: partial batches, idempotency, logs."""

# [setup]
import json
from datetime import timedelta

import boto3
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)


def make_queue(name, **attributes):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


# [/setup]


# [batch]
batch = BatchProcessor(event_type=EventType.SQS)


def book(record):
    if "article" not in record.json_body:
        raise ValueError("there is no article in this order")


def handler(event, context):
    return process_partial_response(event=event, record_handler=book, processor=batch, context=context)


def test_only_the_bad_order_is_delivered_again(lambda_esm):
    url, queue_arn = make_queue("orders", VisibilityTimeout="30")
    orders = lambda_esm.function("orders", handler)
    boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=queue_arn, FunctionName="orders", FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    entries = [{"Id": "good", "MessageBody": '{"article": "lamp"}'}, {"Id": "bad", "MessageBody": "{}"}]
    boto3.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    lambda_esm.clock.advance(minutes=1)

    first, second = orders.invocations
    assert first.bodies == [{"article": "lamp"}, {}]
    assert second.bodies == [{}]
    assert [fate.fate for fate in lambda_esm.fates(url)] == ["deleted", "in flight"]


# [/batch]


# [idempotency]
@pytest.fixture
def payments(lambda_esm):
    """A function that charges each order once, and the list of what it charged."""
    boto3.client("dynamodb").create_table(
        TableName="charged",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = DynamoDBPersistenceLayer(table_name="charged")
    config = IdempotencyConfig(event_key_jmespath="id", expires_after_seconds=3600)
    charged = []

    @idempotent_function(data_keyword_argument="order", persistence_store=store, config=config)
    def charge(order):
        charged.append(order["id"])

    def handler(event, context):
        config.register_lambda_context(context)
        for record in event["Records"]:
            charge(order=json.loads(record["body"]))

    lambda_esm.function("payments", handler)
    return charged


def test_an_order_that_is_sent_twice_is_charged_once(lambda_esm, payments):
    url, queue_arn = make_queue("orders")
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="payments")
    sqs = boto3.client("sqs")

    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody='{"id": "order 1"}')
    lambda_esm.clock.run_until_idle()
    assert payments == ["order 1"]

    lambda_esm.clock.advance(timedelta(hours=2))  # The record of the first charge expires after an hour.
    sqs.send_message(QueueUrl=url, MessageBody='{"id": "order 1"}')
    lambda_esm.clock.run_until_idle()
    assert payments == ["order 1", "order 1"]


# [/idempotency]


# [logger]
logger = Logger(service="orders")


@logger.inject_lambda_context(correlation_id_path="order")
def charge(event, context):
    logger.info("charged", extra={"amount": 3})


def test_the_charge_is_logged_with_its_order(lambda_esm):
    charging = lambda_esm.function("charge", charge, memory=256)
    boto3.client("lambda").invoke(FunctionName="charge", Payload=json.dumps({"order": "order 1"}))

    [invocation] = charging.invocations
    [line] = [json.loads(line) for line in invocation.log.splitlines() if line.startswith("{")]
    assert line["message"] == "charged"
    assert line["correlation_id"] == "order 1"
    assert line["function_request_id"] == invocation.request_id
    assert line["function_memory_size"] == "256"
    assert line["timestamp"].startswith("2026-01-01 00:00:00")  # virtual


# [/logger]
