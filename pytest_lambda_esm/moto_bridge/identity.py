"""Who calls: a handler calls with the role of its function. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from moto.sts.models import STSBackend

from pytest_lambda_esm.arn import Arn, partition_of
from pytest_lambda_esm.invocation.configuration import FunctionConfiguration
from pytest_lambda_esm.patching import Patches, original_of

_NOBODY: Final = ":user/moto"
"""How the ARN ends that moto answers for credentials that it did not create, as those of a test are."""


def install(patches: Patches, running: Callable[[], FunctionConfiguration | None]) -> None:
    """Answer GetCallerIdentity of a handler. ``running`` returns the function that the calling thread runs, or None."""
    original = original_of(STSBackend, "get_caller_identity")

    def get_caller_identity(self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        answer: tuple[str, str, str] = original(self, access_key_id, region)
        function = running()
        if function is None or not answer[1].endswith(_NOBODY):
            return answer
        return _assumed_role(function)

    patches.set(STSBackend, "get_caller_identity", get_caller_identity)


def _assumed_role(function: FunctionConfiguration) -> tuple[str, str, str]:
    """Return the user id, the ARN and the account of a function's role; the session has the function's name."""
    role = Arn.parse(function.role)
    account_id = role.account_id if role is not None else function.account_id
    name = function.role.rpartition("/")[2]
    user_id = f"AROA{sha256(function.role.encode()).hexdigest()[:17].upper()}:{function.name}"
    arn = f"arn:{partition_of(function.region)}:sts::{account_id}:assumed-role/{name}/{function.name}"
    return user_id, arn, account_id
