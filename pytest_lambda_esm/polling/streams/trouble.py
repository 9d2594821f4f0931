"""Shows in a mapping's state what keeps it from reading its stream."""

from __future__ import annotations

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.ports import Journal
from pytest_lambda_esm.sources.stream_ports import Trouble


class TroubleNotice:
    """The trouble that one mapping shows.

    Its code is the mapping's StateTransitionReason and its text the LastProcessingResult, until the trouble is over or
    something else has set them.
    """

    def __init__(self, mapping: Mapping, journal: Journal) -> None:
        self._mapping = mapping
        self._journal = journal
        self._shown: Trouble | None = None
        self._result_before: str | None = None

    def show(self, trouble: Trouble | None) -> None:
        """Show a trouble, or remove what is shown if there is none."""
        shown = self._shown
        if trouble == shown and (trouble is None or not trouble.disables):
            return
        self._shown = trouble
        mapping = self._mapping
        if trouble is None:
            self._remove(shown)
            return
        self._journal.add("poll", f"mapping {mapping.uuid}", trouble.text)
        if shown is None:
            self._result_before = mapping._last_result
        mapping._last_result = trouble.text
        if mapping.state == "Enabled" and trouble.code:
            mapping.force("Disabled" if trouble.disables else "Enabled", reason=trouble.code)

    def _remove(self, shown: Trouble | None) -> None:
        mapping = self._mapping
        if shown is None:
            return
        if mapping._last_result == shown.text:
            mapping._last_result = self._result_before
        if shown.code and mapping.state == "Enabled" and mapping.history[-1].reason == shown.code:
            mapping.force("Enabled", reason=mapping._user_reason)
