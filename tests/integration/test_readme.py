"""The claims of the README: each one is in its text, and names the test or the benchmark that shows it."""

import ast
import re
import time
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

ROOT = Path(__file__).parents[2]
HERE = "tests/integration/test_readme.py"
NOTHING_ESCAPES = "tests/integration/test_nothing_escapes.py"
MAIN_JOB = "tests/integration/test_main_job.py"
SUITES = "docs/examples/test_coming_from.py"

CLAIMS = [
    ("an hour of waiting takes milliseconds", HERE, "test_an_hour_of_waiting_takes_milliseconds"),
    (
        "the same test always gives the same result",
        "tests/plugin/test_option_seed.py",
        "test_the_same_seed_gives_the_same",
    ),
    ("nothing changes", "tests/plugin/test_unused.py", "test_nothing_heavy_is_imported"),
    ("imports none of moto, boto3, botocore and freezegun", "tests/plugin/test_unused.py", "test_nothing_heavy"),
    (
        "no AWS request of the process can reach a network",
        NOTHING_ESCAPES,
        "test_a_foreign_endpoint_is_blocked_by_name",
    ),
    ("whenever the client was created", MAIN_JOB, "test_with_clients_made_before_moto_was_imported"),
    ("AWS's host names are not resolved", NOTHING_ESCAPES, "test_no_function_of_socket_finds_aws"),
    ('or a `"package.module:name"`', MAIN_JOB, "test_a_handler_given_by_name"),
    ("waits until it is enabled", "tests/integration/test_shortcuts.py", "test_a_source_connects_to_a_function"),
    ("its `time.sleep` moves the virtual clock", "tests/integration/test_time.py", "test_wall_clocks_follow"),
    ("So do botocore's waiters", "tests/integration/test_time.py", "test_waiters_cost_virtual_time_only"),
    ("its pauses between retries", "tests/integration/test_time.py", "test_retries_cost_virtual_time_only"),
    ("the template that you deploy", "docs/examples/shop/test_shop.py", "test_an_uploaded_order_is_confirmed"),
    ("`with FakeLambda() as fake:`", MAIN_JOB, "test_without_pytest"),
    ("its report says why", "tests/plugin/test_tutorial.py", "test_each_step_of_the_tutorial"),
    ("draws what happened", "tests/plugin/test_option_report.py", "test_it_shows_the_tests_that_used_the_fake"),
    ("joins a `mock_aws` that is active", SUITES, "test_as_it_was_with_one_fixture_more"),
    ("a decorator", MAIN_JOB, "test_under_mock_aws_as_a_decorator"),
    ("Clients that modules created when they were imported work", MAIN_JOB, "test_with_clients_made_at_import"),
    ("freezegun, pytest-freezer", "tests/integration/test_time.py", "test_moving_a_freezer_runs_what_fell_due"),
    ("time-machine", "tests/integration/test_time.py", "test_time_machine_as_the_wall_clock"),
    ("`FakeLambda` in `setUp`", "docs/examples/test_unittest_recipes.py", "test_an_order_arrives"),
    ("a `TestCase` that pytest runs", "docs/examples/test_unittest_recipes.py", "test_the_fixture_works_as_well"),
    ("a world for each example", "docs/examples/test_hypothesis_recipes.py", "test_no_order_is_lost"),
    ("aiobotocore and aioboto3", "docs/examples/test_aiobotocore.py", "test_"),
    ("asynchronous tests", "tests/integration/test_handler_surroundings.py", "test_a_handler_runs_its_own_event_loop"),
    ("partial batches", "docs/examples/test_powertools_recipes.py", "test_only_the_bad_order_is_delivered_again"),
    (
        "idempotency on the virtual clock",
        "docs/examples/test_powertools_recipes.py",
        "test_an_order_that_is_sent_twice",
    ),
    ("structured logs", "docs/examples/test_powertools_recipes.py", "test_the_charge_is_logged_with_its_order"),
    ("a fixture of module or session scope", "docs/examples/test_shared_world.py", "test_the_mapping_reads_the_queue"),
    (
        "pytest-xdist and pytest-randomly need nothing",
        "tests/plugin/test_fixture_lambda_esm.py",
        "test_it_passes_under_xdist",
    ),
    ("Its mappings are enabled at once", HERE, "test_a_mapping_of_plain_moto_is_enabled_at_once"),
    ("one message at a time inside `SendMessage`", HERE, "test_plain_moto_delivers_inside_send_message"),
    ("they accept answers that AWS never gives", HERE, "test_a_stub_accepts_an_answer_that_aws_never_gives"),
    ("They have no state", SUITES, "test_a_second_subscription_is_refused"),
]


FAITHFUL = {
    "Create, Get, List, Update, Delete of mappings": "conformance/test_mapping_answers.py",
    "States of a mapping": "integration/test_lifecycle.py",
    "Polling of SQS queues, standard and FIFO": "conformance/test_sqs_polling.py",
    "Event and context": "conformance/test_sqs_events.py",
    "Polling of streams": "conformance/test_stream_polling.py",
    "Polling of Kafka": "conformance/test_kafka_polling.py",
    "Polling of DocumentDB": "conformance/test_documentdb_polling.py",
    "Polling of Amazon MQ": "conformance/test_mq_polling.py",
    "Invoke": "conformance/test_invoke.py",
    "Asynchronous invocation": "conformance/test_async_invoke.py",
    "Topics, buckets, rules, log groups": "conformance/test_trigger_events.py",
    "Schedules and pipes": "conformance/test_schedules.py",
    "Permissions": "conformance/test_permissions.py",
    "Outcome of a handler": "conformance/test_function_logs.py",
    "Code": "integration/test_code_archives.py",
    "Templates": "integration/deploy/test_sam.py",
    "Faults": "conformance/test_fault_errors.py",
    "Not yet": "integration/test_other_invokers.py",
}
"""The rows of the table of what is faithful to AWS, and the file that shows each."""


def test_each_row_of_what_is_faithful_has_its_tests():
    text = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    table = text.partition("## What is faithful to AWS today")[2].partition("\n## ")[0]
    assert re.findall(r"^\| ([A-Z][^|]*?) \|", table, re.M) == list(FAITHFUL)
    assert [file for file in FAITHFUL.values() if not ROOT.joinpath("tests", file).is_file()] == []


@pytest.mark.parametrize(("claim", "file", "test"), CLAIMS, ids=[claim for claim, _, _ in CLAIMS])
def test_each_claim_of_the_readme_has_its_test(claim, file, test):
    text = " ".join(ROOT.joinpath("README.md").read_text(encoding="utf-8").split())
    tree = ast.parse(ROOT.joinpath(file).read_text(encoding="utf-8"))
    functions = [node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert claim in text
    assert any(name.startswith(test) for name in functions)


def test_both_commands_say_how_long_they_take():
    text = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    commands = re.findall(r"([^\n]+):\n\n```\n(python3 -m venv [^\n]+)\n```", text)
    assert len(commands) == 2
    paragraphs = [text.partition(f"```\n{command}")[0].rstrip().rpartition("\n\n")[2] for _, command in commands]
    assert all(re.search(r"takes about (a|\w+) minutes?", paragraph) for paragraph in paragraphs)


def test_an_hour_of_waiting_takes_milliseconds(lambda_esm):
    lambda_esm.connect(lambda_esm.queue("orders"), lambda_esm.function("orders", lambda event, context: None))
    began = time.perf_counter()
    lambda_esm.advance(hours=1)
    assert time.perf_counter() - began < 1  # Milliseconds, unless the machine is busy.


@mock_aws(config={"lambda": {"use_docker": False}})
def test_a_mapping_of_plain_moto_is_enabled_at_once():
    _, mapping = _plain_mapping()
    assert mapping["State"] == "Enabled"


@mock_aws(config={"lambda": {"use_docker": False}})
def test_plain_moto_delivers_inside_send_message(monkeypatch):
    from moto.awslambda.models import LambdaBackend

    delivered = []
    monkeypatch.setattr(LambdaBackend, "_send_sqs_message", lambda self, arn, message, queue: delivered.append(message))
    url, _ = _plain_mapping()
    for body in ("a", "b"):
        boto3.client("sqs", region_name="us-east-1").send_message(QueueUrl=url, MessageBody=body)
        assert delivered[-1].body == body


def _plain_mapping():
    sqs, iam, aws_lambda = (boto3.client(name, region_name="us-east-1") for name in ("sqs", "iam", "lambda"))
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    aws_lambda.create_function(FunctionName="orders", Runtime="python3.12", Handler="a.b", Role=role, Code=code)
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:orders"
    return url, aws_lambda.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders", BatchSize=10)


def test_a_stub_accepts_an_answer_that_aws_never_gives():
    aws_lambda = boto3.client("lambda", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(aws_lambda) as stubber:
        stubber.add_response("create_event_source_mapping", {"State": "Sleeping"})
        assert aws_lambda.create_event_source_mapping(FunctionName="orders")["State"] == "Sleeping"
