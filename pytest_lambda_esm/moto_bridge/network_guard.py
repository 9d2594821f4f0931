"""No AWS request leaves the process while a fake is active. Two guards keep this promise.

* ``URLLib3Session.send`` is botocore's way to the network. Clients that were created before moto was imported do not
  ask moto; the guard offers their requests to moto after all, and refuses those that moto does not serve.
* ``socket.getaddrinfo`` looks names up for all other clients, such as urllib, httpx and aiobotocore; the guard refuses
  names of AWS. Requests of botocore and ``requests`` never get that far: moto answers them.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5, and botocore 1.36.0, 1.43.117 and 1.44.5.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session
from moto.core.models import botocore_stubber

from pytest_lambda_esm.errors import NetworkBlocked
from pytest_lambda_esm.patching import Patches, original_of

_METADATA_HOSTS: Final = frozenset({"169.254.169.254", "169.254.170.2", "fd00:ec2::254"})
"""Where EC2 and ECS serve credentials."""

_AWS_NAME: Final = re.compile(
    r"(.+\.)?(amazonaws\.(com(\.cn)?|eu)|api\.aws|on\.aws|amazonwebservices\.com\.cn|(c2s|sc2s)\.[a-z]+\.gov)\.?",
    re.IGNORECASE,
)
"""Names of AWS's services in all partitions, and of function URLs."""


def install(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    """Install both guards. ``on_error`` is called with each refusal, which is raised as well."""
    _install_request_guard(patches, on_error)
    _install_name_guard(patches, on_error)


def _install_request_guard(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    def send(self: Any, request: Any) -> Any:
        if urlsplit(request.url).hostname in _METADATA_HOSTS:
            # botocore looks for credentials there last. Outside of EC2 nothing answers, so nothing does here.
            raise EndpointConnectionError(endpoint_url=request.url)
        response = botocore_stubber("before-send", request)
        if response is not None:
            return response
        blocked = NetworkBlocked(
            f"{request.method} {request.url} would have left the process: no AWS request does while the fake is"
            f" active. moto does not serve this address. If the client was given an endpoint_url, leave it out in"
            f" tests; if moto was stopped inside the test, start and stop it in pairs; if it is a service that moto"
            f" lacks, replace the client."
        )
        on_error(blocked)
        raise blocked

    patches.set(URLLib3Session, "send", send)


def _install_name_guard(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    original = original_of(socket, "getaddrinfo")

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and _AWS_NAME.fullmatch(name):
            blocked = NetworkBlocked(
                f"a request to {name} would have left the process: none to AWS does while the fake is active. moto"
                f" answers boto3, botocore and requests; give other clients the address of a server of the test's own."
            )
            on_error(blocked)
            raise blocked
        return original(host, *args, **kwargs)

    patches.set(socket, "getaddrinfo", getaddrinfo)
