"""Whether a key in moto's KMS can be used to decrypt. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

from typing import Any

from pytest_lambda_esm.sources.arn import Arn


def problem(key_arn: str) -> tuple[str, str] | None:
    """Why filter criteria cannot be decrypted: an error code and a message; None where they can.

    A key that moto does not know counts as usable, so that tests need not make one. Codes and texts are chosen after
    those of KMS.
    """
    key = _key(key_arn)
    if key is None or key.key_state == "Enabled":
        return None
    if key.key_state == "Disabled":
        return "KMSDisabledException", f"{key_arn} is disabled."
    return "KMSInvalidStateException", f"{key_arn} is pending deletion."


def _key(key_arn: str) -> Any:
    from moto.kms.models import kms_backends  # most tests never ask

    arn = Arn.parse(key_arn)
    if arn is None or not arn.account_id or not arn.region:
        return None
    try:
        keys = kms_backends[arn.account_id][arn.region].keys
    except KeyError:  # a region that the service does not have
        return None
    return keys.get(arn.resource.partition("/")[2])
