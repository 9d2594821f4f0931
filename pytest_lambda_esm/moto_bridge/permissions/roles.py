"""The policies that moto stores: of roles, and of queues, topics, buckets, functions, secrets and keys.

Seen with moto 5.1.9, 5.1.22 and 5.2.5. moto attaches AWS's managed policies only where it is told to load all of them;
their documents are in ``aws_managed_policies_data`` in any case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from moto.awslambda.models import lambda_backends
from moto.awslambda.utils import get_backend
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.functions import MADE_FOR_TESTS
from pytest_lambda_esm.moto_bridge.role_policies import managed_policies

_AWS: Final = ":iam::aws:policy/"


@dataclass(frozen=True, slots=True)
class RolePolicies:
    """What is known of a role: its policy documents, the ARNs of policies that moto lacks, and its trust policy.

    ``limited`` says that it has a permissions boundary. ``is_own`` says that the fake created it.
    """

    documents: tuple[str, ...]
    missing: tuple[str, ...]
    trust: str
    limited: bool
    is_own: bool


def find_role(role_arn: str) -> RolePolicies | None:
    """Return the policies of a role as they are now, or None where moto has no such role."""
    arn = Arn.parse(role_arn)
    if arn is None or arn.service != "iam":
        return None
    backend = iam_backends[arn.account_id][arn.partition]
    role = next((role for role in backend.roles.values() if role.arn == role_arn), None)
    if role is None:
        return None
    documents, missing = [_text(document) for document in role.policies.values()], []
    for policy_arn in managed_policies(role):
        document = _managed(policy_arn, backend)
        if document is None:
            missing.append(policy_arn)
        else:
            documents.append(document)
    return RolePolicies(
        documents=tuple(documents),
        missing=tuple(missing),
        trust=_text(role.assume_role_policy_document),
        limited=bool(role.permissions_boundary_arn),
        is_own=role.description == MADE_FOR_TESTS,
    )


def _managed(policy_arn: str, backend: Any) -> str | None:
    """Return the default version of a managed policy."""
    policy = backend.managed_policies.get(policy_arn)
    if policy is not None:
        version = next(version for version in policy.versions if version.is_default)
        return _text(version.document)
    name = policy_arn.rpartition("/")[2]
    return _of_aws(name) if _AWS in policy_arn else None


@cache
def _of_aws(name: str) -> str | None:
    """Return a managed policy of AWS. Only its own part of moto's data is parsed: all of it takes much longer."""
    mark = f'\n "{name}":'
    start = aws_managed_policies_data.find(mark)
    if start < 0:
        return None
    policy, _ = json.JSONDecoder().raw_decode(aws_managed_policies_data, start + len(mark))
    return json.dumps(policy["Document"])


def resource_policy(resource_arn: str) -> str | None:
    """Return the policy of a queue, topic, bucket, object, function, secret or key; None where it has none."""
    arn = Arn.parse(resource_arn)
    find = _POLICIES.get(arn.service) if arn is not None else None
    policy = find(arn) if find is not None and arn is not None else None
    return _text(policy) if policy else None


def _of_queue(arn: Arn) -> Any:
    queue = sqs_backends[arn.account_id][arn.region].queues.get(arn.resource)
    return queue.policy if queue is not None else None


def _of_topic(arn: Arn) -> Any:
    topics = sns_backends[arn.account_id][arn.region].topics
    topic = topics.get(f"arn:{arn.partition}:sns:{arn.region}:{arn.account_id}:{arn.resource}")
    return topic.policy if topic is not None else None


def _of_bucket(arn: Arn) -> Any:
    name = arn.resource.partition("/")[0]
    for account_id in list(s3_backends):
        for backend in dict.values(s3_backends[account_id]):
            if name in backend.buckets:
                return backend.buckets[name].policy
    return None


def _of_function(arn: Arn) -> Any:
    if arn.account_id not in lambda_backends:
        return None
    name = arn.resource.removeprefix("function:").partition(":")[0]
    versions = get_backend(arn.account_id, arn.region)._lambdas._functions.get(name)
    function = versions["latest"] if versions is not None else None
    statements = function.policy.statements if function is not None else []
    return {"Statement": statements} if statements else None


def _of_secret(arn: Arn) -> Any:
    secret = secretsmanager_backends[arn.account_id][arn.region].secrets.get(
        f"arn:{arn.partition}:secretsmanager:{arn.region}:{arn.account_id}:{arn.resource}"
    )
    return getattr(secret, "policy", None)


def _of_key(arn: Arn) -> Any:
    key = kms_backends[arn.account_id][arn.region].keys.get(arn.resource.removeprefix("key/"))
    return key.policy if key is not None else None


_POLICIES: Final[Mapping[str, Callable[[Arn], Any]]] = {
    "sqs": _of_queue,
    "sns": _of_topic,
    "s3": _of_bucket,
    "lambda": _of_function,
    "secretsmanager": _of_secret,
    "kms": _of_key,
}


def _text(document: Any) -> str:
    if isinstance(document, bytes):
        return document.decode()
    return document if isinstance(document, str) else json.dumps(document, default=str)
