"""No AWS request leaves the process while a fake is active. Two guards keep this promise.

* ``URLLib3Session.send`` is botocore's way to the network. Clients that were created before moto was imported do not
  ask moto; the guard offers their requests to moto after all, and refuses those that moto does not serve.
  ``aio/clients.py`` does the same for aiobotocore.
* The functions of ``socket`` that look names up serve all other clients, such as urllib and httpx; the guard refuses
  names of AWS. Requests of botocore and ``requests`` never get that far: moto answers them.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5, and botocore 1.36.0, 1.43.117 and 1.44.5.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session
from moto.core.models import botocore_stubber

from pytest_lambda_esm.errors import NetworkBlocked
from pytest_lambda_esm.moto_bridge import aws_names
from pytest_lambda_esm.patching import Patches, original_of

_LOOKUPS: Final = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")
"""The functions of ``socket`` whose first argument is a host name. ``create_connection`` and asyncio use the first."""

_CONNECTIONS: Final = ("connect", "connect_ex")
"""The methods of sockets whose first argument is an address, with a name that they look up themselves."""


class NothingListens(EndpointConnectionError):  # type: ignore[misc]  # botocore has no types.
    """A request to an address of this machine where, as far as botocore's clients can see, nothing listens."""

    fmt = (
        'Could not connect to the endpoint URL: "{endpoint_url}". While lambda_esm is active, clients of botocore reach'
        " moto only. If a client of the test was given this endpoint_url, leave it out."
    )


def install(patches: Patches, on_error: Callable[[BaseException], None], about_host: Callable[[str], str]) -> None:
    """Install both guards. ``on_error`` is called with each refusal, which is raised as well.

    ``about_host`` returns what else to say about a host, as a sentence after a blank, or an empty text.
    """
    _install_request_guard(patches, on_error)
    _install_name_guard(patches, on_error, about_host)


def _install_request_guard(patches: Patches, on_error: Callable[[BaseException], None]) -> None:
    patches.set(URLLib3Session, "send", lambda session, request: answer(request, on_error))


def answer(request: Any, on_error: Callable[[BaseException], None]) -> Any:
    """Return moto's answer to a request that a client would send through a network, or raise what meets it."""
    host = urlsplit(request.url).hostname
    if aws_names.serves_credentials(host):
        # botocore looks for credentials there last. Outside of EC2 nothing answers, so nothing does here.
        raise EndpointConnectionError(endpoint_url=request.url)
    response = botocore_stubber("before-send", request)
    if response is not None:
        return response
    if aws_names.is_local(host):
        # Libraries ask daemons of the machine, such as X-Ray's, and take a refused connection for their absence.
        raise NothingListens(endpoint_url=request.url)
    blocked = NetworkBlocked(
        f"{request.method} {request.url} would have left the process: no AWS request does while the fake is"
        f" active. moto does not serve this address. If the client was given an endpoint_url, leave it out in"
        f" tests; if moto was stopped inside the test, start and stop it in pairs; if it is a service that moto"
        f" lacks, replace the client."
    )
    on_error(blocked)
    raise blocked


def _install_name_guard(
    patches: Patches, on_error: Callable[[BaseException], None], about_host: Callable[[str], str]
) -> None:
    def check(host: Any) -> None:
        if aws_names.is_aws(host):
            name = host if isinstance(host, str) else bytes(host).decode("ascii", "replace")
            blocked = NetworkBlocked(
                f"a request to {name} would have left the process: none to AWS does while the fake is active. moto"
                f" answers boto3, botocore and requests; give other clients the address of a server of the test's own."
                f"{about_host(name)}"
            )
            on_error(blocked)
            raise blocked

    for name in _LOOKUPS:
        patches.set(socket, name, _checking_name(original_of(socket, name), check))
    for name in _CONNECTIONS:
        patches.set(socket.socket, name, _checking_address(original_of(socket.socket, name), check))


def _checking_name(look_up: Any, check: Callable[[Any], None]) -> Any:
    @functools.wraps(look_up)
    def checked(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return look_up(host, *args, **kwargs)

    return checked


def _checking_address(connect: Any, check: Callable[[Any], None]) -> Any:
    @functools.wraps(connect)
    def checked(self: Any, address: Any) -> Any:
        if isinstance(address, tuple):
            check(address[0])
        return connect(self, address)

    return checked
