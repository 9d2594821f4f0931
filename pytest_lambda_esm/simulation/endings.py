"""What is checked when a test ends: errors of handlers that it did not expect, and what invoked nothing here."""

from __future__ import annotations

from typing import Final

from pytest_lambda_esm.api.unsupported import caller_advice
from pytest_lambda_esm.errors import printable
from pytest_lambda_esm.moto_bridge.other_callers import other_callers
from pytest_lambda_esm.simulation.world import World

_EXPECT: Final = (
    "Correct the handler, expect the error with Function.expects(error, times=...), or allow all of them with the"
    " setting handler_errors='record'."
)


def handler_errors(world: World) -> str:
    """Return a report on unexpected errors of handlers; empty if there are none."""
    lines = [f"  {line}" for function in world.registry for line in function._unexpected_errors()]
    if not lines:
        return ""
    return printable("\n".join(["handlers failed in ways that the test did not expect:", *lines, _EXPECT]))


def review(world: World, *, again: bool = True) -> None:
    """Give the advice that depends on how things are now.

    ``again=False`` leaves out mappings and answers: they have been reviewed, and a test may be cleaning up since then.
    """
    if world.config.advice == "off":
        return
    if again:
        world.review()
    note_other_callers(world)


def note_other_callers(world: World) -> None:
    """Give advice on what would have invoked functions on AWS and did not here."""
    for kind, name in other_callers():
        world.advice.give("ESM204", name, about=kind, what=caller_advice(kind, name))
