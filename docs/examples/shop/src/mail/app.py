"""Confirms each new order by mail."""


def handler(event, context):
    for record in event["Records"]:
        order = record["dynamodb"]["NewImage"]
        if "@" not in order["mail"]["S"]:
            raise ValueError(f"{order['mail']['S']} is not an address")
        print(f"mail to {order['mail']['S']}: {order['article']['S']} is on its way")
