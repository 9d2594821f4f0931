"""The codes that clients of SQS still see: those of its former query protocol, which the JSON model leaves out.

SQS sends them in the header ``x-amzn-query-error``, and botocore shows them as ``Error.Code``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PREFIX: Final = "AWS.SimpleQueueService."
_PREFIXED: Final = (
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "EmptyBatchRequest",
    "InvalidBatchEntryId",
    "MessageNotInflight",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
)

SQS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: _PREFIX + name for name in _PREFIXED},
        "QueueDoesNotExist": f"{_PREFIX}NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
    }
)
"""The code that clients see, by the error's name in the service model."""
