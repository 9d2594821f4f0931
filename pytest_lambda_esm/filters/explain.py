"""Explains why the filters of a mapping accept or refuse a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters.clauses import Clause, fits, for_form
from pytest_lambda_esm.filters.data_rules import DataForm, DataRules
from pytest_lambda_esm.filters.matching import Conjunction, flatten, prefixes_of
from pytest_lambda_esm.filters.strict_json import show

_LONGEST_VALUE: Final = 80


@dataclass(frozen=True, slots=True)
class _Finding:
    """The values of a record at one key of a clause, and what the clause accepts."""

    path: str
    found: str
    accepted: str
    matches: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    """A record as the clauses see it."""

    rules: DataRules
    form: DataForm
    data: Any
    metadata: dict[str, Any]

    def findings(self, clause: Clause) -> list[_Finding]:
        """Return a finding for each key of the clause that applies to this form of data."""
        found: list[_Finding] = []
        if clause.json is not None and self.form is DataForm.JSON:
            found += _findings(self.data, clause.json, f"{self.rules.data_key}.")
        if clause.plain is not None and self.form is DataForm.PLAIN:
            leaf, shown = clause.plain, _short(self.data)
            found.append(_Finding(str(self.rules.data_key), shown, leaf.text, leaf.matches(self.data)))
        if clause.metadata is not None:
            found += _findings(self.metadata, clause.metadata, "")
        return found

    def distance(self, clause: Clause) -> tuple[bool, int]:
        """Rank a clause: the form of the data counts first, then the number of keys that do not match."""
        return not fits(clause, self.form), sum(not finding.matches for finding in self.findings(clause))

    def mismatch(self, clause: Clause) -> str:
        """Say that the data has another form than the clause expects."""
        expected = clause.data_pattern.value
        return f"it expects {expected} in {self.rules.data_key!r}, which holds {self.form.value}"


def explain(clauses: Sequence[Clause], rules: DataRules, record: Mapping[str, Any]) -> str:
    """Return which filter matched, or which one came closest and which of its keys did not match."""
    if not clauses:
        return "The mapping has no filters, so every record passes."
    reading = _Reading(rules, *rules.read(record), rules.metadata(record))
    of = f"of {clauses[-1].number}"
    for clause in clauses:
        for applied in for_form([clause], reading.form, rules):
            if applied.matches(reading.data, lambda: reading.metadata):
                return f"Filter {clause.number} {of} matched: {_matches(reading, clause)}."
    closest = min(clauses, key=reading.distance)
    return (
        f"No filter matched, so {rules.unmatched}."
        f" Filter {closest.number} {of} came closest: {_mismatches(reading, closest)}."
    )


def _matches(reading: _Reading, clause: Clause) -> str:
    parts = [f"{finding.path} is {finding.found}" for finding in reading.findings(clause)]
    if not fits(clause, reading.form):
        parts.insert(0, f"{reading.mismatch(clause)}, and {reading.rules.source} then ignores that part")
    return ", ".join(parts)


def _mismatches(reading: _Reading, clause: Clause) -> str:
    if not fits(clause, reading.form):
        return reading.mismatch(clause)
    mismatches = [finding for finding in reading.findings(clause) if not finding.matches]
    if not mismatches:
        return "each key matches on its own, but not all in the same element of a list"
    return ", ".join(f"{finding.path} is {finding.found}, not one of {finding.accepted}" for finding in mismatches)


def _findings(event: Any, conjunction: Conjunction, prefix: str) -> list[_Finding]:
    flat = flatten(event, prefixes_of(conjunction.fields))
    findings = []
    for path, leaf in conjunction.fields:
        values = [found.value for found in flat.get(path, [])]
        matches = any(leaf.matches(value) for value in values) or (leaf.absent and not values)
        shown = " and ".join(map(_short, values)) or "absent"
        findings.append(_Finding(prefix + path, shown, leaf.text, matches))
    return findings


def _short(value: Any) -> str:
    shown = show(value)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}..."
