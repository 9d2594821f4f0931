"""Other services through aiobotocore, and the libraries that are made of it: aioboto3 and s3fs."""

from __future__ import annotations

import asyncio
import io
import json

import boto3
import pytest
from boto3.dynamodb.conditions import Key

from helpers.aio import REGION, asynchronous, client
from pytest_lambda_esm import FakeLambda, NetworkBlocked, connection_reset

pytest.importorskip("aiobotocore")

TABLE = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


class Opened:
    """A body that has to be awaited, such as a file of aiofiles."""

    def __init__(self, content):
        self._file = io.BytesIO(content)

    async def read(self, size=-1):
        return self._file.read(size)

    def seek(self, *position):
        return self._file.seek(*position)

    def tell(self):
        return self._file.tell()


@pytest.mark.parametrize(
    "body",
    [lambda: b"a\nb\n", lambda: io.BytesIO(b"a\nb\n"), lambda: Opened(b"a\nb\n")],
    ids=["bytes", "file", "async"],
)
@asynchronous
async def test_objects_of_s3(lambda_esm, body):
    async with client("s3") as s3:
        await s3.create_bucket(Bucket="orders")
        await s3.put_object(Bucket="orders", Key="one", Body=body(), Metadata={"kind": "new"})
        response = await s3.get_object(Bucket="orders", Key="one")
        assert [line async for line in response["Body"].iter_lines()] == [b"a", b"b"]
        assert response["Metadata"] == {"kind": "new"}
        response = await s3.get_object(Bucket="orders", Key="one", Range="bytes=2-3")
        async with response["Body"] as stream:
            assert await stream.read() == b"b\n"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="orders")
        assert [found["Key"] async for page in pages for found in page["Contents"]] == ["one"]
        with pytest.raises(s3.exceptions.NoSuchKey):
            await s3.get_object(Bucket="orders", Key="two")


@asynchronous
async def test_uploads_in_parts(lambda_esm):
    async with client("s3") as s3:
        await s3.create_bucket(Bucket="orders")
        whole = {"Bucket": "orders", "Key": "large"}
        upload = (await s3.create_multipart_upload(**whole))["UploadId"]
        bodies = [b"a" * 5 * 2**20, b"end"]
        parts = [
            s3.upload_part(**whole, UploadId=upload, PartNumber=number, Body=body)
            for number, body in enumerate(bodies, 1)
        ]
        tags = [{"PartNumber": n, "ETag": part["ETag"]} for n, part in enumerate(await asyncio.gather(*parts), 1)]
        await s3.complete_multipart_upload(**whole, UploadId=upload, MultipartUpload={"Parts": tags})
        response = await s3.get_object(**whole)
        size = 0
        async for chunk in response["Body"].iter_chunks(2**20):
            size += len(chunk)
    assert size == 5 * 2**20 + 3


@asynchronous
async def test_messages_reach_functions(lambda_esm):
    bodies = []
    worker = lambda_esm.function("worker", lambda event, context: bodies.extend(r["body"] for r in event["Records"]))
    async with client("sqs") as sqs, client("lambda") as aws_lambda:
        url = (await sqs.create_queue(QueueName="orders"))["QueueUrl"]
        attributes = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        await aws_lambda.create_event_source_mapping(
            FunctionName="worker", EventSourceArn=attributes["Attributes"]["QueueArn"]
        )
        lambda_esm.clock.run_until_idle()
        await asyncio.gather(*[sqs.send_message(QueueUrl=url, MessageBody=str(number)) for number in range(5)])
        lambda_esm.clock.run_until_idle()
        assert sorted(bodies) == list("01234")
        assert worker.invocations
        began = lambda_esm.clock.now
        assert "Messages" not in await sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        assert (lambda_esm.clock.now - began).total_seconds() == 20


@asynchronous
async def test_items_of_dynamodb(lambda_esm):
    async with client("dynamodb") as dynamodb:
        await dynamodb.create_table(TableName="orders", **TABLE)
        await asyncio.gather(
            *[dynamodb.put_item(TableName="orders", Item={"id": {"S": str(number)}}) for number in range(10)]
        )
        pages = dynamodb.get_paginator("scan").paginate(TableName="orders", PaginationConfig={"PageSize": 3})
        assert sorted([item["id"]["S"] async for page in pages for item in page["Items"]]) == list("0123456789")
        with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
            await dynamodb.put_item(
                TableName="orders", Item={"id": {"S": "1"}}, ConditionExpression="attribute_not_exists(id)"
            )


@asynchronous
async def test_a_streamed_record_has_what_an_asynchronous_client_wrote(lambda_esm):
    seen = []
    lambda_esm.function("worker", lambda event, context: seen.extend(event["Records"]))
    async with client("dynamodb") as dynamodb, client("lambda") as aws_lambda:
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        table = await dynamodb.create_table(TableName="orders", **TABLE, StreamSpecification=stream)
        await aws_lambda.create_event_source_mapping(
            FunctionName="worker",
            EventSourceArn=table["TableDescription"]["LatestStreamArn"],
            StartingPosition="TRIM_HORIZON",
        )
        await dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}})
    lambda_esm.clock.run_until_idle()
    assert [record["dynamodb"]["NewImage"] for record in seen] == [{"id": {"S": "1"}}]


@asynchronous
async def test_presigned_urls(lambda_esm):
    async with client("s3") as s3:
        url = await s3.generate_presigned_url("get_object", Params={"Bucket": "orders", "Key": "one"})
    assert url.startswith("https://orders.s3.amazonaws.com/one?")


@pytest.fixture
def aioboto3():
    return pytest.importorskip("aioboto3")


@asynchronous
async def test_resources_of_aioboto3(lambda_esm, aioboto3):
    session = aioboto3.Session(region_name=REGION)
    async with session.resource("dynamodb") as dynamodb:
        table = await dynamodb.create_table(TableName="orders", **TABLE)
        await table.wait_until_exists()
        async with table.batch_writer() as batch:
            for number in range(30):
                await batch.put_item(Item={"id": str(number), "total": number})
        assert (await table.get_item(Key={"id": "3"}))["Item"]["total"] == 3
        assert (await table.query(KeyConditionExpression=Key("id").eq("4")))["Count"] == 1
    assert len(lambda_esm.calls.of("dynamodb.BatchWriteItem")) == 2
    async with session.resource("sqs") as sqs:
        queue = await sqs.create_queue(QueueName="orders")
        await queue.send_message(MessageBody="1")
        assert [await message.body for message in await queue.receive_messages()] == ["1"]


@asynchronous
async def test_files_of_aioboto3(lambda_esm, aioboto3):
    session = aioboto3.Session(region_name=REGION)
    async with session.client("s3") as s3:
        await s3.create_bucket(Bucket="orders")
        content = b"a" * 9 * 2**20
        lambda_esm.faults.add("s3.UploadPart", connection_reset())
        await s3.upload_fileobj(io.BytesIO(content), "orders", "large")
        read = io.BytesIO()
        await s3.download_fileobj("orders", "large", read)
        assert read.getvalue() == content
    async with session.resource("s3") as s3:
        found = await s3.Object("orders", "large")
        assert await found.content_length == len(content)
        body = (await found.get())["Body"]
        assert await body.read() == content
        bucket = await s3.Bucket("orders")
        assert [each.key async for each in bucket.objects.all()] == ["large"]


@asynchronous
async def test_aioboto3_calls_functions(lambda_esm, aioboto3):
    lambda_esm.function("orders", lambda event, context: {"order": event["id"]})
    async with aioboto3.Session().client("lambda", region_name=REGION) as aws_lambda:
        response = await aws_lambda.invoke(FunctionName="orders", Payload=b'{"id": 7}')
        assert json.loads(await response["Payload"].read()) == {"order": 7}
        assert (await aws_lambda.list_event_source_mappings())["EventSourceMappings"] == []


@pytest.fixture
def files():
    """A file system of s3fs, which runs its requests in a thread of its own."""
    s3fs = pytest.importorskip("s3fs")
    s3fs.S3FileSystem.clear_instance_cache()
    yield s3fs.S3FileSystem(client_kwargs={"region_name": REGION}, skip_instance_cache=True)
    s3fs.S3FileSystem.clear_instance_cache()


def test_s3fs(lambda_esm, files):
    boto3.client("s3", region_name=REGION).create_bucket(Bucket="orders")
    with files.open("orders/one.csv", "w") as file:
        file.write("id,total\n1,10\n")
    assert files.ls("orders") == ["orders/one.csv"]
    assert files.cat("orders/one.csv") == b"id,total\n1,10\n"
    with files.open("orders/one.csv") as file:
        file.seek(3)
        assert file.readline() == b"total\n"
    files.mv("orders/one.csv", "orders/two.csv")
    assert not files.exists("orders/one.csv")
    with pytest.raises(FileNotFoundError):
        files.cat("orders/three.csv")
    lambda_esm.faults.add("s3.GetObject", connection_reset(), times=2)
    assert files.cat("orders/two.csv").startswith(b"id")


def test_s3fs_notifies_functions(lambda_esm, files):
    keys = []
    lambda_esm.function(
        "worker", lambda event, context: keys.extend(r["s3"]["object"]["key"] for r in event["Records"])
    )
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="orders")
    arn = boto3.client("lambda", region_name=REGION).get_function(FunctionName="worker")["Configuration"]["FunctionArn"]
    s3.put_bucket_notification_configuration(
        Bucket="orders",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    files.pipe("orders/one", b"1")
    lambda_esm.clock.run_until_idle()
    assert keys == ["one"]


def test_s3fs_stays_inside(files):
    files.client_kwargs = {**files.client_kwargs, "endpoint_url": "https://storage.example.com"}
    with FakeLambda(), pytest.raises(NetworkBlocked, match="would have left the process"):
        files.cat("orders/one")
