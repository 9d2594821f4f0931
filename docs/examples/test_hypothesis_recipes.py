"""Recipes for property-based tests with Hypothesis."""

# [hypothesis]
import boto3
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_lambda_esm import FakeLambda


def handler(event, context):
    """Code under test: reports the orders that it cannot book."""
    bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in bad]}


@settings(max_examples=10, deadline=None)
@given(
    bodies=st.lists(st.sampled_from(["good", "bad"]), max_size=15), batch_size=st.integers(1, 10), seed=st.integers()
)
def test_no_order_is_lost_and_no_good_one_is_repeated(bodies, batch_size, seed):
    with FakeLambda(seed=seed) as fake:  # One world for each example.
        orders = fake.function("orders", handler)
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn=f"arn:aws:sqs:{fake.region}:123456789012:orders",
            FunctionName="orders",
            BatchSize=batch_size,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        fake.clock.advance(minutes=2)

        delivered = [body for invocation in orders.invocations for body in invocation.bodies]
        assert delivered.count("good") == bodies.count("good")
        fates = [fate.fate for fate in fake.fates(url)]
        assert fates.count("deleted") == bodies.count("good")
        assert len(fates) == len(bodies)


# [/hypothesis]
