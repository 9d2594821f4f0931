"""The first test of a run imports what its first calls need, and no more."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import boto3
from pytest_lambda_esm import FakeLambda

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
print(json.dumps(list(sys.modules)))
"""
NOT_NEEDED = (
    "pytest_lambda_esm.brokers",
    "pytest_lambda_esm.deploy.prepare",
    "pytest_lambda_esm.moto_bridge.permissions",
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
)


def test_a_test_with_a_queue_imports_nothing_for_other_sources_and_features():
    run = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    loaded = json.loads(run.stdout.splitlines()[-1])
    assert [name for name in loaded if name.startswith(NOT_NEEDED)] == []
    own = [name for name in loaded if name.startswith("pytest_lambda_esm")]
    assert len(own) <= 255, own  # 249 when this number was last changed
    assert [name for name in loaded if name.startswith(("moto.sns", "moto.scheduler", "moto.pipes"))] == []
