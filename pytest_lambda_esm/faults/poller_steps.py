"""The steps of a poller at which a test may ask for trouble, and which trouble each step knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnly
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from pytest_lambda_esm.arn import Arn, FunctionReference
from pytest_lambda_esm.destinations import DeliveryFailed, Destinations, Message
from pytest_lambda_esm.errors import is_for_the_author
from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import PollerFault
from pytest_lambda_esm.mappings.mapping import Mapping

if TYPE_CHECKING:
    from pytest_lambda_esm.faults.injection import FaultInjector

READ: Final = "poller.Read"
INVOKE: Final = "poller.Invoke"
DELETE: Final = "poller.Delete"
CHECKPOINT: Final = "poller.Checkpoint"
SEND: Final = "poller.Send"
INVOKE_EVENT: Final = "poller.InvokeEvent"

STEPS: Final[ReadOnly[str, ReadOnly[str, str]]] = MappingProxyType(
    {
        READ: MappingProxyType(
            {
                "throttled": "the source throttles the poller; it reads again a little later",
                "failed": "the source does not answer; it reads again a little later",
                "duplicated": "what is read is delivered twice, as at-least-once allows",
                "reordered": "the oldest message is passed over, and comes last (standard queues)",
                "disabled": "the service disables the mapping at this moment; message is its reason",
                "deleted": "somebody deletes the mapping at this moment",
            }
        ),
        INVOKE: MappingProxyType(
            {
                "throttled": "the function is throttled and does not run",
                "failed": "the function fails before it starts",
                "disabled": "the service disables the mapping with a batch in hand; message is its reason",
                "deleted": "somebody deletes the mapping with a batch in hand",
            }
        ),
        DELETE: MappingProxyType({"lost": "the messages are not deleted after success, and come again"}),
        CHECKPOINT: MappingProxyType(
            {"late": "after success the checkpoint stays where it was; the records come again"}
        ),
        SEND: MappingProxyType({"refused": "a destination or dead-letter queue refuses what it is sent"}),
        INVOKE_EVENT: MappingProxyType(
            {
                "throttled": "Lambda throttles an asynchronous event, and tries again later; no retry is used",
                "failed": "Lambda has an error of its own (5xx), and tries again later; no retry is used",
            }
        ),
    }
)
"""The trouble that each step knows, by its word."""

_OF_A_MAPPING: Final = ("Mapping", "Source", "Function", "Records")

PARAMS: Final[ReadOnly[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(STEPS, _OF_A_MAPPING),
        SEND: ("Destination", "Body"),
        INVOKE_EVENT: ("Function", "RequestId", "Body"),
    }
)
"""What each step tells to match: the mapping's UUID, the ARNs of source and function, the records' ids; for SEND the
destination's ARN and the text that it is sent, for mappings and asynchronous invocations alike; for INVOKE_EVENT the
function's ARN, the event's request id and its payload."""

MakeIds: TypeAlias = Callable[[], Sequence[str]]
NOTHING: Final[frozenset[str]] = frozenset()
KEEPS_ITS_ORDER: Final = frozenset({"reordered"})
"""What cannot happen at a source that keeps its order: FIFO queues, streams."""


class Interference(Protocol):
    """Asked by lanes."""

    def at(self, step: str, mapping: Mapping, records: MakeIds = tuple, cannot: frozenset[str] = NOTHING) -> str | None:
        """The trouble at this step, by its word, or None; ``records()`` are the ids of the records concerned.

        ``cannot`` are words of the step that have no meaning at this source. Raises FaultError where a test asks
        for one of them.
        """
        ...


class PlannedInterference:
    """What the fault plan and the weather say. ``remove`` deletes a mapping as its owner would."""

    def __init__(self, steps: FaultInjector, instant: Callable[[], int], remove: Callable[[Mapping], None]) -> None:
        self._steps = steps
        self._instant = instant
        self._remove = remove

    def at(self, step: str, mapping: Mapping, records: MakeIds = tuple, cannot: frozenset[str] = NOTHING) -> str | None:
        """The trouble at this step; what befalls the mapping itself is done and not told."""
        __tracebackhide__ = is_for_the_author
        if self._steps.is_quiet:
            return None
        return self._met(step, mapping, records, cannot)

    def _met(self, step: str, mapping: Mapping, records: MakeIds, cannot: frozenset[str]) -> str | None:
        __tracebackhide__ = is_for_the_author
        effect = self._steps.on_step(step, lambda: self._call(step, mapping, records), cannot)
        if not isinstance(effect, PollerFault):
            return None
        if effect.word == "disabled":
            mapping.force("Disabled", reason=effect.message)
            return None
        if effect.word == "deleted":
            self._remove(mapping)
            return None
        return effect.word

    def _call(self, step: str, mapping: Mapping, records: MakeIds) -> IncomingCall:
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


class AsyncTrouble:
    """Asks at each attempt to invoke a function with an event. ``instant`` is microseconds since the epoch."""

    def __init__(self, steps: FaultInjector, instant: Callable[[], int]) -> None:
        self._steps = steps
        self._instant = instant

    def at(self, reference: FunctionReference, request_id: str, payload: str) -> str | None:
        """``"throttled"``, ``"failed"`` or None."""

        def call() -> IncomingCall:
            return IncomingCall(
                operation=INVOKE_EVENT,
                params={"Function": reference.arn, "RequestId": request_id, "Body": payload},
                account_id=reference.account_id,
                region=reference.region,
                instant=self._instant(),
            )

        effect = self._steps.on_step(INVOKE_EVENT, call, frozenset())
        return str(effect) if effect is not None else None


class RefusingDestinations:
    """Delivers, unless a fault at ``poller.Send`` strikes."""

    def __init__(self, destinations: Destinations, steps: FaultInjector, instant: Callable[[], int]) -> None:
        self._destinations = destinations
        self._steps = steps
        self._instant = instant

    def deliver(self, arn: str, message: Message) -> None:
        """Deliver now. Raises DeliveryFailed where the destination does not exist or refuses."""
        if self._steps.on_step(SEND, lambda: self._call(arn, message), NOTHING) is not None:
            raise DeliveryFailed(f"{arn} refused it, as the test has asked for")
        self._destinations.deliver(arn, message)

    def _call(self, arn: str, message: Message) -> IncomingCall:
        parsed = Arn.parse(arn)
        return IncomingCall(
            operation=SEND,
            params={"Destination": arn, "Body": message.body},
            account_id=parsed.account_id if parsed is not None else "",
            region=parsed.region if parsed is not None else "",
            instant=self._instant(),
        )
