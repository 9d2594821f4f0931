"""Queries of a test: find a mapping, explain why records are not delivered, list the fates of a source's records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as ReadOnly
from typing import Any

from pytest_lambda_esm.errors import LambdaEsmError, MappingNotFound, nearest, printable
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.polling.queues.explain import waiting_fates
from pytest_lambda_esm.simulation.world import World
from pytest_lambda_esm.timing import instant_of, time_text

Source = Mapping | Function | str | ReadOnly[str, Any]
Subject = Source | None


def find_mapping(world: World, which: str | ReadOnly[str, Any]) -> Mapping:
    """Return a mapping by its UUID, its ARN or a response that has one.

    Raises MappingNotFound with the mappings that exist.
    """
    __tracebackhide__ = True
    requested = which.get("UUID", "") if isinstance(which, ReadOnly) else which
    for mapping in world.store:
        if requested in (mapping.uuid, mapping.arn):
            return mapping
    known = "\n".join(f"  {mapping!r}" for mapping in world.store) or "  (none has been created)"
    hint = "" if isinstance(which, (str, ReadOnly)) else ": a UUID, an ARN or a response of the API is needed"
    raise MappingNotFound(f"there is no mapping {requested or which!r}{hint}. There are:\n{known}")


def explain(world: World, mappings: Iterable[Mapping], subject: Subject) -> str:
    """Return text that says why waiting records are not delivered, what will happen next, and when."""
    subject = _resolve(world, subject)
    polled = [*mappings, *world.pipes.mappings] if "pipes" in world.__dict__ else mappings
    chosen = [mapping for mapping in polled if _concerns(mapping, subject)]
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
        if _concerns(mapping, subject)
        for line in in_hand
    ]
    waiting = ended + _waiting_events(world, subject) + _schedules(world, subject)
    lines += waiting
    if not chosen and not waiting:
        lines.append(f"No mapping concerns {subject!r}." if subject is not None else "There is no mapping.")
    upcoming = world.clock.next_event
    lines.append(f"Next: {upcoming}" if upcoming else "Nothing is pending: no time will bring anything about.")
    return printable("\n".join(lines))


def fates(world: World, source: Source) -> Sequence[Fate]:
    """Return the fates of all records of a source. Raises LambdaEsmError for what is not a source."""
    __tracebackhide__ = True
    source = _resolve(world, source)
    arn = _source_arn(source)
    if world.streams.serves(arn):
        return world.stream_fates(arn, source.uuid if isinstance(source, Mapping) else None)
    of_kafka = world.kafka_fates(arn, source.uuid if isinstance(source, Mapping) else None)
    if of_kafka is not None:
        return of_kafka
    of_mq = world.mq_fates(arn, source if isinstance(source, Mapping) else None)
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
    if not found and queue is None and isinstance(source, str):
        _check_known(world, arn)
    return found


def _waiting_events(world: World, subject: Subject) -> list[str]:
    if subject is None:
        return world.async_queue.explain(None)
    matching = [function for function in world.registry if subject in (function, function.name, function.arn)]
    return [line for function in matching for line in world.async_queue.explain(function)]


def _schedules(world: World, subject: Subject) -> list[str]:
    """Describe the schedules that have the subject, a function or the ARN of another target; all if it is None."""
    if "schedules" not in world.__dict__:
        return []
    arns = {subject.arn} if isinstance(subject, Function) else {subject}
    arns |= {function.arn for function in world.registry if subject == function.name}

    def concerns(target: str) -> bool:
        return subject is None or any(target == arn or target.startswith(f"{arn}:") for arn in arns)

    return list(world.schedules.agenda.explain(concerns))


def _resolve(world: World, given: Any) -> Any:
    """Return the mapping that a UUID, an ARN or a response identifies; otherwise return what was given."""
    __tracebackhide__ = True
    if isinstance(given, ReadOnly):
        return find_mapping(world, given)
    return next((mapping for mapping in world.store if given in (mapping.uuid, mapping.arn)), given)


def _source_arn(source: object) -> str:
    __tracebackhide__ = True
    if isinstance(source, str):
        return source
    if not isinstance(source, (Function, Mapping)):
        raise LambdaEsmError(f"fates() takes an ARN, a mapping or a function, not {source!r}")
    return source.arn if isinstance(source, Function) else source.source_arn


def _check_known(world: World, arn: str) -> None:
    """Refuse an unknown source: an empty list would look as if no record had arrived."""
    __tracebackhide__ = True
    known = {mapping.source_arn for mapping in world.store} | {function.arn for function in world.registry}
    if arn not in known:
        raise LambdaEsmError(
            f"fates() takes the ARN of a queue, a stream or a function, or a mapping, and there is no {arn!r}."
            f" {nearest(arn, known) if known else 'There is no mapping and no function yet.'}"
        )


def _concerns(mapping: Mapping, subject: Subject) -> bool:
    if subject is None or subject is mapping:
        return True
    if isinstance(subject, Function):
        return mapping.function_arn.startswith(subject.arn)
    function = mapping.function_arn.split(":function:")[-1]
    return subject in (
        mapping.uuid,
        mapping.arn,
        mapping.source_arn,
        mapping.function_arn,
        function.partition(":")[0],
    )
