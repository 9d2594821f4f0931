from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from pytest_lambda_esm import FakeLambda

QUEUE = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT_ID}:orders"


def test_a_receipt_adds_no_attribute_to_a_message(lambda_esm: FakeLambda) -> None:
    """An attribute that earlier messages lack would give each message a dictionary of its own, which costs time."""

    def fail(event: object, context: object) -> None:
        raise ValueError("no")

    sqs = lambda_esm.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    lambda_esm.function("orders", fail)
    lambda_esm.client("lambda").create_event_source_mapping(EventSourceArn=QUEUE, FunctionName="orders")
    sqs.send_message(QueueUrl=url, MessageBody="1")
    backend = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
    [message] = backend.queues["orders"]._messages
    attributes = set(vars(message))
    lambda_esm.clock.advance(60)
    assert message.approximate_receive_count > 1
    assert set(vars(message)) == attributes
