"""The recipes of the page on clients in other processes and languages. They are tests, and the project runs them."""

# [setup]
import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import boto3
import pytest

CLIENTS = Path(__file__).parent / "clients"  # The folder with the programs under test.


@pytest.fixture
def orders(lambda_esm):
    return lambda_esm.function("orders", lambda event, context: event)


@pytest.fixture
def queue_arn(lambda_esm):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


# [/setup]


# [program]
def test_a_program_waits_until_its_mapping_is_enabled(lambda_esm, orders, queue_arn, lambda_esm_server):
    command = [sys.executable, CLIENTS / "subscribe.py", queue_arn, "orders"]
    done = lambda_esm_server.run(command, advance_per_request=1)

    assert done.returncode == 0, done.stderr
    assert lambda_esm.mapping(done.stdout.strip()).state == "Enabled"


# [/program]


# [fault]
def test_a_program_survives_a_lost_response(lambda_esm, orders, queue_arn, lambda_esm_server):
    from pytest_lambda_esm import lost_response

    lambda_esm.faults.add("GetEventSourceMapping", lost_response())
    command = [sys.executable, CLIENTS / "subscribe.py", queue_arn, "orders"]

    assert lambda_esm_server.run(command, advance_per_request=1).returncode == 0
    assert [call.attempt for call in lambda_esm.calls.of("GetEventSourceMapping")][:2] == [1, 2]


# [/fault]


# [cli]
@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the AWS CLI: pip install awscli")
def test_the_aws_cli(lambda_esm, orders, queue_arn, lambda_esm_server):
    create = ["aws", "lambda", "create-event-source-mapping", "--function-name", "orders"]
    created = lambda_esm_server.run([*create, "--event-source-arn", queue_arn])
    assert json.loads(created.stdout)["State"] == "Creating"

    again = lambda_esm_server.run([*create, "--event-source-arn", queue_arn])
    assert again.returncode != 0
    assert "(ResourceConflictException) when calling the CreateEventSourceMapping operation" in again.stderr


# [/cli]


# [node]
def has_sdk_for_javascript():
    if shutil.which("node") is None:
        return False
    look = ["node", "-e", 'require("@aws-sdk/client-lambda")']
    return subprocess.run(look, cwd=CLIENTS, capture_output=True).returncode == 0


@pytest.mark.skipif(not has_sdk_for_javascript(), reason="needs Node.js with the package @aws-sdk/client-lambda")
def test_the_sdk_for_javascript(lambda_esm, orders, queue_arn, lambda_esm_server):
    command = ["node", CLIENTS / "subscribe.js", queue_arn, "orders"]
    assert lambda_esm_server.run(command).stdout.split() == ["created", queue_arn]

    again = lambda_esm_server.run(command)
    assert again.stdout.splitlines() == ["ResourceConflictException after 1 attempt", queue_arn]


# [/node]


# [curl]
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_shell_script(orders, lambda_esm_server):
    done = lambda_esm_server.run(["sh", CLIENTS / "orders.sh"])

    assert json.loads(done.stdout) == {"article": "lamp"}
    assert orders.invocations[0].event == {"article": "lamp"}


# [/curl]


# [worker]
def test_a_worker_in_the_background(lambda_esm, queue_arn):
    sqs = boto3.client("sqs")
    url, bills = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("orders", "bills"))
    sqs.send_message(QueueUrl=url, MessageBody="lamp", DelaySeconds=600)

    with lambda_esm.serve(speed=3600) as server:  # An hour in a second.
        worker = server.start([sys.executable, CLIENTS / "worker.py"])
        while not (messages := sqs.receive_message(QueueUrl=bills).get("Messages")):
            assert worker.poll() is None, "the worker has ended"

    assert messages[0]["Body"] == "lamp"


# [/worker]


# [endpoint]
def test_a_client_with_an_endpoint(orders, lambda_esm_server):
    aws_lambda = boto3.client("lambda", endpoint_url=lambda_esm_server.url)
    assert aws_lambda.invoke(FunctionName="orders", Payload=b"1")["Payload"].read() == b"1"


# [/endpoint]


# [handler]
def test_a_handler_that_runs_a_program(lambda_esm, orders, queue_arn, lambda_esm_server):
    def deploy(event, context):
        return lambda_esm_server.run(["sh", CLIENTS / "orders.sh"]).stdout

    lambda_esm.function("deploy", deploy, timeout=60)
    boto3.client("lambda").invoke(FunctionName="deploy")

    assert [invocation.function for invocation in lambda_esm.invocations] == ["orders", "deploy"]


# [/handler]


# [control]
def test_a_test_in_another_language_moves_time(lambda_esm):
    with lambda_esm.serve(control=True) as server:
        body = json.dumps({"seconds": 90}).encode()
        with urllib.request.urlopen(f"{server.url}/_lambda_esm/advance", body) as answer:
            assert json.load(answer) == {"now": "2026-01-01T00:01:30+00:00"}


# [/control]
