"""Code under test, a program: it connects a queue with a function, and waits until the mapping is enabled."""

import sys
import time

import boto3


def main(queue_arn, function_name):
    aws_lambda = boto3.client("lambda")
    created = aws_lambda.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName=function_name)
    while aws_lambda.get_event_source_mapping(UUID=created["UUID"])["State"] != "Enabled":
        time.sleep(0.01)  # In another process, this is real time.
    print(created["UUID"])


main(*sys.argv[1:])
