"""moto's functions, as the simulation sees them. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from functools import cache
from typing import Any, Final

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.iam.models import iam_backends

from pytest_lambda_esm.invocation.configuration import FunctionConfiguration, NewFunction
from pytest_lambda_esm.invocation.function_name import FunctionReference

ROLE: Final = "lambda-esm-execution-role"

_TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


class MotoFunctions:
    """Finds and makes functions in moto's storage; nothing is kept, since moto forgets all of it at a reset."""

    def find(self, reference: FunctionReference) -> FunctionConfiguration | None:
        """The configuration of a function at a qualifier, or None where there is none."""
        backend = get_backend(reference.account_id, reference.region)
        if reference.qualifier is not None and reference.qualifier.lower() == "$latest" != reference.qualifier:
            return None  # moto takes any case; for AWS "$latest" is an unknown qualifier.
        try:
            function = backend.get_function(reference.name, reference.qualifier)
        except UnknownFunctionException:
            return None
        return _configuration(function)

    def create(self, account_id: str, region: str, function: NewFunction) -> FunctionConfiguration:
        """Make a function that runs as a role made for it; its archive is never run."""
        return _configuration(
            get_backend(account_id, region).create_function(
                {
                    "FunctionName": function.name,
                    "Runtime": "python3.12",
                    "Handler": function.handler,
                    "Role": _role(account_id, region),
                    "Timeout": function.timeout,
                    "MemorySize": function.memory,
                    "Environment": {"Variables": dict(function.environment)},
                    "Code": {"ZipFile": _archive()},
                    "Publish": False,
                }
            )
        )


def _configuration(function: Any) -> FunctionConfiguration:
    arn = f"arn:aws:lambda:{function.region}:{function.account_id}:function:{function.function_name}"
    return FunctionConfiguration(
        account_id=function.account_id,
        region=function.region,
        name=function.function_name,
        arn=arn,
        version=str(function.version),
        timeout=int(function.timeout),
        memory=int(function.memory_size),
        handler=function.handler or "",
        runtime=function.run_time or "python",
        environment=dict(function.environment_vars or {}),
        role=function.role or "",
    )


def _role(account_id: str, region: str) -> str:
    backend = iam_backends[account_id][_partition(region)]
    existing = next((role for role in backend.get_roles() if role.name == ROLE), None)
    role = existing or backend.create_role(
        role_name=ROLE,
        assume_role_policy_document=_TRUST,
        path="/",
        permissions_boundary=None,
        description="made by pytest-lambda-esm for the functions of a test",
        tags=[],
        max_session_duration="3600",
    )
    return str(role.arn)


def _partition(region: str) -> str:
    from moto.utilities.utils import get_partition

    return str(get_partition(region))


@cache
def _archive() -> str:
    """A valid deployment archive, base64 as on the wire: CreateFunction wants one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("lambda_function.py"), "def lambda_handler(event, context):\n    return None\n"
        )
    return base64.b64encode(buffer.getvalue()).decode()
