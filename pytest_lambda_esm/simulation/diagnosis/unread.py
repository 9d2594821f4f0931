"""Rules about records that no mapping reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.simulation.diagnosis.finding import (
    CERTAIN,
    POSSIBLE,
    Finding,
    named,
    noun_of,
    of_mapping,
    with_regions,
)
from pytest_lambda_esm.simulation.diagnosis.places import Place, read_by
from pytest_lambda_esm.simulation.diagnosis.view import View
from pytest_lambda_esm.sources.stream_ports import stream_arn
from pytest_lambda_esm.wording import counted

_MOST_SOURCES: Final = 3


def unread(view: View) -> Iterator[Finding]:
    """Sources with records that no mapping reads, and mappings of other sources that may have been meant."""
    read = {stream_arn(mapping.source_arn) for mapping in view.mappings}
    idle = [mapping for mapping in view.mappings if not view.has_read(mapping)]
    has_read = any(invocation.mapping is not None for invocation in view.invocations)
    shown = 0
    for source in [*view.queues, *view.streams, *view.clusters]:
        if source in view.outputs or (source in read and source not in view.clusters):
            continue
        for place in view.unread(source):
            waiting = counted(place.waiting, noun_of(source), "wait")
            own = _readers(view, source)
            meant = next((each for each in own if each in idle), None) if own else _meant(source, idle)
            level = POSSIBLE if has_read and meant is None else CERTAIN
            text = _place_text(source, place, own) if own else _unread_text(view, source, meant, has_read)
            yield Finding(level, f"{waiting} in {text}", (source, *(of_mapping(meant) if meant else ())))
            shown += 1
            if shown == _MOST_SOURCES:
                return


def _readers(view: View, source: str) -> list[Mapping]:
    return [mapping for mapping in view.mappings if mapping.source_arn == source]


def _place_text(source: str, place: Place, readers: list[Mapping]) -> str:
    """Say that records are in another part of a cluster or broker than the one that a mapping reads."""
    mapping = readers[0]
    return (
        f"the {place.name} of {source}, which no mapping reads; {named(mapping)} reads the {read_by(mapping)}. Send to"
        f" that one, or create a mapping for this one."
    )


def _unread_text(view: View, source: str, meant: Mapping | None, has_read: bool) -> str:
    deleted = next((each for each in view.deleted if stream_arn(each.source_arn) == source), None)
    if deleted is not None:
        return f"{source}, and the mapping {deleted.uuid} that read it was deleted at {deleted.last_modified:%H:%M:%S}."
    if meant is None and has_read:
        return f"{source}, and no mapping reads it, which is right if the test does."
    if meant is None:
        handlers = ", ".join(view.bound[:_MOST_SOURCES])
        target = f" to {handlers}" if handlers else ""
        return f"{source}, and no mapping reads it. Call create_event_source_mapping for it{target}."
    one, other = with_regions(source, meant.source_arn)
    return (
        f"{one}, which no mapping reads; {named(meant)} reads {other}, which got none. Send to that one, or"
        f" create the mapping for this one."
    )


def _meant(source: str, idle: list[Mapping]) -> Mapping | None:
    """Return the mapping without records whose source has the most similar name and is of the same service."""
    arn = Arn.parse(source)
    same = [
        mapping for mapping in idle if (other := Arn.parse(mapping.source_arn)) and arn and other.service == arn.service
    ]
    return max(same, key=lambda each: difflib.SequenceMatcher(None, source, each.source_arn).ratio(), default=None)
