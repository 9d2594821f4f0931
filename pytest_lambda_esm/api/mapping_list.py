"""Which mappings a list shows, and its pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnly
from typing import Any, Final

from pytest_lambda_esm.api.dispatch import Caller
from pytest_lambda_esm.invocation.function_name import parse
from pytest_lambda_esm.mappings.mapping import Mapping

LARGEST_PAGE: Final = 100
"""ListEventSourceMappings returns at most this many, whatever MaxItems says (API reference)."""


class BadMarker(ValueError):
    """A marker that no list has given out."""


def wanted(caller: Caller, params: ReadOnly[str, Any]) -> Callable[[Mapping], bool]:
    """Whether a mapping belongs to the list that was asked for. Chosen: a qualifier must be the mapping's own."""
    source = params.get("EventSourceArn")
    function = None
    if "FunctionName" in params:
        function = parse(params["FunctionName"], caller.account_id, caller.region).arn

    def selects(mapping: Mapping) -> bool:
        settings = mapping.requested
        return (source is None or settings.get("EventSourceArn") == source) and (
            function is None or settings["FunctionArn"] == function
        )

    return selects


def page(
    mappings: Iterator[tuple[int, Mapping]], selects: Callable[[Mapping], bool], size: int
) -> tuple[list[Mapping], str | None]:
    """The first ``size`` mappings that are wanted, and the marker of the next page, None at the end."""
    found: list[Mapping] = []
    last = 0
    for number, mapping in mappings:
        if not selects(mapping):
            continue
        if len(found) == size:
            return found, base64.b64encode(str(last).encode()).decode()
        found.append(mapping)
        last = number
    return found, None


def position(marker: str | None) -> int:
    """The number of the mapping behind which a page begins. Raises BadMarker."""
    if marker is None:
        return 0
    try:
        digits = base64.b64decode(marker, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise BadMarker(marker) from None
    if not digits.isdecimal() or len(digits) > 18:
        raise BadMarker(marker)
    return int(digits)
