"""The section "lambda esm diagnosis": for each typical failure, its first ten lines have the cause."""

import re
from importlib.util import find_spec

import boto3
import pytest
from freezegun import freeze_time

from pytest_lambda_esm import ClockLimitExceeded
from pytest_lambda_esm.simulation.diagnosis import report
from pytest_lambda_esm.timing import instant_of

CONFTEST = """
import base64, json, time
import boto3
import pytest

@pytest.fixture
def sqs():
    return boto3.client("sqs")

@pytest.fixture
def queue(lambda_esm):
    return make_queue("orders")

def make_queue(name, region=None, **attributes):
    sqs = boto3.client("sqs", region_name=region)
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

def make_stream(name="clicks"):
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]

def put(data, name="clicks"):
    boto3.client("kinesis").put_record(StreamName=name, Data=data, PartitionKey="p")

def make_table():
    return boto3.client("dynamodb").create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]

def put_item(key):
    boto3.client("dynamodb").put_item(TableName="items", Item={"id": {"S": key}})

def send(url, body="hello", region=None):
    boto3.client("sqs", region_name=region).send_message(QueueUrl=url, MessageBody=body)

def subscribe(arn, region=None, **parameters):
    client = boto3.client("lambda", region_name=region)
    return client.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders", **parameters)["UUID"]

def login():
    secret = boto3.client("secretsmanager").create_secret(
        Name="login", SecretString=json.dumps({"username": "lambda", "password": "secret"})
    )
    return [{"Type": "BASIC_AUTH", "URI": secret["ARN"]}]

def schedule(arn, **parameters):
    events = boto3.client("events")
    events.put_rule(Name="nightly", ScheduleExpression="cron(0 2 * * ? *)", **parameters)
    events.put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": arn}])

def connect(source, **parameters):
    boto3.client("pipes").create_pipe(
        Name="billing", RoleArn="arn:aws:iam::123456789012:role/pipe", Source=source,
        Target="arn:aws:sqs:us-east-1:123456789012:bills", **parameters,
    )

def accept(event, context):
    return None

def parse(body):
    return json.loads(body)["id"]

def reject(event, context):
    for record in event["Records"]:
        parse(record["body"])

def fail(event, context):
    raise ValueError("cannot handle it")
"""

APP = """
def careless(client):
    try:
        client.list_queues()
    except Exception:
        pass
"""

# Each case: an id, the body of a test that fails, and what the diagnosis has to say, in this order.
CASES = [
    # --- queues -----------------------------------------------------------------------------------------------
    (
        "a disabled mapping",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1], Enabled=False)
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["from sqs:orders to lambda:orders is Disabled, and 1 message waits", "Enabled=True"],
    ),
    (
        "a filter",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1], FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]})
        send(queue[0], '{"kind": "Order"}')
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 message was dropped by the filter", 'body.kind is "Order", not one of ["order"]'],
    ),
    (
        "a handler that raises",
        """
        lambda_esm.function("orders", reject)
        subscribe(queue[1])
        send(queue[0], "{}")
        lambda_esm.clock.advance(minutes=1)
        assert lambda_esm.fates(queue[1])[0].fate == "deleted"
        """,
        [
            "lambda:orders: 2 failures, the last one KeyError: 'id' at conftest.py:",
            "the queue has no redrive policy",
            'in reject: parse(record["body"])',
            'in parse: return json.loads(body)["id"]',
        ],
    ),
    (
        "a handler that raises, with a dead-letter queue",
        """
        dead = make_queue("dead")[1]
        policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
        boto3.client("sqs").set_queue_attributes(QueueUrl=queue[0], Attributes={"RedrivePolicy": policy})
        lambda_esm.function("orders", fail)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        assert lambda_esm.fates("orders")[0].fate == "deleted"
        """,
        ["2 failures, the last one ValueError: cannot handle it", "go to sqs:dead", "dead-lettered"],
    ),
    (
        "a missing dead-letter queue",
        """
        dead_url, dead = make_queue("dead")
        policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1})
        boto3.client("sqs").set_queue_attributes(QueueUrl=queue[0], Attributes={"RedrivePolicy": policy})
        boto3.client("sqs").delete_queue(QueueUrl=dead_url)
        lambda_esm.function("orders", fail)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.advance(minutes=2)
        assert 0
        """,
        ["the dead-letter queue sqs:dead does not exist", "Create that queue"],
    ),
    (
        "a handler that runs into its timeout",
        """
        lambda_esm.function("orders", lambda event, context: time.sleep(9), timeout=3)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.advance(20)
        assert 0
        """,
        ["1 failure, the last one a timeout after 3 s"],
    ),
    (
        "a visibility timeout that AWS refuses",
        """
        arn = make_queue("short", VisibilityTimeout="10")[1]
        lambda_esm.function("orders", accept, timeout=60)
        subscribe(arn)
        """,
        ["CreateEventSourceMapping for orders was refused", "less than Function timeout: 60 s", "6 times"],
    ),
    (
        "a stale receipt",
        """
        orders = lambda_esm.function("orders", accept, duration=25, timeout=30)
        subscribe(queue[1])
        boto3.client("sqs").set_queue_attributes(QueueUrl=queue[0], Attributes={"VisibilityTimeout": "10"})
        send(queue[0])
        lambda_esm.clock.advance(minutes=3)
        assert len(orders.invocations) == 1
        """,
        ["(stale receipt)", "visibility timeout of 10 s", "25 s", "Raise VisibilityTimeout"],
    ),
    (
        "a fault that is not used",
        """
        lambda_esm.faults.add("UpdateEventSourceMapping", "ResourceInUseException", match={"BatchSize": 5})
        lambda_esm.function("orders", accept)
        uuid = subscribe(queue[1])
        lambda_esm.clock.run_until_idle()
        boto3.client("lambda").update_event_source_mapping(UUID=uuid, BatchSize=6)
        """,
        ["No call met the fault faults.add('UpdateEventSourceMapping'", "asked for at", "BatchSize was 6, not 5"],
    ),
    (
        "a poison message and run_until_idle",
        """
        lambda_esm.function("orders", fail)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        """,
        ["120 failures, the last one ValueError: cannot handle it at conftest.py:", "the queue has no redrive policy"],
    ),
    (
        "time that nobody moved, after the creation",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1])
        send(queue[0])
        assert orders.invocations
        """,
        ["1 message is waiting", "is Creating", "the virtual time is 00:00:00", "run_until_idle()"],
    ),
    (
        "time that nobody moved, with an enabled mapping",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1])
        lambda_esm.clock.advance(10)
        for number in range(3):
            send(queue[0])
        assert orders.invocations
        """,
        ["3 messages are due now in sqs:orders; the virtual time is 00:00:10", "run_until_idle()"],
    ),
    (
        "a delayed message",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1])
        boto3.client("sqs").send_message(QueueUrl=queue[0], MessageBody="x", DelaySeconds=60)
        lambda_esm.clock.advance(10)
        assert orders.invocations
        """,
        ["1 message is delayed until 00:01:00"],
    ),
    (
        "a batching window",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1], MaximumBatchingWindowInSeconds=60)
        lambda_esm.clock.advance(10)
        send(queue[0])
        lambda_esm.clock.advance(10)
        assert orders.invocations
        """,
        ["a batch is open: 1 of 10 messages; its window ends at 00:01:10"],
    ),
    (
        "a state that is held",
        """
        lambda_esm.transitions(creating="manual")
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["is Creating, and 1 message waits", "release()"],
    ),
    (
        "another queue",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1])
        send(make_queue("order")[0])
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 message waits in sqs:order, which no mapping reads", "reads sqs:orders, which got none"],
    ),
    (
        "a queue of another region",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1])
        send(make_queue("orders", region="eu-west-1")[0], region="eu-west-1")
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 message waits in sqs:orders in eu-west-1", "sqs:orders in us-east-1"],
    ),
    (
        "no mapping",
        """
        orders = lambda_esm.function("orders", accept)
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 message waits in sqs:orders, and no mapping reads it", "create_event_source_mapping"],
    ),
    (
        "batchItemFailures without ReportBatchItemFailures",
        """
        report = lambda event, context: {
            "batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]]
        }
        orders = lambda_esm.function("orders", report)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.advance(minutes=1)
        assert len(orders.invocations) == 2
        """,
        ["lambda:orders returned batchItemFailures once", "ReportBatchItemFailures"],
    ),
    (
        "batchItemFailures that name nothing in the batch",
        """
        report = lambda event, context: {"batchItemFailures": [{"itemIdentifier": "1"}]}
        lambda_esm.function("orders", report)
        subscribe(queue[1], FunctionResponseTypes=["ReportBatchItemFailures"])
        send(queue[0])
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["was not accepted: an entry of batchItemFailures names nothing in the batch"],
    ),
    (
        "a mapping that was deleted",
        """
        orders = lambda_esm.function("orders", accept)
        uuid = subscribe(queue[1])
        lambda_esm.clock.run_until_idle()
        boto3.client("lambda").delete_event_source_mapping(UUID=uuid)
        lambda_esm.clock.run_until_idle()
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 message waits in sqs:orders, and the mapping", "that read it was deleted at 00:00:10"],
    ),
    (
        "a queue that the test reads itself",
        """
        results = make_queue("results")[0]
        lambda_esm.function("orders", lambda event, context: send(results))
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        assert 0
        """,
        ["1 message waits in sqs:results, and no mapping reads it, which is right if the test does."],
    ),
    (
        "a function without a handler",
        """
        lambda_esm.function("orders")
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        """,
        ["The fake raised HandlerError: the function 'orders'", "it has no handler bound"],
    ),
    (
        "a function whose name is misspelt",
        """
        lambda_esm.function("order", accept)
        subscribe(queue[1])
        """,
        ["CreateEventSourceMapping for orders was refused", "Did you mean 'order'?"],
    ),
    (
        "a topic of Kafka that does not exist",
        """
        lambda_esm.function("orders", accept)
        subscribe(lambda_esm.kafka("main").arn, Topics=["orders"], StartingPosition="TRIM_HORIZON")
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["reports: PROBLEM"],
    ),
    (
        "throttles",
        """
        orders = lambda_esm.function("orders", accept, reserved_concurrency=0)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.advance(minutes=1)
        assert orders.invocations
        """,
        ["The function orders was throttled", "ReservedFunctionConcurrentInvocationLimitExceeded"],
    ),
    (
        "a blocked FIFO group",
        """
        url, arn = make_queue("orders.fifo", FifoQueue="true", ContentBasedDeduplication="true")
        lambda_esm.function("orders", fail)
        subscribe(arn, BatchSize=1)
        for body in "ab":
            boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId="Ann")
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["the group 'Ann' is blocked by message"],
    ),
    (
        "a deleted queue",
        """
        lambda_esm.function("orders", accept)
        subscribe(queue[1])
        lambda_esm.clock.advance(10)
        boto3.client("sqs").delete_queue(QueueUrl=queue[0])
        assert 0
        """,
        ["the queue sqs:orders does not exist (any more)"],
    ),
    # --- regions and accounts ---------------------------------------------------------------------------------
    (
        "a function of another region",
        """
        url, arn = make_queue("orders", region="eu-west-1")
        lambda_esm.function("orders", accept)
        subscribe(arn, region="eu-west-1")
        """,
        ["went to eu-west-1, and the function 'orders' exists in us-east-1", "region_name='us-east-1'"],
    ),
    (
        "an invocation in another region",
        """
        lambda_esm.function("orders", accept)
        boto3.client("lambda", region_name="eu-west-1").invoke(FunctionName="orders")
        """,
        ["Invoke went to eu-west-1, and the function 'orders' exists in us-east-1"],
    ),
    (
        "a function of another account",
        """
        lambda_esm.function("arn:aws:lambda:us-east-1:210987654321:function:orders", accept)
        subscribe(queue[1])
        """,
        ["went to account 123456789012, and the function 'orders' exists in us-east-1 of account 210987654321"],
    ),
    (
        "a source of another region",
        """
        lambda_esm.function("orders", accept)
        subscribe(queue[1].replace("us-east-1", "eu-west-1"))
        """,
        ["eu-west-1, and the sqs source 'orders' exists in us-east-1"],
    ),
    # --- streams ----------------------------------------------------------------------------------------------
    (
        "a disabled mapping of a stream",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(make_stream(), StartingPosition="TRIM_HORIZON", Enabled=False)
        put(b"1")
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["is Disabled, and 1 record waits"],
    ),
    (
        "records before LATEST",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(make_stream(), StartingPosition="LATEST")
        put(b"1")
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 record of kinesis:stream/clicks came before", "LATEST", "TRIM_HORIZON"],
    ),
    (
        "a poison record that blocks a shard",
        """
        lambda_esm.function("orders", fail)
        subscribe(make_stream(), StartingPosition="TRIM_HORIZON", BatchSize=1)
        put(b"1"), put(b"2")
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["ValueError: cannot handle it at conftest.py:", "is blocked by record", "1 record behind"],
    ),
    (
        "time that nobody moved, and a stream",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(make_stream(), StartingPosition="TRIM_HORIZON")
        lambda_esm.clock.advance(10)
        put(b"1")
        assert orders.invocations
        """,
        ["1 record is due now in kinesis:stream/clicks"],
    ),
    (
        "no mapping of a stream",
        """
        orders = lambda_esm.function("orders", accept)
        make_stream()
        put(b"1")
        assert orders.invocations
        """,
        ["1 record waits in kinesis:stream/clicks, and no mapping reads it"],
    ),
    (
        "a filter of a table's stream",
        """
        orders = lambda_esm.function("orders", accept)
        pattern = json.dumps({"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]})
        subscribe(make_table(), StartingPosition="TRIM_HORIZON", FilterCriteria=json.loads(pattern))
        put_item("a")
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 record was dropped by the filter", 'eventName is "INSERT", not one of ["REMOVE"]'],
    ),
    (
        "a table's stream that fails",
        """
        lambda_esm.function("orders", fail)
        subscribe(make_table(), StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=1)
        put_item("a")
        lambda_esm.clock.run_until_idle()
        assert 0
        """,
        ["2 failures, the last one ValueError: cannot handle it at conftest.py:", "discarded"],
    ),
    # --- Kafka ------------------------------------------------------------------------------------------------
    (
        "a disabled mapping of Kafka",
        """
        orders = lambda_esm.function("orders", accept)
        cluster = lambda_esm.kafka("main")
        cluster.create_topic("orders")
        subscribe(cluster.arn, Topics=["orders"], StartingPosition="TRIM_HORIZON", Enabled=False)
        cluster.produce("orders", "1")
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["is Disabled, and 1 record waits"],
    ),
    (
        "a poison record of Kafka",
        """
        lambda_esm.function("orders", fail)
        cluster = lambda_esm.kafka("main")
        cluster.create_topic("orders")
        subscribe(cluster.arn, Topics=["orders"], StartingPosition="TRIM_HORIZON")
        cluster.produce("orders", "1")
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["ValueError: cannot handle it at conftest.py:", "a poller is blocked by record orders-0:0"],
    ),
    (
        "a filter of Kafka",
        """
        orders = lambda_esm.function("orders", accept)
        cluster = lambda_esm.kafka("main")
        cluster.create_topic("orders")
        filters = {"Filters": [{"Pattern": '{"value": {"kind": ["order"]}}'}]}
        subscribe(cluster.arn, Topics=["orders"], StartingPosition="TRIM_HORIZON", FilterCriteria=filters)
        cluster.produce("orders", '{"kind": "Order"}')
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 record was dropped by the filter", 'value.kind is "Order", not one of ["order"]'],
    ),
    (
        "no mapping of Kafka",
        """
        orders = lambda_esm.function("orders", accept)
        cluster = lambda_esm.kafka("main")
        cluster.create_topic("orders")
        cluster.produce("orders", "1")
        assert orders.invocations
        """,
        ["1 record waits in kafka:cluster/", "and no mapping reads it"],
    ),
    # --- other sources ----------------------------------------------------------------------------------------
    (
        "a source without its secret",
        """
        lambda_esm.function("orders", accept)
        arn = "arn:aws:rds:us-east-1:123456789012:cluster:docs"
        access = [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-b"}]
        names = {"DatabaseName": "shop"}
        subscribe(arn, StartingPosition="LATEST", SourceAccessConfigurations=access,
                  DocumentDBEventSourceConfig=names)
        lambda_esm.clock.run_until_idle()
        assert 0
        """,
        [
            "rds:cluster:docs reports: PROBLEM: Cannot access the secret with the credentials.",
            "Secrets Manager must have it",
        ],
    ),
    (
        "another topic than the one that is read",
        """
        orders = lambda_esm.function("orders", accept)
        cluster = lambda_esm.kafka("main")
        cluster.create_topic("orders"), cluster.create_topic("order")
        subscribe(cluster.arn, Topics=["orders"], StartingPosition="TRIM_HORIZON")
        cluster.produce("order", "1")
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 record waits in the topic 'order' of kafka:cluster/", "reads the topic 'orders'. Send to that one"],
    ),
    (
        "a topic that does not exist",
        """
        lambda_esm.function("orders", accept)
        cluster = lambda_esm.kafka("main")
        subscribe(cluster.arn, Topics=["orders"], StartingPosition="TRIM_HORIZON")
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["reports: PROBLEM: Topic not found. Create the topic, or correct Topics."],
    ),
    (
        "a broker whose queue no mapping reads",
        """
        orders = lambda_esm.function("orders", accept)
        lambda_esm.mq("shop").queue("orders").send("1")
        assert orders.invocations
        """,
        ["1 message waits in mq:broker:", "and no mapping reads it"],
    ),
    (
        "another queue of a broker",
        """
        orders = lambda_esm.function("orders", accept)
        broker = lambda_esm.mq("shop")
        subscribe(broker.arn, Queues=["orders"], SourceAccessConfigurations=login())
        broker.queue("order").send("1")
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 message waits in the queue 'order' of mq:broker:", "reads the queue 'orders'"],
    ),
    (
        "a filter of a broker",
        """
        orders = lambda_esm.function("orders", accept)
        broker = lambda_esm.mq("shop")
        filters = {"Filters": [{"Pattern": '{"data": {"kind": ["order"]}}'}]}
        subscribe(broker.arn, Queues=["orders"], SourceAccessConfigurations=login(), FilterCriteria=filters)
        broker.queue("orders").send('{"kind": "Order"}')
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 message was dropped by the filter of the mapping", 'data.kind is "Order", not one of ["order"]'],
    ),
    (
        "a message of a broker that is given up",
        """
        lambda_esm.function("orders", fail)
        broker = lambda_esm.mq("shop")
        subscribe(broker.arn, Queues=["orders"], SourceAccessConfigurations=login())
        broker.queue("orders").send("1")
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["ValueError: cannot handle it at conftest.py:", "was dead-lettered", "moved to ActiveMQ.DLQ"],
    ),
    (
        "time that nobody moved, and a broker",
        """
        orders = lambda_esm.function("orders", accept)
        broker = lambda_esm.mq("shop")
        subscribe(broker.arn, Queues=["orders"], SourceAccessConfigurations=login())
        broker.queue("orders").send("1")
        assert orders.invocations
        """,
        ["1 message is waiting in mq:broker:", "is Creating", "run_until_idle()"],
    ),
    (
        "another collection than the one that is read",
        """
        orders = lambda_esm.function("orders", accept)
        cluster = lambda_esm.documentdb("shop")
        names = {"DatabaseName": "shop", "CollectionName": "orders"}
        subscribe(cluster.arn, StartingPosition="TRIM_HORIZON", SourceAccessConfigurations=login(),
                  DocumentDBEventSourceConfig=names)
        cluster.collection("shop", "order").insert({"_id": 1})
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["1 record waits in the collection 'shop.order' of rds:cluster:shop", "reads the collection 'shop.orders'"],
    ),
    # --- schedules and pipes ----------------------------------------------------------------------------------
    (
        "a schedule that is not due yet",
        """
        orders = lambda_esm.function("orders", accept)
        schedule(orders.arn)
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["lambda:orders was not invoked yet: rule nightly (cron(0 2 * * ? *))", "next due at 02:00:00", "advance(...)"],
    ),
    (
        "a disabled schedule",
        """
        orders = lambda_esm.function("orders", accept)
        schedule(orders.arn, State="DISABLED")
        lambda_esm.clock.advance(days=1)
        assert orders.invocations
        """,
        ["lambda:orders was not invoked yet: rule nightly", "disabled", "Enable it."],
    ),
    (
        "a pipe that is stopped",
        """
        connect(queue[1], DesiredState="STOPPED")
        send(queue[0])
        lambda_esm.clock.run_until_idle()
        assert 0
        """,
        ["The pipe billing from sqs:orders is stopped, and 1 message waits", "start_pipe"],
    ),
    (
        "time that nobody moved, and a pipe",
        """
        connect(queue[1])
        send(queue[0])
        assert 0
        """,
        ["1 message is due now in sqs:orders; the virtual time is 00:00:00", "run_until_idle()"],
    ),
    (
        "a filter of a pipe",
        """
        filters = {"Filters": [{"Pattern": '{"body": {"kind": ["order"]}}'}]}
        connect(queue[1], SourceParameters={"FilterCriteria": filters})
        send(queue[0], '{"kind": "Order"}')
        lambda_esm.clock.run_until_idle()
        assert 0
        """,
        ["1 message was dropped by the filter of the pipe billing", 'body.kind is "Order", not one of ["order"]'],
    ),
    (
        "a pipe whose target is missing",
        """
        connect(queue[1])
        send(queue[0])
        lambda_esm.clock.advance(minutes=1)
        assert 0
        """,
        ["sqs:orders: the last batch failed at", "sqs:bills does not exist", "Correct its enrichment or its target."],
    ),
    (
        "an error of a client in a handler",
        """
        def store(event, context):
            boto3.client("s3").put_object(Bucket="none", Key="k", Body=b"x")
        lambda_esm.function("orders", store)
        subscribe(queue[1])
        send(queue[0])
        lambda_esm.clock.advance(10)
        assert 0
        """,
        ["1 failure, the last one NoSuchBucket: ", " at test_", "in store: boto3.client("],
    ),
    # --- asynchronous events and calls ------------------------------------------------------------------------
    (
        "an asynchronous event that was not delivered",
        """
        orders = lambda_esm.function("orders", accept)
        boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event")
        assert orders.invocations
        """,
        ["1 asynchronous event waits for lambda:orders: attempt 1 is due at 00:00:00", "run_until_idle()"],
    ),
    (
        "an asynchronous event that is retried",
        """
        lambda_esm.function("orders", fail)
        boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event")
        lambda_esm.clock.advance(10)
        assert 0
        """,
        ["1 failure, the last one ValueError: cannot handle it at conftest.py:", "attempt 2 is due at 00:01:00"],
    ),
    (
        "a dead-letter queue of a function that is missing",
        """
        dead = "arn:aws:sqs:us-east-1:123456789012:dead"
        lambda_esm.function("orders", fail, dead_letter=dead)
        boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event")
        lambda_esm.clock.run_until_idle()
        assert 0
        """,
        ["ValueError: cannot handle it", "The delivery to sqs:dead failed"],
    ),
    (
        "a message full of escapes and markup",
        """
        def shout(event, context):
            raise ValueError("\\x1b[31m<script>[bold]\\u202e" + event["Records"][0]["body"])
        lambda_esm.function("orders", shout)
        subscribe(queue[1])
        send(queue[0], "</table>\\u2028" + "x" * 5000)
        lambda_esm.clock.advance(10)
        assert 0
        """,
        [r"ValueError: \x1b[31m<script>[bold]\u202e</table>\u2028xxx", "..."],
    ),
    (
        "a state machine",
        """
        orders = lambda_esm.function("orders", accept)
        states = boto3.client("stepfunctions")
        definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": orders.arn, "End": True}}}
        role = "arn:aws:iam::123456789012:role/states"
        machine = states.create_state_machine(name="checkout", roleArn=role, definition=json.dumps(definition))
        states.start_execution(stateMachineArn=machine["stateMachineArn"])
        lambda_esm.clock.run_until_idle()
        assert orders.invocations
        """,
        ["The state machine 'checkout' would invoke a function, and does not here"],
    ),
    (
        "run_until whose condition stays false",
        """
        orders = lambda_esm.function("orders", accept)
        subscribe(queue[1])
        send(make_queue("order")[0])
        lambda_esm.clock.run_until(lambda: orders.invocations)
        """,
        ["1 message waits in sqs:order, which no mapping reads"],
    ),
    (
        "a function that nobody invokes",
        """
        orders = lambda_esm.function("orders", accept)
        assert orders.invocations
        """,
        ["lambda:orders was never invoked"],
    ),
    (
        "nothing that the fake knows of",
        """
        lambda_esm.function("orders", accept)
        boto3.client("lambda").invoke(FunctionName="orders")
        assert 0
        """,
        ["The fake knows of no record that waits, no failure and no refused call."],
    ),
    (
        "an error of the fake that code under test swallowed",
        """
        import app
        app.careless(boto3.client("sqs", endpoint_url="http://sqs.internal:4566"))
        """,
        ["The fake raised NetworkBlocked: POST http://sqs.internal:4566/ would have left the process"],
    ),
]

if find_spec("moto.pipes") is None:  # An older moto.
    CASES = [case for case in CASES if "connect(" not in case[1]]


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    """Run all failing tests at once, at 100 columns, and return the diagnosis of each, in the order of CASES."""
    import os
    import subprocess
    import sys
    import textwrap

    folder = tmp_path_factory.mktemp("failing")
    bodies = [
        f"def test_{number}(lambda_esm, queue):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
        for number, (_, body, _) in enumerate(CASES)
    ]
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "app.py").write_text(APP)
    (folder / "test_it.py").write_text("from conftest import *\n\n" + "\n\n".join(bodies))
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "-p",
            "no:xdist",
            "-p",
            "no:anyio",
            "-p",
            "no:asyncio",
            "-p",
            "no:hypothesispytest",
            "--tb=short",
        ],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{len(CASES)} failed" in run.stdout, run.stdout
    found = re.findall(
        r"^-+ lambda esm diagnosis -+\n(.*?)\n-+ lambda esm timeline", run.stdout, re.DOTALL | re.MULTILINE
    )
    assert len(found) == len(CASES)
    return found


def test_the_errors_of_the_clock_have_it_too(lambda_esm):
    lambda_esm.function("orders", lambda event, context: {}["id"])
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="\x1b[31m")
    arn = "arn:aws:sqs:us-east-1:123456789012:orders"
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    with pytest.raises(ClockLimitExceeded) as caught:
        lambda_esm.clock.run_until_idle()
    text = " ".join(str(caught.value).split())
    assert "120 failures, the last one KeyError: 'id' at " in text
    assert "the queue has no redrive policy" in text
    assert "Still pending:" in text
    explained = lambda_esm.explain()
    assert explained.startswith("- lambda:orders: 120 failures, the last one KeyError: 'id' at ")
    assert lambda_esm.explain("orders") == explained
    lambda_esm.function("others", lambda event, context: None)
    assert lambda_esm.explain("others").startswith("- lambda:others was never invoked")


def test_the_report_moves_no_time(lambda_esm):
    moved = []
    lambda_esm._world.clock.call_at(
        instant_of(lambda_esm.clock.now) + 1_000_000, lambda: moved.append(1), lambda: "an event"
    )
    with freeze_time("2026-01-02"):
        assert lambda_esm._report_diagnosis()
        assert moved == []
        assert lambda_esm.clock.now.day == 2
    assert moved == [1]


def test_a_bug_in_a_rule_does_not_lose_the_report(lambda_esm, monkeypatch):
    def broken(view):
        yield 1 // 0

    monkeypatch.setattr(report, "RULES", (broken, *report.RULES))
    lambda_esm.function("orders", lambda event, context: None)
    text = lambda_esm._report_diagnosis()
    assert "The rule 'broken' of the diagnosis failed" in text
    assert "ZeroDivisionError" in text
    assert "in broken: yield 1 // 0" in text


@pytest.mark.lambda_esm(advice_ignore="ESM129")
def test_only_ten_lines_are_shown_and_the_others_counted(lambda_esm):
    sqs = boto3.client("sqs")
    for number in range(30):
        name = f"q{number}"
        sqs.create_queue(QueueName=name)
        lambda_esm.function(f"f{number}", lambda event, context: None, reserved_concurrency=0)
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=f"f{number}", Enabled=False)
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="x")
    lines = lambda_esm._report_diagnosis().splitlines()
    assert len(lines) <= 10
    assert lines[-1] == "  ... and 26 more: print(lambda_esm.explain())"
    assert lambda_esm.explain().count("is Disabled, and 1 message waits") == 30


@pytest.mark.parametrize("number", range(len(CASES)), ids=[name.replace(" ", "-") for name, _, _ in CASES])
def test_the_first_ten_lines_have_the_cause(sections, number):
    section = sections[number]
    lines = section.splitlines()
    assert len(lines) <= 10, section
    assert max(map(len, lines)) <= 100, section
    text = " ".join(section.split())
    place = 0
    for part in CASES[number][2]:
        assert part in text[place:], section
        place = text.index(part, place)
