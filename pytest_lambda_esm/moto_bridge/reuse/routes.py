"""The URL patterns of moto's services, which moto puts together and looks up for each request.

For each request, moto formats every path of the service's table with every one of its hosts, and asks ``re.compile``
for each of the patterns until one matches. For Lambda, this took an eighth of a call.

* The patterns depend on the tables ``url_bases`` and ``url_paths`` of the service's ``urls`` module, and on whether
  moto knows the ISO regions. They are kept with copies of these, and are put together again if any of these differ, in
  order or in content: the fake, other packages and tests add paths of their own. Each caller gets its own dictionary.
* A compiled expression depends only on its text. It does not change.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``BaseBackend.urls``, ``url_bases`` and ``_url_module``; the module
``re`` in ``botocore_stubber``, whose ``process_request`` calls ``re.compile`` with a pattern only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.core import base_backend, botocore_stubber
from moto.core.base_backend import BaseBackend

from pytest_lambda_esm.patching import Patches


@dataclass(frozen=True, slots=True)
class _Routes:
    """The handlers of a service by URL pattern, and what they were made of."""

    hosts: list[str]
    paths: list[tuple[str, Any]]
    iso_regions: bool
    handlers: dict[str, Any]


@cache
def _known() -> dict[int, _Routes]:
    """Return the routes so far, by the id of the service's table of paths."""
    return {}


class _Expressions:
    """The module ``re``, which compiles an expression once; its own cache takes longer to ask."""

    def __init__(self) -> None:
        self._compiled: dict[str, re.Pattern[str]] = {}

    def compile(self, pattern: str, *flags: Any) -> re.Pattern[str]:
        """Return a compiled expression."""
        if flags:
            return re.compile(pattern, *flags)
        compiled = self._compiled.get(pattern)
        if compiled is None:
            compiled = self._compiled[pattern] = re.compile(pattern)
        return compiled

    def __getattr__(self, name: str) -> Any:
        return getattr(re, name)


@cache
def _expressions() -> _Expressions:
    return _Expressions()


def install(patches: Patches) -> None:
    """Put patterns together once, and compile them once."""
    make = getattr(vars(BaseBackend).get("urls"), "fget", None)
    if getattr(make, "__globals__", None) is vars(base_backend):  # Otherwise, it is not moto's.
        patches.set(BaseBackend, "urls", property(_kept_urls(make)))
    if getattr(botocore_stubber, "re", None) is re:
        patches.set(botocore_stubber, "re", _expressions())


def _kept_urls(make: Any) -> Any:
    known = _known()

    def urls(backend: Any) -> dict[str, Any]:
        hosts, paths = backend.url_bases, backend._url_module.url_paths
        items, iso_regions = list(paths.items()), base_backend.enable_iso_regions()
        routes = known.get(id(paths))
        if routes is None or routes.paths != items or routes.hosts != hosts or routes.iso_regions is not iso_regions:
            routes = known[id(paths)] = _Routes(list(hosts), items, iso_regions, make(backend))
        return routes.handlers.copy()

    return urls
