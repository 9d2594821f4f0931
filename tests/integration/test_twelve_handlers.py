"""Twelve handlers with a bug each that an exploration finds, and the same handlers as they should be."""
# ruff: noqa: PT012 - an exploration is a loop with a block, also inside pytest.raises

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

pytest.importorskip("hypothesis")

from helpers.charges import STANDARD
from helpers.trials import worlds
from pytest_lambda_esm import ExplorationFailed

# Advice warns of some of the bugs without any trouble.
pytestmark = [pytest.mark.lambda_esm(advice="off"), pytest.mark.slow]

REGION = "us-east-1"
FIFO_URL = f"https://sqs.{REGION}.amazonaws.com/123456789012/shipments.fifo"


class Clients:
    """What the handlers call AWS with. The worlds of all tests share it: to make a client takes longer than a world."""

    def __init__(self):
        self.dynamodb = boto3.client("dynamodb", region_name=REGION, config=STANDARD)
        self.functions = boto3.client("lambda", region_name=REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)
        self.table = boto3.resource("dynamodb", region_name=REGION, config=STANDARD).Table("things")

    def get(self, key):
        return self.table.get_item(Key={"id": key}, ConsistentRead=True).get("Item")

    def put(self, key, **attributes):
        self.table.put_item(Item={"id": key, **attributes})

    def put_if(self, condition, key, values=None, **attributes):
        """Write an item unless a condition, in which ``:name`` are ``values``, keeps it from being written."""
        more = {"ExpressionAttributeValues": values} if values else {}
        try:
            self.table.put_item(Item={"id": key, **attributes}, ConditionExpression=condition, **more)
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def add(self, key, number=1):
        self.table.update_item(Key={"id": key}, UpdateExpression="ADD n :n", ExpressionAttributeValues={":n": number})

    def add_once(self, key, cause):
        """Count a cause that was not counted before."""
        try:
            self.table.update_item(
                Key={"id": key},
                UpdateExpression="ADD n :one, causes :causes",
                ConditionExpression="NOT contains(causes, :cause)",
                ExpressionAttributeValues={":one": 1, ":causes": {cause}, ":cause": cause},
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return


@pytest.fixture(scope="module")
def aws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield Clients()


# --- 1: a write that is not idempotent ----------------------------------------------------------------


def counts_messages(aws):
    def handler(event, context):
        for record in event["Records"]:
            aws.add(record["body"])

    return handler


def counts_message_ids(aws):
    def handler(event, context):
        for record in event["Records"]:
            aws.add_once(record["body"], record["messageId"])

    return handler


def orders_are_counted_once(lambda_esm, handler):
    assert counts(deliver(lambda_esm, handler, "lamp", "chair")) == {"lamp": 1, "chair": 1}


# --- 2: check, then act ---------------------------------------------------------------------------------


def looks_up_the_receipt(aws):
    def handler(event, context):
        for record in event["Records"]:
            order = record["body"]
            if aws.get(f"receipt of {order}") is None:
                aws.add(order)
                aws.put(f"receipt of {order}")

    return handler


def checks_in_the_write(aws):
    def handler(event, context):
        for record in event["Records"]:
            order = record["body"]
            aws.add_once(order, order)
            aws.put(f"receipt of {order}")

    return handler


def orders_have_a_receipt(lambda_esm, handler):
    items = deliver(lambda_esm, handler, "lamp", "chair")
    assert counts(items) == {"lamp": 1, "chair": 1}
    assert {"receipt of lamp", "receipt of chair"} < set(items)


# --- 3: an update that another shard's update overwrites --------------------------------------------------


def keeps_what_comes_last(aws):
    def handler(event, context):
        for price in data_of(event):
            aws.put("lamp", version=price["version"])

    return handler


def keeps_the_highest_version(aws):
    def handler(event, context):
        for price in data_of(event):
            newer = "attribute_not_exists(id) OR version < :version"
            aws.put_if(newer, "lamp", {":version": price["version"]}, version=price["version"])

    return handler


def the_latest_price_remains(lambda_esm, handler):
    things, prices = lambda_esm.table("things", stream=None), lambda_esm.stream("prices", shards=2)
    lambda_esm.connect(prices, lambda_esm.function("f", handler))
    for version, shop in enumerate(("a", "b", "c", "d")):
        prices.put({"version": version}, key=shop)
    lambda_esm.clock.run_until_idle()
    assert things.items == [{"id": "lamp", "version": 3}]


# --- 4: a commit before the work ---------------------------------------------------------------------------


def notes_it_first(aws):
    def handler(event, context):
        order = event["order"]
        if aws.put_if("attribute_not_exists(id)", f"done {order}"):
            aws.put(order, n=1)

    return handler


def notes_it_last(aws):
    def handler(event, context):
        order = event["order"]
        if aws.get(f"done {order}") is None:
            aws.put(order, n=1)
            aws.put(f"done {order}")

    return handler


def the_order_is_charged(lambda_esm, handler):
    things = lambda_esm.table("things", stream=None)
    invoke(lambda_esm, lambda_esm.function("f", handler), {"order": "lamp"})
    lambda_esm.clock.run_until_idle()
    assert {item["id"] for item in things.items} == {"lamp", "done lamp"}


# --- 5: no conditional put ---------------------------------------------------------------------------------


def stores_each_state(aws):
    def handler(event, context):
        for record in event["Records"]:
            aws.put("lamp", state=record["body"])

    return handler


def never_creates_twice(aws):
    def handler(event, context):
        for record in event["Records"]:
            if record["body"] == "created":
                aws.put_if("attribute_not_exists(id)", "lamp", state="created")
            else:
                aws.put("lamp", state=record["body"])

    return handler


def a_paid_order_stays_paid(lambda_esm, handler):
    things, orders = connected(lambda_esm, handler)
    orders.send("created")
    lambda_esm.clock.advance(10)
    orders.send("paid")
    lambda_esm.clock.run_until_idle()
    assert things.items == [{"id": "lamp", "state": "paid"}]


# --- 6: state in a module ----------------------------------------------------------------------------------


def remembers_in_the_process(aws):
    seen = set()  # As a variable of the handler's module, it outlives invocations.

    def handler(event, context):
        for record in event["Records"]:
            if record["messageId"] not in seen:
                seen.add(record["messageId"])
                aws.put(record["body"], n=1)

    return handler


def remembers_in_the_table(aws):
    def handler(event, context):
        for record in event["Records"]:
            aws.put_if("attribute_not_exists(id)", record["body"], n=1)

    return handler


# --- 7: a retry without a key ------------------------------------------------------------------------------


def ships_with_an_id_of_the_invocation(aws):
    return ships(aws, lambda order, context: f"{order}-{context.aws_request_id}")


def ships_with_the_id_of_the_order(aws):
    return ships(aws, lambda order, context: order)


def ships(aws, key):
    def handler(event, context):
        for record in event["Records"]:
            order = record["body"]
            aws.sqs.send_message(
                QueueUrl=FIFO_URL,
                MessageBody=order,
                MessageGroupId="all",
                MessageDeduplicationId=key(order, context),
            )

    return handler


def each_order_is_shipped_once(lambda_esm, handler):
    shipments = lambda_esm.queue("shipments.fifo")
    deliver(lambda_esm, handler, "lamp", "chair")
    assert sorted(message.body for message in shipments.messages) == ["chair", "lamp"]


# --- 8: a partial failure that is reported wrong -------------------------------------------------------------


def reports_only_the_first(aws):
    def handler(event, context):
        for record in event["Records"]:
            try:
                aws.put(record["body"], n=1)
            except aws.dynamodb.exceptions.ClientError:
                return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
        return {"batchItemFailures": []}

    return handler


def reports_each(aws):
    def handler(event, context):
        failures = []
        for record in event["Records"]:
            try:
                aws.put(record["body"], n=1)
            except aws.dynamodb.exceptions.ClientError:
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    return handler


def the_whole_batch_is_written(lambda_esm, handler):
    parameters = {"BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    assert counts(deliver(lambda_esm, handler, "lamp", "chair", **parameters)) == {"lamp": 1, "chair": 1}


# --- 9: an order that a standard queue does not keep -----------------------------------------------------------


def trusts_the_order(aws):
    def handler(event, context):
        for record in event["Records"]:
            aws.put("lamp", version=int(record["body"]))

    return handler


def trusts_the_version(aws):
    def handler(event, context):
        for record in event["Records"]:
            version = int(record["body"])
            newer = "attribute_not_exists(id) OR version < :version"
            aws.put_if(newer, "lamp", {":version": version}, version=version)

    return handler


def the_last_version_remains(lambda_esm, handler):
    items = deliver(lambda_esm, handler, "1", "2", "3", BatchSize=10)
    assert items["lamp"]["version"] == 3


# --- 10: no redrive policy, and 11: a timeout that is shorter than the work: both are settings --------------------


def without_redrive(aws):
    return {}


def with_redrive(aws):
    return {"max_receives": 1}


def no_order_is_lost(lambda_esm, settings):
    """Messages live for a minute, which two attempts take."""
    letters = lambda_esm.queue("letters")
    things = lambda_esm.table("things", stream=None)
    redrive = {"redrive": letters, **settings} if settings else {}
    orders = lambda_esm.queue("orders", attributes={"MessageRetentionPeriod": "60"}, **redrive)
    lambda_esm.connect(orders, lambda_esm.function("f", lambda event, context: write_all(things, event)), BatchSize=1)
    orders.send("lamp")
    lambda_esm.clock.run_until_idle()
    assert "lamp" in {item["id"] for item in things.items} | {message.body for message in letters.messages}


def write_all(things, event):
    for record in event["Records"]:
        things.put({"id": record["body"]})


def three_seconds(aws):
    return 3


def ten_seconds(aws):
    return 10


def each_reading_is_stored(lambda_esm, timeout):
    """Each reading takes a second, and two of them come at a time, or more if they have to wait."""
    things, readings = lambda_esm.table("things", stream=None), lambda_esm.stream("readings")

    def handler(event, context):
        found = data_of(event)
        time.sleep(len(found))
        for reading in found:
            things.put({"id": reading})

    function = lambda_esm.function("f", handler, timeout=timeout)
    lambda_esm.connect(readings, function, BatchSize=4, MaximumRetryAttempts=3)
    for number in range(3):
        readings.put(f"a{number}")
        readings.put(f"b{number}")
        lambda_esm.clock.advance(2.5)
    lambda_esm.clock.run_until_idle()
    assert len(things.items) == 6


# --- 12: a token that has expired ------------------------------------------------------------------------------------


class Bank:
    """A service that issues tokens for 20 seconds, and refuses older ones."""

    def __init__(self):
        self.paid = set()

    def token(self):
        return time.time() + 20

    def pay(self, order, token):
        if time.time() > token:
            raise PermissionError("the token has expired")
        self.paid.add(order)


def keeps_the_token(aws):
    return lambda bank: pays(bank, lambda token: False)


def renews_the_token(aws):
    return lambda bank: pays(bank, lambda token: time.time() > token - 5)


def pays(bank, has_expired):
    tokens = []

    def handler(event, context):
        for record in event["Records"]:
            if not tokens or has_expired(tokens[-1]):
                tokens.append(bank.token())
            bank.pay(record["body"], tokens[-1])

    return handler


def all_is_paid(lambda_esm, make_handler):
    bank = Bank()
    orders = lambda_esm.queue("orders", redrive=lambda_esm.queue("letters"), max_receives=5)
    lambda_esm.connect(orders, lambda_esm.function("pay", make_handler(bank)), BatchSize=1)
    orders.send("lamp")
    orders.send("chair")
    lambda_esm.clock.run_until_idle()
    assert bank.paid == {"lamp", "chair"}


# --- the worlds --------------------------------------------------------------------------------------------------


def connected(lambda_esm, handler, **parameters):
    things, orders = lambda_esm.table("things", stream=None), lambda_esm.queue("orders")
    lambda_esm.connect(orders, lambda_esm.function("f", handler), **parameters)
    return things, orders


def deliver(lambda_esm, handler, *bodies, **parameters):
    """Deliver messages to a handler, and return the items of the table by their keys."""
    things, orders = connected(lambda_esm, handler, **{"BatchSize": 1, **parameters})
    for body in bodies:
        orders.send(body)
    lambda_esm.clock.run_until_idle()
    return {item["id"]: item for item in things.items}


def counts(items):
    return {key: int(item["n"]) for key, item in items.items() if "n" in item}


def data_of(event):
    import base64

    texts = [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
    return [json.loads(text) if text.startswith("{") else text for text in texts]


def invoke(lambda_esm, function, payload):
    lambda_esm.client("lambda").invoke(FunctionName=function.name, InvocationType="Event", Payload=json.dumps(payload))


@dataclass(frozen=True)
class Case:
    """What is wrong, the code with the bug and as it should be, each made for the clients, and what uses it."""

    name: str
    wrong: Callable[[Any], Any]
    right: Callable[[Any], Any]
    body: Callable[[Any, Any], None]
    at_most: int = 3
    worlds: int = 30


CASES = [
    Case("write that is not idempotent", counts_messages, counts_message_ids, orders_are_counted_once),
    Case("check then act", looks_up_the_receipt, checks_in_the_write, orders_have_a_receipt),
    Case("lost update across shards", keeps_what_comes_last, keeps_the_highest_version, the_latest_price_remains),
    # Lambda gives an asynchronous event up after three attempts.
    Case("commit before work", notes_it_first, notes_it_last, the_order_is_charged, at_most=2),
    Case("no conditional put", stores_each_state, never_creates_twice, a_paid_order_stays_paid),
    Case("state in a module", remembers_in_the_process, remembers_in_the_table, orders_are_counted_once),
    Case(
        "retry without a key",
        ships_with_an_id_of_the_invocation,
        ships_with_the_id_of_the_order,
        each_order_is_shipped_once,
    ),
    Case("partial failure reported wrong", reports_only_the_first, reports_each, the_whole_batch_is_written),
    Case("order of a standard queue", trusts_the_order, trusts_the_version, the_last_version_remains),
    # It takes two troubles.
    Case("missing redrive", without_redrive, with_redrive, no_order_is_lost, worlds=100),
    Case("timeout shorter than the work", three_seconds, ten_seconds, each_reading_is_stored),
    Case("expired token", keeps_the_token, renews_the_token, all_is_paid),
]

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))


@each_case
def test_the_bug_is_found_with_at_most_two_troubles(lambda_esm, aws, case):
    exploration = lambda_esm.explore(runs=worlds(case.worlds, at_most=200), at_most=case.at_most)
    with pytest.raises(ExplorationFailed, match="replay it alone"):
        for run in exploration:
            with run:
                case.body(lambda_esm, case.wrong(aws))
    causes = [line for line in exploration.report.splitlines() if line.startswith("  world ")]
    assert causes
    assert all(line.count(" and ") <= 1 for line in causes)


@each_case
def test_the_corrected_handler_survives(lambda_esm, aws, case):
    exploration = lambda_esm.explore(runs=worlds(24, at_most=1000), at_most=case.at_most)
    for run in exploration:
        with run:
            case.body(lambda_esm, case.right(aws))
    assert ", none broke; in " in exploration.report
