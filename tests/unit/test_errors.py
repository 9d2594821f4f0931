"""Characters that must not reach a terminal, and the places where users' texts are shown."""

import unicodedata

import pytest

from pytest_lambda_esm import ClockError, FakeLambda, LambdaEsmAdvice, UnusedFault
from pytest_lambda_esm.errors import nearest, printable

HOSTILE = "\x1b[2J\x00\x9b31m\u202e\ud800"
SHOWN = r"\x1b[2J\x00\x9b31m\u202e\ud800"


def test_controls_bidirectional_marks_and_surrogates_are_escaped():
    assert printable(f"a{HOSTILE}b") == f"a{SHOWN}b"


@pytest.mark.parametrize("text", ["", "two\n\tlines", "grüße, 日本, 👩\u200d💻", "עברית", r"\x1b", "\xa0"])
def test_other_texts_are_unchanged(text):
    assert printable(text) == text


def test_no_control_character_and_no_surrogate_is_left_out():
    every = "".join(map(chr, range(0x11000)))
    left = {character for character in printable(every) if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")}
    assert left == {"\n", "\t"}
    bidirectional = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not [each for each in printable(every) if unicodedata.bidirectional(each) in bidirectional]


SETTINGS = ["advice", "advice_ignore", "poll_latency", "seed"]


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("ignore_advice", "Did you mean 'advice_ignore'?"),
        ("Ignore-Advice", "Did you mean 'advice_ignore'?"),
        ("latency_poll", "Did you mean 'poll_latency'?"),
        ("advise", "Did you mean 'advice'?"),
        ("nothing", "Known are: advice, advice_ignore, poll_latency, seed."),
    ],
)
def test_the_nearest_name(name, suggestion):
    assert nearest(name, SETTINGS) == suggestion


@pytest.mark.parametrize("kind", [ClockError, UnusedFault, LambdaEsmAdvice])
def test_errors_show_texts_of_users(kind):
    error = kind(f"a reason: {HOSTILE}", 7)
    assert str(kind(f"a reason: {HOSTILE}")) == f"a reason: {SHOWN}"
    assert error.args == (f"a reason: {SHOWN}", 7)


def test_the_timeline_and_explanations_show_texts_of_users():
    with FakeLambda() as fake:
        url = fake.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
        fake.function("f", failing)
        arn = "arn:aws:sqs:us-east-1:123456789012:orders"
        mapping = fake.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="f")
        fake.client("sqs").send_message(QueueUrl=url, MessageBody="an order")
        fake.clock.advance(10)
        assert f"the last batch failed at 00:00:05.000000: error, ValueError: {SHOWN}" in fake.explain(mapping)
        [invocation] = fake.invocations
        assert str(invocation.error) == f"ValueError: {SHOWN}"
        assert f"[ERROR] ValueError: {HOSTILE}\n" in invocation.log  # as in CloudWatch
        fake.mapping(mapping).force("Disabled", reason=HOSTILE)
        assert SHOWN in str(fake.timeline)
        assert "\x1b" not in repr(fake.timeline) + repr(list(fake.timeline)) + repr(fake.mapping(mapping))
        with pytest.raises(Exception, match="there is no mapping") as caught:
            fake.mapping(HOSTILE)
        assert SHOWN in str(caught.value)


def failing(event, context):
    raise ValueError(HOSTILE)
