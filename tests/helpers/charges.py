"""A small application that charges orders of a queue in a table, with handlers of different quality."""

import boto3
from botocore.config import Config

from helpers.queues import arn_of, make_queue, send

# The legacy mode tries DynamoDB ten times, which takes longer than the function may run.
STANDARD = Config(retries={"mode": "standard"})
TABLE = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


class Charges:
    """The clients, which all worlds share, and the application's set-up."""

    def __init__(self):
        self.dynamodb = boto3.client("dynamodb", region_name="us-east-1", config=STANDARD)
        self.functions = boto3.client("lambda", region_name="us-east-1")
        self.table = boto3.resource("dynamodb", region_name="us-east-1", config=STANDARD).Table("charges")

    def add(self, event, context):
        """Charge orders; a second delivery charges them again."""
        for record in event["Records"]:
            self.add_one(record["body"])

    def put(self, event, context):
        """Charge orders, once."""
        for record in event["Records"]:
            self.table.put_item(Item={"id": record["body"], "n": 1})

    def fragile(self, event, context):
        """Charge orders once, unless they are delivered twice *and* a check of the second one fails."""
        for record in event["Records"]:
            try:
                found = "Item" in self.table.get_item(Key={"id": record["body"]})
            except Exception:
                found = False
            if not found:
                self.add_one(record["body"])

    def add_one(self, order):
        self.table.update_item(Key={"id": order}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})

    def run(self, lambda_esm, handler, *orders):
        """Deliver orders to a handler, and return how often each was charged."""
        self.dynamodb.create_table(TableName="charges", **TABLE)
        url = make_queue()
        lambda_esm.function("charge", handler)
        self.functions.create_event_source_mapping(EventSourceArn=arn_of(url), FunctionName="charge", BatchSize=1)
        send(url, *orders)
        lambda_esm.clock.run_until_idle()
        return {item["id"]: int(item["n"]) for item in self.table.scan()["Items"]}
