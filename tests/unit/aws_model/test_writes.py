"""Which operations write, judged by their names."""

import pytest

from pytest_lambda_esm.aws_model.writes import writes


@pytest.mark.parametrize(
    "name",
    [
        "dynamodb.PutItem",
        "dynamodb.TransactWriteItems",
        "dynamodb.BatchWriteItem",
        "dynamodb.UpdateItem",
        "s3.PutObject",
        "s3.CompleteMultipartUpload",
        "sqs.SendMessage",
        "sqs.DeleteMessage",
        "sns.Publish",
        "kinesis.PutRecords",
        "lambda.Invoke",
        "events.PutEvents",
        "ses.SendEmail",
        "stepfunctions.StartExecution",
    ],
)
def test_what_keeps_something_writes(name):
    assert writes(*name.split("."))


@pytest.mark.parametrize(
    "name",
    [
        "dynamodb.GetItem",
        "dynamodb.BatchGetItem",
        "dynamodb.TransactGetItems",
        "dynamodb.Query",
        "dynamodb.Scan",
        "s3.HeadObject",
        "s3.ListObjectsV2",
        "s3.SelectObjectContent",
        "sqs.ReceiveMessage",
        "sqs.ChangeMessageVisibility",
        "kinesis.DescribeStream",
        "kms.Decrypt",
        "kms.GenerateDataKey",
        "secretsmanager.GetSecretValue",
        "sts.AssumeRole",
    ],
)
def test_what_keeps_nothing_reads(name):
    assert not writes(*name.split("."))
