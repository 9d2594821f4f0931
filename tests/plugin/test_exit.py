"""``pytest.exit()`` in code that the fake runs ends the run, as a KeyboardInterrupt does."""

import textwrap

import pytest

HELPERS = """
import io, zipfile
import pytest

def leave(*args):
    pytest.exit("enough", returncode=7)

def connect(fake):
    url = fake.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:orders"
    fake.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="f")
    fake.client("sqs").send_message(QueueUrl=url, MessageBody="an order")
    fake.clock.run_until_idle()

def deploy(fake, **files):
    fake.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    role = "arn:aws:iam::123456789012:role/r"
    code = {"ZipFile": package.getvalue()}
    fake.client("lambda").create_function(
        FunctionName="f", Runtime="python3.12", Role=role, Handler="app.handler", Code=code
    )
"""

PLACES = {
    "a synchronous invocation": """
        lambda_esm.function("f", leave)
        lambda_esm.client("lambda").invoke(FunctionName="f")
    """,
    "an asynchronous invocation": """
        lambda_esm.function("f", leave)
        lambda_esm.client("lambda").invoke(FunctionName="f", InvocationType="Event")
        lambda_esm.clock.run_until_idle()
    """,
    "a batch": """
        lambda_esm.function("f", leave)
        connect(lambda_esm)
    """,
    "a script": """
        from pytest_lambda_esm import raises
        lambda_esm.function("f", print).script(raises(pytest.exit.Exception("enough", 7)))
        connect(lambda_esm)
    """,
    "a predicate of a fault": """
        lambda_esm.faults.add("ListEventSourceMappings", "ServiceException", match=leave)
        lambda_esm.client("lambda").list_event_source_mappings()
    """,
    "a sweep": """
        runs = []
        for run in lambda_esm.sweep(errors=["ServiceException"], operations=["Invoke"]):
            runs.append(run)
            with run:
                if len(runs) > 1:
                    leave()
                lambda_esm.function("f", print)
                lambda_esm.client("lambda").invoke(FunctionName="f")
    """,
    "an import by name": """
        from pathlib import Path
        Path("leaving.py").write_text("import pytest; pytest.exit('enough', returncode=7)")
        lambda_esm.function("f", "leaving:handler")
    """,
    "an import from an archive": """
        deploy(lambda_esm, app="import pytest; pytest.exit('enough', returncode=7)")
        lambda_esm.client("lambda").invoke(FunctionName="f")
    """,
}


@pytest.mark.parametrize("place", PLACES)
def test_it_ends_the_run(run, monkeypatch, pytester, place):
    monkeypatch.syspath_prepend(pytester.path)
    test = "\n\n@pytest.mark.lambda_esm(advice='off')\ndef test_first(lambda_esm):\n"
    body = textwrap.indent(textwrap.dedent(PLACES[place]), "    ")
    result = run(f"{HELPERS}{test}{body}\n\ndef test_second():\n    print('still running')\n")
    assert result.ret == 7
    result.stdout.fnmatch_lines(["!* _pytest.outcomes.Exit: enough !*"])
    result.stdout.no_fnmatch_line("*failed*")
