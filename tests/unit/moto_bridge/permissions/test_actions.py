"""Which actions, on which resources, calls need."""

import boto3
import pytest

from pytest_lambda_esm.moto_bridge.permissions import actions
from pytest_lambda_esm.moto_bridge.permissions.actions import needed
from pytest_lambda_esm.moto_bridge.permissions.places import Place, Unresolved

PLACE = Place("123456789012", "eu-west-1")
HERE = "eu-west-1:123456789012"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
OTHERS_URL = "https://sqs.eu-west-1.amazonaws.com/210987654321/orders"
QUEUE = f"arn:aws:sqs:{HERE}:orders"
TABLE = f"arn:aws:dynamodb:{HERE}:table/orders"
STREAM = f"arn:aws:kinesis:{HERE}:stream/clicks"
TOPIC = f"arn:aws:sns:{HERE}:news"
KEY = f"arn:aws:kms:{HERE}:key/1234"
FILE = "arn:aws:s3:::files/a/b.txt"
SAME = f"arn:aws:events:{HERE}"
LOGS = f"arn:aws:logs:{HERE}:log-group:/orders:log-stream"
MACHINE = f"arn:aws:states:{HERE}:stateMachine:ship"
ROLE = "arn:aws:iam::123456789012:role/other"

NEEDED = [
    ("sqs", "SendMessage", {"QueueUrl": QUEUE_URL}, [("sqs:SendMessage", QUEUE)]),
    ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE_URL}, [("sqs:SendMessage", QUEUE)]),
    ("sqs", "DeleteMessageBatch", {"QueueUrl": QUEUE_URL}, [("sqs:DeleteMessage", QUEUE)]),
    (
        "sqs",
        "ReceiveMessage",
        {"QueueUrl": OTHERS_URL},
        [("sqs:ReceiveMessage", QUEUE.replace("123456789012", "210987654321"))],
    ),
    ("sqs", "GetQueueUrl", {"QueueName": "orders"}, [("sqs:GetQueueUrl", QUEUE)]),
    ("sqs", "ListQueues", {}, [("sqs:ListQueues", "*")]),
    ("dynamodb", "PutItem", {"TableName": "orders"}, [("dynamodb:PutItem", TABLE)]),
    ("dynamodb", "GetItem", {"TableName": TABLE}, [("dynamodb:GetItem", TABLE)]),
    ("dynamodb", "Query", {"TableName": "orders"}, [("dynamodb:Query", TABLE)]),
    ("dynamodb", "Query", {"TableName": "orders", "IndexName": "day"}, [("dynamodb:Query", f"{TABLE}/index/day")]),
    ("dynamodb", "BatchWriteItem", {"RequestItems": {"orders": []}}, [("dynamodb:BatchWriteItem", TABLE)]),
    ("dynamodb", "BatchGetItem", {"RequestItems": {"orders": {}}}, [("dynamodb:BatchGetItem", TABLE)]),
    (
        "dynamodb",
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "orders"}},
                {"Put": {"TableName": "orders"}},
                {"ConditionCheck": {"TableName": "orders"}},
            ]
        },
        [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)],
    ),
    (
        "dynamodb",
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": "orders"}}]},
        [("dynamodb:GetItem", TABLE)],
    ),
    ("dynamodb", "ListTables", {}, [("dynamodb:ListTables", "*")]),
    ("kinesis", "PutRecords", {"StreamName": "clicks"}, [("kinesis:PutRecords", STREAM)]),
    ("kinesis", "PutRecord", {"StreamARN": STREAM}, [("kinesis:PutRecord", STREAM)]),
    ("sns", "Publish", {"TopicArn": TOPIC}, [("sns:Publish", TOPIC)]),
    ("sns", "Publish", {"PhoneNumber": "+15550100"}, [("sns:Publish", "*")]),
    ("sns", "PublishBatch", {"TopicArn": TOPIC}, [("sns:Publish", TOPIC)]),
    ("sns", "CreateTopic", {"Name": "news"}, [("sns:CreateTopic", TOPIC)]),
    ("s3", "PutObject", {"Bucket": "files", "Key": "a/b.txt"}, [("s3:PutObject", FILE)]),
    (
        "s3",
        "PutObject",
        {"Bucket": "files", "Key": "a/b.txt", "ACL": "private", "Tagging": "a=1"},
        [("s3:PutObject", FILE), ("s3:PutObjectAcl", FILE), ("s3:PutObjectTagging", FILE)],
    ),
    ("s3", "UploadPart", {"Bucket": "files", "Key": "a/b.txt"}, [("s3:PutObject", FILE)]),
    ("s3", "HeadObject", {"Bucket": "files", "Key": "a/b.txt"}, [("s3:GetObject", FILE)]),
    ("s3", "GetObject", {"Bucket": "files", "Key": "a/b.txt", "VersionId": "1"}, [("s3:GetObjectVersion", FILE)]),
    ("s3", "ListObjectsV2", {"Bucket": "files"}, [("s3:ListBucket", "arn:aws:s3:::files")]),
    ("s3", "HeadBucket", {"Bucket": "files"}, [("s3:ListBucket", "arn:aws:s3:::files")]),
    ("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
    (
        "s3",
        "DeleteObjects",
        {"Bucket": "files", "Delete": {"Objects": [{"Key": "a/b.txt"}, {"Key": "a/b.txt", "VersionId": "1"}]}},
        [("s3:DeleteObject", FILE), ("s3:DeleteObjectVersion", FILE)],
    ),
    (
        "s3",
        "CopyObject",
        {"Bucket": "files", "Key": "a/b.txt", "CopySource": {"Bucket": "old", "Key": "c"}},
        [("s3:GetObject", "arn:aws:s3:::old/c"), ("s3:PutObject", FILE)],
    ),
    (
        "s3",
        "CopyObject",
        {"Bucket": "files", "Key": "a/b.txt", "CopySource": "old/c?versionId=1"},
        [("s3:GetObjectVersion", "arn:aws:s3:::old/c"), ("s3:PutObject", FILE)],
    ),
    (
        "events",
        "PutEvents",
        {"Entries": [{}, {"EventBusName": "shop"}, {}]},
        [("events:PutEvents", f"{SAME}:event-bus/default"), ("events:PutEvents", f"{SAME}:event-bus/shop")],
    ),
    ("events", "PutTargets", {"Rule": "daily"}, [("events:PutTargets", f"{SAME}:rule/daily")]),
    ("events", "PutRule", {"Name": "daily", "EventBusName": "shop"}, [("events:PutRule", f"{SAME}:rule/shop/daily")]),
    ("ssm", "GetParameter", {"Name": "/shop/url"}, [("ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/shop/url")]),
    ("ssm", "GetParameters", {"Names": ["url:3"]}, [("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/url")]),
    (
        "ssm",
        "GetParametersByPath",
        {"Path": "/shop/"},
        [("ssm:GetParametersByPath", f"arn:aws:ssm:{HERE}:parameter/shop/")],
    ),
    ("kms", "Encrypt", {"KeyId": "1234"}, [("kms:Encrypt", KEY)]),
    ("kms", "Decrypt", {"KeyId": KEY}, [("kms:Decrypt", KEY)]),
    ("lambda", "Invoke", {"FunctionName": "pay"}, [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:pay")]),
    (
        "lambda",
        "Invoke",
        {"FunctionName": "pay", "Qualifier": "live"},
        [("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:pay:live")],
    ),
    ("lambda", "GetFunction", {"FunctionName": "pay"}, [("lambda:GetFunction", f"arn:aws:lambda:{HERE}:function:pay")]),
    ("stepfunctions", "StartExecution", {"stateMachineArn": MACHINE}, [("states:StartExecution", MACHINE)]),
    ("logs", "CreateLogGroup", {"logGroupName": "/orders"}, [("logs:CreateLogGroup", f"{LOGS}:")]),
    ("logs", "PutLogEvents", {"logGroupName": "/orders", "logStreamName": "1"}, [("logs:PutLogEvents", f"{LOGS}:1")]),
    ("cloudwatch", "PutMetricData", {"Namespace": "shop"}, [("cloudwatch:PutMetricData", "*")]),
    (
        "firehose",
        "PutRecord",
        {"DeliveryStreamName": "x"},
        [("firehose:PutRecord", f"arn:aws:firehose:{HERE}:deliverystream/x")],
    ),
    ("sts", "AssumeRole", {"RoleArn": ROLE}, [("sts:AssumeRole", ROLE)]),
    ("sts", "GetCallerIdentity", {}, []),
]


@pytest.mark.parametrize(("service", "operation", "params", "wanted"), NEEDED)
def test_a_call_needs_these_actions(service, operation, params, wanted):
    found = needed(service, operation, params, PLACE)
    assert [(access.action, access.resource) for access in found] == wanted


@pytest.mark.parametrize(
    ("service", "operation", "params", "why"),
    [
        ("ses", "SendEmail", {}, "no table of the IAM actions of ses"),
        ("dynamodb", "ExecuteStatement", {"Statement": "SELECT * FROM orders"}, "do not name the resource"),
        ("kinesis", "GetRecords", {"ShardIterator": "x"}, "do not name the resource"),
        ("s3", "PutBucketLifecycleConfiguration", {"Bucket": "files"}, "not in the fake's tables"),
        ("lambda", "CreateEventSourceMapping", {"FunctionName": "pay"}, "not in the fake's tables"),
        ("kms", "Decrypt", {"CiphertextBlob": b""}, "do not name the key"),
    ],
)
def test_what_is_in_no_table_is_not_guessed(service, operation, params, why):
    with pytest.raises(Unresolved, match=why):
        needed(service, operation, params, PLACE)


def test_a_secret_is_found_by_its_name(lambda_esm):
    arn = boto3.client("secretsmanager", region_name="eu-west-1").create_secret(Name="db", SecretString="x")["ARN"]
    [access] = needed("secretsmanager", "GetSecretValue", {"SecretId": "db"}, PLACE)
    assert (access.action, access.resource, access.shown) == ("secretsmanager:GetSecretValue", arn, "db")
    [access] = needed("secretsmanager", "GetSecretValue", {"SecretId": "none"}, PLACE)
    assert access.resource == f"arn:aws:secretsmanager:{HERE}:secret:none-??????"


def test_a_key_is_found_by_its_alias(lambda_esm):
    kms = boto3.client("kms", region_name="eu-west-1")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/shop", TargetKeyId=key["KeyId"])
    for name in ("alias/shop", f"arn:aws:kms:{HERE}:alias/shop"):
        [access] = needed("kms", "Encrypt", {"KeyId": name}, PLACE)
        assert access.resource == key["Arn"]
    with pytest.raises(Unresolved, match="no key has the alias none"):
        needed("kms", "Encrypt", {"KeyId": "alias/none"}, PLACE)


def test_each_table_names_operations_that_exist():
    known = boto3.session.Session()
    for service, table in actions._SERVICES.items():
        operations = set(known.client(service, region_name="eu-west-1").meta.service_model.operation_names)
        assert {*table.actions, *table.anywhere, *table.special, *(table.only or ())} <= operations, service
