"""Destinations that refuse what they are sent when a test has asked for it: those of mappings and of functions."""

from __future__ import annotations

from collections.abc import Callable

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.poller_steps import SEND
from pytest_lambda_esm.polling.interference import NOTHING, Steps
from pytest_lambda_esm.sources.arn import Arn
from pytest_lambda_esm.sources.destinations import DeliveryFailed, Destinations, Parcel


class RefusingDestinations:
    """Delivers, unless a fault at ``poller.Send`` strikes."""

    def __init__(self, destinations: Destinations, steps: Steps, instant: Callable[[], int]) -> None:
        self._destinations = destinations
        self._steps = steps
        self._instant = instant

    def deliver(self, arn: str, parcel: Parcel) -> None:
        """Deliver now. Raises DeliveryFailed where the destination does not exist or refuses."""
        if self._steps.on_step(SEND, lambda: self._call(arn, parcel), NOTHING) is not None:
            raise DeliveryFailed(f"{arn} refused it, as the test has asked for")
        self._destinations.deliver(arn, parcel)

    def _call(self, arn: str, parcel: Parcel) -> IncomingCall:
        parsed = Arn.parse(arn)
        return IncomingCall(
            operation=SEND,
            params={"Destination": arn, "Body": parcel.body},
            account_id=parsed.account_id if parsed is not None else "",
            region=parsed.region if parsed is not None else "",
            instant=self._instant(),
        )
