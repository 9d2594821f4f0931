"""Chains of invocations, each caused by the one before, as plain integers that fit into messages and records.

A chain holds two numbers: its whole length, and how many invocations at its end Lambda's loop detection counts. The
detection follows trace headers. Queues, topics and calls of Invoke pass those on, streams do not.
"""

from __future__ import annotations

from typing import Final

_TRACED: Final = 1 << 32
"""The unit of the traced part. In the order of integers, the chain with the longest traced part is the greatest."""

_LENGTH: Final = _TRACED - 1


def length(chain: int) -> int:
    """Return how many invocations led to this point; 0 outside handlers."""
    return chain & _LENGTH


def traced(chain: int) -> int:
    """Return how many of them Lambda's loop detection counts."""
    return chain // _TRACED


def longer(chain: int) -> int:
    """Return the chain with one more invocation."""
    return chain + _TRACED + 1


def untraced(chain: int) -> int:
    """Return the chain as it continues behind a service that passes on no trace header."""
    return chain & _LENGTH
