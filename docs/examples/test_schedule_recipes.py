"""The recipes of the page on schedules. Each is a test, and the project runs them."""

# [setup]
from datetime import datetime, timezone

import boto3

ROLE = "arn:aws:iam::123456789012:role/scheduler"


def put_rule(name, expression, arn):
    events = boto3.client("events")
    events.put_rule(Name=name, ScheduleExpression=expression)
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])


def make_queue(name):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


# [/setup]


# [nightly]
def test_the_nightly_report_runs_once_a_night(lambda_esm):
    reports = []
    function = lambda_esm.function("report", lambda event, context: reports.append(event["time"]))
    put_rule("nightly", "cron(0 2 * * ? *)", function.arn)

    lambda_esm.clock.advance(days=2)

    assert reports == ["2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z"]


# [/nightly]


# [reminder]
def remind(order, when, arn):
    """Code under test: a reminder that removes itself."""
    boto3.client("scheduler").create_schedule(
        Name=f"remind-{order}",
        ScheduleExpression=f"at({when:%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="Europe/Berlin",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={"Arn": arn, "RoleArn": ROLE, "Input": f'{{"order": {order}}}'},
    )


def test_a_reminder_comes_in_time_and_removes_itself(lambda_esm):
    function = lambda_esm.function("remind", lambda event, context: None)
    remind(17, datetime(2026, 7, 1, 9), function.arn)

    lambda_esm.clock.advance_to(datetime(2026, 7, 1, 6, 59, tzinfo=timezone.utc))
    assert function.invocations == []
    lambda_esm.clock.advance(minutes=1)

    assert [invocation.event for invocation in function.invocations] == [{"order": 17}]
    assert boto3.client("scheduler").list_schedules()["Schedules"] == []


# [/reminder]


# [cleanup]
def test_the_job_is_done_by_the_third_run(lambda_esm):
    left = [1, 2, 3]
    function = lambda_esm.function("clean-up", lambda event, context: left.pop())
    put_rule("often", "rate(5 minutes)", function.arn)

    lambda_esm.clock.run_until(lambda: not left)

    assert lambda_esm.clock.now == datetime(2026, 1, 1, 0, 15, tzinfo=timezone.utc)
    lambda_esm.clock.run_until_idle()  # Does not wait for the next five minutes.
    assert "rule often (rate(5 minutes)): next due at 00:20:00" in lambda_esm.explain(function)


# [/cleanup]


# [failure]
def test_what_the_target_refuses_is_sent_again_and_kept_at_last(lambda_esm):
    _, jobs = make_queue("jobs")
    dead_url, dead = make_queue("dead")
    boto3.client("events").put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    target = {"Id": "1", "Arn": jobs, "RetryPolicy": {"MaximumRetryAttempts": 3}, "DeadLetterConfig": {"Arn": dead}}
    boto3.client("events").put_targets(Rule="hourly", Targets=[target])
    lambda_esm.faults.add("poller.Send", "refused", match={"Destination": jobs}, times=4)

    lambda_esm.clock.advance(hours=1)
    lambda_esm.clock.run_until_idle()

    [letter] = boto3.client("sqs").receive_message(QueueUrl=dead_url, MessageAttributeNames=["All"])["Messages"]
    assert letter["MessageAttributes"]["RETRY_ATTEMPTS"]["StringValue"] == "3"


# [/failure]
