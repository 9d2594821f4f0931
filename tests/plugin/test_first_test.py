"""A run imports what its calls need, and no more: its first test, and tests with other sources after it.

One process makes a world after the other and says what is loaded after each: most of its time is the import of moto.
"""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import boto3
from pytest_lambda_esm import FakeLambda

loaded = {}

with FakeLambda(region="us-east-1") as fake:
    sqs, aws_lambda = boto3.client("sqs"), boto3.client("lambda")
    function = fake.function("orders", lambda event, context: None)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    aws_lambda.create_event_source_mapping(
        EventSourceArn="arn:aws:sqs:us-east-1:123456789012:q", FunctionName="orders"
    )
    sqs.send_message(QueueUrl=url, MessageBody="1")
    fake.clock.run_until_idle()
assert len(function.invocations) == 1
loaded["a queue"] = list(sys.modules)

with FakeLambda(region="us-east-1") as fake:
    fake.function("f", lambda event, context: None)
    boto3.client("kinesis").create_stream(StreamName="s", ShardCount=1)
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn="arn:aws:kinesis:us-east-1:123456789012:stream/s", FunctionName="f", StartingPosition="LATEST"
    )
    fake.clock.run_until_idle()
loaded["a stream"] = list(sys.modules)

with FakeLambda(region="us-east-1") as fake:
    cluster = fake.kafka("main")
    cluster.create_topic("orders")
    cluster.produce("orders", "a")
    fake.function("f", lambda event, context: None)
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn=cluster.arn, FunctionName="f", Topics=["orders"], StartingPosition="TRIM_HORIZON"
    )
    fake.clock.run_until_idle()
    assert fake.invocations
loaded["Kafka"] = list(sys.modules)
print(json.dumps(loaded))
"""
SECRETS = ("moto.secretsmanager", "pytest_lambda_esm.moto_bridge.secrets")
# What a test with this source, and those before it, does without.
NOT_NEEDED = {
    "a queue": (
        "moto.kafka",
        "moto.mq",
        "moto.pipes",
        "moto.scheduler",
        "moto.sns",
        "pytest_lambda_esm.brokers",
        "pytest_lambda_esm.deploy.prepare",
        "pytest_lambda_esm.moto_bridge.permissions",
        "pytest_lambda_esm.moto_bridge.mq_brokers",
        "pytest_lambda_esm.moto_bridge.stacks",
        "pytest_lambda_esm.moto_bridge.schedules",
        "pytest_lambda_esm.moto_bridge.streams.dynamodb",
        "pytest_lambda_esm.moto_bridge.streams.kinesis",
        "pytest_lambda_esm.moto_bridge.triggers.sns",
        "pytest_lambda_esm.moto_bridge.triggers.s3",
        "pytest_lambda_esm.plugin.report",
        "pytest_lambda_esm.polling.brokers",
        "pytest_lambda_esm.polling.kafka",
        "pytest_lambda_esm.polling.streams",
        "pytest_lambda_esm.simulation.diagnosis",
        "pytest_lambda_esm.simulation.journeys",
        "pytest_lambda_esm.sweep.run",
        *SECRETS,
    ),
    "a stream": ("bson", "pytest_lambda_esm.brokers", *SECRETS),
    "Kafka": ("fastavro", "google.protobuf", "grpc_tools", "jsonschema", "moto.glue", "moto.secretsmanager"),
}


def test_nothing_is_imported_for_other_sources_and_features():
    run = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    loaded = json.loads(run.stdout.splitlines()[-1])
    for source, names in NOT_NEEDED.items():
        assert [name for name in loaded[source] if name.startswith(names)] == [], f"a test with {source}"
    own = [name for name in loaded["a queue"] if name.startswith("pytest_lambda_esm")]
    assert len(own) <= 255, own  # 250 when this number was last changed
