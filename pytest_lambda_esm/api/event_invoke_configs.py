"""Put-, Update-, Get-, List- and DeleteFunctionEventInvokeConfig: how asynchronous invocations are retried.

Answers and refusals are recorded, unless a comment says that they are chosen.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.api.invoke_config_store import InvokeConfigStore, order
from pytest_lambda_esm.api.invoke_destinations import DestinationRules
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.invocation.configuration import Functions
from pytest_lambda_esm.invocation.function_name import FunctionReference, parse
from pytest_lambda_esm.mappings.invoke_config import InvokeConfig

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
