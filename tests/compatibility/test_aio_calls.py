"""Calls of aiobotocore's clients: what they are answered, and that none of them leaves the process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ResponseStreamingError

from helpers.aio import REGION, asynchronous, client
from pytest_lambda_esm import FakeLambda, NetworkBlocked, NotSimulated

pytest.importorskip("aiobotocore")


def doubled(event, context):
    return {"doubled": 2 * event["number"]}


@asynchronous
async def test_payloads_are_streams(lambda_esm):
    lambda_esm.function("double", doubled)
    async with client("lambda") as aws_lambda:
        response = await aws_lambda.invoke(FunctionName="double", Payload=b'{"number": 21}')
        async with response["Payload"] as payload:
            assert json.loads(await payload.read()) == {"doubled": 42}
        assert response["StatusCode"] == 200
        assert response["ResponseMetadata"]["RetryAttempts"] == 0

        response = await aws_lambda.invoke(FunctionName="double", Payload=b'{"number": 4}')
        assert b"".join([chunk async for chunk in response["Payload"].iter_chunks(3)]) == b'{"doubled": 8}'


@asynchronous
async def test_a_payload_can_be_read_only_once_and_only_before_it_is_closed(lambda_esm):
    lambda_esm.function("double", doubled)
    async with client("lambda") as aws_lambda:
        response = await aws_lambda.invoke(FunctionName="double", Payload=b'{"number": 1}')
        assert await response["Payload"].read(4) == b'{"do'
        assert await response["Payload"].read() == b'ubled": 2}'
        assert await response["Payload"].read(4) == b""
        response["Payload"].close()
        with pytest.raises(ResponseStreamingError, match="Connection closed"):
            await response["Payload"].read()


@asynchronous
async def test_event_streams(lambda_esm):
    lambda_esm.function("double", doubled)
    async with client("lambda") as aws_lambda:
        response = await aws_lambda.invoke_with_response_stream(FunctionName="double", Payload=b'{"number": 21}')
        events = [event async for event in response["EventStream"]]
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == b'{"doubled": 42}'
    assert "InvokeComplete" in events[-1]


@asynchronous
async def test_modelled_errors(lambda_esm):
    async with client("lambda") as aws_lambda:
        with pytest.raises(aws_lambda.exceptions.ResourceNotFoundException) as missing:
            await aws_lambda.invoke(FunctionName="missing")
    assert missing.value.response["Type"] == "User"
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert lambda_esm.calls.last.error == "ResourceNotFoundException"


@asynchronous
async def test_unread_function_errors_get_advice(lambda_esm):
    lambda_esm.function("double", doubled)
    async with client("lambda") as aws_lambda:
        response = await aws_lambda.invoke(FunctionName="double", Payload=b"{}")
        assert response["FunctionError"] == "Unhandled"
        assert json.loads(await response["Payload"].read())["errorType"] == "KeyError"


@asynchronous
async def test_calls_side_by_side_are_told_apart(lambda_esm):
    lambda_esm.function("double", doubled)
    async with client("lambda") as aws_lambda, client("sqs") as sqs:
        names = [f"queue-{number}" for number in range(5)]
        invoked = [aws_lambda.invoke(FunctionName="double", Payload=f'{{"number": {number}}}') for number in range(10)]
        created = [sqs.create_queue(QueueName=name) for name in names]
        responses = await asyncio.gather(*invoked, *created)
        numbers = [json.loads(await response["Payload"].read())["doubled"] for response in responses[:10]]
    assert numbers == [2 * number for number in range(10)]
    assert [response["QueueUrl"].rpartition("/")[2] for response in responses[10:]] == names
    logged = [json.loads(call.params["Payload"])["number"] for call in lambda_esm.calls.of("Invoke")]
    assert sorted(logged) == list(range(10))
    assert sorted(call.params["QueueName"] for call in lambda_esm.calls.of("sqs.CreateQueue")) == names


@asynchronous
async def test_a_handler_may_use_aiobotocore_inside_an_asynchronous_test(lambda_esm):
    def handler(event, context):
        async def send():
            async with client("sqs") as sqs:
                queue = await sqs.create_queue(QueueName="from-handler")
                return queue["QueueUrl"]

        return asyncio.run(send())

    lambda_esm.function("sender", handler)
    async with client("lambda") as aws_lambda, client("sqs") as sqs:
        response = await aws_lambda.invoke(FunctionName="sender", Payload=b"{}")
        url = json.loads(await response["Payload"].read())
        assert (await sqs.get_queue_url(QueueName="from-handler"))["QueueUrl"] == url


@asynchronous
async def test_paginators(lambda_esm):
    for number in range(5):
        lambda_esm.function(f"function-{number}", doubled)
    async with client("lambda") as aws_lambda:
        pages = aws_lambda.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
        names = [function["FunctionName"] async for page in pages for function in page["Functions"]]
        assert names == [f"function-{number}" for number in range(5)]


@asynchronous
async def test_a_before_send_handler_of_the_test_may_answer_as_for_botocore(lambda_esm):
    class Raw:
        def stream(self):
            return iter([b'{"FunctionName": "canned"}'])

    def answer(request, **kwargs):
        return AWSResponse(request.url, 200, {}, Raw())

    async with client("lambda") as aws_lambda:
        aws_lambda.meta.events.register_first("before-send.lambda.GetFunctionConfiguration", answer)
        response = await aws_lambda.get_function_configuration(FunctionName="any")
    assert response["FunctionName"] == "canned"


@asynchronous
async def test_the_usual_workaround_for_moto_does_no_harm(lambda_esm, monkeypatch):
    """Many projects replace ``convert_to_response_dict``, to make moto's answers awaitable."""
    import aiobotocore.awsrequest
    import aiobotocore.endpoint

    class MockResponse(aiobotocore.awsrequest.AioAWSResponse):
        def __init__(self, response):
            self._moto_response = response
            self.status_code = response.status_code
            self.raw = response.raw

        async def _content_prop(self):
            return self._moto_response.content

        @property
        def headers(self):
            return self._moto_response.headers

    original = aiobotocore.endpoint.convert_to_response_dict

    def convert(http_response, operation_model):
        return original(MockResponse(http_response), operation_model)

    monkeypatch.setattr(aiobotocore.endpoint, "convert_to_response_dict", convert)
    lambda_esm.function("double", doubled)
    async with client("lambda") as aws_lambda:
        listed = await aws_lambda.list_functions()
        response = await aws_lambda.invoke(FunctionName="double", Payload=b'{"number": 21}')
        assert json.loads(await response["Payload"].read()) == {"doubled": 42}
    assert [function["FunctionName"] for function in listed["Functions"]] == ["double"]


def test_requests_to_unknown_addresses_are_refused():
    async def call():
        async with client("lambda", endpoint_url="https://lambda.example.com") as aws_lambda:
            await aws_lambda.list_functions()

    with FakeLambda() as fake:
        with pytest.raises(NetworkBlocked, match=r"GET https://lambda\.example\.com/.* would have left the process"):
            asyncio.run(call())
        assert [type(error) for error in fake.errors] == [NetworkBlocked]


def test_a_client_made_before_the_fake_is_answered(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    async def call():
        async with client("lambda") as aws_lambda:
            with FakeLambda() as fake:
                fake.function("double", doubled)
                response = await aws_lambda.invoke(FunctionName="double", Payload=b'{"number": 21}')
                assert json.loads(await response["Payload"].read()) == {"doubled": 42}

    asyncio.run(call())


BEFORE_MOTO = """
import asyncio, sys
from aiobotocore.session import get_session

async def main():
    async with get_session().create_client("s3", region_name="us-east-1") as s3:
        assert "moto" not in sys.modules
        from pytest_lambda_esm import FakeLambda
        with FakeLambda():
            await s3.create_bucket(Bucket="orders")
            await s3.put_object(Bucket="orders", Key="one", Body=b"1")
            response = await s3.get_object(Bucket="orders", Key="one")
            assert await response["Body"].read() == b"1"

asyncio.run(main())
"""

IMPORTED_MEANWHILE = """
import asyncio, sys
from pytest_lambda_esm import FakeLambda

async def main():
    async with get_session().create_client("lambda", region_name="us-east-1") as aws_lambda:
        assert (await aws_lambda.list_functions())["Functions"] == []

with FakeLambda():
    assert not {"aiohttp", "aiobotocore", "pytest_lambda_esm.moto_bridge.aio.answers"} & set(sys.modules)
    from aiobotocore.session import get_session
    asyncio.run(main())
"""


@pytest.mark.parametrize("program", [BEFORE_MOTO, IMPORTED_MEANWHILE], ids=["before-moto", "imported-meanwhile"])
def test_in_a_process_of_its_own(program):
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    surroundings |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGION}
    done = subprocess.run(
        [sys.executable, "-c", program], env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_left_behind():
    import aiobotocore.endpoint
    from aiobotocore.client import AioBaseClient
    from aiobotocore.endpoint import AioEndpoint
    from aiobotocore.httpsession import AIOHTTPSession
    from aiobotocore.signers import AioRequestSigner

    owners = (AioBaseClient, AioEndpoint, AIOHTTPSession, AioRequestSigner, aiobotocore.endpoint)
    before = [dict(vars(owner)) for owner in owners]
    with FakeLambda():
        assert [dict(vars(owner)) for owner in owners] != before
    assert [dict(vars(owner)) for owner in owners] == before


@asynchronous
async def test_user_errors_point_at_the_test(lambda_esm):
    async with client("lambda") as aws_lambda:
        with pytest.raises(ClientError) as refused:
            await aws_lambda.create_event_source_mapping(FunctionName="missing", EventSourceArn="arn:aws:sqs:x")
    assert refused.value.operation_name == "CreateEventSourceMapping"


@pytest.mark.parametrize(
    ("module", "name", "part"),
    [
        ("aiobotocore.endpoint", "AioEndpoint._do_get_response", "aiobotocore.endpoint.AioEndpoint._do_get_response"),
        ("aiobotocore.awsrequest", "AioAWSResponse", "aiobotocore.awsrequest.AioAWSResponse"),
    ],
)
def test_versions_that_lack_a_part_are_refused(module, name, part, monkeypatch):
    monkeypatch.delattr(f"{module}.{name}")

    async def call():
        async with client("lambda") as aws_lambda:
            await aws_lambda.list_functions()

    with FakeLambda() as fake:
        with pytest.raises(NotSimulated, match=rf"clients of aiobotocore \d.* replaces {part}, which .* 2\.25, 3\.8,"):
            asyncio.run(call())
        assert boto3.client("lambda", region_name=REGION).list_functions()["Functions"] == []
        assert [type(error) for error in fake.errors] == [NotSimulated]


@asynchronous
async def test_clients_with_the_address_of_the_served_fake(lambda_esm):
    lambda_esm.function("double", doubled)
    with lambda_esm.serve() as server:
        async with client("lambda", endpoint_url=server.url) as aws_lambda:
            response = await aws_lambda.invoke(FunctionName="double", Payload=b'{"number": 21}')
            assert json.loads(await response["Payload"].read()) == {"doubled": 42}
