# [setup]
"""A shop, tested from the template that is deployed to the handlers: copy this folder, and start from it."""

import json

import boto3
import pytest

pytestmark = pytest.mark.lambda_esm_deploy("template.yaml")


@pytest.fixture
def shop(lambda_esm):
    """The deployed stack."""
    return lambda_esm.stacks[0]


def upload(shop, key, content):
    boto3.client("s3").put_object(Bucket=shop.outputs["Bucket"], Key=key, Body=content)


def waiting(url):
    """The bodies of the messages of a queue."""
    messages = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


# [/setup]


# [chain]
def test_an_uploaded_order_is_confirmed(lambda_esm, shop):
    upload(shop, "new orders/1.json", json.dumps({"article": "lamp", "mail": "ada@example.com"}))
    lambda_esm.clock.run_until_idle()

    [invocation] = shop.function("MailFunction").invocations
    assert "mail to ada@example.com: lamp is on its way" in str(invocation.log)


# [/chain]


# [partial]
def test_a_file_that_is_no_order_is_rejected_alone(lambda_esm, shop):
    upload(shop, "broken.json", "lamp")
    upload(shop, "good.json", json.dumps({"article": "lamp", "mail": "ada@example.com"}))
    lambda_esm.clock.run_until_idle()

    [rejected] = waiting(shop.queue("Rejected"))
    assert rejected["Records"][0]["s3"]["object"]["key"] == "broken.json"
    assert len(shop.function("MailFunction").invocations) == 1


# [/partial]


# [stream]
@pytest.mark.lambda_esm(advice_ignore="ESM117")  # The table has the order, so its number in the stream is enough.
def test_an_order_that_cannot_be_confirmed_ends_in_a_queue(lambda_esm, shop):
    upload(shop, "1.json", json.dumps({"article": "lamp", "mail": "nowhere"}))
    lambda_esm.clock.run_until_idle()

    [undelivered] = waiting(shop.queue("Undelivered"))
    assert undelivered["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert [each.attempt for each in shop.function("MailFunction").invocations] == [1, 2, 3]


# [/stream]


# [schedule]
@pytest.mark.lambda_esm(start="2026-03-01T12:00:00Z")
def test_the_report_is_made_once_a_night(lambda_esm, shop):
    upload(shop, "1.json", json.dumps({"article": "lamp", "mail": "ada@example.com"}))
    lambda_esm.clock.advance(days=1)

    [night] = shop.function("ReportFunction").invocations
    assert night.result == {"time": "2026-03-02T03:00:00Z", "orders": 1}


# [/schedule]
