"""Reads PartiQL statements that write: INSERT, UPDATE and DELETE, as the expressions of DynamoDB's other operations.

Follows the pages "PartiQL insert/update/delete statements for DynamoDB". The values of a statement, its parameters
included, become expression attribute values; names become expression attribute names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*"|[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
    |(?P<symbol><<|>>|<=|>=|<>|!=|[-=<>(){}\[\],.?:+*]))""",
    re.VERBOSE,
)
_COMPARISONS: Final = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CONSTANTS: Final = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}
_SET_FUNCTIONS: Final = {"SET_ADD": "ADD", "SET_DELETE": "DELETE"}
_CONDITIONS: Final = frozenset({"BEGINS_WITH", "CONTAINS", "ATTRIBUTE_TYPE"})
_OPERANDS: Final = frozenset({"SIZE", "LIST_APPEND", "IF_NOT_EXISTS"})


class NotReadError(Exception):
    """A statement that is not read here: it does not write, or it has a syntax that is not known."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values and names of a statement's expressions, by their placeholders."""

    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def value(self, value: Mapping[str, Any]) -> str:
        """Return a placeholder for a value."""
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def name(self, name: str) -> str:
        """Return the placeholder for a name."""
        placeholder = next((known for known, other in self.names.items() if other == name), f"#n{len(self.names)}")
        self.names[placeholder] = name
        return placeholder


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that writes.

    ``kind`` is INSERT, UPDATE or DELETE. An INSERT has an ``item``. The others have a condition: its terms, joined by
    AND, of which each names the attribute that it compares with a value, or None. ``changes`` are the clauses of an
    UPDATE by their keywords, ``changed`` the attributes that they name; ``returning`` is such as ``("ALL", "OLD")``.
    """

    kind: str
    table: str
    values: Values
    item: Mapping[str, Any] = field(default_factory=dict)
    terms: Sequence[Term] = ()
    changes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    returning: tuple[str, str] | None = None

    def key(self, names: Sequence[str]) -> dict[str, Any] | None:
        """Return the key that the condition gives, or None if it does not give all of it; ``names`` are the key's."""
        equal = {term.name: term.value for term in self.terms if term.name is not None}
        return {name: equal[name] for name in names} if all(name in equal for name in names) else None

    def conditions(self, names: Sequence[str]) -> list[str]:
        """Return the terms of the condition without those that give the key."""
        return [term.text for term in self.terms if term.name not in names]


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a condition. ``name`` and ``value`` are set if it says that an attribute equals a value."""

    text: str
    name: str | None = None
    value: Any = None


def read(statement: str, parameters: Sequence[Any]) -> Statement:
    """Read a statement. Raises NotReadError if it is not one that writes, or has an unknown syntax."""
    return _Reader(statement, parameters).statement()


class _Reader:
    """Reads one statement from left to right."""

    def __init__(self, statement: str, parameters: Sequence[Any]) -> None:
        self._tokens = list(_tokens(statement))
        self._place = 0
        self._parameters = iter(parameters)
        self._values = Values()

    def statement(self) -> Statement:
        kind = self._word()
        clauses: dict[str, Callable[[], Statement]] = {
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
        }
        if kind not in clauses:
            raise NotReadError(kind)
        statement = clauses[kind]()
        if self._place < len(self._tokens):
            raise NotReadError(self._tokens[self._place])
        return statement

    # --- statements --------------------------------------------------------------------------------------------

    def _insert(self) -> Statement:
        self._expect("INTO")
        table = self._name()
        self._expect("VALUE")
        item = self._value()
        if "M" not in item:
            raise NotReadError("the value is not a map")
        return Statement(kind="INSERT", table=table, values=self._values, item=item["M"])

    def _update(self) -> Statement:
        table = self._name()
        changes: dict[str, list[str]] = {}
        changed: set[str] = set()
        keyword = self._word()
        while keyword in ("SET", "REMOVE"):
            while True:
                changed.add(self._peek_name())
                clause, text = self._assignment() if keyword == "SET" else ("REMOVE", self._path())
                changes.setdefault(clause, []).append(text)
                if not self._skip(","):
                    break
            keyword = self._word()
        if keyword != "WHERE" or not changes:
            raise NotReadError(keyword)
        return Statement(
            kind="UPDATE",
            table=table,
            values=self._values,
            terms=self._condition(),
            changes=changes,
            changed=frozenset(changed),
            returning=self._returning(),
        )

    def _delete(self) -> Statement:
        self._expect("FROM")
        table = self._name()
        self._expect("WHERE")
        terms = self._condition()
        return Statement(kind="DELETE", table=table, values=self._values, terms=terms, returning=self._returning())

    def _returning(self) -> tuple[str, str] | None:
        if not self._skip("RETURNING"):
            return None
        returning = (self._word(), self._word())
        self._expect("*")
        return returning

    # --- changes -----------------------------------------------------------------------------------------------

    def _assignment(self) -> tuple[str, str]:
        """Return a clause of an update expression, and its text."""
        path = self._path()
        self._expect("=")
        if self._peek() in _SET_FUNCTIONS and self._peek(1) == "(":
            clause = _SET_FUNCTIONS[self._word()]
            self._expect("(")
            self._path()
            self._expect(",")
            text = f"{path} {self._values.value(self._value())}"
            self._expect(")")
            return clause, text
        operand = self._operand()
        while self._peek() in ("+", "-"):
            operand = f"{operand} {self._next()} {self._operand()}"
        return "SET", f"{path} = {operand}"

    # --- conditions --------------------------------------------------------------------------------------------

    def _condition(self) -> list[Term]:
        terms = [self._term()]
        while self._skip("AND"):
            terms.append(self._term())
        if self._peek() != "OR":
            return terms
        text = " AND ".join(term.text for term in terms)
        while self._skip("OR"):
            text = f"{text} OR {self._all_of()}"
        return [Term(f"({text})")]

    def _all_of(self) -> str:
        texts = [self._term().text]
        while self._skip("AND"):
            texts.append(self._term().text)
        return " AND ".join(texts)

    def _term(self) -> Term:
        if self._skip("NOT"):
            return Term(f"NOT ({self._term().text})")
        if self._skip("("):
            terms = self._condition()
            self._expect(")")
            return terms[0] if len(terms) == 1 else Term("(" + " AND ".join(term.text for term in terms) + ")")
        if self._peek() in _CONDITIONS and self._peek(1) == "(":
            return Term(self._call())
        name = self._peek_name() if self._is_name() else None
        left = self._operand()
        return self._comparison(left, name if left in self._values.names else None)

    def _comparison(self, left: str, name: str | None) -> Term:
        operator = self._next()
        if operator in _COMPARISONS:
            right = self._operand()
            equals = operator == "=" and name is not None and right in self._values.values
            text = f"{left} {_COMPARISONS[operator]} {right}"
            return Term(text, name, self._values.values[right]) if equals else Term(text)
        word = operator.upper()
        if word == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            return Term(f"{left} BETWEEN {low} AND {self._operand()}")
        if word == "IN":
            return Term(f"{left} IN ({', '.join(self._list_of(self._operand))})")
        if word == "IS":
            wanted = not self._skip("NOT")
            self._expect("MISSING")
            return Term(f"attribute_not_exists({left})" if wanted else f"attribute_exists({left})")
        raise NotReadError(operator)

    # --- operands and values -----------------------------------------------------------------------------------

    def _operand(self) -> str:
        if self._peek() in _OPERANDS and self._peek(1) == "(":
            return self._call()
        if self._is_name():
            return self._path()
        return self._values.value(self._value())

    def _call(self) -> str:
        function = self._word().lower()
        return f"{function}({', '.join(self._list_of(self._operand))})"

    def _path(self) -> str:
        path = self._values.name(self._name())
        while True:
            if self._skip("."):
                path = f"{path}.{self._values.name(self._name())}"
            elif self._peek() == "[":
                self._next()
                path = f"{path}[{int(self._next())}]"
                self._expect("]")
            else:
                return path

    def _value(self) -> dict[str, Any]:
        token = self._next()
        if token == "?":
            try:
                return dict(next(self._parameters))
            except StopIteration:
                raise NotReadError("a parameter is missing") from None
        if token[0] == "'":
            return {"S": _unquoted(token)}
        if token == "-":
            return {"N": f"-{self._next()}"}
        if token[0].isdigit():
            return {"N": token}
        if token.upper() in _CONSTANTS:
            return dict(_CONSTANTS[token.upper()])
        if token in ("{", "[", "<<"):
            return self._collection(token)
        raise NotReadError(token)

    def _collection(self, token: str) -> dict[str, Any]:
        self._place -= 1
        if token == "{":
            return {"M": dict(self._list_of(self._member))}
        values = self._list_of(self._value)
        if token == "[":
            return {"L": values}
        kinds = {kind for value in values for kind in value}
        if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
            raise NotReadError("a set of several types")
        (kind,) = kinds
        return {f"{kind}S": [value[kind] for value in values]}

    def _member(self) -> tuple[str, dict[str, Any]]:
        name = _unquoted(self._next())
        self._expect(":")
        return name, self._value()

    def _list_of(self, read_one: Callable[[], Any]) -> list[Any]:
        """Read a list in brackets of any kind."""
        closing = {"(": ")", "{": "}", "[": "]", "<<": ">>"}.get(self._next())
        found: list[Any] = []
        while closing is not None and not self._skip(closing):
            if found:
                self._expect(",")
            found.append(read_one())
        return found

    # --- tokens ------------------------------------------------------------------------------------------------

    def _next(self) -> str:
        if self._place >= len(self._tokens):
            raise NotReadError("the statement ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _peek(self, further: int = 0) -> str:
        place = self._place + further
        return self._tokens[place].upper() if place < len(self._tokens) else ""

    def _skip(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._place += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._skip(token):
            raise NotReadError(self._peek())

    def _word(self) -> str:
        return self._next().upper()

    def _is_name(self) -> bool:
        token = self._peek()
        return (token[:1] == '"' or token[:1].isalpha() or token[:1] == "_") and token not in _CONSTANTS

    def _peek_name(self) -> str:
        return _unquoted(self._tokens[self._place]) if self._is_name() else ""

    def _name(self) -> str:
        if not self._is_name():
            raise NotReadError(self._peek())
        return _unquoted(self._next())


def _tokens(statement: str) -> Iterator[str]:
    text, place = statement.strip().removesuffix(";").rstrip(), 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise NotReadError(text[place:])
        yield match[0].strip()
        place = match.end()


def _unquoted(token: str) -> str:
    quote = token[0]
    return token[1:-1].replace(quote * 2, quote) if quote in "'\"" else token
