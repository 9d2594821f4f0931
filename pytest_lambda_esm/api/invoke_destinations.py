"""Which destinations an invoke config may have: their kinds as data, and AWS's refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.api.java_text import java_text
from pytest_lambda_esm.api.service_model import LambdaModel
from pytest_lambda_esm.invocation.function_name import FunctionReference, parse
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.destinations import DestinationFinder

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
