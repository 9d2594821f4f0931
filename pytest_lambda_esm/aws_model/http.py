"""An HTTP request and its answer, between what knows moto and what knows the operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request to Lambda as it came over the wire.

    ``path`` is percent-encoded as it was sent, header names are in lower case; the caller's account and region are
    resolved.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes
    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response: status, headers (names in lower case, except those that the service model names), body."""

    status: int
    headers: dict[str, str]
    body: bytes
