"""What moto keeps of the data that code has written: items, objects, messages and records.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5: ``Table.all_items``, ``FakeBucket.keys``, ``Shard.records``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

from boto3.dynamodb.types import TypeDeserializer

from pytest_lambda_esm.moto_bridge.lookups import COLLECTIONS
from pytest_lambda_esm.moto_bridge.sqs.messages import body_of, table_of


class Kept(NamedTuple):
    """A thing that is kept: the place, such as ``table charges``, its key there, and its value.

    Items have their attributes as boto3's resources return them, objects their bytes. Messages and records have no key
    of their own: the key is their content, and they have no value.
    """

    place: str
    key: str
    value: Any = None


def everything_kept() -> Iterator[Kept]:
    """Return the contents of all tables, buckets, queues and streams, of all accounts and regions."""
    read = TypeDeserializer().deserialize
    for name, table in COLLECTIONS["table"].everywhere():
        keys = [key for key in (table.hash_key_attr, table.range_key_attr) if key]
        for item in table.all_items():
            attributes = {key: read(value) for key, value in item.to_json()["Attributes"].items()}
            yield Kept(f"table {name}", ", ".join(str(attributes.get(key)) for key in keys), attributes)
    for name, bucket in COLLECTIONS["bucket"].everywhere():
        for key, stored in bucket.keys.items():
            if hasattr(stored, "value"):  # The marker of a deletion has none.
                yield Kept(f"bucket {name}", str(key), stored.value)
    for _, queue in COLLECTIONS["queue"].everywhere():
        for message in table_of(queue):
            yield Kept(f"queue {queue.name}", body_of(message))
    for _, stream in COLLECTIONS["stream"].everywhere():
        for shard in stream.shards.values():
            for record in shard.records.values():
                yield Kept(f"stream {stream.stream_name}", f"{record.partition_key}: {_text(record.data)}")


def _text(data: Any) -> str:
    return base64.b64decode(data).decode("utf-8", "replace")
