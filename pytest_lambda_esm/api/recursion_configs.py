"""PutFunctionRecursionConfig and GetFunctionRecursionConfig: whether Lambda stops a function that causes itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.arn import FunctionReference, parse
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.invocation.configuration import Functions

TERMINATE: Final = "Terminate"
ALLOW: Final = "Allow"


class RecursionConfigs:
    """The operations, and the answer to what they are about. ``limit`` is how long a chain may be, 0 for no limit."""

    def __init__(self, *, model: LambdaModel, functions: Functions, limit: int) -> None:
        self._model = model
        self._functions = functions
        self._limit = limit
        self._allowed: set[str] = set()

    def operations(self) -> dict[str, Operation]:
        """The operations by their API names."""
        return {"PutFunctionRecursionConfig": self.put, "GetFunctionRecursionConfig": self.get}

    def put(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Let Lambda stop the function's loops, which is the default, or let them go on."""
        arn = self._arn(caller, params)
        if params["RecursiveLoop"] == ALLOW:
            self._allowed.add(arn)
        else:
            self._allowed.discard(arn)
        return {"RecursiveLoop": params["RecursiveLoop"]}

    def get(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """What holds for the function."""
        return {"RecursiveLoop": ALLOW if self._arn(caller, params) in self._allowed else TERMINATE}

    def stops(self, reference: FunctionReference, depth: int) -> bool:
        """Whether Lambda stops an invocation that so many others led to."""
        return bool(self._limit) and depth >= self._limit and reference.unqualified_arn not in self._allowed

    def _arn(self, caller: Caller, params: Mapping[str, Any]) -> str:
        reference = parse(params["FunctionName"], caller.account_id, caller.region)
        if self._functions.find(reference) is None:
            raise self._model.error("ResourceNotFoundException", f"Function not found: {reference.unqualified_arn}")
        return reference.unqualified_arn
