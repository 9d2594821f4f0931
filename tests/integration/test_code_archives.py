"""Functions that code under test makes from a zip file run their own code, in this process."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pytest_lambda_esm import FakeLambda, HandlerError, NotSimulated, times_out

REGION = "us-east-1"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as entries:
        for name, text in files.items():
            entries.writestr(name, text)
    return buffer.getvalue()


def deploy(name: str, files: dict[str, str], **params: Any) -> Any:
    """What code under test does: make a function from an archive."""
    iam = boto3.client("iam", region_name=REGION)
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    wanted = {"Runtime": PYTHON, "Handler": "app.handler", "Code": {"ZipFile": archive(files)}, **params}
    return boto3.client("lambda", region_name=REGION).create_function(FunctionName=name, Role=role, **wanted)


def invoke(name: str, event: Any = None, **params: Any) -> Any:
    answer = boto3.client("lambda", region_name=REGION).invoke(
        FunctionName=name, Payload=json.dumps(event if event is not None else {}), **params
    )
    return json.loads(answer["Payload"].read())


ECHO = "def handler(event, context):\n    return event\n"
COUNTER = "import state\ndef handler(event, context):\n    state.calls += 1\n    return state.calls\n"


def test_modules_stay_warm_and_start_anew_after_an_update(lambda_esm: FakeLambda) -> None:
    deploy("counter", {"app.py": COUNTER, "state.py": "calls = 0\n"})
    assert [invoke("counter") for _ in range(3)] == [1, 2, 3]
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.update_function_code(
        FunctionName="counter", ZipFile=archive({"app.py": COUNTER, "state.py": "calls = 9\n"})
    )
    assert invoke("counter") == 10
    aws_lambda.update_function_configuration(FunctionName="counter", Timeout=9)
    assert invoke("counter") == 10


def test_two_functions_have_modules_of_the_same_name(lambda_esm: FakeLambda) -> None:
    before = set(sys.modules)
    for name in ("first", "second"):
        deploy(
            name,
            {
                "app.py": "import helper\ndef handler(event, context):\n    return helper.NAME\n",
                "helper.py": f"NAME = {name!r}\n",
            },
        )
    assert [invoke("first"), invoke("second"), invoke("first")] == ["first", "second", "first"]
    assert not {"app", "helper"} & (set(sys.modules) - before)


def test_variables_directory_and_imports_at_run_time(lambda_esm: FakeLambda) -> None:
    code = """
        import os
        SEEN = os.environ["TABLE"]
        def handler(event, context):
            import late
            with open("data.txt") as file:
                return [SEEN, late.VALUE, file.read(), os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(),
                        os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.environ["_HANDLER"]]
    """
    files = {"app.py": "\n".join(line[8:] for line in code.splitlines()), "late.py": "VALUE = 7\n", "data.txt": "text"}
    directory, path = os.getcwd(), list(sys.path)
    deploy("f", files, Environment={"Variables": {"TABLE": "orders"}})
    assert invoke("f") == ["orders", 7, "text", True, "f", "app.handler"]
    assert (os.getcwd(), sys.path) == (directory, path)
    assert "TABLE" not in os.environ


def test_no_trace_while_modules_are_imported(lambda_esm: FakeLambda) -> None:
    name = "_X_AMZN_TRACE_ID"
    code = f"import os\nAT_IMPORT = os.environ.get({name!r})\n"
    code += f"def handler(event, context):\n    return [AT_IMPORT, os.environ[{name!r}][:7]]\n"
    deploy("f", {"app.py": code})
    assert [invoke("f"), invoke("f")] == [[None, "Root=1-"]] * 2
    assert name not in os.environ


ENDS = """
import pathlib, sys, tempfile, time
calls = []
FILE = pathlib.Path(tempfile.gettempdir(), "kept-by-lambda-esm")
def handler(event, context):
    calls.append(event)
    if event == "sleep":
        FILE.write_text("kept")
        time.sleep(9)
    if event == "exit":
        sys.exit(2)
    return [calls, FILE.exists()]
"""


@pytest.mark.parametrize("ends", ["sleep", "exit"])
def test_a_timeout_or_an_exit_ends_the_environment(lambda_esm: FakeLambda, ends: str) -> None:
    deploy("f", {"app.py": ENDS})
    assert invoke("f", "first")[0] == ["first"]
    assert invoke("f", "second")[0] == ["first", "second"]
    assert invoke("f", ends)["errorType"] in ("Sandbox.Timedout", "Runtime.ExitError")
    try:
        assert invoke("f", "third") == [["third"], ends == "sleep"]
        assert invoke("f", "fourth")[0] == ["third", "fourth"]
    finally:
        (Path(tempfile.gettempdir()) / "kept-by-lambda-esm").unlink(missing_ok=True)
    streams = {invocation.context.log_stream_name for invocation in lambda_esm.invocations}
    assert len(streams) == 1  # Lambda starts the runtime again in the same environment.


def test_a_scripted_timeout_ends_the_environment(lambda_esm: FakeLambda) -> None:
    deploy("counter", {"app.py": COUNTER, "state.py": "calls = 0\n"})
    function = lambda_esm.function("counter")
    assert [invoke("counter"), invoke("counter")] == [1, 2]
    function.script(times_out())
    invoke("counter")
    assert [invoke("counter"), invoke("counter")] == [1, 2]


def test_the_import_is_the_init_phase(lambda_esm: FakeLambda) -> None:
    code = "import time\ntime.sleep(1.5)\ndef handler(event, context):\n    time.sleep(event)\n"
    deploy("f", {"app.py": code})
    for seconds in (1, 5, 0.5):
        invoke("f", seconds)
    reports = [
        line.split("\t")[1:]
        for message in log_of(lambda_esm, "f")
        for line in message.splitlines()
        if line.startswith("REPORT")
    ]
    assert reports[0][:2] == ["Duration: 1000.00 ms", "Billed Duration: 2500 ms"]
    assert reports[0][4:] == ["Init Duration: 1500.00 ms", ""]
    assert reports[1][0] == "Duration: 3000.00 ms"
    # The environment starts again within the invocation, whose duration includes it (documented).
    assert reports[2][:2] == ["Duration: 2000.00 ms", "Billed Duration: 2000 ms"]
    assert reports[2][4:] == [""]


def log_of(lambda_esm: FakeLambda, name: str) -> list[str]:
    logs, group = lambda_esm.client("logs"), f"/aws/lambda/{name}"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    return [event["message"] for event in events]


@pytest.mark.parametrize("path", ["/idontexist", "/opt/wrapper", "wrapper.sh"])
def test_a_wrapper_that_is_missing(lambda_esm: FakeLambda, path: str) -> None:
    deploy("f", {"app.py": ECHO}, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": path}})
    error = invoke("f")
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(" Error: Runtime exited with error: exit status 127")


@pytest.mark.parametrize("path", ["/var/task/wrapper.sh", "wrapper.sh"])
def test_a_wrapper_that_exists(lambda_esm: FakeLambda, path: str) -> None:
    files = {"app.py": ECHO, "wrapper.sh": "#!/bin/sh\nexec $@\n"}
    deploy("f", files, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": path}})
    with pytest.raises(NotSimulated, match="wrapper script"):
        invoke("f")
    lambda_esm.function("f", lambda event, context: "bound")
    assert invoke("f") == "bound"


def test_handler_in_a_package_and_in_a_folder(lambda_esm: FakeLambda) -> None:
    files = {"pkg/__init__.py": "", "pkg/app.py": ECHO}
    deploy("dotted", files, Handler="pkg.app.handler")
    deploy("slashed", files, Handler="pkg/app.handler")
    assert [invoke("dotted", 1), invoke("slashed", 2)] == [1, 2]


def test_code_in_a_bucket_and_in_a_layer(lambda_esm: FakeLambda) -> None:
    s3 = lambda_esm.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(
        Bucket="code",
        Key="app.zip",
        Body=archive({"app.py": "import shared\ndef handler(e, c):\n    return shared.WHO\n"}),
    )
    layer = lambda_esm.client("lambda").publish_layer_version(
        LayerName="shared", Content={"ZipFile": archive({"python/shared.py": "WHO = 'layer'\n"})}
    )
    deploy("f", {}, Code={"S3Bucket": "code", "S3Key": "app.zip"}, Layers=[layer["LayerVersionArn"]])
    assert invoke("f") == "layer"


def test_versions_and_aliases_run_their_own_code_and_configuration(lambda_esm: FakeLambda) -> None:
    code = "import os\ndef handler(event, context):\n    return [{}, os.environ['STAGE'], context.memory_limit_in_mb]\n"
    aws_lambda = lambda_esm.client("lambda")
    deploy("f", {"app.py": code.format(1)}, Environment={"Variables": {"STAGE": "one"}}, Publish=True)
    aws_lambda.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    aws_lambda.update_function_code(FunctionName="f", ZipFile=archive({"app.py": code.format(2)}))
    aws_lambda.update_function_configuration(
        FunctionName="f", Environment={"Variables": {"STAGE": "two"}}, MemorySize=256
    )
    assert invoke("f") == [2, "two", "256"]
    assert invoke("f", Qualifier="live") == [1, "one", "128"]
    aws_lambda.publish_version(FunctionName="f")
    aws_lambda.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    assert invoke("f", Qualifier="live") == [2, "two", "256"]


def test_weighted_aliases_split_by_the_seed(lambda_esm: FakeLambda) -> None:
    aws_lambda = lambda_esm.client("lambda")
    deploy("f", {"app.py": "def handler(event, context):\n    return context.function_version\n"}, Publish=True)
    aws_lambda.update_function_configuration(FunctionName="f", Timeout=5)
    aws_lambda.publish_version(FunctionName="f")
    aws_lambda.create_alias(
        FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.3}}
    )
    versions = [invoke("f", Qualifier="live") for _ in range(100)]
    assert set(versions) == {"1", "2"}
    assert 15 < versions.count("2") < 45
    assert versions != sorted(versions)


BROKEN = (
    (
        "app.handler",
        {"other.py": ""},
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'app'",
    ),
    (
        "app.handler",
        {"app.py": "import nothing_of_this_name\n"},
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'nothing_of_this_name'",
    ),
    ("app.missing", {"app.py": ECHO}, "Runtime.HandlerNotFound", "Handler 'missing' missing on module 'app'"),
    (
        "app",
        {"app.py": ECHO},
        "Runtime.MalformedHandlerName",
        "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
    ),
    ("app.handler", {"app.py": "raise KeyError('at import')\n"}, "KeyError", "'at import'"),
    (
        "sys.handler",
        {"sys.py": ECHO},
        "Runtime.BuiltInModuleConflict",
        "Cannot use built-in module sys as a handler module",
    ),
)


@pytest.mark.parametrize(("handler", "files", "kind", "message"), BROKEN)
def test_what_cannot_be_loaded(
    lambda_esm: FakeLambda, handler: str, files: dict[str, str], kind: str, message: str
) -> None:
    deploy("f", files, Handler=handler)
    error = invoke("f")
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == (kind, message, "")


def test_traces_read_as_in_lambda(lambda_esm: FakeLambda) -> None:
    deploy("f", {"app.py": "def handler(event, context):\n    raise ValueError('no')\n"})
    trace = ["  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no')\n"]
    assert invoke("f")["stackTrace"] == trace
    deploy("g", {"app.py": "raise ValueError('at import')\n"})
    lines = invoke("g")["stackTrace"]
    assert lines[0].startswith('  File "/var/lang/lib/python3')
    assert lines[-1] == "  File \"/var/task/app.py\", line 1, in <module>\n    raise ValueError('at import')\n"
    deploy("h", {"app.py": "def handler(event, context:\n"})
    error = invoke("h")
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert error["stackTrace"][0].startswith('  File "/var/task/app.py" Line 1\n')


@pytest.mark.lambda_esm(strict=False)
@pytest.mark.parametrize(
    "name",
    [
        "../escaped.py",
        "/tmp/escaped.py",
        "..\\escaped.py",
        "folder/../../escaped.py",
        "C:\\escaped.py",
        "C:/escaped.py",
        "c:escaped.py",
    ],
)
def test_an_archive_that_leaves_its_folder_is_refused(lambda_esm: FakeLambda, name: str) -> None:
    deploy("f", {"app.py": ECHO, name: "print('out')\n"})
    with pytest.raises(HandlerError, match="an entry outside its folder"):
        invoke("f")
    assert not Path("/tmp/escaped.py").exists()


@pytest.mark.lambda_esm(strict=False)
def test_other_runtimes_need_a_handler(lambda_esm: FakeLambda) -> None:
    deploy("f", {"index.js": ""}, Runtime="nodejs22.x")
    with pytest.raises(HandlerError, match=r"nodejs22\.x.*Bind a handler"):
        invoke("f")
    lambda_esm.function("f", lambda event, context: "bound")
    assert invoke("f") == "bound"


@pytest.mark.lambda_esm(strict=False)
def test_images_need_a_handler(lambda_esm: FakeLambda) -> None:
    image = {"ImageUri": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/f:latest"}
    role = boto3.client("iam", region_name=REGION).create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"][
        "Arn"
    ]
    lambda_esm.client("lambda").create_function(FunctionName="f", Role=role, PackageType="Image", Code=image)
    with pytest.raises(HandlerError, match=r"container image.*Bind a handler"):
        invoke("f")


@pytest.mark.lambda_esm(strict=False)
def test_a_function_of_the_test_without_a_handler_says_so(lambda_esm: FakeLambda) -> None:
    lambda_esm.function("f")
    with pytest.raises(HandlerError, match="no handler bound"):
        invoke("f")


def test_a_bound_handler_stands_for_the_archive(lambda_esm: FakeLambda) -> None:
    deploy("f", {"app.py": ECHO})
    lambda_esm.function("f", lambda event, context: "bound")
    assert invoke("f") == "bound"


def test_an_archive_cannot_replace_boto3(lambda_esm: FakeLambda) -> None:
    code = (
        "import boto3\ndef handler(event, context):\n    return boto3.client('sqs').list_queues()['ResponseMetadata']\n"
    )
    deploy("f", {"app.py": code, "boto3/__init__.py": "raise ImportError('vendored')\n"})
    assert invoke("f")["HTTPStatusCode"] == 200


# --- what modules set up on import ---------------------------------------------------------------------------

SETS_UP = """
import logging, os, signal, sys, time
os.environ["SET"] = "on import"
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "vendor"))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
logging.getLogger().setLevel(logging.INFO)
handler_of_mine = logging.StreamHandler(sys.stdout)
logging.getLogger().addHandler(handler_of_mine)
def handler(event, context):
    import vendored
    logging.getLogger("shop").info("sold")
    ignored = signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    seen = [os.environ["SET"], os.environ.get("LEFT"), vendored.NAME, ignored]
    os.environ["LEFT"] = "behind"
    return seen
"""


def test_what_modules_set_up_is_there_each_time(lambda_esm: FakeLambda) -> None:
    root = logging.getLogger()
    before = (dict(os.environ), list(sys.path), signal.getsignal(signal.SIGTERM), root.level, list(root.handlers))
    files = {"app.py": SETS_UP, "vendor/vendored.py": "NAME = 'vendored'\n"}
    deploy("f", files)
    assert [invoke("f") for _ in range(3)] == [["on import", None, "vendored", True]] * 3
    for invocation in lambda_esm.invocations:
        assert invocation.log.count("sold\n") == 2
    after = (dict(os.environ), list(sys.path), signal.getsignal(signal.SIGTERM), root.level, list(root.handlers))
    assert after == before


def test_loggers_that_modules_configure(lambda_esm: FakeLambda) -> None:
    code = """
import logging, logging.config
logging.config.dictConfig({
    "version": 1,
    "formatters": {"short": {"format": "short %(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "short", "stream": "ext://sys.stdout"}},
    "loggers": {"shop.of.f": {"handlers": ["out"], "level": "DEBUG", "propagate": False}},
})
def handler(event, context):
    logging.getLogger("shop.of.f").debug("sold")
"""
    own = logging.getLogger(__name__)
    deploy("f", {"app.py": code})
    for _ in range(3):
        invoke("f")
    assert [invocation.log.count("short sold\n") for invocation in lambda_esm.invocations] == [1, 1, 1]
    assert not own.disabled


def test_loggers_of_two_functions_stay_apart(lambda_esm: FakeLambda) -> None:
    code = """
import logging, sys
logger = logging.getLogger("app.of.two")
logger.addHandler(logging.StreamHandler(sys.stdout))
logger.setLevel(logging.{level})
logger.propagate = False
def handler(event, context):
    logger.info("sold")
"""
    for name, level in (("first", "INFO"), ("second", "ERROR")):
        deploy(name, {"app.py": code.format(level=level)})
    for name in ("first", "second", "first", "second"):
        invoke(name)
    assert [invocation.log.count("sold\n") for invocation in lambda_esm.invocations] == [1, 0, 1, 0]
    logger = logging.getLogger("app.of.two")
    assert (logger.handlers, logger.level, logger.propagate) == ([], logging.NOTSET, True)


NOTES_ON_A_LOGGER = """
import logging, sys
logger = logging.getLogger("noted.on")
if not getattr(logger, "init", False):
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.init = True
first = logger.handlers[0]
def handler(event, context):
    logger.warning("sold")
"""


def test_what_a_library_notes_on_a_logger_stays_apart(lambda_esm: FakeLambda) -> None:
    for name in ("first", "second"):
        deploy(name, {"app.py": NOTES_ON_A_LOGGER})
    for name in ("first", "second", "first"):
        assert invoke(name) is None
    assert not hasattr(logging.getLogger("noted.on"), "init")


def test_a_function_that_is_made_again_begins_anew(lambda_esm: FakeLambda) -> None:
    files = {"app.py": COUNTER, "state.py": "calls = 0\n"}
    made = deploy("counter", files)
    assert [invoke("counter"), invoke("counter")] == [1, 2]
    aws_lambda = lambda_esm.client("lambda")
    aws_lambda.delete_function(FunctionName="counter")
    code = {"ZipFile": archive(files)}
    aws_lambda.create_function(
        FunctionName="counter", Role=made["Role"], Runtime=PYTHON, Handler="app.handler", Code=code
    )
    assert invoke("counter") == 1
    assert len({invocation.context.log_stream_name for invocation in lambda_esm.invocations}) == 2


def test_vendored_modules_stay_apart(lambda_esm: FakeLambda) -> None:
    code = """
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "vendor"))
import vendored
def handler(event, context):
    return vendored.NAME
"""
    for name in ("first", "second"):
        deploy(name, {"app.py": code, "vendor/vendored.py": f"NAME = {name!r}\n"})
    assert [invoke("first"), invoke("second"), invoke("first")] == ["first", "second", "first"]
    assert "vendored" not in sys.modules


def test_modules_are_imported_in_virtual_time(lambda_esm: FakeLambda) -> None:
    code = """
import time
from datetime import datetime
BEGAN, SHOWN = time.time(), datetime.now()
time.sleep(2)
def handler(event, context):
    return [time.time() - BEGAN, (datetime.now() - SHOWN).total_seconds()]
"""
    deploy("f", {"app.py": code})
    before = lambda_esm.clock.now
    assert invoke("f") == [2, 2]
    assert (lambda_esm.clock.now - before).total_seconds() == 2


@pytest.mark.parametrize(
    ("on_import", "in_the_handler", "remaining", "taken"), [(9, 2, 1000, 11), (9, 3, None, 12), (11, 0, None, 3)]
)
def test_an_import_has_ten_seconds_beside_the_timeout(
    lambda_esm: FakeLambda, on_import: int, in_the_handler: int, remaining: int | None, taken: int
) -> None:
    code = """
import time
time.sleep({})
def handler(event, context):
    time.sleep({})
    return context.get_remaining_time_in_millis()
"""
    deploy("f", {"app.py": code.format(on_import, in_the_handler)})
    answer = invoke("f")
    [invocation] = lambda_esm.invocations
    assert (invocation.result, invocation.duration.total_seconds()) == (remaining, taken)
    if remaining is None:
        assert "Task timed out after 3.00 seconds" in answer["errorMessage"]


def test_a_module_that_fails_begins_anew(lambda_esm: FakeLambda) -> None:
    files = {
        "app.py": "import helper\nhelper.attempts += 1\nraise ValueError(helper.attempts)\n",
        "helper.py": "attempts = 0\n",
    }
    deploy("f", files)
    assert [invoke("f")["errorMessage"] for _ in range(2)] == ["1", "1"]


def test_limits_do_not_end_an_environment(lambda_esm: FakeLambda) -> None:
    aws_lambda = lambda_esm.client("lambda")
    queue = lambda_esm.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    deploy("counter", {"app.py": COUNTER, "state.py": "calls = 0\n"})
    assert invoke("counter") == 1
    aws_lambda.put_function_concurrency(FunctionName="counter", ReservedConcurrentExecutions=5)
    assert invoke("counter") == 2
    arn = f"arn:aws:sqs:{REGION}:123456789012:{queue.rpartition('/')[2]}"
    aws_lambda.update_function_configuration(FunctionName="counter", DeadLetterConfig={"TargetArn": arn})
    assert invoke("counter") == 3
    assert len({invocation.context.log_stream_name for invocation in lambda_esm.invocations}) == 1


# --- what the test's environment lends -----------------------------------------------------------------------


def test_variables_of_the_test_stay_out(lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY_IN_THE_TEST", "yes")
    deploy("f", {"app.py": "import os\ndef handler(event, context):\n    return dict(os.environ)\n"})
    seen = invoke("f")
    assert "ONLY_IN_THE_TEST" not in seen
    assert seen["PATH"] == os.environ["PATH"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TZ", "_X_AMZN_TRACE_ID"} <= set(seen)
    assert invoke("f")["_X_AMZN_TRACE_ID"] != seen["_X_AMZN_TRACE_ID"]


def test_an_archive_in_a_test_with_another_environment(lambda_esm: FakeLambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, "ONLY_IN_THE_TEST": "yes"})
    deploy("f", {"app.py": "import os\ndef handler(event, context):\n    return sorted(os.environ)\n"})
    assert [("ONLY_IN_THE_TEST" in names, "_HANDLER" in names) for names in (invoke("f"), invoke("f"))] == [
        (False, True)
    ] * 2


IMPORTS_OTHERS = {"app.py": "import hypothesis\ndef handler(event, context):\n    return hypothesis.__name__\n"}


def test_a_module_that_the_archive_lacks(lambda_esm: FakeLambda) -> None:
    deploy("f", IMPORTS_OTHERS)
    assert [invoke("f"), invoke("f")] == ["hypothesis", "hypothesis"]
    [advice] = lambda_esm.take_advice()
    assert "'f' imports 'hypothesis', which is not in its archive or its layers" in str(advice)


@pytest.mark.lambda_esm(archive_imports="refuse")
def test_a_module_that_the_archive_lacks_may_be_refused(lambda_esm: FakeLambda) -> None:
    deploy("f", IMPORTS_OTHERS)
    assert invoke("f")["errorMessage"] == "Unable to import module 'app': No module named 'hypothesis'"
    code = "import boto3, json, late\nfrom urllib3 import util\ndef handler(event, context):\n    return late.NAME\n"
    deploy("g", {"app.py": code, "late.py": "NAME = 'late'\n"})
    assert invoke("g") == "late"


@pytest.mark.lambda_esm(archive_imports="allow")
def test_a_module_that_the_archive_lacks_may_be_allowed(lambda_esm: FakeLambda) -> None:
    deploy("f", IMPORTS_OTHERS)
    assert invoke("f") == "hypothesis"
    assert lambda_esm.take_advice() == []


def test_a_handler_that_only_the_test_has(lambda_esm: FakeLambda) -> None:
    deploy("f", {"app.py": ECHO}, Handler="hypothesis.given")
    assert invoke("f")["errorMessage"] == "Unable to import module 'hypothesis': No module named 'hypothesis'"


@pytest.mark.lambda_esm(strict=False)
def test_a_handler_with_the_name_of_a_standard_module(lambda_esm: FakeLambda) -> None:
    deploy("f", {"code.py": ECHO}, Handler="code.handler")
    with pytest.raises(HandlerError, match="'code' is also a module of the test's process"):
        invoke("f")


def test_a_helper_with_the_name_of_a_standard_module(lambda_esm: FakeLambda) -> None:
    import json as loaded

    deploy("f", {"app.py": "import json\ndef handler(e, c):\n    return json.__name__\n", "json.py": ""})
    assert invoke("f") == loaded.__name__
    [advice] = lambda_esm.take_advice()
    assert "has a module 'json', which is also in Python's standard library" in str(advice)


def test_a_layer_for_the_functions_version_of_python(lambda_esm: FakeLambda) -> None:
    other = "python3.13" if PYTHON != "python3.13" else "python3.12"
    aws_lambda = lambda_esm.client("lambda")
    files = {f"python/lib/{other}/site-packages/shared.py": "WHO = 'layer'\n"}
    layer = aws_lambda.publish_layer_version(LayerName="shared", Content={"ZipFile": archive(files)})
    code = {"app.py": "import shared\ndef handler(event, context):\n    return shared.WHO\n"}
    deploy("f", code, Layers=[layer["LayerVersionArn"]], Runtime=other)
    assert invoke("f") == "layer"
    deploy("g", code, Layers=[layer["LayerVersionArn"]], Runtime="python3.11")
    assert invoke("g")["errorType"] == "Runtime.ImportModuleError"


def test_what_was_unpacked_is_removed() -> None:
    with FakeLambda(region=REGION) as fake:
        deploy("f", {"app.py": "import os\ndef handler(e, c):\n    return os.getcwd()\n"})
        answer = fake.client("lambda").invoke(FunctionName="f")
        folder = Path(json.loads(answer["Payload"].read()))
        assert folder.is_dir()
    assert not folder.exists()


LARGEST = 262_144_000


def stored(*entries: tuple[str | zipfile.ZipInfo, bytes], sizes: dict[str, int] | None = None) -> bytes:
    """An archive with these entries and a handler; ``sizes`` are what its directory says about some of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two entries with one name
        for name, content in [("app.py", ECHO.encode()), *entries]:
            archive.writestr(name, content)
        for info in archive.infolist():
            info.file_size = (sizes or {}).get(info.filename, info.file_size)
    return buffer.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target.encode()


def damaged(content: bytes, *, flag: int | None = None) -> bytes:
    """Change the first byte of the data of the last entry, or its flags."""
    place = content.rindex(b"PK\x03\x04")
    directory = content.rindex(b"PK\x01\x02")
    changed = bytearray(content)
    if flag is not None:
        changed[place + 6] |= flag
        changed[directory + 8] |= flag
    else:
        data = place + 30 + int.from_bytes(content[place + 26 : place + 28], "little")
        changed[data] ^= 0xFF
    return bytes(changed)


BROKEN = {
    "both a file and a folder": stored(("data", b""), ("data/x", b"")),
    "both a file and a folder, in the other order": stored(("data/x/y", b""), ("data/x", b"")),
    "the handler's file as a folder": stored(("app.py/x", b"")),
    "a long name": stored(("n" * 256, b"")),
    "a long name in another encoding": stored(("ü" * 128, b"")),
    "a long path": stored(("n/" * 2_044, b"")),
    "no name": stored((".", b"")),
    "a drive": stored(("C:\\x", b"")),
    "a link to the outside": stored(link("out", "../..")),
    "a link to the root": stored(link("out", "/etc")),
    "a link by way of another": stored(link("here", "."), link("out", "here/..")),
    "a file in a link": stored(link("here", "."), ("here/x", b"")),
    "a link with a long target": stored(link("long", "n" * 5_000)),
    "wrong data": damaged(stored(("data", b"x" * 99))),
    "an encrypted entry": damaged(stored(("data", b"x" * 99)), flag=0x1),
    "no end": stored(("data", b"x" * 99))[:-30],
    "no beginning": stored(("data", b"x" * 99))[20:],
    "nothing": b"PK\x05\x06",
}


@pytest.mark.lambda_esm(strict=False)
@pytest.mark.parametrize("problem", BROKEN)
def test_an_archive_that_cannot_be_unpacked(lambda_esm: FakeLambda, problem: str) -> None:
    deploy("f", {}, Code={"ZipFile": BROKEN[problem]})
    for _ in range(2):
        with pytest.raises(HandlerError, match=r"lambda_esm.function\('f', handler\)"):
            invoke("f")
    lambda_esm.client("lambda").update_function_code(FunctionName="f", ZipFile=archive({"app.py": ECHO}))
    assert invoke("f", 1) == 1


def test_links_and_repeated_entries_of_an_archive(lambda_esm: FakeLambda) -> None:
    files = [
        ("lib/one.py", b"N = 1"),
        link("two.py", "lib/one.py"),
        link("lib/up", ".."),
        ("state.py", b"import no_such"),
    ]
    code = b"import state, two\ndef handler(event, context):\n    return [state.N, two.N]\n"
    deploy("f", {}, Code={"ZipFile": stored(*files, ("state.py", b"N = 2"), ("app.py", code))})
    assert invoke("f") == [2, 1]


def test_code_that_is_too_large_unpacked(lambda_esm: FakeLambda) -> None:
    aws_lambda = lambda_esm.client("lambda")
    huge = stored(("zeros", b""), sizes={"zeros": LARGEST})
    refused = pytest.raises(ClientError, match=f"Unzipped size must be smaller than {LARGEST} bytes")
    with refused as caught:
        deploy("f", {}, Code={"ZipFile": huge})
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert aws_lambda.list_functions()["Functions"] == []
    with refused:
        aws_lambda.publish_layer_version(LayerName="huge", Content={"ZipFile": huge})
    deploy("g", {"app.py": ECHO})
    with refused:
        aws_lambda.update_function_code(FunctionName="g", ZipFile=huge)
    assert invoke("g", 1) == 1
    lambda_esm.client("s3").create_bucket(Bucket="code")
    lambda_esm.client("s3").put_object(Bucket="code", Key="huge.zip", Body=huge)
    with refused:
        aws_lambda.update_function_code(FunctionName="g", S3Bucket="code", S3Key="huge.zip")
    assert invoke("g", 1) == 1


def test_code_that_is_too_large_with_its_layers(lambda_esm: FakeLambda) -> None:
    aws_lambda = lambda_esm.client("lambda")
    half = stored(("python/zeros", b""), sizes={"python/zeros": LARGEST // 2})
    layers = [
        aws_lambda.publish_layer_version(LayerName=name, Content={"ZipFile": half})["LayerVersionArn"] for name in "ab"
    ]
    deploy("f", {"app.py": ECHO})
    size = len(ECHO) + 2 * (LARGEST // 2 + len(ECHO))
    text = (
        f"Function code combined with layers exceeds the maximum allowed size of {LARGEST} bytes."
        f" The actual size is {size} bytes."
    )
    with pytest.raises(ClientError, match=text):
        aws_lambda.update_function_configuration(FunctionName="f", Layers=layers, Timeout=9)
    configuration = aws_lambda.get_function_configuration(FunctionName="f")
    assert (configuration["Timeout"], configuration.get("Layers", [])) == (3, [])
    with pytest.raises(ClientError, match=text):
        deploy("g", {"app.py": ECHO}, Layers=layers)
    aws_lambda.update_function_configuration(FunctionName="f", Layers=layers[:1])


@pytest.mark.lambda_esm(strict=False)
def test_an_archive_that_holds_more_than_its_directory_says(lambda_esm: FakeLambda, tmp_path: Path) -> None:
    deploy("f", {}, Code={"ZipFile": stored(("zeros", b"\0" * 1_000_000), sizes={"zeros": 10})})
    with pytest.raises(HandlerError, match="has a damaged entry: 'zeros'"):
        invoke("f")
