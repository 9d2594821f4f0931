"""Rules about records that a mapping reads and did not deliver, or not in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import DEAD_LETTERED, DISCARDED, EXPIRED, FILTERED_OUT, SKIPPED
from pytest_lambda_esm.simulation.diagnosis.finding import (
    CERTAIN,
    LIKELY,
    POSSIBLE,
    SILENCE,
    Finding,
    is_pipe,
    named,
    noun_of,
    of_mapping,
    sentence,
)
from pytest_lambda_esm.simulation.diagnosis.view import View
from pytest_lambda_esm.wording import counted

_CLOSEST: Final = "came closest: "
_FORBIDDEN: Final = " may not "
"""In the texts of deliveries that a policy does not allow."""
_PERMIT: Final = "The timeline has the statement to add to the policy"


def disabled(view: View) -> Iterator[Finding]:
    """Mappings that are disabled while records wait."""
    for mapping in view.mappings:
        if mapping.state not in ("Disabled", "Disabling"):
            continue
        waiting = view.unfinished(mapping)
        if waiting:
            yield Finding(CERTAIN, _disabled_text(mapping, len(waiting)), of_mapping(mapping))


def _disabled_text(mapping: Mapping, waiting: int) -> str:
    count = counted(waiting, noun_of(mapping.source_arn), "wait")
    if is_pipe(mapping):
        return (
            f"{sentence(named(mapping))} from {mapping.source_arn} is stopped, and {count}. Create it with"
            f" DesiredState='RUNNING', or call start_pipe(Name=...)."
        )
    return (
        f"The mapping {mapping.uuid} from {mapping.source_arn} to {mapping.function_arn} is {mapping.state}, and"
        f" {count}. Create it with Enabled=True, or call update_event_source_mapping(UUID=..., Enabled=True)."
    )


def held(view: View) -> Iterator[Finding]:
    """Mappings whose transition waits for the test."""
    for mapping in view.mappings:
        if mapping._waits_for_test:
            waiting = len(view.unfinished(mapping))
            records = f", and {counted(waiting, noun_of(mapping.source_arn), 'wait')}" if waiting else ""
            yield Finding(
                CERTAIN if waiting else POSSIBLE,
                f"{sentence(named(mapping))} is {mapping.state}{records}: {'; '.join(mapping.explain())}.",
                of_mapping(mapping),
            )


def filtered(view: View) -> Iterator[Finding]:
    """Records that a filter dropped, with the key that refused most of them."""
    for mapping in view.mappings:
        dropped = [fate for fate in view.fates(mapping) if fate.fate == FILTERED_OUT]
        if not dropped or not (mapping._counters["FilteredOutEventCount"] or mapping._in_force.get("Queues")):
            continue  # The records of a queue were dropped by the filter of another mapping.
        [(reason, count)] = Counter(fate.detail.partition(_CLOSEST)[2] or fate.detail for fate in dropped).most_common(
            1
        )
        of_them = f" ({count} of them)" if count < len(dropped) else ""
        passed = (view.function_of(mapping), mapping.uuid) in view.last_invocations
        yield Finding(
            POSSIBLE if passed else CERTAIN,
            f"{counted(len(dropped), noun_of(mapping.source_arn), 'were')} dropped by the filter of"
            f" {named(mapping)} of {mapping.source_arn}{of_them}: {reason.rstrip('.')}. Correct the pattern in"
            f" FilterCriteria, or the {noun_of(mapping.source_arn)}.",
            of_mapping(mapping),
        )


def skipped(view: View) -> Iterator[Finding]:
    """Records before the starting position."""
    for mapping in view.mappings:
        before = [fate for fate in view.fates(mapping) if fate.fate == SKIPPED]
        if not before:
            continue
        position = mapping._in_force.get("StartingPosition", "LATEST")
        began = next((each.at for each in mapping.history if each.state == "Enabled"), None)
        since = f" at {began:%H:%M:%S}" if began is not None else ""
        yield Finding(
            POSSIBLE if mapping._counters["InvokedEventCount"] else CERTAIN,
            f"{counted(len(before), noun_of(mapping.source_arn))} of {mapping.source_arn} came before"
            f" {named(mapping)} began to read{since}, and its StartingPosition is {position}. Write records after that,"
            f" or use StartingPosition='TRIM_HORIZON'.",
            of_mapping(mapping),
        )


class _Sign(NamedTuple):
    """A line of ``explain()``, recognised by a part of it; how telling it is, and what to do."""

    part: str
    level: int
    advice: str


_SIGNS: Final = (
    _Sign("does not exist (any more)", CERTAIN, "Create it before time moves, or delete the mapping."),
    _Sign("the dead-letter queue", LIKELY, "Create that queue, or correct the RedrivePolicy."),
    _Sign("blocked by", LIKELY, "Make the handler accept it, or limit its retries."),
    _Sign("in flight", LIKELY, "Let time pass until then: lambda_esm.clock.run_until_idle()."),
    _Sign("a batch is open", LIKELY, "Let time pass until then, or send what completes the batch."),
    _Sign("window from", LIKELY, "Let time pass until then: lambda_esm.clock.run_until_idle()."),
    _Sign("another member of the consumer group", LIKELY, "Close that member, or use another ConsumerGroupId."),
    _Sign("is read after its parents", LIKELY, "The records of the parent shards have to be processed first."),
    _Sign("concurrency", LIKELY, "Let time pass, or raise the concurrency."),
    _Sign("has been throttled", LIKELY, "Raise the function's concurrency."),
)
"""Every poller has lines of this kind, whatever its source."""

_OF_PIPES: Final = (_Sign("the last batch failed", LIKELY, "Correct its enrichment or its target."), *_SIGNS)
"""For pipes, whose targets are not always functions; the failures of functions have a rule of their own."""


def explained(view: View) -> Iterator[Finding]:
    """What the pollers wait for, where that keeps records from being processed."""
    for mapping in view.mappings:
        by_sign: dict[_Sign, list[str]] = {}
        signs = _OF_PIPES if is_pipe(mapping) else _SIGNS
        for line in view.explained(mapping):
            sign = next((sign for sign in signs if sign.part in line), None)
            if sign is not None:
                by_sign.setdefault(sign, []).append(line.rstrip("."))
        for sign, lines in by_sign.items():
            more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
            text = f"{mapping.source_arn}: {lines[0]}{more}. {sign.advice}".rstrip()
            yield Finding(sign.level, text, of_mapping(mapping))


def given_up(view: View) -> Iterator[Finding]:
    """Records that were dead-lettered, discarded or expired."""
    for mapping in view.mappings:
        for fate in (DEAD_LETTERED, DISCARDED, EXPIRED):
            found = [each for each in view.fates(mapping) if each.fate == fate]
            if not found:
                continue
            queue = view.queues.get(mapping.source_arn)
            target = queue.dead_letter_target if queue is not None and fate == DEAD_LETTERED else None
            were = "" if fate == EXPIRED else "was " if len(found) == 1 else "were "
            yield Finding(
                POSSIBLE,
                f"{counted(len(found), noun_of(mapping.source_arn))} of {mapping.source_arn}"
                f" {were}{fate}{f' to {target}' if target else ''}: {found[-1].detail}.",
                of_mapping(mapping),
            )


def undelivered(view: View) -> Iterator[Finding]:
    """Failure records and results that could not be delivered to their destination."""
    failed = [entry for entry in view.entries if entry.kind == "delivery" and entry.detail.startswith("failed: ")]
    for entry in failed[-1:]:
        again = f" ({len(failed)} deliveries failed)" if len(failed) > 1 else ""
        remedy = _PERMIT if _FORBIDDEN in entry.detail else "Create the destination, or correct its ARN"
        yield Finding(
            LIKELY,
            f"The delivery to {entry.subject} {entry.detail}{again}. {remedy}.",
            (entry.subject,),
        )


def stale(view: View) -> Iterator[Finding]:
    """Messages that were processed and not deleted, since they had been received again meanwhile."""
    counts = Counter(
        entry.subject for entry in view.entries if entry.kind == "fate" and "stale receipt" in entry.detail
    )
    for source, count in counts.items():
        queue = view.queues.get(source)
        mine = [each for each in view.invocations if each.mapping is not None and each.mapping.source_arn == source]
        longest = max((each.duration.total_seconds() for each in mine), default=0.0)
        hidden = f" of {queue.visibility_timeout} s" if queue is not None else ""
        yield Finding(
            CERTAIN if queue is not None and queue.visibility_timeout <= longest else POSSIBLE,
            f"{counted(count, 'batch').replace('batchs', 'batches')} of {source} succeeded and did not delete the"
            f" messages (stale receipt): the visibility timeout{hidden} ended before the invocation, which takes"
            f" {longest:g} s, so they were received again. Raise VisibilityTimeout to 6 times the function's timeout.",
            (source, *(of_mapping(mine[0].mapping) if mine and mine[0].mapping is not None else ())),
        )


def silent(view: View) -> Iterator[Finding]:
    """Mappings whose source got no record, and functions with a handler that nobody invokes."""
    for mapping in view.mappings:
        if not view.fates(mapping) and not mapping._counters["PolledEventCount"]:
            yield Finding(
                SILENCE,
                f"{sentence(named(mapping))} reads {mapping.source_arn}, which got no {noun_of(mapping.source_arn)}.",
                of_mapping(mapping),
            )
    reached = {view.function_of(mapping) for mapping in view.mappings}
    reached |= {function for function, _ in view.last_invocations} | {function for function, _ in view.events}
    throttled = {entry.subject for entry in view.entries if entry.kind == "throttle"}
    for function in view.bound:
        known = function in reached or function.rpartition(":")[2] in throttled or view.schedules_of(function)
        if not known:
            yield Finding(
                SILENCE,
                f"{function} was never invoked: it is the function of no mapping, and nothing else has invoked it.",
                (function,),
            )
