"""Put-, Update-, Get-, List- and DeleteFunctionEventInvokeConfig: how asynchronous invocations are retried.

``EventInvokeConfigs`` has the operations, ``InvokeConfigStore`` keeps the configs, ``DestinationChecks`` refuses
destinations. Responses and refusals are recorded, unless a comment calls them chosen.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.arn import Arn, FunctionReference, parse
from pytest_lambda_esm.aws_model.java import java_text
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.destinations import DestinationFinder
from pytest_lambda_esm.invocation.async_results import BOTH_TARGETS, FIFO_TARGET
from pytest_lambda_esm.invocation.configuration import Functions, InvokeConfig
from pytest_lambda_esm.ports import Advice

LATEST: Final = "$LATEST"
LARGEST_PAGE: Final = 50
"""ListFunctionEventInvokeConfigs returns at most this many (API reference)."""

_FIRST_RETRY: Final = 60
"""Seconds until the first retry. An event whose age is the maximum by then is not retried (recorded)."""

_SETTINGS: Final = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")

Place = tuple[str, str, str]
"""The account, region and name of a function."""


class EventInvokeConfigs:
    """The operations on invoke configs. ``now`` returns the time as an aware datetime."""

    def __init__(
        self,
        *,
        store: InvokeConfigStore,
        model: LambdaModel,
        functions: Functions,
        destinations: DestinationChecks,
        now: Callable[[], datetime],
        advice: Advice,
    ) -> None:
        self._store = store
        self._model = model
        self._functions = functions
        self._destinations = destinations
        self._now = now
        self._advice = advice

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their API names."""
        return {
            "PutFunctionEventInvokeConfig": self.put,
            "UpdateFunctionEventInvokeConfig": self.update,
            "GetFunctionEventInvokeConfig": self.get,
            "ListFunctionEventInvokeConfigs": self.list,
            "DeleteFunctionEventInvokeConfig": self.delete,
        }

    def put(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Replace all settings; those left out are unset."""
        reference = self._checked_reference(caller, params)
        config = InvokeConfig(function_arn=reference.arn, last_modified=self._now(), **_stated(params))
        return self._keep(reference, config)

    def update(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Change settings. Those left out stay as they are, also within the destinations (chosen)."""
        reference = self._checked_reference(caller, params)
        config = replace(self._existing(reference), last_modified=self._now(), **_stated(params))
        return self._keep(reference, config)

    def get(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Read the config of a function at a qualifier."""
        return describe(self._existing(self._reference(caller, params)))

    def delete(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Delete the config of a function at a qualifier, which restores the defaults."""
        reference = self._reference(caller, params)
        self._existing(reference)
        self._store.remove(_place(reference), reference.qualifier or LATEST)
        return {}

    def list(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Read all configs of a function, page by page."""
        reference = self._reference(caller, params)
        if not self._exists(reference):
            raise self._unknown_function()
        after = self._position(params.get("Marker"))
        rest = [entry for entry in self._store.of(_place(reference)) if after is None or _sort_key(entry[0]) > after]
        size = params.get("MaxItems", LARGEST_PAGE)
        page = rest[:size]
        marker = base64.b64encode(page[-1][0].encode()).decode() if len(rest) > size else None
        return {"FunctionEventInvokeConfigs": [describe(config) for _, config in page], "NextMarker": marker}

    # --- inside ------------------------------------------------------------------------------------------

    def _checked_reference(self, caller: Caller, params: dict[str, Any]) -> FunctionReference:
        """Run the first checks of Put and Update, in the recorded order."""
        if not any(params.get(name) not in (None, {}) for name in _SETTINGS):
            raise self._invalid("You must specify at least one of error handling or destination setting.")
        reference = self._reference(caller, params)
        if not self._exists(reference):
            raise self._unknown_function()
        self._destinations.check(reference, params.get("DestinationConfig", {}))
        return reference

    def _reference(self, caller: Caller, params: dict[str, Any]) -> FunctionReference:
        """Return the function and qualifier of a request; the default qualifier is $LATEST."""
        reference = parse(params["FunctionName"], caller.account_id, caller.region)
        stated = params.get("Qualifier") or None
        if reference.qualifier is not None and stated is not None and reference.qualifier != stated:
            raise self._invalid("The derived qualifier from the function name does not match the specified qualifier.")
        if reference.region != caller.region:
            raise self._model.error(
                "ResourceNotFoundException",
                f"Functions from '{reference.region}' are not reachable in this region ('{caller.region}')",
            )
        return replace(reference, qualifier=reference.qualifier or stated or LATEST)

    def _exists(self, reference: FunctionReference) -> bool:
        return self._functions.find(reference) is not None

    def _existing(self, reference: FunctionReference) -> InvokeConfig:
        config = self._store.find(*_place(reference), reference.qualifier or LATEST)
        if config is None or reference.foreign:
            raise self._model.error(
                "ResourceNotFoundException", f"The function {reference.arn} doesn't have an EventInvokeConfig"
            )
        return config

    def _keep(self, reference: FunctionReference, config: InvokeConfig) -> Mapping[str, Any]:
        self._store.put(_place(reference), reference.qualifier or LATEST, config)
        self._advise(reference, config)
        return describe(config)

    def _advise(self, reference: FunctionReference, config: InvokeConfig) -> None:
        name, function, age = reference.name, self._functions.find(reference), config.maximum_event_age
        if age is not None and age <= _FIRST_RETRY and config.maximum_retry_attempts != 0:
            self._advice.give("ESM128", name, function=name, age=age)
        if function is not None and function.dead_letter and config.on_failure:
            self._advice.give("ESM130", name, what=BOTH_TARGETS.format(function=name))
        if any(target.endswith(".fifo") for target in (config.on_success, config.on_failure) if target):
            self._advice.give("ESM130", name, about="FIFO", what=FIFO_TARGET.format(function=name))

    def _position(self, marker: str | None) -> tuple[int, int, str] | None:
        if marker is None:
            return None
        try:
            return _sort_key(base64.b64decode(marker, validate=True).decode())
        except (binascii.Error, ValueError):
            # Chosen text: markers are opaque, and no answer to a wrong one is on record.
            raise self._invalid("Invalid marker provided.") from None

    def _unknown_function(self) -> Exception:
        return self._model.error("ResourceNotFoundException", "The function doesn't exist.")

    def _invalid(self, message: str) -> Exception:
        return self._model.error("InvalidParameterValueException", message)


def describe(config: InvokeConfig) -> dict[str, Any]:
    """Return a config as FunctionEventInvokeConfig: always with both destinations, with numbers only if set."""
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
    """Return the fields of InvokeConfig that a request states; an empty destination means none."""
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


class InvokeConfigStore:
    """The configs of all functions."""

    def __init__(self) -> None:
        self._configs: dict[Place, dict[str, InvokeConfig]] = {}

    def find(self, account_id: str, region: str, function: str, qualifier: str) -> InvokeConfig | None:
        """Return the config of a function at a qualifier (``$LATEST``, a version or an alias), or None."""
        return self._configs.get((account_id, region, function), {}).get(qualifier)

    def put(self, place: Place, qualifier: str, config: InvokeConfig) -> None:
        """Store a config, replacing an older one."""
        self._configs.setdefault(place, {})[qualifier] = config

    def remove(self, place: Place, qualifier: str) -> InvokeConfig | None:
        """Remove and return a config, or return None."""
        return self._configs.get(place, {}).pop(qualifier, None)

    def of(self, place: Place) -> list[tuple[str, InvokeConfig]]:
        """Return a function's configs with their qualifiers: ``$LATEST``, versions, aliases (the recorded order)."""
        return sorted(self._configs.get(place, {}).items(), key=lambda entry: _sort_key(entry[0]))

    def forget_function(self, account_id: str, region: str, function: str, qualifier: str | None = None) -> None:
        """Remove the configs of a deleted function, or the config of a deleted version or alias."""
        if qualifier is None:
            self._configs.pop((account_id, region, function), None)
        else:
            self.remove((account_id, region, function), qualifier)

    def forget_place(self, account_id: str, region: str) -> None:
        """Remove the configs of an account and region, because moto has been reset."""
        for place in [place for place in self._configs if place[:2] == (account_id, region)]:
            del self._configs[place]


def _sort_key(qualifier: str) -> tuple[int, int, str]:
    """Return the key by which a list is sorted."""
    if qualifier.startswith("$"):
        return 0, 0, qualifier
    return (1, int(qualifier), "") if qualifier.isdecimal() else (2, 0, qualifier)


_SERVICES: Final[Mapping[str, frozenset[str]]] = {
    "OnSuccess": frozenset({"sqs", "sns", "lambda", "events"}),
    "OnFailure": frozenset({"sqs", "sns", "lambda", "events", "s3"}),
}
"""The services that destinations may be of: S3 is for failures only (API reference)."""


class DestinationChecks:
    """Refuses destinations that AWS refuses."""

    def __init__(self, model: LambdaModel, destinations: DestinationFinder) -> None:
        self._model = model
        self._destinations = destinations

    def check(self, function: FunctionReference, config: Mapping[str, Any]) -> None:
        """Refuse destinations of unsupported services, that do not exist, or that are the function itself."""
        for side, services in _SERVICES.items():
            destination = config.get(side, {}).get("Destination")
            if destination:
                self._check(function, config, destination, services)

    def _check(
        self, function: FunctionReference, config: Mapping[str, Any], destination: str, services: frozenset[str]
    ) -> None:
        arn = Arn.parse(destination)
        # FIFO queues and topics are accepted here; delivery to them fails (documented).
        if arn is None or arn.service not in services:
            raise self._invalid(f"The provided destination config {self._shown(config)} is invalid.")
        if arn.service == "lambda":
            target = parse(destination, arn.account_id, arn.region)
            if target.unqualified_arn == function.unqualified_arn:
                raise self._invalid("You can't specify the function as a destination for itself.")
        if not self._destinations.exists(arn):
            # Recorded for functions, chosen for other destinations.
            raise self._invalid(f"The destination ARN {destination} is invalid.")

    def _shown(self, config: Mapping[str, Any]) -> str:
        shape = self._model.operation("PutFunctionEventInvokeConfig").input_shape
        assert shape is not None
        return java_text(config, shape.members["DestinationConfig"])

    def _invalid(self, message: str) -> Exception:
        return self._model.error("InvalidParameterValueException", message)
