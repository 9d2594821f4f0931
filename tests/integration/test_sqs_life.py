"""Events around a mapping while it polls: queues, functions and mappings change, and messages are filtered."""

import json

import boto3
import pytest

from helpers.queues import accept, arn_of, bodies, counts, make_queue, refuse, send, since, subscribe

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1")


def test_a_deleted_queue_ends_the_polling_and_a_new_one_of_that_name_resumes_it(lambda_esm):
    url = make_queue(VisibilityTimeout=60)
    orders = lambda_esm.function("orders", accept, timeout=20, duration=10)
    mapping = subscribe(lambda_esm, url)
    [lost] = send(url, "lost")
    lambda_esm.clock.advance(seconds=1)
    boto3.client("sqs").delete_queue(QueueUrl=url)
    lambda_esm.clock.run_until_idle()
    assert mapping.metrics["DeletedEventCount"] == 0
    assert "does not exist" in lambda_esm.explain(mapping)
    assert [(fate.record, fate.detail) for fate in lambda_esm.fates(mapping)] == [(lost, "deleted with its queue")]
    send(make_queue(), "new")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["lost"], ["new"]]


def test_a_purge_takes_messages_in_flight_as_well(lambda_esm):
    url = make_queue(VisibilityTimeout=60)
    lambda_esm.function("orders", refuse, timeout=20, duration=10)
    mapping = subscribe(lambda_esm, url)
    send(url, "in flight")
    lambda_esm.clock.advance(seconds=1)
    send(url, "later", DelaySeconds=30)
    boto3.client("sqs").purge_queue(QueueUrl=url)
    lambda_esm.clock.run_until_idle()
    assert len(lambda_esm.invocations) == 1
    assert {fate.detail for fate in lambda_esm.fates(mapping)} == {"purged"}


def test_a_changed_visibility_timeout_holds_from_the_next_receipt_on(lambda_esm):
    url = make_queue(VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "100"})
    lambda_esm.clock.advance(seconds=200)
    assert since(lambda_esm, start) == [0, 30, 130]


def test_a_redrive_policy_may_come_later(lambda_esm):
    dead, url = make_queue("dead"), make_queue("orders", VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    mapping = subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.advance(minutes=5)
    policy = json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 2})
    boto3.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    lambda_esm.clock.run_until_idle()
    assert counts(dead) == (1, 0, 0)
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["dead-lettered"]


@pytest.mark.parametrize(
    ("allow", "moves"),
    [
        (None, True),
        ({"redrivePermission": "allowAll"}, True),
        ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:123456789012:orders"]}, True),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:123456789012:other"]}, False),
    ],
    ids=["none", "allowAll", "denyAll", "byQueue, this one", "byQueue, another one"],
)
def test_a_dead_letter_queue_takes_what_it_allows(lambda_esm, allow, moves):
    attributes = {"RedriveAllowPolicy": json.dumps(allow)} if allow else {}
    dead = make_queue("dead", **attributes)
    url = make_queue("orders", dead_letter=dead, after=2, VisibilityTimeout=30)
    lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.advance(minutes=5)
    assert counts(dead) == (1 if moves else 0, 0, 0)
    assert len(lambda_esm.invocations) == (2 if moves else 11)


def test_without_its_dead_letter_queue_a_message_goes_round_until_it_expires(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=2, VisibilityTimeout=30, MessageRetentionPeriod=120)
    lambda_esm.function("orders", refuse)
    mapping = subscribe(lambda_esm, url)
    boto3.client("sqs").delete_queue(QueueUrl=dead)
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert len(lambda_esm.invocations) == 4
    assert [fate.fate for fate in lambda_esm.fates(mapping)] == ["expired"]


def test_a_deleted_function_fails_each_delivery(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=3, VisibilityTimeout=30)
    lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url)
    boto3.client("lambda").delete_function(FunctionName="orders")
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    assert mapping.state == "Enabled"
    assert not lambda_esm.invocations
    assert mapping.metrics["FailedInvokeEventCount"] == 3
    assert counts(dead) == (1, 0, 0)


def test_a_batch_in_flight_ends_well_while_its_mapping_is_disabled(lambda_esm):
    url = make_queue(VisibilityTimeout=120)
    lambda_esm.function("orders", accept, timeout=60, duration=30)
    mapping = subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    boto3.client("lambda").update_event_source_mapping(UUID=mapping.uuid, Enabled=False)
    lambda_esm.clock.advance(seconds=10)
    assert mapping.state == "Disabled"
    send(url, "b")
    lambda_esm.clock.run_until_idle()
    assert counts(url) == (1, 0, 0)
    assert mapping.metrics["DeletedEventCount"] == 1


def test_a_batch_in_flight_ends_well_while_its_mapping_is_deleted(lambda_esm):
    url = make_queue(VisibilityTimeout=120)
    lambda_esm.function("orders", accept, timeout=60, duration=30)
    mapping = subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    boto3.client("lambda").delete_event_source_mapping(UUID=mapping.uuid)
    lambda_esm.clock.run_until_idle()
    assert mapping.state == "Deleted"
    assert counts(url) == (0, 0, 0)


def test_what_a_mapping_has_gathered_is_delivered_when_it_stops(lambda_esm):
    url = make_queue(VisibilityTimeout=600)
    orders = lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url, MaximumBatchingWindowInSeconds=300)
    start = lambda_esm.clock.now
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    boto3.client("lambda").update_event_source_mapping(UUID=mapping.uuid, Enabled=False)
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["a"]]
    assert since(lambda_esm, start) == [6]


def test_an_update_leads_to_another_function_for_batches_to_come(lambda_esm):
    url = make_queue(VisibilityTimeout=120)
    old = lambda_esm.function("orders", accept, timeout=60, duration=30)
    new = lambda_esm.function("new-orders", accept)
    mapping = subscribe(lambda_esm, url)
    send(url, "a")
    lambda_esm.clock.advance(seconds=1)
    boto3.client("lambda").update_event_source_mapping(UUID=mapping.uuid, FunctionName="new-orders")
    lambda_esm.clock.advance(seconds=5)
    send(url, "b")
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in old.invocations] == [["a"]]
    assert [bodies(invocation) for invocation in new.invocations] == [["b"]]
    assert counts(url) == (0, 0, 0)


def test_an_update_leads_to_an_alias(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url)
    aws_lambda = boto3.client("lambda")
    version = aws_lambda.publish_version(FunctionName="orders")["Version"]
    aws_lambda.create_alias(FunctionName="orders", Name="live", FunctionVersion=version)
    aws_lambda.update_event_source_mapping(UUID=mapping.uuid, FunctionName="orders:live")
    lambda_esm.clock.advance(seconds=5)
    send(url, "a")
    lambda_esm.clock.run_until_idle()
    [invocation] = orders.invocations
    assert invocation.context.invoked_function_arn.endswith(":orders:live")
    assert invocation.context.function_version == version


def test_a_filter_may_come_later_and_change(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    mapping = subscribe(lambda_esm, url)
    aws_lambda = boto3.client("lambda")
    for patterns, body in (([{"body": ["x"]}], "x"), ([{"body": ["y"]}, {"body": ["z"]}], "z"), ([], "anything")):
        criteria = {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}
        aws_lambda.update_event_source_mapping(UUID=mapping.uuid, FilterCriteria=criteria)
        lambda_esm.clock.advance(seconds=5)
        send(url, "w", body)
        lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["x"], ["z"], ["w", "anything"]]
    assert mapping.metrics["FilteredOutEventCount"] == 2


def test_a_filtered_message_names_the_filter_that_came_nearest(lambda_esm):
    url = make_queue()
    lambda_esm.function("orders", accept)
    patterns = [{"body": {"kind": ["order"], "size": [{"numeric": [">", 9]}]}}, {"body": {"kind": ["return"]}}]
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}
    mapping = subscribe(lambda_esm, url, FilterCriteria=criteria)
    send(url, json.dumps({"kind": "order", "size": 3}))
    lambda_esm.clock.run_until_idle()
    [fate] = lambda_esm.fates(mapping)
    assert fate.fate == "filtered out"
    assert "Filter 1 of 2" in fate.detail
    assert "body.size is 3" in fate.detail


def test_filtered_messages_leave_room_for_others_in_the_batch(lambda_esm):
    url = make_queue()
    orders = lambda_esm.function("orders", accept)
    send(url, *["drop", "keep"] * 10)
    criteria = {"Filters": [{"Pattern": json.dumps({"body": ["keep"]})}]}
    mapping = subscribe(lambda_esm, url, FilterCriteria=criteria)
    lambda_esm.clock.run_until_idle()
    assert [len(bodies(invocation)) for invocation in orders.invocations] == [10]
    assert mapping.metrics == {
        "PolledEventCount": 20,
        "FilteredOutEventCount": 10,
        "InvokedEventCount": 10,
        "FailedInvokeEventCount": 0,
        "DeletedEventCount": 10,
    }


def test_a_filtered_fifo_message_does_not_block_its_group(lambda_esm):
    url = make_queue("orders.fifo")
    orders = lambda_esm.function("orders", accept)
    send(url, "drop", "keep", "drop too", "keep too", group="A")
    criteria = {"Filters": [{"Pattern": json.dumps({"body": [{"prefix": "keep"}]})}]}
    subscribe(lambda_esm, url, FilterCriteria=criteria)
    lambda_esm.clock.run_until_idle()
    assert [bodies(invocation) for invocation in orders.invocations] == [["keep", "keep too"]]


def test_a_filtered_message_is_no_failure_for_the_dead_letter_queue(lambda_esm):
    dead = make_queue("dead")
    url = make_queue("orders", dead_letter=dead, after=1)
    lambda_esm.function("orders", refuse)
    criteria = {"Filters": [{"Pattern": json.dumps({"body": {"a": [1]}})}]}
    subscribe(lambda_esm, url, FilterCriteria=criteria)
    send(url, "plain text")
    lambda_esm.clock.run_until_idle()
    assert not lambda_esm.invocations
    assert counts(dead) == (0, 0, 0)


def test_a_dead_letter_queue_with_a_redrive_of_its_own_counts_its_own_receives(lambda_esm):
    last = make_queue("last")
    dead = make_queue("dead", dead_letter=last, after=2, VisibilityTimeout=10)
    url = make_queue("orders", dead_letter=dead, after=3, VisibilityTimeout=10)
    lambda_esm.function("orders", refuse)
    subscribe(lambda_esm, url)
    sent = str(int(lambda_esm.clock.now.timestamp() * 1000))
    [message_id] = send(url, "a")
    lambda_esm.clock.advance(seconds=31)
    assert (counts(url), counts(dead)) == ((0, 0, 0), (1, 0, 0))
    sqs = boto3.client("sqs")
    seen = []
    for queue in (dead, dead, dead, last):
        for message in sqs.receive_message(QueueUrl=queue, AttributeNames=["All"]).get("Messages", []):
            attributes = message["Attributes"]
            seen.append((message["MessageId"], attributes["ApproximateReceiveCount"], attributes["SentTimestamp"]))
            source = attributes["DeadLetterQueueSourceArn"]
        lambda_esm.clock.advance(seconds=10)
    assert seen == [(message_id, count, sent) for count in ("4", "5", "6")]
    assert source == arn_of(dead)


def test_a_purge_and_messages_past_their_retention_period(lambda_esm):
    url = make_queue(MessageRetentionPeriod=60, VisibilityTimeout=600)
    [in_flight] = send(url, "in flight")
    boto3.client("sqs").receive_message(QueueUrl=url)
    [waiting] = send(url, "waiting")
    lambda_esm.clock.advance(seconds=61)
    [fresh] = send(url, "fresh")
    assert counts(url) == (1, 1, 0)
    boto3.client("sqs").purge_queue(QueueUrl=url)
    fates = {fate.record: (fate.fate, fate.detail) for fate in lambda_esm.fates(arn_of(url))}
    assert fates[in_flight] == fates[fresh] == ("deleted", "purged")
    assert fates[waiting][0] == "expired"
    lambda_esm.clock.advance(seconds=600)
    assert {fate.record: (fate.fate, fate.detail) for fate in lambda_esm.fates(arn_of(url))} == fates
