"""Resource types of event sources beyond queues: consumers, clusters, brokers, and secrets for them.

Follows the pages ``AWS::Kinesis::StreamConsumer``, ``AWS::MSK::Cluster``, ``AWS::MSK::ServerlessCluster``,
``AWS::AmazonMQ::Broker`` and ``AWS::SecretsManager::Secret`` of the CloudFormation template reference. Seen with moto
5.1.9, 5.1.22, 5.2.0 and 5.2.5, whose template parser knows none of them, and which has no operation that updates a
cluster of Amazon MSK.
"""

from __future__ import annotations

import json
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


def _broker(properties: Properties, wanted: Wanted) -> Properties:
    """Return the parameters of CreateBroker, which takes tags as a mapping."""
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or ()}
    return {**{name: value for name, value in properties.items() if name != "Tags"}, "Tags": tags}


_TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
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
        "AWS::AmazonMQ::Broker": ApiKind(
            service="mq",
            creates="CreateBroker",
            updates="UpdateBroker",
            deletes="DeleteBroker",
            physical_id="{BrokerId}",
            identity={"BrokerId": "{BrokerId}"},
            attributes={"Arn": "{BrokerArn}"},
            named="BrokerName",
            fixed=("BrokerName", "DeploymentMode", "EngineType", "PubliclyAccessible", "StorageType", "SubnetIds"),
            prepare=_broker,
        ),
    }
)
