"""What is in a function's log does not depend on how pytest captures, or on how a module set up its loggers."""

from __future__ import annotations

import pytest

MODULE = """
import logging, sys
import boto3
logger = logging.getLogger("kept")
logger.addHandler(logging.StreamHandler(sys.stdout))
logger.propagate = False
KEPT = sys.stdout

def handler(event, context):
    logger.warning("by a handler")
    print("by print")
    print("to a kept stream", file=KEPT)
    print("to the process", file=sys.__stderr__)
    logging.getLogger("shop").warning("by the runtime")

def lines_of(lambda_esm):
    function = lambda_esm.function("f", handler)
    boto3.client("lambda", "us-east-1").invoke(FunctionName="f")
    return [line.rpartition("\\t")[2] for line in function.invocations[0].log.split("\\n")[1:-3] if line]

def test_plain(lambda_esm):
    print("not of the handler", file=KEPT)
    assert sorted(lines_of(lambda_esm)) == EXPECTED

def test_capsys(capsys, lambda_esm):
    assert sorted(lines_of(lambda_esm)) == EXPECTED
    assert "by print" in capsys.readouterr().out

def test_capsys_after(lambda_esm, capsys):
    assert sorted(lines_of(lambda_esm)) == EXPECTED

EXPECTED = sorted(["by a handler", "by print", "to a kept stream", "to the process", "by the runtime"])
"""


@pytest.mark.parametrize(
    "options",
    [(), ("-s",), ("--capture=sys",), ("--capture=tee-sys",), ("-p", "no:logging"), ("-o", "log_cli=true"), ("-n1",)],
    ids=" ".join,
)
def test_each_way_of_capturing(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    pytester.makepyfile(MODULE)
    result = pytester.runpytest_subprocess("-p", "no:randomly", *options)
    result.assert_outcomes(passed=3)


ROOT = """
import logging, logging.config, sys
import boto3
{setup}

def handler(event, context):
    logging.getLogger("shop").warning("hello there")

def test(lambda_esm):
    function = lambda_esm.function("f", handler)
    boto3.client("lambda", "us-east-1").invoke(FunctionName="f")
    lines = [line for line in function.invocations[0].log.split("\\n") if "hello" in line]
    assert [line.partition("\\t")[0] for line in lines] == {lines}
"""
DICT_CONFIG = """
logging.config.dictConfig({
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["console"], "level": "INFO"},
})
"""


@pytest.mark.parametrize(
    ("setup", "lines"),
    [
        ("logging.basicConfig(level='INFO')", ["[WARNING]"]),
        ("logging.basicConfig(stream=sys.stdout, force=True)", ["WARNING:shop:hello there"]),
        ("logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))", ["hello there", "[WARNING]"]),
        (DICT_CONFIG, ["hello there"]),
    ],
    ids=["basicConfig", "basicConfig with force", "addHandler", "dictConfig"],
)
def test_what_a_module_does_to_the_root_logger(pytester: pytest.Pytester, setup: str, lines: list[str]) -> None:
    """As in Lambda, where the runtime's handler hangs on the root logger before the module is imported."""
    pytester.makepyfile(ROOT.format(setup=setup, lines=sorted(lines, reverse=True) if len(lines) == 1 else lines))
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1)


def test_a_suite_that_configures_its_own_logging(pytester: pytest.Pytester) -> None:
    """basicConfig in a conftest has no effect in Lambda, where the root logger has a handler."""
    pytester.makeconftest("import logging, sys\nlogging.basicConfig(stream=sys.stdout, level='INFO')\n")
    pytester.makepyfile(ROOT.format(setup="", lines=["[WARNING]"]))
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1)
