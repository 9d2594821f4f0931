"""Notices the pipes of EventBridge that moto stores; moto moves nothing through them.

Seen with moto 5.1.22 and 5.2.5. Older versions, such as 5.1.9, have no pipes, and answer requests for them with 404.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from moto.core.botocore_stubber import BotocoreStubber

from pytest_lambda_esm.errors import NotSimulated, is_for_the_author
from pytest_lambda_esm.moto_bridge.lookups import backends_in
from pytest_lambda_esm.patching import Patches, original_of

if TYPE_CHECKING:
    from pytest_lambda_esm.polling.pipes.settings import Pipe

_RUNNING: Final = "RUNNING"
_PIPES_HOST: Final = re.compile(r"https?://pipes\.[^/]*\.amazonaws\.")
_CHANGES: Final = ("update_pipe", "start_pipe", "stop_pipe")


class Pipes(Protocol):
    """The pipes of a world."""

    def changed(self, pipe: Pipe) -> None:
        """Follow the creation or a change of a pipe. Raises NotSimulated for what cannot be simulated."""
        ...

    def adopt(self, pipe: Pipe) -> None:
        """Take over a pipe that moto had before; one that cannot be simulated is named by advice."""
        ...

    def deleted(self, arn: str) -> None:
        """Follow the deletion of a pipe."""
        ...


def install(patches: Patches, pipes: Callable[[], Pipes], on_error: Callable[[BaseException], None]) -> None:
    """Report every change of a pipe; ``pipes`` is called when there is one.

    ``on_error`` is called with the exception for a pipe that cannot be simulated, which is raised as well.
    """
    from moto.pipes.models import EventBridgePipesBackend, pipes_backends

    create = original_of(EventBridgePipesBackend, "create_pipe")
    delete = original_of(EventBridgePipesBackend, "delete_pipe")
    reset = original_of(EventBridgePipesBackend, "reset")

    def create_checked(backend: Any, **parameters: Any) -> Any:
        pipe = create(backend, **parameters)
        try:
            pipes().changed(_described(pipe))
        except BaseException as error:
            del backend.pipes[pipe.name]
            on_error(error)
            raise
        return pipe

    def delete_and_report(backend: Any, name: str) -> Any:
        pipe = delete(backend, name)
        pipes().deleted(pipe.arn)
        return pipe

    def reset_and_report(backend: Any) -> Any:
        for pipe in backend.pipes.values():
            pipes().deleted(pipe.arn)
        return reset(backend)

    patches.set(EventBridgePipesBackend, "create_pipe", create_checked)
    patches.set(EventBridgePipesBackend, "delete_pipe", delete_and_report)
    patches.set(EventBridgePipesBackend, "reset", reset_and_report)
    for name in _CHANGES:
        if hasattr(EventBridgePipesBackend, name):
            original = original_of(EventBridgePipesBackend, name)
            patches.set(EventBridgePipesBackend, name, _reporting(original, pipes, on_error))
    for backend in backends_in(pipes_backends):
        for pipe in backend.pipes.values():
            pipes().adopt(_described(pipe))


@cache
def _are_known() -> bool:
    return find_spec("moto.pipes") is not None


def refuse_where_missing(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    """Raise NotSimulated for a request to pipes if this version of moto does not know them."""
    if _are_known():
        return
    process = original_of(BotocoreStubber, "process_request")

    def process_request(stubber: Any, request: Any) -> Any:
        __tracebackhide__ = is_for_the_author
        if stubber.enabled and _PIPES_HOST.match(request.url):
            error = NotSimulated("pipes need a newer moto than the one installed: pip install --upgrade moto")
            on_error(error)
            raise error
        return process(stubber, request)

    patches.set(BotocoreStubber, "process_request", process_request)


def _reporting(
    original: Callable[..., Any], pipes: Callable[[], Pipes], on_error: Callable[[BaseException], None]
) -> Callable[..., Any]:
    def change(backend: Any, name: str, **parameters: Any) -> Any:
        pipe = original(backend, name, **parameters)
        try:
            pipes().changed(_described(pipe))
        except BaseException as error:
            on_error(error)
            raise
        return pipe

    return change


def _described(pipe: Any) -> Pipe:
    from pytest_lambda_esm.polling.pipes.settings import Pipe  # Most tests have no pipes.

    return Pipe(
        arn=pipe.arn,
        name=pipe.name,
        account_id=pipe.account_id,
        region=pipe.region_name,
        source=pipe.source,
        target=pipe.target,
        enrichment=pipe.enrichment or "",
        runs=pipe.desired_state == _RUNNING,
        role=pipe.role_arn or "",
        source_parameters=pipe.source_parameters or {},
        enrichment_parameters=pipe.enrichment_parameters or {},
        target_parameters=pipe.target_parameters or {},
    )
