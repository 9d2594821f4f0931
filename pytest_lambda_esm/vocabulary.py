"""The fixed words of the public names, as types: a type checker finds a misspelt state, outcome, fate or kind.

The values are those that AWS or this package uses at run time; a test compares the two.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

TransitionalState: TypeAlias = Literal["Creating", "Enabling", "Disabling", "Updating", "Deleting"]
"""A state that ends by itself."""

AnyState: TypeAlias = Literal["Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting"]
"""A state that AWS documents."""

MappingState: TypeAlias = Literal[
    "Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting", "Deleted"
]
"""The state of a mapping in a test: ``"Deleted"`` is the end, where AWS answers that there is no such mapping."""

InvocationOutcome: TypeAlias = Literal["success", "error", "timeout", "exit"]
"""How an invocation ended."""

FateName: TypeAlias = Literal[
    "waiting",
    "delayed",
    "in flight",
    "deleted",
    "dead-lettered",
    "expired",
    "filtered out",
    "done",
    "sent to a destination",
    "discarded",
    "skipped by the starting position",
    "read by another consumer",
]
"""What became of a record; :class:`Fate` says which of them each kind of source has."""

EntryKind: TypeAlias = Literal[
    "call",
    "request",
    "transition",
    "poll",
    "invocation",
    "result",
    "throttle",
    "retry",
    "delivery",
    "schedule",
    "fate",
    "sleep",
    "advice",
    "fault",
    "permission",
]
"""The kind of an entry of the timeline."""

StepKind: TypeAlias = Literal[
    "sent", "poll", "invocation", "result", "caused", "throttle", "retry", "delivery", "fate", "now"
]
"""The kind of a step of a journey."""

OutcomeKind: TypeAlias = Literal["returns", "raises", "times_out", "throttled", "exits", "runs"]
"""The kind of an outcome in a script: the name of the function that makes it."""

NetworkFaultKind: TypeAlias = Literal["read timeout", "connect timeout", "connection reset", "lost response", "latency"]
"""The kind of a network fault."""

Per: TypeAlias = Literal["attempt", "call"]
"""What a fault counts and strikes: each of botocore's attempts, or a call with all of its attempts."""

ThrottleReason: TypeAlias = Literal[
    "ConcurrentInvocationLimitExceeded",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "CallerRateLimitExceeded",
    "ConcurrentSnapshotCreateLimitExceeded",
]
"""AWS's reasons for a throttle (API reference, ThrottleReason)."""
