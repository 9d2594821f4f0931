"""The handlers of a stack's functions: local code is imported when it is deployed, other languages say what to do."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pytest_lambda_esm.deploy.code import FunctionCode, advised
from pytest_lambda_esm.deploy.prepare import Prepared, origin
from pytest_lambda_esm.errors import DeployError, HandlerError
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.invocation.handlers import Handler
from pytest_lambda_esm.invocation.result import InitFailed
from pytest_lambda_esm.simulation.world import World


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function of a stack: what the template says about its code, and its configuration."""

    prepared: Prepared
    code: FunctionCode
    configuration: FunctionConfiguration


def load(world: World, functions: Iterable[Deployed]) -> None:
    """Import the handlers of local code. Raises DeployError for the first that cannot be imported.

    If one cannot, all functions go on with the modules that they had.
    """
    __tracebackhide__ = True
    with world.archives.restored_on_failure(), world.runtime.restored_on_failure():
        for function in functions:
            world.archives.start_again(function.configuration)
            environment = world.archives.handler(function.configuration)
            try:
                world.runtime.initialise(function.configuration, environment.load)
            except InitFailed as failed:
                if not isinstance(failed.__cause__, (BotoCoreError, ClientError)):
                    raise _not_imported(function.prepared, function.code, failed) from failed.__cause__
            except SystemExit as ended:
                raise _not_imported(function.prepared, function.code, ended) from ended


def _not_imported(prepared: Prepared, function: FunctionCode, problem: BaseException) -> DeployError:
    cause = problem.__cause__ or problem
    frames = traceback.extract_tb(cause.__traceback__)
    own = [frame for frame in frames if str(frame.filename).startswith(str(function.path))]
    shown = "".join(traceback.format_list(own)).rstrip()
    about = str(problem) if isinstance(problem, InitFailed) else f"the module exits: {problem!r}"
    path = f"{prepared.template.prefix}{function.logical_id}"
    return prepared.template.error(
        f"the handler {function.handler!r} of {function.logical_id!r} does not import: {about}"
        + (f"\n{shown}\n" if shown else ". ")
        + f"Correct it or install what it imports, or bind a handler: {advised(path)}",
        "Resources",
        origin(prepared.template, function.logical_id),
    )


def refusing(path: str, prepared: Prepared) -> Handler:
    """Return the handler of a function that cannot run here: it says what to do."""
    function = _function_at(prepared, path)

    def handler(event: Any, context: Any) -> Any:
        kind = f"has the runtime {function.runtime!r}" if function.runtime else "is a container image"
        raise HandlerError(
            f"the function {path!r} of {prepared.template.name} was invoked, but it {kind}, and only Python runs in the"
            f" test's process. Bind a handler in its place: {advised(path)}."
        )

    return handler


def _function_at(prepared: Prepared, path: str) -> FunctionCode:
    *nested, name = path.split(".")
    for each in nested:
        prepared = prepared.nested[each]
    return next(function for function in prepared.functions if function.logical_id == name)
