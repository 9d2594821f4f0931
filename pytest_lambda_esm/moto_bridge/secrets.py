"""Secrets in moto that hold the credentials of event sources.

Seen with moto 5.1.9, 5.1.22 and 5.2.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.patching import Patches, original_of

_CHANGES: Final = ("create_secret", "put_secret_value", "update_secret", "delete_secret", "restore_secret")


def login(secret_arn: str) -> dict[str, Any] | None:
    """Return the members of a secret, or None where it does not exist; a secret that is not a JSON object has none."""
    arn = Arn.parse(secret_arn)
    if arn is None or arn.service != "secretsmanager":
        return None
    try:
        secrets: Any = secretsmanager_backends[arn.account_id][arn.region].secrets
    except KeyError:  # There is no such region.
        return None
    secret = secrets.get(secret_arn)
    if secret is None or secret.is_deleted():
        return None
    secret = getattr(secret, "source", secret)  # A replica has the value of another region's secret.
    value = secret.versions.get(secret.default_version_id, {}).get("secret_string")
    try:
        members = json.loads(value or "")
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def install(patches: Patches, changed: Callable[[], object]) -> None:
    """Call ``changed()`` whenever a secret may have changed."""
    for name in _CHANGES:
        patches.set(SecretsManagerBackend, name, notifying(original_of(SecretsManagerBackend, name), changed))


def notifying(original: Callable[..., Any], changed: Callable[[], object]) -> Callable[..., Any]:
    """Return a method of one of moto's backends that calls ``changed()`` afterwards."""

    def change(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, *args, **kwargs)
        changed()
        return answer

    return change
