"""Requests over HTTP: the same fake, the same state, answers byte by byte, as clients of other processes see them."""

import json
import os
import subprocess
import sys
import threading
import time
from email.utils import parsedate_to_datetime

import boto3
import pytest

from helpers.http import call_json, open_socket, send
from pytest_lambda_esm import LambdaEsmError
from pytest_lambda_esm.clock.wall import real_seconds

FUNCTIONS = "/2015-03-31/functions"
SOURCES = "/2015-03-31/event-source-mappings"


@pytest.fixture
def server(lambda_esm_server):
    return lambda_esm_server


def queue(server, name="q"):
    return json.loads(call_json(server, "sqs", "AmazonSQS.CreateQueue", QueueName=name).body)["QueueUrl"]


class TestAnswers:
    def test_http_and_boto3_see_the_same_state(self, lambda_esm, server):
        lambda_esm.function("orders", lambda event, context: None)
        url = queue(server)
        assert url == f"{server.url}/123456789012/q"
        arn = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"]
        created = send(server, "POST", SOURCES + "/", {"EventSourceArn": arn, "FunctionName": "orders"})
        assert created.status == 202
        [mapping] = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        assert mapping["UUID"] == json.loads(created.body)["UUID"] == lambda_esm.mappings[0].uuid

    def test_errors_have_the_status_and_the_headers_of_aws(self, server):
        answer = send(server, "GET", f"{FUNCTIONS}/nobody", service="lambda")
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
        assert len(answer.headers.get_all("x-amzn-requestid")) == 1

    def test_an_invocation(self, lambda_esm, server):
        lambda_esm.function("echo", lambda event, context: print("seen") or event)
        answer = send(server, "POST", f"{FUNCTIONS}/echo/invocations", b'{"a": 1}', {"X-Amz-Log-Type": "Tail"})
        assert (answer.status, answer.body) == (200, b'{"a": 1}')
        assert answer.headers["X-Amz-Executed-Version"] == "$LATEST"
        assert answer.headers["X-Amz-Log-Result"]

    def test_an_error_of_a_function(self, lambda_esm, server):
        lambda_esm.function("bad", lambda event, context: 1 / 0)
        answer = send(server, "POST", f"{FUNCTIONS}/bad/invocations", b"{}")
        assert (answer.status, answer.headers["X-Amz-Function-Error"]) == (200, "Unhandled")
        assert json.loads(answer.body)["errorType"] == "ZeroDivisionError"

    def test_a_payload_in_the_content_type_of_curl(self, lambda_esm, server):
        lambda_esm.function("echo", lambda event, context: event)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert send(server, "POST", f"{FUNCTIONS}/echo/invocations", b'{"a=": "1&2"}', form).body == b'{"a=": "1&2"}'

    def test_a_response_stream(self, lambda_esm, server):
        lambda_esm.function("echo", lambda event, context: event)
        path = "/2021-11-15/functions/echo/response-streaming-invocations"
        answer = send(server, "POST", path, b'"x"')
        assert [kind in answer.body for kind in (b"PayloadChunk", b"InvokeComplete")] == [True, True]

    def test_the_region_comes_from_the_signature(self, lambda_esm, server):
        lambda_esm.function("here", region="eu-west-1")
        there = json.loads(send(server, "GET", FUNCTIONS + "/", service="lambda").body)["Functions"]
        here = json.loads(send(server, "GET", FUNCTIONS + "/", service="lambda", region="eu-west-1").body)["Functions"]
        assert ([each["FunctionName"] for each in here], there) == (["here"], [])

    def test_the_account_comes_from_the_credentials(self, server):
        role = boto3.client("sts").assume_role(RoleArn="arn:aws:iam::210987654321:role/r", RoleSessionName="session")
        scope = f"{role['Credentials']['AccessKeyId']}/20260101/us-east-1/sts/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
        body = "Action=GetCallerIdentity&Version=2011-06-15"
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        assert b"210987654321" in send(server, "POST", "/", body, headers).body

    def test_a_service_that_a_host_name_names(self, lambda_esm, server):
        lambda_esm.function("here", region="eu-west-1")
        answer = send(server, "GET", f"{FUNCTIONS}/here", headers={"Host": "lambda.eu-west-1.amazonaws.com"})
        assert answer.status == 200

    def test_unsigned_requests_in_the_protocols_of_aws(self, server):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        topic = send(server, "POST", "/", "Action=CreateTopic&Version=2010-03-31&Name=t", form)
        assert b"arn:aws:sns:us-east-1:123456789012:t" in topic.body
        tables = send(server, "POST", "/", "{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"})
        assert json.loads(tables.body) == {"TableNames": []}
        assert send(server, "PUT", "/bucket").status == 200
        assert send(server, "PUT", "/bucket/a%2Fb", b"\xff").status == 200
        assert boto3.client("s3").get_object(Bucket="bucket", Key="a/b")["Body"].read() == b"\xff"

    def test_the_head_of_an_object_has_its_length(self, server):
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=b"12345")
        answer = send(server, "HEAD", "/bucket/k", service="s3")
        assert (answer.headers["Content-Length"], answer.body) == ("5", b"")

    def test_a_presigned_url_of_a_client_of_the_endpoint(self, server):
        s3 = boto3.client("s3", endpoint_url=server.url)
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=b"12345")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
        assert url.startswith(server.url)
        assert send(server, "GET", url.removeprefix(server.url)).body == b"12345"


class TestWhatOnlyHttpHas:
    def test_the_date_is_real(self, lambda_esm, server):
        """SDKs take another one for a wrong clock of their own, and repeat each call that is refused."""
        assert lambda_esm.clock.now.timestamp() != pytest.approx(real_seconds(), abs=3600)
        for answer in (
            send(server, "GET", SOURCES),
            send(server, "POST", "/", "{}", {"X-Amz-Target": "Logs_20140328.No"}),
        ):
            [date] = answer.headers.get_all("Date")
            assert parsedate_to_datetime(date).timestamp() == pytest.approx(real_seconds(), abs=60)

    @pytest.mark.lambda_esm(wall_clock="time-machine")
    def test_the_date_is_real_with_time_machine(self, lambda_esm, server):
        pytest.importorskip("time_machine")
        date = send(server, "GET", SOURCES).headers["Date"]
        assert parsedate_to_datetime(date).timestamp() == pytest.approx(real_seconds(), abs=60)
        assert lambda_esm.clock.now.timestamp() != pytest.approx(real_seconds(), abs=3600)

    def test_programs_do_not_inherit_that_endpoints_are_ignored(self, lambda_esm):
        assert os.environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "true"
        with lambda_esm.serve() as server:
            assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in os.environ
            assert server.environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "false"
        assert os.environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "true"

    def test_endpoints_of_this_machine_are_hidden_meanwhile(self, lambda_esm, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://localhost:4566")
        with lambda_esm.serve():
            assert boto3.client("sqs").list_queues()
        assert os.environ["AWS_ENDPOINT_URL_SQS"] == "http://localhost:4566"

    def test_nothing_is_logged(self, server, capfd, caplog):
        caplog.set_level(0)
        send(server, "GET", SOURCES)
        with open_socket(server) as client:
            client.sendall(b"nonsense\r\n\r\n")
            client.recv(1000)
        assert capfd.readouterr() == ("", "")
        assert not [record for record in caplog.records if record.name == "werkzeug"]


class TestClientsOfTheSameProcess:
    def test_a_client_with_the_endpoint(self, lambda_esm, server):
        lambda_esm.function("echo", lambda event, context: event)
        aws_lambda = boto3.client("lambda", endpoint_url=server.url)
        assert aws_lambda.invoke(FunctionName="echo", Payload=b"1")["Payload"].read() == b"1"

    def test_the_variable_works_too(self, server, monkeypatch):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        sqs = boto3.client("sqs", region_name="us-east-1")
        assert sqs.meta.endpoint_url == server.url
        assert sqs.create_queue(QueueName="q")["QueueUrl"]

    @pytest.mark.parametrize("service", ["dynamodb", "events", "kinesis", "s3", "sns", "sqs", "stepfunctions", "sts"])
    def test_each_service(self, server, service):
        operations = {"sts": "get_caller_identity", "events": "list_rules", "stepfunctions": "list_state_machines"}
        lists = {"dynamodb": "list_tables", "kinesis": "list_streams", "s3": "list_buckets", "sns": "list_topics"}
        operation = {**operations, **lists}.get(service, "list_queues")
        client = boto3.client(service, endpoint_url=server.url)
        assert getattr(client, operation)()["ResponseMetadata"]["HTTPStatusCode"] == 200

    def test_a_fault_strikes_once(self, lambda_esm, server):
        sqs = boto3.client("sqs", endpoint_url=server.url)
        with lambda_esm.faults.add("sqs.ListQueues", "UnsupportedOperation", times=2) as fault:
            for _ in range(2):
                with pytest.raises(sqs.exceptions.UnsupportedOperation):
                    sqs.list_queues()
        assert fault.hits == 2
        assert sqs.list_queues()

    def test_another_port_of_this_machine_is_refused_as_before(self, server):
        from botocore.exceptions import EndpointConnectionError

        sqs = boto3.client("sqs", endpoint_url="http://127.0.0.1:9")
        with pytest.raises(EndpointConnectionError):
            sqs.list_queues()


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "performed"), [("connection_reset", False), ("lost_response", True), ("connect_timeout", False)]
    )
    def test_a_network_fault_ends_the_connection(self, lambda_esm, server, fault, performed):
        from pytest_lambda_esm import connect_timeout, connection_reset, lost_response

        faults = {
            "connection_reset": connection_reset,
            "lost_response": lost_response,
            "connect_timeout": connect_timeout,
        }
        lambda_esm.faults.add("sqs.CreateQueue", faults[fault]())
        lambda_esm.faults.add("ListFunctions", faults[fault]())
        before = lambda_esm.clock.now
        for request in (lambda: queue(server), lambda: send(server, "GET", FUNCTIONS)):
            with pytest.raises(ConnectionError):
                request()
        assert ("QueueUrls" in boto3.client("sqs").list_queues()) is performed
        assert lambda_esm.clock.now == before

    def test_a_fault_strikes_a_service_other_than_lambda(self, lambda_esm, server):
        lambda_esm.faults.add(
            "sqs.SendMessage", "RequestThrottled", match=lambda call: call.params["MessageBody"] == "b"
        )
        lambda_esm.faults.add("dynamodb.ListTables", "InternalServerError")
        url = queue(server)
        send_message = "AmazonSQS.SendMessage"
        assert call_json(server, "sqs", send_message, QueueUrl=url, MessageBody="a").status == 200
        refused = call_json(server, "sqs", send_message, QueueUrl=url, MessageBody="b")
        assert (refused.status, json.loads(refused.body)["__type"]) == (400, "RequestThrottled")
        assert call_json(server, "dynamodb", "DynamoDB_20120810.ListTables").status == 500

    def test_calls_of_services_are_logged(self, lambda_esm, server):
        queue(server, "orders")
        [call] = [call for call in lambda_esm.calls.all if call.service == "sqs"]
        assert (call.operation, call.params, call.status) == ("CreateQueue", {"QueueName": "orders"}, 200)

    def test_an_error_of_ours_is_an_answer_that_no_sdk_repeats(self, lambda_esm, server):
        answer = send(server, "GET", "/2021-10-31/functions/f/url")
        assert answer.status == 404  # The function does not exist.
        lambda_esm.function("f")
        answer = send(server, "POST", f"{FUNCTIONS}/f/invocations", b"1")
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "HandlerError")
        assert "f" in json.loads(answer.body)["message"]
        assert [type(error).__name__ for error in lambda_esm.errors] == ["HandlerError"]
        lambda_esm._errors.clear()


class TestHandlers:
    """A handler that calls over HTTP holds the clock: its request is served in its own frame."""

    @pytest.fixture
    def inner(self, lambda_esm):
        def inner(event, context):
            time.sleep(1)
            return event + 1

        return lambda_esm.function("inner", inner)

    def post(self, server, body, headers=None):
        return int(send(server, "POST", f"{FUNCTIONS}/inner/invocations", str(body), headers).body)

    def test_a_request_with_the_trace_header(self, lambda_esm, server, inner):
        def outer(event, context):
            before = time.time()
            answer = self.post(server, 1, {"X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"]})
            return [answer, time.time() - before]

        lambda_esm.function("outer", outer, timeout=10)
        payload = boto3.client("lambda").invoke(FunctionName="outer")["Payload"].read()
        assert json.loads(payload) == [2, 1.0]

    def test_a_request_that_says_nothing(self, lambda_esm, server, inner):
        lambda_esm.function("outer", lambda event, context: self.post(server, 1), timeout=10)
        assert boto3.client("lambda").invoke(FunctionName="outer")["Payload"].read() == b"2"
        assert [each.duration.total_seconds() for each in lambda_esm.invocations] == [1, 1]

    def test_handlers_of_requests_of_handlers(self, lambda_esm, server):
        def descend(event, context):
            if event == 0:
                return context.aws_request_id
            header = {"X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"]}
            return json.loads(send(server, "POST", f"{FUNCTIONS}/down/invocations", str(event - 1), header).body)

        lambda_esm.function("down", descend, timeout=10)
        answer = send(server, "POST", f"{FUNCTIONS}/down/invocations", "3")
        assert json.loads(answer.body) == lambda_esm.invocations[0].request_id
        assert len(lambda_esm.invocations) == 4

    def test_a_program_of_a_handler(self, lambda_esm, server, inner):
        program = (
            "import os, urllib.request as r; token = {'X-Amz-Security-Token': os.environ['AWS_SESSION_TOKEN']};"
            f"url = os.environ['AWS_ENDPOINT_URL'] + '{FUNCTIONS}/inner/invocations';"
            "print(r.urlopen(r.Request(url, b'41', token)).read().decode())"
        )

        def outer(event, context):
            return server.run([sys.executable, "-c", program]).stdout

        lambda_esm.function("outer", outer, timeout=10)
        assert boto3.client("lambda").invoke(FunctionName="outer")["Payload"].read() == b'"42\\n"'

    def test_a_handler_of_a_mapping(self, lambda_esm, server, connect, inner):
        setup = connect(lambda_esm, lambda event, context: print(self.post(server, 1)))
        setup.send("x")
        lambda_esm.clock.run_until_idle()
        assert [each.outcome for each in lambda_esm.invocations] == ["success", "success"]

    def test_a_message_of_a_handler_is_its_own(self, lambda_esm, server):
        url = queue(server)

        def outer(event, context):
            time.sleep(2)
            header = {"X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"], "X-Amz-Target": "AmazonSQS.SendMessage"}
            header["Content-Type"] = "application/x-amz-json-1.0"
            body = json.dumps({"QueueUrl": url, "MessageBody": "m"})
            return json.loads(send(server, "POST", "/", body, header).body)["MessageId"]

        lambda_esm.function("outer", outer)
        message = json.loads(boto3.client("lambda").invoke(FunctionName="outer")["Payload"].read())
        assert lambda_esm.journey(message).caused_by

    def test_a_request_of_an_outer_handler_while_a_nested_one_waits_for_it(self, lambda_esm, server):
        url, began, sent, answers = queue(server), threading.Event(), threading.Event(), []

        def outer(event, context):
            header = {"X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"]}

            def send_message():
                began.wait(10)
                headers = {**header, "X-Amz-Target": "AmazonSQS.SendMessage"}
                headers["Content-Type"] = "application/x-amz-json-1.0"
                body = json.dumps({"QueueUrl": url, "MessageBody": "m"})
                answers.append(json.loads(send(server, "POST", "/", body, headers).body)["MessageId"])
                sent.set()

            thread = threading.Thread(target=send_message)
            thread.start()
            send(server, "POST", f"{FUNCTIONS}/inner/invocations", "1", header)
            thread.join()

        def inner(event, context):
            began.set()
            assert sent.wait(10)

        lambda_esm.function("outer", outer, timeout=10)
        lambda_esm.function("inner", inner)
        boto3.client("lambda").invoke(FunctionName="outer")
        assert [each.outcome for each in lambda_esm.invocations] == ["success", "success"]
        assert lambda_esm.invocations[1].request_id[:8] in str(lambda_esm.journey(answers[0]).caused_by)


def test_many_requests_at_once_are_served_one_at_a_time(lambda_esm, server):
    running, seen = [], []

    def handler(event, context):
        running.append(event)
        time.sleep(1)
        seen.append(len(running))
        running.remove(event)

    lambda_esm.function("f", handler)
    threads = [
        threading.Thread(target=send, args=(server, "POST", f"{FUNCTIONS}/f/invocations", str(number)))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8


def test_an_address_of_ipv6(lambda_esm):
    try:
        served = lambda_esm.serve(host="::1")
        server = served.__enter__()
    except LambdaEsmError:
        pytest.skip("this machine has no IPv6")
    assert server.url.startswith("http://[::1]:")
    assert send(server, "GET", FUNCTIONS).status == 200
    assert boto3.client("sqs", endpoint_url=server.url).list_queues()
    served.__exit__(None, None, None)


def test_the_library_requests(server):
    requests = pytest.importorskip("requests")
    assert requests.get(server.url + SOURCES, timeout=20).json() == {"EventSourceMappings": []}


def test_runs_of_a_sweep_reach_the_endpoint(lambda_esm, server):
    answers = []
    for run in lambda_esm.sweep(errors=["ServiceException"], operations=["ListFunctions"]):
        with run:
            answers.append(send(server, "GET", FUNCTIONS).status)
            boto3.client("sqs", endpoint_url=server.url).list_queues()
    assert answers == [200, 500]


class TestRun:
    ECHO = "import os, sys; sys.stdout.write(os.environ['AWS_ENDPOINT_URL'] + sys.stdin.read() + os.environ['MORE'])"

    def test_the_output_is_text(self, server):
        done = server.run([sys.executable, "-c", self.ECHO], input="-", env={"MORE": "x"})
        assert (done.stdout, done.returncode) == (f"{server.url}-x", 0)

    def test_options_of_subprocess(self, server):
        done = server.run([sys.executable, "-c", self.ECHO], input=b"-", env={"MORE": "x"}, check=True)
        assert done.stdout == f"{server.url}-x".encode()
        assert server.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout.strip() == b"1"
        with pytest.raises(subprocess.CalledProcessError):
            server.run("exit 3", shell=True, check=True)
        with pytest.raises(subprocess.TimeoutExpired):
            server.run([sys.executable, "-c", "import time; time.sleep(30)"], timeout=0.05)

    def test_the_aws_cli_is_told_the_endpoint(self, server, tmp_path):
        cli = tmp_path / "aws"
        cli.write_text('#!/bin/sh\necho "$@"\n')
        cli.chmod(0o755)
        assert server.run([cli, "sqs", "list-queues"]).stdout.split() == [
            *("sqs", "list-queues", "--endpoint-url", server.url)
        ]
        given = ["sqs", "list-queues", "--endpoint-url=http://x"]
        assert server.run([cli, *given]).stdout.split() == given

    def test_a_program_in_the_background_ends_with_the_endpoint(self, lambda_esm):
        with lambda_esm.serve() as server:
            program = server.start([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            assert program.poll() is None
        assert program.returncode != 0

    def test_inside_a_handler_the_environment_says_whose_requests_they_are(self, lambda_esm, server):
        lambda_esm.function("f", lambda event, context: server.environment["AWS_SESSION_TOKEN"])
        token = json.loads(boto3.client("lambda").invoke(FunctionName="f")["Payload"].read())
        assert token.endswith(lambda_esm.invocations[0].request_id)
        assert server.environment["AWS_SESSION_TOKEN"] != token

    def test_the_environment_keeps_other_hosts_without_proxy(self, server, monkeypatch):
        monkeypatch.setenv("NO_PROXY", "example.com")
        assert server.environment["NO_PROXY"] == "example.com,127.0.0.1,localhost"
