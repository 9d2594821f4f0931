"""Troubles as a Hypothesis strategy, with worlds of the same fake."""

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings

from helpers.charges import Charges
from helpers.queues import make_queue
from pytest_lambda_esm import FakeLambda, FaultError, UnusedFault
from pytest_lambda_esm.strategies import troubles

FEW = settings(max_examples=15, database=None, deadline=None, suppress_health_check=list(HealthCheck))


@given(trouble=troubles(at_most=2))
@FEW
def test_each_example_has_a_world_of_its_own(lambda_esm, trouble):
    charges = Charges()
    with lambda_esm.world(trouble):
        assert charges.run(lambda_esm, charges.put, "o1") == {"o1": 1}


def test_the_smallest_example_prints_its_markers(pytester):
    pytester.makepyfile(
        """
        import boto3
        from hypothesis import HealthCheck, given, settings
        from pytest_lambda_esm.strategies import troubles

        def add(event, context):
            boto3.resource("dynamodb").Table("charges").update_item(
                Key={"id": "o"}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})

        @given(trouble=troubles(at_most=3))
        @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def test_it(lambda_esm, trouble):
            with lambda_esm.world(trouble):
                boto3.client("dynamodb").create_table(TableName="charges", BillingMode="PAY_PER_REQUEST",
                    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
                lambda_esm.function("f", add)
                boto3.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload="1")
                lambda_esm.clock.run_until_idle()
                item, = boto3.resource("dynamodb").Table("charges").scan()["Items"]
                assert item["n"] == 1
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*trouble=<Trouble at step 1>*",
            "*replay it without Hypothesis, with these lines above the test:",
            "*@pytest.mark.lambda_esm_fault('poller.InvokeEvent', 'duplicated')",
        ]
    )


def test_without_a_trouble_it_is_a_fresh_world():
    with FakeLambda() as fake:
        for _ in range(2):
            with fake.world():
                make_queue()
                assert fake.clock.now == fake.config.start


def test_a_world_that_is_never_entered_is_reported(pytester):
    pytester.makepyfile(
        """
        from hypothesis import HealthCheck, given, settings
        from pytest_lambda_esm.strategies import troubles

        @given(trouble=troubles())
        @settings(max_examples=3, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        def test_forgotten(lambda_esm, trouble):
            lambda_esm.world(trouble)
            assert lambda_esm.region

        @given(trouble=troubles())
        @settings(max_examples=3, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        def test_entered(lambda_esm, trouble):
            run = lambda_esm.world(trouble)
            with run:
                assert lambda_esm.region
        """
    )
    result = pytester.runpytest("-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*the world of *test_a_world_that_is_never_entered_is_reported.py:7 was never entered*"]
    )
    assert str(result.stdout).count("was never entered") == 1


def test_a_world_that_is_never_entered_is_reported_without_pytest():
    fake = FakeLambda(strict=True)
    with pytest.raises(UnusedFault, match=r"test_strategies\.py:\d+ was never entered"), fake:
        fake.world()


def test_what_was_made_outside_of_worlds_is_refused(lambda_esm):
    make_queue()
    with pytest.raises(FaultError, match="a world starts empty, but these already exist: queue 'orders'"):
        lambda_esm.world()


def test_other_things_than_troubles_are_refused(lambda_esm):
    with pytest.raises(FaultError, match=r"world takes a trouble that the strategy .*troubles\(\) has drawn"):
        lambda_esm.world("duplicated")


@pytest.mark.parametrize("at_most", [0, -1, 1.5, True])
def test_a_number_below_one_is_refused(at_most):
    with pytest.raises(FaultError, match="troubles: at_most is a whole number from 1"):
        troubles(at_most)


def test_one_name_is_no_tuple_of_names():
    with pytest.raises(FaultError, match="operations is a tuple of names"):
        troubles(operations="poller.Read")
