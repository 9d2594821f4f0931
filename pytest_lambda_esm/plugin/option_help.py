"""The names and help texts of all settings and markers, which pytest needs when it starts.

They are kept apart from the values and how they are read, because every run of pytest imports them, even one that
uses nothing else of this package.
"""

from __future__ import annotations

from typing import Final

SETTINGS: Final = {
    "start": "the virtual clock's first instant (ISO 8601, UTC)",
    "seed": "the seed of everything random: ids, receipt handles, tie breaks",
    "region": "the default region; without one, AWS_DEFAULT_REGION, else us-east-1",
    "account_id": "the account id of all requests",
    "limits": "the service limits that apply: today's, or those of 2020",
    "transitions": "how long the transitions of a mapping take",
    "strict": "fail a test whose code swallowed an error of the fake itself, such as a blocked request",
    "wall_clock": "what makes time.time and datetime.now virtual",
    "sleep": "what time.sleep does in code under test",
    "timeline": "the tests whose report has the timeline (pytest shows reports of passed tests with -rP or -rA)",
    "timeline_calls": "the calls that the timeline of a report shows: those to Lambda, or those to all services",
    "advice": "what to do about setups that are known to go wrong in production: warn, fail, or nothing",
    "advice_ignore": "the codes of advice to leave out, such as 'ESM102 ESM112'",
    "handler_errors": (
        "what to do about errors of handlers that neither Function.expects nor a script asked for: record, or fail"
    ),
    "polling_delay": "seconds from the state Enabled to the first poll (not documented by AWS)",
    "poll_latency": "seconds from the moment a message is visible until it is received (not documented by AWS)",
    "polling_states": "transitional states in which a mapping that was Enabled keeps polling (not documented by AWS)",
    "update_answers": "the values in the answer of an update: new or old (both have been seen on AWS)",
    "repeated_delete": "the answer to a Delete of a mapping that is Deleting: 202, or 400 (not documented by AWS)",
    "distinguish_latest": "fn and fn:$LATEST on one source are two mappings, not a duplicate (not documented by AWS)",
    "maximum_filters": "how many filters a mapping may have: 5, or up to 10 in an account with a raised quota",
    "low_traffic_wait": (
        "seconds that an SQS mapping with a batching window waits at least (on AWS up to 20 under low traffic)"
    ),
    "extend_visibility": (
        "hide messages of an SQS mapping with a batching window for the window, the function's timeout and 30 seconds,"
        " where the queue's visibility timeout is shorter (documented by AWS in one place)"
    ),
    "initial_concurrency": "how many batches of an SQS mapping may be in flight at first",
    "concurrency_growth": (
        "how many more batches of an SQS mapping may be in flight each minute while messages wait; by default 300, or"
        " 60 with the limits of 2020"
    ),
    "maximum_concurrency": (
        "the most batches of an SQS mapping that may be in flight; by default 1,250, or 1,000 with the limits of 2020"
    ),
    "concurrency_lowered_by": (
        "how many fewer batches of an SQS mapping may be in flight after a failed one (not documented by AWS)"
    ),
    "throttle_backoff": (
        "seconds until a throttled batch of an SQS mapping is retried, doubling each time (not documented by AWS)"
    ),
    "throttle_backoff_limit": "the most seconds between two attempts at a throttled batch (not documented by AWS)",
    "interleaving": (
        "in which order pollers and asynchronous events that are due at the same instant have their turn: 0 for the"
        " order in which they were scheduled, another number for an order that it chooses"
    ),
    "account_concurrency": "how many invocations may run at the same time in one account and region",
    "recursion_limit": "how many invocations may cause one another before Lambda stops the next one; 0 for no limit",
    "permissions": (
        "what to do if policies do not allow something: off, advise or enforce; by default advise in deployments, off"
        " elsewhere"
    ),
    "archive_imports": (
        "what to do if code from an archive imports a module of the test's environment that Lambda lacks"
    ),
    "async_latency": "seconds from an asynchronous invocation to its first attempt (not documented by AWS)",
    "async_jitter": "the most seconds that are added to async_latency at random, so that events lose their order",
    "stream_backoff": "seconds from a stream batch's first failure to its next attempt (not documented by AWS)",
    "stream_backoff_limit": ("the most seconds that a stream batch waits; each wait doubles (not documented by AWS)"),
    "larger_half": "which half is larger when a stream batch of odd size is split (not documented by AWS)",
    "kafka_pollers": (
        "the pollers of a Kafka mapping on demand, at most one per partition except in queue mode (AWS adapts them to"
        " the lag each minute)"
    ),
    "window_idle_wait": "seconds after the end of a tumbling window until it is closed, if no later record arrives",
    "time_to_live_delay": "seconds from the time at which an item expires to its deletion (on AWS within a few days)",
    "failure_payload": (
        "the form of the payload in failure records in buckets: JSON text (as documented) or an object"
    ),
    "weather": "how often calls and pollers fail at random, drawn from the seed",
    "read_retry_delay": "seconds until a poller reads again after a failed read (not documented by AWS)",
    "loop_depth": "how long a chain of invocations that AWS does not stop may become before the test is stopped",
    "longest_standstill": (
        "real seconds for which code under test may keep calling time.sleep while nothing happens, before it is stopped"
    ),
}

_SECONDS: Final = "seconds from 0, or a `timedelta`"
_BACKOFF: Final = "seconds from 0.001, or a `timedelta`"
_SWITCH: Final = "`true` or `false`"
_FROM_ZERO: Final = "a whole number from 0"
_FROM_ONE: Final = "a whole number from 1"

ALLOWED: Final = {
    "start": "an instant from 1970 on: ISO 8601, or a `datetime` with a time zone",
    "seed": "a whole number",
    "region": "the name of a region, such as `eu-west-1`",
    "account_id": "12 digits",
    "limits": "`current` or `2020`",
    "transitions": "for each transition seconds, `instant`, `manual` or `after_reads(n)`",
    "strict": _SWITCH,
    "wall_clock": "`freezegun` or `time-machine`",
    "sleep": "`virtual` or `real`",
    "timeline": "`failed`, `all` or `none`",
    "timeline_calls": "`lambda` or `all`",
    "advice": "`warn`, `error` or `off`",
    "advice_ignore": "codes of advice",
    "handler_errors": "`record` or `fail`",
    "polling_delay": _SECONDS,
    "poll_latency": _SECONDS,
    "polling_states": "states of mappings, such as `Updating Disabling`",
    "update_answers": "`new` or `old`",
    "repeated_delete": "`accepted` or `refused`",
    "distinguish_latest": _SWITCH,
    "maximum_filters": "1 to 10",
    "low_traffic_wait": _SECONDS,
    "extend_visibility": _SWITCH,
    "initial_concurrency": _FROM_ONE,
    "concurrency_growth": _FROM_ZERO,
    "maximum_concurrency": _FROM_ONE,
    "concurrency_lowered_by": _FROM_ZERO,
    "throttle_backoff": _BACKOFF,
    "throttle_backoff_limit": _BACKOFF,
    "interleaving": _FROM_ZERO,
    "account_concurrency": _FROM_ONE,
    "recursion_limit": _FROM_ZERO,
    "permissions": "`off`, `advise` or `enforce`",
    "archive_imports": "`advise`, `allow` or `refuse`",
    "async_latency": _SECONDS,
    "async_jitter": _SECONDS,
    "stream_backoff": _BACKOFF,
    "stream_backoff_limit": _BACKOFF,
    "larger_half": "`first` or `second`",
    "kafka_pollers": _FROM_ONE,
    "window_idle_wait": _SECONDS,
    "time_to_live_delay": _SECONDS,
    "failure_payload": "`text` or `object`",
    "weather": "`duplicates`, `reordering`, `throttles`, `latency`: rates from 0 to 1; `slowest`: seconds",
    "read_retry_delay": _SECONDS,
    "loop_depth": _FROM_ONE,
    "longest_standstill": _SECONDS,
}
"""The values that each setting takes, in Markdown."""


def help_of(name: str) -> str:
    """Return the help text of a setting: what it is, and the values that it takes."""
    return f"{SETTINGS[name]}. Allowed: {ALLOWED[name].replace('`', '')}"


OPTIONS: Final = ("seed", "timeline")
"""The settings that are also command-line options."""

LISTS: Final = ("transitions", "weather")
"""The settings that take several lines in an ini file."""

MARKER: Final = (
    "lambda_esm(**settings): settings of the lambda_esm fixture for this test, class or module, such as"
    " start='2026-03-01T00:00:00Z' or transitions={'creating': 30}; the names are those of the ini settings without"
    " their prefix."
)

DEPLOY_MARKER: Final = (
    "lambda_esm_deploy(template, *, parameters=None, stack_name=None, code=None, region=None, skip=()): deploy a"
    " template before the test, as lambda_esm.deploy does; its path is relative to the test's file or the root folder."
)

EXPLORE_MARKER: Final = (
    "lambda_esm_explore(runs=100, *, at_most=3, operations=None, parts=4): make several tests of one, each of which has"
    " a part of the worlds of its lambda_esm.explore(); pytest-xdist distributes them."
)

FAULT_MARKER: Final = (
    "lambda_esm_fault(operation, error, *, times=1, after=0, match=None, message=None, optional=False, per='attempt'):"
    " let calls of an operation fail, as lambda_esm.faults.add does; stacked markers strike from top to bottom."
)
