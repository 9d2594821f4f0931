"""moto's backends by account and region, looked up quickly: pollers ask several times for each batch."""

from __future__ import annotations

from typing import Any

from moto import settings
from moto.awslambda.models import lambda_backends

from pytest_lambda_esm.errors import ConfigurationError, nearest


def check_region(place: str, region: str, account_id: str) -> None:
    """Raise ConfigurationError, with the nearest regions, for one that the installed botocore does not know."""
    __tracebackhide__ = True
    known = lambda_backends[account_id].regions
    if region not in known and not settings.allow_unknown_region():
        raise ConfigurationError(f"{place}: there is no region {region!r}. {nearest(str(region), known)}")


def backend_of(backends: Any, account_id: str, region: str) -> Any:
    """One service's backend; made by moto where it is not there yet.

    moto's own look-up takes a lock and compares whole dictionaries each time.
    """
    of_account = dict.get(backends, account_id)
    found = dict.get(of_account, region) if of_account is not None else None
    return found if found is not None else backends[account_id][region]
