"""TLS contexts of botocore's HTTP sessions, made when a connection needs one.

Each client has an HTTP session with a TLS context of its own; so have the two providers of credentials that ask the
machine for them. OpenSSL takes half a millisecond for each, and no request leaves the process while a fake is active.
A session of a client that outlives its fake makes its context, by botocore's own function, with its first connection.
Nothing is shared: a context is changed by the connections that use it.

Seen with botocore 1.36.0, 1.43.117, 1.44.5 and 1.44.8: ``httpsession.PoolManager``, and
``URLLib3Session._get_ssl_context``, which ``__init__`` calls before it sets ``_manager``; with urllib3 2.5.0:
``PoolManager.connection_pool_kw``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore import httpsession
from botocore.httpsession import URLLib3Session
from urllib3 import PoolManager

from pytest_lambda_esm.patching import Patches, original_of

_CONTEXT: Final = "ssl_context"
_KEYWORDS: Final = "_keywords"


@dataclass(frozen=True, slots=True)
class _Pending:
    """A context that has not been made yet."""

    make: Callable[[], Any]


class LatePools(PoolManager):
    """A pool manager that makes its TLS context when its keywords are read, which each new connection does."""

    @property
    def connection_pool_kw(self) -> dict[str, Any]:
        """The keywords for new pools."""
        keywords: dict[str, Any] = vars(self)[_KEYWORDS]
        context = keywords.get(_CONTEXT)
        if type(context) is _Pending:
            keywords[_CONTEXT] = context.make()
        return keywords

    @connection_pool_kw.setter
    def connection_pool_kw(self, keywords: dict[str, Any]) -> None:
        vars(self)[_KEYWORDS] = keywords


def install(patches: Patches) -> None:
    """Make contexts late, unless a test has replaced botocore's pool manager."""
    if httpsession.PoolManager is not PoolManager:
        return
    make = original_of(URLLib3Session, "_get_ssl_context")

    def _get_ssl_context(session: Any) -> Any:
        is_new = type(session) is URLLib3Session and "_manager" not in vars(session)
        if is_new and httpsession.PoolManager is pools:
            return _Pending(lambda: make(session))
        return make(session)

    patches.set(httpsession, "PoolManager", LatePools)
    pools = httpsession.PoolManager
    patches.set(URLLib3Session, "_get_ssl_context", _get_ssl_context)
