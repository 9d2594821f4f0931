"""Put-, Update-, Get-, List- and DeleteFunctionEventInvokeConfig: how asynchronous invocations are retried.

Answers and refusals are recorded, unless a comment says that they are chosen.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from collections.abc import Mapping as ReadOnly
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.arn import Arn, FunctionReference, parse
from pytest_lambda_esm.aws_model.java import java_text
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.destinations import DestinationFinder
from pytest_lambda_esm.invocation.configuration import Functions, InvokeConfig

Place = tuple[str, str, str]
"""Account, region and function name."""


class InvokeConfigStore:
    """Owns the configs."""

    def __init__(self) -> None:
        self._configs: dict[Place, dict[str, InvokeConfig]] = {}

    def find(self, account_id: str, region: str, function: str, qualifier: str) -> InvokeConfig | None:
        """The config of a function at a qualifier (``$LATEST``, a version or an alias), or None."""
        return self._configs.get((account_id, region, function), {}).get(qualifier)

    def put(self, place: Place, qualifier: str, config: InvokeConfig) -> None:
        """Keep a config, in the place of an older one."""
        self._configs.setdefault(place, {})[qualifier] = config

    def remove(self, place: Place, qualifier: str) -> InvokeConfig | None:
        """Forget a config; the one that was there, or None."""
        return self._configs.get(place, {}).pop(qualifier, None)

    def of(self, place: Place) -> list[tuple[str, InvokeConfig]]:
        """A function's configs with their qualifiers: ``$LATEST``, versions, aliases (the recorded order)."""
        return sorted(self._configs.get(place, {}).items(), key=lambda entry: order(entry[0]))

    def forget_function(self, account_id: str, region: str, function: str, qualifier: str | None = None) -> None:
        """A function was deleted, or what one of its qualifiers stood for."""
        if qualifier is None:
            self._configs.pop((account_id, region, function), None)
        else:
            self.remove((account_id, region, function), qualifier)

    def forget_place(self, account_id: str, region: str) -> None:
        """moto has been reset there."""
        for place in [place for place in self._configs if place[:2] == (account_id, region)]:
            del self._configs[place]


def order(qualifier: str) -> tuple[int, int, str]:
    """Where a qualifier stands in a list."""
    if qualifier.startswith("$"):
        return 0, 0, qualifier
    return (1, int(qualifier), "") if qualifier.isdecimal() else (2, 0, qualifier)


KINDS: Final[Mapping[str, frozenset[str]]] = {
    "OnSuccess": frozenset({"sqs", "sns", "lambda", "events"}),
    "OnFailure": frozenset({"sqs", "sns", "lambda", "events", "s3"}),
}
"""The services that each side may name: buckets are for failures only (API reference)."""


class DestinationRules:
    """The checks on destinations."""

    def __init__(self, model: LambdaModel, destinations: DestinationFinder) -> None:
        self._model = model
        self._destinations = destinations

    def check(self, function: FunctionReference, config: Mapping[str, Any]) -> None:
        """Each destination is of a kind that fits, exists, and is not the function itself."""
        for side, kinds in KINDS.items():
            destination = config.get(side, {}).get("Destination")
            if destination:
                self._check(function, config, destination, kinds)

    def _check(
        self, function: FunctionReference, config: Mapping[str, Any], destination: str, kinds: frozenset[str]
    ) -> None:
        arn = Arn.parse(destination)
        # FIFO queues and topics pass, and fail when something is delivered (documented).
        if arn is None or arn.service not in kinds:
            raise self._invalid(f"The provided destination config {self._shown(config)} is invalid.")
        if arn.service == "lambda":
            target = parse(destination, arn.account_id, arn.region)
            if target.unqualified_arn == function.unqualified_arn:
                raise self._invalid("You can't specify the function as a destination for itself.")
        if not self._destinations.exists(arn):
            # Recorded for functions; chosen for the others.
            raise self._invalid(f"The destination ARN {destination} is invalid.")

    def _shown(self, config: Mapping[str, Any]) -> str:
        shape = self._model.operation("PutFunctionEventInvokeConfig").input_shape
        assert shape is not None
        return java_text(config, shape.members["DestinationConfig"])

    def _invalid(self, message: str) -> Exception:
        return self._model.error("InvalidParameterValueException", message)


LATEST: Final = "$LATEST"
LARGEST_PAGE: Final = 50
"""ListFunctionEventInvokeConfigs returns at most this many (API reference)."""

_SETTINGS: Final = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class EventInvokeConfigs:
    """The operations on invoke configs; ``now`` tells the time as an aware datetime."""

    def __init__(
        self,
        *,
        store: InvokeConfigStore,
        model: LambdaModel,
        functions: Functions,
        destinations: DestinationRules,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._model = model
        self._functions = functions
        self._destinations = destinations
        self._now = now

    def operations(self) -> dict[str, Operation]:
        """The operations by their API names."""
        return {
            "PutFunctionEventInvokeConfig": self.put,
            "UpdateFunctionEventInvokeConfig": self.update,
            "GetFunctionEventInvokeConfig": self.get,
            "ListFunctionEventInvokeConfigs": self.list,
            "DeleteFunctionEventInvokeConfig": self.delete,
        }

    def put(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """State all settings: what is left out is not set any more."""
        reference = self._checked(caller, params)
        config = InvokeConfig(function_arn=reference.arn, last_modified=self._now(), **_stated(params))
        return self._keep(reference, config)

    def update(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Change settings: what is left out stays as it is; of the destinations, too (chosen)."""
        reference = self._checked(caller, params)
        config = replace(self._known(reference), last_modified=self._now(), **_stated(params))
        return self._keep(reference, config)

    def get(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read the settings of a function at a qualifier."""
        return describe(self._known(self._reference(caller, params)))

    def delete(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Go back to the defaults."""
        reference = self._reference(caller, params)
        self._known(reference)
        self._store.remove(_place(reference), reference.qualifier or LATEST)
        return {}

    def list(self, caller: Caller, params: dict[str, Any]) -> ReadOnly[str, Any]:
        """Read all settings of a function, page by page."""
        reference = self._reference(caller, params)
        if not self._exists(reference):
            raise self._unknown_function()
        after = self._position(params.get("Marker"))
        rest = [entry for entry in self._store.of(_place(reference)) if after is None or order(entry[0]) > after]
        size = params.get("MaxItems", LARGEST_PAGE)
        page = rest[:size]
        marker = base64.b64encode(page[-1][0].encode()).decode() if len(rest) > size else None
        return {"FunctionEventInvokeConfigs": [describe(config) for _, config in page], "NextMarker": marker}

    # --- inside ------------------------------------------------------------------------------------------

    def _checked(self, caller: Caller, params: dict[str, Any]) -> FunctionReference:
        """What Put and Update look at before anything else, in the recorded order."""
        if not any(params.get(name) not in (None, {}) for name in _SETTINGS):
            raise self._invalid("You must specify at least one of error handling or destination setting.")
        reference = self._reference(caller, params)
        if not self._exists(reference):
            raise self._unknown_function()
        self._destinations.check(reference, params.get("DestinationConfig", {}))
        return reference

    def _reference(self, caller: Caller, params: dict[str, Any]) -> FunctionReference:
        """The function and qualifier that a request names, the qualifier being $LATEST where it names none."""
        named = parse(params["FunctionName"], caller.account_id, caller.region)
        stated = params.get("Qualifier") or None
        if named.qualifier is not None and stated is not None and named.qualifier != stated:
            raise self._invalid("The derived qualifier from the function name does not match the specified qualifier.")
        if named.region != caller.region:
            raise self._model.error(
                "ResourceNotFoundException",
                f"Functions from '{named.region}' are not reachable in this region ('{caller.region}')",
            )
        return replace(named, qualifier=named.qualifier or stated or LATEST)

    def _exists(self, reference: FunctionReference) -> bool:
        return self._functions.find(reference) is not None

    def _known(self, reference: FunctionReference) -> InvokeConfig:
        config = self._store.find(*_place(reference), reference.qualifier or LATEST)
        if config is None or reference.foreign:
            raise self._model.error(
                "ResourceNotFoundException", f"The function {reference.arn} doesn't have an EventInvokeConfig"
            )
        return config

    def _keep(self, reference: FunctionReference, config: InvokeConfig) -> ReadOnly[str, Any]:
        self._store.put(_place(reference), reference.qualifier or LATEST, config)
        return describe(config)

    def _position(self, marker: str | None) -> tuple[int, int, str] | None:
        if marker is None:
            return None
        try:
            return order(base64.b64decode(marker, validate=True).decode())
        except (binascii.Error, ValueError):
            # Chosen text: markers are opaque, and no answer to a wrong one is on record.
            raise self._invalid("Invalid marker provided.") from None

    def _unknown_function(self) -> Exception:
        return self._model.error("ResourceNotFoundException", "The function doesn't exist.")

    def _invalid(self, message: str) -> Exception:
        return self._model.error("InvalidParameterValueException", message)


def describe(config: InvokeConfig) -> dict[str, Any]:
    """A config as FunctionEventInvokeConfig: both kinds of destination always, numbers only where set."""
    return {
        "LastModified": config.last_modified,
        "FunctionArn": config.function_arn,
        "MaximumRetryAttempts": config.maximum_retry_attempts,
        "MaximumEventAgeInSeconds": config.maximum_event_age,
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.on_success} if config.on_success else {},
            "OnFailure": {"Destination": config.on_failure} if config.on_failure else {},
        },
    }


def _stated(params: dict[str, Any]) -> dict[str, Any]:
    """The fields that a request states; an empty destination means none."""
    fields: dict[str, Any] = {}
    if "MaximumRetryAttempts" in params:
        fields["maximum_retry_attempts"] = params["MaximumRetryAttempts"]
    if "MaximumEventAgeInSeconds" in params:
        fields["maximum_event_age"] = params["MaximumEventAgeInSeconds"]
    for side, name in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
        if side in params.get("DestinationConfig", {}):
            fields[name] = params["DestinationConfig"][side].get("Destination") or None
    return fields


def _place(reference: FunctionReference) -> tuple[str, str, str]:
    return reference.account_id, reference.region, reference.name
