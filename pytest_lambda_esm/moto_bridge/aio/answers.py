"""moto's answers as clients of aiobotocore read them: their content is awaited, and their bodies are streams.

A real response consists of an ``AioAWSResponse`` of aiobotocore, and in ``raw`` a ``ClientResponse`` of aiohttp, whose
``content`` is a ``StreamReader``. Seen with aiobotocore 2.25.1, 3.8.0, 3.9.2 and 3.10.0, and aiohttp 3.14.5.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from typing import Any

from aiobotocore.awsrequest import AioAWSResponse
from aiohttp import ClientConnectionError, StreamReader
from aiohttp.base_protocol import BaseProtocol
from botocore.awsrequest import AWSResponse
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL


def awaitable(response: Any) -> Any:
    """Return a response of botocore as one of aiobotocore; anything else is returned as it is."""
    if isinstance(response, AWSResponse) and not isinstance(response, AioAWSResponse):
        return Answer(response)
    return response


class Content(bytes):
    """The content of a response. It may be awaited, as aiobotocore does, or used at once.

    Tests that were written to use moto with aiobotocore replace functions of it by ones that do the latter.
    """

    def __await__(self) -> Generator[None, None, bytes]:
        yield from ()
        return bytes(self)


class Answer(AioAWSResponse):  # type: ignore[misc]  # aiobotocore has no types here.
    """An answer of moto, as aiobotocore's HTTP session would return it."""

    def __init__(self, response: AWSResponse) -> None:
        content = Content(response.content)
        raw = RawAnswer(response.url, response.status_code, response.headers, content)
        super().__init__(response.url, response.status_code, response.headers, raw)
        self._content = content

    @property
    def content(self) -> Content:
        """The whole body."""
        content: Content = self._content
        return content


class RawAnswer:
    """What aiohttp would return: the members of a ``ClientResponse`` that read it, describe it and close it."""

    def __init__(self, url: str, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.reason = ""
        self.closed = False
        self._url = url
        self._headers = headers
        self._body = body
        self._content: StreamReader | None = None

    @property
    def url(self) -> URL:
        """The address that was asked."""
        return URL(self._url, encoded=True)

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers."""
        return CIMultiDictProxy(CIMultiDict((str(name), str(value)) for name, value in self._headers.items()))

    @property
    def ok(self) -> bool:
        """Whether the status is not one of an error."""
        return self.status < 400

    @property
    def content(self) -> StreamReader:
        """The body as a stream, which can be read once."""
        if self._content is None:
            loop = asyncio.get_running_loop()
            # Beyond the limit it would pause a connection, which there is none of.
            self._content = StreamReader(BaseProtocol(loop), len(self._body) + 1, loop=loop)
            self._content.feed_data(bytes(self._body))
            self._content.feed_eof()
        return self._content

    async def read(self) -> bytes:
        """Return the whole body, as often as it is asked for."""
        return bytes(self._body)

    async def text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the whole body as text."""
        return self._body.decode(encoding, errors)

    async def json(self, **kwargs: Any) -> Any:
        """Return the whole body, read as JSON."""
        return json.loads(self._body)

    def close(self) -> None:
        """Close the connection: what has not been read is lost."""
        self.closed = True
        self.content.set_exception(ClientConnectionError("Connection closed"))

    def release(self) -> None:
        """Give the connection back, which has the same effect."""
        self.close()

    async def __aenter__(self) -> RawAnswer:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.release()
