"""Mistakes in calls of the public names: the error names the right way."""

import datetime as dt

import pytest

import pytest_lambda_esm
from pytest_lambda_esm import ConfigurationError, FaultError, HandlerError, returns
from pytest_lambda_esm.arguments import suggesting


class Handlers:
    def handler(self, event, context): ...


def nothing(event, context): ...


MISTAKES = {
    "count": (lambda fake: fake.faults.add("Invoke", "ServiceException", count=3), TypeError, "Known are:.* times"),
    "per": (lambda fake: fake.faults.sequence("Invoke", "ServiceException", optionl=True), TypeError, "'optional'"),
    "list": (lambda fake: fake.faults.sequence("Invoke", ["ServiceException"]), FaultError, "one by one"),
    "class": (lambda fake: fake.faults.add("Invoke", KeyError), FaultError, "the name of the error: 'KeyError'"),
    "snake": (
        lambda fake: fake.faults.add("create_event_source_mapping", "ServiceException"),
        FaultError,
        r"Did you mean 'CreateEventSourceMapping'\?",
    ),
    "colon": (lambda fake: fake.faults.add("sqs:SendMessage", "x"), FaultError, r"Did you mean 'sqs.SendMessage'\?"),
    "lower": (lambda fake: fake.mapping("orders").hold("updating"), pytest_lambda_esm.StateError, r"'Updating'\?"),
    "minute": (lambda fake: fake.clock.advance(minute=5), TypeError, "Did you mean 'minutes'"),
    "milliseconds": (lambda fake: fake.advance(milliseconds=5), TypeError, "Did you mean 'seconds'"),
    "limits": (lambda fake: fake.run_until_idle(limits=5), TypeError, "Did you mean 'limit'"),
    "naive": (lambda fake: fake.clock.advance_to(dt.datetime(2026, 1, 2)), ConfigurationError.__base__, "clock.now +"),
    "env": (lambda fake: fake.function("f", nothing, env={"A": "1"}), TypeError, "environment"),
    "dead": (
        lambda fake: fake.function("f", dead_letter="dlq"),
        ConfigurationError,
        r"an ARN or what lambda_esm\.queue",
    ),
    "name": (lambda fake: fake.function(nothing), ConfigurationError, r"function\('orders', handler\)"),
    "method": (lambda fake: fake.function("f", Handlers.handler), HandlerError, r"Handlers\(\).handler"),
    "type": (lambda fake: fake.function("f", Handlers), HandlerError, r"Handlers\(\).handler"),
    "uncalled": (lambda fake: fake.function("f").script(returns), HandlerError, r"such as returns\(\)"),
    "scripts": (lambda fake: fake.function("f").script([returns(1)]), HandlerError, "one by one"),
    "error": (lambda fake: fake.function("f").script(ValueError), HandlerError, r"raises\(ValueError\)"),
    "region": (lambda fake: fake.client("sqs", "eu-wst-1"), ConfigurationError, "Did you mean 'eu-west-1'"),
    "visibility": (lambda fake: fake.queue("q", visibility="30"), ConfigurationError, "0 to 43,200 whole seconds"),
    "visibilty": (lambda fake: fake.queue("q", visibilty=30), TypeError, "Did you mean 'visibility'"),
    "view": (lambda fake: fake.table("t", stream="NEW_AND_OLD"), ConfigurationError, "NEW_AND_OLD_IMAGES"),
    "stream": (lambda fake: fake.stream(7), ConfigurationError, "stream takes the name of a stream"),
    "import": (lambda fake: pytest_lambda_esm.throttle, AttributeError, "Did you mean 'throttled'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_with_the_right_way(lambda_esm, name):
    mistake, kind, text = MISTAKES[name]
    if name == "lower":
        lambda_esm.connect(lambda_esm.queue("orders"), lambda_esm.function("orders", nothing))
    with pytest.raises(kind, match=text):
        mistake(lambda_esm)


def test_an_error_of_the_body_is_left_alone():
    @suggesting
    def outer(limit=1):
        return inner(limits=limit)

    def inner(limit): ...

    with pytest.raises(TypeError, match=r"inner\(\) got an unexpected keyword argument 'limits'") as info:
        outer()
    assert "Known are" not in str(info.value)


def test_private_names_are_refused_without_a_suggestion():
    with pytest.raises(AttributeError, match=r"has no attribute '__wrapped__'\.$"):
        _ = pytest_lambda_esm.__wrapped__
