"""Numbers in texts: singular and plural are right, in the helper and in what the package writes."""

import ast
import re
from pathlib import Path

import boto3
import pytest

import pytest_lambda_esm
from pytest_lambda_esm import after_reads, raises
from pytest_lambda_esm.wording import counted, times

PACKAGE = Path(pytest_lambda_esm.__file__).parent

COUNTED = [
    ((1, "message"), "1 message"),
    ((0, "message"), "0 messages"),
    ((2, "batch"), "2 batches"),
    ((1, "batch"), "1 batch"),
    ((3, "retry"), "3 retries"),
    ((2, "delay"), "2 delays"),
    ((1, "message", "wait"), "1 message waits"),
    ((4, "message", "wait"), "4 messages wait"),
    ((1, "record", "were"), "1 record was"),
    ((2, "record", "were"), "2 records were"),
    ((1, "more test"), "1 more test"),
]


@pytest.mark.parametrize(("arguments", "text"), COUNTED, ids=[text for _, text in COUNTED])
def test_a_number_has_its_noun_and_verb(arguments, text):
    assert counted(*arguments) == text


def test_once_and_many_times():
    assert [times(count) for count in (0, 1, 2)] == ["0 times", "once", "2 times"]


NOUNS = (
    "attempts|batches|entries|errors|events|failures|faults|functions|groups|invocations|items|mappings|messages|pairs"
    "|pollers|queues|records|retries|shards|steps|tests|times|worlds"
)
NEVER_ONE = {
    "{multiplier} times",
    "{times} times",  # A fold has at least two repetitions.
    "{count} times",  # In wording.times itself.
    "{MOST_NESTED} invocations",
    "{stall.sleeps} times",  # Only many sleeps are a stall.
    "{len(pairs) + len(targets) + 1} worlds",  # A sweep that has too many.
    "{size} messages",  # A batch that is open holds fewer messages than it may.
    "{count} messages",  # Of a batch with several messages.
    "{count} records",  # Of a batch with several records.
    "{depth} invocations",  # A loop is long.
    "{fold.period} entries",  # "this" where it is one.
    "{BROKER_FUNCTION_TIMEOUT} seconds",
    "{self._context.kind().consumers} batches",  # 5 and 20
}


def source_texts():
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield path, ast.unparse(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "{" in node.value:
                yield path, node.value


def test_no_text_of_the_package_joins_a_number_and_a_plural():
    plural = re.compile(rf"\{{[^{{}}]*\}} (?:more )?(?:{NOUNS})\b")
    found = {(path.name, match[0]) for path, text in source_texts() for match in plural.finditer(text)}
    assert {each for each in found if each[1] not in NEVER_ONE} == set(), "use wording.counted or wording.times"


WRONG = re.compile(r"\b1 (?!was\b)[a-z]+s\b")


def test_texts_about_one_of_everything_are_in_the_singular(lambda_esm):
    def fails(event, context):
        raise ValueError("no")

    lambda_esm.transitions(creating=after_reads(2))
    function = lambda_esm.function("orders", fails)
    queue = lambda_esm.queue("orders", redrive=lambda_esm.queue("failed"), max_receives=1)
    texts = [repr(function)]
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=queue.arn, FunctionName="orders")
    boto3.client("lambda").list_event_source_mappings()
    texts += [lambda_esm.explain(), *(str(entry) for entry in lambda_esm.timeline)]
    boto3.client("lambda").list_event_source_mappings()
    lambda_esm.run_until_idle()
    sent = queue.send("x")
    lambda_esm.advance(0)
    texts += [lambda_esm.explain(), *map(str, lambda_esm.fates(queue))]
    lambda_esm.run_until_idle()
    function.script(raises(ValueError))
    function.expects(ValueError, times=1)
    boto3.client("lambda").invoke(FunctionName="orders", InvocationType="Event")
    lambda_esm.run_until_idle()
    texts += [lambda_esm.explain(), repr(function), repr(lambda_esm.calls), str(lambda_esm.timeline)]
    texts += [str(lambda_esm.journey(sent)), repr(lambda_esm.journey(sent)), *map(str, lambda_esm.fates("orders"))]
    with pytest.raises(AssertionError) as refused:
        lambda_esm.calls.assert_called("Invoke", times=2)
    texts.append(str(refused.value))
    assert [match[0] for text in texts for match in WRONG.finditer(text)] == []
