"""Invoke configs, put and kept: until the operations on them are complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.config import moment_of
from pytest_lambda_esm.invocation.function_name import parse
from pytest_lambda_esm.mappings.invoke_config import InvokeConfig


class InvokeConfigStore:
    """Implements InvokeConfigs. ``now`` is microseconds since the epoch."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._configs: dict[tuple[str, str, str, str], InvokeConfig] = {}

    def operations(self) -> dict[str, Operation]:
        """The operation by its API name."""
        return {"PutFunctionEventInvokeConfig": self.put}

    def put(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Put a config in the place of the one there is."""
        reference = parse(params["FunctionName"], caller.account_id, caller.region)
        qualifier = params.get("Qualifier") or reference.qualifier or "$LATEST"
        targets = params.get("DestinationConfig", {})
        config = InvokeConfig(
            function_arn=f"{reference.unqualified_arn}:{qualifier}",
            last_modified=moment_of(self._now()),
            maximum_retry_attempts=params.get("MaximumRetryAttempts"),
            maximum_event_age=params.get("MaximumEventAgeInSeconds"),
            on_success=targets.get("OnSuccess", {}).get("Destination"),
            on_failure=targets.get("OnFailure", {}).get("Destination"),
        )
        self._configs[reference.account_id, reference.region, reference.name, qualifier] = config
        return {"FunctionArn": config.function_arn, "LastModified": config.last_modified, **_given(params)}

    def find(self, account_id: str, region: str, function: str, qualifier: str) -> InvokeConfig | None:
        """The config of a function at a qualifier, or None."""
        return self._configs.get((account_id, region, function, qualifier))


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in ("FunctionName", "Qualifier")}
