"""Random ids out of a seed. Some are made in advance: one at a time takes several times as long."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Final

_AT_A_TIME: Final = 16
_UUID: Final = 16
_RECEIPT: Final = 96
"""How many bytes they take."""

_VERSION_4: Final = bytes(0x40 | byte & 0x0F for byte in range(256))
_VARIANT: Final = bytes(0x80 | byte & 0x3F for byte in range(256))
"""What stands for each random byte, in the places where a UUID tells its version and its variant."""


class Ids:
    """Ids of one kind; ``more()`` makes some."""

    def __init__(self, more: Callable[[], list[str]]) -> None:
        self._more = more
        self._ready: list[str] = []

    def new(self) -> str:
        """One that was not there before."""
        try:
            return self._ready.pop()
        except IndexError:  # Not asked before, since another thread may take the last one.
            *self._ready, new = self._more()
            return new


def uuids(randomness: random.Random) -> Ids:
    """UUIDs of version 4."""

    def more() -> list[str]:
        many = bytearray(randomness.randbytes(_UUID * _AT_A_TIME))
        many[6::_UUID] = many[6::_UUID].translate(_VERSION_4)
        many[8::_UUID] = many[8::_UUID].translate(_VARIANT)
        return [_uuid(many[first : first + _UUID]) for first in range(0, len(many), _UUID)]

    return Ids(more)


def _uuid(number: bytearray) -> str:
    digits = number.hex("-", 2)
    return f"{digits[:4]}{digits[5:29]}{digits[30:34]}{digits[35:]}"


def receipts(randomness: random.Random) -> Ids:
    """What tells the receipts of a message apart: 128 letters and digits, as base64 has them."""

    def more() -> list[str]:
        many = base64.b64encode(randomness.randbytes(_RECEIPT * _AT_A_TIME)).decode()
        length = len(many) // _AT_A_TIME
        return [many[first : first + length] for first in range(0, len(many), length)]

    return Ids(more)
