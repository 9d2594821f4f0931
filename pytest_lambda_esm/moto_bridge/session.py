"""Starts and resets moto, and makes clients fast and safe while a fake is active.

Seen with botocore 1.36.0, 1.43.117 and 1.44.5: ``botocore.session.create_loader``, and
``RequestSigner.get_auth_instance`` with ``request_credentials``; with moto 5.1.9 and 5.2.5: ``MockAWS.start``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import boto3
import botocore.session
from botocore.credentials import Credentials
from botocore.loaders import Loader, create_loader
from botocore.signers import RequestSigner
from moto import mock_aws, settings
from moto.awslambda.models import lambda_backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import MockAWS, default_user_config
from moto.moto_api._internal import mock_random

from pytest_lambda_esm.errors import ConfigurationError, NotSimulated, nearest
from pytest_lambda_esm.moto_bridge import reuse
from pytest_lambda_esm.moto_bridge.reuse import registrations
from pytest_lambda_esm.patching import Patches, original_of

DEFAULT_ACCOUNT: Final = "123456789012"
_CREDENTIALS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""The variables that moto sets."""

PLACEHOLDERS: Final = ("FOOBARKEY", "FOOBARSECRET")
"""The access key and the secret key with which clients without credentials sign."""


@cache
def shared_loader(data_path: str | None = None) -> Loader:
    """Return the one loader of botocore's data files in this process.

    Parsing Lambda's service model takes most of the time of a test's first client, and moto discards boto3's default
    session in each test. The files do not change while a process runs, so the parsed data is kept for all tests.
    """
    return create_loader(data_path)


def refuse_server_mode() -> None:
    """Raise NotSimulated where moto runs in another process: pollers in this one could not reach its queues."""
    if settings.TEST_SERVER_MODE or settings.is_test_proxy_mode():
        raise NotSimulated(
            "moto is in server or proxy mode (TEST_SERVER_MODE or TEST_PROXY_MODE is set): its queues live in another"
            " process, which the pollers cannot read. Unset the variable for tests that use lambda_esm."
        )


def install(patches: Patches, *, region: str, account_id: str, seed: int) -> None:
    """Start moto with a region, an account and a seed; let clients share service models and need no credentials."""
    _enter_moto(patches, region, account_id, seed)
    _share_service_models(patches)
    reuse.install(patches)
    _sign_without_credentials(patches)


def _enter_moto(patches: Patches, region: str, account_id: str, seed: int) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_") or name == "MOTO_ACCOUNT_ID":
            patches.item(os.environ, name, os.environ[name])  # moto does not always restore these itself.
    before = {name: os.environ.get(name) for name in _CREDENTIALS}
    mock = mock_aws()
    registrations.start(mock)
    set_by_moto = {name: os.environ.get(name) for name in _CREDENTIALS}
    patches.then(lambda: _leave_moto(mock), lambda: _restore_variables(before, set_by_moto))
    _install_lambda_choice(patches)
    patches.item(os.environ, "AWS_DEFAULT_REGION", region)
    # Tests must not depend on a profile or an endpoint of the developer's machine.
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        patches.item(os.environ, name, None)
    patches.item(os.environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    if account_id != DEFAULT_ACCOUNT:
        patches.item(os.environ, "MOTO_ACCOUNT_ID", account_id)
    patches.set(boto3, "DEFAULT_SESSION", None)
    state = mock_random.getstate()
    patches.then(lambda: mock_random.setstate(state))
    mock_random.seed(seed)


def _install_lambda_choice(patches: Patches) -> None:
    """Keep moto's choice between its two Lambdas when a nested ``mock_aws`` has another ``use_docker``.

    Each of the two has its own functions, so those of the test would disappear. Neither uses Docker here.
    """
    use_docker = default_user_config.get("lambda", {}).get("use_docker", True)
    start = original_of(MockAWS, "start")

    def start_with_same_choice(mock: Any, *args: Any, **kwargs: Any) -> None:
        start(mock, *args, **kwargs)
        default_user_config["lambda"] = {**default_user_config.get("lambda", {}), "use_docker": use_docker}

    patches.item(default_user_config, "lambda", default_user_config.get("lambda"))
    patches.set(MockAWS, "start", start_with_same_choice)


def _leave_moto(mock: Any) -> None:
    # moto deletes the credentials that it set, and fails half-way where a test has deleted them (moto 5.1.9, 5.2.5).
    for name in _CREDENTIALS:
        os.environ.setdefault(name, "")
    mock.stop()


def _restore_variables(before: Mapping[str, str | None], replaced: Mapping[str, str | None]) -> None:
    """Give variables that have the replaced values again what they had before."""
    for name, value in before.items():
        if os.environ.get(name) != replaced[name]:
            continue
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _share_service_models(patches: Patches) -> None:
    """Have every session read botocore's data through one loader."""
    patches.set(botocore.session, "create_loader", lambda data_path=None: shared_loader(data_path))


def _sign_without_credentials(patches: Patches) -> None:
    """Have clients that found no credentials when they were created sign with placeholder ones."""
    original = original_of(RequestSigner, "get_auth_instance")

    def get_auth_instance(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._credentials is None and kwargs.get("request_credentials") is None:
            kwargs["request_credentials"] = Credentials(*PLACEHOLDERS)
        return original(self, *args, **kwargs)

    patches.set(RequestSigner, "get_auth_instance", get_auth_instance)


def restart(seed: int) -> None:
    """Reset moto to an empty state, with its randomness at the start of the seed."""
    BackendDict.reset()
    reset_model_data()
    mock_random.seed(seed)


def check_region(place: str, region: str, account_id: str) -> None:
    """Raise ConfigurationError, with the nearest regions, for a region that the installed botocore does not know."""
    __tracebackhide__ = True
    known = lambda_backends[account_id].regions
    if region not in known and not settings.allow_unknown_region():
        raise ConfigurationError(f"{place}: there is no region {region!r}. {nearest(str(region), known)}")


def backend_of(backends: Any, account_id: str, region: str) -> Any:
    """Return a service's backend; moto creates it where it does not exist yet.

    This is faster than moto's own look-up, which takes a lock and compares whole dictionaries each time.
    """
    regions = dict.get(backends, account_id)
    backend = dict.get(regions, region) if regions is not None else None
    return backend if backend is not None else backends[account_id][region]
