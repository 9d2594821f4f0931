"""One branch of one filter, split into conditions on the data and on the other keys of the record."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_lambda_esm.filters.data_rules import DataForm, DataRules, Mismatch, PlainPattern
from pytest_lambda_esm.filters.errors import InvalidPattern
from pytest_lambda_esm.filters.matching import Conjunction, any_matches, compile_pattern
from pytest_lambda_esm.filters.syntax import Branch, Leaf


class DataPattern(enum.Enum):
    """The form of data that a branch expects; the values are for explanations."""

    JSON = "JSON"
    PLAIN = "plain text"
    NONE = "nothing of the data"


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A branch of the filter with this number, counted from 1.

    ``json`` has the keys inside JSON data, with paths relative to it; ``plain`` the list for plain text; ``metadata``
    the other keys of the record. None means that the branch has no such condition.
    """

    number: int
    json: Conjunction | None
    plain: Leaf | None
    metadata: Conjunction | None

    @property
    def data_pattern(self) -> DataPattern:
        """The form of data that this clause expects."""
        if self.json is not None:
            return DataPattern.JSON
        return DataPattern.NONE if self.plain is None else DataPattern.PLAIN

    def matches(self, data: Any, metadata: Callable[[], dict[str, Any]]) -> bool:
        """Whether a record matches, if its data has the form that this clause expects."""
        if self.json is not None and not any_matches((self.json,), data):
            return False
        # No data is JSON and plain text at once.
        if self.plain is not None and (self.json is not None or not self.plain.matches(data)):
            return False
        return self.metadata is None or any_matches((self.metadata,), metadata())


def compile_clauses(number: int, text: str, rules: DataRules) -> list[Clause]:
    """Compile one filter's pattern for a source; raises InvalidPattern."""
    return [_clause(number, branch, rules) for branch in compile_pattern(text).branches]


def _clause(number: int, branch: Branch, rules: DataRules) -> Clause:
    inside = f"{rules.data_key}."
    json = {path[len(inside) :]: leaf for path, leaf in branch.items() if path.startswith(inside)}
    metadata = {path: leaf for path, leaf in branch.items() if path != rules.data_key and not path.startswith(inside)}
    plain = branch.get(rules.data_key) if rules.data_key is not None else None
    if plain is not None and rules.plain_pattern is PlainPattern.REFUSED:
        raise InvalidPattern(f"{rules.data_key!r} has a list; the data of {rules.source} is filtered as JSON only")
    return Clause(
        number=number,
        json=Conjunction(json) if json else None,
        plain=plain,
        metadata=Conjunction(metadata) if metadata else None,
    )


def fits(clause: Clause, form: DataForm) -> bool:
    """Whether the clause expects data of this form, or has no condition on the data."""
    expected = {DataPattern.JSON: DataForm.JSON, DataPattern.PLAIN: DataForm.PLAIN}
    return expected.get(clause.data_pattern, form) is form


def for_form(clauses: Sequence[Clause], form: DataForm, rules: DataRules) -> list[Clause]:
    """Return the clauses that apply to records with data of this form, by the source's mismatch rule."""
    if rules.mismatch is Mismatch.IGNORES_DATA:
        return [clause if fits(clause, form) else replace(clause, json=None, plain=None) for clause in clauses]
    return [clause for clause in clauses if fits(clause, form)]
