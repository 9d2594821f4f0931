"""What the poller of one SQS mapping shares with its batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_lambda_esm.faults.interruptions import Interruptions
from pytest_lambda_esm.faults.poller_faults import PollerFaults
from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.polling.ports import Deliver, Forbidden, never_forbidden
from pytest_lambda_esm.polling.queues.scaling import ScalingRates
from pytest_lambda_esm.ports import Clock, Journal
from pytest_lambda_esm.sources.queue_ports import Queues
from pytest_lambda_esm.timing import Backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolling:
    """How queues are polled, where AWS leaves it open. Time spans are in microseconds.

    ``latency`` is the time from visibility to receipt. ``low_traffic_wait`` is the minimum wait of a batch with a
    window. ``extend_visibility`` hides the messages of a batch with a window until its invocation can have ended.
    ``throttle_backoff`` says when a throttled batch is retried, and ``read_retry`` when a failed read is.
    ``loop_depth`` is the maximum length of a chain of invocations in which each one causes the next.
    """

    latency: int
    low_traffic_wait: int
    extend_visibility: bool
    throttle_backoff: Backoff
    read_retry: int
    loop_depth: int
    rates: ScalingRates


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueContext:
    """One mapping and the parts of the simulation that its poller needs.

    ``stops_loop`` returns whether Lambda's loop detection refuses to invoke the function after a chain of invocations.
    ``timeout`` returns the function's timeout in seconds, or None if the function does not exist. ``source_changed``
    is called with the queue's ARN when a batch ends late, since other mappings may poll the same queue. ``forbidden``
    returns why the function's role may not read the queue.
    """

    mapping: Mapping
    queues: Queues
    deliver: Deliver
    stops_loop: Callable[[Mapping, int], bool]
    clock: Clock
    journal: Journal
    polling: QueuePolling
    interference: PollerFaults
    interruptions: Interruptions
    timeout: Callable[[Mapping], int | None]
    source_changed: Callable[[str], None]
    forbidden: Forbidden = never_forbidden
