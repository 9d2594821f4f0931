"""Rule sets of endpoints, which botocore reads from its data files for each client.

A rule set depends only on the data of the service and of the partitions. It does not change after it has been made:
evaluating it creates new objects. It is kept with the data that it was made of, and used again for the same objects
only; a client with data of its own, such as a test's ``data_path``, gets a rule set of its own.

Seen with botocore 1.36.0, 1.43.117, 1.44.5 and 1.44.8: ``endpoint_provider.RuleSet``, called by ``EndpointProvider``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from botocore import endpoint_provider

from pytest_lambda_esm.patching import Patches, original_of

_MOST: Final = 200
"""The most rule sets that are kept; botocore has one for each of its 400 services."""


@cache
def _kept() -> dict[tuple[int, ...], tuple[Any, ...]]:
    """Return the rule sets so far: by the ids of the objects that they were made of, and after these objects."""
    return {}


def install(patches: Patches) -> None:
    """Make a rule set once."""
    patches.set(endpoint_provider, "RuleSet", _kept_rule_set(original_of(endpoint_provider, "RuleSet")))


def _kept_rule_set(make: Callable[..., Any]) -> Callable[..., Any]:
    kept = _kept()

    def RuleSet(**data: Any) -> Any:
        key = (id(make), *map(id, data.values()))
        if key not in kept:
            if len(kept) >= _MOST:
                kept.clear()
            kept[key] = (make, *data.values(), make(**data))
        return kept[key][-1]

    return RuleSet
