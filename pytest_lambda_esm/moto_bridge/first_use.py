"""Installs what belongs to a service of moto when a test first uses that service.

Most tests use two or three services. What the others need is neither imported nor installed, in any test and in each
world of a sweep or an exploration.

moto makes a backend of a service before it answers the first request to it, whoever sends that. Seen with moto 5.1.9,
5.1.22, 5.2.0 and 5.2.5: ``BaseBackend.__init__``, and ``BackendDict._instances`` with the services in use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend

from pytest_lambda_esm.patching import Patches, original_of

Installations = Mapping[str, Callable[[], None]]
"""What to call before a service is used, by the module of its backends, such as ``moto.sns.models``."""


class FirstUse:
    """Calls each installation once: now for the services that moto has backends of, later for the others."""

    def __init__(self, installations: Installations) -> None:
        self._waiting = dict(installations)

    def install(self, patches: Patches) -> None:
        """Call the installations of services that are in use, and those of others when they are first used."""
        original = original_of(BaseBackend, "__init__")
        waiting = self._waiting

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            install = waiting.pop(type(self).__module__, None)
            if install is not None:
                install()

        patches.set(BaseBackend, "__init__", __init__)
        self.use(*[backends.backend.__module__ for backends in BackendDict._instances])

    def use(self, *modules: str) -> None:
        """Call the installations for these modules now, those that have not been called."""
        for module in modules:
            install = self._waiting.pop(module, None)
            if install is not None:
                install()
