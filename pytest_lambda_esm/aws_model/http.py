"""HTTP requests to Lambda and their responses, independent of moto."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request to Lambda.

    ``path`` is percent-encoded as it was sent. Headers are looked up by their names in lower case; ``headers.items()``
    may show them in another case. ``account_id`` and ``region`` are the caller's.
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
    """A response. Header names are in lower case, except those that the service model names."""

    status: int
    headers: dict[str, str]
    body: bytes
