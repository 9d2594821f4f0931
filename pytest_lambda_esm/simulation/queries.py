"""Queries of a test: find a mapping, explain why records are not delivered, list the fates of a source's records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_lambda_esm.errors import LambdaEsmError, MappingNotFound
from pytest_lambda_esm.mappings.lifecycle import GONE
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.polling.queues.explain import waiting_fates
from pytest_lambda_esm.simulation import embedded
from pytest_lambda_esm.simulation.subjects import ACCEPTED, Given, Subject, find, shown, suggestion
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import instant_of, time_text


def find_mapping(world: World, which: Given) -> Mapping:
    """Return the mapping that something identifies, or the only one that concerns a source or function.

    Raises MappingNotFound with the mappings that exist.
    """
    __tracebackhide__ = True
    subject = find(world, which)
    if subject.mapping is not None:
        return subject.mapping
    concerned = [mapping for mapping in world.store if subject.concerns(mapping)]
    existing = [mapping for mapping in concerned if mapping.state != GONE]
    for found in (existing, concerned):
        if len(found) == 1:
            return found[0]
    if concerned:
        raise MappingNotFound(
            f"{shown(which)} has several mappings; give the UUID of one of them:\n{_listed(concerned)}"
        )
    known = _listed(world.store) or "  (none has been created)"
    if subject.is_known:
        raise MappingNotFound(f"no mapping concerns {shown(which)}. There are:\n{known}")
    raise MappingNotFound(
        f"there is no mapping {shown(which)}: this takes {ACCEPTED}. {suggestion(world, which)} There are:\n{known}"
    )


def subject_of(world: World, given: Given) -> Subject:
    """Return what a test asks about. Raises LambdaEsmError, with the nearest names, for what does not exist."""
    __tracebackhide__ = True
    subject = find(world, given)
    if not subject.is_known:
        raise LambdaEsmError(
            f"No mapping concerns {shown(given)}, and there is no such source or function. explain() takes {ACCEPTED}."
            f" {suggestion(world, given)}"
        )
    return subject


def explain(world: World, subject: Subject | None) -> list[str]:
    """Return lines that say why waiting records are not delivered, what will happen next, and when."""
    polled = [*world.store, *world.pipes.mappings] if "pipes" in world.__dict__ else world.store
    mappings = [mapping for mapping in polled if mapping.state != GONE]
    chosen = [mapping for mapping in mappings if subject is None or subject.concerns(mapping)]
    lines = [f"It is {world.clock.now:%Y-%m-%d %H:%M:%S.%f} UTC."]
    for mapping in chosen:
        lines.append(f"{mapping.source_arn} -> {mapping.function_arn}")
        since = time_text(instant_of(mapping.last_modified), world.clock.instant)
        lines.append(f"  mapping {mapping.uuid} is {mapping.state} since {since}")
        lines += [f"  {reason}" for reason in mapping.explain()]
        lines += [f"  {reason}" for reason in world.engine.explain(mapping)]
    ended = [
        f"mapping {mapping.uuid} was deleted, {mapping.source_arn} -> {mapping.function_arn}: {line}"
        for mapping, in_hand in world.engine.deleted_with_batches()
        if subject is None or subject.concerns(mapping)
        for line in in_hand
    ]
    waiting = ended + _waiting_events(world, subject) + _schedules(world, subject)
    lines += waiting
    if not chosen and not waiting:
        lines.append(f"No mapping concerns {shown(subject.given)}." if subject is not None else "There is no mapping.")
    upcoming = world.clock.next_event
    lines.append(
        f"Next: {upcoming}"
        if upcoming
        else "Nothing is pending: nothing more will happen, however far the clock moves."
    )
    return lines


def fates(world: World, given: Given) -> Sequence[Fate]:
    """Return the fates of all records of a source. Raises LambdaEsmError for what is not a source."""
    __tracebackhide__ = True
    subject = find(world, given)
    if subject.mapping is not None:
        return fates_of_mapping(world, subject.mapping)
    if len(subject.sources) == 1:
        return fates_of_source(world, subject.sources[0])
    if not subject.sources and len(subject.functions) == 1:
        return fates_of_source(world, subject.functions[0].arn)
    if subject.is_known:
        several = "\n".join(f"  {arn}" for arn in subject.arns)
        raise LambdaEsmError(f"fates({shown(given)}) is ambiguous; give one of these ARNs:\n{several}")
    raise LambdaEsmError(f"fates() takes {ACCEPTED}, and there is no {shown(given)}. {suggestion(world, given)}")


def fates_of_mapping(world: World, mapping: Mapping) -> Sequence[Fate]:
    """Return the fates of the records of a mapping's source; those of a stream as far as this mapping reads it."""
    return fates_of_source(world, mapping.source_arn, mapping)


def fates_of_source(world: World, arn: str, mapping: Mapping | None = None) -> Sequence[Fate]:
    """Return the fates of the records of a source or a function; for a stream, those for one mapping or for all."""
    uuid = mapping.uuid if mapping is not None else None
    if world.streams.serves(arn):
        return world.stream_fates(arn, uuid)
    of_kafka = embedded.kafka_fates(world, arn, uuid)
    if of_kafka is not None:
        return of_kafka
    of_mq = embedded.mq_fates(world, arn, mapping)
    if of_mq is not None:
        return of_mq
    found = world.ledger.final(arn)
    queue = world.queues.find(arn)
    if queue is not None:
        waiting = waiting_fates(queue, world.clock.instant)
        in_queue = {fate.record for fate in waiting}
        found = [fate for fate in found if fate.record not in in_queue] + waiting
    events = world.async_queue.fates(arn)
    if events:
        unfinished = {fate.record for fate in events}
        found = [fate for fate in found if fate.record not in unfinished] + events
    return found


def _waiting_events(world: World, subject: Subject | None) -> list[str]:
    if subject is None:
        return world.async_queue.explain(None)
    return [line for function in subject.functions for line in world.async_queue.explain(function)]


def _schedules(world: World, subject: Subject | None) -> list[str]:
    """Describe the schedules that have the subject as their target; all of them if it is None."""
    if "schedules" not in world.__dict__:
        return []
    arns = None if subject is None else (*subject.sources, *(function.arn for function in subject.functions))

    def concerns(target: str) -> bool:
        return arns is None or any(target == arn or target.startswith(f"{arn}:") for arn in arns)

    return list(world.schedules.agenda.explain(concerns))


def _listed(mappings: Iterable[Mapping]) -> str:
    return "\n".join(f"  {mapping!r}" for mapping in mappings)
