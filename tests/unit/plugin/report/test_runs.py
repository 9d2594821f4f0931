import pytest

from pytest_lambda_esm.plugin.report.runs import record_ids


@pytest.mark.parametrize(
    ("event", "ids"),
    [
        ({"Records": [{"messageId": "a"}, {"messageId": "b"}, {"messageId": "a"}]}, ["a", "b"]),
        ({"Records": [{"eventID": "shardId-000:17", "kinesis": {}}]}, ["shardId-000:17"]),
        ({"Records": [{"eventID": "x", "dynamodb": {"SequenceNumber": "17"}}]}, ["17"]),
        ({"records": {"orders-0": [{"topic": "orders", "partition": 0, "offset": 5}]}}, ["orders-0:5"]),
        ({"Records": [{"Sns": {}}, None, "text", 1]}, []),
        ({"Records": "text"}, []),
        ({"Records": None}, []),
        ({"records": {"a": None}}, []),
        ({"order": 1}, []),
        ("text", []),
        (None, []),
    ],
)
def test_records_are_named_as_in_the_timeline(event, ids):
    assert record_ids(event) == ids
