"""Answers to requests that no SDK would send, as clients over HTTP get them."""

from __future__ import annotations

import json
from typing import Any

from helpers.conformance import Facts
from helpers.http import call_json, send

FACT_TITLE = "Requests over HTTP"
FACTS = Facts(FACT_TITLE)


@FACTS("u-target", "reported", "A target that a service of the JSON protocols does not have is refused.")
def test_unknown_target(lambda_esm_server: Any) -> None:
    answer = call_json(lambda_esm_server, "sqs", "AmazonSQS.Nothing")
    assert (answer.status, json.loads(answer.body)["__type"]) == (400, "UnknownOperationException")


@FACTS("u-path", "reported", "A path that is no operation of Lambda's is not authorized.")
def test_unknown_path(lambda_esm_server: Any) -> None:
    answer = send(lambda_esm_server, "GET", "/2015-03-31/nothing", service="lambda")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert "Unable to determine service/operation name to be authorized" in json.loads(answer.body).values()


@FACTS("u-action", "documented", "An action that a service of the query protocol does not have is invalid.")
def test_unknown_action(lambda_esm_server: Any) -> None:
    answer = send(lambda_esm_server, "POST", "/?Action=Nothing&Version=2010-03-31", service="sns")
    assert (answer.status, b"<Code>InvalidAction</Code>" in answer.body) == (400, True)
