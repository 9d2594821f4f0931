"""Rules about invocations: handlers that raised, throttles, and responses that Lambda did not heed."""

from __future__ import annotations

import sysconfig
from collections import Counter
from collections.abc import Iterator
from typing import Final

from pytest_lambda_esm.invocation.record import Invocation
from pytest_lambda_esm.invocation.stack_frames import Frame
from pytest_lambda_esm.simulation.diagnosis.finding import (
    BACKGROUND,
    CERTAIN,
    LIKELY,
    Finding,
    named,
    of_mapping,
    sentence,
    unqualified,
)
from pytest_lambda_esm.simulation.diagnosis.view import View
from pytest_lambda_esm.wording import counted, times

_MOST_FRAMES: Final = 3
_LONGEST_MESSAGE: Final = 160
_REPORTS: Final = "ReportBatchItemFailures"
_REMEDIES: Final = (
    ("topic not found", "Create the topic, or correct Topics."),
    ("queue not found", "Create the queue of the broker, or correct Queues."),
    ("collection not found", "Insert a document into it, or correct DocumentDBEventSourceConfig."),
    ("not enabled", "Call the cluster's modify_change_streams(enable=True)."),
    ("secret", "Secrets Manager must have it, as a JSON object with 'username' and 'password'."),
    ("authenticat", "The login in the secret has to be one that the source accepts."),
    ("not found", "Create it again, or delete the mapping."),
)
"""What to do about a LastProcessingResult, by a part of it."""
_LACKS: Final = '{"Effect": "Allow"'
"""In the text of a refusal that a further statement would mend; others come from a statement that denies."""
_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib")
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_MALFORMED: Final = "the whole batch counts as failed"


def failures(view: View) -> Iterator[Finding]:
    """Functions whose last invocation for a mapping or a caller failed, and those that failed before."""
    found = []
    for (function, uuid), invocations in view.last_invocations.items():
        failed = [each for each in invocations if each.error is not None]
        if failed:
            is_over = invocations[-1].error is None
            found.append((is_over, -failed[-1]._start, function, uuid, failed))
    for is_over, _, function, uuid, failed in sorted(found, key=lambda each: each[:2]):
        consequence = "; it succeeded afterwards" if is_over else _consequence(view, failed[-1])
        level = BACKGROUND if is_over else LIKELY
        count = counted(len(failed), "failure")
        text = f"{function}: {count}, the last one {_described(failed[-1])}{consequence}."
        yield Finding(level, text, (function, *([uuid] if uuid else [])), _frames(failed[-1]))


def _described(invocation: Invocation) -> str:
    error = invocation.error
    assert error is not None
    if invocation.outcome == "timeout":
        return f"a timeout after {invocation.duration.total_seconds():g} s (the function's timeout)"
    message = " ".join(str(error).split())
    shown = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."
    frames = _own_frames(invocation)
    return f"{shown} at {frames[-1].file}:{frames[-1].line}" if frames else shown


def _consequence(view: View, invocation: Invocation) -> str:
    """Say what becomes of the batch that failed."""
    mapping = invocation.mapping
    if mapping is None:
        return ""
    queue = view.queues.get(mapping.source_arn)
    if queue is None:
        return ""
    if queue.dead_letter_target is None:
        return "; the queue has no redrive policy, so each message comes again until its retention period ends"
    return f"; after maxReceiveCount receipts the messages go to {queue.dead_letter_target}"


def _frames(invocation: Invocation) -> tuple[str, ...]:
    """Return the last frames of a traceback, one line each."""
    return tuple(map(str, _own_frames(invocation)[-_MOST_FRAMES:]))


def _own_frames(invocation: Invocation) -> list[Frame]:
    """Return the frames up to the last one of the code under test: an error of a client is raised inside botocore."""
    frames = invocation._frames
    own = [place for place, frame in enumerate(frames) if not _is_of_library(frame.file)]
    return frames[: own[-1] + 1] if own else frames


def _is_of_library(file: str) -> bool:
    return file.startswith(_STANDARD_LIBRARY) or not _INSTALLED.isdisjoint(file.replace("\\", "/").split("/"))


def problems(view: View) -> Iterator[Finding]:
    """Mappings whose LastProcessingResult is a problem of the service, such as a topic that does not exist."""
    for mapping in view.mappings:
        result = mapping._last_result or ""
        if result.startswith("PROBLEM") and "Function call failed" not in result:
            remedy = next((text for part, text in _REMEDIES if part in result.lower()), "")
            text = (
                f"{sentence(named(mapping))} of {mapping.source_arn} reports: {result.rstrip('.')}. {remedy}".rstrip()
            )
            yield Finding(CERTAIN if view.unfinished(mapping) else LIKELY, text, of_mapping(mapping))


def throttles(view: View) -> Iterator[Finding]:
    """Functions that were throttled."""
    counts = Counter(
        (entry.subject, entry.detail.partition(",")[0]) for entry in view.entries if entry.kind == "throttle"
    )
    last = {entry.subject: entry.instant for entry in view.entries if entry.kind == "throttle"}
    for (function, reason), count in counts.items():
        ran_after = any(each.function == function and each._start >= last[function] for each in view.invocations)
        arns = tuple(arn for arn in view.functions if arn.rpartition(":")[2] == function)
        yield Finding(
            BACKGROUND if ran_after else CERTAIN,
            f"The function {function} was throttled {times(count)} ({reason})"
            f"{', and ran afterwards' if ran_after else ''}. Raise its reserved concurrency or the setting"
            f" 'account_concurrency', or let time pass until an invocation ends.",
            arns,
        )


def ignored_reports(view: View) -> Iterator[Finding]:
    """Responses with batchItemFailures that Lambda ignored or could not read."""
    ignored = Counter[str]()
    mappings = {}
    for invocation in view.invocations:
        mapping = invocation.mapping
        if mapping is None or _REPORTS in mapping._in_force.get("FunctionResponseTypes", ()):
            continue
        result = invocation.result
        if isinstance(result, dict) and result.get("batchItemFailures"):
            ignored[mapping.uuid] += 1
            mappings[mapping.uuid] = mapping
    for uuid, count in ignored.items():
        mapping = mappings[uuid]
        yield Finding(
            CERTAIN,
            f"{unqualified(mapping.function_arn)} returned batchItemFailures {times(count)}, and the mapping {uuid} has"
            f" no FunctionResponseTypes=['{_REPORTS}']: Lambda ignored it, and the whole batch counts as"
            f" processed.",
            of_mapping(mapping),
        )
    unreadable = [entry for entry in view.entries if entry.kind == "result" and _MALFORMED in entry.detail]
    for entry in unreadable[-1:]:
        yield Finding(LIKELY, f"The response of {entry.subject} was not accepted: {entry.detail}.")


def forbidden(view: View) -> Iterator[Finding]:
    """What a policy did not allow, with the statement that is missing."""
    found = [entry for entry in view.entries if entry.kind == "permission" and " was not judged: " not in entry.detail]
    for text, subject in {entry.detail: entry.subject for entry in found}.items():
        remedy = " Add that statement." if _LACKS in text else ""
        name = subject.removeprefix("function ")
        arns = tuple(arn for arn in view.functions if arn.rpartition(":")[2] == name)
        yield Finding(LIKELY, f"{sentence(text.rstrip('.'))}.{remedy}", arns or (subject,))
