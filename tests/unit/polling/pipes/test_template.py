"""Input templates of pipes."""

import base64
import json

import pytest

from pytest_lambda_esm.polling.pipes.template import Template, unknown_variables

PIPE = {
    "pipe-arn": "arn:pipe",
    "pipe-name": "orders",
    "source-arn": "arn:source",
    "enrichment-arn": "",
    "target-arn": "arn:target",
}
BODY = {"n": 1, "who": 'a "b"', "list": [{"x": 5}, 6], "a-b": {"c": True}}
EVENT = {"messageId": "m", "body": json.dumps(BODY), "attributes": {"SenderId": "AIDA"}}

FILLED = [
    ("Hello, sender", "Hello, sender"),
    ("<$.attributes.SenderId>", "AIDA"),
    ("Hello, <$.messageId>!", 'Hello, "m"!'),
    ('"Hello, <$.messageId>!"', "Hello, m!"),
    ('{"key": <$.body.n>, "who": <$.body.who>}', {"key": 1, "who": 'a "b"'}),
    ('{"who": "<$.body.who>"}', {"who": 'a "b"'}),
    ('{"first": <$.body.list[0].x>, "second": <$.body.list[1]>}', {"first": 5, "second": 6}),
    ('{"c": <$.body.a-b.c>}', {"c": True}),
    ("<$.body>", BODY),
    (
        '{"none": <$.nothing.here>, "text": "<$.nothing>", "past": <$.body.list[9]>}',
        {"none": None, "text": "", "past": None},
    ),
    ('{"object": "<$.body.a-b>"}', {"object": '{"c": true}'}),
    (
        '{"by": "<aws.pipes.pipe-name>", "at": <aws.pipes.event.ingestion-time>}',
        {"by": "orders", "at": "1970-01-01T00:00:01.500Z"},
    ),
    ("<aws.pipes.event>", EVENT),
    ("<aws.pipes.event.json>", {**EVENT, "body": BODY}),
]


@pytest.mark.parametrize(("text", "expected"), FILLED, ids=[text for text, _ in FILLED])
def test_what_a_template_makes_of_an_event(text, expected):
    assert unknown_variables(text) == []
    assert Template(text, PIPE).fill(EVENT, 1_500_000) == expected


def test_the_data_of_kinesis_is_decoded():
    data = base64.b64encode(b'{"n": 7}').decode()
    assert Template("<$.data.n>", PIPE).fill({"data": data}, 0) == 7


@pytest.mark.parametrize(
    "data", ["no base64!", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"text").decode()]
)
def test_data_that_is_no_json_stays_as_it_is(data):
    assert Template("<$.data>", PIPE).fill({"data": data}, 0) == data


def test_an_event_that_is_no_object():
    assert Template('{"all": <aws.pipes.event>, "x": <$.x>}', PIPE).fill([1], 0) == {"all": [1], "x": None}


def test_variables_that_are_not_simulated():
    assert unknown_variables("<$.a> <$.b[*]> <$..c> <aws.pipes.color> <other>") == ["$.b[*]", "$..c", "aws.pipes.color"]
