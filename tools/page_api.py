"""The page of the public names: from the docstrings, in the order in which people need them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

PACKAGE = "pytest_lambda_esm"
SECTIONS: Final = {
    "The fake and its clock": ("FakeLambda", "VirtualClock", "DueEvent"),
    "Queues, streams and tables": ("SqsQueue", "SqsMessage", "KinesisStream", "DynamoDBTable"),
    "Functions and their invocations": ("Function", "Invocation", "FunctionError", "LambdaContext"),
    "What a function does next": (
        *("returns", "raises", "times_out", "throttled", "exits", "runs"),
        *("Outcome", "HandlerCall", "HandlerResult"),
    ),
    "Mappings": ("Mapping", "Transition", "TransitionTimes", "after_reads", "AfterReads"),
    "What happened": ("Timeline", "Entry", "Calls", "Call", "Fate", "Journey", "JourneyStep"),
    "Faults": (
        *("FaultPlan", "Fault", "aws_error", "lost_response", "read_timeout", "connect_timeout", "connection_reset"),
        *("latency", "after_writes", "AwsError", "NetworkFault", "IncomingCall", "Weather"),
    ),
    "Sweeps": ("Sweep", "SweepRun"),
    "Deployments": ("Stack", "StackResource"),
    "The fake over HTTP": ("Server",),
    "Configuration": ("Config", "Settings"),
    "Kafka, Amazon MQ and Amazon DocumentDB": (
        *("KafkaCluster", "KafkaProducer", "RecordMetadata", "KafkaRecord", "GroupMember", "SchemaRegistry"),
        *("MqBroker", "MqQueue", "MqMessage", "DocumentDBCluster", "DocumentDBCollection"),
    ),
    "Errors and advice": (
        *("LambdaEsmError", "ConfigurationError", "ClockError", "ClockLimitExceeded", "MappingNotFound", "StateError"),
        *("HandlerError", "UnexpectedHandlerError", "DeployError", "FaultError", "UnusedFault", "SweepFailed"),
        *("ExplorationFailed", "NotIdempotent"),
        *("NotSimulated", "NetworkBlocked", "AlreadyActive", "NotActive", "LambdaEsmAdvice"),
    ),
}
_FIRST: Final = (
    *("queue", "stream", "table", "function", "connect", "run_until_idle", "advance", "deploy", "serve", "client"),
    *("mapping", "transitions", "explain", "fates", "journey", "sweep", "bind"),
)
"""The methods of FakeLambda that people need first."""
_LISTED_ELSEWHERE: Final = ("Config", "Settings")
"""Classes whose attributes are the settings, which have a page of their own."""
_ROLE = re.compile(r":(?:class|func|meth|attr|data|mod|exc):`~?(?:[\w.]*\.)?(?P<name>[\w.]+)`")
_QUALIFIED = re.compile(r":(?:meth|attr):`(?P<name>[A-Z]\w*\.\w+)`")


def public_names() -> str:
    """Return a heading, the signature and the docstring of each public name, by section.

    Raises ValueError if SECTIONS does not have exactly the public names of the package.
    """
    package = importlib.import_module(PACKAGE)
    names = [name for group in SECTIONS.values() for name in group]
    if difference := set(names) ^ {name for name in package.__all__ if not name.startswith("__")}:
        raise ValueError(f"SECTIONS of tools/page_api.py and __all__ differ in {sorted(difference)}")
    parts: list[str] = []
    for title, group in SECTIONS.items():
        parts.append(f"## {title}")
        for name in group:
            parts += _entry(name, getattr(package, name))
    return "\n\n".join(part for part in parts if part)


def markdown(text: str) -> str:
    """Return a docstring's text as Markdown: roles and literals become code, with links to public names."""
    text = _QUALIFIED.sub(lambda match: f"`{match['name']}`", text)
    text = _ROLE.sub(lambda match: _linked(match["name"]), text)
    return text.replace("``", "`")


def _linked(name: str) -> str:
    known = any(name in group for group in SECTIONS.values())
    return f"[`{name}`](#{name.lower()})" if known else f"`{name}`"


def _entry(name: str, value: Any) -> list[str]:
    if not inspect.isclass(value):
        node = next(item for item in _tree(value.__module__).body if getattr(item, "name", "") == name)
        return [f"### {name}", _signature(name, node), _docstring(node)]
    parts = [f"### {name}", _text(inspect.getdoc(value) or "")]
    members = _members(value)
    rows = [row for row in (_attribute(node, following) for node, following in members) if row[0]]
    if rows and name not in _LISTED_ELSEWHERE:
        parts.append(_attributes(rows))
    for node, _ in members:
        if isinstance(node, ast.FunctionDef) and not _is_property(node):
            called = f"{name}.{node.name}"
            parts += [f"#### {called}", _signature(called, node), _docstring(node)]
    return parts


def _attributes(rows: list[tuple[str, str, str]]) -> str:
    """Return a table of attributes; without the last column if the text of the class describes all of them."""
    described = any(text for _, _, text in rows)
    lines = (
        ["| Attribute | Type | What it is |", "|---|---|---|"] if described else ["| Attribute | Type |", "|---|---|"]
    )
    for item, kind, text in rows:
        lines.append(f"| `{item}` | {_cell(kind, code=True)} |" + (f" {_cell(text)} |" if described else ""))
    return "\n".join(lines)


def _members(value: type) -> list[tuple[ast.stmt, str]]:
    """Return the public members of a class and of its bases in this package, each with the text that follows it."""
    found: dict[str, tuple[ast.stmt, str]] = {}
    for base in value.__mro__:
        if not base.__module__.startswith(PACKAGE):
            continue
        body = next(
            item.body
            for item in _tree(base.__module__).body
            if isinstance(item, ast.ClassDef) and item.name == base.__name__
        )
        for node, following in zip(body, [*body[1:], None], strict=True):
            name = str(getattr(node, "name", None) or getattr(getattr(node, "target", None), "id", "_"))
            overload = any("overload" in ast.unparse(item) for item in getattr(node, "decorator_list", ()))
            private = isinstance(node, ast.FunctionDef) and ":meta private:" in (ast.get_docstring(node) or "")
            if not name.startswith("_") and not overload and not private:
                found.setdefault(name, (node, _string(following)))
    order = sorted(found, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    return [found[name] for name in (order if value.__name__ == "FakeLambda" else found)]


def _attribute(node: ast.stmt, following: str) -> tuple[str, str, str]:
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target), ast.unparse(node.annotation), following
    if isinstance(node, ast.FunctionDef) and _is_property(node):
        return node.name, ast.unparse(node.returns) if node.returns else "", ast.get_docstring(node) or ""
    return "", "", ""


def _is_property(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(item).endswith("property") for item in node.decorator_list)


def _string(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return inspect.cleandoc(node.value.value)
    return ""


def _signature(name: str, node: Any) -> str:
    parameters = _parameters(node.args)
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{name}({', '.join(parameters)}){returned}"
    if len(line) > 100:
        line = "\n    ".join([f"{name}(", *(f"{parameter}," for parameter in parameters)]) + f"\n){returned}"
    return f"```python\n{line}\n```"


def _parameters(arguments: ast.arguments) -> list[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = [None] * (len(positional) - len(arguments.defaults))
    texts = [_parameter(*pair) for pair in zip(positional, [*missing, *arguments.defaults], strict=True)]
    if arguments.posonlyargs:
        texts.insert(len(arguments.posonlyargs), "/")
    if positional and positional[0].arg in ("self", "cls"):
        del texts[0]
    if arguments.vararg:
        texts.append(f"*{_parameter(arguments.vararg, None)}")
    elif arguments.kwonlyargs:
        texts.append("*")
    texts += [_parameter(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return [*texts, f"**{_parameter(arguments.kwarg, None)}"] if arguments.kwarg else texts


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    annotated = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    value = "" if default is None else f" = {ast.unparse(default)}" if annotated else f"={ast.unparse(default)}"
    return f"{argument.arg}{annotated}{value}"


def _docstring(node: Any) -> str:
    return _text(ast.get_docstring(node) or "")


def _text(docstring: str) -> str:
    """Return a docstring as Markdown, with its literal blocks as code."""
    lines = markdown(docstring).splitlines()
    result: list[str] = []
    inside = False
    for number, line in enumerate(lines):
        if inside and line and not line.startswith(" "):
            while not result[-1]:
                result.pop()
            result += ["```", ""]
            inside = False
        if line.endswith("::") and not inside and any(lines[number + 1 :]):
            result += [line[:-1], "", "```python"]
            inside = True
            continue
        if inside and result[-1] == "```python" and not line:
            continue
        result.append(line.removeprefix("    ") if inside else line)
    return "\n".join([*result, "```"] if inside else result)


def _cell(text: str, *, code: bool = False) -> str:
    flat = " ".join(text.split()).replace("|", r"\|")
    if code:
        return f"`{flat}`" if flat else ""
    return markdown(flat)


@cache
def _tree(module: str) -> ast.Module:
    path = importlib.import_module(module).__file__
    assert path is not None
    return ast.parse(Path(path).read_text(encoding="utf-8"))
