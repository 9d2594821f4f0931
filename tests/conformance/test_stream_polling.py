"""How stream mappings poll, retry, split and give up: what real accounts did, and what the developer guide says.

The id of a row ends with its kind of evidence (see ``helpers.evidence``).
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from helpers.conformance import Facts
from helpers.streams import (
    ACCOUNT,
    REGION,
    SOURCES,
    Destination,
    Handler,
    KinesisSource,
    Source,
    TableSource,
    poison,
    subscribe,
)
from pytest_lambda_esm import FakeLambda

FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:consumer"

FACTS = Facts("Streams: polling")


@pytest.fixture
def destination(fake: FakeLambda) -> Destination:
    return Destination(fake)


# --- retries -------------------------------------------------------------------------------------------------


@FACTS(
    "c3-retries",
    "recorded",
    "A batch with MaximumRetryAttempts N is sent N + 1 times, and approximateInvokeCount is N + 1.",
)
@pytest.mark.parametrize("retries", [0, 1, 2, 3], ids=lambda n: f"{n}-retries-are-{n + 1}-invocations-recorded")
def test_retry_count(fake: FakeLambda, source: Source, destination: Destination, retries: int) -> None:
    handler = Handler(source, poison("bad"))
    source.put("bad")
    subscribe(fake, source, handler, MaximumRetryAttempts=retries, DestinationConfig=destination.config)
    fake.clock.run_until_idle()
    assert handler.batches == [["bad"]] * (retries + 1)
    (record,) = destination.records()
    assert record["requestContext"]["approximateInvokeCount"] == retries + 1
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"


@FACTS(
    "c3-age-while-retrying",
    "recorded",
    "A record with a maximum age of 60 seconds is tried eight times, and then given up as RecordAgeExceeded.",
)
def test_eight_attempts_within_sixty_seconds_of_age_recorded(
    fake: FakeLambda, source: Source, destination: Destination
) -> None:
    handler = Handler(source, poison("bad"))
    subscribe(fake, source, handler, MaximumRecordAgeInSeconds=60, DestinationConfig=destination.config)
    source.put("bad")
    put_at = fake.clock.now
    fake.clock.run_until_idle()
    assert len(handler.batches) == 8
    assert fake.clock.now == put_at + timedelta(seconds=60)
    (record,) = destination.records()
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 8
    assert "responseContext" not in record


@FACTS(
    "c3-age-before",
    "recorded",
    "A record that is too old before it is read is never sent; approximateInvokeCount is still 1.",
)
def test_a_record_too_old_before_it_is_read_is_never_invoked_and_counts_one_recorded(
    fake: FakeLambda, source: Source, destination: Destination
) -> None:
    handler = Handler(source)
    source.put("old")
    fake.clock.advance(80)
    subscribe(fake, source, handler, MaximumRecordAgeInSeconds=60, DestinationConfig=destination.config)
    fake.clock.run_until_idle()
    assert handler.batches == []
    (record,) = destination.records()
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"


@FACTS(
    "c3-age-prefix",
    "recorded",
    "Only the records of a batch that are too old are cut off, with a separate failure record.",
)
def test_only_the_records_that_are_too_old_are_cut_off_recorded(
    fake: FakeLambda, source: Source, destination: Destination
) -> None:
    handler = Handler(source)
    source.put("old")
    fake.clock.advance(80)
    source.put("1", "2", "3", "4", "5")
    subscribe(
        fake,
        source,
        handler,
        MaximumRecordAgeInSeconds=60,
        BatchSize=10,
        DestinationConfig=destination.config,
    )
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3", "4", "5"]]
    (record,) = destination.records()
    assert record[source.batch_info]["batchSize"] == 1
    assert record["requestContext"]["approximateInvokeCount"] == 1


@FACTS(
    "c3-retention",
    "documented",
    "Without limits a batch is tried until its records expire; that leaves no failure record.",
)
def test_a_retry_without_limit_ends_with_the_retention_and_leaves_no_record_documented(
    fake: FakeLambda, source: Source, destination: Destination
) -> None:
    handler = Handler(source, poison("bad"))
    subscribe(fake, source, handler, DestinationConfig=destination.config)
    source.put("bad")
    fake.clock.advance(hours=23, minutes=59)
    source.put("good")
    fake.clock.advance(seconds=59.999)
    assert ["good"] not in handler.batches
    fake.clock.advance(0.001)
    assert handler.batches[-1] == ["good"]
    assert destination.records() == []
    assert [fate.fate for fate in fake.fates(source.arn)] == ["expired", "done"]


@FACTS("c3-retention-of-24-hours", "documented", "A record can be read for exactly 24 hours.")
@pytest.mark.parametrize("late", [False, True], ids=["in time", "too late"])
def test_a_record_can_be_read_for_exactly_a_day(fake: FakeLambda, source: Source, late: bool) -> None:
    fake.transitions(disabling="instant", enabling="instant")
    handler = Handler(source)
    uuid = subscribe(fake, source, handler)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
    source.put("1")
    fake.clock.advance(hours=24, seconds=0 if late else -0.001)
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.advance()
    assert handler.batches == ([] if late else [["1"]])
    assert [fate.fate for fate in fake.fates(source.arn)] == ["expired" if late else "done"]


@FACTS("c3-retention-for-clients", "documented", "GetRecords of a table's stream returns a record for 24 hours.")
def test_clients_read_a_tables_stream_for_exactly_a_day(fake: FakeLambda) -> None:
    source = TableSource(fake)
    streams = fake.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=source.arn)["StreamDescription"]["Shards"][0]["ShardId"]

    def read() -> int:
        iterator = streams.get_shard_iterator(StreamArn=source.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        return len(streams.get_records(ShardIterator=iterator)["Records"])

    source.put("1")
    fake.clock.advance(hours=24, seconds=-0.001)
    assert read() == 1
    fake.clock.advance(0.001)
    assert read() == 0


@FACTS(
    "c3-retention-and-maximum-age",
    "documented",
    "The shorter of the retention period and the maximum age ends the attempts; only the maximum age leaves a record.",
)
@pytest.mark.parametrize(
    ("age", "hours", "fate", "records"),
    [
        (604_800, 24, "expired", 0),
        (86_401, 24, "expired", 0),
        (86_399, 24, "sent to a destination", 1),
        (3_600, 1, "sent to a destination", 1),
    ],
)
def test_the_shorter_of_retention_and_maximum_age(
    fake: FakeLambda, source: Source, destination: Destination, age: int, hours: int, fate: str, records: int
) -> None:
    handler = Handler(source, poison("bad"))
    settings = {"DestinationConfig": destination.config, "MaximumRecordAgeInSeconds": age}
    uuid = subscribe(fake, source, handler, **settings)
    source.put("bad")
    fake.clock.advance(hours=hours, seconds=-2)
    source.put("good")
    assert ["good"] not in handler.batches
    fake.clock.advance(2)
    assert handler.batches[-1] == ["good"]
    assert [each.fate for each in fake.fates(source.arn)] == [fate, "done"]
    assert len(destination.records()) == records
    assert fake.mapping(uuid).metrics["OnFailureDestinationDeliveredEventCount"] == records


# --- partial answers -----------------------------------------------------------------------------------------

SUCCESSES: dict[str, Any] = {
    "empty-text": "",
    "empty-list": [],
    "null": None,
    "empty-object": {},
    "no-failures": {"batchItemFailures": []},
    "null-failures": {"batchItemFailures": None},
}
WITHOUT_FAILURES: dict[str, Any] = {
    "other-members": {"statusCode": 500, "failures": ["1"]},
    "other-letters": {"BatchItemFailures": [{"itemIdentifier": "1"}]},
}
FAILURES: dict[str, Any] = {
    "number": {"batchItemFailures": [{"itemIdentifier": 123}]},
    "empty-identifier": {"batchItemFailures": [{"itemIdentifier": ""}]},
    "null-identifier": {"batchItemFailures": [{"itemIdentifier": None}]},
    "wrong-key": {"batchItemFailures": [{"foo": 123}]},
    "wrong-key-null": {"batchItemFailures": [{"foo": None}]},
    "unknown-identifier": {"batchItemFailures": [{"itemIdentifier": "4711"}]},
}


@FACTS(
    "c3-answers-success",
    "recorded",
    'With partial answers, "", [], null, {} and an empty or null batchItemFailures are a success.',
)
@pytest.mark.parametrize("answer", [pytest.param(v, id=f"{k}-recorded") for k, v in SUCCESSES.items()])
def test_answers_that_are_a_success(fake: FakeLambda, source: Source, answer: Any) -> None:
    handler = Handler(source, lambda event, names: answer)
    source.put("1", "2", "3")
    uuid = subscribe(fake, source, handler, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=2)
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3"]]
    assert fake.mapping(uuid)._last_result == "OK"


@FACTS(
    "c3-answers-without-failures",
    "chosen",
    "With partial answers, an object that has other members and no batchItemFailures is a success.",
)
@pytest.mark.parametrize("answer", [pytest.param(v, id=f"{k}-chosen") for k, v in WITHOUT_FAILURES.items()])
def test_answers_without_failures_are_a_success(fake: FakeLambda, source: Source, answer: Any) -> None:
    test_answers_that_are_a_success(fake, source, answer)


@FACTS(
    "c3-answers-failure",
    "recorded",
    "An identifier that is empty, null, of a wrong type or not in the batch fails all of it; functionError is null.",
)
@pytest.mark.parametrize("answer", [pytest.param(v, id=f"{k}-recorded") for k, v in FAILURES.items()])
def test_answers_that_fail_the_whole_batch(
    fake: FakeLambda, source: Source, destination: Destination, answer: Any
) -> None:
    handler = Handler(source, lambda event, names: answer)
    source.put("1", "2", "3")
    subscribe(
        fake,
        source,
        handler,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=2,
        DestinationConfig=destination.config,
    )
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3"]] * 3
    (record,) = destination.records()
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}
    assert record[source.batch_info]["batchSize"] == 3


@FACTS("c3-answers-exception", "recorded", "An exception fails the whole batch, even with partial answers.")
def test_an_exception_fails_the_whole_batch_recorded(fake: FakeLambda, source: Source) -> None:
    handler = Handler(source, poison("2"))
    source.put("1", "2", "3")
    subscribe(fake, source, handler, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=2)
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3"]] * 3


def reports(*bad: str) -> Any:
    def act(event: dict[str, Any], names: list[str]) -> Any:
        numbers = [
            SOURCES_OF[type_of(record)].sequence_number(record)
            for record, name in zip(event["Records"], names, strict=True)
            if name in bad
        ]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}

    return act


SOURCES_OF: dict[str, Any] = {"aws:kinesis": KinesisSource, "aws:dynamodb": SOURCES["dynamodb"]}


def type_of(record: dict[str, Any]) -> str:
    return record["eventSource"]


@FACTS(
    "c3-counter-restarts",
    "recorded",
    "The retries start over when the checkpoint advances: five deliveries, approximateInvokeCount 4.",
)
def test_the_retry_counter_restarts_when_the_checkpoint_advances_recorded(
    fake: FakeLambda, source: Source, destination: Destination
) -> None:
    handler = Handler(source, reports("6"))
    source.put("1", "2", "3", "4", "5", "6")
    subscribe(
        fake,
        source,
        handler,
        BatchSize=3,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=3,
        DestinationConfig=destination.config,
    )
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3"], ["4", "5", "6"], ["6"], ["6"], ["6"], ["6"]]
    (record,) = destination.records()
    assert record["requestContext"]["approximateInvokeCount"] == 4
    assert record["responseContext"]["functionError"] is None
    info = record[source.batch_info]
    assert info["batchSize"] == 1
    assert info["startSequenceNumber"] == info["endSequenceNumber"]


@FACTS("c3-lowest", "documented", "The lowest sequence number reported is the new checkpoint.")
def test_the_lowest_sequence_number_wins_documented(fake: FakeLambda, source: Source) -> None:
    answers = iter([["4", "2"], []])

    def act(event: dict[str, Any], names: list[str]) -> Any:
        return reports(*next(answers))(event, names)

    handler = Handler(source, act)
    source.put("1", "2", "3", "4")
    subscribe(fake, source, handler, FunctionResponseTypes=["ReportBatchItemFailures"])
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2", "3", "4"], ["2", "3", "4"]]


@FACTS("c3-not-asked", "documented", "A function's reports are ignored without ReportBatchItemFailures.")
def test_what_a_function_reports_is_ignored_where_it_was_not_asked_for_documented(
    fake: FakeLambda, source: Source
) -> None:
    handler = Handler(source, reports("2"))
    source.put("1", "2")
    subscribe(fake, source, handler)
    fake.clock.run_until_idle()
    assert handler.batches == [["1", "2"]]


# --- bisect --------------------------------------------------------------------------------------------------


@FACTS(
    "c3-bisect",
    "documented",
    "Splitting does not use up retries; the single record has all of them: twelve invocations for ten records.",
)
def test_a_poison_record_among_ten_takes_twelve_invocations_documented(
    fake: FakeLambda, source: Source, destination: Destination
) -> None:
    handler = Handler(source, poison("4"))
    source.put(*"0123456789")
    subscribe(
        fake,
        source,
        handler,
        BatchSize=10,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=3,
        DestinationConfig=destination.config,
    )
    fake.clock.run_until_idle()
    assert ["".join(batch) for batch in handler.batches] == [
        "0123456789",
        "01234",
        "01",
        "234",
        "2",
        "34",
        "3",
        "4",
        "4",
        "4",
        "4",
        "56789",
    ]
    (record,) = destination.records()
    assert record["requestContext"]["approximateInvokeCount"] == 4
    assert record[source.batch_info]["batchSize"] == 1


@FACTS(
    "c3-bisect-and-partial",
    "documented",
    "With partial answers a batch is cut at the reported record, and only the rest comes again.",
)
def test_partial_answers_and_bisect_together_cut_at_the_reported_record_documented(
    fake: FakeLambda, source: Source
) -> None:
    answers = iter([["4"], []])

    def act(event: dict[str, Any], names: list[str]) -> Any:
        return reports(*next(answers))(event, names)

    handler = Handler(source, act)
    source.put(*"123456")
    subscribe(
        fake,
        source,
        handler,
        BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    fake.clock.run_until_idle()
    assert ["".join(batch) for batch in handler.batches] == ["123456", "456"]


@FACTS("c3-bisect-exception", "documented", "An exception splits the batch in halves, even with partial answers.")
def test_an_exception_bisects_also_with_partial_answers_documented(fake: FakeLambda, source: Source) -> None:
    failed: list[int] = []

    def act(event: dict[str, Any], names: list[str]) -> None:
        if not failed:
            failed.append(1)
            raise ValueError("once")

    handler = Handler(source, act)
    source.put(*"1234")
    subscribe(
        fake,
        source,
        handler,
        BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    fake.clock.run_until_idle()
    assert ["".join(batch) for batch in handler.batches] == ["1234", "12", "34"]


@FACTS(
    "c3-odd-halves", "chosen", "When a batch of odd size is split, the second half is larger; larger_half changes that."
)
@pytest.mark.parametrize(
    ("larger", "first"), [("second", "12"), ("first", "123")], ids=["n-half-first-chosen", "larger-first-setting"]
)
def test_which_half_of_an_odd_batch_is_larger(larger: str, first: str) -> None:
    with FakeLambda(region=REGION, advice="off", larger_half=larger) as fake:
        source = KinesisSource(fake)
        handler = Handler(source, lambda event, names: 1 / 0 if len(names) == 5 else None)
        source.put(*"12345")
        subscribe(fake, source, handler, BisectBatchOnFunctionError=True)
        fake.clock.run_until_idle()
        assert "".join(handler.batches[1]) == first


# --- failure records -----------------------------------------------------------------------------------------


@FACTS("c4-record", "recorded", "The failure record, key by key; times of DynamoDB batches are whole seconds.")
def test_the_whole_failure_record_recorded(fake: FakeLambda, source: Source, destination: Destination) -> None:
    fake.clock.advance(0.123456)
    handler = Handler(source, poison("b"))
    source.put("a")
    fake.clock.advance(2)
    source.put("b")
    subscribe(fake, source, handler, MaximumRetryAttempts=0, DestinationConfig=destination.config)
    fake.clock.run_until_idle()
    (record,) = destination.records()
    millisecond = isinstance(source, KinesisSource)
    first = fake.invocations[0].event["Records"][0]
    assert list(record) == ["requestContext", "responseContext", "version", "timestamp", source.batch_info]
    assert record["requestContext"] == {
        "requestId": fake.invocations[0].request_id,
        "functionArn": FUNCTION_ARN,
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 1,
    }
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["version"] == "1.0"
    assert re.fullmatch(r"2026-01-01T00:00:0\d\.123Z", record["timestamp"])
    assert record[source.batch_info] == {
        "shardId": fake.fates(source.arn)[0].record.rpartition(":")[0],
        "startSequenceNumber": source.sequence_number(first),
        "endSequenceNumber": source.sequence_number(fake.invocations[0].event["Records"][1]),
        "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00.123Z" if millisecond else "2026-01-01T00:00:00Z",
        "approximateArrivalOfLastRecord": "2026-01-01T00:00:02.123Z" if millisecond else "2026-01-01T00:00:02Z",
        "batchSize": 2,
        "streamArn": source.arn,
    }


@FACTS("c4-topic", "recorded", "A topic gets the record as its message, without subject and attributes.")
def test_a_topic_gets_the_record_as_message_without_subject_and_attributes_recorded(
    fake: FakeLambda, source: Source, destination: Destination
) -> None:
    sns = fake.client("sns")
    topic = sns.create_topic(Name="failures")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=destination.config["OnFailure"]["Destination"])
    source.put("bad")
    subscribe(
        fake,
        source,
        Handler(source, poison("bad")),
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": topic}},
    )
    fake.clock.run_until_idle()
    (envelope,) = destination.records()
    assert "Subject" not in envelope
    assert not envelope.get("MessageAttributes")
    assert source.batch_info in json.loads(envelope["Message"])


@FACTS(
    "c4-bucket", "documented", "A bucket gets the payload too, as JSON text, under a key of mapping, shard and time."
)
@pytest.mark.parametrize("form", ["text", "object"], ids=["json-text-documented", "object-setting"])
def test_a_bucket_gets_the_payload_too(form: str) -> None:
    with FakeLambda(region=REGION, advice="off", failure_payload=form) as fake:
        source = KinesisSource(fake)
        s3 = fake.client("s3")
        s3.create_bucket(Bucket="failures")
        source.put("bad")
        uuid = subscribe(
            fake,
            source,
            Handler(source, poison("bad")),
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
        )
        fake.clock.run_until_idle()
        (entry,) = s3.list_objects_v2(Bucket="failures")["Contents"]
        at = fake.clock.now
        pattern = (
            rf"aws/lambda/{uuid}/shardId-000000000000/{at:%Y/%m/%d}/"
            rf"{at:%Y-%m-%dT%H.%M.%S}-[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}"
        )
        assert re.fullmatch(pattern, entry["Key"])
        record = json.loads(s3.get_object(Bucket="failures", Key=entry["Key"])["Body"].read())
        payload = record.pop("payload")
        assert (json.loads(payload) if form == "text" else payload) == fake.invocations[0].event
        assert "KinesisBatchInfo" in record


@FACTS("c4-delivery-fails", "documented", "A destination that cannot be reached is counted, and the shard continues.")
def test_a_destination_that_does_not_exist_is_counted_and_the_shard_goes_on_documented(
    fake: FakeLambda, source: Source
) -> None:
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:no-such-queue"
    handler = Handler(source, poison("bad"))
    source.put("bad", "good")
    uuid = subscribe(
        fake,
        source,
        handler,
        BatchSize=1,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": gone}},
    )
    fake.clock.run_until_idle()
    assert handler.batches == [["bad"], ["good"]]
    metrics = fake.mapping(uuid).metrics
    assert metrics["DestinationDeliveryFailures"] == 1
    assert metrics["DroppedEventCount"] == 1
    assert [fate.fate for fate in fake.fates(source.arn)] == ["discarded", "done"]


# --- throttles, deleted functions and streams ------------------------------------------------------------------


@FACTS("c3-function-gone", "reported", "A deleted function shows in LastProcessingResult, and does not use up retries.")
def test_a_function_that_is_gone_is_no_attempt_and_is_shown_reported(fake: FakeLambda, source: Source) -> None:
    handler = Handler(source)
    uuid = subscribe(fake, source, handler, MaximumRetryAttempts=1)
    fake.client("lambda").delete_function(FunctionName="consumer")
    source.put("1")
    fake.clock.advance(minutes=10)
    shown = fake.client("lambda").get_event_source_mapping(UUID=uuid)
    assert shown["State"] == "Enabled"
    assert shown["LastProcessingResult"] == (
        f"PROBLEM: Function not found under accountId {ACCOUNT} in database"
        " (Service: null; Status Code: 0; Error Code: null; Request ID: null)"
    )
    fake.function("consumer", handler)
    fake.clock.advance(minutes=2)
    assert handler.batches == [["1"]]
    assert fake.mapping(uuid)._last_result == "OK"


@FACTS(
    "a4-last-result",
    "recorded",
    'LastProcessingResult is "No records processed", then OK or "PROBLEM: Function call failed".',
)
@pytest.mark.parametrize(
    ("acts", "shown"),
    [
        pytest.param([], "No records processed", id="nothing-read-recorded"),
        pytest.param(["good"], "OK", id="success-recorded"),
        pytest.param(["bad"], "PROBLEM: Function call failed", id="failure-documented"),
    ],
)
def test_last_processing_result(fake: FakeLambda, source: Source, acts: list[str], shown: str) -> None:
    uuid = subscribe(fake, source, Handler(source, poison("bad")))
    source.put(*acts)
    fake.clock.advance(1)
    assert fake.client("lambda").get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == shown


@FACTS("c3-stream-gone", "chosen", 'A deleted stream shows as "PROBLEM: Stream not found".')
def test_a_stream_that_is_gone_is_shown_chosen(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    uuid = subscribe(fake, source, Handler(source))
    source.client.delete_stream(StreamName=source.name)
    fake.clock.advance(1)
    assert fake.mapping(uuid)._last_result == "PROBLEM: Stream not found"


# --- batches and order -----------------------------------------------------------------------------------------


@FACTS(
    "c3-one-at-a-time",
    "recorded",
    "Thirty records come as three batches of ten, each after the end of the previous one.",
)
def test_three_times_ten_records_come_as_three_batches_one_after_the_other_recorded(
    fake: FakeLambda, source: Source
) -> None:
    handler = Handler(source)
    names = [f"{number:02}" for number in range(30)]
    source.put(*names)
    fake.function("consumer", handler, timeout=10)
    subscribe(fake, source, handler, BatchSize=10)
    fake.function("consumer").takes(5)
    fake.clock.run_until_idle()
    ends = [invocation.finished for invocation in fake.invocations]
    starts = [invocation.started for invocation in fake.invocations]
    assert starts[1:] == ends[:-1]
    assert [len(batch) for batch in handler.batches] == [10, 10, 10]
    assert [name for batch in handler.batches for name in batch] == names


@FACTS("c3-two-functions", "recorded", "Two functions on one stream each get all records.")
def test_two_functions_on_one_stream_each_see_all_records_recorded(fake: FakeLambda, source: Source) -> None:
    first, second = Handler(source), Handler(source)
    subscribe(fake, source, first)
    fake.function("other", second)
    fake.client("lambda").create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName="other", StartingPosition="TRIM_HORIZON"
    )
    source.put("1", "2")
    fake.clock.run_until_idle()
    assert first.batches == second.batches == [["1", "2"]]


@FACTS("c1-window", "documented", "A batching window collects until it ends or the batch is full.")
def test_a_batching_window_collects_until_it_ends_or_the_batch_is_full_documented(
    fake: FakeLambda, source: Source
) -> None:
    handler = Handler(source)
    subscribe(fake, source, handler, MaximumBatchingWindowInSeconds=10, BatchSize=3)
    source.put("1")
    fake.clock.advance(4)
    source.put("2")
    fake.clock.advance(5)
    assert handler.batches == []
    fake.clock.advance(1)
    assert handler.batches == [["1", "2"]]
    source.put("3", "4", "5", "6")
    fake.clock.advance(0)
    assert handler.batches[1:] == [["3", "4", "5"]]
    fake.clock.advance(10)
    assert handler.batches[2:] == [["6"]]


@FACTS("c1-window-start", "documented", "The next batching window begins as soon as the previous invocation has ended.")
def test_a_batching_window_begins_when_the_invocation_before_has_ended_documented(
    fake: FakeLambda, source: Source
) -> None:
    handler = Handler(source)
    source.put("1")
    subscribe(fake, source, handler, MaximumBatchingWindowInSeconds=10)
    fake.function("consumer").takes(2)
    fake.clock.advance(15)
    source.put("2")
    fake.clock.advance(6.9)
    assert handler.batches == [["1"]]
    fake.clock.advance(0.1)
    assert handler.batches == [["1"], ["2"]]


@FACTS(
    "c1-window-idle",
    "chosen",
    "If a whole batching window passes without a record, the next one begins with the next record.",
)
def test_a_batching_window_after_an_idle_one_begins_with_a_record_chosen(fake: FakeLambda, source: Source) -> None:
    handler = Handler(source)
    subscribe(fake, source, handler, MaximumBatchingWindowInSeconds=10)
    fake.clock.advance(10)
    source.put("1")
    fake.clock.advance(9)
    source.put("2")
    assert handler.batches == []
    fake.clock.advance(1)
    assert handler.batches == [["1", "2"]]


@FACTS("c1-size", "documented", "A batch has at most 6 MB.")
def test_a_batch_holds_at_most_six_megabytes_documented(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    handler = Handler(source)
    for number in range(10):
        source.client.put_record(StreamName=source.name, Data=b"x" * 1_000_000, PartitionKey=str(number))
    subscribe(fake, source, handler, BatchSize=100)
    fake.clock.run_until_idle()
    assert [len(batch) for batch in handler.batches] == [4, 4, 2]
    assert all(len(json.dumps(invocation.event)) < 6 * 1024 * 1024 for invocation in fake.invocations)


@FACTS(
    "f4-kinesis",
    "recorded",
    "Records that pass no filter are skipped; if none passes, there is no invocation.",
)
def test_filtered_records_make_no_invocation_and_the_iterator_moves_on_recorded(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    handler = Handler(source)
    pattern = json.dumps({"data": {"event_type": ["function_1"]}})
    uuid = subscribe(fake, source, handler, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    source.put('{"event_type": "function_2"}', "no JSON", '{"event_type": "function_1"}')
    fake.clock.run_until_idle()
    assert handler.batches == [['{"event_type": "function_1"}']]
    assert [fate.fate for fate in fake.fates(source.arn)] == ["filtered out", "filtered out", "done"]
    assert fake.mapping(uuid).metrics["FilteredOutEventCount"] == 2


@FACTS("f4-two-functions", "recorded", "Two functions on one stream, each with its filter, get only their own records.")
def test_two_functions_with_a_filter_each_recorded(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    handlers = {name: Handler(source) for name in ("function_1", "function_2")}
    for name, handler in handlers.items():
        fake.function(name, handler)
        pattern = json.dumps({"data": {"event_type": [name]}})
        fake.client("lambda").create_event_source_mapping(
            EventSourceArn=source.arn,
            FunctionName=name,
            StartingPosition="TRIM_HORIZON",
            FilterCriteria={"Filters": [{"Pattern": pattern}]},
        )
    texts = {name: json.dumps({"event_type": name}) for name in handlers}
    source.put(*texts.values())
    fake.clock.run_until_idle()
    for name, handler in handlers.items():
        assert handler.batches == [[texts[name]]]


def item(**values: dict[str, Any]) -> dict[str, Any]:
    return {"id": {"S": "test"}, **values}


PRESENT, OTHER = item(presentKey={"S": "presentValue"}), item(other={"S": "x"})
TABLE_FILTERS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], int]] = {
    "insert_same_entry_twice": (item(), item(), {"eventName": ["INSERT"]}, 1),
    "content_or_filter": (item(), item(id2={"S": "x"}), {"eventName": ["INSERT", "MODIFY"]}, 2),
    "content_multiple_filters": (
        item(),
        item(id2={"S": "x"}),
        {"eventName": ["INSERT"], "eventSource": ["aws:dynamodb"]},
        1,
    ),
    "content_filter_type": (
        PRESENT,
        OTHER,
        {"dynamodb": {"NewImage": {"presentKey": {"S": ["presentValue"]}}}},
        1,
    ),
    "exists_filter_type": (
        PRESENT,
        OTHER,
        {"dynamodb": {"NewImage": {"presentKey": {"S": [{"exists": True}]}}}},
        1,
    ),
    "exists_false_filter": (OTHER, PRESENT, {"dynamodb": {"NewImage": {"presentKey": [{"exists": False}]}}}, 2),
    "numeric_filter": (
        item(numericFilter={"N": "42"}),
        item(numericFilter={"N": "101"}),
        {"dynamodb": {"NewImage": {"numericFilter": {"N": [{"numeric": [">", 100]}, {"anything-but": "101"}]}}}},
        1,
    ),
    "prefix_filter": (
        item(prefix={"S": "us-1-other-suffix"}),
        item(prefix={"S": "other-suffix"}),
        {"dynamodb": {"NewImage": {"prefix": {"S": [{"prefix": "us-1"}]}}}},
        1,
    ),
    "date_time_conversion": (
        item(),
        item(id2={"S": "x"}),
        {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}},
        2,
    ),
}


@FACTS("f4-tables", "recorded", "How often a function was invoked for two writes to a table, by filter.")
@pytest.mark.parametrize("row", [pytest.param(row, id=f"{name}-recorded") for name, row in TABLE_FILTERS.items()])
def test_filters_on_tables(fake: FakeLambda, row: tuple[dict[str, Any], dict[str, Any], dict[str, Any], int]) -> None:
    first, second, pattern, calls = row
    source = TableSource(fake)
    handler = Handler(source)
    filters = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    subscribe(fake, source, handler, BatchSize=1, FilterCriteria=filters)
    for written in (first, second):
        source.client.put_item(TableName=source.name, Item=written)
    fake.clock.run_until_idle()
    assert len(handler.batches) == calls


# --- states ----------------------------------------------------------------------------------------------------


@FACTS("c3-disabled", "recorded", "A Disabled mapping reads nothing; once it is enabled, it continues where it was.")
def test_a_disabled_mapping_goes_on_where_it_was_recorded(fake: FakeLambda, source: Source) -> None:
    handler = Handler(source)
    uuid = subscribe(fake, source, handler)
    source.put("1")
    fake.clock.run_until_idle()
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
    fake.clock.run_until_idle()
    source.put("2")
    fake.clock.advance(hours=1)
    assert handler.batches == [["1"]]
    fake.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
    fake.clock.run_until_idle()
    assert handler.batches == [["1"], ["2"]]


# --- starting positions ---------------------------------------------------------------------------------------


@FACTS(
    "c3-at-timestamp", "documented", "AT_TIMESTAMP begins with the first record that is not older than the timestamp."
)
def test_at_timestamp_begins_with_the_first_record_that_is_not_older_documented(fake: FakeLambda) -> None:
    source = KinesisSource(fake)
    for name in "123":
        source.put(name)
        fake.clock.advance(10)
    handler = Handler(source)
    at = datetime(2026, 1, 1, 0, 0, 10, tzinfo=timezone.utc)
    subscribe(fake, source, handler, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=at)
    fake.clock.run_until_idle()
    assert handler.batches == [["2", "3"]]
    assert [fate.fate for fate in fake.fates(source.arn)] == ["skipped by the starting position", "done", "done"]
