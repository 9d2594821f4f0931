"""Sweeps: run a body of code once for each of its calls and each error."""
# ruff: noqa: PT012, SIM105, SIM117 - a sweep is a loop with a block, also inside pytest.raises

from __future__ import annotations

import sys
import time
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from pytest_lambda_esm import (
    FakeLambda,
    FaultError,
    SweepFailed,
    UnusedFault,
    aws_error,
    latency,
    lost_response,
    read_timeout,
)

REGION = "eu-west-1"
THROTTLED, BROKEN = "TooManyRequestsException", "ServiceException"


@pytest.fixture
def fake():
    with FakeLambda(region=REGION) as fake:
        yield fake


def make_ground(fake):
    fake.client("sqs").create_queue(QueueName="orders")
    fake.function("orders", lambda event, context: None)


def queue_arn(name="orders"):
    return f"arn:aws:sqs:{REGION}:123456789012:{name}"


def subscribe(aws_lambda):
    """Code under test that copes with everything: it checks before it creates, and checks again after an error."""
    for _ in range(10):
        try:
            found = aws_lambda.list_event_source_mappings(FunctionName="orders")["EventSourceMappings"]
            if not found:
                aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn(), FunctionName="orders")
            elif found[0]["State"] == "Enabled":
                return found[0]["UUID"]
        except Exception:
            pass
        time.sleep(5)
    raise TimeoutError("it is not enabled")


def subscribe_once(aws_lambda):
    """Code under test that copes with nothing."""
    aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn(), FunctionName="orders")
    time.sleep(10)
    return aws_lambda.list_event_source_mappings(FunctionName="orders")["EventSourceMappings"]


def test_code_that_copes_passes_in_every_world(fake):
    worlds = []
    sweep = fake.sweep(errors=(THROTTLED, BROKEN, lost_response()))
    for run in sweep:
        with run:
            make_ground(fake)
            uuid = subscribe(fake.client("lambda"))
            worlds.append((fake.clock.now, uuid))
            assert [mapping.uuid for mapping in fake.mappings] == [uuid]

    # It lists, creates, and lists once more: three calls and three errors, and one world without errors.
    assert len(worlds) == 1 + 3 * 3
    assert worlds[0] == min(worlds, key=lambda world: world[0])
    assert sweep.report == "sweep: 10 worlds, none broke; in 9 the fault struck and the body completed"
    assert [entry.detail for entry in fake.timeline.of("fault")][-1] == sweep.report


def test_the_next_attempt_at_a_call_whose_answer_was_lost_meets_what_it_made(fake):
    """It would not meet it if the answers of all attempts were lost."""
    conflicts = []
    for run in fake.sweep(errors=(lost_response(), latency(100), read_timeout(), latency(1))):
        with run:
            make_ground(fake)
            aws_lambda = fake.client("lambda")
            try:
                aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn(), FunctionName="orders")
            except (ClientError, ReadTimeoutError) as error:
                conflicts.append((str(run.target.error), type(error).__name__))

    assert conflicts == [
        ("lost response", "ResourceConflictException"),
        ("latency of 100 s", "ResourceConflictException"),
        ("read timeout", "ReadTimeoutError"),
    ]


@pytest.mark.parametrize(("per", "attempts"), [("call", 3), ("attempt", 2)])
def test_per_chooses_between_calls_and_attempts(fake, per, attempts):
    aws_lambda = boto3.client("lambda", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    made = []
    for run in fake.sweep(errors=(lost_response(), BROKEN), per=per):
        with run:
            try:
                aws_lambda.list_functions()
            except (ClientError, ReadTimeoutError):
                pass
            made.append(len(fake.calls))

    assert made == [1, attempts, attempts]


def test_the_line_of_a_lost_answer_replays_exactly_that_attempt(fake):
    """Earlier attempts count: here the body has its own fault, which botocore copes with."""
    with pytest.raises(SweepFailed) as caught:
        for run in fake.sweep(errors=(lost_response(),), operations=["CreateEventSourceMapping"]):
            with run:
                make_ground(fake)
                fake.client("sqs").create_queue(QueueName="more")
                aws_lambda = fake.client("lambda")
                fake.faults.add("CreateEventSourceMapping", BROKEN)
                for name in ("orders", "more"):
                    aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn(name), FunctionName="orders")

    report = str(caught.value)
    assert "world 3: CreateEventSourceMapping, call 2 of this operation: lost response" in report
    assert "@pytest.mark.lambda_esm_fault('CreateEventSourceMapping', lost_response(), after=2)" in report


def test_a_sweep_without_errors_takes_the_usual_four(fake):
    seen = []
    for run in fake.sweep(operations=["ListFunctions"]):
        with run:
            try:
                fake.client("lambda").list_functions()
                error = None
            except ClientError as refused:
                error = refused.response["Error"]["Code"]
            seen.append((error, len(fake.calls) > 1))

    assert seen == [
        (None, False),
        (THROTTLED, True),
        (BROKEN, True),
        ("AccessDeniedException", False),
        (None, True),  # The next attempt at the call whose answer was lost.
    ]


def test_the_report_shows_the_first_six_lines_of_an_error(fake):
    sweep = fake.sweep(errors=(BROKEN,))
    with pytest.raises(SweepFailed) as failed:
        for run in sweep:
            with run:
                try:
                    fake.client("lambda").list_functions()
                except ClientError:
                    raise ValueError("\n".join(f"line {number}" for number in range(1, 10))) from None

    assert "    ValueError: line 1\n    line 2\n" in sweep.report
    assert "    line 6\n    at " in sweep.report
    assert "line 7" not in str(failed.value)


def test_a_sweep_of_errors_that_no_call_can_raise_has_tested_nothing(fake):
    with pytest.raises(SweepFailed, match=r"tested nothing: no call .* can raise ResourceInUseException. It called "):
        for run in fake.sweep(errors=("ResourceInUseException",)):
            with run:
                fake.client("lambda").list_functions()


def test_errors_that_no_call_can_raise_are_named(fake):
    sweep = fake.sweep(errors=("ResourceInUseException", "AccessDeniedException"))
    for run in sweep:
        with run:
            try:
                fake.client("lambda").list_functions()
            except ClientError:
                pass

    assert "1 pair skipped" in sweep.report
    assert "no call can raise ResourceInUseException" in sweep.report


def test_what_a_body_swallows_is_counted(fake):
    sweep = fake.sweep(errors=("AccessDeniedException", BROKEN))
    for run in sweep:
        with run:
            try:
                fake.client("lambda").list_functions()
            except Exception:
                pass

    assert sweep.report == "sweep: 3 worlds, none broke; in 2 the fault struck and the body completed"


def test_a_body_that_exits_breaks_its_world(fake):
    with pytest.raises(SweepFailed, match=r"(?s)3 worlds, 2 broke.*SystemExit: 7.*replay it alone.*SystemExit: 7"):
        for run in fake.sweep(errors=("AccessDeniedException", BROKEN)):
            with run:
                try:
                    fake.client("lambda").list_functions()
                except ClientError:
                    sys.exit(7)


def test_several_sweeps_one_after_the_other(fake):
    def sweep(errors):
        worlds = fake.sweep(errors=errors)
        for run in worlds:
            with run:
                make_ground(fake)
                subscribe(fake.client("lambda"))
        return worlds.report

    assert sweep((THROTTLED,)).startswith("sweep: 4 worlds, none broke")
    assert sweep((BROKEN, lost_response())).startswith("sweep: 7 worlds, none broke")
    with pytest.raises(SweepFailed):
        for run in fake.sweep(errors=(BROKEN,)):
            with run:
                make_ground(fake)
                subscribe_once(fake.client("lambda"))
    assert sweep((THROTTLED,)).startswith("sweep: 4 worlds, none broke")

    fake.client("sqs").create_queue(QueueName="since-then")
    with pytest.raises(FaultError, match=r"already exist: queue 'since-then'\."):
        sweep((THROTTLED,))


def test_worlds_that_break_are_reported_together_with_the_line_that_replays_each(fake):
    with pytest.raises(SweepFailed) as caught:
        for run in fake.sweep(errors=(THROTTLED, "ResourceConflictException")):
            with run:
                make_ground(fake)
                mappings = subscribe_once(fake.client("lambda"))
                assert len(mappings) == 1

    report = str(caught.value)
    assert report.startswith("sweep: 4 worlds, 3 broke; 1 pair skipped because the operation cannot raise the error\n")
    assert "world 2: CreateEventSourceMapping, call 1 of this operation: TooManyRequestsException" in report
    assert "An error occurred (TooManyRequestsException) when calling the CreateEventSourceMapping" in report
    assert f"at {__file__}:" in report
    assert "@pytest.mark.lambda_esm_fault('CreateEventSourceMapping', 'TooManyRequestsException', per='call')" in report
    assert "@pytest.mark.lambda_esm_fault('ListEventSourceMappings', 'TooManyRequestsException', per='call')" in report


def test_an_assertion_that_fails_in_one_world_is_in_the_report(fake):
    with pytest.raises(SweepFailed, match=r"(?s)2 worlds, 1 broke.*AssertionError: assert not True"):
        for run in fake.sweep(errors=(lost_response(),), operations=["CreateEventSourceMapping"], per="attempt"):
            with run:
                make_ground(fake)
                try:
                    subscribe_once(fake.client("lambda"))
                except ClientError:
                    pass
                assert not any(call.error == "ResourceConflictException" for call in fake.calls)


def test_pytests_own_failures_break_a_world(fake):
    with pytest.raises(SweepFailed, match="DID NOT RAISE"):
        for run in fake.sweep(errors=(THROTTLED,)):
            with run:
                aws_lambda = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
                try:
                    aws_lambda.list_functions()
                except ClientError:
                    with pytest.raises(ZeroDivisionError):
                        pass


def test_a_skip_in_a_world_skips_the_test(fake):
    with pytest.raises(pytest.skip.Exception):
        for run in fake.sweep(errors=(THROTTLED,)):
            with run:
                if run.target:
                    pytest.skip("not here")
                fake.client("lambda").list_functions()


def test_every_world_has_the_same_objects_in_their_initial_state(fake):
    clock, faults, start = fake.clock, fake.faults, fake.clock.now
    aws_lambda = fake.client("lambda")
    for run in fake.sweep(errors=(BROKEN,)):
        with run:
            assert fake.clock is clock
            assert fake.faults is faults
            assert clock.now == start
            assert clock.slept == []
            assert len(fake.calls) == 0
            assert list(fake.mappings) == []
            assert list(fake.timeline) == []
            assert fake.client("sqs").list_queues().get("QueueUrls", []) == []
            make_ground(fake)
            subscribe(aws_lambda)
            clock.advance(hours=5)


def test_each_world_has_the_same_ids(fake):
    ids = []
    with pytest.raises(SweepFailed):
        for run in fake.sweep(errors=(THROTTLED, BROKEN), operations=["ListEventSourceMappings"]):
            with run:
                make_ground(fake)
                aws_lambda = fake.client("lambda")
                answer = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn(), FunctionName="orders")
                ids.append((answer["UUID"], answer["ResponseMetadata"]["RequestId"]))
                aws_lambda.list_event_source_mappings()

    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_each_world_has_the_same_ids_and_names_from_moto(fake):
    ids = []
    for run in fake.sweep(errors=(THROTTLED, BROKEN), operations=["ListFunctions"]):
        with run:
            role = fake.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["RoleId"]
            api = fake.client("apigateway").create_rest_api(name="a")["id"]
            ids.append((role, api))
            try:
                fake.client("lambda").list_functions()
            except ClientError:
                pass

    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_a_client_of_the_test_retries_in_the_last_world_as_in_the_first(fake):
    """Its retry quota would be used up after some worlds."""
    aws_lambda = boto3.client("lambda", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    attempts = []
    for run in fake.sweep(errors=(BROKEN,) * 60):
        with run:
            try:
                aws_lambda.list_functions()
            except ClientError:
                attempts.append(len(fake.calls.of("ListFunctions")))

    assert attempts == [3] * 60


def test_transition_times_set_before_hold_in_every_world(fake):
    fake.transitions(creating="instant")
    for run in fake.sweep(errors=(THROTTLED,), operations=["GetEventSourceMapping"]):
        with run:
            make_ground(fake)
            aws_lambda = fake.client("lambda")
            mapping = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn(), FunctionName="orders")
            try:
                assert aws_lambda.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"
            except ClientError:
                assert run.target is not None


def test_operations_of_other_services(fake):
    struck = []
    for run in fake.sweep(errors=("InternalError", "RequestThrottled"), operations=["sqs.SendMessage"]):
        with run:
            make_ground(fake)
            url = fake.client("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
            for body in "ab":
                try:
                    fake.client("sqs").send_message(QueueUrl=url, MessageBody=body)
                except ClientError as error:
                    struck.append((body, error.response["Error"]["Code"]))

    assert struck == [
        ("a", "InternalError"),
        ("a", "RequestThrottled"),
        ("b", "InternalError"),
        ("b", "RequestThrottled"),
    ]


def test_a_body_that_fails_without_faults_fails_by_itself(fake):
    with pytest.raises(ZeroDivisionError):
        for run in fake.sweep():
            with run:
                _ = 1 / 0


def test_a_body_that_fails_without_faults_cannot_be_swallowed(fake):
    with pytest.raises(SweepFailed, match=r"fails without any fault.*ZeroDivisionError: division by zero"):
        for run in fake.sweep():
            try:
                with run:
                    _ = 1 / 0
            except Exception:
                pass


def test_calls_that_differ_from_world_to_world_are_reported(fake):
    with pytest.raises(SweepFailed) as caught:
        for run in fake.sweep(errors=(THROTTLED,)):
            with run:
                try:
                    fake.client("lambda").list_tags(
                        Resource=f"arn:aws:lambda:{REGION}:123456789012:function:{uuid.uuid4()}"
                    )
                except ClientError:
                    pass

    report = str(caught.value)
    assert "not deterministic: call 1 was ListTags(Resource=" in report
    assert "make the same calls each time: avoid random names" in report
    assert "in world 1, and ListTags(Resource=" in report


def test_a_call_that_is_not_made_again_is_reported(fake):
    runs = []
    with pytest.raises(SweepFailed, match=r"call 1 was ListFunctions\(\) in world 1, and not made in world 2"):
        for run in fake.sweep(errors=(THROTTLED,)):
            with run:
                runs.append(run)
                if len(runs) == 1:
                    fake.client("lambda").list_functions()


def test_a_body_without_calls_is_nothing_to_sweep(fake):
    with pytest.raises(SweepFailed, match="made no call of Lambda"):
        for run in fake.sweep():
            with run:
                pass


def test_a_run_has_to_be_entered(fake):
    with pytest.raises(FaultError, match="write 'with run:'"):
        for _run in fake.sweep():
            pass


@pytest.mark.parametrize("make", ["queue", "function", "handler"])
def test_what_was_made_before_would_be_gone(fake, make):
    if make == "queue":
        fake.client("sqs").create_queue(QueueName="orders")
    elif make == "function":
        fake.function("orders")
    else:
        fake.bind("orders", lambda event, context: None)

    with pytest.raises(FaultError, match=r"'orders'.*inside 'with run:'"):
        for run in fake.sweep():
            with run:
                pass


def test_a_fault_asked_for_before_would_be_gone(fake):
    fake.faults.add("ListFunctions", THROTTLED, optional=True)

    with pytest.raises(FaultError, match=r"each world of a sweep has its own faults.*ListFunctions"):
        for run in fake.sweep():
            with run:
                pass


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"errors": ("TooManyRequestException",)}, "Did you mean 'TooManyRequestsException'"),
        ({"errors": (aws_error("Nonsense"),)}, "can raise 'Nonsense'"),
        ({"errors": THROTTLED}, "takes tuples"),
        ({"errors": ()}, "given no error"),
        ({"errors": None}, "takes tuples.*errors is None"),
        ({"errors": (None,)}, r"an error is the name of one that the operation can raise, .* not None"),
        ({"errors": (3,)}, "an error is the name of one .* not 3"),
        ({"errors": (lost_response,)}, r"lost_response is a function: call it, as in lost_response\(\)"),
        (
            {"errors": (aws_error("TooManyRequestsException", Reson="x"),)},
            "TooManyRequestsException of .* has no member 'Reson'. Did you mean 'Reason'",
        ),
        (
            {"errors": ("ResourceInUseException",), "operations": ["CreateEventSourceMapping"]},
            "CreateEventSourceMapping cannot raise 'ResourceInUseException'",
        ),
        (
            {"errors": ("ResourceInUseException",), "operations": ["CreateEventSourceMapping", "ListFunctions"]},
            "no operation of this sweep can raise 'ResourceInUseException'",
        ),
        ({"errors": (lost_response(),), "operations": ["poller.Read"]}, "poller.Read has no fault"),
        ({"operations": ()}, "given no operation"),
        ({"operations": 3}, "takes tuples.*operations is 3"),
        ({"operations": [3]}, "an operation is a name"),
        ({"operations": ["ListFunction"]}, "Did you mean 'ListFunctions'"),
        ({"operations": "ListFunctions"}, "takes tuples"),
        ({"per": "try"}, "per is 'call' or 'attempt'"),
    ],
)
def test_unknown_names_are_refused_at_once(fake, arguments, told):
    with pytest.raises(FaultError, match=told):
        fake.sweep(**arguments)


def test_a_fault_of_the_body_that_never_strikes_fails_the_first_world(fake):
    with pytest.raises(UnusedFault, match="'Invoke', 'ServiceException'"):
        for run in fake.sweep():
            with run:
                fake.faults.add("Invoke", BROKEN)
                fake.client("lambda").list_functions()


def test_a_body_that_swallows_an_error_of_the_fake_breaks_its_world(fake):
    def swallow():
        raise FaultError("meant for the test's author")

    for run in fake.sweep(errors=(THROTTLED,), per="attempt"):
        with run:
            fake.faults.add("ListFunctions", BROKEN, match=lambda call: swallow(), optional=True)
            with pytest.raises(FaultError):
                fake.client("lambda").list_functions()

    with pytest.raises(FaultError, match="meant for"):
        for run in fake.sweep(errors=(THROTTLED,)):
            with run:
                fake.faults.add("ListFunctions", BROKEN, match=lambda call: swallow(), optional=True)
                namespace = {"client": fake.client("lambda")}
                exec("try:\n    client.list_functions()\nexcept Exception:\n    pass", namespace)


def test_a_sweep_that_was_left_early_is_reported_at_the_end():
    with pytest.raises(UnusedFault, match=r"a sweep was left after 2 of 3 worlds"):
        with FakeLambda(region=REGION) as fake:
            for run in fake.sweep(errors=(THROTTLED, BROKEN)):
                with run:
                    try:
                        fake.client("lambda").list_functions()
                    except ClientError:
                        pass
                if run.target:
                    break
