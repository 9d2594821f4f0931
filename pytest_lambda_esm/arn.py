"""ARNs, and the forms in which a request may name a function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_PARTITIONS: Final = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-iso-", "aws-iso"),
    ("eusc-", "aws-eusc"),
)


def partition_of(region: str) -> str:
    """Return the partition of a region, as in its ARNs: ``aws`` nearly everywhere."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of an ARN; ``resource`` is everything after the account."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn | None:
        """Parse an ARN. Return None if the text is not an ARN."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            return None
        return cls(*parts[1:])


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function as a request named it. ``qualifier`` is a version, an alias, ``$LATEST`` or None.

    ``foreign`` says that the request named a partition to which the region does not belong, so that no such function
    can exist.
    """

    account_id: str
    region: str
    name: str
    qualifier: str | None = None
    partition: str = "aws"
    foreign: bool = False

    @property
    def unqualified_arn(self) -> str:
        """The function's ARN without a qualifier."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account_id}:function:{self.name}"

    @property
    def arn(self) -> str:
        """The function's ARN, with the qualifier if there is one."""
        return self.unqualified_arn if self.qualifier is None else f"{self.unqualified_arn}:{self.qualifier}"


@lru_cache(maxsize=256)
def parse(text: str, account_id: str, region: str) -> FunctionReference:
    """Parse a function's name, partial ARN or full ARN, each with or without a qualifier.

    ``account_id`` and ``region`` are those of the request, for what the text leaves out. The text has to match the
    pattern ``NamespacedFunctionName``.
    """
    partition = ""
    rest = text
    if rest.startswith("arn:"):
        _, partition, _, region, account_id, rest = rest.split(":", 5)
    else:
        head, separator, tail = rest.partition(":")
        if separator and head.count("-") >= 2 and head[-1].isdigit() and _is_account(tail.partition(":")[0]):
            region, rest = head, tail
            head, separator, tail = rest.partition(":")
        if separator and _is_account(head):
            account_id, rest = head, tail
    # "arn:aws:lambda:us-east-1:123456789012:function" names the function "function" (recorded).
    if rest.startswith("function:") and rest != "function:":
        rest = rest[len("function:") :]
    name, _, qualifier = rest.partition(":")
    actual = partition_of(region)
    foreign = partition not in ("", actual)
    return FunctionReference(account_id, region, name, qualifier or None, partition or actual, foreign)


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isdigit()
