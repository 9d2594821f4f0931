"""What a test made in moto that invokes functions on AWS, and that moto only stores.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``stepfunctions``, ``pipes`` and ``scheduler``. Only modules that are
loaded are looked at, so a test without them pays nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.lookups import backends_in

_FUNCTION: Final = ":lambda:"
"""In the ARN of a function, and in the resource of a task: ``arn:aws:states:::lambda:invoke``."""


def other_callers() -> Iterator[tuple[str, str]]:
    """Return what would have invoked a function: its kind, such as ``"state machine"``, and its name."""
    for module_name, (attribute, read) in _READERS.items():
        module = sys.modules.get(module_name)
        for backend in backends_in(getattr(module, attribute, {})):
            yield from read(backend)


def _state_machines(backend: Any) -> Iterator[tuple[str, str]]:
    for machine in backend.state_machines:
        if machine.executions and _FUNCTION in str(machine.definition):
            yield "state machine", str(machine.name)


def _pipes(backend: Any) -> Iterator[tuple[str, str]]:
    for name, pipe in backend.pipes.items():
        if pipe.desired_state == "RUNNING" and _FUNCTION in f"{pipe.target} {pipe.enrichment}":
            yield "pipe", str(name)


def _schedules(backend: Any) -> Iterator[tuple[str, str]]:
    for group in backend.schedule_groups.values():
        for schedule in group.schedules.values():
            if _FUNCTION in str(schedule.target.get("Arn")) and schedule.state == "ENABLED":
                yield "schedule", str(schedule.name)


_READERS: Final[dict[str, tuple[str, Callable[[Any], Iterator[tuple[str, str]]]]]] = {
    "moto.stepfunctions.models": ("stepfunctions_backends", _state_machines),
    "moto.pipes.models": ("pipes_backends", _pipes),
    "moto.scheduler.models": ("scheduler_backends", _schedules),
}
"""By the module of moto that stores it: the backends, and what reads one."""
