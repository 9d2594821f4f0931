"""Resource types of event sources beyond queues: consumers of Kinesis, clusters of Amazon MSK, and secrets for them.

Follows the pages ``AWS::Kinesis::StreamConsumer``, ``AWS::MSK::Cluster``, ``AWS::MSK::ServerlessCluster`` and
``AWS::SecretsManager::Secret`` of the CloudFormation template reference. Seen with moto 5.1.9, 5.1.22, 5.2.0 and 5.2.5,
whose template parser knows none of them, and which has no operation that updates a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from pytest_lambda_esm.moto_bridge.stacks.kinds import ApiKind, Kind, Made, Properties, Wanted


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return _TYPES


@dataclass(frozen=True, slots=True)
class NamedKind:
    """A type that nothing here or in moto stores: its ``Ref`` is its name, the property ``named`` or a generated one.

    The clusters of DocumentDB that tests use are in memory, and are there as soon as a mapping names them.
    """

    named: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def attribute_names(self) -> frozenset[str] | None:
        """The names that ``Fn::GetAtt`` knows."""
        return frozenset(self.attributes)

    def create(self, wanted: Wanted) -> Made:
        """Return the resource."""
        name = str(wanted.properties.get(self.named) or wanted.name).lower()
        values = {"name": name, "region": wanted.place.region}
        attributes = {key: text.format_map(values) for key, text in self.attributes.items()}
        return Made(wanted=wanted, physical_id=name, attributes=attributes)

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Keep the resource, or return one with another name."""
        return self.create(replace(wanted, name=made.physical_id))

    def delete(self, made: Made) -> None:
        """Do nothing."""


_CLUSTER: Final = {
    "ClusterResourceId": "cluster-{name}",
    "Endpoint": "{name}.cluster-c1a2b3d4e5f6.{region}.docdb.amazonaws.com",
    "Port": "27017",
    "ReadEndpoint": "{name}.cluster-ro-c1a2b3d4e5f6.{region}.docdb.amazonaws.com",
}
_INSTANCE: Final = {"Endpoint": "{name}.c1a2b3d4e5f6.{region}.docdb.amazonaws.com", "Port": "27017"}


def _serverless(properties: Properties, wanted: Wanted) -> Properties:
    apart = ("ClusterName", "Tags")
    details = {name: value for name, value in properties.items() if name not in apart}
    return {**{name: properties[name] for name in apart if name in properties}, "Serverless": details}


def _secret(properties: Properties, wanted: Wanted) -> Properties:
    """Return the parameters of CreateSecret, with a generated value where the template asks for one."""
    generate = properties.get("GenerateSecretString")
    stated = {name: value for name, value in properties.items() if name != "GenerateSecretString"}
    if generate is None:
        return stated
    apart = ("SecretStringTemplate", "GenerateStringKey")
    options = {name: value for name, value in generate.items() if name not in apart}
    value = wanted.place.call("secretsmanager", "GetRandomPassword", options)["RandomPassword"]
    if "GenerateStringKey" in generate:
        template = json.loads(generate.get("SecretStringTemplate") or "{}")
        value = json.dumps({**template, generate["GenerateStringKey"]: value})
    return {**stated, "SecretString": value}


_TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::AmazonMQ::Broker": ApiKind(
            service="mq",
            creates="CreateBroker",
            updates="UpdateBroker",
            deletes="DeleteBroker",
            physical_id="{BrokerId}",
            identity={"BrokerId": "{BrokerId}"},
            attributes={"Arn": "{BrokerArn}"},
            named="BrokerName",
            fixed=("BrokerName", "DeploymentMode", "EngineType", "PubliclyAccessible", "SubnetIds"),
        ),
        "AWS::DocDB::DBCluster": NamedKind("DBClusterIdentifier", _CLUSTER),
        "AWS::DocDB::DBClusterParameterGroup": NamedKind("Name"),
        "AWS::DocDB::DBInstance": NamedKind("DBInstanceIdentifier", _INSTANCE),
        "AWS::DocDB::DBSubnetGroup": NamedKind("DBSubnetGroupName"),
        "AWS::SecretsManager::Secret": ApiKind(
            service="secretsmanager",
            creates="CreateSecret",
            updates="UpdateSecret",
            deletes="DeleteSecret",
            physical_id="{ARN}",
            identity={"SecretId": "{ARN}", "ForceDeleteWithoutRecovery": "true"},
            attributes={"Id": "{ARN}"},
            named="Name",
            fixed=("Name",),
            prepare=_secret,
        ),
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
