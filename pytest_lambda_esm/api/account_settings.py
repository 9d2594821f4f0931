"""GetAccountSettings: the limits of an account in a region, and its use of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller, Operation
from pytest_lambda_esm.config import Config
from pytest_lambda_esm.invocation.concurrency import ALWAYS_UNRESERVED
from pytest_lambda_esm.invocation.configuration import Functions

TOTAL_CODE_SIZE: Final = 80_530_636_800
CODE_SIZE_UNZIPPED: Final = 262_144_000
CODE_SIZE_ZIPPED: Final = 52_428_800


class AccountSettings:
    """The operation. The concurrency is the setting ``account_concurrency``; the other limits are AWS's defaults."""

    def __init__(self, config: Config, functions: Functions) -> None:
        self._concurrency = config.account_concurrency
        self._functions = functions

    def operations(self) -> dict[str, Operation]:
        """Return the operation by its API name."""
        return {"GetAccountSettings": self.get}

    def get(self, caller: Caller, params: dict[str, Any]) -> Mapping[str, Any]:
        """Read the limits and the usage."""
        usage = self._functions.usage(caller.account_id, caller.region)
        unreserved = max(self._concurrency - usage.reserved_concurrency, min(ALWAYS_UNRESERVED, self._concurrency))
        return {
            "AccountLimit": {
                "TotalCodeSize": TOTAL_CODE_SIZE,
                "CodeSizeUnzipped": CODE_SIZE_UNZIPPED,
                "CodeSizeZipped": CODE_SIZE_ZIPPED,
                "ConcurrentExecutions": self._concurrency,
                "UnreservedConcurrentExecutions": unreserved,
            },
            "AccountUsage": {"TotalCodeSize": usage.code_size, "FunctionCount": usage.functions},
        }
