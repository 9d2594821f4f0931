"""What Kinesis and DynamoDB streams have in common as event sources. Key sets and defaults are recorded."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

STREAM_DEFAULTS: Final = MappingProxyType[str, Any](
    {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "TumblingWindowInSeconds": 0,
    }
)

STREAM_OPTIONAL: Final = frozenset(
    {"FilterCriteria", "KMSKeyArn", "MetricsConfig", "StartingPosition", "StartingPositionTimestamp"}
)

STREAM_DESTINATIONS: Final = frozenset({"sqs", "sns", "s3"})
