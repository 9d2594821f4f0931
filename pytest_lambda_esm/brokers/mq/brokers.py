"""All brokers of Amazon MQ of one world, by ARN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.brokers.mq.broker import BrokerPorts, MqBroker
from pytest_lambda_esm.brokers.mq.engines import ACTIVEMQ, engine_named
from pytest_lambda_esm.errors import ConfigurationError


class MqBrokers:
    """The brokers, each made when it is first asked for."""

    def __init__(self, ports: BrokerPorts) -> None:
        self._ports = ports
        self._by_arn: dict[str, MqBroker] = {}

    def find(self, source: str, engine: str | None = None) -> MqBroker:
        """Return the broker of an ARN.

        ``engine`` is what a test says that it runs. Raises ConfigurationError where it is known to run another one.
        """
        __tracebackhide__ = True
        call = f"mq({source!r})"
        wanted = engine_named(call, engine) if engine is not None else None
        broker = self._by_arn.get(source)
        if broker is None:
            arn, facts = Arn.parse(source), self._ports.directory.find(source)
            assert arn is not None
            kind = engine_named(call, facts.engine) if facts is not None else wanted or ACTIVEMQ
            broker = self._by_arn[source] = MqBroker(arn, source, kind, self._ports)
        if wanted is not None and not broker.become(wanted):
            raise ConfigurationError(f"{call}: engine={engine!r}, but this broker runs {broker.engine}")
        return broker

    def known(self, source: str) -> MqBroker | None:
        """Return the broker of an ARN, or None if nobody has asked for it."""
        return self._by_arn.get(source)

    def changed(self) -> None:
        """Tell all pollers that something has changed, such as a secret or a user."""
        for broker in tuple(self._by_arn.values()):
            broker.changed()

    def forget_place(self, account_id: str, region: str) -> None:
        """Empty the brokers of an account and region, because moto has been reset."""
        for text, broker in list(self._by_arn.items()):
            arn = Arn.parse(text)
            if arn is not None and (arn.account_id, arn.region) == (account_id, region):
                broker.close("was made before moto was reset; ask for it again")
                del self._by_arn[text]

    def close(self, why: str) -> None:
        """Have all brokers refuse every change."""
        for broker in self:
            broker.close(why)

    def contents(self) -> Iterator[tuple[str, str, Any]]:
        """Yield what they keep: the place, a key, and the value."""
        for broker in self:
            for queue in broker.queues:
                for message in queue.messages:
                    yield f"queue {queue.name} of {broker.arn}", str(message.body), dict(message.properties)

    def __iter__(self) -> Iterator[MqBroker]:
        yield from self._by_arn.values()
