"""What goes wrong when Lambda takes an event out of its own queue: what the test asks for at that step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pytest_lambda_esm.faults.call import IncomingCall
from pytest_lambda_esm.faults.effects import Effect
from pytest_lambda_esm.faults.poller_steps import INVOKE_EVENT
from pytest_lambda_esm.invocation.function_name import FunctionReference


class Steps(Protocol):
    """Who knows what goes wrong at a step."""

    def on_step(self, step: str, make_call: Callable[[], IncomingCall], cannot: frozenset[str]) -> Effect | None:
        """What goes wrong, or None."""
        ...


class AsyncTrouble:
    """Asks at each attempt to invoke a function with an event. ``instant`` is microseconds since the epoch."""

    def __init__(self, steps: Steps, instant: Callable[[], int]) -> None:
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
