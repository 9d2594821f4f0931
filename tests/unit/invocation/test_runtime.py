import json
import sys
import threading
import time
from datetime import datetime, timezone
from decimal import Decimal
from unittest.mock import MagicMock, Mock

import pytest

from pytest_lambda_esm import LambdaEsmError
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.record import Request
from pytest_lambda_esm.invocation.runtime import Runtime
from pytest_lambda_esm.invocation.sandbox.isolation import Isolation
from pytest_lambda_esm.patching import Patches

SECOND = 1_000_000
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
CONFIGURATION = FunctionConfiguration(
    account_id="123456789012",
    region="us-east-1",
    name="f",
    arn=ARN,
    version="$LATEST",
    timeout=3,
    memory=128,
    handler="app.handler",
    runtime="python3.12",
    environment={"TABLE": "orders"},
    log_group="/aws/lambda/f",
)


class World:
    def __init__(self):
        self.clock = EventClock(datetime(2026, 1, 1, tzinfo=timezone.utc))
        self.runtime = Runtime(self.clock, lambda: "an-environment", Isolation())
        self.lasts = 0

    def run(self, handler, event=None):
        request = Request(
            function=CONFIGURATION,
            invoked_arn=ARN,
            event=lambda: dict(event or {}),
            attempt=2,
            mapping=None,
            depth=0,
            request_id="a-request-id",
        )
        return self.runtime.run(
            request, handler, start=self.runtime.now(), duration=self.lasts * SECOND, timeout=3 * SECOND
        )

    def sleep(self, seconds):
        self.runtime.local_time.sleep(seconds)


@pytest.fixture
def world():
    world = World()
    patches = Patches()
    world.runtime.nesting.install(patches)
    yield world
    patches.undo()


def test_a_result_is_what_its_json_reads(world):
    invocation = world.run(lambda event, context: {"total": Decimal("2.5"), "items": (1, 2)})
    assert invocation.result == {"total": 2.5, "items": [1, 2]}
    assert (invocation.outcome, invocation.error, invocation.attempt) == ("success", None, 2)
    assert invocation.started == invocation.finished == world.clock.now


def test_an_invocation_cannot_be_changed_and_can_be_in_a_set(world):
    first, second = (world.run(lambda event, context: None) for _ in range(2))
    assert {first, second, first} == {second, first}
    with pytest.raises(AttributeError):
        first.start = 0
    with pytest.raises(AttributeError):
        first.note = "something of the test"


def test_what_has_no_json_is_a_marshal_error(world):
    invocation = world.run(lambda event, context: {1, 2})
    assert invocation.outcome == "error"
    assert invocation.error.payload == {
        "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
        "errorType": "Runtime.MarshalError",
        "requestId": "a-request-id",
        "stackTrace": [],
    }


def test_an_exception_is_a_function_error_with_the_handlers_own_trace(world):
    def helper():
        raise KeyError("no such order")

    def handler(event, context):
        helper()

    error = world.run(handler).error
    assert (error.type, error.message) == ("KeyError", "'no such order'")
    assert list(error.payload) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert [line.split(", in ")[1].split("\n")[0] for line in error.payload["stackTrace"]] == ["handler", "helper"]
    assert isinstance(error.exception, KeyError)


def test_the_end_of_the_process_is_an_exit_error(world):
    invocation = world.run(lambda event, context: sys.exit())
    assert invocation.outcome == "exit"
    assert str(invocation.error) == (
        "Runtime.ExitError: RequestId: a-request-id Error: Runtime exited without providing a reason"
    )


@pytest.mark.parametrize(
    "error", [LambdaEsmError("ours"), KeyboardInterrupt(), pytest.fail.Exception("no"), pytest.exit.Exception("no")]
)
def test_what_is_not_the_functions_passes_through(world, error):
    def handler(event, context):
        raise error

    with pytest.raises(type(error)):
        world.run(handler)
    assert world.runtime.local_time is None


def test_sleeping_lasts_and_does_not_move_the_clock(world):
    invocation = world.run(lambda event, context: world.sleep(2))
    assert invocation.duration.total_seconds() == 2
    assert world.clock.slept == []
    assert invocation.started == world.clock.now


def test_a_declared_duration_is_the_least_it_lasts(world):
    world.lasts = 2
    assert world.run(lambda event, context: world.sleep(0.5)).duration.total_seconds() == 2
    assert world.run(lambda event, context: world.sleep(2.5)).duration.total_seconds() == 2.5


@pytest.mark.parametrize("declared", [0, 4, 60])
def test_past_the_timeout_it_ends_as_on_aws(world, declared):
    world.lasts = declared

    def handler(event, context):
        try:
            world.sleep(0 if declared else 10)
        except Exception:
            pytest.fail("the handler noticed its timeout")

    invocation = world.run(handler)
    assert invocation.outcome == "timeout"
    assert invocation.duration.total_seconds() == 3
    assert invocation.error.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: a-request-id Error: Task timed out after 3.00 seconds",
    }


def test_threads_of_a_handler_sleep_side_by_side(world):
    def handler(event, context):
        world.sleep(0.5)
        threads = [threading.Thread(target=world.sleep, args=(1,)) for _ in range(4)]
        for thread in threads:
            thread.start()
            thread.join()

    assert world.run(handler).duration.total_seconds() == 1.5


def test_the_context_is_lambdas(world):
    seen = {}

    def handler(event, context):
        seen["before"] = context.get_remaining_time_in_millis()
        world.sleep(1.25)
        seen["after"] = context.get_remaining_time_in_millis()
        seen["context"] = context

    world.run(handler)
    context = seen["context"]
    assert (seen["before"], seen["after"]) == (3000, 1750)
    assert context.aws_request_id == "a-request-id"
    assert context.function_name == "f"
    assert context.function_version == "$LATEST"
    assert context.invoked_function_arn == ARN
    assert context.memory_limit_in_mb == "128"
    assert context.log_group_name == "/aws/lambda/f"
    assert context.log_stream_name == "2026/01/01/[$LATEST]anenvironment"
    assert context.client_context is None
    assert context.identity.cognito_identity_id is None
    assert "aws_request_id=a-request-id" in repr(context)


def test_the_environment_is_lambdas_for_as_long_as_the_handler_runs(world, monkeypatch):
    import os

    monkeypatch.setenv("TABLE", "the test's own")
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    names = ("TABLE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "_HANDLER", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    invocation = world.run(lambda event, context: [os.environ[name] for name in names])
    assert invocation.result == ["orders", "f", "us-east-1", "app.handler", "128"]
    assert os.environ["TABLE"] == "the test's own"
    assert "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def test_what_a_handler_changes_in_its_event_does_not_leak(world):
    invocation = world.run(lambda event, context: event.update(n=2), {"n": 1})
    assert invocation.event == {"n": 1}
    assert invocation.event is not invocation.event


def test_the_log_has_what_was_printed_and_the_runtimes_lines(world, capsys):
    def handler(event, context):
        print("an order")
        context.log("by the context")
        raise ValueError("bad")

    log = world.run(handler).log
    assert log.splitlines()[:3] == [
        "START RequestId: a-request-id Version: $LATEST",
        "an order",
        "by the context",
    ]
    assert "[ERROR] ValueError: bad" in log
    assert "END RequestId: a-request-id\nREPORT RequestId: a-request-id\tDuration: 0.00 ms" in log
    assert capsys.readouterr().out == "an order\nby the context"


def test_real_time_is_not_spent(world):
    began = time.perf_counter()
    world.run(lambda event, context: world.sleep(2.9))
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("kind", [MagicMock, Mock])
def test_a_mock_that_raises_is_a_function_error(world, kind):
    invocation = world.run(kind(side_effect=ValueError("x")))
    error = json.loads(invocation.payload)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "x")
    assert all(isinstance(line, str) for line in error["stackTrace"])


def test_a_handler_may_translate_its_stack_trace(world):
    class Deployed:
        def __call__(self, event, context):
            raise ValueError("x")

        def as_in_lambda(self, text):
            return "/var/task"

    assert set(json.loads(world.run(Deployed()).payload)["stackTrace"]) == {"/var/task"}
