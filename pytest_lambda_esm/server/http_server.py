"""A threaded HTTP server on one address: it reads whole requests, and writes whole answers or none.

Each connection has a thread of its own and serves one request. A client that sends half a request or hangs up occupies
nothing but its thread. Dates are real ones: SDKs take another date for a wrong clock of their own, and repeat requests.
"""

from __future__ import annotations

import http.server
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from werkzeug.serving import DechunkedInput

from pytest_lambda_esm.aws_model.http import HttpResponse
from pytest_lambda_esm.clock.wall import real_seconds
from pytest_lambda_esm.invocation.nesting import OwnThread
from pytest_lambda_esm.moto_bridge.http.endpoint import Dropped
from pytest_lambda_esm.moto_bridge.http.wire import BadRequest, WireRequest

Answer = Callable[[WireRequest, Callable[[], bool]], HttpResponse]
"""Takes a request, and what tells whether its client has hung up; returns the answer, or raises Dropped."""

LARGEST_BODY: Final = 100 * 2**20
"""In bytes: larger than any request to Lambda, and than the part of an upload to S3 that a test would send."""

_NO_BODY: Final = frozenset({204, 304})
_RESET: Final = struct.pack("ii", 1, 0)
"""An option of a socket that closes its connection with a reset."""


class HttpServer(http.server.HTTPServer):
    """Serves requests with ``answer``, from its start until it is closed.

    Raises OSError where it cannot listen at the address.
    """

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.answer = answer
        self._connections: dict[Any, threading.Thread] = {}
        self._mutex = threading.Lock()
        self._closing = threading.Event()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)
        self._thread = OwnThread(target=self._accept, name="lambda_esm endpoint", daemon=True)

    @property
    def is_serving(self) -> bool:
        """Whether there is a connection that has not ended."""
        return bool(self._connections)

    def start(self) -> None:
        """Begin to answer; connections wait until then."""
        self._thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, address = self.socket.accept()
            except OSError:  # Such as too many open files.
                self._closing.wait(_PAUSE)
                continue
            self.process_request(connection, address)

    def server_bind(self) -> None:
        """Bind without a look at the name of this machine, which may take seconds."""
        if os.name != "nt":  # Elsewhere, it lets two servers have the same port.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread that does not count as code under test."""
        thread = OwnThread(target=self._serve, args=(request, client_address), name="lambda_esm request", daemon=True)
        with self._mutex:
            self._connections[request] = thread
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)
            with self._mutex:
                self._connections.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that hang up; raise what is a bug of this package."""
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ValueError)):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop to listen, end the connections, and wait for their threads."""
        self._closing.set()
        if self._thread.is_alive():
            with suppress(OSError), self._connect_to_self():  # Which ends the wait for a connection.
                self._thread.join()
        self.socket.close()
        with self._mutex:
            connections = dict(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            if thread is not threading.current_thread():
                thread.join(_LONGEST_GOODBYE)

    def _connect_to_self(self) -> socket.socket:
        host, port = self.server_address[:2]
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return socket.create_connection((anywhere.get(str(host), str(host)), int(port)), timeout=_LONGEST_GOODBYE)


_LONGEST_GOODBYE: Final = 5
_PAUSE: Final = 0.01


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    error_message_format = "%(code)d %(message)s: %(explain)s\n"
    error_content_type = "text/plain"
    server: HttpServer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the real date."""
        return super().date_time_string(real_seconds() if timestamp is None else int(timestamp))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the timeline has the calls."""

    def _serve(self) -> None:
        self.close_connection = True
        try:
            response = self.server.answer(self._read(), self._has_hung_up)
        except BadRequest as error:
            self._write(HttpResponse(400, {"content-type": "text/plain"}, str(error).encode()))
            return
        except Dropped:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()
            return
        self._write(response)

    def _read(self) -> WireRequest:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        body = self._chunks() if "chunked" in headers.pop("transfer-encoding", "").lower() else self._body(headers)
        target = self.path
        if not target.startswith("/"):  # A proxy's form of the first line.
            target = "/" + target.partition("://")[2].partition("/")[2]
        return WireRequest(self.command, target, headers, body)

    def _body(self, headers: dict[str, str]) -> bytes:
        text = headers.get("content-length", "0")
        if not text.isdecimal():
            raise BadRequest(f"Content-Length is {text!r}, which is no number of bytes.")
        length = int(text)
        if length > LARGEST_BODY:
            raise BadRequest(f"The body has {length} bytes; the endpoint reads {LARGEST_BODY} at most.")
        body = self.rfile.read(length)
        if len(body) < length:
            raise BadRequest(f"The body ended after {len(body)} of {length} bytes.")
        return body

    def _chunks(self) -> bytes:
        try:
            stream: Any = self.rfile
            body = DechunkedInput(stream).read(LARGEST_BODY + 1)
        except OSError as error:
            raise BadRequest(f"The chunks of the body cannot be read: {error}") from error
        if len(body or b"") > LARGEST_BODY:
            raise BadRequest(f"The body has more than {LARGEST_BODY} bytes.")
        return body or b""

    def _write(self, response: HttpResponse) -> None:
        try:
            self.send_response_only(response.status)
            self.send_header("Date", self.date_time_string())
            for name, value in response.headers.items():
                self.send_header(name, value.encode().decode("latin-1").replace("\r", "").replace("\n", ""))
            names = {name.lower() for name in response.headers}
            if response.status not in _NO_BODY and "content-length" not in names:
                self.send_header("Content-Length", str(len(response.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD" and response.status not in _NO_BODY:
                self.wfile.write(response.body)
        except OSError:
            pass  # The client has hung up.

    def _has_hung_up(self) -> bool:
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True
