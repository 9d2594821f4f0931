"""Scheduled rules of EventBridge and schedules of EventBridge Scheduler on the virtual clock, through plain boto3."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pytest_lambda_esm import FakeLambda, FaultError, Function, LambdaEsmAdvice
from pytest_lambda_esm.timing import moment_of

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/scheduler"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/tick"


@pytest.fixture
def function(lambda_esm: FakeLambda) -> Function:
    return lambda_esm.function("nightly", lambda event, context: None)


@pytest.fixture
def events(lambda_esm: FakeLambda) -> Any:
    return lambda_esm.client("events")


@pytest.fixture
def scheduler(lambda_esm: FakeLambda) -> Any:
    return lambda_esm.client("scheduler")


@pytest.fixture
def put(events: Any) -> Callable[..., str]:
    """Create a rule with a target, and return its ARN."""

    def put(expression: str, target: str, **members: Any) -> str:
        arn: str = events.put_rule(Name="tick", ScheduleExpression=expression)["RuleArn"]
        events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": target, **members}])
        return arn

    return put


@pytest.fixture
def schedule(scheduler: Any) -> Callable[..., str]:
    """Create a schedule, and return its ARN; ``input`` and the like are members of the target."""

    def schedule(expression: str, arn: str, *, name: str = "job", target: Any = None, **given: Any) -> str:
        answer = scheduler.create_schedule(
            Name=name,
            ScheduleExpression=expression,
            Target={"Arn": arn, "RoleArn": ROLE, **(target or {})},
            **{"FlexibleTimeWindow": {"Mode": "OFF"}, **given},
        )
        return str(answer["ScheduleArn"])

    return schedule


def queue(name: str, **attributes: str) -> tuple[str, str]:
    url = boto3.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def received(url: str) -> list[dict[str, Any]]:
    sqs, found = boto3.client("sqs"), []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += messages
    return found


def starts(function: Function) -> list[str]:
    return [f"{moment_of(invocation._start):%m-%d %H:%M:%S}" for invocation in function.invocations]


# --- rules -------------------------------------------------------------------------------------------------


def test_a_nightly_rule_is_due_once_in_a_day(lambda_esm: FakeLambda, function: Function, put: Any) -> None:
    arn = put("cron(0 2 * * ? *)", function.arn)
    lambda_esm.clock.advance(days=1)
    [invocation] = function.invocations
    assert starts(function) == ["01-01 02:00:00"]
    assert invocation.event == {
        "version": "0",
        "id": invocation.event["id"],
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": "2026-01-01T02:00:00Z",
        "region": REGION,
        "resources": [arn],
        "detail": {},
    }
    lambda_esm.clock.advance(days=2)
    assert starts(function) == ["01-01 02:00:00", "01-02 02:00:00", "01-03 02:00:00"]
    assert len({each.event["id"] for each in function.invocations}) == 3


def test_a_rate_counts_from_the_creation_of_its_rule(lambda_esm: FakeLambda, function: Function, put: Any) -> None:
    lambda_esm.clock.advance(seconds=90)
    put("rate(5 minutes)", function.arn)
    lambda_esm.clock.advance(minutes=11)
    assert starts(function) == ["01-01 00:06:30", "01-01 00:11:30"]
    assert [each.event["time"][-9:] for each in function.invocations] == ["00:06:30Z", "00:11:30Z"]


def test_rules_are_enabled_disabled_changed_and_deleted(
    lambda_esm: FakeLambda, function: Function, events: Any, put: Any
) -> None:
    put("rate(1 hour)", function.arn)
    lambda_esm.clock.advance(minutes=30)
    events.disable_rule(Name="tick")
    assert "rule tick (rate(1 hour)): disabled, for" in lambda_esm.explain(function)
    lambda_esm.clock.advance(hours=5)
    assert starts(function) == []
    events.enable_rule(Name="tick")  # At 05:30, and the rate counts from then.
    lambda_esm.clock.advance(minutes=60)
    assert starts(function) == ["01-01 06:30:00"]
    events.put_rule(Name="tick", ScheduleExpression="cron(0 7 * * ? *)")
    lambda_esm.clock.advance(hours=2)
    assert starts(function)[1:] == ["01-01 07:00:00"]
    events.put_rule(Name="tick", ScheduleExpression="cron(0 7 * * ? *)", State="DISABLED")
    lambda_esm.clock.advance(days=1)
    assert len(function.invocations) == 2
    events.put_rule(Name="tick", ScheduleExpression="rate(1 day)")
    events.remove_targets(Rule="tick", Ids=["1"])
    events.delete_rule(Name="tick")
    lambda_esm.clock.advance(days=3)
    assert len(function.invocations) == 2
    assert lambda_esm.clock.next_event is None


def test_putting_the_same_rule_again_lets_its_rate_go_on(
    lambda_esm: FakeLambda, function: Function, events: Any, put: Any
) -> None:
    put("rate(1 hour)", function.arn)
    lambda_esm.clock.advance(minutes=50)
    events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)", Description="the same")
    lambda_esm.clock.advance(minutes=10)
    assert starts(function) == ["01-01 01:00:00"]


def test_a_rule_becomes_one_with_a_pattern(lambda_esm: FakeLambda, function: Function, events: Any, put: Any) -> None:
    put("rate(1 hour)", function.arn)
    events.put_rule(Name="tick", EventPattern=json.dumps({"source": ["shop"]}))
    lambda_esm.clock.advance(hours=3)
    assert function.invocations == []


def test_a_rule_with_only_a_schedule_gets_no_events(
    lambda_esm: FakeLambda, function: Function, events: Any, put: Any
) -> None:
    put("rate(1 hour)", function.arn)
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])
    lambda_esm.clock.run_until_idle()
    assert function.invocations == []


def test_a_rule_with_a_pattern_and_a_schedule_gets_both(
    lambda_esm: FakeLambda, function: Function, events: Any
) -> None:
    events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": function.arn}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])
    lambda_esm.clock.advance(hours=1)
    assert [each.event["source"] for each in function.invocations] == ["shop", "aws.events"]


def test_every_kind_of_target_of_a_rule(lambda_esm: FakeLambda, events: Any) -> None:
    url, standard = queue("jobs")
    fifo_url, fifo = queue("jobs.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    copy_url, copy = queue("copy")
    on_bus = lambda_esm.function("on-bus", lambda event, context: None)
    sns, kinesis, logs = boto3.client("sns"), boto3.client("kinesis"), boto3.client("logs")
    topic = sns.create_topic(Name="jobs")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=copy, Attributes={"RawMessageDelivery": "true"})
    kinesis.create_stream(StreamName="jobs", ShardCount=1)
    logs.create_log_group(logGroupName="/aws/events/jobs")
    bus = events.create_event_bus(Name="other")["EventBusArn"]
    events.put_rule(Name="all", EventBusName="other", EventPattern=json.dumps({"source": ["aws.events"]}))
    events.put_targets(Rule="all", EventBusName="other", Targets=[{"Id": "1", "Arn": on_bus.arn}])
    targets: list[dict[str, Any]] = [
        {"Id": "1", "Arn": standard, "Input": '{"run": true}'},
        {"Id": "2", "Arn": fifo, "SqsParameters": {"MessageGroupId": "g"}},
        {"Id": "3", "Arn": topic, "InputPath": "$.time"},
        {
            "Id": "4",
            "Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/jobs",
            "KinesisParameters": {"PartitionKeyPath": "$.source"},
        },
        {"Id": "5", "Arn": bus},
    ]
    events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="tick", Targets=targets)
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/jobs"
    events.put_rule(Name="logged", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="logged", Targets=[{"Id": "6", "Arn": group}])
    lambda_esm.clock.advance(hours=1)

    assert [each["Body"] for each in received(url)] == ['{"run": true}']
    [in_group] = received(fifo_url)
    assert in_group["Attributes"]["MessageGroupId"] == "g"
    assert json.loads(in_group["Body"])["resources"] == [RULE]
    assert [each["Body"] for each in received(copy_url)] == ['"2026-01-01T01:00:00Z"']
    shards = kinesis.list_shards(StreamName="jobs")["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName="jobs", ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    [record] = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert (record["PartitionKey"], json.loads(record["Data"])["source"]) == ("aws.events", "aws.events")
    [passed_on] = on_bus.invocations
    assert passed_on.event["detail-type"] == "Scheduled Event"
    [line] = logs.filter_log_events(logGroupName="/aws/events/jobs")["events"]
    assert json.loads(line["message"])["resources"] == [RULE.replace("tick", "logged")]


def test_a_target_that_is_not_simulated_is_named_by_advice(
    lambda_esm: FakeLambda, function: Function, put: Any
) -> None:
    put("rate(1 hour)", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nightly")
    lambda_esm.clock.advance(hours=3)
    [advice] = lambda_esm.take_advice()
    assert isinstance(advice, LambdaEsmAdvice)
    assert "rule tick has the target arn:aws:states" in str(advice)
    assert "not simulated" in str(advice)


def test_rules_that_moto_had_before_the_fake() -> None:
    from moto import mock_aws

    with mock_aws():
        events, scheduler = boto3.client("events", REGION), boto3.client("scheduler", REGION)
        url = boto3.client("sqs", REGION).create_queue(QueueName="jobs")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"
        events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)")
        events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": arn, "Input": '"rule"'}])
        events.put_rule(Name="off", ScheduleExpression="rate(1 hour)", State="DISABLED")
        events.put_targets(Rule="off", Targets=[{"Id": "1", "Arn": arn}])
        events.put_rule(Name="wrong", ScheduleExpression="cron(0 2 * * * *)")
        scheduler.create_schedule(
            Name="job",
            ScheduleExpression="rate(1 hour)",
            Target={"Arn": arn, "RoleArn": ROLE, "Input": "schedule"},
            FlexibleTimeWindow={"Mode": "OFF"},
        )
        with FakeLambda(region=REGION, advice="warn") as fake:
            fake.clock.advance(hours=1)
            assert sorted(each["Body"] for each in received(url)) == ['"rule"', "schedule"]
            [advice] = fake.take_advice()
            assert "the rule wrong is never due" in str(advice)


def test_rules_of_a_stack(lambda_esm: FakeLambda, function: Function) -> None:
    resources = {
        "Nightly": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "ScheduleExpression": "cron(0 2 * * ? *)",
                "Targets": [{"Id": "1", "Arn": function.arn}],
            },
        }
    }
    stacks = lambda_esm.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
    lambda_esm.clock.advance(days=1)
    assert starts(function) == ["01-01 02:00:00"]
    stacks.delete_stack(StackName="s")
    lambda_esm.clock.advance(days=1)
    assert len(function.invocations) == 1


# --- time --------------------------------------------------------------------------------------------------


def test_schedules_are_no_work_that_is_waited_for(lambda_esm: FakeLambda, function: Function, put: Any) -> None:
    put("rate(1 minute)", function.arn)
    before = lambda_esm.clock.now
    lambda_esm.clock.run_until_idle()
    assert lambda_esm.clock.now == before
    assert str(lambda_esm.clock.next_event) == "2026-01-01 00:01:00.000000 rule tick is due: rate(1 minute)"


def test_schedules_run_while_others_are_waited_for(lambda_esm: FakeLambda, function: Function, put: Any) -> None:
    put("rate(1 minute)", function.arn)
    lambda_esm.clock.run_until(lambda: len(function.invocations) == 3)
    time.sleep(60)
    assert starts(function)[-1] == "01-01 00:04:00"


def test_explain_lists_when_schedules_are_due(
    lambda_esm: FakeLambda, function: Function, put: Any, schedule: Any
) -> None:
    put("cron(0 2 * * ? *)", function.arn)
    _, other = queue("jobs")
    schedule("at(2026-01-01T00:00:10)", other)
    line = f"rule tick (cron(0 2 * * ? *)): next due at 02:00:00.000000, for {function.arn}"
    assert line in lambda_esm.explain(function)
    assert line in lambda_esm.explain("nightly")
    assert line not in lambda_esm.explain(other)
    lambda_esm.clock.advance(seconds=10)
    text = lambda_esm.explain()
    assert f"schedule default/job (at(2026-01-01T00:00:10)): not due any more, for {other}" in text
    [entry] = lambda_esm.timeline.of("schedule")
    assert entry.detail == "due: at(2026-01-01T00:00:10)"


def test_an_exception_for_the_test_leaves_the_schedule_in_force(lambda_esm: FakeLambda, put: Any) -> None:
    function = lambda_esm.function("nightly", lambda event, context: pytest.fail("stop"))
    put("rate(1 hour)", function.arn)
    with pytest.raises(pytest.fail.Exception):
        lambda_esm.clock.advance(hours=1)
    function.bind(lambda event, context: None)
    lambda_esm.clock.advance(hours=1)
    assert starts(function) == ["01-01 01:01:00", "01-01 02:00:00"]


def test_an_exception_at_the_delivery_is_a_failed_attempt(lambda_esm: FakeLambda, function: Function, put: Any) -> None:
    put("rate(1 hour)", function.arn)
    lambda_esm.faults.add("poller.Send", "refused", match=lambda call: pytest.fail("stop"))
    with pytest.raises(pytest.fail.Exception):
        lambda_esm.clock.advance(hours=1)
    lambda_esm.faults.clear()
    lambda_esm.clock.advance(hours=1)
    assert starts(function) == ["01-01 01:00:01", "01-01 02:00:00"]


def test_a_schedule_is_not_lost_by_a_sweep(lambda_esm: FakeLambda, put: Any) -> None:
    put("rate(1 hour)", f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs")
    with pytest.raises(FaultError, match="these already exist: rule tick"):
        next(iter(lambda_esm.sweep()))


def test_a_reset_of_moto_ends_all_schedules(
    lambda_esm: FakeLambda, function: Function, put: Any, schedule: Any
) -> None:
    from moto.events.models import events_backends
    from moto.scheduler.models import scheduler_backends

    put("rate(1 minute)", function.arn)
    schedule("rate(1 minute)", function.arn)
    events_backends[ACCOUNT][REGION].reset()
    scheduler_backends[ACCOUNT][REGION].reset()
    assert lambda_esm.clock.next_event is None


def test_a_thousand_schedules_cost_nothing_while_they_are_idle(lambda_esm: FakeLambda, scheduler: Any) -> None:
    from moto.scheduler.models import scheduler_backends

    backend: Any = scheduler_backends[ACCOUNT][REGION]
    for number in range(1000):
        backend.create_schedule(
            description=None,
            end_date=None,
            flexible_time_window={"Mode": "OFF"},
            group_name=None,
            kms_key_arn=None,
            name=f"job-{number}",
            schedule_expression="cron(0 2 1 1 ? 2030)",
            schedule_expression_timezone=None,
            start_date=None,
            state=None,
            target={"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"},
            action_after_completion=None,
        )
    assert len(lambda_esm.clock.pending) == 1000
    lambda_esm.clock.advance(days=365)
    assert lambda_esm.timeline.of("schedule") == []


# --- EventBridge Scheduler ---------------------------------------------------------------------------------


def test_a_schedule_in_a_time_zone_with_daylight_saving(
    lambda_esm: FakeLambda, function: Function, schedule: Any
) -> None:
    schedule("cron(30 2 * * ? *)", function.arn, ScheduleExpressionTimezone="Europe/Berlin")
    lambda_esm.clock.advance_to(datetime(2026, 3, 27, 12, tzinfo=timezone.utc))
    first = len(function.invocations)
    lambda_esm.clock.advance(days=4)
    assert starts(function)[first:] == ["03-28 01:30:00", "03-30 00:30:00", "03-31 00:30:00"]


def test_a_function_without_input_gets_the_default_event(
    lambda_esm: FakeLambda, function: Function, schedule: Any
) -> None:
    arn = schedule("at(2026-01-01T09:00:00)", function.arn, ScheduleExpressionTimezone="America/New_York")
    lambda_esm.clock.advance(days=3)
    [invocation] = function.invocations
    assert invocation.event == {
        "version": "0",
        "id": invocation.event["id"],
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-01-01T14:00:00Z",
        "region": REGION,
        "resources": [arn],
        "detail": "{}",
    }


def test_a_rate_is_due_at_once_and_then_regularly(lambda_esm: FakeLambda, function: Function, schedule: Any) -> None:
    lambda_esm.clock.advance(seconds=30)
    schedule("rate(15 minutes)", function.arn)
    assert function.invocations == []
    lambda_esm.clock.advance(minutes=31)
    assert starts(function) == ["01-01 00:00:30", "01-01 00:15:30", "01-01 00:30:30"]


def test_a_start_and_an_end(lambda_esm: FakeLambda, function: Function, schedule: Any) -> None:
    start = lambda_esm.clock.now + timedelta(minutes=90)
    schedule("rate(1 hour)", function.arn, StartDate=start, EndDate=start + timedelta(hours=2))
    lambda_esm.clock.advance(days=1)
    assert starts(function) == ["01-01 01:30:00", "01-01 02:30:00", "01-01 03:30:00"]
    assert lambda_esm.clock.next_event is None


def test_context_attributes(lambda_esm: FakeLambda, schedule: Any) -> None:
    url, arn = queue("jobs")
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    own = schedule(
        "rate(1 hour)", arn, target={"Input": " ".join(f"<aws.scheduler.{name}>" for name in (*names, "other"))}
    )
    lambda_esm.clock.advance(minutes=1)
    [message] = received(url)
    schedule_arn, scheduled, execution, attempt, other = message["Body"].split()
    assert (schedule_arn, scheduled, attempt) == (own, "2026-01-01T00:00:00Z", "1")
    assert len(execution) == 16
    assert other == "<aws.scheduler.other>"


def test_every_kind_of_target_of_a_schedule(lambda_esm: FakeLambda, events: Any, schedule: Any) -> None:
    fifo_url, fifo = queue("jobs.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    copy_url, copy = queue("copy")
    on_bus = lambda_esm.function("on-bus", lambda event, context: None)
    sns, kinesis = boto3.client("sns"), boto3.client("kinesis")
    topic = sns.create_topic(Name="jobs")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=copy, Attributes={"RawMessageDelivery": "true"})
    kinesis.create_stream(StreamName="jobs", ShardCount=1)
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["shop"], "detail": {"a": [1]}}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": on_bus.arn}])
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/jobs"
    when = "at(2026-01-01T01:00:00)"
    schedule(when, fifo, name="a", target={"Input": "one", "SqsParameters": {"MessageGroupId": "g"}})
    schedule(when, topic, name="b", target={"Input": "two"})
    schedule(when, stream, name="c", target={"Input": "three", "KinesisParameters": {"PartitionKey": "k"}})
    parameters = {"DetailType": "sold", "Source": "shop"}
    schedule(when, bus, name="d", target={"Input": '{"a": 1}', "EventBridgeParameters": parameters})
    lambda_esm.clock.advance(hours=1)

    [in_group] = received(fifo_url)
    assert (in_group["Attributes"]["MessageGroupId"], in_group["Body"]) == ("g", "one")
    assert [each["Body"] for each in received(copy_url)] == ["two"]
    shard = kinesis.list_shards(StreamName="jobs")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="jobs", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    [record] = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert (record["PartitionKey"], record["Data"]) == ("k", b"three")
    [invocation] = on_bus.invocations
    body = invocation.event
    assert (body["detail-type"], body["source"], body["detail"]) == ("sold", "shop", {"a": 1})


def test_universal_targets(lambda_esm: FakeLambda, function: Function, schedule: Any) -> None:
    url, _ = queue("jobs")
    fifo_url, _ = queue("jobs.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    copy_url, copy = queue("copy")
    topic = boto3.client("sns").create_topic(Name="jobs")["TopicArn"]
    boto3.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=copy, Attributes={"RawMessageDelivery": "true"}
    )
    by_region = url.replace("https://queue.amazonaws", f"https://sqs.{REGION}.amazonaws")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("sqs:sendMessage", {"QueueUrl": by_region, "MessageBody": "at <aws.scheduler.scheduled-time>"}),
        ("sqs:sendMessage", {"QueueUrl": fifo_url, "MessageBody": "fifo", "MessageGroupId": "g"}),
        ("sns:publish", {"TopicArn": topic, "Message": "published"}),
        ("lambda:invoke", {"FunctionName": "nightly", "InvocationType": "Event", "Payload": '{"n": 1}'}),
    ]
    for number, (operation, request) in enumerate(calls):
        arn = f"arn:aws:scheduler:::aws-sdk:{operation}"
        schedule("at(2026-01-01T01:00:00)", arn, name=f"job-{number}", target={"Input": json.dumps(request)})
    lambda_esm.clock.advance(hours=1)
    assert [each["Body"] for each in received(url)] == ["at 2026-01-01T01:00:00Z"]
    assert [each["Attributes"]["MessageGroupId"] for each in received(fifo_url)] == ["g"]
    assert [each["Body"] for each in received(copy_url)] == ["published"]
    assert [invocation.event for invocation in function.invocations] == [{"n": 1}]


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("ecs:runTask", "{}"),
        ("sqs:sendMessage", "no JSON"),
        ("sqs:sendMessage", '{"QueueUrl": "https://example.com/q", "MessageBody": "x"}'),
        ("sns:publish", '{"TopicArn": "arn", "Message": "x", "Subject": "y"}'),
        ("lambda:invoke", '{"FunctionName": "nightly"}'),
        ("lambda:invoke", "[]"),
    ],
)
def test_universal_targets_that_are_not_simulated(
    lambda_esm: FakeLambda, function: Function, schedule: Any, operation: str, text: str
) -> None:
    schedule("at(2026-01-01T01:00:00)", f"arn:aws:scheduler:::aws-sdk:{operation}", target={"Input": text})
    lambda_esm.clock.advance(hours=1)
    [advice] = lambda_esm.take_advice()
    assert f"aws-sdk:{operation}, which is not simulated" in str(advice)


def test_a_flexible_window_is_used_by_the_seed(schedule: Any, lambda_esm: FakeLambda, function: Function) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    schedule("rate(1 hour)", function.arn, FlexibleTimeWindow=window)
    lambda_esm.clock.advance(hours=20)
    minutes = [int(start[9:11]) for start in starts(function)]
    assert len(minutes) == 20
    assert len(set(minutes)) > 3
    assert all(minute <= 15 for minute in minutes)
    assert {each.event["time"][14:] for each in function.invocations} == {"00:00Z"}


def test_what_is_due_within_its_window_is_waited_for(schedule: Any, lambda_esm: FakeLambda, function: Function) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    schedule("at(2026-01-01T00:00:01)", function.arn, FlexibleTimeWindow=window)
    lambda_esm.clock.advance(seconds=1)
    assert function.invocations == []
    lambda_esm.clock.run_until_idle()
    assert len(function.invocations) == 1


def test_a_schedule_is_deleted_after_its_completion(
    schedule: Any, scheduler: Any, lambda_esm: FakeLambda, function: Function
) -> None:
    schedule("at(2026-01-01T01:00:00)", function.arn, ActionAfterCompletion="DELETE")
    schedule("at(2026-01-01T01:00:00)", function.arn, name="kept")
    end = datetime(2026, 1, 1, 2, tzinfo=timezone.utc)
    schedule("rate(1 hour)", function.arn, name="some", EndDate=end, ActionAfterCompletion="DELETE")
    lambda_esm.clock.advance(minutes=90)
    assert {each["Name"] for each in scheduler.list_schedules()["Schedules"]} == {"kept", "some"}
    lambda_esm.clock.advance(hours=1)
    assert {each["Name"] for each in scheduler.list_schedules()["Schedules"]} == {"kept"}
    assert len(function.invocations) == 5


def test_an_update_may_set_what_follows_the_completion(
    schedule: Any, scheduler: Any, lambda_esm: FakeLambda, function: Function
) -> None:
    schedule("at(2026-01-01T01:00:00)", function.arn)
    scheduler.update_schedule(
        Name="job",
        ScheduleExpression="at(2026-01-01T02:00:00)",
        Target={"Arn": function.arn, "RoleArn": ROLE},
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
    )
    assert scheduler.get_schedule(Name="job")["ActionAfterCompletion"] == "DELETE"
    lambda_esm.clock.advance(hours=3)
    assert starts(function) == ["01-01 02:00:00"]
    assert scheduler.list_schedules()["Schedules"] == []


def test_schedules_are_disabled_and_deleted(
    schedule: Any, scheduler: Any, lambda_esm: FakeLambda, function: Function
) -> None:
    schedule("cron(0 * * * ? *)", function.arn, State="DISABLED")
    assert "schedule default/job (cron(0 * * * ? *)): disabled, for" in lambda_esm.explain()
    lambda_esm.clock.advance(hours=2)
    assert function.invocations == []
    update = {
        "Name": "job",
        "ScheduleExpression": "cron(0 * * * ? *)",
        "Target": {"Arn": function.arn, "RoleArn": ROLE},
        "FlexibleTimeWindow": {"Mode": "OFF"},
    }
    scheduler.update_schedule(**update, State="ENABLED")
    lambda_esm.clock.advance(hours=1)
    assert len(function.invocations) == 1
    scheduler.update_schedule(**update, State="DISABLED")
    lambda_esm.clock.advance(hours=1)
    assert len(function.invocations) == 1
    scheduler.delete_schedule(Name="job")
    scheduler.create_schedule_group(Name="team")
    schedule("rate(1 hour)", function.arn, name="of-group", GroupName="team")
    scheduler.delete_schedule_group(Name="team")
    lambda_esm.clock.advance(hours=1)
    assert len(function.invocations) == 1


def test_an_update_of_the_target_lets_a_rate_go_on(
    schedule: Any, scheduler: Any, lambda_esm: FakeLambda, function: Function
) -> None:
    schedule("rate(1 hour)", function.arn)
    lambda_esm.clock.advance(minutes=30)
    url, arn = queue("jobs")
    scheduler.update_schedule(
        Name="job",
        ScheduleExpression="rate(1 hour)",
        Target={"Arn": arn, "RoleArn": ROLE},
        FlexibleTimeWindow={"Mode": "OFF"},
    )
    lambda_esm.clock.advance(minutes=29)
    assert received(url) == []
    lambda_esm.clock.advance(minutes=1)
    assert len(received(url)) == 1
    assert len(function.invocations) == 1


def test_a_moment_that_has_passed_is_named_by_advice(schedule: Any, lambda_esm: FakeLambda, function: Function) -> None:
    schedule("at(2025-01-01T00:00:00)", function.arn)
    lambda_esm.clock.advance(days=1)
    assert function.invocations == []
    [advice] = lambda_esm.take_advice()
    assert "schedule default/job is never due: at(2025-01-01T00:00:00) has passed" in str(advice)


def test_a_handler_creates_a_schedule_for_later(schedule: Any, lambda_esm: FakeLambda) -> None:
    done = lambda_esm.function("done", lambda event, context: None)

    def handler(event: Any, context: Any) -> None:
        time.sleep(2)
        schedule("rate(1 hour)", done.arn)

    boto3.client("lambda").invoke(FunctionName=lambda_esm.function("first", handler).name)
    lambda_esm.clock.advance(hours=1)
    assert starts(done) == ["01-01 00:00:02", "01-01 01:00:02"]


@pytest.mark.parametrize("expression", ["rate(5 foos)", "cron(0 2 * * *)", "at(tomorrow)", "5 minutes"])
def test_schedules_that_are_refused(schedule: Any, function: Function, expression: str) -> None:
    with pytest.raises(ClientError) as caught:
        schedule(expression, function.arn)
    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": f"Invalid Schedule Expression {expression}.",
    }


def test_a_time_zone_and_a_group_that_do_not_exist(schedule: Any, function: Function) -> None:
    with pytest.raises(ClientError, match="Invalid ScheduleExpressionTimezone Europe/Nowhere"):
        schedule("rate(1 hour)", function.arn, ScheduleExpressionTimezone="Europe/Nowhere")
    with pytest.raises(ClientError, match="Schedule group nobody does not exist"):
        schedule("rate(1 hour)", function.arn, GroupName="nobody")


# --- failures ----------------------------------------------------------------------------------------------


def test_a_target_that_does_not_exist_is_not_retried(lambda_esm: FakeLambda, put: Any) -> None:
    url, dead_letters = queue("dead")
    missing = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing"
    put("rate(1 hour)", missing, DeadLetterConfig={"Arn": dead_letters})
    lambda_esm.clock.advance(hours=1)
    [message] = received(url)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {
        "RULE_ARN": RULE,
        "TARGET_ARN": missing,
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": f"{missing} does not exist",
        "RETRY_ATTEMPTS": "0",
    }
    assert json.loads(message["Body"])["source"] == "aws.events"


def test_a_refused_delivery_is_retried_and_then_a_dead_letter(lambda_esm: FakeLambda, schedule: Any) -> None:
    (url, arn), (dead_url, dead_letters) = queue("jobs"), queue("dead")
    policy = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}
    target = {
        "Input": "<aws.scheduler.attempt-number>",
        "RetryPolicy": policy,
        "DeadLetterConfig": {"Arn": dead_letters},
    }
    own = schedule("at(2026-01-01T01:00:00)", arn, target=target, ActionAfterCompletion="DELETE")
    lambda_esm.faults.add("poller.Send", "refused", match={"Destination": arn}, times=3)
    lambda_esm.clock.advance(hours=1)
    assert lambda_esm.client("scheduler").list_schedules()["Schedules"] != []  # Retries are not over.
    lambda_esm.clock.run_until_idle()
    assert received(url) == []
    [message] = received(dead_url)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {
        "SCHEDULE_ARN": own,
        "TARGET_ARN": arn,
        "EXECUTION_ID": attributes["EXECUTION_ID"],
        "SCHEDULED_TIME": "2026-01-01T01:00:00Z",
        "IS_PAYLOAD_TRUNCATED": "false",
        "ERROR_CODE": "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": f"{arn} refused it, as the test has asked for",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "2",
    }
    assert lambda_esm.client("scheduler").list_schedules()["Schedules"] == []


def test_a_delivery_succeeds_when_it_is_repeated(lambda_esm: FakeLambda, put: Any) -> None:
    url, arn = queue("jobs")
    put("rate(1 hour)", arn)
    lambda_esm.faults.add("poller.Send", "refused", times=1)
    lambda_esm.clock.advance(hours=1)
    assert received(url) == []
    lambda_esm.clock.run_until_idle()
    assert len(received(url)) == 1
    assert lambda_esm.clock.now == datetime(2026, 1, 1, 1, 0, 1, tzinfo=timezone.utc)


def test_the_age_of_an_event_ends_its_retries(lambda_esm: FakeLambda, put: Any) -> None:
    (_, arn), (dead_url, dead_letters) = queue("jobs"), queue("dead")
    policy = {"MaximumEventAgeInSeconds": 60}
    put("rate(1 hour)", arn, RetryPolicy=policy, DeadLetterConfig={"Arn": dead_letters})
    lambda_esm.faults.add("poller.Send", "refused", match={"Destination": arn}, times=6)
    lambda_esm.clock.advance(hours=1)
    lambda_esm.clock.run_until_idle()
    [message] = received(dead_url)
    assert message["MessageAttributes"]["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumEventAgeInSeconds"
    assert message["MessageAttributes"]["RETRY_ATTEMPTS"]["StringValue"] == "5"


def test_a_dead_letter_queue_that_does_not_exist(lambda_esm: FakeLambda, put: Any) -> None:
    missing = f"arn:aws:sqs:{REGION}:{ACCOUNT}:missing"
    put("rate(1 hour)", missing, DeadLetterConfig={"Arn": f"{missing}-too"})
    lambda_esm.clock.advance(hours=1)
    assert [entry.detail for entry in lambda_esm.timeline.of("delivery")] == [
        f"failed: {missing} does not exist; given up",
        f"failed: {missing}-too does not exist",
    ]


def test_a_fifo_queue_without_deduplication_refuses(lambda_esm: FakeLambda, put: Any) -> None:
    _, fifo = queue("jobs.fifo", FifoQueue="true")
    put("rate(1 day)", fifo, SqsParameters={"MessageGroupId": "g"}, RetryPolicy={"MaximumRetryAttempts": 0})
    lambda_esm.clock.advance(days=1)
    [entry] = lambda_esm.timeline.of("delivery")
    assert "has no content-based deduplication" in entry.detail


def test_a_failing_function_is_retried_by_lambda(lambda_esm: FakeLambda, put: Any) -> None:
    def fails(event: Any, context: Any) -> None:
        raise ValueError("no")

    function = lambda_esm.function("nightly", fails)
    put("cron(0 2 * * ? *)", function.arn)
    lambda_esm.clock.advance(hours=3)
    assert starts(function) == ["01-01 02:00:00", "01-01 02:01:00", "01-01 02:03:00"]
