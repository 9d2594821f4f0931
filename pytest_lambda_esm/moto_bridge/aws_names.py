"""Which host names are AWS's, in all partitions that the installed botocore knows.

Seen with botocore 1.36.0, 1.43.117 and 1.44.5: the data files ``partitions`` and ``endpoints``, with ``dnsSuffix``,
``dualStackDnsSuffix`` and ``variants``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.session import shared_loader

_NOT_IN_BOTOCORE: Final = frozenset({"aws", "aws.amazon.com", "awsapps.com", "amazonaws.cn"})
"""Function URLs (``on.aws``) and sign-in (``signin.aws``) are in the top-level domain ``aws``, which is AWS's own; the
others serve federation, portals and consoles."""
_NOT_IN_OLD_BOTOCORE: Final = frozenset({"amazonaws.eu", "aws.hci.ic.gov"})
"""Suffixes of newer partitions, which botocore 1.36.0 does not know."""

_METADATA: Final = frozenset(map(ip_address, ("fd00:ec2::254", "fd00:ec2::23")))
"""Where EC2 and EKS serve credentials over IPv6. Their IPv4 addresses, and those of ECS, are link-local."""


def is_aws(host: object) -> bool:
    """Return whether a host name, as ``socket`` takes it, is one of AWS's: text or bytes, in any spelling."""
    name = _normalized(host)
    parts = name.split(".")
    suffixes = _suffixes() if len(parts) > 1 else ()
    return any(".".join(parts[place:]) in suffixes for place in range(len(parts)))


def is_local(host: str | None) -> bool:
    """Return whether a URL's host is this machine: a loopback address, or ``localhost``."""
    name = _normalized(host)
    address = _address(name)
    return address.is_loopback if address is not None else name == "localhost" or name.endswith(".localhost")


def serves_credentials(host: str | None) -> bool:
    """Return whether a URL's host is where EC2, ECS and EKS serve credentials to the machine."""
    address = _address(_normalized(host))
    return address is not None and (address.is_link_local or address in _METADATA)


def _address(name: str) -> Any:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _normalized(host: object) -> str:
    """Return a name as ``socket`` would look it up: full-width letters and other dots read as ASCII ones."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return ""
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        name = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    return name.lower().rstrip(".")


@cache
def _suffixes() -> frozenset[str]:
    """Return the suffixes of AWS's names. Dual-stack names begin with ``api``, whose parents are AWS's as well."""
    return _NOT_IN_BOTOCORE | _NOT_IN_OLD_BOTOCORE | {suffix.removeprefix("api.") for suffix in _suffixes_of_botocore()}


def _suffixes_of_botocore() -> Iterator[str]:
    for partition in shared_loader().load_data("partitions")["partitions"]:
        outputs = partition["outputs"]
        yield from (outputs[name] for name in ("dnsSuffix", "dualStackDnsSuffix") if name in outputs)
    for partition in shared_loader().load_data("endpoints")["partitions"]:
        yield partition["dnsSuffix"]
        for variant in partition.get("defaults", {}).get("variants", ()):
            if "dnsSuffix" in variant:
                yield variant["dnsSuffix"]
