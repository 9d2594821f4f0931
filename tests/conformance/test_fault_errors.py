"""Each error as a client sees it: one documented or recorded fact per row, about status, text, members or retries."""

from __future__ import annotations

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from pytest_lambda_esm import FakeLambda, FaultError

REGION = "eu-west-1"
ARN = f"arn:aws:sqs:{REGION}:123456789012:orders"
CREATE = ("CreateEventSourceMapping", {"EventSourceArn": ARN, "FunctionName": "orders"})
UPDATE = ("UpdateEventSourceMapping", {"UUID": "3fa85f64-5717-4562-b3fc-2c963f66afa6"})
DELETE = ("DeleteEventSourceMapping", {"UUID": "3fa85f64-5717-4562-b3fc-2c963f66afa6"})
LIST = ("ListEventSourceMappings", {})
INVOKE = ("Invoke", {"FunctionName": "orders"})
PUT = ("PutFunctionEventInvokeConfig", {"FunctionName": "orders"})


def strike(service, operation, params, error, attempts=1):
    """Return the answer that a client with this many attempts gets when each of them meets the error."""
    prefix = "" if service == "lambda" else f"{service}."
    with FakeLambda(region=REGION) as fake:
        fault = fake.faults.add(f"{prefix}{operation}", error, times=None)
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
        client = boto3.client(service, config=config)
        with pytest.raises(ClientError) as caught:
            getattr(client, xform_name(operation))(**params)
        return caught.value.response, fault.hits


@pytest.mark.parametrize(
    ("call", "code", "status", "message", "members"),
    [
        pytest.param(
            CREATE,
            "TooManyRequestsException",
            429,
            "Rate exceeded",
            {"Reason": "CallerRateLimitExceeded", "Type": "User"},
            id="create-throttled",
        ),
        pytest.param(
            INVOKE,
            "TooManyRequestsException",
            429,
            "Rate Exceeded.",
            {"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User"},
            id="invoke-throttled",
        ),
        pytest.param(
            CREATE,
            "ServiceException",
            500,
            "The Lambda service encountered an internal error.",
            {"Type": "Service"},
            id="service-exception",
        ),
        pytest.param(
            UPDATE,
            "ResourceInUseException",
            400,
            "Cannot update the event source mapping because it is in use.",
            {"Type": "User"},
            id="update-in-use",
        ),
        pytest.param(
            DELETE,
            "ResourceInUseException",
            400,
            "Cannot delete the event source mapping because it is in use.",
            {"Type": "User"},
            id="delete-in-use",
        ),
        pytest.param(
            UPDATE,
            "ResourceNotFoundException",
            404,
            "The resource you requested does not exist.",
            {"Type": "User"},
            id="not-found",
        ),
        pytest.param(LIST, "ThrottlingException", 400, "Rate exceeded", {}, id="common-throttling"),
        pytest.param(
            LIST,
            "ExpiredTokenException",
            403,
            "The security token included in the request is expired",
            {},
            id="common-expired",
        ),
        pytest.param(
            LIST,
            "UnrecognizedClientException",
            403,
            "The security token included in the request is invalid.",
            {},
            id="common-unrecognized",
        ),
        pytest.param(
            LIST, "ServiceUnavailable", 503, "Service is unable to handle request.", {}, id="common-unavailable"
        ),
        pytest.param(
            PUT,
            "ResourceConflictException",
            409,
            "The resource already exists, or another operation is in progress.",
            {"Type": "User"},
            id="put-conflict",
        ),
        pytest.param(
            LIST,
            "AccessDeniedException",
            403,
            "User: arn:aws:iam::123456789012:user/moto is not authorized to perform: lambda:ListEventSourceMappings"
            " because no identity-based policy allows the lambda:ListEventSourceMappings action",
            {},
            id="common-denied",
        ),
    ],
)
def test_errors_of_lambda(call, code, status, message, members):
    answer, _ = strike("lambda", *call, code)

    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"] == message
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert {name: answer.get(name) for name in ("Reason", "Type", "retryAfterSeconds")} == {
        "Reason": None,
        "Type": None,
        "retryAfterSeconds": "1" if code == "TooManyRequestsException" else None,
        **members,
    }


@pytest.mark.parametrize(
    ("call", "code", "attempts"),
    [
        pytest.param(CREATE, "TooManyRequestsException", 3, id="429"),
        pytest.param(CREATE, "ServiceException", 3, id="500"),
        pytest.param(INVOKE, "EC2ThrottledException", 3, id="502"),
        pytest.param(LIST, "ServiceUnavailable", 3, id="503"),
        pytest.param(LIST, "ThrottlingException", 3, id="400-throttling"),
        pytest.param(UPDATE, "ResourceInUseException", 1, id="400-in-use"),
        pytest.param(CREATE, "InvalidParameterValueException", 1, id="400-invalid"),
        pytest.param(CREATE, "ValidationException", 1, id="400-validation"),
        pytest.param(LIST, "AccessDeniedException", 1, id="403"),
        pytest.param(LIST, "ResourceNotFoundException", 1, id="404"),
        pytest.param(INVOKE, "EFSMountTimeoutException", 1, id="408"),
        pytest.param(CREATE, "ResourceConflictException", 1, id="409"),
        pytest.param(INVOKE, "EFSIOException", 1, id="410"),
        pytest.param(INVOKE, "RequestTooLargeException", 1, id="413"),
        pytest.param(INVOKE, "UnsupportedMediaTypeException", 1, id="415"),
    ],
)
def test_which_statuses_botocore_retries(call, code, attempts):
    assert strike("lambda", *call, code, attempts=3)[1] == attempts


@pytest.mark.parametrize(
    ("service", "operation", "params", "error", "code", "status"),
    [
        pytest.param(
            "sqs",
            "SendMessage",
            {"QueueUrl": "https://q", "MessageBody": "x"},
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            400,
            id="sqs-json",
        ),
        pytest.param(
            "sqs",
            "SendMessage",
            {"QueueUrl": "https://q", "MessageBody": "x"},
            "AWS.SimpleQueueService.NonExistentQueue",
            "AWS.SimpleQueueService.NonExistentQueue",
            400,
            id="sqs-old-code",
        ),
        pytest.param(
            "sqs", "ReceiveMessage", {"QueueUrl": "https://q"}, "OverLimit", "OverLimit", 400, id="sqs-same-code"
        ),
        pytest.param(
            "kinesis", "ListStreams", {}, "LimitExceededException", "LimitExceededException", 400, id="kinesis-json"
        ),
        pytest.param(
            "dynamodb", "ListTables", {}, "InternalServerError", "InternalServerError", 500, id="dynamodb-fault"
        ),
        pytest.param(
            "dynamodb", "ListTables", {}, "ThrottlingException", "ThrottlingException", 400, id="dynamodb-common"
        ),
        pytest.param("sns", "ListTopics", {}, "AuthorizationErrorException", "AuthorizationError", 403, id="sns-query"),
        pytest.param("iam", "ListRoles", {}, "ServiceFailureException", "ServiceFailure", 500, id="iam-query"),
        pytest.param("ec2", "DescribeInstances", {}, "RequestLimitExceeded", "RequestLimitExceeded", 503, id="ec2"),
        pytest.param("s3", "ListBuckets", {}, "SlowDown", "SlowDown", 503, id="s3-common"),
        pytest.param("s3", "GetObject", {"Bucket": "b", "Key": "k"}, "NoSuchKey", "NoSuchKey", 404, id="s3-xml"),
        pytest.param("events", "ListRules", {}, "InternalException", "InternalException", 500, id="events-json"),
        pytest.param(
            "sts", "GetCallerIdentity", {}, "ExpiredTokenException", "ExpiredTokenException", 403, id="sts-query"
        ),
        pytest.param("sts", "GetCallerIdentity", {}, "ExpiredToken", "ExpiredToken", 403, id="sts-expired"),
        pytest.param(
            "sts", "GetCallerIdentity", {}, "SignatureDoesNotMatch", "SignatureDoesNotMatch", 403, id="sts-signature"
        ),
        pytest.param("cloudformation", "ListStacks", {}, "ValidationError", "ValidationError", 400, id="cfn-invalid"),
        pytest.param("cloudformation", "ListStacks", {}, "Throttling", "Throttling", 400, id="cfn-throttling"),
        pytest.param("s3", "ListBuckets", {}, "ExpiredToken", "ExpiredToken", 400, id="s3-expired"),
        pytest.param("s3", "ListBuckets", {}, "InvalidAccessKeyId", "InvalidAccessKeyId", 403, id="s3-access-key"),
        pytest.param(
            "s3", "ListBuckets", {}, "RequestTimeTooSkewed", "RequestTimeTooSkewed", 403, id="s3-time-too-skewed"
        ),
        pytest.param(
            "dynamodb", "ListTables", {}, "AccessDeniedException", "AccessDeniedException", 400, id="json-denied"
        ),
        pytest.param(
            "kinesis",
            "ListStreams",
            {},
            "InvalidSignatureException",
            "InvalidSignatureException",
            400,
            id="json-signed",
        ),
        pytest.param(
            "dynamodb",
            "ListTables",
            {},
            "UnrecognizedClientException",
            "UnrecognizedClientException",
            400,
            id="json-key",
        ),
    ],
)
def test_errors_of_other_services(service, operation, params, error, code, status):
    answer, _ = strike(service, operation, params, error)

    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["RequestId"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    ("operation", "params", "error", "code", "text"),
    [
        pytest.param("HeadObject", {"Bucket": "b", "Key": "k"}, "NoSuchKey", "404", "Not Found", id="head-key"),
        pytest.param("HeadObject", {"Bucket": "b", "Key": "k"}, "AccessDenied", "403", "Forbidden", id="head-denied"),
        pytest.param("HeadBucket", {"Bucket": "b"}, "NoSuchBucket", "404", "Not Found", id="head-bucket"),
        pytest.param("HeadBucket", {"Bucket": "b"}, "404", "404", "Not Found", id="head-status"),
        pytest.param("HeadBucket", {"Bucket": "b"}, "400", "400", "Bad Request", id="head-bad"),
    ],
)
def test_an_error_of_a_head_request_is_its_status(operation, params, error, code, text):
    answer, _ = strike("s3", operation, params, error)

    assert answer["Error"] == {"Code": code, "Message": text}
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == int(code)


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        ("IncompleteSignature", 403, "The request signature does not conform to AWS standards."),
        ("MalformedHttpRequestException", 400, "Problems with the request at the HTTP level, e.g. we can't decompress"),
        ("NotAuthorized", 401, "You do not have permission to perform this action."),
        ("RequestAbortedException", 400, "Convenient exception that can be used when a request is aborted"),
        ("RequestEntityTooLargeException", 413, "The request entity is too large."),
        ("RequestTimeoutException", 408, "Reading the Request timed out."),
        ("SerializationException", 400, "Start of structure or map found where not expected."),
        ("UnknownOperationException", 404, "The action or operation requested is invalid."),
        ("ValidationError", 400, "The input fails to satisfy the constraints specified by an AWS service."),
        ("ValidationException", 400, "The input fails to satisfy the constraints specified by an AWS service."),
    ],
)
def test_common_errors_of_lambda_have_the_texts_of_aws(code, status, text):
    answer, _ = strike("lambda", *LIST, code)

    assert answer["Error"]["Code"] == code
    assert text in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("code", ["SlowDown", "Throttling", "RequestLimitExceeded", "ExpiredToken"])
def test_lambda_has_no_errors_of_other_protocols(code):
    with FakeLambda(region=REGION) as fake, pytest.raises(FaultError, match=f"cannot raise '{code}'"):
        fake.faults.add("ListEventSourceMappings", code)


def test_a_client_catches_the_modelled_exception():
    with FakeLambda(region=REGION) as fake:
        fake.faults.add("kinesis.ListStreams", "LimitExceededException", times=None)
        kinesis = boto3.client("kinesis", config=Config(retries={"total_max_attempts": 1}))

        with pytest.raises(kinesis.exceptions.LimitExceededException):
            kinesis.list_streams()


def test_every_error_that_the_model_lists_can_be_asked_for_and_reaches_the_client():
    with FakeLambda(region=REGION) as fake:
        aws_lambda = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
        for shape in aws_lambda.meta.service_model.operation_model("Invoke").error_shapes:
            refusal = pytest.raises(getattr(aws_lambda.exceptions, shape.name))
            with fake.faults.add("Invoke", shape.name), refusal as caught:
                aws_lambda.invoke(FunctionName="orders")
            answer = caught.value.response
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == shape.metadata["error"]["httpStatusCode"]
            assert answer["Error"]["Message"]


def test_a_condition_that_fails_has_dynamodbs_text():
    params = {"TableName": "t", "Item": {"k": {"S": "v"}}}
    answer, _ = strike("dynamodb", "PutItem", params, "ConditionalCheckFailedException")

    assert answer["Error"]["Message"] == "The conditional request failed"
