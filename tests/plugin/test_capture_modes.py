"""The content of a function's log does not depend on how pytest captures, or on how a module set up its loggers."""

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


# One process runs each in turn: most of a short run's time is the import of moto.
DRIVER = """
import logging, sys
import pytest

RUNS = {runs}

class Passed:
    def __init__(self):
        self.count = 0

    def pytest_runtest_logreport(self, report):
        self.count += report.when == "call" and report.passed

for folder, options in RUNS.items():
    logging.root.handlers.clear()
    logging.root.setLevel("WARNING")
    for name in ("kept", "shop"):
        logging.Logger.manager.loggerDict.pop(name, None)
    passed = Passed()
    status = pytest.main(["-p", "no:randomly", "--import-mode=importlib", *options, folder], plugins=[passed])
    print(f"\\n{{folder}}: status {{int(status)}}, {{passed.count}} passed", flush=True)
"""


def results_of(pytester: pytest.Pytester, runs: dict[str, tuple[str, ...]]) -> list[str]:
    """Run pytest on each folder with its options, and return a line for each."""
    pytester.path.joinpath("driver.py").write_text(DRIVER.format(runs=runs))
    result = pytester.runpython(pytester.path / "driver.py")
    return [line for line in result.outlines if line.startswith(tuple(f"{folder}: status" for folder in runs))]


OPTIONS = {
    "default": (),
    "no-capture": ("-s",),
    "capture-sys": ("--capture=sys",),
    "capture-tee-sys": ("--capture=tee-sys",),
    "no-logging": ("-p", "no:logging"),
    "log-cli": ("-o", "log_cli=true"),
}
WORKER = {"xdist": ("-n1",)}


@pytest.mark.parametrize("runs", [OPTIONS, pytest.param(WORKER, marks=pytest.mark.slow)], ids=["here", "in a worker"])
def test_each_way_of_capturing(pytester: pytest.Pytester, runs: dict[str, tuple[str, ...]]) -> None:
    for folder in runs:
        pytester.mkdir(folder).joinpath("test_it.py").write_text(MODULE)
    assert results_of(pytester, runs) == [f"{folder}: status 0, 3 passed" for folder in runs]


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


# What the module, or else the suite's conftest, does, and the lines in the log.
SETUPS = {
    "basicConfig": ("logging.basicConfig(level='INFO')", ["[WARNING]"]),
    "basicConfig-with-force": ("logging.basicConfig(stream=sys.stdout, force=True)", ["WARNING:shop:hello there"]),
    "addHandler": ("logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))", ["hello there", "[WARNING]"]),
    "dictConfig": (DICT_CONFIG, ["hello there"]),
    "conftest": ("", ["[WARNING]"]),
}


@pytest.mark.slow
def test_what_a_module_or_a_suite_does_to_the_root_logger(pytester: pytest.Pytester) -> None:
    """As in Lambda, where the root logger has the runtime's handler before the module is imported."""
    for folder, (setup, lines) in SETUPS.items():
        pytester.mkdir(folder).joinpath("test_it.py").write_text(ROOT.format(setup=setup, lines=lines))
    conftest = pytester.path / "conftest" / "conftest.py"
    conftest.write_text("import logging, sys\nlogging.basicConfig(stream=sys.stdout, level='INFO')\n")
    runs: dict[str, tuple[str, ...]] = dict.fromkeys(SETUPS, ())
    assert results_of(pytester, runs) == [f"{folder}: status 0, 1 passed" for folder in SETUPS]
