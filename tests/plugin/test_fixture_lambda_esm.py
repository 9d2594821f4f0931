JOB = """
import time
import boto3

def test_main_job(lambda_esm):
    sqs, aws_lambda = boto3.client("sqs"), boto3.client("lambda")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = lambda_esm.function("orders", lambda event, context: None)
    uuid = aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")["UUID"]
    while aws_lambda.get_event_source_mapping(UUID=uuid)["State"] != "Enabled":
        time.sleep(5)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1
"""


def test_the_main_job_passes(run):
    run(JOB).assert_outcomes(passed=1)


def test_it_passes_under_xdist(pytester):
    pytester.makepyfile(test_one=JOB, test_two=JOB)
    pytester.runpytest_subprocess("-n", "2", "-p", "no:randomly").assert_outcomes(passed=2)


def test_each_test_has_a_fresh_world(run):
    result = run(
        """
        import boto3, pytest

        @pytest.mark.parametrize("time", [1, 2])
        def test_fresh(lambda_esm, time):
            assert len(lambda_esm.timeline) == 0
            assert boto3.client("sqs").list_queues().get("QueueUrls", []) == []
            assert lambda_esm.clock.now.isoformat() == "2026-01-01T00:00:00+00:00"
            boto3.client("sqs").create_queue(QueueName="left-behind")
            lambda_esm.clock.advance(days=1)
        """
    )
    result.assert_outcomes(passed=2)


def test_every_fixture_is_documented(pytester):
    result = pytester.runpytest_inprocess("--fixtures", "-p", "no:randomly")
    text = result.stdout.str()
    for name in ("lambda_esm ", "lambda_esm_clock", "lambda_esm_client", "lambda_esm_config"):
        assert name in text
    assert "no docstring available" not in text[text.index("lambda_esm_config") :].split("----")[0]


def test_pytests_own_durations_stay_real(run):
    result = run(
        """
        def test_a_year(lambda_esm):
            lambda_esm.clock.advance(days=365)
        """,
        "--durations=3",
        "-vv",
    )
    result.assert_outcomes(passed=1)
    seconds = [float(line.split("s ")[0]) for line in result.outlines if "s call " in line or "s setup " in line]
    assert seconds
    assert max(seconds) < 60


def test_a_second_fake_is_refused(run):
    result = run(
        """
        import pytest
        from pytest_lambda_esm import AlreadyActive, FakeLambda

        def test_two(lambda_esm):
            with pytest.raises(AlreadyActive, match="one at a time"), FakeLambda():
                pass
            lambda_esm.clock.advance(1)
        """
    )
    result.assert_outcomes(passed=1)


def test_server_mode_is_refused(pytester, monkeypatch):
    monkeypatch.setenv("TEST_SERVER_MODE", "true")
    pytester.makepyfile("def test_it(lambda_esm): pass")
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*NotSimulated: moto is in server or proxy mode*"])
