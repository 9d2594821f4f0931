"""A stand-in for the faults that strike pollers."""


class NoInterference:
    """Answers every step of a poller with no fault."""

    def at(self, step, mapping, records=tuple, cannot=frozenset()):
        return None
