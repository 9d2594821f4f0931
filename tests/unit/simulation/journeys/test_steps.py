import pytest

from pytest_lambda_esm.simulation.journeys.steps import between, origin_of, sent_at


@pytest.mark.parametrize(
    ("record", "ends", "found"),
    [
        ("shard-1:5", ["shard-1:3", "shard-1:9"], True),
        ("shard-1:3", ["shard-1:3", "shard-1:9"], True),
        ("shard-1:10", ["shard-1:3", "shard-1:9"], False),
        ("shard-2:5", ["shard-1:3", "shard-1:9"], False),
        ("orders-1:5", ["orders-0:3", "orders-0:9", "orders-1:4", "orders-1:6"], True),
        ("shard-1:5", ["shard-1:3"], False),
        ("change-stream:0169", ["change-stream:01", "change-stream:02"], False),
        ("change-stream:01ab", ["change-stream:0000", "change-stream:ffff"], False),
        ("a message", ["a", "b"], False),
    ],
)
def test_ends_name_the_records_between_them(record, ends, found):
    assert between(record, ends) is found


@pytest.mark.parametrize(
    ("record", "instant"),
    [
        ({"attributes": {"SentTimestamp": "1500"}}, 1_500_000),
        ({"kinesis": {"approximateArrivalTimestamp": 1.25}}, 1_250_000),
        ({"dynamodb": {"ApproximateCreationDateTime": 2}}, 2_000_000),
        ({"topic": "t", "timestamp": 3}, 3_000),
        ({"kinesis": {}}, None),
        ({"attributes": "text"}, None),
        (None, None),
    ],
)
def test_a_record_says_when_it_was_sent(record, instant):
    assert sent_at(record) == instant


@pytest.mark.parametrize(
    ("event", "origin"),
    [
        ({"Records": [{"EventSource": "aws:sns"}]}, "aws:sns"),
        ({"Records": [{"eventSource": "aws:s3"}]}, "aws:s3"),
        ({"source": "shop", "detail-type": "sold"}, "EventBridge (shop)"),
        ({"detail-type": "sold"}, ""),
        ({"Records": [1]}, ""),
        ({"Records": []}, ""),
        ({"order": 1}, ""),
        ("text", ""),
    ],
)
def test_an_event_says_which_service_made_it(event, origin):
    assert origin_of(event) == origin
