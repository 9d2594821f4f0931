"""The asynchronous queue against a model of it: whatever happens to an event, it ends once, and at the right time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from helpers.trials import trials
from pytest_lambda_esm import FakeLambda, raises, returns, throttled, times_out

REGION = "us-east-1"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:records"
TIMEOUT = 3

STEPS = st.lists(st.sampled_from(["error", "timeout", "throttle", "success"]), max_size=12)


@dataclass(frozen=True)
class Expected:
    """The seconds at which attempts ran, the second of the end, and the condition."""

    attempts: list[int]
    end: int
    condition: str


def model(steps: list[str], retries: int, age: int) -> Expected:
    """The rules of AWS's documentation and of the recordings, written as plainly as possible."""
    now, attempts, throttles = 0, [], 0
    remaining = [*steps]
    while True:
        step = remaining.pop(0) if remaining else "success"
        if step == "throttle":
            delay = min(2**throttles, 300)
            throttles += 1
        else:
            attempts.append(now)
            now += TIMEOUT if step == "timeout" else 0
            if step == "success":
                return Expected(attempts, now, "Success")
            if len(attempts) > retries:
                return Expected(attempts, now, "RetriesExhausted")
            delay = 60 * len(attempts)
        if now + delay >= age:
            return Expected(attempts, now, "EventAgeExceeded")
        now += delay


OUTCOMES: dict[str, Any] = {
    "error": raises(ValueError("no")),
    "timeout": times_out(),
    "throttle": throttled(),
    "success": returns(1),
}


@trials(40)
@given(steps=STEPS, retries=st.integers(0, 2), age=st.integers(60, 700))
def test_an_event_ends_once_and_when_the_model_says(steps: list[str], retries: int, age: int) -> None:
    with FakeLambda(region=REGION, advice="off") as fake:
        url = fake.client("sqs").create_queue(QueueName="records")["QueueUrl"]
        function = fake.function("f", lambda event, context: None, timeout=TIMEOUT)
        function.script(*(OUTCOMES[step] for step in steps))
        aws_lambda = fake.client("lambda")
        aws_lambda.put_function_event_invoke_config(
            FunctionName="f",
            MaximumRetryAttempts=retries,
            MaximumEventAgeInSeconds=age,
            DestinationConfig={"OnSuccess": {"Destination": QUEUE}, "OnFailure": {"Destination": QUEUE}},
        )
        start = fake.clock.now
        aws_lambda.invoke(FunctionName="f", InvocationType="Event", Payload=b"1")
        fake.clock.run_until_idle(limit=3600)
        expected = model(steps, retries, age)
        assert [(entry.started - start).total_seconds() for entry in function.invocations] == expected.attempts
        assert (fake.clock.now - start).total_seconds() == expected.end
        [message] = fake.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        context = json.loads(message["Body"])["requestContext"]
        assert (context["condition"], context["approximateInvokeCount"]) == (expected.condition, len(expected.attempts))
        assert len(fake.fates(function.arn)) == 1
