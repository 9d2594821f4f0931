"""Whether an event source exists in moto. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.

moto has no brokers to read from, so clusters of Kafka and DocumentDB and brokers of Amazon MQ are not looked up: any
of them is taken to exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from moto.dynamodb.models import dynamodb_backends
from moto.kinesis.models import kinesis_backends
from moto.sqs.models import sqs_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.moto_bridge.streams.kinesis import has_consumer
from pytest_lambda_esm.sources.event_source import SourceFacts

_THERE: Final = SourceFacts()


class MotoSources:
    """Finds queues, streams, consumers of streams and streams of tables in moto's storage; brokers anywhere."""

    def find(self, arn: Arn) -> SourceFacts | None:
        """The source of an ARN, or None where it does not exist."""
        look = _BY_SERVICE.get(arn.service)
        return look(arn) if look is not None else None


def _queue(arn: Arn) -> SourceFacts | None:
    queue = _stored(sqs_backends, arn, "queues").get(arn.resource)
    return SourceFacts(visibility_timeout=int(queue.visibility_timeout)) if queue is not None else None


def _stream(arn: Arn) -> SourceFacts | None:
    _, name, *consumer = arn.resource.split("/", 2)
    stream = _stored(kinesis_backends, arn, "streams").get(name)
    if stream is None:
        return None
    return _THERE if not consumer or has_consumer(stream, arn.resource) else None


def _table_stream(arn: Arn) -> SourceFacts | None:
    table_name, _, label = arn.resource.partition("/")[2].partition("/stream/")
    table = _stored(dynamodb_backends, arn, "tables").get(table_name)
    return _THERE if table is not None and label and table.latest_stream_label == label else None


def _broker(_: Arn) -> SourceFacts:
    return _THERE


def _stored(backends: Any, arn: Arn, collection: str) -> Mapping[str, Any]:
    if not arn.account_id or not arn.region:
        return {}
    try:
        found: Mapping[str, Any] = getattr(backends[arn.account_id][arn.region], collection)
    except KeyError:  # a region that the service does not have
        return {}
    return found


_BY_SERVICE: Final[Mapping[str, Callable[[Arn], SourceFacts | None]]] = MappingProxyType(
    {
        "sqs": _queue,
        "kinesis": _stream,
        "dynamodb": _table_stream,
        "kafka": _broker,
        "mq": _broker,
        "rds": _broker,
    }
)


def problem(key_arn: str) -> tuple[str, str] | None:
    """Why filter criteria cannot be decrypted: an error code and a message; None where they can.

    A key that moto does not know counts as usable, so that tests need not make one. Codes and texts are chosen after
    those of KMS.
    """
    key = _key(key_arn)
    if key is None or key.key_state == "Enabled":
        return None
    if key.key_state == "Disabled":
        return "KMSDisabledException", f"{key_arn} is disabled."
    return "KMSInvalidStateException", f"{key_arn} is pending deletion."


def _key(key_arn: str) -> Any:
    from moto.kms.models import kms_backends  # most tests never ask

    arn = Arn.parse(key_arn)
    if arn is None or not arn.account_id or not arn.region:
        return None
    try:
        keys = kms_backends[arn.account_id][arn.region].keys
    except KeyError:  # a region that the service does not have
        return None
    return keys.get(arn.resource.partition("/")[2])
