"""Amazon MQ in a world: ``fake.mq(...)``, and what mappings of it need. Nothing of it is imported before it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping as ReadOnly
from typing import TYPE_CHECKING, Any, Final

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.errors import ConfigurationError
from pytest_lambda_esm.moto_bridge.session import check_region
from pytest_lambda_esm.observe.fates import Fate
from pytest_lambda_esm.sources.mq import access, login_problem

if TYPE_CHECKING:
    from pytest_lambda_esm.brokers.mq.broker import MqBroker
    from pytest_lambda_esm.observe.fates import FateLedger
    from pytest_lambda_esm.polling.brokers.context import Problem
    from pytest_lambda_esm.simulation.world import World
    from pytest_lambda_esm.sources.broker_ports import Broker, Queue

_RESOURCE: Final = re.compile(r"broker:.+")
_NAME: Final = re.compile(r"[A-Za-z0-9._~-]{1,50}")


def find_broker(world: World, given: Any, engine: str | None, region: str) -> MqBroker:
    """Return the broker of an ARN, an answer of the API that has one, or a name. Raises ConfigurationError."""
    __tracebackhide__ = True
    text = given.get("BrokerArn") if isinstance(given, ReadOnly) else given
    if not isinstance(text, str):
        raise ConfigurationError(f"mq({given!r}): a broker is given by its ARN, its name, or an answer with BrokerArn")
    if text.startswith("arn:"):
        return world.mq.find(_checked_arn(world, text), engine)
    if not _NAME.fullmatch(text):
        raise ConfigurationError(
            f"mq({given!r}): a broker is given by its ARN or its name, which has up to 50 letters, digits, hyphens,"
            f" periods, underscores and tildes"
        )
    from pytest_lambda_esm.brokers.mq.engines import ACTIVEMQ, engine_named
    from pytest_lambda_esm.moto_bridge.mq_brokers import broker_arn

    made = engine_named(f"mq({given!r})", engine) if engine is not None else ACTIVEMQ
    return world.mq.find(broker_arn(text, world.config.account_id, region, made.name), engine)


def _checked_arn(world: World, text: str) -> str:
    __tracebackhide__ = True
    arn = Arn.parse(text)
    if arn is None or arn.service != "mq" or not _RESOURCE.fullmatch(arn.resource):
        raise ConfigurationError(f"mq({text!r}): this is not the ARN of a broker of Amazon MQ")
    check_region(f"mq({text!r})", arn.region, arn.account_id)
    return text


def check_login(settings: ReadOnly[str, Any], broker: Broker) -> Problem | None:
    """Return why Lambda cannot log in to a broker with the secret that a mapping names, or None."""
    from pytest_lambda_esm.moto_bridge import secrets

    uri = access(settings, "BASIC_AUTH") or ""
    return login_problem(uri, secrets.login(uri), broker.users)


def fates(ledger: FateLedger, queues: list[Queue], now: int) -> list[Fate]:
    """Return the fates of the messages of some queues of one broker; waiting messages come last.

    A message that was moved to another of these queues, and waits there, has the fate of the move.
    """
    from pytest_lambda_esm.polling.brokers.explain import unfinished_fates

    final: dict[str, Fate] = {}
    for queue in queues:
        for fate in ledger.final(queue.address):
            known = final.get(fate.record)
            if known is None or fate.at >= known.at:
                final[fate.record] = fate
    unfinished = [fate for fate in unfinished_fates(queues, now) if fate.record not in final]
    return list(final.values()) + unfinished
