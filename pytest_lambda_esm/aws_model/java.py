"""What AWS's Java shows through its API: regular expressions, the order of sets, and the text of values.

Patterns of the service model are in Java's dialect and are run by Python's ``re``. The differences that matter: Java's
``\\d``, ``\\s`` and ``\\w`` are ASCII; its dot stops at five line terminators; it has Unicode categories
(``\\p{L}``), possessive quantifiers (``*+``) and groups named ``(?<name>...)``. AWS requires the whole text to match.
Messages list a set of values in the order of a Java hash table, and show values as Java's ``toString`` does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pytest_lambda_esm.errors import NotSimulated

_DOT: Final = r"[^\n\r\u0085\u2028\u2029]"
_ASCII: Final = "".join(map(chr, range(0x80)))
_UNASSIGNED: Final = "\U0010ffff"  # fills a character class that would be empty; never a character in Unicode
# Python warns about these within a character class, because a later version may read them as operators.
_LITERAL_IN_CLASS: Final = MappingProxyType({"--": r"-\-", "|": r"\|", "~": r"\~"})
_TOKEN: Final = re.compile(
    r"\\(?P<negated>[pP])(?:\{(?:Is)?(?P<category>\w+)\}|(?P<letter>\w))"
    r"|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
    r"|\(\?<(?P<group>[a-zA-Z]\w*)>"
    r"|\(\?(?:<?[=!]|[:>])"
    r"|(?P<quantifier>[*+?]|\{\d+(?:,\d*)?\})(?P<mode>[+?]?)"
    r"|&&|--|.",
    re.DOTALL,
)


def _category(token: re.Match[str], alphabet: str) -> str:
    """Return the characters of an alphabet that a token like ``\\p{L}`` or ``\\P{L}`` stands for."""
    category, inside = token["category"] or token["letter"], token["negated"] == "p"
    members = [c for c in sorted(alphabet) if unicodedata.category(c).startswith(category) is inside]
    return "".join(f"\\U{ord(member):08x}" for member in members or [_UNASSIGNED])


def _class_member(text: str) -> str:
    if text in {"[", "&&"}:
        raise re.error(f"{text} within a character class")
    return _LITERAL_IN_CLASS.get(text, text)


def _possessive(repeated: str, number: int) -> str:
    # A lookahead matches once and the back-reference consumes it, without backtracking, as the quantifier does.
    return f"(?=(?P<possessive{number}>{repeated}))(?P=possessive{number})"


def translate(pattern: str, alphabet: str) -> str:
    """Translate a Java pattern for Python's ``re`` with ``re.ASCII``, valid for texts in this ``alphabet``.

    Raises re.error for constructs without a counterpart in Python.
    """
    out: list[str] = []
    groups: list[int] = []
    atom = 0  # where in ``out`` the element starts that a quantifier would repeat
    in_class = False
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if token["negated"]:
            characters = _category(token, alphabet)
            text = characters if in_class else f"[{characters}]"
        if in_class:
            out.append(_class_member(text))
            in_class = text != "]"
        elif token["quantifier"] and token["mode"] == "+":
            out[atom:] = [_possessive("".join(out[atom:]) + token["quantifier"], len(out))]
        elif token["quantifier"]:
            out.append(text)
        elif text == ")":
            atom = groups.pop()
            out.append(text)
        else:
            atom, in_class = len(out), text == "["
            groups += [atom] if text.startswith("(") else []
            out.append(f"(?P<{token['group']}>" if token["group"] else _DOT if text == "." else text)
    return "".join(out)


class JavaPattern:
    """One pattern of the service model, compiled on first use because most are never used.

    ``text`` is the pattern as AWS states it. A pattern that Python cannot run raises NotSimulated when used.
    """

    __slots__ = ("_compiled", "_names_categories", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled: re.Pattern[str] | None = None
        self._names_categories = re.search(r"\\[pP]", text) is not None

    def matches(self, value: str) -> bool:
        """Whether the whole of ``value`` matches."""
        if self._names_categories and not value.isascii():
            # Sorting all of Unicode into categories takes a second, so only the text's own characters are sorted.
            return self._compile(_ASCII + "".join(set(value))).fullmatch(value) is not None
        if self._compiled is None:
            self._compiled = self._compile(_ASCII)
        return self._compiled.fullmatch(value) is not None

    def _compile(self, alphabet: str) -> re.Pattern[str]:
        try:
            return re.compile(translate(self.text, alphabet), re.ASCII)
        except (re.error, IndexError) as error:
            raise NotSimulated(
                f"the service model of the installed botocore states the pattern {self.text}, which Python "
                f"cannot run ({error}). Leave out the member that has it, or use another version of botocore."
            ) from error


def lower_first(name: str) -> str:
    """Return a member's name as in AWS's messages: ``KMSKeyArn`` is ``kMSKeyArn`` (recorded)."""
    return name[:1].lower() + name[1:]


def java_hash(text: str) -> int:
    """Return Java's ``String.hashCode`` as an unsigned 32-bit number."""
    value = 0
    for unit in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"):
        value = (value * 31 + unit) & 0xFFFFFFFF
    return value


def hash_order(values: Iterable[str]) -> list[str]:
    """Return strings in the order in which AWS's messages list a set.

    The recorded sets (``[LATEST, AT_TIMESTAMP, TRIM_HORIZON]`` and ``[x86_64, arm64]`` of Lambda, and those of
    Kinesis and DynamoDB, up to thirteen values) are in the order of a hash table with 32 slots, by Java's string
    hash; only Lambda's lists of runtimes of 2017 and 2018 were not. For sets that are too large for such a table
    (it grows when it is three quarters full) the order is chosen.
    """
    strings = list(values)
    slots = 32
    while len(strings) > slots * 3 // 4:
        slots *= 2
    return sorted(strings, key=lambda value: java_hash(value) & (slots - 1))


def java_text(value: Any, shape: Shape) -> str:
    """Return a value of a shape as Java's ``toString`` does; absent members of structures are ``null``."""
    if value is None:
        return "null"
    if isinstance(shape, StructureShape):
        members = (
            f"{lower_first(name)}={java_text(value.get(name), member)}" for name, member in shape.members.items()
        )
        return f"{shape.name}({', '.join(members)})"
    if isinstance(shape, ListShape):
        return f"[{', '.join(java_text(item, shape.member) for item in value)}]"
    if isinstance(shape, MapShape):
        pairs = (f"{key}={java_text(item, shape.value)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if shape.type_name == "blob":
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return str(value)
