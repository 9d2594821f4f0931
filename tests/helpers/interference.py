"""A stand-in for the faults that strike pollers."""

from pytest_lambda_esm.faults.poller_steps import FAILURES


class NoInterference:
    """Answers every step of a poller with no fault."""

    def at(self, step, mapping, records=tuple, cannot=frozenset()):
        return None


class RaisingInterference:
    """Calls ``strike(step)`` at every step of a poller; an exception that it raises fails the step."""

    def __init__(self, interruptions, strike):
        self.interruptions, self.strike = interruptions, strike

    def at(self, step, mapping, records=tuple, cannot=frozenset()):
        try:
            self.strike(step)
        except BaseException as error:
            self.interruptions.keep(error)
            return FAILURES[step]
        return None
