import json

import pytest

from pytest_lambda_esm.fake import FakeLambda
from pytest_lambda_esm.invocation.event_records import ids_of
from pytest_lambda_esm.plugin.report.lanes import Lanes
from pytest_lambda_esm.plugin.report.runs import Runs, readable
from pytest_lambda_esm.plugin.report.texts import Mask, Texts


@pytest.mark.parametrize(
    ("event", "ids"),
    [
        ({"Records": [{"messageId": "a"}, {"messageId": "b"}, {"messageId": "a"}]}, ["a", "b"]),
        ({"Records": [{"eventID": "shardId-000:17", "kinesis": {}}]}, ["shardId-000:17"]),
        ({"Records": [{"eventID": "x", "dynamodb": {"SequenceNumber": "17"}}]}, ["17"]),
        ({"records": {"orders-0": [{"topic": "orders", "partition": 0, "offset": 5}]}}, ["orders-0:5"]),
        ({"messages": [{"messageID": "ID:b-1:1", "messageType": "jms/text-message"}]}, ["ID:b-1:1"]),
        ({"rmqMessagesByQueue": {"q::/": [{"basicProperties": {}, "data": ""}]}}, []),
        ({"events": [{"event": {"_id": {"_data": "0169"}}}]}, ["0169"]),
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
    assert ids_of(event) == ids


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (
            {"Records": [{"receiptHandle": "A" * 100, "body": "b"}]},
            {"Records": [{"receiptHandle": "A" * 12 + "…", "body": "b"}]},
        ),
        (
            {"Records": [{"kinesis": {"data": "aGk="}}]},
            {"Records": [{"kinesis": {"data, decoded": "hi", "data": "aGk="}}]},
        ),
        (
            {"records": {"orders-0": [{"offset": 1, "value": "aGk="}]}},
            {"records": {"orders-0": [{"offset": 1, "value, decoded": "hi", "value": "aGk="}]}},
        ),
        (
            {"messages": [{"messageID": "m", "data": "aGk="}]},
            {"messages": [{"messageID": "m", "data, decoded": "hi", "data": "aGk="}]},
        ),
        (
            {"rmqMessagesByQueue": {"q::/": [{"basicProperties": {}, "data": "aGk="}]}},
            {"rmqMessagesByQueue": {"q::/": [{"basicProperties": {}, "data, decoded": "hi", "data": "aGk="}]}},
        ),
        ({"messages": [{"data": "aGk="}]}, {"messages": [{"data": "aGk="}]}),
        ({"Records": [{"kinesis": {"data": "/w=="}}]}, {"Records": [{"kinesis": {"data": "/w=="}}]}),
        ({"Records": [{"kinesis": {"data": "no base64"}}]}, {"Records": [{"kinesis": {"data": "no base64"}}]}),
        ({"Records": [{"kinesis": {}}, None, "text"]}, {"Records": [{"kinesis": {}}, None, "text"]}),
        ({"Records": "text"}, {"Records": "text"}),
        ([1], [1]),
    ],
)
def test_an_event_is_shown_as_a_person_reads_it(event, shown):
    assert readable(event) == shown


def test_the_last_failures_have_their_texts_before_others():
    with FakeLambda() as fake:
        fake.function("f", lambda event, context: 1 / event["divisor"])
        for number, divisor in enumerate((0, 0, 1)):
            event = {"divisor": divisor, "number": number, "padding": "x" * 5_000}
            fake.client("lambda").invoke(FunctionName="f", Payload=json.dumps(event))
        world = fake._recorded_world
        entries = [entry for entry in fake.timeline._recorded if entry.kind == "invocation"]
        texts = Texts(Mask(), 9_000)
        runs = Runs(world.invocations, Lanes((), entries), texts, 0)
        assert [runs.of(entry) for entry in entries] == [{"begins": 0}, {"begins": 1}, {"begins": 2}]
        runs.describe()
    events = [texts.kept[run["event"]] for run in runs.drawn]
    assert ["left out to keep the page small" in event for event in events] == [True, False, True]
