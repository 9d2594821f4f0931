"""Whether a destination exists in moto. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from moto.sqs.models import sqs_backends

from pytest_lambda_esm.invocation.configuration import Functions
from pytest_lambda_esm.invocation.function_name import parse
from pytest_lambda_esm.sources.arn import Arn


class MotoDestinationFinder:
    """Finds queues, topics, buckets, event buses and functions, each in the account and region of its ARN."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def exists(self, arn: Arn) -> bool:
        """Whether a queue, topic, bucket, function or event bus is there."""
        if arn.service == "lambda":
            text = f"arn:{arn.partition}:lambda:{arn.region}:{arn.account_id}:{arn.resource}"
            return self._functions.find(parse(text, arn.account_id, arn.region)) is not None
        look = _BY_SERVICE.get(arn.service)
        try:
            return look is not None and look(arn)
        except KeyError:  # a region that the service does not have
            return False


def _queue(arn: Arn) -> bool:
    return arn.resource in sqs_backends[arn.account_id][arn.region].queues


# The backends below are imported when they are asked: most tests never do.


def _topic(arn: Arn) -> bool:
    from moto.sns.models import sns_backends

    topics = sns_backends[arn.account_id][arn.region].topics
    return f"arn:{arn.partition}:sns:{arn.region}:{arn.account_id}:{arn.resource}" in topics


def _bucket(arn: Arn) -> bool:
    from moto.s3.models import s3_backends

    return any(
        arn.resource in backend.buckets for partitions in s3_backends.values() for backend in partitions.values()
    )


def _bus(arn: Arn) -> bool:
    from moto.events.models import events_backends

    kind, _, name = arn.resource.partition("/")
    return kind == "event-bus" and name in events_backends[arn.account_id][arn.region].event_buses


_BY_SERVICE: Final[Mapping[str, Callable[[Arn], bool]]] = MappingProxyType(
    {"sqs": _queue, "sns": _topic, "s3": _bucket, "events": _bus}
)
