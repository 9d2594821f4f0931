"""The state machine of a mapping: the transition that each operation starts in each state.

The states are those of the CreateEventSourceMapping reference page. In a transitional state AWS responds with
``ResourceInUseException`` (400), as many reports show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_lambda_esm.config import TRANSITIONAL_STATES
from pytest_lambda_esm.vocabulary import AnyState, MappingState

GONE: Final = "Deleted"
"""The state of a mapping whose deletion has completed. For AWS such a mapping does not exist (404)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A transition: the state that is shown while it is open, and the state in which it settles.

    The two are equal for a change without a transitional state.
    """

    transitional: MappingState
    settled: MappingState


def step_for_create(enabled: bool) -> Step:
    """Return what Create starts. The response of a create with Enabled=False shows ``Disabled`` (recorded)."""
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
    """Return what Update starts in a state, or None if the mapping is in use. ``enabled`` is as in the request."""
    return _UPDATES.get((state, enabled))


def step_for_delete(state: str) -> Step | None:
    """Return what Delete starts in a state, or None if the mapping is in use."""
    return Step("Deleting", GONE) if state in ("Enabled", "Disabled") else None


_FORCED: Final[dict[AnyState, MappingState]] = {
    "Creating": "Enabled",
    "Enabling": "Enabled",
    "Disabling": "Disabled",
    "Deleting": GONE,
}


def step_for_force(state: AnyState, stable: MappingState) -> Step:
    """Return what ``Mapping.force`` starts; ``stable`` is the last settled state."""
    if state not in TRANSITIONAL_STATES:
        return Step(state, state)
    return Step(state, _FORCED.get(state, stable))
