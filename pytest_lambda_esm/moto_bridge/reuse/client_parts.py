"""What botocore makes of its data files for each client: rule sets of endpoints, and models of services.

A rule set depends only on the data of the service and of the partitions. It does not change after it has been made:
evaluating it creates new objects. A model depends only on the data of the service; what it makes of the data, such as
the shapes of an operation, it makes once. Both are kept with the data that they were made of, and used again for the
same objects only: a client with data of its own, such as a test's ``data_path``, gets its own. Each client has its own
copy of a model, so that what is set on one, such as a signature version, reaches no other.

Seen with botocore 1.36.0, 1.43.117, 1.44.5 and 1.44.8: ``endpoint_provider.RuleSet``, called by ``EndpointProvider``;
``client.ServiceModel``, called by ``ClientCreator``, and its ``_instance_cache``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from botocore import client, endpoint_provider

from pytest_lambda_esm.patching import Patches, original_of

_MOST: Final = 400
"""The most parts that are kept; botocore has one rule set and one model for each of its 400 services."""


@cache
def _kept() -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the parts so far: by the ids of the objects that they were made of, and after these objects."""
    return {}


def install(patches: Patches) -> None:
    """Make each part once."""
    patches.set(endpoint_provider, "RuleSet", _kept_rule_set(original_of(endpoint_provider, "RuleSet")))
    patches.set(client, "ServiceModel", _kept_model(original_of(client, "ServiceModel")))


def _kept_rule_set(make: Callable[..., Any]) -> Callable[..., Any]:
    def RuleSet(**data: Any) -> Any:
        return _part((make, *data.values()), lambda: make(**data))

    return RuleSet


def _kept_model(make: Callable[..., Any]) -> Callable[..., Any]:
    def ServiceModel(service_description: Any, service_name: str | None = None) -> Any:
        made = _part((make, service_description), lambda: make(service_description, service_name), service_name)
        return copy.copy(made)

    return ServiceModel


def _part(origins: tuple[Any, ...], make: Callable[[], Any], *names: str | None) -> Any:
    """Return what has been made of these objects and names."""
    kept, key = _kept(), (*map(id, origins), *names)
    if key not in kept:
        if len(kept) >= _MOST:
            kept.clear()
        kept[key] = (*origins, make())
    return kept[key][-1]
