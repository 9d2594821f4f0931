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
        CHECKPOINT: MappingProxyType({"late": "the checkpoint stays where it was; the records come again"}),
        SEND: MappingProxyType({"refused": "the destination refuses the record of a failure"}),
    }
)
"""The trouble that each step knows, by its word."""

PARAMS: Final = ("Mapping", "Source", "Function", "Records")
"""What a step tells to match: the mapping's UUID, the source's ARN, the function's ARN, the records' ids."""
