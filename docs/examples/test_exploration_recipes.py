"""Recipes of the page "Find what breaks it"."""
# ruff: noqa: PT012 - an exploration is a loop with a block, also inside pytest.raises

# [setup]
import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings

from pytest_lambda_esm import ExplorationFailed
from pytest_lambda_esm.strategies import troubles

dynamodb = boto3.resource("dynamodb", region_name="us-east-1")


def deliver(lambda_esm, handler):
    """Make a world with an order in a queue, deliver it to a handler, and return what was charged."""
    lambda_esm.table("charges", key="order")
    orders = lambda_esm.queue("orders")
    lambda_esm.connect(orders, lambda_esm.function("charge", handler))
    orders.send("lamp")
    lambda_esm.clock.run_until_idle()
    return {item["order"]: item["charged"] for item in dynamodb.Table("charges").scan()["Items"]}


# [/setup]


# [careless]
def careless(event, context):
    """Code under test: charges an order again only if it cannot see that it was charged."""
    table = dynamodb.Table("charges")
    for record in event["Records"]:
        order = {"order": record["body"]}
        try:
            is_charged = "Item" in table.get_item(Key=order)
        except ClientError:
            is_charged = False
        if not is_charged:
            table.update_item(Key=order, UpdateExpression="ADD charged :one", ExpressionAttributeValues={":one": 1})


def test_what_breaks_the_careless_handler(lambda_esm):
    with pytest.raises(ExplorationFailed) as caught:
        for run in lambda_esm.explore(runs=60, at_most=2, operations=["poller.Delete", "dynamodb.GetItem"]):
            with run:
                assert deliver(lambda_esm, careless) == {"lamp": 1}

    report = str(caught.value)
    assert "by poller.Delete: lost and dynamodb.GetItem" in report
    assert "@pytest.mark.lambda_esm_fault('poller.Delete', 'lost')" in report


# [/careless]


# [repaired]
def repaired(event, context):
    """Code under test: an order that it cannot look up is delivered again."""
    table = dynamodb.Table("charges")
    for record in event["Records"]:
        table.put_item(Item={"order": record["body"], "charged": 1})


def test_nothing_breaks_the_repaired_handler(lambda_esm):
    for run in lambda_esm.explore(runs=30, at_most=2):
        with run:
            assert deliver(lambda_esm, repaired) == {"lamp": 1}


# [/repaired]


# [hypothesis]
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trouble=troubles(at_most=2))
def test_orders_are_charged_once(lambda_esm, trouble):
    with lambda_esm.world(trouble):
        assert deliver(lambda_esm, repaired) == {"lamp": 1}


# [/hypothesis]
