"""Values as Java prints them (``[a, b]``, ``{k=v}``, ``true``), because AWS's texts show Java objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def lower_first(name: str) -> str:
    """A member's name as AWS's texts give it: ``KMSKeyArn`` is ``kMSKeyArn`` (recorded)."""
    return name[:1].lower() + name[1:]


def java_hash(text: str) -> int:
    """Java's ``String.hashCode`` as an unsigned number of 32 bits."""
    value = 0
    for unit in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"):
        value = (value * 31 + unit) & 0xFFFFFFFF
    return value


def hash_order(values: Iterable[str]) -> list[str]:
    """Strings in the order in which AWS's texts list a set of them.

    The recorded sets (``[LATEST, AT_TIMESTAMP, TRIM_HORIZON]`` and ``[x86_64, arm64]`` of Lambda, and those of
    Kinesis and DynamoDB, up to thirteen values) are in the order of the slots of a hash table of 32, by Java's
    string hash; only Lambda's lists of runtimes of 2017 and 2018 were not. For sets which such a table cannot
    hold (it grows when it is three quarters full) the order is chosen.
    """
    known = list(values)
    slots = 32
    while len(known) > slots * 3 // 4:
        slots *= 2
    return sorted(known, key=lambda value: java_hash(value) & (slots - 1))


def java_text(value: Any, shape: Shape) -> str:
    """A value of a shape as Java's ``toString`` gives it; absent members of structures are ``null``."""
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
