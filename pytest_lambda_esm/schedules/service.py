"""What rules and schedules share: the agenda, deliveries to their targets, and what users see of both."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.destinations import Sender
from pytest_lambda_esm.ports import Journal
from pytest_lambda_esm.schedules.agenda import Agenda, Plan
from pytest_lambda_esm.schedules.deliveries import DEFAULT_AGE, DEFAULT_RETRIES, Deliveries
from pytest_lambda_esm.timing import moment_of

_NOT_SIMULATED: Final = (
    "{label} has the target {target}, which is not simulated by pytest-lambda-esm: it gets nothing. Targets that are"
    " simulated: functions, SQS queues, SNS topics, Kinesis streams, event buses and log groups"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """The parts of a world that rules and schedules use.

    ``now()`` is the time of the code that runs: inside a handler, the handler's. ``supports(arn)`` says whether targets
    of that kind are simulated; ``advise(subject, text)`` gives advice. ``refuses_role(sender)`` says whether the
    service cannot assume the role of a schedule.
    """

    now: Callable[[], int]
    journal: Journal
    agenda: Agenda
    deliveries: Deliveries
    supports: Callable[[str], bool]
    advise: Callable[[str, str], None]
    new_id: Callable[[], str]
    randomness: random.Random
    refuses_role: Callable[[Sender], bool] = lambda sender: False

    def note_due(self, plan: Plan) -> None:
        """Show in the timeline that a schedule is due."""
        self.journal.add("schedule", plan.key, f"due: {plan.expression}")

    def accepts(self, plan: Plan, target: str) -> bool:
        """Whether a target is simulated. Give advice where it is not."""
        if self.supports(target):
            return True
        self.advise(plan.key, _NOT_SIMULATED.format(label=plan.label, target=target))
        return False


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long deliveries to a target are repeated, and where they go then: members of targets of both services."""

    retries: int
    age: int
    dead_letter: str

    @classmethod
    def of(cls, target: Mapping[str, Any]) -> RetryPolicy:
        """Read ``RetryPolicy`` and ``DeadLetterConfig`` of a target."""
        policy = target.get("RetryPolicy") or {}
        return cls(
            retries=int(policy.get("MaximumRetryAttempts", DEFAULT_RETRIES)),
            age=int(policy.get("MaximumEventAgeInSeconds", DEFAULT_AGE)),
            dead_letter=(target.get("DeadLetterConfig") or {}).get("Arn") or "",
        )


def second_of(instant: int) -> str:
    """Return an instant as AWS writes it in events: in UTC, to the second."""
    return f"{moment_of(instant):%Y-%m-%dT%H:%M:%SZ}"


def belongs_to(service: str, account_id: str, region: str) -> Callable[[str], bool]:
    """Return whether an ARN is one of a service's, in an account and region."""
    place = [service, region, account_id]
    return lambda arn: arn.split(":")[2:5] == place
