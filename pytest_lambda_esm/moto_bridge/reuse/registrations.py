"""moto's 1,300 URL patterns in ``responses``, registered when somebody looks for them.

moto registers them whenever it starts. Only clients other than botocore's need them, such as ``requests``; most tests
have none. The registry of such a start is therefore filled at the first look: a request, a response that a test adds,
or a look at the list. It then contains exactly what moto would have registered, in the same order.

Nothing is kept from one test to the next: the objects that ``responses`` counts calls in are new in each. A registry
that moto or a test replaces meanwhile is theirs, filled or not.

Seen with moto 5.1.9, 5.1.22 and 5.2.5, responses 0.26.3: ``MockAWS._enable_patching``, ``RESPONSES_METHODS``,
``CustomRegistry._registered``, ``RequestsMock._registry``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import responses
from moto import backend_index
from moto.core import models
from moto.core.custom_responses_mock import CallbackResponse, not_implemented_callback
from moto.core.responses_custom_registry import CustomRegistry


class _FilledWhenRead(CustomRegistry):  # type: ignore[misc]  # responses' registries have no types.
    """moto's registry, which is empty until its responses are read or changed."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer
        self._responses: dict[str, list[responses.BaseResponse]] | None = None

    @property
    def _registered(self) -> dict[str, list[responses.BaseResponse]]:
        if self._responses is None:
            self._responses = defaultdict(list)
            for response in _registrations(self._answer):
                self.add(response)
        return self._responses

    @_registered.setter
    def _registered(self, empty: dict[str, list[responses.BaseResponse]]) -> None:
        """Ignore the empty dictionary with which moto's registry begins."""

    def reset(self) -> None:
        """Forget all responses, also those that nobody has read so far."""
        self._responses = defaultdict(list)


def _answer() -> Any:
    """Return what moto registers to answer requests; in moto 5.1 it takes botocore's requests and those of others."""
    stubber = models.botocore_stubber
    return getattr(stubber, "process_prepared_request", stubber.process_request)


def _registrations(answer: Any) -> list[CallbackResponse]:
    """Return the responses that moto registers at its start. A test compares them with those of moto."""
    other = re.compile(r"https?://.+\.amazonaws.com/.*")
    return [
        CallbackResponse(method=method, url=pattern, callback=callback)
        for method in models.RESPONSES_METHODS
        for pattern, callback in (
            *((pattern, answer) for _, pattern in backend_index.backend_url_patterns),
            (other, not_implemented_callback),
        )
    ]


def start(mock: Any) -> None:
    """Start a ``mock_aws()`` as ``mock.start()`` does, without registering the patterns yet."""
    methods = models.RESPONSES_METHODS
    before = models.responses_mock._registry
    answer = _answer()  # As it is now, as moto does: patches of the fake come later.
    models.RESPONSES_METHODS = []
    try:
        mock.start()
    finally:
        models.RESPONSES_METHODS = methods
    registry: Any = models.responses_mock._registry
    if registry is not before and type(registry) is CustomRegistry and not registry._registered:
        models.responses_mock._registry = _FilledWhenRead(answer)
