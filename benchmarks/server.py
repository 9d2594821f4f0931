"""Requests over HTTP to the endpoint of a fake, compared with those to moto's own server. It needs ``moto[server]``."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from moto import mock_aws

from benchmarks.harness import Comparison, Goal, Stopwatch
from benchmarks.moto_world import REGION, make_function, make_queue
from pytest_lambda_esm import FakeLambda

PAIRS = 30
STARTS = 20
_MAPPINGS: Final = "/2015-03-31/event-source-mappings/"
_SIGNATURE: Final = {
    "Authorization": (
        f"AWS4-HMAC-SHA256 Credential=testing/20260101/{REGION}/lambda/aws4_request, SignedHeaders=host, Signature=0"
    )
}


def comparisons() -> Iterator[Comparison]:
    if find_spec("flask_cors") is None:
        return
    yield Comparison(
        what=f"{PAIRS} x create and get, over HTTP",
        ours=_with_the_fake,
        against="moto's server",
        other=_with_moto,
        rounds=9,
        goal=Goal("ratio", 1.2),
        units=PAIRS,
    )
    yield Comparison(
        what=f"{STARTS} endpoints, from start to end",
        ours=lambda: _started(STARTS),
        against="1 endpoint",
        other=lambda: _started(1),
        rounds=9,
        goal=Goal("value", STARTS * 0.05),
        units=STARTS,
    )


def _with_the_fake() -> float:
    with FakeLambda(region=REGION) as fake:
        fake.function("orders", _do_nothing)
        arns = [make_queue(boto3.client("sqs", region_name=REGION), f"queue-{number}") for number in range(PAIRS)]
        with fake.serve() as server:
            return _seconds(server.url, arns)


def _with_moto() -> float:
    from moto.server import ThreadedMotoServer

    with mock_aws():
        make_function(boto3.client("lambda", region_name=REGION), boto3.client("iam", region_name=REGION), "orders")
        arns = [make_queue(boto3.client("sqs", region_name=REGION), f"queue-{number}") for number in range(PAIRS)]
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # It prints each request, which would count.
        server = ThreadedMotoServer(port=0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            return _seconds(f"http://{host}:{port}", arns)
        finally:
            server.stop()


def _seconds(url: str, arns: list[str]) -> float:
    _send(url, "GET", _MAPPINGS)  # the server's first request is not part of the comparison
    with Stopwatch() as watch:
        for arn in arns:
            created = _send(url, "POST", _MAPPINGS, {"FunctionName": "orders", "EventSourceArn": arn})
            _send(url, "GET", f"{_MAPPINGS}{created['UUID']}")
    return watch.seconds


def _send(url: str, method: str, path: str, members: object = None) -> Any:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    try:
        connection.request(method, path, json.dumps(members) if members else None, _SIGNATURE)
        response = connection.getresponse()
        body = response.read()
        if response.status >= http.client.BAD_REQUEST:
            raise SystemExit(f"{method} {path}: {response.status} {body!r}")
        return json.loads(body)
    finally:
        connection.close()


def _started(number: int) -> float:
    with FakeLambda(region=REGION) as fake, Stopwatch() as watch:
        for _ in range(number):
            with fake.serve():
                pass
    return watch.seconds


def _do_nothing(event: object, context: object) -> None:
    return None
