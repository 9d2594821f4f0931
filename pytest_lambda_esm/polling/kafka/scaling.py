"""How many pollers a mapping of Kafka has.

Follows the page "Apache Kafka event poller scaling modes in Lambda": with provisioned pollers, their number stays
between MinimumPollers and MaximumPollers, and follows the offset lag. How fast is not documented. Here, each minute in
which more than one batch per poller waits doubles them, and each minute without a lag halves them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.settings import KafkaSettings
from pytest_lambda_esm.timing import MICROSECONDS
from pytest_lambda_esm.wording import counted

MINUTE: Final = 60 * MICROSECONDS


class PollerScaling:
    """The number of pollers.

    ``lag()`` is how many records wait. ``changed()`` is called when the number has changed.
    """

    def __init__(self, context: KafkaContext, lag: Callable[[], int], changed: Callable[[], None]) -> None:
        self._context = context
        self._lag = lag
        self._changed = changed
        self._count = 0
        self._bounds = (0, 0)
        self._next: Any = None
        self._event = context.interruptions.event(self._evaluate, lambda: None)

    def wanted(self, settings: KafkaSettings, most: int | None) -> int:
        """Return how many pollers there should be now; ``most`` is how many can have work."""
        least = settings.pollers or self._context.polling.pollers
        highest = max(settings.maximum_pollers or least, least)
        if most is not None:
            least, highest = min(least, most), min(highest, most)
        self._bounds = (least, highest)
        self._count = min(max(self._count, least), highest)
        self._plan(settings)
        self._publish(self._count if settings.pollers else None)
        return self._count

    def stop(self) -> None:
        """Evaluate no more; polling begins with the minimum again."""
        self._context.clock.cancel(self._next)
        self._next, self._count = None, 0
        self._publish(None)

    def _plan(self, settings: KafkaSettings) -> None:
        """Evaluate the lag in a minute, if the number may change then."""
        least, highest = self._bounds
        if self._next is None and least < highest and (self._count > least or self._is_behind(settings)):
            due = self._context.clock.instant + MINUTE
            uuid = self._context.mapping.uuid
            about = f"mapping {uuid}: evaluate the offset lag, to scale the pollers"
            self._next = self._context.clock.call_in_background(due, self._event, lambda: about)

    def _evaluate(self) -> None:
        self._next = None
        least, highest = self._bounds
        count = self._count
        if self._is_behind(self._context.settings()):
            count = min(2 * count, highest)
        elif not self._lag():
            count = max(count // 2, least)
        if count != self._count:
            text = f"{self._count} -> {counted(count, 'poller')}"
            self._context.journal.add("poll", f"mapping {self._context.mapping.uuid}", text)
        self._count = count
        self._changed()

    def _publish(self, provisioned: int | None) -> None:
        """Show the number as a metric, unless there are no provisioned pollers now."""
        counters = self._context.mapping._counters
        if provisioned is None:
            counters.pop("ProvisionedPollers", None)
        else:
            counters["ProvisionedPollers"] = provisioned

    def _is_behind(self, settings: KafkaSettings) -> bool:
        return self._lag() > settings.batch_size * self._count
