"""Which versions of aiobotocore work: those that have what this folder replaces."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any, Final

import aiobotocore
from botocore.endpoint import Endpoint

from pytest_lambda_esm.errors import NotSimulated
from pytest_lambda_esm.patching import Patches, original_of

SUPPORTED: Final = "2.25, 3.8, 3.9 and 3.10"
"""The minor versions that the tests run with."""

_ASYNCHRONOUS: Final = (
    "client.AioBaseClient._emit_api_params",
    "client.AioBaseClient._make_request",
    "endpoint.AioEndpoint._do_get_response",
    "httpsession.AIOHTTPSession.send",
    "httpxsession.HttpxSession.send",
    "retries.bucket.AsyncTokenBucket._acquire",
    "signers.AioRequestSigner.get_auth_instance",
)
_OTHERS: Final = (
    "awsrequest.AioAWSResponse",
    "credentials.AioCredentials",
    "endpoint.asyncio",
    "endpoint.first_non_none_response",
    "retries.bucket.AsyncTokenBucket._refill",
    "retries.standard.AioRetryHandler",
    "waiter.asyncio",
)


def missing() -> str | None:
    """Return a part of aiobotocore that is needed and not there, or is of another kind; None if all are there."""
    parts = ((path, _find(path)) for path in (*_ASYNCHRONOUS, *_OTHERS))
    return next((f"aiobotocore.{path}" for path, found in parts if not _is_as_needed(path, found)), None)


def _is_as_needed(path: str, found: Any) -> bool:
    if found is None:
        return False
    module = str(getattr(found, "__module__", "")).partition(".")[0]
    if path in _OTHERS or module not in ("aiobotocore", "botocore"):
        return True  # Also what others have put in its place.
    return module == "aiobotocore" and inspect.iscoroutinefunction(found)


def _find(path: str) -> Any:
    """Return what has a name inside of aiobotocore, or None."""
    folder: Any = aiobotocore
    for name in path.split("."):
        if inspect.ismodule(folder) and not hasattr(folder, name):
            try:
                importlib.import_module(f"{folder.__name__}.{name}")
            except ImportError:
                return None
        folder = getattr(folder, name, None)
    return folder


def refuse(patches: Patches, part: str, on_error: Callable[[BaseException], None]) -> None:
    """Refuse each call of aiobotocore's clients, since this part of aiobotocore is not as it was."""
    original = original_of(Endpoint, "make_request")

    def make_request(endpoint: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if type(endpoint).__module__.partition(".")[0] != "aiobotocore":
            return original(endpoint, *args, **kwargs)
        version = getattr(aiobotocore, "__version__", "of an unknown version")
        refused = NotSimulated(
            f"clients of aiobotocore {version} are not simulated: pytest-lambda-esm replaces {part}, which is not there"
            f" or works differently. It is tested with aiobotocore {SUPPORTED}. Install one of these, or a newer"
            f" pytest-lambda-esm; or use boto3 in this test."
        )
        on_error(refused)
        raise refused

    patches.set(Endpoint, "make_request", make_request)
