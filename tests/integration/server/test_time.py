"""What moves the clock while programs in other processes wait in real time."""

import asyncio
import json
import sys
import threading
import time

import boto3
import pytest

from helpers.http import call_json, send
from pytest_lambda_esm import ClockError, FakeLambda, LambdaEsmError, latency

SOURCES = "/2015-03-31/event-source-mappings"
INVOKE = "/2015-03-31/functions/f/invocations"
FAST = 360_000
"""A speed with which an hour passes in a step of the clock's thread."""


@pytest.fixture
def waiting():
    """Return a function that waits, shortly in real time, until a condition holds."""

    def waiting(condition):
        deadline = time.perf_counter() + 10
        while not condition():
            assert time.perf_counter() < deadline, "nothing happened"
            threading.Event().wait(0.002)

    return waiting


class TestWhereOnlyTheTestMovesTime:
    def test_requests_do_not(self, lambda_esm, lambda_esm_server):
        before = lambda_esm.clock.now
        for _ in range(3):
            send(lambda_esm_server, "GET", SOURCES)
        assert lambda_esm.clock.now == before

    def test_an_invocation_takes_its_duration(self, lambda_esm, lambda_esm_server):
        lambda_esm.function("f", lambda event, context: time.sleep(2))
        before = lambda_esm.clock.now
        send(lambda_esm_server, "POST", INVOKE, "1")
        assert (lambda_esm.clock.now - before).total_seconds() == 2

    def test_a_long_poll_waits_in_real_time_for_what_the_test_sends(self, lambda_esm, lambda_esm_server, waiting):
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        before, answers = lambda_esm.clock.now, []

        def receive():
            answer = call_json(lambda_esm_server, "sqs", "AmazonSQS.ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
            answers.append(json.loads(answer.body))

        thread = threading.Thread(target=receive)
        thread.start()
        waiting(lambda: lambda_esm._server._http._connections)
        sqs.send_message(QueueUrl=url, MessageBody="x")
        thread.join()
        assert answers[0]["Messages"][0]["Body"] == "x"
        assert lambda_esm.clock.now == before

    def test_the_end_of_the_endpoint_ends_a_long_poll(self, lambda_esm, waiting):
        url = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        errors = []

        def receive(server):
            try:
                call_json(server, "sqs", "AmazonSQS.ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
            except ConnectionError as error:
                errors.append(error)

        with lambda_esm.serve() as server:
            thread = threading.Thread(target=receive, args=(server,))
            thread.start()
            waiting(lambda: lambda_esm._server._http._connections)
        thread.join(5)
        assert len(errors) == 1


class TestAdvancePerRequest:
    def test_each_request_moves_the_clock_once_it_is_answered(self, lambda_esm):
        lambda_esm.function("f")
        sqs = boto3.client("sqs")
        arn = sqs.get_queue_attributes(QueueUrl=sqs.create_queue(QueueName="q")["QueueUrl"], AttributeNames=["All"])
        source = {"EventSourceArn": arn["Attributes"]["QueueArn"], "FunctionName": "f"}
        before = lambda_esm.clock.now
        with lambda_esm.serve(advance_per_request=5) as server:
            created = json.loads(send(server, "POST", SOURCES, source).body)
            states = [created["State"]]
            while states[-1] != "Enabled":
                states.append(json.loads(send(server, "GET", f"{SOURCES}/{created['UUID']}").body)["State"])
        assert states[0] == "Creating"
        assert (lambda_esm.clock.now - before).total_seconds() == 5 * len(states)

    def test_it_can_be_changed(self, lambda_esm, lambda_esm_server):
        before = lambda_esm.clock.now
        lambda_esm_server.advance_per_request = 60
        send(lambda_esm_server, "GET", SOURCES)
        lambda_esm_server.advance_per_request = 0
        send(lambda_esm_server, "GET", SOURCES)
        assert (lambda_esm.clock.now - before).total_seconds() == 60

    def test_clients_of_the_process_do_not_move_it(self, lambda_esm, lambda_esm_server):
        before = lambda_esm.clock.now
        lambda_esm_server.advance_per_request = 60
        boto3.client("lambda", endpoint_url=lambda_esm_server.url).list_functions()
        assert lambda_esm.clock.now == before

    def test_a_request_of_a_handler_does_not(self, lambda_esm, lambda_esm_server):
        lambda_esm_server.advance_per_request = 60
        lambda_esm.function("f", lambda event, context: send(lambda_esm_server, "GET", SOURCES).status, timeout=5)
        before = lambda_esm.clock.now
        assert boto3.client("lambda").invoke(FunctionName="f")["Payload"].read() == b"200"
        assert lambda_esm.clock.now == before

    def test_waits_are_virtual(self, lambda_esm, lambda_esm_server):
        lambda_esm.faults.add("ListFunctions", latency(120))
        lambda_esm_server.advance_per_request = 1
        before = lambda_esm.clock.now
        assert send(lambda_esm_server, "GET", "/2015-03-31/functions").status == 200
        url = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        call_json(lambda_esm_server, "sqs", "AmazonSQS.ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
        assert (lambda_esm.clock.now - before).total_seconds() == 142

    def test_what_a_handler_raises_meanwhile_is_for_the_test(self, connect):
        def handler(event, context):
            pytest.fail("not like this")

        def move_time():
            with FakeLambda() as fake, fake.serve(advance_per_request=60) as server:
                connect(fake, handler).send("x")
                assert send(server, "GET", SOURCES).status == 200

        with pytest.raises(pytest.fail.Exception, match="not like this"):
            move_time()

    def test_for_one_program(self, lambda_esm, lambda_esm_server):
        before = lambda_esm.clock.now
        done = lambda_esm_server.run(["curl", "-s", lambda_esm_server.url + SOURCES], advance_per_request=9)
        assert json.loads(done.stdout) == {"EventSourceMappings": []}
        assert (lambda_esm.clock.now - before).total_seconds() == 9
        assert lambda_esm_server.advance_per_request == 0


class TestSpeed:
    def test_time_follows_real_time(self, lambda_esm, waiting):
        before = lambda_esm.clock.now
        with lambda_esm.serve(speed=FAST):
            waiting(lambda: (lambda_esm.clock.now - before).total_seconds() > 7200)
        end = lambda_esm.clock.now
        threading.Event().wait(0.03)
        assert lambda_esm.clock.now == end

    def test_handlers_run_in_the_thread_of_the_clock(self, lambda_esm, connect, waiting):
        names = []
        setup = connect(lambda_esm, lambda event, context: names.append(threading.current_thread().name))
        setup.send("x")
        with lambda_esm.serve(speed=FAST):
            waiting(lambda: names)
        assert names == ["lambda_esm clock"]

    def test_a_request_sees_the_time_at_its_arrival(self, lambda_esm, waiting):
        with lambda_esm.serve(speed=FAST) as server:
            send(server, "GET", SOURCES)
            first = lambda_esm.calls[0].instant
            waiting(lambda: send(server, "GET", SOURCES) and lambda_esm.calls.last.instant > first)

    def test_an_error_of_a_handler_that_is_for_the_test(self, connect, waiting):
        def handler(event, context):
            pytest.fail("not like this")

        with FakeLambda() as fake:
            setup = connect(fake, handler)
            setup.send("x")
            with pytest.raises(pytest.fail.Exception, match="not like this") as failure, fake.serve(speed=FAST):
                waiting(lambda: fake._server_errors)
            assert "handler" in [entry.name for entry in failure.traceback]

    def test_code_of_the_test_may_move_time_too(self, lambda_esm):
        before = lambda_esm.clock.now
        with lambda_esm.serve(speed=0.001):
            time.sleep(3600)
            lambda_esm.clock.advance(hours=1)
        assert 7200 <= (lambda_esm.clock.now - before).total_seconds() < 7201

    def test_a_long_poll_is_as_much_faster(self, lambda_esm):
        url = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody="x", DelaySeconds=10)
        with lambda_esm.serve(speed=200) as server:
            answer = call_json(server, "sqs", "AmazonSQS.ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
        assert json.loads(answer.body)["Messages"][0]["Body"] == "x"

    def test_an_error_fails_the_test_with_its_traceback(self, run):
        result = run(
            """
            import boto3, pytest, threading

            def handler(event, context):
                pytest.fail("not like this")

            def test_it(lambda_esm):
                sqs = boto3.client("sqs")
                url = sqs.create_queue(QueueName="q")["QueueUrl"]
                lambda_esm.function("f", handler)
                arn = "arn:aws:sqs:us-east-1:123456789012:q"
                boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="f")
                sqs.send_message(QueueUrl=url, MessageBody="x")
                with lambda_esm.serve(speed=360_000) as server:
                    while not lambda_esm._server_errors:
                        threading.Event().wait(0.002)
            """
        )
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(['>       pytest.fail("not like this")'])


def test_errors_of_requests_fail_the_test(run):
    result = run(
        """
        import pytest, urllib.error, urllib.request

        def handler(event, context):
            raise pytest.fail.Exception("not like this")

        def test_it(lambda_esm, lambda_esm_server):
            lambda_esm.function("f", handler)
            with pytest.raises(urllib.error.HTTPError, match="400"):
                urllib.request.urlopen(lambda_esm_server.url + "/2015-03-31/functions/f/invocations", b"1")

        def test_unbound(lambda_esm, lambda_esm_server):
            lambda_esm.function("f")
            with pytest.raises(urllib.error.HTTPError, match="400"):
                urllib.request.urlopen(lambda_esm_server.url + "/2015-03-31/functions/f/invocations", b"1")
        """
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["E*not like this", "code under test swallowed an error*", "*the function 'f' (us-east-1) was invoked*"],
    )


def test_limits_of_tasks_are_real_while_a_program_runs(lambda_esm, lambda_esm_server):
    program = "import sys, urllib.request as http; http.urlopen(sys.argv[1], b'1')"

    async def main():
        loop, called = asyncio.get_running_loop(), asyncio.Event()
        lambda_esm.function("f", lambda event, context: loop.call_soon_threadsafe(called.set) and None)
        lambda_esm_server.start([sys.executable, "-c", program, lambda_esm_server.url + INVOKE])
        await asyncio.wait_for(called.wait(), 30)

    before = lambda_esm.clock.now
    asyncio.run(main())
    assert lambda_esm.clock.now == before


def test_moving_time_in_a_handler_is_refused_as_ever(lambda_esm, lambda_esm_server):
    errors = []

    def handler(event, context):
        try:
            lambda_esm.clock.advance(1)
        except ClockError as error:
            errors.append(error)

    lambda_esm.function("f", handler)
    send(lambda_esm_server, "POST", INVOKE, "1")
    assert isinstance(errors[0], LambdaEsmError)
