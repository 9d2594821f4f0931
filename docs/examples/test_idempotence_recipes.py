"""Recipes of the page "Is my handler idempotent?"."""

# [setup]
import boto3
import pytest

from pytest_lambda_esm import NotIdempotent, runs

dynamodb = boto3.resource("dynamodb", region_name="us-east-1")


def deliver(lambda_esm, handler):
    """Make a world with two orders in a queue, and deliver them to a handler."""
    lambda_esm.table("charges", key="order")
    orders = lambda_esm.queue("orders")
    lambda_esm.connect(orders, lambda_esm.function("charge", handler), BatchSize=1)
    orders.send("lamp")
    orders.send("chair")
    lambda_esm.clock.run_until_idle()


# [/setup]


# [careless]
def careless(event, context):
    """Code under test: adds up what each order has been charged."""
    for record in event["Records"]:
        dynamodb.Table("charges").update_item(
            Key={"order": record["body"]}, UpdateExpression="ADD charged :one", ExpressionAttributeValues={":one": 1}
        )


def test_a_second_delivery_charges_again(lambda_esm):
    with pytest.raises(NotIdempotent) as caught:
        lambda_esm.check_idempotent(lambda: deliver(lambda_esm, careless))

    assert "table charges: item lamp has charged = 2, was 1" in str(caught.value)


# [/careless]


# [repaired]
def repaired(event, context):
    """Code under test: charges each order once, whatever is delivered how often."""
    for record in event["Records"]:
        dynamodb.Table("charges").put_item(Item={"order": record["body"], "charged": 1})


def test_the_repaired_handler_is_idempotent(lambda_esm):
    lambda_esm.check_idempotent(lambda: deliver(lambda_esm, repaired))


# [/repaired]


# [cut]
def two_writes(event, context):
    """Code under test: writes twice, in the wrong order."""
    for record in event["Records"]:
        order, table = {"order": record["body"]}, dynamodb.Table("charges")
        if "Item" not in table.get_item(Key=order):
            table.put_item(Item={**order, "charged": 1})
            table.put_item(Item={"order": f"receipt of {record['body']}"})


def test_the_receipt_is_lost_when_the_process_ends_between_the_writes(lambda_esm):
    lambda_esm.function("charge").script(runs().cut_after(1))

    deliver(lambda_esm, two_writes)

    written = [item["order"] for item in dynamodb.Table("charges").scan()["Items"]]
    assert "receipt of chair" in written
    assert "receipt of lamp" not in written


# [/cut]


# [deliveries]
def test_the_repaired_handler_survives_what_may_happen_to_a_delivery(lambda_esm):
    for run in lambda_esm.sweep(operations=["poller.*"], deliveries=True):
        with run:
            deliver(lambda_esm, repaired)

            charged = {item["order"]: item["charged"] for item in dynamodb.Table("charges").scan()["Items"]}
            assert charged == {"lamp": 1, "chair": 1}


# [/deliveries]
