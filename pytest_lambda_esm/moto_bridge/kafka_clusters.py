"""Clusters of Amazon MSK in moto, which stores what they are made of, and no records.

Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5.
"""

from __future__ import annotations

from typing import Any, Final

from moto.kafka.models import kafka_backends

_VERSION: Final = "3.6.0"
_BROKERS: Final = 2


def cluster_arn(name: str, account_id: str, region: str) -> str:
    """Return the ARN of the cluster with a name; it is created in moto where it does not exist."""
    backend: Any = kafka_backends[account_id][region]
    for arn, cluster in backend.clusters.items():
        if cluster.cluster_name == name:
            return str(arn)
    arn, *_ = backend.create_cluster(
        broker_node_group_info={"InstanceType": "kafka.m5.large", "ClientSubnets": ["subnet-1", "subnet-2"]},
        client_authentication=None,
        cluster_name=name,
        kafka_version=_VERSION,
        number_of_broker_nodes=_BROKERS,
    )
    return str(arn)
