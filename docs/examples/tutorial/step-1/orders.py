import json

import boto3


def handler(event, context):
    table = boto3.resource("dynamodb").Table("orders")
    for record in event["Records"]:
        order = json.loads(record["body"])
        table.put_item(Item={"id": order["id"], "article": order["article"]})
