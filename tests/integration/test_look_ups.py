"""What names a mapping, a source or a function: the same for mapping(), fates() and explain()."""

import boto3
import pytest

from helpers.documentdb import Shop
from pytest_lambda_esm import LambdaEsmError, MappingNotFound


@pytest.fixture
def setup(lambda_esm):
    sqs = boto3.client("sqs")
    created = sqs.create_queue(QueueName="paid-orders")
    attributes = sqs.get_queue_attributes(QueueUrl=created["QueueUrl"], AttributeNames=["QueueArn"])
    function = lambda_esm.function("billing", lambda event, context: None)
    arn = attributes["Attributes"]["QueueArn"]
    answer = boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="billing")
    sqs.send_message(QueueUrl=created["QueueUrl"], MessageBody="x")
    lambda_esm.clock.run_until_idle()
    url = created["QueueUrl"]
    return {
        "uuid": answer["UUID"],
        "the first part of a uuid": answer["UUID"][:8],
        "arn of the mapping": answer["EventSourceMappingArn"],
        "answer": answer,
        "entry of a list": boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"][0],
        "list of one": boto3.client("lambda").list_event_source_mappings(FunctionName="billing"),
        "mapping": lambda_esm.mapping(answer),
        "url": url,
        "url with a slash": url + "/",
        "answer of CreateQueue": created,
        "answer of GetQueueAttributes": attributes,
        "arn of the source": arn,
        "name of the source": "paid-orders",
        "function": function,
        "name of the function": "billing",
        "qualified name": "billing:$LATEST",
        "arn of the function": function.arn,
        "answer of GetFunction": boto3.client("lambda").get_function(FunctionName="billing"),
    }


NAMES = [
    "uuid",
    "the first part of a uuid",
    "arn of the mapping",
    "answer",
    "entry of a list",
    "list of one",
    "mapping",
    "url",
    "url with a slash",
    "answer of CreateQueue",
    "answer of GetQueueAttributes",
    "arn of the source",
    "name of the source",
    "function",
    "name of the function",
    "qualified name",
    "arn of the function",
    "answer of GetFunction",
]


@pytest.mark.parametrize("name", NAMES)
def test_each_look_up_takes_it(lambda_esm, setup, name):
    given = setup[name]
    assert lambda_esm.mapping(given) is setup["mapping"]
    assert f"mapping {setup['uuid']} is Enabled" in lambda_esm.explain(given)
    of_function = "function" in name.lower() or name == "qualified name"
    assert [fate.fate for fate in lambda_esm.fates(given)] == ([] if of_function else ["deleted"])


WRONG = [
    ("paid-order", "Did you mean 'paid-orders'?"),
    ("biling", "Did you mean 'billing'?"),
    ("https://sqs.us-east-1.amazonaws.com/123456789012/paid-order", "Did you mean 'paid-orders'?"),
    ("arn:aws:sqs:us-east-1:123456789012:paid-order", "Did you mean 'arn:aws:sqs:us-east-1:123456789012:paid-orders'"),
    ("00000000-0000-4000-8000-000000000000", "Known are: "),
    ("", "Known are: "),
    (None, "Known are: "),
    ({"Items": []}, "Known are: "),
    (["paid-orders"], "Did you mean 'paid-orders'?"),
    ("\x1b[31m<b>paid-orders</b>", r"'\x1b[31m<b>paid-orders</b>'"),
    ("x" * 5000, "xxx..."),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_one_gets_the_nearest_right_ones(lambda_esm, setup, number):
    given, told = WRONG[number]
    for look_up, error in ((lambda_esm.mapping, MappingNotFound), (lambda_esm.fates, LambdaEsmError)):
        with pytest.raises(error) as caught:
            look_up(given)
        assert told in str(caught.value)
        assert len(str(caught.value)) < 1500
        assert "\x1b" not in str(caught.value)
        assert caught.traceback[-1].path.name.startswith(("queries", "test_look_ups"))
    if given is not None:
        with pytest.raises(LambdaEsmError) as caught:
            lambda_esm.explain(given)
        assert told in str(caught.value)


def test_several_mappings_are_listed(lambda_esm, setup):
    lambda_esm.function("shipping", lambda event, context: None)
    other = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=setup["arn of the source"], FunctionName="shipping"
    )["UUID"]
    with pytest.raises(MappingNotFound, match=f"several mappings; give the UUID of one of them:(?s:.*){other}"):
        lambda_esm.mapping("paid-orders")
    assert lambda_esm.mapping("shipping").uuid == other
    assert lambda_esm.explain("paid-orders").count("\n  mapping ") == 2


def test_a_source_without_a_mapping(lambda_esm):
    boto3.client("sqs").create_queue(QueueName="alone")
    assert lambda_esm.fates("alone") == []
    assert "No mapping concerns 'alone'" in lambda_esm.explain("alone")
    with pytest.raises(MappingNotFound, match="no mapping concerns 'alone'"):
        lambda_esm.mapping("alone")


def test_a_name_that_two_sources_have(lambda_esm):
    boto3.client("sqs").create_queue(QueueName="orders")
    boto3.client("kinesis").create_stream(StreamName="orders", ShardCount=1)
    with pytest.raises(LambdaEsmError, match=r"ambiguous; give one of these ARNs:\n.*:sqs:.*\n.*:kinesis:"):
        lambda_esm.fates("orders")


def test_a_name_of_a_queue_and_a_function_is_the_queue_for_fates(lambda_esm):
    sqs = boto3.client("sqs")
    lambda_esm.function("orders", lambda event, context: None)
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert [fate.fate for fate in lambda_esm.fates("orders")] == ["waiting"]


def test_a_url_in_another_region(lambda_esm):
    for region in ("us-east-1", "eu-west-1"):
        sqs = boto3.client("sqs", region_name=region)
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert [fate.fate for fate in lambda_esm.fates(url)] == ["waiting"]


def test_streams_tables_and_clusters_by_name(lambda_esm):
    boto3.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    boto3.client("kinesis").put_record(StreamName="clicks", Data=b"x", PartitionKey="p")
    table = boto3.client("dynamodb").create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    boto3.client("dynamodb").put_item(TableName="items", Item={"id": {"S": "a"}})
    cluster = lambda_esm.kafka("kafka-1:9092,kafka-2:9092")
    cluster.create_topic("orders")
    cluster.produce("orders", "1")
    for given in ("clicks", "items", table, cluster, "kafka-2:9092"):
        assert [fate.fate for fate in lambda_esm.fates(given)] == ["waiting"]


def test_brokers_their_queues_and_clusters_by_name_and_object(lambda_esm):
    lambda_esm.function("billing", lambda event, context: None)
    secret = boto3.client("secretsmanager").create_secret(
        Name="login", SecretString='{"username": "lambda", "password": "secret"}'
    )
    broker, cluster = lambda_esm.mq("shop"), lambda_esm.kafka("main")
    orders, other = broker.queue("orders"), broker.queue("other")
    created = boto3.client("lambda").create_event_source_mapping(
        EventSourceArn=broker.arn,
        FunctionName="billing",
        Queues=["orders"],
        SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": secret["ARN"]}],
    )
    sent, unread = orders.send("1"), other.send("2")
    lambda_esm.clock.run_until_idle()
    for given in ("shop", broker, orders, "orders", broker.arn):
        assert lambda_esm.mapping(given).uuid == created["UUID"]
        assert broker.arn in lambda_esm.explain(given)
        assert sent in [fate.record for fate in lambda_esm.fates(given)]
    for given in (other, "other"):
        assert [fate.record for fate in lambda_esm.fates(given)] == [unread]
    with pytest.raises(LambdaEsmError, match="Did you mean 'other'"):
        lambda_esm.fates("othr")
    with pytest.raises(MappingNotFound, match="no mapping concerns"):
        lambda_esm.mapping(other)
    described = boto3.client("kafka").describe_cluster(ClusterArn=cluster.arn)
    for given in ("main", cluster, described):
        assert list(lambda_esm.fates(given)) == []
    with pytest.raises(LambdaEsmError, match="Did you mean 'shop'"):
        lambda_esm.fates("shopp")


def test_a_queue_of_a_broker_and_one_of_sqs_with_the_same_name(lambda_esm):
    queue = lambda_esm.mq("shop").queue("orders")
    boto3.client("sqs").create_queue(QueueName="orders")
    queue.send("1")
    with pytest.raises(LambdaEsmError, match="ambiguous"):
        lambda_esm.fates("orders")
    assert [fate.fate for fate in lambda_esm.fates(queue)] == ["waiting"]


def test_collections(lambda_esm):
    shop = Shop(lambda_esm)
    other = shop.cluster.collection("shop", "bills")
    uuid = shop.subscribe(lambda event, context: None)
    shop.insert("1")
    lambda_esm.clock.run_until_idle()
    assert lambda_esm.mapping(shop.orders).uuid == uuid
    assert [fate.fate for fate in lambda_esm.fates(shop.orders)] == ["done"]
    assert uuid in lambda_esm.explain(shop.orders)
    assert lambda_esm.mapping(other).uuid == uuid  # The only mapping of its cluster.


def test_pipes_by_name_arn_and_answer(lambda_esm):
    pytest.importorskip("moto.pipes", reason="this moto has no pipes")
    url = boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    boto3.client("sqs").create_queue(QueueName="bills")
    arn = "arn:aws:sqs:us-east-1:123456789012:"
    made = boto3.client("pipes").create_pipe(
        Name="billing", RoleArn="arn:aws:iam::123456789012:role/pipe", Source=f"{arn}orders", Target=f"{arn}bills"
    )
    sent = boto3.client("sqs").send_message(QueueUrl=url, MessageBody="x")["MessageId"]
    for given in ("billing", made["Arn"], made):
        assert [fate.record for fate in lambda_esm.fates(given)] == [sent]
        assert "mapping of pipe billing is Enabled" in lambda_esm.explain(given)
        assert "does not exist" not in lambda_esm.explain(given)


def test_a_shared_name_means_the_queue_also_after_asynchronous_events(lambda_esm):
    function = lambda_esm.function("orders", lambda event, context: None)
    queue = lambda_esm.queue("orders")
    boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event")
    lambda_esm.run_until_idle()
    sent = queue.send("x")
    assert [fate.record for fate in lambda_esm.fates("orders")] == [sent["MessageId"]]
    assert [fate.fate for fate in lambda_esm.fates(function)] == ["done"]
