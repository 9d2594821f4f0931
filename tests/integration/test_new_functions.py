"""Functions that a test makes with ``lambda_esm.function``: their settings and names."""

from datetime import timedelta

import boto3
import pytest

from pytest_lambda_esm import ConfigurationError, FakeLambda, HandlerError

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
AT_900 = "1 to 900 whole seconds, as a number or a timedelta, not"


@pytest.mark.parametrize("timeout", [7, 7.0, timedelta(seconds=7)])
def test_a_timeout_is_whole_seconds_in_any_form_of_a_span(lambda_esm, timeout):
    lambda_esm.function("f", lambda event, context: None, timeout=timeout)
    assert boto3.client("lambda").get_function_configuration(FunctionName="f")["Timeout"] == 7


def test_the_greatest_values_that_lambda_takes(lambda_esm):
    lambda_esm.function("f", timeout=900, memory=10_240, environment={"A_" + "x" * 9: "y" * 4000})
    made = boto3.client("lambda").get_function_configuration(FunctionName="f")
    assert (made["Timeout"], made["MemorySize"]) == (900, 10_240)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"timeout": 1.5}, f"timeout takes {AT_900} 1.5"),
        ({"timeout": True}, f"timeout takes {AT_900} True"),
        ({"timeout": "3"}, f"timeout takes {AT_900} '3'"),
        ({"timeout": None}, f"timeout takes {AT_900} None"),
        ({"timeout": float("nan")}, f"timeout takes {AT_900} nan"),
        ({"timeout": float("inf")}, f"timeout takes {AT_900} inf"),
        ({"timeout": timedelta(seconds=1.5)}, f"timeout takes {AT_900} datetime"),
        ({"timeout": 0}, f"timeout takes {AT_900} 0"),
        ({"timeout": 901}, f"timeout takes {AT_900} 901"),
        ({"memory": "128"}, "memory takes 128 to 10,240 whole MB, not '128'"),
        ({"memory": 127}, "memory takes 128 to 10,240 whole MB, not 127"),
        ({"memory": 10_241}, "memory takes 128 to 10,240 whole MB, not 10241"),
        ({"reserved_concurrency": "x"}, "reserved_concurrency takes a whole number from 0, or None, not 'x'"),
        ({"reserved_concurrency": -1}, "reserved_concurrency takes a whole number from 0, or None, not -1"),
        ({"environment": "x"}, "environment takes a mapping of texts to texts"),
        ({"environment": {"AA": 1}}, "environment takes a mapping of texts to texts"),
        ({"environment": {1: "x"}}, "environment takes a mapping of texts to texts"),
        ({"environment": {"A": "x"}}, "Map keys must satisfy constraint"),
        ({"environment": {"AWS_REGION": "x", "_HANDLER": "y"}}, "AWS_REGION, _HANDLER"),
        ({"environment": {"AA": "x" * 5000}}, "environment exceeds the 4096 bytes"),
        ({"dead_letter": 5}, "dead_letter takes an ARN or what lambda_esm.queue() returned, not 5"),
        ({"region": "eu-west-11"}, "there is no region 'eu-west-11'. Did you mean 'eu-west-1'"),
        ({"region": 5}, "there is no region 5"),
    ],
    ids=str,
)
def test_what_lambda_does_not_take_is_refused_at_the_tests_line(lambda_esm, given, complaint):
    with pytest.raises(ConfigurationError) as info:
        lambda_esm.function("f", lambda event, context: None, **given)
    assert complaint in str(info.value)
    assert str(info.value).startswith("function('f'):")
    assert info.traceback.filter(info)[-1].path.name == "test_new_functions.py"
    assert boto3.client("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize("name", ["f", ARN, "123456789012:function:f", "123456789012:f", "function:f", ARN[15:]])
def test_a_function_is_named_as_in_a_request(lambda_esm, name):
    assert lambda_esm.function(name, lambda event, context: "made").arn == ARN
    assert lambda_esm.bind(name, lambda event, context: "bound").arn == ARN
    assert boto3.client("lambda").invoke(FunctionName="f")["Payload"].read() == b'"bound"'


def test_an_arn_names_the_region_too(lambda_esm):
    arn = ARN.replace("us-east-1", "eu-west-1")
    assert lambda_esm.function(arn).arn == lambda_esm.function(arn, region="eu-west-1").arn == arn
    assert boto3.client("lambda", "eu-west-1").get_function(FunctionName="f")
    with pytest.raises(ConfigurationError, match="names another region than region='us-east-1'"):
        lambda_esm.function(arn, region="us-east-1")


@pytest.mark.parametrize("call", ["function", "bind"])
@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (None, "takes the name of a function, its partial ARN or its ARN, not None"),
        (7, "takes the name of a function, its partial ARN or its ARN, not 7"),
        ("", "takes the name of a function, its partial ARN or its ARN, not ''"),
        ("arn:aws:sqs:us-east-1:123456789012:f", "takes the name of a function"),
        (f"{ARN}:1", "leave out the qualifier '1'"),
        ("f:live", "leave out the qualifier 'live'"),
        ("two words", "'two words' is not a function name"),
        ("f" * 65, "is not a function name"),
        (ARN.replace("us-east-1", "xx-mars-1"), "there is no region 'xx-mars-1'"),
    ],
    ids=str,
)
def test_what_names_no_function_is_refused_at_the_tests_line(lambda_esm, call, name, complaint):
    with pytest.raises(ConfigurationError) as info:
        getattr(lambda_esm, call)(name, lambda event, context: None)
    assert complaint in str(info.value)
    assert info.traceback.filter(info)[-1].path.name == "test_new_functions.py"


@pytest.mark.parametrize("duration", [-1, "x", float("inf"), float("nan"), 1e30])
def test_a_duration_that_is_none_is_refused(lambda_esm, duration):
    with pytest.raises(HandlerError, match="duration: a time span"):
        lambda_esm.function("f", duration=duration)


@pytest.mark.parametrize("name", ["mars-1", "xx-mars-1"])
def test_a_fake_in_no_region_is_refused(name):
    with pytest.raises(ConfigurationError, match=f"there is no region '{name}'"), FakeLambda(region=name):
        pass
