"""What happens to a record that its mapping's schema registry does not accept: it is discarded, and never delivered.

Its failure record, if there is a destination, is that of a record that is too large, with another condition.
"""

from __future__ import annotations

from pytest_lambda_esm.polling.kafka.batch import Run, Runs
from pytest_lambda_esm.polling.kafka.context import KafkaContext
from pytest_lambda_esm.polling.kafka.failures import DiscardedRecords
from pytest_lambda_esm.polling.kafka.schemas import InvalidRecord


def discard_invalid(context: KafkaContext, run: Run, invalid: InvalidRecord) -> None:
    """Discard a record, and count it."""
    runs, counters = Runs((run,)), context.mapping.counters
    counters["PolledEventCount"] += 1
    counters["SchemaRegistryErrorCount"] += 1
    discarded = DiscardedRecords(
        mapping=context.mapping,
        condition=invalid.condition,
        invocations=0,
        response=None,
        request_id="",
        event=context.event(runs, raw=True),
    )
    destination = context.settings().failure_destination
    for part, fate, about in context.discarder.discard(discarded, destination, context.clock.instant):
        context.end(part, fate, f"{about} ({invalid.about})")
