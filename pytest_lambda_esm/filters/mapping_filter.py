"""The filters of one event source mapping, compiled once and applied to every record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_lambda_esm.filters.clauses import Clause, compile_clauses, fits, for_form
from pytest_lambda_esm.filters.data_rules import DataForm, DataRules
from pytest_lambda_esm.filters.errors import InvalidPattern
from pytest_lambda_esm.filters.explain import explain
from pytest_lambda_esm.filters.matching import Conjunction, any_matches


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the filters for one record: whether it passed, and ``why``.

    ``misfit`` has the form of data that all filters expect, and the record's own; it is None if one of them fits.
    """

    passed: bool
    misfit: tuple[str, str] | None
    _explain: Callable[[], str] = field(repr=False, compare=False)

    @property
    def why(self) -> str:
        """Which filter matched, or which one came closest and which key did not match.

        Computed on access, from the record as it is then.
        """
        return self._explain()


class _Stage:
    """The clauses for records with one form of data; those that need only the data are tested first."""

    __slots__ = ("data_only", "others")

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self.data_only: tuple[Conjunction, ...] = tuple(
            clause.json for clause in clauses if clause.json and not (clause.plain or clause.metadata)
        )
        self.others = tuple(clause for clause in clauses if clause.json not in self.data_only)


class Filter:
    """The compiled FilterCriteria of a mapping; immutable.

    A record passes if at least one filter matches, or if the mapping has no filters.
    """

    __slots__ = ("_clauses", "_misfits", "_reads_data", "_stages", "rules", "texts")

    def __init__(self, texts: Sequence[str], rules: DataRules) -> None:
        if texts and rules.data_key is None:
            raise InvalidPattern(f"{rules.source} has no event filters")
        self.texts = tuple(texts)
        self.rules = rules
        self._clauses = [
            clause for number, text in enumerate(self.texts, start=1) for clause in compile_clauses(number, text, rules)
        ]
        self._reads_data = any(clause.json or clause.plain for clause in self._clauses)
        self._stages = {form: _Stage(for_form(self._clauses, form, rules)) for form in DataForm}
        self._misfits = {form: self._misfit(form) for form in DataForm}

    @classmethod
    def compile(cls, patterns: Sequence[str], source: DataRules) -> Filter:
        """Compile the patterns of a mapping's filters. Raises InvalidPattern for the first invalid one."""
        return cls(patterns, source)

    def __repr__(self) -> str:
        return f"Filter({list(self.texts)!r}, source={self.rules.source!r})"

    def passes(self, record: Mapping[str, Any]) -> bool:
        """Whether a record, in the form in which the function receives it, passes. Faster than ``verdict``."""
        if not self._clauses:
            return True
        return self._matches(record, *self._read(record))

    def verdict(self, record: Mapping[str, Any]) -> Verdict:
        """Return whether a record passes, and why. The explanation is made when ``why`` is read."""
        form, data = self._read(record)
        passed = not self._clauses or self._matches(record, form, data)
        return Verdict(passed, self._misfits[form], lambda: explain(self._clauses, self.rules, record))

    def misfit(self, record: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return the form of data that all filters expect, and the one that a record has; None if one of them fits."""
        return self._misfits[self._read(record)[0]]

    def _read(self, record: Mapping[str, Any]) -> tuple[DataForm, Any]:
        return self.rules.read(record) if self._reads_data else (DataForm.UNREADABLE, None)

    def _matches(self, record: Mapping[str, Any], form: DataForm, data: Any) -> bool:
        stage = self._stages[form]
        if stage.data_only and any_matches(stage.data_only, data):
            return True
        return any(clause.matches(data, lambda: self.rules.metadata(record)) for clause in stage.others)

    def _misfit(self, form: DataForm) -> tuple[str, str] | None:
        if not self._reads_data or any(fits(clause, form) for clause in self._clauses):
            return None
        return self._clauses[0].data_pattern.value, form.value
