"""Recipes for suites that are written with unittest."""

# ruff: noqa: PT009  unittest's own assertions are the point here.

# [setup]
import unittest

import boto3
import pytest

from pytest_lambda_esm import FakeLambda

# [/setup]


# [unittest]
class OrdersTest(unittest.TestCase):
    def setUp(self):
        self.fake = FakeLambda(region="eu-west-1")
        self.fake.__enter__()
        self.addCleanup(self.fake.__exit__, None, None, None)
        self.orders = self.fake.function("orders", lambda event, context: len(event["Records"]))
        self.url = boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
        boto3.client("lambda").create_event_source_mapping(
            EventSourceArn="arn:aws:sqs:eu-west-1:123456789012:orders", FunctionName="orders"
        )

    def test_an_order_arrives(self):
        boto3.client("sqs").send_message(QueueUrl=self.url, MessageBody="lamp")
        self.fake.clock.run_until_idle()

        [invocation] = self.orders.invocations
        self.assertEqual(invocation.bodies, ["lamp"])

    def test_each_test_has_a_world_of_its_own(self):
        self.assertEqual(self.orders.invocations, [])
        self.assertEqual(self.fake.clock.slept, [])


# [/unittest]


# [fixture]
class RefundsTest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _lambda_esm(self, lambda_esm):
        self.fake = lambda_esm

    @pytest.mark.lambda_esm(region="eu-west-1")
    def test_the_fixture_works_as_well_if_pytest_runs_the_tests(self):
        queue = boto3.client("sqs").create_queue(QueueName="refunds")["QueueUrl"]
        self.assertIn("eu-west-1", queue)
        self.assertEqual(self.fake.region, "eu-west-1")


# [/fixture]
