"""Which operations write: whether AWS keeps something of a call, which a second call would do twice.

Service models do not say so. The names do: AWS's operations begin with a verb from a small vocabulary.
"""

from __future__ import annotations

from typing import Final

_READING_VERBS: Final = (
    "BatchGet",
    "Check",
    "Count",
    "Decode",
    "Decrypt",
    "Describe",
    "Detect",
    "Discover",
    "Download",
    "Encrypt",
    "Estimate",
    "Evaluate",
    "Filter",
    "Generate",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Preview",
    "Query",
    "Read",
    "Receive",
    "Resolve",
    "Sample",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "TransactGet",
    "Translate",
    "Validate",
    "Verify",
    "View",
)

_READING: Final = frozenset(
    {
        ("sqs", "ChangeMessageVisibility"),
        ("sqs", "ChangeMessageVisibilityBatch"),
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithSAML"),
        ("sts", "AssumeRoleWithWebIdentity"),
    }
)
"""The operations that keep nothing which a test could see, although their verbs say otherwise."""


def writes(service: str, operation: str) -> bool:
    """Return whether an operation of a service writes; ``service`` is its name in boto3, such as ``dynamodb``."""
    return not operation.startswith(_READING_VERBS) and (service, operation) not in _READING
