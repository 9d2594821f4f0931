"""PutFunctionRecursionConfig and GetFunctionRecursionConfig: whether Lambda stops recursive invocations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.arn import FunctionReference, parse
from pytest_lambda_esm.aws_model.model import LambdaModel
from pytest_lambda_esm.invocation.configuration import Functions
from pytest_lambda_esm.observe import chains

TERMINATE: Final = "Terminate"
ALLOW: Final = "Allow"


class RecursionConfigs:
    """The operations, and the loop detection itself. ``limit`` is the longest chain of invocations, 0 for no limit."""

    def __init__(self, *, model: LambdaModel, functions: Functions, limit: int) -> None:
        self._model = model
        self._functions = functions
        self._limit = limit
        self._allowed: set[str] = set()

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their API names."""
        return {"PutFunctionRecursionConfig": self.put, "GetFunctionRecursionConfig": self.get}

    def put(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Set whether Lambda terminates the function's loops, which is the default, or allows them."""
        arn = self._arn(caller, params)
        if params["RecursiveLoop"] == ALLOW:
            self._allowed.add(arn)
        else:
            self._allowed.discard(arn)
        return {"RecursiveLoop": params["RecursiveLoop"]}

    def get(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Read the function's setting."""
        return {"RecursiveLoop": ALLOW if self._arn(caller, params) in self._allowed else TERMINATE}

    def stops(self, reference: FunctionReference, depth: int) -> bool:
        """Whether Lambda refuses an invocation that is preceded by the chain of invocations ``depth``."""
        return (
            bool(self._limit) and chains.traced(depth) >= self._limit and reference.unqualified_arn not in self._allowed
        )

    def _arn(self, caller: Caller, params: Mapping[str, Any]) -> str:
        reference = parse(params["FunctionName"], caller.account_id, caller.region)
        if self._functions.find(reference) is None:
            raise self._model.error("ResourceNotFoundException", f"Function not found: {reference.unqualified_arn}")
        return reference.unqualified_arn
