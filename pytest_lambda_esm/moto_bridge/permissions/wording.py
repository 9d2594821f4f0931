"""What AWS answers to a call that is not permitted: the code, the status and the text, by service and protocol.

Recorded from errors that users have published: SQS spells its actions in lower case, SNS its own name in capitals, S3
puts the resource in quotes, and Secrets Manager names the secret as the call did.
"""

from __future__ import annotations

from typing import Final

from botocore.model import ServiceModel

from pytest_lambda_esm.faults.effects import AwsError
from pytest_lambda_esm.moto_bridge.permissions.places import Access
from pytest_lambda_esm.moto_bridge.permissions.policies import DENIED, Verdict

_FORBIDDEN: Final = 403
_BAD_REQUEST: Final = 400
_OLD_PROTOCOLS: Final = frozenset({"query", "ec2", "rest-xml"})
_OWN_CODES: Final = {"sns": "AuthorizationError"}


def access_denied(service: ServiceModel, user: str, access: Access, verdict: Verdict) -> AwsError:
    """Return the error of a call that is not permitted."""
    old = service.metadata["protocol"] in _OLD_PROTOCOLS or "awsQueryCompatible" in service.metadata
    code = "AccessDenied" if old else "AccessDeniedException"
    is_json = service.metadata["protocol"] == "json" and not old
    return AwsError(
        _OWN_CODES.get(str(service.service_name), code),
        refusal(user, access, verdict),
        status=_BAD_REQUEST if is_json else _FORBIDDEN,
    )


def refusal(user: str, access: Access, verdict: Verdict) -> str:
    """Return the text of the error."""
    action = _spelled(access.action)
    resource = access.shown or access.resource
    if action.startswith("s3:"):
        resource = f'"{resource}"'
    text = f"User: {user} is not authorized to perform: {action} on resource: {resource}"
    if verdict.outcome == DENIED:
        return f"{text} with an explicit deny in {_article(verdict.reason or 'identity-based')} policy"
    return f"{text} because no identity-based policy allows the {action} action"


def _article(kind: str) -> str:
    return f"an {kind}" if kind.startswith("i") else f"a {kind}"


def _spelled(action: str) -> str:
    service, _, operation = action.partition(":")
    if service == "sqs":
        return action.lower()
    return f"SNS:{operation}" if service == "sns" else action
