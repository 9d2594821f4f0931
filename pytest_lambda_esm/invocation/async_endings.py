"""What becomes of an asynchronous event that has ended: its destination, its dead letter, its fate and the metrics."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from pytest_lambda_esm.invocation import async_record
from pytest_lambda_esm.invocation.async_record import Ending
from pytest_lambda_esm.invocation.function import Function
from pytest_lambda_esm.mappings.invoke_config import InvokeConfig
from pytest_lambda_esm.observe.fates import DISCARDED, DONE, SENT
from pytest_lambda_esm.sources.destinations import DeliveryFailed, Destinations, Parcel


class Journal(Protocol):
    """Where it is said what happened."""

    def add(self, kind: str, subject: str, text: str, items: tuple[str, ...] = (), at: int | None = None) -> int:
        """Note an entry; its instant is returned."""
        ...

    def fate(self, source: str, records: tuple[str, ...], fate: str, text: str) -> None:
        """Events have met their final fate."""
        ...


class AsyncEndings:
    """Delivers what is known of ended events. ``causing(depth)`` marks what happens as the end of such a chain."""

    def __init__(
        self,
        destinations: Destinations,
        journal: Journal,
        causing: Callable[[int], AbstractContextManager[None]],
        new_id: Callable[[], str],
    ) -> None:
        self._destinations = destinations
        self._journal = journal
        self._causing = causing
        self._new_id = new_id

    def drop(self, function: Function, request_id: str, why: str) -> None:
        """Nobody learns of the event any more."""
        function.count("AsyncEventsDropped")
        self._journal.fate(function.arn, (request_id,), DISCARDED, why)

    def close(
        self, function: Function, ending: Ending, config: InvokeConfig | None, dead_letter: str | None, depth: int
    ) -> None:
        """Tell the destination and, after a failure, the dead-letter target: both are fed where there are both."""
        succeeded = ending.condition == async_record.SUCCESS
        target = None if config is None else config.on_success if succeeded else config.on_failure
        delivered = False
        with self._causing(depth):
            if target is not None:
                parcel = async_record.for_destination(ending, self._new_id)
                delivered = self._deliver(function, ending, target, parcel, "DestinationDeliveryFailures")
            if not succeeded and dead_letter is not None:
                parcel = async_record.for_dead_letters(ending)
                delivered = self._deliver(function, ending, dead_letter, parcel, "DeadLetterErrors") or delivered
        text = f"{ending.condition} after {ending.attempts} attempts"
        if succeeded or delivered:
            fate = DONE if succeeded else SENT
            self._journal.fate(function.arn, (ending.request_id,), fate, text)
        else:
            self.drop(function, ending.request_id, text)

    def _deliver(self, function: Function, ending: Ending, target: str, parcel: Parcel, failure_metric: str) -> bool:
        try:
            self._destinations.deliver(target, parcel)
        except DeliveryFailed as error:
            function.count(failure_metric)
            self._journal.add("delivery", target, f"failed: {error}", (ending.request_id,))
            return False
        self._journal.add("delivery", target, f"{function.name}: {ending.condition}", (ending.request_id,))
        return True
