"""How records are filtered, per event source: where their data is, how it is encoded, what a mismatch does.

Follows the developer guide's pages on event filtering, one for each source. They distinguish three kinds of patterns:
for JSON data (the data key has an object), for plain text (the data key has a list), and without the data key; and
three forms of a record's data (``DataForm``).
"""

from __future__ import annotations

import base64
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.filters.strict_json import read_document


class DataForm(enum.Enum):
    """The form of a record's data; the values are for explanations."""

    JSON = "JSON"
    PLAIN = "plain text"
    UNREADABLE = "no readable text"


class Encoding(enum.Enum):
    """How the data is encoded in a record."""

    TEXT = "text"
    BASE64 = "base64"
    OBJECT = "object"


class PlainPattern(enum.Enum):
    """The effect of a pattern for plain text."""

    MATCHES_TEXT = "matches the text"
    REFUSED = "refused at create and update"


class Mismatch(enum.Enum):
    """The effect of data in another form than the pattern expects."""

    DROPS = "the record does not pass this filter"
    IGNORES_DATA = "only the other keys of the pattern count"


@dataclass(frozen=True, slots=True)
class DataRules:
    """How the records of one event source are filtered.

    ``data_key`` is the top-level key of a pattern for the data, None if the source has no filters. ``data_parent`` is
    the member of the record that contains the data, None if the record itself does; the other members of that parent
    are top-level keys of a pattern, too. ``unmatched`` describes what happens to a record that no filter matches.
    """

    source: str
    data_key: str | None
    data_parent: str | None
    encoding: Encoding
    plain_pattern: PlainPattern
    mismatch: Mismatch
    unmatched: str

    def read(self, record: Mapping[str, Any]) -> tuple[DataForm, Any]:
        """Return the form and the decoded value of a record's data: an object or list, a text, or None.

        Never raises: missing data, data of the wrong type and bytes that are not UTF-8 are UNREADABLE.
        """
        parent = record if self.data_parent is None else record.get(self.data_parent)
        data = parent.get(self.data_key or "") if isinstance(parent, Mapping) else None
        if self.encoding is Encoding.OBJECT:
            return (DataForm.JSON, data) if type(data) is dict else (DataForm.UNREADABLE, None)
        if self.encoding is Encoding.BASE64:
            data = _decoded(data)
        if type(data) is not str:
            return DataForm.UNREADABLE, None
        document = read_document(data)
        return (DataForm.PLAIN, data) if document is None else (DataForm.JSON, document)

    def metadata(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record for the other keys of a pattern: its members, and those of the data's parent."""
        parent = record.get(self.data_parent) if self.data_parent is not None else None
        return {**record, **parent} if isinstance(parent, Mapping) else dict(record)


def _decoded(data: Any) -> str | None:
    if not isinstance(data, str | bytes):
        return None
    try:
        return base64.b64decode(data, validate=True).decode("utf-8")
    except ValueError:
        return None


SQS: Final = DataRules(
    source="SQS",
    data_key="body",
    data_parent=None,
    encoding=Encoding.TEXT,
    plain_pattern=PlainPattern.MATCHES_TEXT,
    mismatch=Mismatch.DROPS,
    unmatched="the message is deleted",
)

KINESIS: Final = DataRules(
    source="Kinesis",
    data_key="data",
    data_parent="kinesis",
    encoding=Encoding.BASE64,
    plain_pattern=PlainPattern.REFUSED,
    mismatch=Mismatch.DROPS,
    unmatched="the record is skipped and the iterator moves on",
)

DYNAMODB: Final = DataRules(
    source="DynamoDB",
    data_key="dynamodb",
    data_parent=None,
    encoding=Encoding.OBJECT,
    plain_pattern=PlainPattern.REFUSED,
    mismatch=Mismatch.DROPS,
    unmatched="the record is skipped and the iterator moves on",
)

KAFKA: Final = DataRules(
    source="Kafka",
    data_key="value",
    data_parent=None,
    encoding=Encoding.BASE64,
    plain_pattern=PlainPattern.MATCHES_TEXT,
    mismatch=Mismatch.IGNORES_DATA,
    unmatched="the record is skipped, its offset is committed with the batch",
)

MQ: Final = DataRules(
    source="Amazon MQ",
    data_key="data",
    data_parent=None,
    encoding=Encoding.BASE64,
    plain_pattern=PlainPattern.MATCHES_TEXT,
    mismatch=Mismatch.IGNORES_DATA,
    unmatched="the message is acknowledged at once",
)

DOCUMENTDB: Final = DataRules(
    source="DocumentDB",
    data_key=None,
    data_parent=None,
    encoding=Encoding.OBJECT,
    plain_pattern=PlainPattern.REFUSED,
    mismatch=Mismatch.DROPS,
    unmatched="DocumentDB has no filters",
)
