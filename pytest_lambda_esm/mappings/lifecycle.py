"""The state machine of a mapping, as data: what each operation does in each state.

It follows the states of the CreateEventSourceMapping reference page. What AWS answers in a transitional state is
known from many reports (``ResourceInUseException``, 400).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.config import TRANSITIONAL_STATES

GONE: Final = "Deleted"
"""What a mapping's state reads after its deletion has ended; for AWS such a mapping does not exist (404)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: the state that reads meanwhile, and the state that it settles to."""

    meanwhile: str
    settled: str


def step_for_create(enabled: bool) -> Step:
    """What Create starts. A mapping created disabled reads ``Disabled`` in the very answer (recorded)."""
    return Step("Creating", "Enabled") if enabled else Step("Disabled", "Disabled")


_UPDATES: Final = {
    ("Enabled", None): Step("Updating", "Enabled"),
    ("Enabled", True): Step("Updating", "Enabled"),
    ("Enabled", False): Step("Disabling", "Disabled"),
    ("Disabled", None): Step("Updating", "Disabled"),
    ("Disabled", True): Step("Enabling", "Enabled"),
    ("Disabled", False): Step("Updating", "Disabled"),
}


def step_for_update(state: str, enabled: bool | None) -> Step | None:
    """What Update starts in a state; ``enabled`` is the request's member. None: the mapping is in use."""
    return _UPDATES.get((state, enabled))


def step_for_delete(state: str) -> Step | None:
    """What Delete starts in a state. None: the mapping is in use."""
    return Step("Deleting", GONE) if state in ("Enabled", "Disabled") else None


_FORCED: Final = {
    "Creating": "Enabled",
    "Enabling": "Enabled",
    "Disabling": "Disabled",
    "Deleting": GONE,
}


def step_for_force(state: str, stable: str) -> Step:
    """The transition that ``Mapping.force`` opens with a transitional state; ``stable`` was the last settled one."""
    if state not in TRANSITIONAL_STATES:
        return Step(state, state)
    return Step(state, _FORCED.get(state, stable))
