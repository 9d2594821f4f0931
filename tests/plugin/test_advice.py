import pytest

TEST = """
import boto3

def test_it(lambda_esm):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lambda_esm.function("orders", lambda event, context: None, timeout=10)
    for _ in range(2):
        mapping = boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
        lambda_esm.clock.advance(5)
        boto3.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
        lambda_esm.clock.advance(5)
"""
TEXT = "*the queue's visibility timeout (30 s) is less than 6 times the function's timeout (10 s)*"


def test_it_is_a_warning_once(run):
    result = run(TEST, "-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([f"*LambdaEsmAdvice: ESM102: {TEXT}. See docs/reference/advice/ESM102.md"])


def test_it_names_the_place_of_a_test_that_fails(run):
    result = run(TEST + "    assert False\n", "-W", "default")
    result.assert_outcomes(failed=1, warnings=1)
    result.stdout.re_match_lines([r".*test_it_names_the_place_of_a_test_that_fails\.py:3: LambdaEsmAdvice: ESM102: .*"])


@pytest.mark.parametrize(
    ("options", "ini"), [(("-W", "error"), ""), ((), "lambda_esm_advice = error")], ids=["warnings", "advice"]
)
def test_it_does_not_hide_the_error_of_a_test_that_fails(run, options, ini):
    result = run(TEST + "    assert 'lamp' == 'book'\n", *options, ini=ini)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*assert 'lamp' == 'book'"])
    result.stdout.no_fnmatch_line("E*LambdaEsmAdvice*")


def test_it_may_be_an_error(run):
    result = run(TEST, ini="lambda_esm_advice = error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([TEXT])


def test_it_may_be_off(run):
    run(TEST, ini="lambda_esm_advice = off").assert_outcomes(passed=1, warnings=0)


def test_it_does_not_disturb_the_code_under_test(run):
    result = run(TEST, "-W", "error", ini="lambda_esm_timeline = none")
    result.assert_outcomes(failed=1)
    assert "create_event_source_mapping" not in result.stdout.str()


STATE = """
import time
import boto3
from pytest_lambda_esm import times_out

CACHE, NAMES, COUNT = {{}}, ["constant"], 0

def handler(event, context):
    global COUNT
    {body}
    time.sleep(5)

def test_it(lambda_esm):
    lambda_esm.function("f", handler)
    for _ in range({times}):
        boto3.client("lambda").invoke(FunctionName="f")
"""
CHANGES = "COUNT += 1; CACHE[COUNT] = NAMES"


def test_module_state_after_a_timeout(run):
    """A bound handler keeps its module's variables, which Lambda would import again."""
    result = run(STATE.format(body=CHANGES, times=3), "-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    line = "*LambdaEsmAdvice: ESM201: the handler of 'f' runs again after a timeout*: CACHE, COUNT. *"
    result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize(("body", "times"), [(CHANGES, 1), ("NAMES.index('constant')", 3)], ids=["once", "unchanged"])
def test_no_advice_where_it_makes_no_difference(run, body, times):
    run(STATE.format(body=body, times=times), "-W", "default").assert_outcomes(passed=1, warnings=0)


@pytest.mark.parametrize("given", ["ESM102", "ESM101, ESM102", "ESM106\n    ESM102"])
def test_single_codes_may_be_ignored(run, given):
    run(TEST, ini=f"lambda_esm_advice_ignore = {given}").assert_outcomes(passed=1, warnings=0)


def test_an_ignored_code_leaves_the_others(run):
    run(TEST, "-W", "default", ini="lambda_esm_advice_ignore = ESM101").assert_outcomes(passed=1, warnings=1)


def test_the_marker_takes_a_list(run):
    test = TEST.replace("def test_it", '@pytest.mark.lambda_esm(advice_ignore=["ESM102"])\ndef test_it')
    run(test.replace("import boto3", "import boto3, pytest")).assert_outcomes(passed=1, warnings=0)


def test_an_unknown_code_is_refused(run):
    result = run(TEST, ini="lambda_esm_advice_ignore = ESM999")
    result.stderr.fnmatch_lines(["*lambda_esm_advice_ignore*there is no advice 'ESM999'. Did you mean *"])


CHANGED_LATER = """
import boto3
from pytest_lambda_esm import FakeLambda

with FakeLambda(region="us-east-1", advice={mode!r}) as fake:
    sqs, aws_lambda = boto3.client("sqs"), boto3.client("lambda")
    url = sqs.create_queue(QueueName="q", Attributes={{"VisibilityTimeout": "60"}})["QueueUrl"]
    fake.function("f", lambda event, context: None)
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="f")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={{"VisibilityTimeout": "1"}})
"""


@pytest.mark.parametrize("mode", ["warn", "error", "off"])
def test_without_pytest(mode):
    """The end of the with block sees what changed after the mapping was created."""
    from pytest_lambda_esm import LambdaEsmAdvice

    def use():
        exec(CHANGED_LATER.format(mode=mode), {})

    if mode == "off":
        use()
    elif mode == "warn":
        with pytest.warns(LambdaEsmAdvice, match=r"^ESM101: ") as found:
            use()
        assert [warning.message.code for warning in found] == ["ESM101"]
    else:
        with pytest.raises(LambdaEsmAdvice, match=r"^ESM101: "):
            use()
