"""The steps of a poller at which a test may ask for trouble, and which trouble each step knows."""

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
                "deleted": "somebody deletes the mapping at this moment",
            }
        ),
        INVOKE: MappingProxyType(
            {
                "throttled": "the function is throttled and does not run",
                "failed": "the function fails before it starts",
                "disabled": "the service disables the mapping with a batch in hand; message is its reason",
                "deleted": "somebody deletes the mapping with a batch in hand",
            }
        ),
        DELETE: MappingProxyType({"lost": "the messages are not deleted after success, and come again"}),
        CHECKPOINT: MappingProxyType(
            {"late": "after success the checkpoint stays where it was; the records come again"}
        ),
        SEND: MappingProxyType({"refused": "a destination or dead-letter queue refuses what it is sent"}),
        INVOKE_EVENT: MappingProxyType(
            {
                "throttled": "Lambda throttles an asynchronous event, and tries again later; no retry is used",
                "failed": "Lambda has an error of its own (5xx), and tries again later; no retry is used",
            }
        ),
    }
)
"""The trouble that each step knows, by its word."""

_OF_A_MAPPING: Final = ("Mapping", "Source", "Function", "Records")

PARAMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(STEPS, _OF_A_MAPPING),
        SEND: ("Destination", "Body"),
        INVOKE_EVENT: ("Function", "RequestId", "Body"),
    }
)
"""What each step tells to match: the mapping's UUID, the ARNs of source and function, the records' ids; for SEND the
destination's ARN and the text that it is sent, for mappings and asynchronous invocations alike; for INVOKE_EVENT the
function's ARN, the event's request id and its payload."""
