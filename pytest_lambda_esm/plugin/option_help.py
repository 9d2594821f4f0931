"""The names of all settings and what each is about: what pytest is told when it starts.

It stands apart from the values and how they are read, since every run of pytest pays for its import, also those runs
that use none of this package.
"""

from __future__ import annotations

from typing import Final

SETTINGS: Final = {
    "start": "the virtual clock's first instant (ISO 8601, UTC)",
    "seed": "the one seed of everything random: ids, receipt handles, tie breaks",
    "region": "the default region; without one, AWS_DEFAULT_REGION, else us-east-1",
    "account_id": "the account that requests belong to",
    "limits": "the service limits that apply: today's, or 2020's",
    "transitions": "how long the transitions of a mapping take",
    "strict": "fail a test whose code swallowed an error of the fake itself, such as a blocked request",
    "wall_clock": "what makes time.time and datetime.now virtual",
    "sleep": "what time.sleep does in code under test",
    "timeline": "the tests whose report has the timeline (pytest shows reports of passed tests with -rP or -rA)",
    "advice": "what happens on setups known to go wrong in production",
    "polling_delay": "seconds from the state Enabled to the first poll (not documented by AWS)",
    "poll_latency": "seconds from a message's visibility to its receipt (not documented by AWS)",
    "polling_states": "transitional states in which a mapping that was Enabled goes on polling (not documented by AWS)",
    "update_answers": "the values that the answer of an update shows (both have been seen on AWS)",
    "repeated_delete": "what a Delete of a mapping that is Deleting answers: 202, or 400 (not documented by AWS)",
    "distinguish_latest": "fn and fn:$LATEST on one source are two mappings, not a duplicate (not documented by AWS)",
    "maximum_filters": "filters that a mapping may have: 5, or up to 10 in an account with a raised quota",
    "low_traffic_wait": (
        "seconds that an SQS mapping with a batching window waits at the least (on AWS up to 20 under low traffic)"
    ),
    "extend_visibility": (
        "hide messages of an SQS mapping with a batching window for the window, the function's timeout and 30 seconds,"
        " where the queue's visibility timeout is shorter (documented by AWS in one place)"
    ),
    "initial_concurrency": "batches of one SQS mapping that are in flight at the same time, at first",
    "concurrency_growth": (
        "how many more batches of an SQS mapping may be in flight a minute while messages wait; without it 300, with"
        " the limits of 2020 60"
    ),
    "maximum_concurrency": (
        "batches of one SQS mapping that are in flight at the same time, at most; without it 1,250, with the limits of"
        " 2020 1,000"
    ),
    "concurrency_lowered_by": (
        "how many fewer batches of an SQS mapping may be in flight after a failed one (not documented by AWS)"
    ),
    "throttle_backoff": (
        "seconds until a throttled batch of an SQS mapping is tried again, doubling (not documented by AWS)"
    ),
    "throttle_backoff_limit": "seconds between two tries of a throttled batch, at most (not documented by AWS)",
    "account_concurrency": "invocations of one account and region that go on at the same time",
    "recursion_limit": "how many invocations may cause one another before Lambda stops the next one; 0 for no limit",
    "archive_imports": (
        "what happens where code out of an archive imports a module of the test's environment that Lambda lacks"
    ),
    "async_latency": "seconds from an asynchronous invocation to its first attempt (not documented by AWS)",
    "async_jitter": "seconds that are added to async_latency at random, at the most: events lose their order",
    "stream_backoff": "seconds from a stream batch's first failure to its next attempt (not documented by AWS)",
    "stream_backoff_limit": (
        "seconds that a stream batch waits at most, each wait being doubled (not documented by AWS)"
    ),
    "larger_half": "the larger half of a stream batch of odd size that is split (not documented by AWS)",
    "window_idle_wait": "seconds after the end of a tumbling window until it is closed, where no later record comes",
    "time_to_live_delay": "seconds from an item's time to live to its deletion (on AWS within a few days)",
    "failure_payload": (
        "how the payload stands in failure records in buckets: as JSON text (as documented) or as an object"
    ),
    "weather": "how often calls and pollers go wrong by themselves, drawn from the seed",
    "read_retry_delay": "seconds until a poller reads again after a failed read (not documented by AWS)",
    "loop_depth": "how often a handler may cause its own next invocation before the test is stopped",
    "longest_standstill": (
        "real seconds that code under test may go on calling time.sleep while nothing happens, before it is stopped"
    ),
}

OPTIONS: Final = ("seed", "timeline")
"""The settings that are options of the command line, too."""

LISTS: Final = ("transitions", "weather")
"""The settings that take several lines in an ini file."""

MARKER: Final = (
    "lambda_esm(**settings): settings of the lambda_esm fixture for this test, class or module, such as"
    " start='2026-03-01T00:00:00Z' or transitions={'creating': 30}; the names are those of the ini settings without"
    " their prefix."
)

FAULT_MARKER: Final = (
    "lambda_esm_fault(operation, error, *, times=1, after=0, match=None, message=None, optional=False, per='attempt'):"
    " let calls of an operation fail, as lambda_esm.faults.add does; stacked markers strike from top to bottom."
)
