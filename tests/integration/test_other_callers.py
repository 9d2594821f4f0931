"""What invokes functions on AWS and not here: a test that meets it gets advice or an error."""

import json
import urllib.request
import warnings

import boto3
import pytest

from pytest_lambda_esm import FakeLambda, LambdaEsmAdvice, NetworkBlocked
from pytest_lambda_esm.api.unsupported import CALLERS, caller_of_host


def state_machine(function_arn, *, start=True):
    client = boto3.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/states"
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": function_arn, "End": True}}}
    arn = client.create_state_machine(name="checkout", roleArn=role, definition=json.dumps(definition))
    if start:
        client.start_execution(stateMachineArn=arn["stateMachineArn"], input="{}")


def pipe(function_arn):
    boto3.client("pipes").create_pipe(
        Name="checkout",
        Source="arn:aws:sqs:us-east-1:123456789012:q",
        Target=function_arn,
        RoleArn="arn:aws:iam::123456789012:role/pipes",
    )


def schedule(function_arn):
    boto3.client("scheduler").create_schedule(
        Name="checkout",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function_arn, "RoleArn": "arn:aws:iam::123456789012:role/scheduler"},
    )


MADE = {"state machine": state_machine, "pipe": pipe, "schedule": schedule}


@pytest.mark.parametrize("kind", list(MADE))
def test_what_never_runs_gets_advice(kind):
    if kind == "pipe":
        pytest.importorskip("moto.pipes")
    told = f"the {kind} 'checkout' would invoke a function, and does not here: {CALLERS[kind].why}"
    fake = FakeLambda()
    fake.__enter__()
    MADE[kind](fake.function("orders", lambda event, context: None).arn)
    assert f"The {kind} 'checkout' would invoke a function" in " ".join(fake.explain().split())
    with pytest.warns(LambdaEsmAdvice, match=told):
        fake.__exit__(None, None, None)


def test_what_does_not_concern_functions_gets_none():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with FakeLambda() as fake:
            state_machine("arn:aws:states:::sqs:sendMessage")
            schedule("arn:aws:sqs:us-east-1:123456789012:q")
            assert "would invoke" not in fake.explain()


def test_a_state_machine_without_an_execution_gets_none():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with FakeLambda() as fake:
            state_machine(fake.function("orders", lambda event, context: None).arn, start=False)


def test_a_function_url_is_not_served(lambda_esm):
    lambda_esm.function("orders", lambda event, context: None)
    url = boto3.client("lambda").create_function_url_config(FunctionName="orders", AuthType="NONE")["FunctionUrl"]
    with pytest.raises(NetworkBlocked, match=r"Requests to function URLs are not simulated .* Instead: call Invoke"):
        urllib.request.urlopen(url)


HOSTS = [
    ("abc.execute-api.us-east-1.amazonaws.com", "API Gateway"),
    ("web-1.us-east-1.elb.amazonaws.com", "Application Load Balancers"),
    ("abc.appsync-api.us-east-1.amazonaws.com", "AppSync"),
    ("sqs.us-east-1.amazonaws.com", ""),
]


@pytest.mark.parametrize(("host", "told"), HOSTS)
def test_what_an_address_would_invoke(host, told):
    assert told in caller_of_host(host)
    assert bool(told) is bool(caller_of_host(host))


def test_every_caller_says_what_to_do():
    for caller in CALLERS.values():
        assert caller.why
        assert caller.instead
