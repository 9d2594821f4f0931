"""The wall clocks of the process, with the fake's own freezer and with the user's."""

import datetime
import time

import boto3
import pytest
from botocore.config import Config
from freezegun import freeze_time

from pytest_lambda_esm import ClockError, FakeLambda


def test_wall_clocks_follow_and_monotonic_ones_do_not(lambda_esm):
    monotonic = time.monotonic()
    lambda_esm.clock.advance(days=1)
    assert datetime.datetime.now(datetime.timezone.utc) == lambda_esm.clock.now
    assert datetime.date.today() == datetime.date(2026, 1, 2)
    assert time.time() == lambda_esm.clock.now.timestamp()
    assert time.monotonic() - monotonic < 60


def test_moto_stamps_with_virtual_time(lambda_esm):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    lambda_esm.clock.advance(hours=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    [message] = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert int(message["Attributes"]["SentTimestamp"]) == lambda_esm.clock.now.timestamp() * 1000


@freeze_time("2024-02-29T12:00:00")
def test_a_decorators_time_is_taken_over(lambda_esm, connect):
    assert lambda_esm.clock.now.isoformat() == "2024-02-29T12:00:00+00:00"
    setup = connect(lambda_esm)
    setup.wait_until_enabled()
    assert datetime.datetime.now().isoformat() == "2024-02-29T12:00:05"


def test_a_freezer_that_was_there_is_taken_over_and_followed(connect):
    with freeze_time("2024-02-29") as frozen, FakeLambda() as fake:
        setup = connect(fake)
        setup.send("x")
        frozen.tick(datetime.timedelta(seconds=10))
        assert fake.clock.now.isoformat() == "2024-02-29T00:00:10+00:00"
        assert lambda_state(setup) == "Enabled"
        fake.clock.run_until_idle()
        assert len(setup.function.invocations) == 1
        fake.clock.advance(50)
        assert datetime.datetime.now().isoformat() == "2024-02-29T00:01:00"


@pytest.mark.parametrize("tool", ["freezegun", "time-machine"])
@pytest.mark.parametrize(
    "start", ["2026-03-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "2028-01-01T00:00:00+00:00"]
)
def test_a_start_that_was_given_moves_a_freezer_that_was_there(connect, tool, start):
    with ticking(tool), FakeLambda(start=start) as fake:
        assert fake.clock.now.isoformat() == datetime.datetime.now(datetime.timezone.utc).isoformat() == start
        setup = connect(fake)
        setup.wait_until_enabled()
        setup.send("x")
        fake.clock.run_until_idle()
        assert len(setup.function.invocations) == 1


def lambda_state(setup):
    return setup.aws_lambda.get_event_source_mapping(UUID=setup.uuid)["State"]


def test_moving_a_freezer_runs_what_fell_due(connect):
    with freeze_time("2024-02-29") as frozen, FakeLambda() as fake:
        setup = connect(fake)
        setup.wait_until_enabled()
        setup.send("x")
        frozen.move_to("2024-02-29T01:00:00")
        assert lambda_state(setup) == "Enabled"
        assert len(setup.function.invocations) == 1


def test_a_freeze_within_is_a_jump(lambda_esm, connect):
    setup = connect(lambda_esm)
    with freeze_time("2026-01-01T01:00:00"):
        assert lambda_state(setup) == "Enabled"
    assert lambda_esm.clock.now.isoformat() == "2026-01-01T01:00:00+00:00"
    assert time.time() == lambda_esm.clock.now.timestamp()


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_retries_cost_virtual_time_only(lambda_esm, mode):
    client = boto3.client("lambda", config=Config(retries={"mode": mode, "max_attempts": 3}))
    answers = []

    def throttle(**kwargs):
        if len(answers) < 2:
            from botocore.awsrequest import AWSResponse

            answers.append(1)
            raw = type("Raw", (), {"stream": lambda self: iter([b"{}"]), "read": lambda self: b"{}"})()
            return AWSResponse("https://x", 429, {"x-amzn-errortype": "TooManyRequestsException"}, raw)
        return None

    client.meta.events.register_first("before-send.lambda", throttle)
    began = time.perf_counter()
    answer = client.list_event_source_mappings()
    assert time.perf_counter() - began < 5
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert len(lambda_esm.clock.slept) >= 2
    assert lambda_esm.clock.now.timestamp() == pytest.approx(1767225600 + sum(lambda_esm.clock.slept), abs=0.01)


def test_waiters_cost_virtual_time_only(lambda_esm):
    client = boto3.client("lambda")
    with pytest.raises(Exception, match="Max attempts exceeded"):
        client.get_waiter("function_exists").wait(FunctionName="f")
    assert len(lambda_esm.clock.slept) == 19


@pytest.mark.lambda_esm(sleep="real")
def test_sleeping_may_be_left_real(lambda_esm):
    time.sleep(0)
    assert lambda_esm.clock.slept == []


def test_time_machine_as_the_wall_clock(connect):
    pytest.importorskip("time_machine")
    with FakeLambda(wall_clock="time-machine", start="2027-05-05T00:00:00Z") as fake:
        setup = connect(fake)
        setup.wait_until_enabled()
        setup.send("x")
        fake.clock.run_until_idle()
        assert len(setup.function.invocations) == 1
        assert type(datetime.datetime.now()) is datetime.datetime
        assert datetime.datetime.now(datetime.timezone.utc) == fake.clock.now


def test_time_machine_that_travels_already_is_taken_over(connect):
    time_machine = pytest.importorskip("time_machine")
    with time_machine.travel("2027-05-05T00:00:00Z", tick=False), FakeLambda() as fake:
        setup = connect(fake)
        setup.wait_until_enabled()
        assert fake.clock.now.isoformat() == "2027-05-05T00:00:05+00:00"


def ticking(tool):
    if tool == "freezegun":
        return freeze_time("2027-05-05T00:00:00Z", tick=True)
    return pytest.importorskip("time_machine").travel("2027-05-05T00:00:00Z")  # It ticks unless told otherwise.


def use(fake, connect):
    """The main job, and time to the microsecond."""
    setup = connect(fake, lambda event, context: time.sleep(1))
    setup.wait_until_enabled()
    setup.send("x")
    fake.clock.run_until_idle()
    before = fake.clock.now
    assert [invocation.duration.total_seconds() for invocation in setup.function.invocations] == [1]
    fake.clock.advance_to(fake.clock.now)
    fake.clock.advance(hours=1)
    assert fake.clock.now - before == datetime.timedelta(hours=1)
    assert datetime.datetime.now(datetime.timezone.utc) == fake.clock.now


@pytest.mark.parametrize("tool", ["freezegun", "time-machine"])
def test_a_freezer_that_ticks_stands_still_while_the_fake_is_active(connect, tool):
    with ticking(tool):
        with FakeLambda() as fake:
            use(fake, connect)
        stood = time.time_ns()
        while time.time_ns() == stood:
            pass


@pytest.mark.parametrize("tool", ["freezegun", "time-machine"])
def test_a_freezer_within_that_ticks_stands_still_from_its_first_use(connect, tool):
    freezer = ticking(tool)
    with FakeLambda(wall_clock=tool) as fake, freezer:
        use(fake, connect)
        assert fake.clock.now.date() == datetime.date(2027, 5, 5)


def test_the_clock_cannot_be_moved_from_a_handler(lambda_esm, connect):
    setup = connect(lambda_esm, lambda event, context: lambda_esm.clock.advance(1))
    setup.send("x")
    with pytest.raises(ClockError, match=r"call time\.sleep\(\) in its handler"):
        lambda_esm.clock.run_until_idle()
