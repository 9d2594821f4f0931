FAILS = """
def test_it(lambda_esm_client):
    lambda_esm_client.list_event_source_mappings()
    assert False
"""
PASSES = FAILS.replace("assert False", "pass")
SHOWN = ["*- lambda esm timeline -*", "*call  *ListEventSourceMappings: -> 200"]


def test_a_failed_test_shows_it(run):
    result = run(FAILS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(SHOWN)


def test_its_lines_fit_a_terminal_of_100_columns(run):
    lines = run(FAILS).outlines
    start = next(number for number, line in enumerate(lines) if "lambda esm timeline" in line)
    assert all(len(line) <= 100 for line in lines[start + 1 : start + 3])


def test_none_hides_it(run):
    assert "lambda esm timeline" not in run(FAILS, "--lambda-esm-timeline=none").stdout.str()


def test_all_shows_it_for_passed_tests(run):
    result = run(PASSES, "--lambda-esm-timeline=all", "-rP")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(SHOWN)


def test_a_passed_test_does_not_show_it(run):
    assert "lambda esm timeline" not in run(PASSES, "-rP").stdout.str()


def test_a_wrong_value_names_the_right_ones(run):
    result = run(PASSES, "--lambda-esm-timeline=some")
    result.stderr.fnmatch_lines(["ERROR: --lambda-esm-timeline: *expected one of 'failed', 'all', 'none'"])


SENDS = """
import boto3

def test_it(lambda_esm):
    boto3.client("sqs").create_queue(QueueName="orders")
    boto3.client("lambda").list_functions()
    assert False
"""


def test_calls_to_other_services_are_left_out(run):
    text = run(SENDS).stdout.str()
    assert "ListFunctions: -> 200" in text
    assert "sqs.CreateQueue" not in text


def test_it_says_so_if_nothing_is_left(run):
    lines = run(SENDS.replace('boto3.client("lambda").list_functions()', "pass")).stdout.str()
    assert '(only calls to services other than Lambda: 1; the setting timeline_calls = "all" shows them)' in lines


def test_a_setting_shows_calls_to_all_services(run):
    marked = SENDS.replace("def test_it", "import pytest\n\n@pytest.mark.lambda_esm(timeline_calls='all')\ndef test_it")
    run(marked).stdout.fnmatch_lines(["*request  *sqs.CreateQueue: -> 200", "*call  *ListFunctions: -> 200"])
