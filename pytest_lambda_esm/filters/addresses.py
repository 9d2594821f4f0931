"""``{"cidr": "10.0.0.0/24"}``: ranges of IPv4 and IPv6 addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from pytest_lambda_esm.filters.refusal import InvalidPattern

_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_BITS = {4: 32, 6: 128}


def _address(text: str) -> tuple[int, int] | None:
    """The version and the number of an address, or None for a text that is none."""
    try:
        if _IPV4.fullmatch(text):
            return 4, int(ipaddress.IPv4Address(text))
        if _IPV6.fullmatch(text):
            return 6, int(ipaddress.IPv6Address(text))
    except ValueError:
        pass
    return None


def matcher(text: str) -> Callable[[str], bool]:
    """Compile a range to a test of a string; a string that is no address is outside every range.

    As in AWS's open source rule engine (event-ruler, since its change 89 of 2023) the range is the whole network,
    whichever of its addresses is written; a mask which leaves a single address (/32, /128) is refused.
    """
    written, slash, mask = text.partition("/")
    if not slash or "/" in mask:
        raise InvalidPattern(f"cidr {text!r} needs exactly one slash")
    if not re.fullmatch(r"[0-9]+", mask, re.ASCII):
        raise InvalidPattern(f"cidr {text!r}: the mask {mask!r} is not a whole number of bits")
    address = _address(written)
    if address is None:
        raise InvalidPattern(f"cidr {text!r}: {written!r} is not an IP address")
    version, number = address
    # Four digits are enough to be too many, and Python converts no number of thousands of digits.
    bits = int(mask.lstrip("0")[:4] or "0")
    if bits >= _BITS[version]:
        raise InvalidPattern(f"cidr {text!r}: the mask must be below {_BITS[version]} bits")
    span = (1 << (_BITS[version] - bits)) - 1
    lowest, highest = number & ~span, number | span

    def matches(value: str) -> bool:
        found = _address(value)
        return found is not None and found[0] == version and lowest <= found[1] <= highest

    return matches
