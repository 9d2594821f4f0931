"""Code under test, a program that runs until it is stopped: it moves messages from one queue to another."""

import boto3

sqs = boto3.client("sqs")
orders, bills = (sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("orders", "bills"))
while True:
    for message in sqs.receive_message(QueueUrl=orders, WaitTimeSeconds=20).get("Messages", []):
        sqs.send_message(QueueUrl=bills, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=orders, ReceiptHandle=message["ReceiptHandle"])
