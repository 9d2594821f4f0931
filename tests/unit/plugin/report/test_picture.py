import pytest

from pytest_lambda_esm.fake import FakeLambda
from pytest_lambda_esm.observe.timeline import Entry
from pytest_lambda_esm.plugin.report.picture import picture_of, tone_of
from pytest_lambda_esm.plugin.report.texts import Mask

SECOND = 1_000_000
UUID = "96c46f74-8633-43aa-99af-f4ace91f4771"


def picture(entries, prepare=lambda fake: None):
    with FakeLambda() as fake:
        prepare(fake)
        start = fake._recorded_world.clock.instant
        moved = [entry._replace(instant=start + entry.instant) for entry in entries]
        return picture_of(fake._recorded_world, moved, Mask(), 10_000)


@pytest.mark.parametrize(
    ("kind", "text", "tone"),
    [
        ("call", "orders -> 202", "ok"),
        ("call", "orders -> 429 TooManyRequestsException", "bad"),
        ("call", "orders -> no answer: connection reset (attempt 2)", "bad"),
        ("fate", "1 deleted after success", "ok"),
        ("fate", "1 record of shardId-000 done: attempt 1", "ok"),
        ("fate", "1 filtered out and deleted", "warn"),
        ("fate", "1 message stays in the queue, hidden until the visibility timeout ends", "warn"),
        ("fate", "1 not deleted: already deleted, or received again", "warn"),
        ("fate", "1 dead-lettered", "bad"),
        ("fate", "1 record of shardId-000 discarded: given up", "bad"),
        ("result", "success", "ok"),
        ("result", "error, KeyError: 'id'", "bad"),
        ("result", "throttled: try 1", "warn"),
        ("transition", "Disabled (USER_INITIATED)", "warn"),
        ("transition", "Enabled (USER_INITIATED)", "info"),
        ("delivery", "failed: no such queue", "bad"),
        ("delivery", "f: Success", "info"),
        ("fault", "lost response, asked for by the test", "fault"),
        ("a kind of a plugin", "whatever", "info"),
    ],
)
def test_the_colour_says_how_it_went(kind, text, tone):
    assert tone_of(Entry(0, kind, "x", text)) == tone


def test_times_count_from_the_first_entry_and_entries_are_in_order_of_time():
    drawn = picture(
        [Entry(SECOND, "sleep", "time.sleep", "1 s"), Entry(0, "poll", "q", "b"), Entry(SECOND, "poll", "q", "c")]
    )
    assert [(entry["at"], entry["kind"]) for entry in drawn["entries"]] == [
        (0, "poll"),
        (SECOND, "sleep"),
        (SECOND, "poll"),
    ]
    assert drawn["end"] == SECOND


def test_the_picture_lasts_until_the_test_ended():
    def wait(fake):
        fake.timeline.add("poll", "q", "a")
        fake.clock.advance(hours=1)

    with FakeLambda() as fake:
        wait(fake)
        assert picture_of(fake._recorded_world, fake.timeline._recorded, Mask(), 100)["end"] == 3_600 * SECOND


def test_nothing_at_all_is_a_picture_too():
    assert picture([])["entries"] == []


def test_of_many_entries_the_middle_is_left_out_with_the_states_at_its_end():
    entries = [Entry(number * SECOND, "fate", "q", f"{'ab' * number} deleted") for number in range(500)]
    entries.insert(100, Entry(100 * SECOND, "transition", f"mapping {UUID}", "Disabling (USER_INITIATED)"))
    entries.insert(200, Entry(200 * SECOND, "transition", f"mapping {UUID}", "Disabled (USER_INITIATED)"))
    drawn = picture(entries)
    assert len(drawn["entries"]) == 301
    (fold,) = [entry for entry in drawn["entries"] if entry["kind"] == "fold"]
    lane = next(index for index, lane in enumerate(drawn["lanes"]) if lane[0] == "mapping")
    assert fold == {
        "at": 40 * SECOND,
        "until": 239 * SECOND,
        "kind": "fold",
        "period": 0,
        "times": 202,
        "states": [(lane, "Disabled")],
    }


def test_a_call_has_its_parameters():
    def call(fake):
        fake.client("lambda").list_event_source_mappings(FunctionName="first")
        fake.client("lambda").list_event_source_mappings(FunctionName="second")

    with FakeLambda() as fake:
        call(fake)
        drawn = picture_of(fake._recorded_world, fake.timeline._recorded, Mask(), 10_000)
    calls = [drawn["texts"][entry["params"]] for entry in drawn["entries"]]
    assert [text.split('"')[3] for text in calls] == ["first", "second"]


def test_the_poll_of_a_stream_has_all_records_of_the_invocation():
    with FakeLambda() as fake:
        kinesis = fake.client("kinesis")
        kinesis.create_stream(StreamName="clicks", ShardCount=1)
        arn = kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
        for _ in range(4):
            kinesis.put_record(StreamName="clicks", Data=b"1", PartitionKey="p")
        fake.function("count", lambda event, context: None)
        fake.client("lambda").create_event_source_mapping(
            EventSourceArn=arn, FunctionName="count", StartingPosition="TRIM_HORIZON"
        )
        fake.clock.run_until_idle()
        drawn = picture_of(fake._recorded_world, fake.timeline._recorded, Mask(), 10_000)
    (poll,) = [entry for entry in drawn["entries"] if entry["kind"] == "poll"]
    assert sorted(poll["items"]) == sorted(drawn["runs"][0]["items"]) == [0, 1, 2, 3]
