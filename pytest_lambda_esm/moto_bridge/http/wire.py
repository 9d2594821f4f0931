"""An HTTP request to AWS as it arrives at the endpoint, and the parts of it that tell what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qs


class BadRequest(Exception):
    """A request that cannot be read; the text says why."""


@dataclass(frozen=True)
class WireRequest:
    """An HTTP request as it arrived: the target in its first line, headers by their names in lower case, the body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def path(self) -> str:
        """The path, percent-encoded as it was sent."""
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> Mapping[str, list[str]]:
        """The parameters of the query string."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    @cached_property
    def form(self) -> Mapping[str, list[str]]:
        """The parameters of the body of a form, as the query protocol sends them."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        return parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def parameter(self, name: str) -> str:
        """Return a parameter of the query protocol, or an empty text."""
        return (self.form.get(name) or self.query.get(name) or [""])[0]

    @property
    def aws_target(self) -> str:
        """The header that names the operation in the JSON protocols, such as ``AmazonSQS.SendMessage``."""
        return self.headers.get("x-amz-target", "")
