"""Deliveries to targets: retries, their limits, dead letters."""

from datetime import datetime, timezone

import pytest

from helpers.simulation import NoJournal
from pytest_lambda_esm.clock.virtual import EventClock
from pytest_lambda_esm.destinations import DeliveryFailed, Message
from pytest_lambda_esm.schedules.deliveries import Deliveries, Delivery
from pytest_lambda_esm.schedules.deliveries import Targets as KnownTargets
from pytest_lambda_esm.timing import MICROSECONDS

SECONDS = MICROSECONDS


class Targets:
    """Targets of which ``missing`` do not exist and ``target`` refuses a number of times; notes the seconds."""

    def __init__(self, clock, refusals, missing):
        self.clock, self.refusals, self.missing = clock, refusals, missing
        self.start, self.attempts, self.letters = clock.instant, [], []

    def exists(self, arn):
        return arn not in self.missing

    def deliver(self, arn, message):
        if not self.exists(arn):
            raise DeliveryFailed("it does not exist")
        if arn == "dead":
            self.letters.append(message)
            return
        self.attempts.append(((self.clock.instant - self.start) // SECONDS, message.body))
        if self.refusals:
            self.refusals -= 1
            raise DeliveryFailed("it refuses")


@pytest.fixture
def run():
    """Deliver an event and let time pass; return the targets and the number of times that it was settled."""

    def run(refusals=0, missing=(), at=None, **given):
        clock = EventClock(datetime(2026, 1, 1, tzinfo=timezone.utc))
        targets, settled = Targets(clock, refusals, missing), []
        known = KnownTargets(targets.exists, lambda sender, arn: None, lambda action, mend: action)
        deliveries = Deliveries(clock, NoJournal(), targets, known)
        delivery = Delivery(
            subject="rule tick",
            target="target",
            message=lambda attempt: Message(body=f"attempt {attempt}"),
            accepted=clock.instant,
            dead_letter=given.pop("dead_letter", "dead"),
            about={"RULE_ARN": "tick"},
            settled=lambda: settled.append(clock.instant),
            **given,
        )
        deliveries.send(delivery, clock.instant + at * SECONDS if at is not None else None)
        clock.advance(days=3)
        return targets, len(settled)

    return run


def test_what_succeeds_is_sent_once(run):
    targets, settled = run()
    assert (targets.attempts, targets.letters, settled) == ([(0, "attempt 1")], [], 1)


def test_what_is_sent_later(run):
    targets, settled = run(at=90)
    assert (targets.attempts, settled) == ([(90, "attempt 1")], 1)


def test_waits_double(run):
    targets, settled = run(refusals=11)
    assert [second for second, _ in targets.attempts] == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 991, 1471]
    assert settled == 1


@pytest.mark.parametrize(
    ("given", "attempts", "condition"),
    [
        ({"retries": 0}, 1, "MaximumRetryAttempts"),
        ({"retries": 2}, 3, "MaximumRetryAttempts"),
        ({"age": 60}, 6, "MaximumEventAgeInSeconds"),
        ({}, 186, "MaximumRetryAttempts"),
    ],
)
def test_limits_of_retries(run, given, attempts, condition):
    targets, settled = run(refusals=1000, **given)
    assert (len(targets.attempts), settled) == (attempts, 1)
    [letter] = targets.letters
    assert letter.body == f"attempt {attempts}"
    assert letter.attributes == {
        "RULE_ARN": "tick",
        "ERROR_CODE": "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": "it refuses",
        "RETRY_ATTEMPTS": str(attempts - 1),
        "EXHAUSTED_RETRY_CONDITION": condition,
    }


def test_a_target_that_does_not_exist_is_not_retried(run):
    targets, settled = run(missing=("target",))
    [letter] = targets.letters
    assert letter.attributes["ERROR_CODE"] == "NO_RESOURCE"
    assert "EXHAUSTED_RETRY_CONDITION" not in letter.attributes
    assert settled == 1


@pytest.mark.parametrize("dead_letter", ["", "nowhere"])
def test_without_a_dead_letter_queue_the_event_is_lost(run, dead_letter):
    targets, settled = run(missing=("target", "nowhere"), dead_letter=dead_letter)
    assert (targets.letters, settled) == ([], 1)
