"""The lane of a mapping that this fake keeps and does not poll: it says so, and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.ports import Journal


class UnpolledLane:
    """A lane that delivers nothing; ``reasons`` say why, one line each."""

    def __init__(self, mapping: Mapping, reasons: Sequence[str], journal: Journal) -> None:
        self._mapping = mapping
        self._reasons = list(reasons)
        self._journal = journal

    def start(self) -> None:
        """Say in the timeline that nothing will be polled."""
        for reason in self._reasons:
            self._journal.add("poll", f"mapping {self._mapping.uuid}", reason)

    def stop(self) -> None:
        """Nothing is in flight."""

    def wake(self) -> None:
        """Nothing is received."""

    def explain(self) -> list[str]:
        """Why nothing is delivered."""
        return list(self._reasons)

    def in_hand(self) -> list[str]:
        """Nothing."""
        return []
