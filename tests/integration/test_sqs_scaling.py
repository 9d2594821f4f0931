"""How many batches of a queue run side by side, and what changes that while messages wait."""

import boto3
import pytest

from helpers.queues import accept, counts, make_queue, refuse, send_many, since, subscribe

pytestmark = pytest.mark.lambda_esm(advice="off", region="us-east-1", transitions={"updating": 5})


def limit(mapping, maximum):
    config = {"MaximumConcurrency": maximum} if maximum else {}
    boto3.client("lambda").update_event_source_mapping(UUID=mapping.uuid, ScalingConfig=config)


def running(lambda_esm, seconds=100):
    now = lambda_esm.clock.now
    return sum(1 for each in lambda_esm.invocations if (now - each.started).total_seconds() < seconds)


def busy_queue(lambda_esm, count, **params):
    url = make_queue(VisibilityTimeout=900)
    lambda_esm.function("orders", accept, timeout=100, duration=100)
    mapping = subscribe(lambda_esm, url, BatchSize=1, **params)
    send_many(url, count)
    lambda_esm.clock.advance(seconds=1)
    return url, mapping


def test_a_higher_maximum_holds_as_soon_as_the_update_ends(lambda_esm):
    url, mapping = busy_queue(lambda_esm, 20, ScalingConfig={"MaximumConcurrency": 2})
    assert (running(lambda_esm), counts(url)) == (2, (18, 2, 0))
    limit(mapping, 4)
    lambda_esm.clock.advance(seconds=4)
    assert running(lambda_esm) == 2
    lambda_esm.clock.advance(seconds=1)
    assert (running(lambda_esm), counts(url)) == (4, (16, 4, 0))
    lambda_esm.clock.advance(seconds=10)
    assert running(lambda_esm) == 4


def test_a_lower_maximum_lets_batches_in_flight_end_and_starts_no_others(lambda_esm):
    url, mapping = busy_queue(lambda_esm, 20, ScalingConfig={"MaximumConcurrency": 4})
    assert running(lambda_esm) == 4
    limit(mapping, 2)
    lambda_esm.clock.advance(seconds=50)
    assert running(lambda_esm) == 4
    lambda_esm.clock.advance(seconds=60)
    assert (running(lambda_esm), counts(url)) == (2, (14, 2, 0))


def test_without_its_maximum_a_mapping_grows_again(lambda_esm):
    _, mapping = busy_queue(lambda_esm, 100, ScalingConfig={"MaximumConcurrency": 2})
    limit(mapping, None)
    lambda_esm.clock.advance(seconds=5)
    assert running(lambda_esm) == 2
    lambda_esm.clock.advance(seconds=2)
    assert running(lambda_esm) == 12


def test_a_batch_that_ends_makes_room_for_another(lambda_esm):
    url = make_queue(VisibilityTimeout=900)
    lambda_esm.function("orders", accept, timeout=100, duration=10)
    subscribe(lambda_esm, url, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    start = lambda_esm.clock.now
    send_many(url, 5)
    lambda_esm.clock.run_until_idle()
    assert since(lambda_esm, start) == [0, 0, 10, 10, 20]


@pytest.mark.lambda_esm(concurrency_growth=0, initial_concurrency=4)
def test_an_empty_queue_restores_the_concurrency_that_errors_lowered(lambda_esm):
    url = make_queue(VisibilityTimeout=900)
    orders = lambda_esm.function("orders", refuse, timeout=100, duration=10)
    subscribe(lambda_esm, url, BatchSize=1)
    send_many(url, 4)
    lambda_esm.clock.advance(seconds=11)
    boto3.client("sqs").purge_queue(QueueUrl=url)
    lambda_esm.clock.advance(seconds=1)
    before = len(orders.invocations)
    send_many(url, 4)
    lambda_esm.clock.advance(seconds=1)
    assert len(orders.invocations) - before == 4


@pytest.mark.lambda_esm(concurrency_growth=0, initial_concurrency=4)
def test_errors_lower_the_concurrency_while_messages_wait(lambda_esm):
    url = make_queue(VisibilityTimeout=900)
    orders = lambda_esm.function("orders", refuse, timeout=100, duration=10)
    subscribe(lambda_esm, url, BatchSize=1)
    send_many(url, 20)
    lambda_esm.clock.advance(seconds=9)
    assert len(orders.invocations) == 4
    lambda_esm.clock.advance(seconds=2)
    assert running(lambda_esm, 10) == 2
