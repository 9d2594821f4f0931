"""The regions of a service, as moto knows them.

moto asks boto3 for them whenever a backend is created, in every test: its own cache has the backend as its key, so it
never finds anything, and keeps the last 128 backends of ended tests in memory. The answer depends only on the service:
moto asks one session, which it creates once for the process. A session that a test puts in its place is asked again.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``AccountSpecificBackend._generate_regions`` and ``get_session``.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final

from moto.core.base_backend import AccountSpecificBackend

from pytest_lambda_esm.patching import Patches

_CACHED: Final = type(lru_cache(lambda: None))


@cache
def _known() -> dict[tuple[str, int], tuple[Any, list[str]]]:
    """Return the regions found so far, with the session that was asked: by service and the session's id."""
    return {}


def install(patches: Patches) -> None:
    """Ask once for each service."""
    cached = vars(AccountSpecificBackend).get("_generate_regions")
    if type(cached) is not _CACHED:
        return  # Not moto's.
    ask: Any = cached.__wrapped__  # Without the cache, which would keep the backend.
    known = _known()

    def _generate_regions(backend: Any, service_name: str) -> list[str]:
        session = AccountSpecificBackend.get_session()
        key = (service_name, id(session))
        if key not in known:
            known[key] = session, ask(backend, service_name)
        return known[key][1]

    patches.set(AccountSpecificBackend, "_generate_regions", _generate_regions)
