"""The recipes of the how-to page on Amazon MQ. Each is a test, and the project runs them."""

# [setup]
import base64
import json

import boto3
import pytest

from pytest_lambda_esm import ConfigurationError


def bodies_of(event):
    if event["eventSource"] == "aws:mq":
        records = event["messages"]
    else:
        records = [record for queue in event["rmqMessagesByQueue"].values() for record in queue]
    return [json.loads(base64.b64decode(record["data"])) for record in records]


class Ledger:
    """The function under test books orders; it cannot book one without an amount."""

    def __init__(self):
        self.booked = []

    def handler(self, event, context):
        for order in bodies_of(event):
            self.booked.append(order["amount"])


def map_queue(broker, queue, *, virtual_host=None):
    """Create the login that Lambda uses, and a mapping of a queue to the function ``ledger``."""
    login = boto3.client("secretsmanager").create_secret(
        Name=f"login for {queue}", SecretString=json.dumps({"username": "lambda", "password": "secret"})
    )
    access = [{"Type": "BASIC_AUTH", "URI": login["ARN"]}]
    if virtual_host is not None:
        access.append({"Type": "VIRTUAL_HOST", "URI": virtual_host})
    return boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=broker.arn, FunctionName="ledger", Queues=[queue], SourceAccessConfigurations=access
    )


# [/setup]


# [first]
def test_an_order_is_booked(lambda_esm):
    broker = lambda_esm.mq("shop")  # A broker of ActiveMQ; its ARN, or the answer of create_broker, works, too.
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    map_queue(broker, "orders")

    broker.queue("orders").send('{"amount": 12}', correlation_id="customer-7", priority=5, channel="web")
    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [12]
    (record,) = lambda_esm.invocations[0].event["messages"]
    assert record["messageType"] == "jms/text-message"  # Bytes make a jms/bytes-message.
    assert record["correlationId"] == "customer-7"
    assert record["properties"] == {"channel": "web"}


# [/first]


# [rabbitmq]
def test_an_order_comes_through_rabbitmq(lambda_esm):
    broker = lambda_esm.mq("shop", engine="RabbitMQ")
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    map_queue(broker, "orders", virtual_host="/sales")

    broker.queue("orders", "/sales").send(b'{"amount": 12}', content_type="application/json", headers={"trace": "abc"})
    lambda_esm.clock.run_until_idle()

    assert ledger.booked == [12]
    (record,) = lambda_esm.invocations[0].event["rmqMessagesByQueue"]["orders::/sales"]
    assert record["basicProperties"]["headers"] == {"trace": {"bytes": [97, 98, 99]}}


# [/rabbitmq]


# [poison]
@pytest.mark.lambda_esm(advice_ignore="ESM136")
def test_a_poison_order_takes_its_batch_along(lambda_esm):
    broker = lambda_esm.mq("shop")
    ledger = Ledger()
    lambda_esm.function("ledger", ledger.handler)
    mapping = map_queue(broker, "orders")

    for body in ('{"amount": 12}', '{"total": 13}'):
        broker.queue("orders").send(body)
    lambda_esm.clock.run_until_idle()

    # The whole batch comes again: a first time, and six times redelivered. Then the broker gives up both.
    assert ledger.booked == [12] * 7
    redelivered = [event["messages"][0]["redelivered"] for event in (run.event for run in lambda_esm.invocations)]
    assert redelivered == [False] + [True] * 6
    assert len(broker.queue("ActiveMQ.DLQ").messages) == 2
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["dead-lettered"] * 2


# [/poison]


# [limit]
@pytest.mark.lambda_esm(advice_ignore="ESM136")
def test_rabbitmq_gives_up_when_the_queue_says_so(lambda_esm):
    broker = lambda_esm.mq("shop", engine="RabbitMQ")
    broker.queue("orders", dead_letter="failed", delivery_limit=2).send('{"total": 13}')
    lambda_esm.function("ledger", Ledger().handler)
    map_queue(broker, "orders")

    lambda_esm.clock.run_until_idle()

    assert len(lambda_esm.invocations) == 3
    assert [message.text for message in broker.queue("failed").messages] == ['{"total": 13}']


# [/limit]


# [trouble]
def test_a_broker_that_refuses_lambda(lambda_esm):
    broker = lambda_esm.mq("shop")
    lambda_esm.function("ledger", Ledger().handler)
    mapping = map_queue(broker, "orders")
    broker.refuse("authentication")
    lambda_esm.clock.run_until_idle()

    state = boto3.client("lambda").get_event_source_mapping(UUID=mapping["UUID"])
    assert state["StateTransitionReason"] == "EVENT_SOURCE_AUTHN_ERROR"
    assert "failed to authenticate" in lambda_esm.explain(mapping)

    broker.accept()
    broker.queue("orders").send('{"amount": 12}')
    lambda_esm.clock.run_until_idle()
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["done"]


# [/trouble]


# [misuse]
def test_what_no_client_can_send_is_refused(lambda_esm):
    queue = lambda_esm.mq("shop", engine="RabbitMQ").queue("orders")

    with pytest.raises(ConfigurationError, match="Did you mean 'content_type'"):
        queue.send("{}", contenttype="application/json")


# [/misuse]
