"""Random ids from a seed. They are made in batches, since one at a time takes several times as long."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Final

_BATCH: Final = 16
_UUID_BYTES: Final = 16
_RECEIPT_BYTES: Final = 96

_VERSION_4: Final = bytes(0x40 | byte & 0x0F for byte in range(256))
_VARIANT: Final = bytes(0x80 | byte & 0x3F for byte in range(256))
"""Translate a random byte into one that holds the version, or the variant, of a UUID."""


class Ids:
    """Ids of one kind; ``make_batch()`` makes some."""

    def __init__(self, make_batch: Callable[[], list[str]]) -> None:
        self._make_batch = make_batch
        self._ready: list[str] = []

    def new(self) -> str:
        """Return an id that was not returned before."""
        try:
            return self._ready.pop()
        except IndexError:  # Not checked first, since another thread may take the last one in between.
            *self._ready, new = self._make_batch()
            return new


def uuids(randomness: random.Random) -> Ids:
    """Return UUIDs of version 4."""

    def make_batch() -> list[str]:
        batch = bytearray(randomness.randbytes(_UUID_BYTES * _BATCH))
        batch[6::_UUID_BYTES] = batch[6::_UUID_BYTES].translate(_VERSION_4)
        batch[8::_UUID_BYTES] = batch[8::_UUID_BYTES].translate(_VARIANT)
        return [_uuid_text(batch[first : first + _UUID_BYTES]) for first in range(0, len(batch), _UUID_BYTES)]

    return Ids(make_batch)


def _uuid_text(number: bytearray) -> str:
    digits = number.hex("-", 2)
    return f"{digits[:4]}{digits[5:29]}{digits[30:34]}{digits[35:]}"


def receipts(randomness: random.Random) -> Ids:
    """Return the random parts of receipt handles: 128 characters of base64."""

    def make_batch() -> list[str]:
        batch = base64.b64encode(randomness.randbytes(_RECEIPT_BYTES * _BATCH)).decode()
        length = len(batch) // _BATCH
        return [batch[first : first + length] for first in range(0, len(batch), length)]

    return Ids(make_batch)
