"""Brokers of Amazon MQ in moto, which stores what they are made of, and no messages.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from moto.mq.models import MQBackend, mq_backends

from pytest_lambda_esm.arn import Arn
from pytest_lambda_esm.brokers.mq.broker import BrokerFacts
from pytest_lambda_esm.moto_bridge.session import backend_of
from pytest_lambda_esm.patching import Patches, original_of

_VERSIONS: Final = {"ActiveMQ": "5.18", "RabbitMQ": "3.13"}
_HAS_ALL_USERS: Final = "ACTIVEMQ"
"""RabbitMQ's further users are made on the broker itself, so that Amazon MQ does not know them."""

_CHANGES: Final = ("delete_broker", "create_user", "delete_user")
"""What changes whether Lambda can read from a broker."""


class MotoBrokers:
    """Looks up brokers that were created through Amazon MQ's API."""

    def find(self, arn: str) -> BrokerFacts | None:
        """Return the facts, or None if there is no such broker."""
        parsed = Arn.parse(arn)
        if parsed is None:
            return None
        backend = backend_of(mq_backends, parsed.account_id, parsed.region)
        broker = backend.brokers.get(parsed.resource.rpartition(":")[2])
        if broker is None:
            return None
        users = [user.username for user in broker.users]
        known = users if users and broker.engine_type.upper() == _HAS_ALL_USERS else None
        return BrokerFacts(broker.engine_type, known)


def install(patches: Patches, changed: Callable[[], None], forget: Callable[[str, str], None]) -> None:
    """Call ``changed`` after each change of a broker or its users.

    ``forget`` is called with account and region when moto resets Amazon MQ there.
    """
    for name in _CHANGES:
        patches.set(MQBackend, name, _then(original_of(MQBackend, name), lambda _: changed()))
    reset = _then(original_of(MQBackend, "reset"), lambda backend: forget(backend.account_id, backend.region_name))
    patches.set(MQBackend, "reset", reset)


def _then(original: Callable[..., Any], follow: Callable[[Any], None]) -> Callable[..., Any]:
    def call(backend: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(backend, *args, **kwargs)
        follow(backend)
        return answer

    return call


def broker_arn(name: str, account_id: str, region: str, engine: str) -> str:
    """Return the ARN of the broker with a name; it is created in moto, with this engine, where it does not exist."""
    backend: Any = mq_backends[account_id][region]
    for broker in backend.list_brokers():
        if broker.name == name:
            return str(broker.arn)
    arn, _ = backend.create_broker(
        authentication_strategy="SIMPLE",
        auto_minor_version_upgrade=True,
        broker_name=name,
        configuration=None,
        deployment_mode="SINGLE_INSTANCE",
        encryption_options=None,
        engine_type=engine,
        engine_version=_VERSIONS[engine],
        host_instance_type="mq.m5.large",
        ldap_server_metadata=None,
        logs={},
        maintenance_window_start_time=None,
        publicly_accessible=False,
        security_groups=[],
        storage_type="EBS",
        subnet_ids=[],
        tags={},
        users=[],
    )
    return str(arn)
