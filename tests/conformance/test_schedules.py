"""Scheduled rules of EventBridge and schedules of EventBridge Scheduler: what AWS accepts, when, and what it sends."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from helpers.conformance import ACCOUNT, REGION, Fact, Facts, Lab, client
from pytest_lambda_esm import Invocation
from pytest_lambda_esm.timing import moment_of

FACTS = Facts("Schedules")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:fn"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/tick"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/scheduler"
PUBLISHED: dict[str, Any] = {
    "version": "0",
    "account": "123456789012",
    "region": "us-east-1",
    "detail": {},
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-01-01T01:00:00Z",
    "id": "cdc73f9d-aea9-11e3-9d5a-835b769c0d9c",
    "resources": [RULE],
}
"""The event of the page on scheduled events, with the names and the time of this table."""

ACCEPTED = (
    *("cron(0 2 ? * SAT *)", "cron(0 12 * * ? *)", "cron(5,35 14 * * ? *)", "cron(15 10 ? * 6L 2002-2005)"),
    *("cron(0 2 ? * SAT#3 *)", "cron(* * ? * SAT#3 *)", "cron(0/5 5 ? JAN 1-5 2022)", "cron(0 10 * * ? *)"),
    *("cron(15 12 * * ? *)", "cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)", "cron(0/15 * * * ? *)"),
    *("cron(0/10 * ? * MON-FRI *)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(0/30 20-23 ? * MON-FRI *)"),
    *("cron(0/30 0-2 ? * MON-FRI *)", "rate(1 minute)"),
)
REFUSED = (
    *("rate(10 seconds)", "rate(10 years)", "rate(1 minutes)", "rate(1 hours)", "rate(1 days)", "rate(10 minute)"),
    *("rate(10 hour)", "rate(10 day)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)"),
    *("rate(0 minutes)", "rate(-10 minutes)", "rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)"),
    *(
        "cron(0 1 * * * *)",
        "cron(7 20 * * NOT *)",
        "cron(INVALID)",
        "cron(0 dummy ? * MON-FRI *)",
        "cron(71 8 1 * ? *)",
    ),
)


def put_rule(expression: str, **rule: Any) -> None:
    events = client("events")
    events.put_rule(Name="tick", ScheduleExpression=expression, **rule)
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": FUNCTION}])


def create_schedule(expression: str, **given: Any) -> None:
    target = {"Arn": FUNCTION, "RoleArn": ROLE, **given.pop("Target", {})}
    window = {"Mode": "OFF"}
    client("scheduler").create_schedule(
        Name="job", ScheduleExpression=expression, Target=target, FlexibleTimeWindow=window, **given
    )


def invocations(lab: Lab, **span: float) -> list[Invocation]:
    """The invocations of the function after this time."""
    function = lab.fake.function("fn", lambda event, context: None)
    lab.fake.clock.advance(**span)
    return list(function.invocations)


def starts(lab: Lab, **span: float) -> list[str]:
    return [f"{moment_of(each._start):%m-%dT%H:%M}" for each in invocations(lab, **span)]


@FACTS("schedule-rule-accepted", "recorded", "PutRule accepts rates, and cron expressions with AWS's wildcards.")
def _(lab: Lab) -> None:
    for expression in ACCEPTED:
        put_rule(expression)


@FACTS(
    "schedule-rule-refused",
    "recorded",
    "PutRule refuses other units, units that do not agree with the number, other spaces, and days without one '?'.",
)
def _(lab: Lab) -> None:
    for expression in REFUSED:
        with pytest.raises(ClientError) as caught:
            put_rule(expression)
        assert caught.value.response["Error"] == {
            "Code": "ValidationException",
            "Message": "Parameter ScheduleExpression is not valid.",
        }


@FACTS("schedule-rule-bus", "recorded", "Only rules of the default event bus can have a schedule.")
def _(lab: Lab) -> None:
    client("events").create_event_bus(Name="other")
    with pytest.raises(ClientError, match="ScheduleExpression is supported only on the default event bus"):
        client("events").put_rule(Name="tick", EventBusName="other", ScheduleExpression="rate(1 minute)")


@FACTS("schedule-rule-event", "documented", "The event of a rule has exactly the members of AWS's example.")
def _(lab: Lab) -> None:
    put_rule("rate(1 hour)")
    [invocation] = invocations(lab, hours=1)
    assert invocation.event == {**PUBLISHED, "id": invocation.event["id"]}
    assert set(invocation.event["id"]) <= set("0123456789abcdef-")


@FACTS("schedule-rule-rate", "documented", "The rate of a rule starts with the rule: it is first due a period later.")
def _(lab: Lab) -> None:
    put_rule("rate(5 minutes)")
    assert starts(lab, minutes=14) == ["01-01T00:05", "01-01T00:10"]


@FACTS("schedule-rule-utc", "documented", "Cron expressions of rules are in UTC.")
def _(lab: Lab) -> None:
    put_rule("cron(15 12 * * ? *)")
    assert starts(lab, days=2) == ["01-01T12:15", "01-02T12:15"]


@FACTS("schedule-rule-only", "documented", "A rule without a pattern matches no event, it is only due by its schedule.")
def _(lab: Lab) -> None:
    put_rule("rate(1 day)")
    client("events").put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])
    assert starts(lab, hours=1) == []


@FACTS("schedule-rate-now", "documented", "A rate of EventBridge Scheduler without StartDate is due at once.")
def _(lab: Lab) -> None:
    create_schedule("rate(5 minutes)")
    assert starts(lab, minutes=9) == ["01-01T00:00", "01-01T00:05"]


@FACTS("schedule-rate-start", "documented", "With StartDate, a rate is first due then.")
def _(lab: Lab) -> None:
    create_schedule("rate(5 minutes)", StartDate=lab.fake.clock.now + timedelta(minutes=2))
    assert starts(lab, minutes=9) == ["01-01T00:02", "01-01T00:07"]


@FACTS("schedule-spring", "documented", "A moment that the clocks of the time zone skip in spring is left out.")
def _(lab: Lab) -> None:
    lab.fake.clock.advance_to(datetime(2026, 3, 28, 12, tzinfo=timezone.utc))
    create_schedule("cron(30 2 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    assert starts(lab, days=3) == ["03-30T00:30", "03-31T00:30"]


@FACTS("schedule-autumn", "documented", "A moment that the clocks of the time zone show twice in autumn counts once.")
def _(lab: Lab) -> None:
    lab.fake.clock.advance_to(datetime(2026, 10, 24, 12, tzinfo=timezone.utc))
    create_schedule("cron(30 2 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    assert starts(lab, days=2) == ["10-25T00:30", "10-26T01:30"]


@FACTS("schedule-day", "documented", "A day of a rate is 24 hours, also when daylight saving begins.")
def _(lab: Lab) -> None:
    lab.fake.clock.advance_to(datetime(2026, 3, 28, 12, tzinfo=timezone.utc))
    create_schedule("rate(1 day)", ScheduleExpressionTimezone="Europe/Berlin")
    assert starts(lab, days=2) == ["03-28T12:00", "03-29T12:00", "03-30T12:00"]


@FACTS("schedule-one-time", "documented", "StartDate and EndDate of a one-time schedule are ignored.")
def _(lab: Lab) -> None:
    later = lab.fake.clock.now + timedelta(days=9)
    create_schedule("at(2026-01-01T05:00:00)", StartDate=later, EndDate=later + timedelta(days=1))
    assert starts(lab, days=1) == ["01-01T05:00"]


@FACTS(
    "schedule-default-event",
    "reported",
    "Without Input, a target gets an event of aws.scheduler with a text as detail.",
)
def _(lab: Lab) -> None:
    create_schedule("at(2026-01-01T01:00:00)")
    [invocation] = invocations(lab, hours=1)
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/job"
    own = {"source": "aws.scheduler", "resources": [arn], "detail": "{}", "id": invocation.event["id"]}
    assert invocation.event == {**PUBLISHED, **own}


@FACTS("schedule-context", "documented", "Context attributes in Input are replaced; the time is to the second, in UTC.")
def _(lab: Lab) -> None:
    text = '{"time": "<aws.scheduler.scheduled-time>", "attempt": "<aws.scheduler.attempt-number>"}'
    zone = "Asia/Tokyo"
    create_schedule("at(2026-01-01T18:00:00)", ScheduleExpressionTimezone=zone, Target={"Input": text})
    [invocation] = invocations(lab, days=1)
    assert invocation.event == {"time": "2026-01-01T09:00:00Z", "attempt": "1"}


@FACTS(
    "schedule-dead-letter", "documented", "The dead letter of a rule names rule, target and error in its attributes."
)
def _(lab: Lab) -> None:
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    missing = f"arn:aws:sqs:{REGION}:{ACCOUNT}:missing"
    events.put_rule(Name="tick", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": missing, "DeadLetterConfig": {"Arn": dead}}])
    lab.fake.clock.advance(hours=1)
    [message] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    attributes = message["MessageAttributes"]
    assert set(attributes) == {"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE", "RETRY_ATTEMPTS"}
    assert attributes["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
    assert json.loads(message["Body"])["resources"] == [RULE]


@FACTS("schedule-retries", "chosen", "A refused delivery is repeated after one second, then after twice the wait.")
def _(lab: Lab) -> None:
    lab.fake.faults.add("poller.Send", "refused", times=3)
    put_rule("rate(1 hour)")
    function = lab.fake.function("fn", lambda event, context: None)
    lab.fake.clock.advance(hours=1, seconds=6)
    assert function.invocations == []
    lab.fake.clock.advance(seconds=1)
    assert len(function.invocations) == 1


@FACTS(
    "schedule-minute", "chosen", "A cron expression is due at the start of its minute; AWS takes up to a minute more."
)
def _(lab: Lab) -> None:
    put_rule("cron(1 0 * * ? *)")
    assert starts(lab, seconds=60) == ["01-01T00:01"]


@FACTS.parametrize()
def test_fact(lab: Lab, fact: Fact) -> None:
    fact.check(lab)
