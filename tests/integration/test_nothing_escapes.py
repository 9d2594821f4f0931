"""No AWS request leaves the process, and everything is restored afterwards."""

import asyncio
import os
import socket
import time
import urllib.request

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session
from freezegun import freeze_time
from moto import mock_aws
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths
from moto.core.botocore_stubber import BotocoreStubber
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from pytest_lambda_esm import AlreadyActive, FakeLambda, NetworkBlocked, NotActive


@pytest.mark.parametrize(
    ("service", "endpoint"),
    [("sqs", "http://sqs.internal:4566"), ("lambda", "https://lambda.example.com"), ("s3", "http://10.0.0.1:9000")],
)
def test_a_foreign_endpoint_is_blocked_by_name(lambda_esm, service, endpoint):
    client = boto3.client(service, endpoint_url=endpoint)
    calls = {"sqs": "list_queues", "lambda": "list_functions", "s3": "list_buckets"}
    with pytest.raises(NetworkBlocked, match=f"{endpoint}.*would have left the process"):
        getattr(client, calls[service])()


def with_asyncio(host):
    async def connect():
        await asyncio.open_connection(host, 443)

    asyncio.run(connect())


@pytest.mark.parametrize(
    "connect",
    [
        lambda host: urllib.request.urlopen(f"https://{host}/", timeout=1),
        lambda host: socket.create_connection((host, 443), timeout=1),
        with_asyncio,
    ],
    ids=["urllib", "socket", "asyncio"],
)
@pytest.mark.parametrize(
    "host",
    [
        "sqs.us-east-1.amazonaws.com",
        "b.s3.cn-north-1.amazonaws.com.cn",
        "x1.lambda-url.eu-west-1.on.aws",
        "sqs.eu-isoe-west-1.cloud.adc-e.uk",
        "us-east-1.signin.aws",
    ],
)
def test_a_client_that_is_not_botocores_does_not_find_aws(lambda_esm, connect, host):
    with pytest.raises(NetworkBlocked, match=f"a request to {host} would have left the process"):
        connect(host)


def connect_to(host, method="connect"):
    with socket.socket() as connection:
        getattr(connection, method)((host, 443))


@pytest.mark.parametrize(
    "look_up",
    [
        socket.gethostbyname,
        socket.gethostbyname_ex,
        socket.gethostbyaddr,
        lambda host: socket.getaddrinfo(host, 443),
        lambda host: socket.getaddrinfo(host=host, port=443),
        connect_to,
        lambda host: connect_to(host, "connect_ex"),
    ],
)
@pytest.mark.parametrize("host", ["sqs.us-east-1.amazonaws.com", b"SQS.us-east-1.amazonaws.com."])
def test_no_function_of_socket_finds_aws(lambda_esm, look_up, host):
    by_name = getattr(socket, look_up.__name__, look_up)  # the value while the fake is active
    with pytest.raises(NetworkBlocked, match=r"a request to \w+\.us-east-1.amazonaws.com"):
        by_name(host)


LOCAL = ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "xray.localhost", "LOCALHOST."]


@pytest.mark.parametrize("host", LOCAL)
def test_a_daemon_of_this_machine_is_absent(lambda_esm, host):
    config = Config(retries={"max_attempts": 0})
    daemon = boto3.client("xray", endpoint_url=f"http://{host}:2000", config=config)
    with pytest.raises(EndpointConnectionError, match=r"Could not connect to the endpoint URL: .*leave it out"):
        daemon.get_sampling_rules()
    assert lambda_esm.errors == ()  # A library may swallow it.


def test_a_server_of_the_tests_own_does_not_get_requests_of_botocore(lambda_esm, httpserver_of_our_own):
    with pytest.raises(EndpointConnectionError):
        boto3.client("dynamodb", endpoint_url=httpserver_of_our_own).list_tables()


@pytest.mark.parametrize("host", ["169.254.169.254", "169.254.170.2", "169.254.170.23", "[fd00:ec2::254]"])
def test_nothing_serves_credentials(lambda_esm, host):
    request = AWSRequest("GET", f"http://{host}/latest/").prepare()
    with pytest.raises(EndpointConnectionError):
        URLLib3Session().send(request)


def test_other_names_are_found(lambda_esm):
    for host in ("localhost", b"localhost", None, "127.0.0.1"):
        assert socket.getaddrinfo(host, 80)
    assert socket.gethostbyname("localhost").startswith("127.")
    assert socket.gethostbyname_ex("127.0.0.1")[2] == ["127.0.0.1"]


def test_an_endpoint_from_the_environment_is_ignored(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    with FakeLambda():
        assert boto3.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_profile_of_the_machine_is_ignored(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    with FakeLambda():
        assert boto3.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert os.environ["AWS_PROFILE"] == "production"


def test_a_mock_that_was_stopped_once_too_often_does_not_open_the_door(lambda_esm):
    client = boto3.client("sqs")
    stray = mock_aws()
    stray.stop()
    try:
        with pytest.raises(NetworkBlocked, match="start and stop it in pairs"):
            client.list_queues()
    finally:
        stray.start(reset=False)


def test_credentials_are_not_looked_for_on_the_network(lambda_esm, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    client = boto3.session.Session(region_name="us-east-1").client("sqs")
    assert client.list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


def patched():
    """The attributes that a fake replaces."""
    classes = (
        LambdaResponse,
        LambdaBackend,
        LambdaFunction,
        BotocoreStubber,
        URLLib3Session,
        Queue,
        Message,
        SQSBackend,
    )
    return {
        "classes": {
            owner.__name__: {name: value for name, value in vars(owner).items() if name != "instances_tracked"}
            for owner in classes
        },
        "sleep": time.sleep,
        "time": time.time,
        "environment": dict(os.environ),
        "session": boto3.DEFAULT_SESSION,
        "loader": botocore.session.create_loader,
        "paths": dict(url_paths),
    }


def test_afterwards_everything_is_as_it_was():
    boto3.setup_default_session(region_name="us-west-2")
    before = patched()
    with FakeLambda(account_id="111122223333") as fake:
        fake.function("f", lambda event, context: None)
        assert patched() != before
    assert patched() == before
    boto3.DEFAULT_SESSION = None


def test_afterwards_everything_is_as_it_was_when_the_test_failed():
    before = patched()
    with pytest.raises(ZeroDivisionError), FakeLambda():
        raise ZeroDivisionError
    assert patched() == before


def test_afterwards_everything_is_as_it_was_when_the_test_took_the_credentials_away():
    before = patched()
    with FakeLambda():
        del os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    assert patched() == before


def test_a_start_that_fails_leaves_nothing_behind(monkeypatch):
    before = patched()
    monkeypatch.setattr("pytest_lambda_esm.simulation.installation.code_sizes.install", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        FakeLambda().__enter__()
    monkeypatch.undo()
    assert patched() == before
    with FakeLambda():
        pass


def test_a_fake_can_be_used_once():
    fake = FakeLambda()
    for use in (lambda: fake.clock, lambda: fake.client("sqs"), lambda: fake.faults, lambda: fake.function("f")):
        with pytest.raises(NotActive, match="has not been started"):
            use()
    with fake:
        pass
    with pytest.raises(AlreadyActive, match="has been started before"):
        fake.__enter__()
    assert repr(fake) == "<FakeLambda closed>"


USES = {
    "client": lambda fake: fake.client("sqs"),
    "function": lambda fake: fake.function("f", lambda event, context: None),
    "bind": lambda fake: fake.bind("f", lambda event, context: None),
    "transitions": lambda fake: fake.transitions(creating=1),
    "faults": lambda fake: fake.faults.add("Invoke", "ServiceException"),
    "sweep": lambda fake: fake.sweep(),
    "advance": lambda fake: fake.clock.advance(5),
    "advance_to": lambda fake: fake.clock.advance_to(fake.clock.now),
    "run_until": lambda fake: fake.clock.run_until(lambda: False),
    "run_until_idle": lambda fake: fake.clock.run_until_idle(),
}


@pytest.mark.parametrize("use", USES)
def test_a_closed_fake_refuses_to_go_on_at_the_users_line(use):
    with FakeLambda() as fake:
        pass
    with pytest.raises(NotActive, match="is closed") as info:
        USES[use](fake)
    assert info.traceback.filter(info)[-1].path.name == "test_nothing_escapes.py"


def test_a_closed_fake_can_be_read(connect):
    with FakeLambda() as fake:
        setup = connect(fake)
        setup.wait_until_enabled()
        setup.send("x")
        fake.clock.run_until_idle()
        now = fake.clock.now
    with freeze_time("2040-01-01"):
        assert fake.clock.now == now
    assert fake.clock.slept == [5]
    assert [mapping.state for mapping in fake.mappings] == [fake.mapping(setup.uuid).state] == ["Enabled"]
    assert fake.calls.last.operation == "GetEventSourceMapping"
    assert [fate.fate for fate in fake.fates(setup.queue_arn)] == ["deleted"]
    assert [invocation.outcome for invocation in fake.invocations] == ["success"]
    assert "success" in str(fake.timeline)
    assert "is Enabled" in fake.explain()


def test_a_users_own_world_outlives_the_fake():
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        with FakeLambda():
            boto3.client("sqs").send_message(QueueUrl=url, MessageBody="x")
            boto3.client("sqs").receive_message(QueueUrl=url)
        assert isinstance(sqs_backends["123456789012"]["us-east-1"].queues["q"]._messages, list)
        sqs.delete_queue(QueueUrl=url)


def test_other_requests_are_none_of_our_business(lambda_esm, httpserver_of_our_own):
    with urllib.request.urlopen(httpserver_of_our_own, timeout=10) as response:
        assert response.read() == b"hello"


@pytest.fixture
def httpserver_of_our_own():
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Hello)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()
