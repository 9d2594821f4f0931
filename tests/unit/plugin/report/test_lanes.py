from types import SimpleNamespace

import pytest

from pytest_lambda_esm.observe.timeline import Entry
from pytest_lambda_esm.plugin.report.lanes import Lanes

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
DEAD = "arn:aws:sqs:us-east-1:123456789012:dead"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:ship"
UUID = "96c46f74-8633-43aa-99af-f4ace91f4771"
MAPPING = SimpleNamespace(source_arn=QUEUE, uuid=UUID, function_arn=f"{FUNCTION}:live")


def lane_of(kind, subject, mappings=()):
    entry = Entry(0, kind, subject, "")
    lanes = Lanes(mappings, [entry])
    lane = lanes.lanes[lanes.of(entry)]
    return lane.kind, lane.label


@pytest.mark.parametrize(
    ("kind", "subject", "lane"),
    [
        ("call", "Invoke", ("api", "calls and sleeps")),
        ("sleep", "time.sleep", ("api", "calls and sleeps")),
        ("fault", "sqs.SendMessage", ("api", "calls and sleeps")),
        ("fault", QUEUE, ("source", "sqs:orders")),
        ("poll", QUEUE, ("source", "sqs:orders")),
        ("poll", "broker-1:9092", ("source", "broker-1:9092")),
        ("poll", f"mapping {UUID}", ("mapping", "96c46f74")),
        ("transition", f"mapping {UUID}", ("mapping", "96c46f74")),
        ("advice", UUID, ("mapping", "96c46f74")),
        ("result", "ship", ("function", "ship")),
        ("fate", FUNCTION, ("function", "ship")),
        ("delivery", f"{FUNCTION}:live", ("function", "ship")),
        ("delivery", DEAD, ("destination", "sqs:dead")),
    ],
)
def test_an_entry_is_in_the_lane_of_its_subject(kind, subject, lane):
    assert lane_of(kind, subject) == lane


def test_a_destination_that_is_a_source_too_has_one_lane():
    assert lane_of("delivery", QUEUE, [MAPPING]) == ("source", "sqs:orders")


def test_records_flow_from_the_top_to_the_bottom():
    entries = [Entry(0, "delivery", DEAD, ""), Entry(0, "result", "other", ""), Entry(0, "poll", DEAD + "2", "")]
    lanes = Lanes([MAPPING], entries)
    assert [lane.label for lane in lanes.lanes] == [
        "calls and sleeps",
        "sqs:orders",
        "96c46f74",
        "ship",
        "sqs:dead2",
        "other",
        "sqs:dead",
    ]
