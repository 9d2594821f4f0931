"""The ARNs of the resources that a call names: by an ARN, a name, a URL or an alias.

Seen with moto 5.1.9 and 5.2.5: ``SecretsManagerBackend.secrets``, ``KmsBackend.get_key_id_from_alias``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends

from pytest_lambda_esm.arn import parse, partition_of


class Unresolved(Exception):
    """The action or the resource of a call is not known; the text says why."""


@dataclass(frozen=True, slots=True)
class Access:
    """An IAM action on one resource. ``shown`` is how AWS's errors name the resource, where that is not its ARN."""

    action: str
    resource: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The account and the region that a call goes to."""

    account_id: str
    region: str

    @property
    def partition(self) -> str:
        """The partition of the region."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str, value: str) -> str:
        """Return a value that is an ARN as it is, and otherwise the ARN of a resource of this place.

        ``resource`` is the resource part, in which ``{name}`` stands for the value and ``{queue}`` for the queue that
        it is the URL of.
        """
        if value.startswith("arn:"):
            return value
        account_id = self.account_id
        if resource == "{queue}":
            *_, owner, value = ["", *value.rstrip("/").split("/")]
            account_id = owner if owner.isdigit() else account_id
            resource = "{name}"
        return f"arn:{self.partition}:{service}:{self.region}:{account_id}:{resource.format(name=value)}"

    def object(self, bucket: Any, key: Any = None) -> str:
        """Return the ARN of a bucket, or of an object in it."""
        text = str(bucket)
        arn = text if text.startswith("arn:") else f"arn:{self.partition}:s3:::{text}"
        return arn if key is None else f"{arn}/{key}"

    def function(self, name: str, qualifier: Any = None) -> str:
        """Return the ARN of a function, with the qualifier of the name or of the call."""
        reference = parse(name, self.account_id, self.region)
        return f"{reference.arn}:{qualifier}" if qualifier and reference.qualifier is None else reference.arn

    def secret(self, secret_id: str) -> str:
        """Return the ARN of a secret, which ends with six characters that a name does not have."""
        if secret_id.startswith("arn:"):
            return secret_id
        secret = secretsmanager_backends[self.account_id][self.region].secrets.get(secret_id)
        if secret is not None:
            return str(secret.arn)
        return self.arn("secretsmanager", "secret:{name}-??????", secret_id)

    def key(self, key_id: str) -> str:
        """Return the ARN of a KMS key. Raises Unresolved for an alias of no key."""
        if ":key/" in key_id:
            return key_id
        alias = key_id.partition(":alias/")[2] if key_id.startswith("arn:") else key_id.removeprefix("alias/")
        if key_id.startswith("arn:") or key_id.startswith("alias/"):
            found = kms_backends[self.account_id][self.region].get_key_id_from_alias(f"alias/{alias}")
            if found is None:
                raise Unresolved(f"no key has the alias {alias}")
            key_id = str(found)
        return self.arn("kms", "key/{name}", key_id)
