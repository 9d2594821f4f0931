"""Begins moto anew in the middle of a test, and says what is in it. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, Final

from botocore.retries.quota import RetryQuota
from moto.awslambda.models import lambda_backends
from moto.awslambda_simple.models import lambda_simple_backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.dynamodb.models import dynamodb_backends
from moto.kinesis.models import kinesis_backends
from moto.moto_api._internal import mock_random
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from pytest_lambda_esm.moto_bridge.patches import Patches

_HELD: Final = (
    ("queue", sqs_backends, "queues"),
    ("stream", kinesis_backends, "streams"),
    ("table", dynamodb_backends, "tables"),
    ("topic", sns_backends, "topics"),
    ("bucket", s3_backends, "buckets"),
)


def begin_anew(seed: int) -> None:
    """Let moto forget everything; what it invents from now on comes out of the seed again."""
    BackendDict.reset()
    reset_model_data()
    mock_random.seed(seed)


def held() -> Iterator[str]:
    """What is in moto, of the things that tests make: ``queue 'orders'``, ``function 'orders'`` ..."""
    for kind, backends, attribute in _HELD:
        for backend in _all(backends):
            yield from (f"{kind} {str(name).rpartition(':')[2]!r}" for name in getattr(backend, attribute))
    for backends in (lambda_backends, lambda_simple_backends):
        for backend in _all(backends):
            yield from (f"function {function.function_name!r}" for function in backend.list_functions())


def _all(backends: Any) -> Iterator[Any]:
    for regions in list(backends.values()):
        yield from list(regions.values())


class RetryQuotas:
    """The retry quotas of the clients that are in use: a client made outside of a world does not bring its own past.

    Seen with botocore 1.36.26, 1.43.117 and 1.44.5: ``RetryQuota.acquire``, ``_max_capacity``,
    ``_available_capacity``.
    """

    def __init__(self) -> None:
        self._used: weakref.WeakSet[Any] = weakref.WeakSet()

    def follow(self, patches: Patches) -> None:
        """Begin to note the quotas that are drawn on."""
        original = RetryQuota.acquire

        def acquire(quota: Any, *args: Any, **kwargs: Any) -> Any:
            self._used.add(quota)
            return original(quota, *args, **kwargs)

        patches.set(RetryQuota, "acquire", acquire)

    def refill(self) -> None:
        """Fill each of them up."""
        for quota in list(self._used):
            quota._available_capacity = quota._max_capacity
