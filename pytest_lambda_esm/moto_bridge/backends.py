"""moto's backends by account and region, looked up quickly: pollers ask several times for each batch."""

from __future__ import annotations

from typing import Any


def backend_of(backends: Any, account_id: str, region: str) -> Any:
    """One service's backend; made by moto where it is not there yet.

    moto's own look-up takes a lock and compares whole dictionaries each time.
    """
    of_account = dict.get(backends, account_id)
    found = dict.get(of_account, region) if of_account is not None else None
    return found if found is not None else backends[account_id][region]
