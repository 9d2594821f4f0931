"""Why a record passed the filters of a mapping or did not, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_lambda_esm.filters.clauses import Clause, fits, for_form
from pytest_lambda_esm.filters.data_rules import DataForm, DataRules
from pytest_lambda_esm.filters.matching import Conjunction, flatten, ways_to
from pytest_lambda_esm.filters.strict_json import show

_LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class _Finding:
    """What the record has at one key of a clause."""

    path: str
    found: str
    wanted: str
    matches: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    """A record as the clauses see it."""

    rules: DataRules
    form: DataForm
    data: Any
    metadata: dict[str, Any]

    def findings(self, clause: Clause) -> list[_Finding]:
        """What the record has at each key that counts for it."""
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
        """How far the record is from a clause: the form of its data counts first, then the keys that refuse."""
        return not fits(clause, self.form), sum(not finding.matches for finding in self.findings(clause))

    def mismatch(self, clause: Clause) -> str:
        """That the data has another form than the clause expects."""
        expected = clause.data_pattern.value
        return f"it expects {expected} in {self.rules.data_key!r}, which holds {self.form.value}"


def explain(clauses: Sequence[Clause], rules: DataRules, record: Mapping[str, Any]) -> str:
    """Say which filter let the record pass, or which one came nearest and which of its keys refused."""
    if not clauses:
        return "The mapping has no filters, every record passes."
    reading = _Reading(rules, *rules.read(record), rules.metadata(record))
    of = f"of {clauses[-1].number}"
    for clause in clauses:
        for applied in for_form([clause], reading.form, rules):
            if applied.matches(reading.data, lambda: reading.metadata):
                return f"Filter {clause.number} {of} let it pass: {_passing(reading, clause)}."
    nearest = min(clauses, key=reading.distance)
    return (
        f"No filter let it pass, so {rules.unmatched}."
        f" Nearest came filter {nearest.number} {of}: {_refusal(reading, nearest)}."
    )


def _passing(reading: _Reading, clause: Clause) -> str:
    words = [f"{finding.path} is {finding.found}" for finding in reading.findings(clause)]
    if not fits(clause, reading.form):
        words.insert(0, f"{reading.mismatch(clause)}, and {reading.rules.source} then ignores that part")
    return ", ".join(words)


def _refusal(reading: _Reading, clause: Clause) -> str:
    if not fits(clause, reading.form):
        return reading.mismatch(clause)
    refusing = [finding for finding in reading.findings(clause) if not finding.matches]
    if not refusing:
        return "each key matches for itself, but not all in the same element of a list"
    return ", ".join(f"{finding.path} is {finding.found}, not one of {finding.wanted}" for finding in refusing)


def _findings(event: Any, conjunction: Conjunction, prefix: str) -> list[_Finding]:
    flat = flatten(event, ways_to(conjunction.fields))
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
