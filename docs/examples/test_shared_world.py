"""A fake that all tests of a module share: for worlds that take long to build, and tests that only read."""

# [module scope]
import boto3
import pytest

from pytest_lambda_esm import FakeLambda


@pytest.fixture(scope="module")
def shop():
    """A fake with a shop in it, which the tests of this module share."""
    with FakeLambda(region="eu-west-1") as fake:
        fake.function("orders", lambda event, context: None)
        boto3.client("sqs").create_queue(QueueName="orders")
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn="arn:aws:sqs:eu-west-1:123456789012:orders", FunctionName="orders"
        )
        fake.clock.run_until_idle()
        yield fake


def test_the_mapping_reads_the_queue(shop):
    assert shop.mapping("orders").state == "Enabled"


def test_the_mapping_takes_ten_messages_at_once(shop):
    [mapping] = boto3.client("lambda").list_event_source_mappings(FunctionName="orders")["EventSourceMappings"]
    assert mapping["BatchSize"] == 10


# [/module scope]
