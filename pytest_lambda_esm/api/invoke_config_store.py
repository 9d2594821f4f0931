"""The asynchronous invocation settings of functions, by account, region, function and qualifier."""

from __future__ import annotations

from pytest_lambda_esm.mappings.invoke_config import InvokeConfig

Place = tuple[str, str, str]
"""Account, region and function name."""


class InvokeConfigStore:
    """Owns the configs."""

    def __init__(self) -> None:
        self._configs: dict[Place, dict[str, InvokeConfig]] = {}

    def find(self, account_id: str, region: str, function: str, qualifier: str) -> InvokeConfig | None:
        """The config of a function at a qualifier (``$LATEST``, a version or an alias), or None."""
        return self._configs.get((account_id, region, function), {}).get(qualifier)

    def put(self, place: Place, qualifier: str, config: InvokeConfig) -> None:
        """Keep a config, in the place of an older one."""
        self._configs.setdefault(place, {})[qualifier] = config

    def remove(self, place: Place, qualifier: str) -> InvokeConfig | None:
        """Forget a config; the one that was there, or None."""
        return self._configs.get(place, {}).pop(qualifier, None)

    def of(self, place: Place) -> list[tuple[str, InvokeConfig]]:
        """A function's configs with their qualifiers: ``$LATEST``, versions, aliases (the recorded order)."""
        return sorted(self._configs.get(place, {}).items(), key=lambda entry: order(entry[0]))

    def forget_function(self, account_id: str, region: str, function: str, qualifier: str | None = None) -> None:
        """A function was deleted, or what one of its qualifiers stood for."""
        if qualifier is None:
            self._configs.pop((account_id, region, function), None)
        else:
            self.remove((account_id, region, function), qualifier)

    def forget_place(self, account_id: str, region: str) -> None:
        """moto has been reset there."""
        for place in [place for place in self._configs if place[:2] == (account_id, region)]:
            del self._configs[place]


def order(qualifier: str) -> tuple[int, int, str]:
    """Where a qualifier stands in a list."""
    if qualifier.startswith("$"):
        return 0, 0, qualifier
    return (1, int(qualifier), "") if qualifier.isdecimal() else (2, 0, qualifier)
