"""Real clients of other processes and languages reach the fake: whole programs, several services, errors."""

import asyncio
import json
import shutil
import subprocess
import sys

import boto3
import pytest

BOTO3 = """
import boto3

url = boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
boto3.client("sqs").send_message(QueueUrl=url, MessageBody="message")
print(boto3.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"])
s3 = boto3.client("s3")
s3.create_bucket(Bucket="bucket")
s3.put_object(Bucket="bucket", Key="a b/c", Body=b"object\\xff", Metadata={"a_b": "c"})
stored = s3.get_object(Bucket="bucket", Key="a b/c")
print(stored["Body"].read(), stored["Metadata"], s3.head_object(Bucket="bucket", Key="a b/c")["ContentLength"])
schema = {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
attributes = [{"AttributeName": "a", "AttributeType": "S"}]
boto3.client("dynamodb").create_table(TableName="t", AttributeDefinitions=attributes, **schema)
boto3.resource("dynamodb").Table("t").put_item(Item={"a": "1"})
print(boto3.resource("dynamodb").Table("t").scan()["Items"])
client = boto3.client("lambda")
print([list(event) for event in client.invoke_with_response_stream(FunctionName="echo", Payload=b"1")["EventStream"]])
answer = client.invoke(FunctionName="bad")
print(answer["FunctionError"], answer["ResponseMetadata"]["RetryAttempts"])
try:
    client.get_function(FunctionName="nobody")
except client.exceptions.ResourceNotFoundException as error:
    print(error.response["ResponseMetadata"]["RetryAttempts"], error.response["Error"]["Message"])
print(boto3.client("sns", "eu-west-1").create_topic(Name="t")["TopicArn"])
print(boto3.client("sts").get_caller_identity()["Account"])
"""

NODE = """
const { LambdaClient, InvokeCommand, GetFunctionCommand } = require("@aws-sdk/client-lambda");
const { InvokeWithResponseStreamCommand } = require("@aws-sdk/client-lambda");
const { TooManyRequestsException, ResourceNotFoundException } = require("@aws-sdk/client-lambda");
const text = (bytes) => Buffer.from(bytes).toString();
async function main() {
  const client = new LambdaClient({});
  const answer = await client.send(new InvokeCommand({ FunctionName: "echo", Payload: '{"a":1}' }));
  console.log(text(answer.Payload), answer.ExecutedVersion, answer.$metadata.attempts);
  const failed = await client.send(new InvokeCommand({ FunctionName: "bad" }));
  console.log(failed.FunctionError, JSON.parse(text(failed.Payload)).errorType);
  const stream = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: "echo", Payload: '"s"' }));
  for await (const event of stream.EventStream) console.log(Object.keys(event)[0]);
  try {
    await client.send(new GetFunctionCommand({ FunctionName: "nobody" }));
  } catch (error) {
    console.log(error instanceof ResourceNotFoundException, error.$metadata.attempts, error.$metadata.httpStatusCode);
  }
  const impatient = new LambdaClient({ maxAttempts: 1 });
  try {
    await impatient.send(new InvokeCommand({ FunctionName: "echo" }));
  } catch (error) {
    console.log(error instanceof TooManyRequestsException, error.Reason);
  }
}
main();
"""


@pytest.fixture(autouse=True)
def functions(lambda_esm):
    lambda_esm.function("echo", lambda event, context: event)
    lambda_esm.function("bad", lambda event, context: 1 / 0)


def test_boto3_in_another_process(lambda_esm_server):
    done = lambda_esm_server.run([sys.executable, "-c", BOTO3])
    assert done.stdout.splitlines() == [
        "message",
        "b'object\\xff' {'a_b': 'c'} 7",
        "[{'a': '1'}]",
        "[['PayloadChunk'], ['InvokeComplete']]",
        "Unhandled 0",
        "0 Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody",
        "arn:aws:sns:eu-west-1:123456789012:t",
        "123456789012",
    ], done.stderr


@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the AWS CLI: pip install awscli")
@pytest.mark.slow
def test_the_aws_cli_with_several_services(lambda_esm_server):
    url = json.loads(lambda_esm_server.run(["aws", "sqs", "create-queue", "--queue-name", "q"]).stdout)["QueueUrl"]
    lambda_esm_server.run(["aws", "sqs", "send-message", "--queue-url", url, "--message-body", "m"])
    [message] = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "m"
    invoke = ["aws", "lambda", "invoke", "--function-name", "bad", "/dev/stdout"]
    assert '"FunctionError": "Unhandled"' in lambda_esm_server.run(invoke).stdout


def has_sdk_for_javascript():
    if shutil.which("node") is None:
        return False
    return subprocess.run(["node", "-e", 'require("@aws-sdk/client-lambda")'], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_sdk_for_javascript(), reason="needs Node.js with the package @aws-sdk/client-lambda")
def test_the_sdk_for_javascript(lambda_esm, lambda_esm_server):
    lambda_esm.faults.add("Invoke", "TooManyRequestsException", after=2)
    done = lambda_esm_server.run(["node", "-e", NODE])
    assert done.stdout.splitlines() == [
        '{"a": 1} $LATEST 1',
        "Unhandled ZeroDivisionError",
        "PayloadChunk",
        "InvokeComplete",
        "true 1 404",
        "true ConcurrentInvocationLimitExceeded",
    ], done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_curl_with_a_signature(lambda_esm, lambda_esm_server, region):
    lambda_esm.function("here", region="eu-west-1")
    signed = ["--aws-sigv4", f"aws:amz:{region}:lambda", "--user", "key:secret"]
    done = lambda_esm_server.run(["curl", "-s", *signed, f"{lambda_esm_server.url}/2015-03-31/functions/"])
    names = {each["FunctionName"] for each in json.loads(done.stdout)["Functions"]}
    assert names == ({"here"} if region == "eu-west-1" else {"echo", "bad"})


def test_aiobotocore_with_an_endpoint(lambda_esm_server):
    session = pytest.importorskip("aiobotocore.session")

    async def invoke():
        options = {"region_name": "us-east-1", "endpoint_url": lambda_esm_server.url}
        async with session.get_session().create_client("lambda", **options) as client:
            answer = await client.invoke(FunctionName="echo", Payload=b"1")
            async with answer["Payload"] as payload:
                return await payload.read()

    assert asyncio.run(invoke()) == b"1"
