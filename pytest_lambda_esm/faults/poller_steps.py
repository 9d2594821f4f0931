"""The steps of pollers and of the asynchronous queue at which a fault can strike, and the faults of each step."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

READ: Final = "poller.Read"
INVOKE: Final = "poller.Invoke"
DELETE: Final = "poller.Delete"
CHECKPOINT: Final = "poller.Checkpoint"
SEND: Final = "poller.Send"
INVOKE_EVENT: Final = "poller.InvokeEvent"

STEPS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        READ: MappingProxyType(
            {
                "throttled": "the source throttles the poller; it reads again a little later",
                "failed": "the source does not answer; it reads again a little later",
                "duplicated": "what is read is delivered twice, as at-least-once allows",
                "reordered": "the oldest message is passed over, and comes last (standard queues)",
                "disabled": "the service disables the mapping at this moment; message is its reason",
                "deleted": "the mapping is deleted at this moment",
            }
        ),
        INVOKE: MappingProxyType(
            {
                "throttled": "the function is throttled and does not run",
                "failed": "the function fails before it starts",
                "timed_out": "the handler does all of its work and then runs into its timeout; its result is lost",
                "disabled": "the service disables the mapping while a batch is in flight; message is its reason",
                "deleted": "the mapping is deleted while a batch is in flight",
            }
        ),
        DELETE: MappingProxyType({"lost": "the messages are not deleted after success, and are received again"}),
        CHECKPOINT: MappingProxyType(
            {"late": "the checkpoint does not advance after success, and the records are read again"}
        ),
        SEND: MappingProxyType({"refused": "a destination or dead-letter queue refuses what it is sent"}),
        INVOKE_EVENT: MappingProxyType(
            {
                "throttled": "Lambda throttles an asynchronous event, and tries again later; no retry is used",
                "failed": "Lambda has an error of its own (5xx), and tries again later; no retry is used",
                "duplicated": "the event is delivered twice, as at-least-once allows",
                "timed_out": "the handler does all of its work and then runs into its timeout; its result is lost",
            }
        ),
    }
)
"""The faults of each step by their names, with what each one does. Where a handler runs, there is after_writes too."""

RUNS_A_HANDLER: Final = frozenset({INVOKE, INVOKE_EVENT})
"""The steps at which ``after_writes(n)`` can strike."""

_OF_A_MAPPING: Final = ("Mapping", "Source", "Function", "Records")

PARAMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(STEPS, _OF_A_MAPPING),
        SEND: ("Destination", "Body"),
        INVOKE_EVENT: ("Function", "RequestId", "Body"),
    }
)
"""The parameters of each step that ``match`` can use.

Steps of a mapping have its UUID, the ARNs of source and function, and the ids of the records. SEND has the
destination's ARN and the text that is sent, for mappings and asynchronous invocations alike. INVOKE_EVENT has the
function's ARN, the event's request id and its payload.
"""

FAILURES: Final[Mapping[str, str]] = MappingProxyType(
    {READ: "failed", INVOKE: "failed", DELETE: "lost", CHECKPOINT: "late"}
)
"""What happens at a step of a mapping's poller when the test's own code raises an exception there."""

NOTHING: Final[frozenset[str]] = frozenset()
KEEPS_ITS_ORDER: Final = frozenset({"reordered"})
"""The faults of READ that are impossible at a source that keeps its order: FIFO queues and streams."""
