"""Where pollers, the asynchronous queue and destinations ask whether a fault strikes their next step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pytest_lambda_esm.arn import Arn, FunctionReference
from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message
from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import PollerFault
from pytest_lambda_esm.faults.interruptions import Interruptions, broken_off
from pytest_lambda_esm.faults.poller_steps import FAILURES, INVOKE, INVOKE_EVENT, NOTHING, SEND
from pytest_lambda_esm.mappings.mapping import Mapping

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.injection import FaultInjector

RecordIds: TypeAlias = Callable[[], Sequence[str]]


class PollerFaults:
    """Faults at the steps of a mapping's poller.

    ``instant()`` is microseconds since the epoch, here and below; ``delete`` deletes a mapping as its owner would.
    An exception of the test's code at a step fails that step; ``interruptions`` raises it when the event has ended.
    """

    def __init__(
        self,
        injector: FaultInjector,
        instant: Callable[[], int],
        delete: Callable[[Mapping], None],
        interruptions: Interruptions,
    ) -> None:
        self._injector = injector
        self._instant = instant
        self._delete = delete
        self._interruptions = interruptions

    def at(
        self, step: str, mapping: Mapping, records: RecordIds = tuple, cannot: frozenset[str] = NOTHING
    ) -> str | None:
        """Return the name of the fault that strikes a step of the poller, or None.

        ``records()`` are the ids of the records concerned; ``cannot`` are the faults of the step that are
        impossible at this source. A fault that disables or deletes the mapping is carried out here, and None is
        returned. FaultError interrupts the step if a test asks for one of those that ``cannot`` lists.
        """
        __tracebackhide__ = is_for_the_author
        effect = self._effect(step, mapping, records, cannot)
        return effect.name if effect is not None else None

    def at_invocation(self, mapping: Mapping, records: RecordIds = tuple) -> PollerFault | None:
        """Return the fault that strikes the invocation of a mapping's function, or None, as :meth:`at` does."""
        __tracebackhide__ = is_for_the_author
        return self._effect(INVOKE, mapping, records, NOTHING)

    def _effect(self, step: str, mapping: Mapping, records: RecordIds, cannot: frozenset[str]) -> PollerFault | None:
        __tracebackhide__ = is_for_the_author
        if self._injector.is_quiet:
            return None
        try:
            return self._apply(step, mapping, records, cannot)
        except BaseException as error:
            self._interruptions.keep(error)
            return PollerFault(FAILURES[step])

    def _apply(self, step: str, mapping: Mapping, records: RecordIds, cannot: frozenset[str]) -> PollerFault | None:
        __tracebackhide__ = is_for_the_author
        effect = self._injector.on_step(step, lambda: self._call(step, mapping, records), cannot)
        if not isinstance(effect, PollerFault):
            return None
        if effect.name == "disabled":
            mapping.force("Disabled", reason=effect.message)
            return None
        if effect.name == "deleted":
            self._delete(mapping)
            return None
        return effect

    def _call(self, step: str, mapping: Mapping, records: RecordIds) -> IncomingCall:
        return IncomingCall(
            operation=step,
            params={
                "Mapping": mapping.uuid,
                "Source": mapping.source_arn,
                "Function": mapping.function_arn,
                "Records": tuple(records()),
            },
            account_id=mapping.account_id,
            region=mapping.region,
            instant=self._instant(),
        )


class AsyncFaults:
    """Faults at the attempts to invoke a function with an asynchronous event."""

    def __init__(self, injector: FaultInjector, instant: Callable[[], int], interruptions: Interruptions) -> None:
        self._injector = injector
        self._instant = instant
        self._interruptions = interruptions

    def at(self, reference: FunctionReference, request_id: str, payload: str) -> PollerFault | None:
        """Return the fault that strikes an attempt, or None."""

        def call() -> IncomingCall:
            return IncomingCall(
                operation=INVOKE_EVENT,
                params={"Function": reference.arn, "RequestId": request_id, "Body": payload},
                account_id=reference.account_id,
                region=reference.region,
                instant=self._instant(),
            )

        try:
            effect = self._injector.on_step(INVOKE_EVENT, call, NOTHING)
        except BaseException as error:
            self._interruptions.keep(error)
            return PollerFault("failed")
        return effect if isinstance(effect, PollerFault) else None


class FaultyDestinations:
    """Destinations that refuse a message when a fault strikes at ``poller.Send``, or an exception for the test does."""

    def __init__(
        self,
        destinations: Destinations,
        injector: FaultInjector,
        instant: Callable[[], int],
        interruptions: Interruptions,
    ) -> None:
        self._destinations = destinations
        self._injector = injector
        self._instant = instant
        self._interruptions = interruptions

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver a message now. Raises DeliveryFailed if the destination does not exist or refuses it."""
        try:
            refused = self._injector.on_step(SEND, lambda: self._call(arn, message), NOTHING) is not None
            if not refused:
                self._destinations.deliver(arn, message)
        except DeliveryFailed:
            raise
        except BaseException as error:
            self._interruptions.keep(error)
            raise DeliveryFailed(f"sending to {arn} was {broken_off(error)}") from None
        if refused:
            raise DeliveryFailed(f"{arn} refused it, as the test has asked for")

    def _call(self, arn: str, message: Message) -> IncomingCall:
        parsed = Arn.parse(arn)
        return IncomingCall(
            operation=SEND,
            params={"Destination": arn, "Body": message.body},
            account_id=parsed.account_id if parsed is not None else "",
            region=parsed.region if parsed is not None else "",
            instant=self._instant(),
        )
