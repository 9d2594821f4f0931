"""Resource types of event sources beyond queues: consumers of Kinesis, and clusters of Amazon MSK.

Follows the pages ``AWS::Kinesis::StreamConsumer``, ``AWS::MSK::Cluster`` and ``AWS::MSK::ServerlessCluster`` of the
CloudFormation template reference. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5, whose template parser knows none of
them, and which has no operation that updates a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pytest_lambda_esm.moto_bridge.stacks.kinds import ApiKind, Kind, Properties, Wanted


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return _TYPES


def _serverless(properties: Properties, wanted: Wanted) -> Properties:
    apart = ("ClusterName", "Tags")
    details = {name: value for name, value in properties.items() if name not in apart}
    return {**{name: properties[name] for name in apart if name in properties}, "Serverless": details}


_TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::Kinesis::StreamConsumer": ApiKind(
            service="kinesis",
            creates="RegisterStreamConsumer",
            deletes="DeregisterStreamConsumer",
            physical_id="{Consumer[ConsumerARN]}",
            identity={"ConsumerARN": "{Consumer[ConsumerARN]}"},
            attributes={
                "ConsumerARN": "{Consumer[ConsumerARN]}",
                "ConsumerCreationTimestamp": "{Consumer[ConsumerCreationTimestamp]}",
                "ConsumerName": "{ConsumerName}",
                "ConsumerStatus": "ACTIVE",
                "StreamARN": "{StreamARN}",
            },
        ),
        "AWS::MSK::Cluster": ApiKind(
            service="kafka",
            creates="CreateCluster",
            deletes="DeleteCluster",
            physical_id="{ClusterArn}",
            identity={"ClusterArn": "{ClusterArn}"},
            attributes={"Arn": "{ClusterArn}"},
        ),
        "AWS::MSK::ServerlessCluster": ApiKind(
            service="kafka",
            creates="CreateClusterV2",
            deletes="DeleteCluster",
            physical_id="{ClusterArn}",
            identity={"ClusterArn": "{ClusterArn}"},
            attributes={"Arn": "{ClusterArn}"},
            prepare=_serverless,
        ),
    }
)
