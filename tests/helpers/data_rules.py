"""The filter rules of each event source, by the name that the tests are parametrised with."""

from __future__ import annotations

from pytest_lambda_esm.filters import data_rules

DATA_RULES = {
    "sqs": data_rules.SQS,
    "kinesis": data_rules.KINESIS,
    "dynamodb": data_rules.DYNAMODB,
    "kafka": data_rules.KAFKA,
    "mq": data_rules.MQ,
    "documentdb": data_rules.DOCUMENTDB,
}
