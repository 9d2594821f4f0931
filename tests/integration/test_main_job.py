"""The main job, with any client, created anywhere."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from moto import mock_aws

from pytest_lambda_esm import FakeLambda

EARLY_SQS = boto3.client("sqs", region_name="us-east-1")
EARLY_LAMBDA = boto3.client("lambda", region_name="us-east-1")


def main_job(connect, fake, **clients):
    setup = connect(fake, **clients)
    setup.wait_until_enabled()
    setup.send("an order")
    fake.clock.run_until_idle()
    [invocation] = setup.function.invocations
    assert invocation.outcome == "success"
    assert [record["body"] for record in invocation.event["Records"]] == ["an order"]
    assert fake.clock.slept == [5]
    assert setup.sqs.receive_message(QueueUrl=setup.url).get("Messages", []) == []


def test_with_clients_made_in_the_test(lambda_esm, connect):
    main_job(connect, lambda_esm)


def test_with_clients_made_at_import(lambda_esm, connect):
    main_job(connect, lambda_esm, sqs=EARLY_SQS, aws_lambda=EARLY_LAMBDA)


def test_in_another_region(lambda_esm, connect):
    main_job(connect, lambda_esm, region="eu-west-1")


def test_in_a_thread(lambda_esm, connect):
    with ThreadPoolExecutor(1) as executor:
        executor.submit(main_job, connect, lambda_esm).result()


def test_waiting_in_a_thread_moves_time(lambda_esm, connect):
    setup = connect(lambda_esm)
    thread = threading.Thread(target=setup.wait_until_enabled)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()


@mock_aws
def test_under_mock_aws_as_a_decorator(lambda_esm, connect):
    main_job(connect, lambda_esm)


@mock_aws(config={"lambda": {"use_docker": False}})
def test_under_motos_lambda_without_docker(lambda_esm, connect):
    main_job(connect, lambda_esm)


@pytest.fixture
def users_own_mock():
    with mock_aws():
        yield


def test_inside_a_users_own_mock(users_own_mock, lambda_esm, connect):
    main_job(connect, lambda_esm)


def test_around_a_users_own_mock(lambda_esm, connect):
    with mock_aws():
        main_job(connect, lambda_esm)


def test_without_pytest(connect):
    with FakeLambda(region="eu-central-1", seed=7) as fake:
        main_job(connect, fake)
        assert boto3.client("sqs").meta.region_name == "eu-central-1"


def test_with_fake_client(lambda_esm, connect):
    main_job(connect, lambda_esm, sqs=lambda_esm.client("sqs"), aws_lambda=lambda_esm.client("lambda"))


BEFORE_MOTO = """
import sys
import boto3
sqs = boto3.client("sqs", region_name="us-east-1")
aws_lambda = boto3.client("lambda", region_name="us-east-1")
assert not [name for name in sys.modules if name.split(".")[0] == "moto"]
from pytest_lambda_esm import FakeLambda
with FakeLambda() as fake:
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = fake.function("f", lambda event, context: None)
    aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="f")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    fake.clock.run_until_idle()
    assert len(function.invocations) == 1
"""


@pytest.mark.parametrize("credentials", [{}, {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real"}])
def test_with_clients_made_before_moto_was_imported(credentials, tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin", "AWS_EC2_METADATA_DISABLED": "true", **credentials}
    result = subprocess.run(
        [sys.executable, "-c", BEFORE_MOTO], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_a_handler_given_by_name(lambda_esm, connect, tmp_path, monkeypatch):
    tmp_path.joinpath("named_shop.py").write_text(
        "import datetime\nIMPORTED = datetime.datetime.now()\nclass Keeps:\n    now = datetime.datetime\n"
        "def orders(event, context): return len(event['Records'])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    setup = connect(lambda_esm, "named_shop:orders")
    setup.send("a", "b")
    lambda_esm.clock.run_until_idle()
    assert setup.function.invocations[0].result == 2
    module = sys.modules.pop("named_shop")
    assert module.Keeps.now.__module__ == "datetime"
    assert module.IMPORTED.year != 2026 or module.IMPORTED.month != 1
