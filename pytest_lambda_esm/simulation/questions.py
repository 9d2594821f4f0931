"""What a test may ask a fake about mappings and records: the part of ``FakeLambda`` that only looks things up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_lambda_esm.mappings.mapping import Mapping
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.simulation import queries
from pytest_lambda_esm.simulation.subjects import Given
from pytest_lambda_esm.simulation.world import World

if TYPE_CHECKING:
    from pytest_lambda_esm.simulation.journeys.given import JourneyOf
    from pytest_lambda_esm.simulation.journeys.journey import Journey


class Questions(ABC):
    """The base of ``FakeLambda`` with its look-ups. ``_seen`` is the world, which catches up first."""

    @property
    @abstractmethod
    def _seen(self) -> World: ...

    @property
    def mappings(self) -> Sequence[Mapping]:
        """The existing mappings of all accounts and regions, in the order of their creation."""
        __tracebackhide__ = True
        return [mapping for mapping in self._seen.store if mapping.state != "Deleted"]

    def mapping(self, which: Given) -> Mapping:
        """Return a mapping by its UUID, its ARN, or a response of the API that has one; deleted ones are found too.

        A source or a function that has one mapping identifies it as well: by its ARN or name, a queue also by its URL.
        Raises MappingNotFound with the mappings that exist, and with the nearest names.
        """
        __tracebackhide__ = True
        return queries.find_mapping(self._seen, which)

    def fates(self, source: Given) -> Sequence[Fate]:
        """Return the fates of all records of a source; waiting records come last.

        A source is given by its ARN or name, a queue also by its URL, or by one of its mappings as :meth:`mapping`
        takes it; a name that a function has too means the source. Each mapping reads a stream independently, so a
        stream's ARN returns the fates for one mapping after the other; for a deleted mapping, those of the records that
        came before its deletion. For a function, these are its asynchronous events, by their request ids. Raises
        LambdaEsmError for an unknown source, with the nearest known ones.
        """
        __tracebackhide__ = True
        return queries.fates(self._seen, source)

    def journey(self, record: JourneyOf) -> Journey:
        """Return everything that happened to one record, across queues, functions, retries, destinations, dead letters.

        ``record`` is the id of a message, a sequence number, ``"topic-partition:offset"``, or the id of a request; the
        answer of the call that sent the record, a record of an event, a received message, an Invocation or a Fate. The
        first eight characters of an id are enough. :class:`Journey` is a sequence of steps, and a text;
        its ``causes`` and ``caused_by`` lead to the records that handlers sent because of it, and to those that it was
        sent because of. Raises LambdaEsmError, with the nearest ids, for a record that was never seen.
        """
        __tracebackhide__ = True
        # Imported here, since most tests need none of it.
        from pytest_lambda_esm.simulation.journeys.history import journey

        return journey(self._seen, record)
