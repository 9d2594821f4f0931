"""State machines of Hypothesis: the number of their trials, and the exceptions that they throw."""

from collections import Counter
from itertools import cycle

import pytest
from hypothesis import HealthCheck, settings

from pytest_lambda_esm import FaultError, HandlerError, NetworkBlocked

_STANDARD = 100  # The examples of the profile "usual", which is a factor of 1 here.


def scaled(times):
    """Return a number of repetitions, multiplied by the profile as the number of trials is."""
    return max(1, times * settings.default.max_examples // _STANDARD)


def trials(examples, steps=50):
    """Return settings with so many examples in the profile ``usual``, a quarter in ``quick``, and more in ``long``."""
    return settings(
        max_examples=scaled(examples),
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def worlds(usually, at_most):
    """Return how many worlds to explore; a profile with more than 100 examples multiplies them, up to a number."""
    return min(at_most, max(usually, scaled(usually)))


class Interrupter:
    """Throws exceptions for the test wherever ``armed`` says, and expects the clock to raise each of them."""

    KINDS = (KeyboardInterrupt, pytest.fail.Exception, pytest.skip.Exception, HandlerError, NetworkBlocked)

    def __init__(self):
        self.armed = None
        self.thrown = Counter()
        self._kinds = cycle(self.KINDS)

    def at(self, place):
        """Throw the next exception if ``place`` is armed."""
        if self.armed == place:
            self.armed = None
            self.thrown["outstanding"] += 1
            raise next(self._kinds)("as the test wishes")

    def move(self, clock, seconds):
        """Move a clock, and continue after each exception that was thrown."""
        target = clock.now.timestamp() + seconds
        while True:
            try:
                # The clock is exact, and the remaining seconds are not.
                clock.advance(round(max(0.0, target - clock.now.timestamp()), 6))
            except (*self.KINDS, FaultError):
                assert self.thrown["outstanding"] == 1, "an exception that nobody has thrown, or not the first one"
                self.thrown["outstanding"] = 0
            else:
                assert not self.thrown["outstanding"], "an exception has not reached the test"
                return
