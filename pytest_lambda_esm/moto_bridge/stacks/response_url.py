"""What a custom resource's function puts to its response URL, without a network.

cfnresponse and most libraries send with urllib3, requests, urllib or ``http.client``. Their connections to the host of
the response URL end here, while the function runs. Seen with urllib3 1.26 and 2.7, requests 2.32 and Python 3.10 to
3.14: ``connect`` of the connection classes sets ``sock``; moto has ``responses`` replace ``HTTPAdapter.send``.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3.connection
from requests.adapters import HTTPAdapter

from pytest_lambda_esm.patching import Patches, original_of

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CONNECTIONS: Final = (
    http.client.HTTPConnection,
    http.client.HTTPSConnection,
    urllib3.connection.HTTPConnection,
    urllib3.connection.HTTPSConnection,
)


class Mailbox:
    """A host that keeps what is sent to it: ``content`` is the last body, None before any."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.content: bytes | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Receive what the process sends to the host."""
        patches = Patches()
        for connection in _CONNECTIONS:
            patches.set(connection, "connect", self._connecting(original_of(connection, "connect")))
        patches.set(HTTPAdapter, "send", self._sending(original_of(HTTPAdapter, "send")))
        try:
            yield
        finally:
            patches.undo()

    def receive(self, body: bytes) -> None:
        """Keep a body."""
        self.content = body

    def _connecting(self, original: Any) -> Any:
        def connect(connection: Any) -> None:
            if connection.host != self.host:
                original(connection)
                return
            connection.sock = _Socket(self)
            connection.is_verified = True  # urllib3 warns otherwise.

        return connect

    def _sending(self, original: Any) -> Any:
        def send(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            if urlsplit(request.url).hostname != self.host:
                return original(adapter, request, *args, **kwargs)
            body = request.body or b""
            self.receive(body.encode() if isinstance(body, str) else bytes(body))
            response = requests.Response()
            response.status_code, response.url, response.request = 200, request.url, request
            response.raw = io.BytesIO()
            return response

        return send


class _Socket:
    """The part of a socket that ``http.client`` uses to send a request and to read the response."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._sent = bytearray()

    def sendall(self, data: Any) -> None:
        self._sent += bytes(data)

    def makefile(self, *args: Any, **kwargs: Any) -> io.BytesIO:
        self._mailbox.receive(bytes(self._sent).partition(b"\r\n\r\n")[2])
        return io.BytesIO(_OK)

    def settimeout(self, timeout: float | None) -> None:
        """Do nothing: the response is there at once."""

    def close(self) -> None:
        """Do nothing."""

    def shutdown(self, how: int) -> None:
        """Do nothing."""
