"""Requests as botocore's own clients write them are recognised: their service, operation and parameters."""

from urllib.parse import urlsplit

import botocore.session
import pytest

from pytest_lambda_esm.moto_bridge.http.operations import operation_of
from pytest_lambda_esm.moto_bridge.http.services import Recogniser, Scope, signed_scope
from pytest_lambda_esm.moto_bridge.http.wire import WireRequest
from pytest_lambda_esm.moto_bridge.session import shared_loader

REGION = "us-west-2"


class Sent(Exception):
    """Ends a call once its request is complete."""


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def written(service, operation, params):
    """Return the request that a client with an endpoint writes for a call."""
    requests = []

    def take(request, **kwargs):
        url = urlsplit(request.url)
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        headers = {name.lower(): text(value) for name, value in request.headers.items()}
        target = f"{url.path}?{url.query}" if url.query else url.path
        body = body if isinstance(body, bytes) else body.encode()
        requests.append(WireRequest(request.method, target, {**headers, "host": url.netloc}, body))
        raise Sent

    session = botocore.session.Session()
    session.register_component("data_loader", shared_loader())
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "x"}
    client = session.create_client(service, REGION, endpoint_url="http://127.0.0.1:9", **keys)
    client.meta.events.register("before-send", take)
    with pytest.raises(Sent):
        getattr(client, operation)(**params)
    return requests[0]


ROWS = [
    ("apigateway", "GetRestApi", {"restApiId": "abc"}),
    ("apigatewayv2", "GetApi", {"ApiId": "abc"}),
    ("bedrock-agent", "GetAgent", {"agentId": "ABCDEFGHIJ"}),
    ("cloudwatch", "PutMetricData", {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.5}]}),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {"a": {"B": b"\xff"}, "b": {"L": [{"S": "x"}]}}}),
    ("dynamodbstreams", "ListStreams", {"TableName": "tab", "Limit": 5}),
    ("elb", "DescribeLoadBalancers", {"LoadBalancerNames": ["a"]}),
    ("elbv2", "DescribeLoadBalancers", {"Names": ["a", "b"]}),
    ("events", "PutEvents", {"Entries": [{"Source": "a", "Detail": "{}", "DetailType": "t"}]}),
    ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "a", "Value": "b"}]}),
    ("kinesis", "PutRecords", {"StreamName": "s", "Records": [{"Data": b"\x00", "PartitionKey": "k"}]}),
    ("lambda", "ListEventSourceMappings", {"FunctionName": "f", "MaxItems": 7}),
    ("route53", "ListHostedZones", {"MaxItems": "3"}),
    ("s3", "CopyObject", {"Bucket": "b", "Key": "k", "CopySource": "c/d"}),
    ("s3", "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}),
    ("s3", "DeleteObject", {"Bucket": "b", "Key": "k/x y"}),
    ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "k/"}),
    ("s3", "PutObject", {"Bucket": "b", "Key": "k/x y", "Body": b"hello"}),
    ("s3", "UploadPart", {"Bucket": "b", "Key": "k", "PartNumber": 2, "UploadId": "u", "Body": b"hello"}),
    ("s3control", "GetPublicAccessBlock", {"AccountId": "123456789012"}),
    ("ses", "VerifyEmailIdentity", {"EmailAddress": "a@example.com"}),
    ("sesv2", "GetEmailIdentity", {"EmailIdentity": "a@example.com"}),
    ("sns", "Publish", {"TopicArn": "arn:t", "Message": "m", "MessageAttributes": {"a": {"DataType": "String"}}}),
    ("sqs", "SendMessageBatch", {"QueueUrl": "https://q", "Entries": [{"Id": "1", "MessageBody": "b"}]}),
    ("stepfunctions", "ListStateMachines", {"maxResults": 3}),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "se", "DurationSeconds": 900},
    ),
    ("timestream-write", "DescribeDatabase", {"DatabaseName": "data"}),
]


@pytest.mark.parametrize(("service", "operation", "params"), ROWS, ids=[f"{row[0]}.{row[1]}" for row in ROWS])
def test_a_request_of_a_client(service, operation, params):
    request = written(service, botocore.xform_name(operation), params)
    assert signed_scope(request).region == REGION
    url = Recogniser("us-east-1", lambda method, path: False).aws_url(request)
    model, name, read = operation_of(url, request)
    assert (model.service_name, name) == (service, operation)
    assert {name: read.get(name) for name in params} == params


def url_of(method="GET", target="/", headers=None, body=b"", scope=None):
    recogniser = Recogniser("eu-west-1", lambda method, path: path.startswith("/2015-03-31/"))
    return recogniser.aws_url(WireRequest(method, target, {"host": "127.0.0.1:9", **(headers or {})}, body), scope)


FORM = {"content-type": "application/x-www-form-urlencoded"}
CREDENTIAL = "X-Amz-Credential=AK%2F20260101%2Fus-west-2%2Fs3%2Faws4_request"


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({}, "https://s3.eu-west-1.amazonaws.com/"),
        ({"target": "/b/k?" + CREDENTIAL}, "https://s3.us-west-2.amazonaws.com/b/k?" + CREDENTIAL),
        ({"target": "/2015-03-31/functions/"}, "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/"),
        ({"headers": {"x-amz-target": "AmazonSQS.X"}}, "https://sqs.eu-west-1.amazonaws.com/"),
        ({"headers": {"x-amz-target": "DynamoDBStreams_20120810.X"}}, "https://streams.dynamodb.eu-west-1.amazonaws.com/"),
        ({"headers": FORM, "body": b"Action=X&Version=2010-03-31"}, "https://sns.eu-west-1.amazonaws.com/"),
        ({"target": "/?Action=X&Version=2010-05-08"}, "https://iam.amazonaws.com/?Action=X&Version=2010-05-08"),
        ({"headers": {"host": "sqs.us-east-2.amazonaws.com"}}, "https://sqs.us-east-2.amazonaws.com/"),
        ({"headers": {"host": "b.localhost:9"}, "target": "/k"}, "https://b.s3.eu-west-1.amazonaws.com/k"),
        ({"target": "/us-west-2_a1/.well-known/jwks.json"}, "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_a1/.well-known/jwks.json"),
        ({"target": "/moto-api/data.json"}, "http://motoapi.amazonaws.com/moto-api/data.json"),
        ({"target": "/latest/meta-data/x"}, "http://169.254.169.254/latest/meta-data/x"),
        ({"scope": Scope("sqs", "us-east-2")}, "https://sqs.us-east-2.amazonaws.com/"),
        ({"headers": {"authorization": "AWS4-HMAC-SHA256 Credential=AK/2026/x"}}, "https://s3.eu-west-1.amazonaws.com/"),
        ({"headers": {"authorization": "Basic abc"}}, "https://s3.eu-west-1.amazonaws.com/"),
    ],
)  # fmt: skip
def test_a_request_without_a_signature(arguments, url):
    assert url_of(**arguments) == url


@pytest.mark.parametrize(
    "request_",
    [
        WireRequest("POST", "/", {"x-amz-target": "AmazonSQS.SendMessage"}, b"no json"),
        WireRequest("POST", "/", {"x-amz-target": "AmazonSQS.SendMessage"}, b"[]"),
        WireRequest("POST", "/", {"x-amz-target": "AmazonSQS.SendMessage"}, b'"x"'),
        WireRequest("POST", "/", {"x-amz-target": "AmazonSQS.SendMessage"}, b"\xff"),
    ],
)
def test_parameters_that_cannot_be_read(request_):
    model, operation, params = operation_of("https://sqs.us-east-1.amazonaws.com/", request_)
    assert (model.service_name, operation, params) == ("sqs", "SendMessage", {})


def test_an_operation_that_no_service_has():
    request = WireRequest("POST", "/", {"x-amz-target": "AmazonSQS.Nothing"}, b"{}")
    assert operation_of("https://sqs.us-east-1.amazonaws.com/", request) is None
    assert operation_of("https://example.com/", request) is None
