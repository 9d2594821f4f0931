"""The settings and their parts as typed dictionaries: a type checker finds misspelt names and wrong values.

A test compares them with :class:`Config` and its parts, which read and check the values at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypedDict

from pytest_lambda_esm.config import TransitionTime, TransitionTimes, Weather
from pytest_lambda_esm.timing import Span
from pytest_lambda_esm.vocabulary import AnyState


class Times(TypedDict, total=False):
    """The transitions of a mapping and how long each takes, as ``transitions`` takes them by name."""

    creating: TransitionTime
    enabling: TransitionTime
    disabling: TransitionTime
    updating: TransitionTime
    deleting: TransitionTime


class Rates(TypedDict, total=False):
    """The parts of :class:`Weather`."""

    duplicates: float
    reordering: float
    throttles: float
    latency: float
    slowest: Span


class Settings(TypedDict, total=False):
    """The settings, as ``FakeLambda`` takes them by name: for a ``lambda_esm_config`` that a type checker checks.

    :class:`Config` and the configuration reference describe them.
    """

    start: datetime | str
    seed: int
    region: str | None
    account_id: str
    limits: Literal["current", "2020"]
    transitions: TransitionTimes | Times
    strict: bool
    wall_clock: Literal["freezegun", "time-machine"]
    sleep: Literal["virtual", "real"]
    timeline: Literal["failed", "all", "none"]
    timeline_calls: Literal["lambda", "all"]
    advice: Literal["warn", "error", "off"]
    advice_ignore: Iterable[str]
    handler_errors: Literal["record", "fail"]
    polling_delay: Span
    poll_latency: Span
    polling_states: Iterable[AnyState]
    update_answers: Literal["new", "old"]
    repeated_delete: Literal["accepted", "refused"]
    distinguish_latest: bool
    maximum_filters: int
    low_traffic_wait: Span
    extend_visibility: bool
    initial_concurrency: int
    concurrency_growth: int | None
    maximum_concurrency: int | None
    concurrency_lowered_by: int
    throttle_backoff: Span
    throttle_backoff_limit: Span
    interleaving: int
    account_concurrency: int
    recursion_limit: int
    permissions: Literal["off", "advise", "enforce"] | None
    archive_imports: Literal["advise", "allow", "refuse"]
    async_latency: Span
    async_jitter: Span
    stream_backoff: Span
    stream_backoff_limit: Span
    larger_half: Literal["first", "second"]
    kafka_pollers: int
    window_idle_wait: Span
    time_to_live_delay: Span
    failure_payload: Literal["text", "object"]
    weather: Weather | Rates
    read_retry_delay: Span
    loop_depth: int
    longest_standstill: Span
