"""Lets nobody in the process find AWS: for clients that are not botocore's, such as urllib, httpx and aiobotocore."""

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
from pytest_lambda_esm.patching import Patches

_METADATA_HOSTS: Final = frozenset({"169.254.169.254", "169.254.170.2", "fd00:ec2::254"})


def install(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    """Install both guards; ``on_error`` is called with each refusal, which is raised as well."""
    _guard_requests(patches, on_error)
    _guard_names(patches, on_error)


def _guard_requests(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    """Answer requests of clients that moto does not reach, and refuse what would leave the process.

    ``failed`` hears of each refusal, which is raised as well.
    """

    def send(self: Any, request: Any) -> Any:
        if urlsplit(request.url).hostname in _METADATA_HOSTS:
            # Credentials are looked for there last; away from EC2 nobody answers, and so it is here.
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


_OF_AWS: Final = re.compile(
    r"(.+\.)?(amazonaws\.(com(\.cn)?|eu)|api\.aws|on\.aws|amazonwebservices\.com\.cn|(c2s|sc2s)\.[a-z]+\.gov)\.?",
    re.IGNORECASE,
)
"""Names of AWS's services in all partitions, and of functions' URLs."""


def _guard_names(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    """Refuse to look up names of AWS; ``failed`` hears of each refusal, which is raised as well.

    ``requests`` is answered by moto before it looks a name up, and botocore's clients by moto or the other guard.
    """
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and _OF_AWS.fullmatch(name):
            blocked = NetworkBlocked(
                f"a request to {name} would have left the process: none to AWS does while the fake is active. moto"
                f" answers boto3, botocore and requests; give other clients the address of a server of the test's own."
            )
            on_error(blocked)
            raise blocked
        return original(host, *args, **kwargs)

    patches.set(socket, "getaddrinfo", getaddrinfo)
