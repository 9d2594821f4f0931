"""Writes the orders of uploaded files to the table. A file that is not an order comes again, and then is rejected."""

import json
import os
from urllib.parse import unquote_plus

import boto3

s3 = boto3.client("s3")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    failures = []
    for message in event["Records"]:
        try:
            for record in json.loads(message["body"])["Records"]:
                import_order(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
        except ValueError:
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def import_order(bucket, key):
    order = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    table.put_item(Item={"id": key, "article": order["article"], "mail": order["mail"]})
