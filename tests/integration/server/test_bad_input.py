"""What a test or a program gets wrong: an answer of AWS's or an error of ours, never a test that hangs."""

import socket
import threading
import time
from urllib.parse import urlsplit

import boto3
import pytest

from helpers.http import call_json, open_socket, send
from pytest_lambda_esm import AlreadyActive, ConfigurationError, FakeLambda, NotActive

SOURCES = "/2015-03-31/event-source-mappings"


def exchange(server, data, *, finish=True):
    """Send bytes, and no more; return all that comes back."""
    with open_socket(server) as client:
        client.sendall(data)
        if finish:
            client.shutdown(socket.SHUT_WR)
        parts = []
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


class TestOpening:
    def test_a_port_in_use(self, lambda_esm):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(
                ConfigurationError, match=f"cannot listen at 127.0.0.1:{port}: .*in use.*Leave the port"
            ):
                lambda_esm.serve(port=port).__enter__()
        with lambda_esm.serve(port=port) as server:
            assert server.url == f"http://127.0.0.1:{port}"

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
    def test_a_host_that_others_reach(self, lambda_esm, host):
        with pytest.raises(ConfigurationError, match=r"not a loopback address.*allow_remote=True"):
            lambda_esm.serve(host=host).__enter__()

    def test_a_host_that_others_may_reach(self, lambda_esm):
        with lambda_esm.serve(host="0.0.0.0", allow_remote=True) as server:
            assert send(server, "GET", SOURCES).status == 200

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"host": ""}, "host is ''"),
            ({"host": None}, "host is None"),
            ({"port": "80"}, "port is '80'"),
            ({"port": 70_000}, "port is 70000"),
            ({"port": True}, "port is True"),
            ({"speed": 0}, "speed is 0"),
            ({"speed": -1}, "speed is -1"),
            ({"speed": "60"}, "speed is '60'"),
            ({"speed": float("inf")}, "speed is inf"),
            ({"speed": float("nan")}, "speed is nan"),
            ({"advance_per_request": -1}, "advance_per_request is -1"),
            ({"advance_per_request": None}, "advance_per_request is None"),
        ],
    )
    def test_values_that_cannot_be(self, lambda_esm, arguments, message):
        with pytest.raises(ConfigurationError, match=message):
            lambda_esm.serve(**arguments).__enter__()
        with lambda_esm.serve() as server:
            assert send(server, "GET", SOURCES).status == 200

    def test_a_second_endpoint(self, lambda_esm, lambda_esm_server):
        with pytest.raises(AlreadyActive, match=f"served at {lambda_esm_server.url} already"):
            lambda_esm.serve().__enter__()
        assert send(lambda_esm_server, "GET", SOURCES).status == 200

    def test_a_fake_that_is_closed(self):
        with FakeLambda() as fake:
            pass
        with pytest.raises(NotActive):
            fake.serve().__enter__()


class TestRequests:
    @pytest.fixture
    def server(self, lambda_esm_server):
        return lambda_esm_server

    @pytest.mark.parametrize(
        ("data", "answer"),
        [
            (b"nonsense\r\n\r\n", b"400"),
            (b"GET / HTTP/9.9\r\n\r\n", b"505"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n", b"400"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"400"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nshort", b"400"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", b"400"),
            (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", b"400"),
            (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nAuthorization: Credential=A/20260101/[/sqs/aws4_request\r\n\r\n", b"400"),
            (
                b"POST / HTTP/1.1\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Encoding: gzip\r\n"
                b"Content-Length: 2\r\n\r\n{}",
                b"400",
            ),
            (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        ],
    )
    def test_what_is_not_http(self, server, data, answer):
        assert answer in exchange(server, data)[:20]
        assert send(server, "GET", SOURCES).status == 200

    def test_chunks(self, lambda_esm, server):
        lambda_esm.function("echo", lambda event, context: event)
        head = b"POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = exchange(server, head + b'3\r\n"ab\r\n2\r\nc"\r\n0\r\n\r\n', finish=False)
        assert answer.endswith(b'\r\n\r\n"abc"')

    @pytest.mark.parametrize(
        ("service", "request_", "status", "code"),
        [
            ("sqs", ("POST", "/", "{}", {"X-Amz-Target": "AmazonSQS.Nothing"}), 400, b"UnknownOperationException"),
            ("logs", ("POST", "/", "{}", {"X-Amz-Target": "Logs_20140328.Nothing"}), 400, b"UnknownOperationException"),
            ("lambda", ("GET", "/2015-03-31/nothing", None, {}), 403, b"AccessDeniedException"),
            ("lambda", ("PATCH", "/2015-03-31/functions/f", None, {}), 403, b"AccessDeniedException"),
            ("sns", ("POST", "/?Action=Nothing&Version=2010-03-31", None, {}), 400, b"InvalidAction"),
            ("nothing", ("POST", "/", None, {}), 404, b"serves https://nothing.us-east-1.amazonaws.com/"),
        ],
    )
    def test_an_unknown_operation(self, server, service, request_, status, code):
        answer = send(server, *request_, service=service)
        assert (answer.status, code in answer.body + str(answer.headers).encode()) == (status, True), answer.body

    @pytest.mark.parametrize(
        ("request_", "asked"),
        [
            (("POST", "/", "{}", {"X-Amz-Target": "NoService_20120810.ListThings"}), b"NoService_20120810.ListThings"),
            (("GET", "/?Action=ListThings&Version=1999-01-01"), b"ListThings of version '1999-01-01'"),
            (("GET", "/?Action=ListThings"), b"ListThings of version ''"),
        ],
    )
    def test_an_unsigned_request_of_a_service_that_is_not_known_by_it(self, server, request_, asked):
        answer = send(server, *request_)
        assert (answer.status, asked in answer.body) == (404, True), answer.body

    def test_an_operation_that_moto_lacks(self, lambda_esm, server):
        answer = call_json(server, "sqs", "AWSEvents.TestEventPatterns")
        assert answer.status == 400
        answer = send(server, "GET", "/2018-10-31/layers-by-arn-no", service="lambda")
        assert answer.status == 403

    def test_the_body_is_not_json(self, server):
        answer = send(server, "POST", SOURCES, "{", service="lambda")
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "SerializationException")

    def test_clients_that_hang_up(self, lambda_esm, server):
        seen = []
        lambda_esm.function("f", lambda event, context: seen.append(event))
        for data in (b"", b"POST /2015", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"):
            with open_socket(server) as client:
                client.sendall(data)
        with open_socket(server) as client:  # It does not wait for the answer.
            head = b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
            client.sendall(head)
        deadline = time.perf_counter() + 5
        while not seen and time.perf_counter() < deadline:
            threading.Event().wait(0.005)
        assert seen == [1]
        assert send(server, "GET", SOURCES).status == 200


class TestTheEnd:
    def test_nothing_is_left(self, lambda_esm):
        threads = set(threading.enumerate())
        with lambda_esm.serve() as server:
            idle = open_socket(server)
            half = open_socket(server)
            half.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
            assert send(server, "GET", SOURCES).status == 200
        assert set(threading.enumerate()) == threads
        assert idle.recv(1) == b""
        address = urlsplit(server.url)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address.hostname, address.port), timeout=5)
        for client in (idle, half):
            client.close()
        with lambda_esm.serve(port=address.port) as again:
            assert send(again, "GET", SOURCES).status == 200

    def test_clients_of_the_process_do_not_reach_it_afterwards(self, lambda_esm):
        from botocore.exceptions import EndpointConnectionError

        with lambda_esm.serve() as server:
            sqs = boto3.client("sqs", endpoint_url=server.url)
            sqs.list_queues()
        with pytest.raises(EndpointConnectionError):
            sqs.list_queues()

    def test_a_fake_that_ends_first_ends_its_endpoint(self):
        with FakeLambda() as fake:
            served = fake.serve()
            server = served.__enter__()
        assert repr(server) == f"<Server {server.url} closed>"
        with pytest.raises(OSError, match="refused"):
            send(server, "GET", SOURCES)
        with pytest.raises(NotActive, match="is closed"):
            server.run(["true"])
        served.__exit__(None, None, None)

    def test_it_starts_fast(self, lambda_esm):
        with lambda_esm.serve():
            pass
        before = time.perf_counter()
        with lambda_esm.serve():
            assert time.perf_counter() - before < 0.05

    def test_an_exception_of_the_block_is_not_replaced(self, lambda_esm):
        class Own(Exception):
            pass

        with pytest.raises(Own), lambda_esm.serve():
            raise Own
