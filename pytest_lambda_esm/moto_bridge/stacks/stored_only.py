"""Resource types that only have to exist for a template to deploy: alarms, metric filters, user pools and more.

Nothing of the simulation uses them. They are stored in moto, so that templates that have them can be deployed and code
finds them. Follows the pages of these types in the CloudFormation template reference; moto's template parser knows only
parameters, and those only with a name, and route tables, which it does not delete. Seen with moto 5.1.9 and 5.2.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.stacks.kinds import ApiKind, Kind, Made, Properties, Wanted
from pytest_lambda_esm.moto_bridge.stacks.messaging import retag


def types() -> Mapping[str, Kind]:
    """Return the resource types by name."""
    return _TYPES


def _tagged(properties: Properties, wanted: Wanted) -> Properties:
    """Return the parameters of CreateRouteTable, which takes tags by the type of the resource."""
    params = {name: value for name, value in properties.items() if name != "Tags"}
    tags = properties.get("Tags")
    return {**params, "TagSpecifications": [{"ResourceType": "route-table", "Tags": tags}]} if tags else params


@dataclass(frozen=True, slots=True, kw_only=True)
class _RouteTableKind(ApiKind):
    """``AWS::EC2::RouteTable``: stacks of moto do not delete it, and then they cannot delete its VPC."""

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Change the tags, or make another route table for another VPC."""
        before, after = made.wanted.properties, wanted.properties
        if before.get("VpcId") != after.get("VpcId"):
            return self.create(wanted)
        place, ids = wanted.place, [made.physical_id]
        retag(
            before,
            after,
            lambda tags: place.call("ec2", "CreateTags", {"Resources": ids, "Tags": tags}),
            lambda keys: place.call("ec2", "DeleteTags", {"Resources": ids, "Tags": [{"Key": key} for key in keys]}),
        )
        return self._made(wanted, made.known)


def _user_pool(properties: Properties, wanted: Wanted) -> Properties:
    """Return the parameters of CreateUserPool, which calls the name ``PoolName``."""
    apart = ("UserPoolName", "EnabledMfas")
    params = {name: value for name, value in properties.items() if name not in apart}
    return {**params, "PoolName": properties.get("UserPoolName") or wanted.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class _AlarmKind(ApiKind):
    """``AWS::CloudWatch::Alarm``: alarms are deleted by a list of names."""

    def _identity(self, made: Made) -> dict[str, Any]:
        return {"AlarmNames": [made.known["AlarmName"]]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _MetricFilterKind(ApiKind):
    """``AWS::Logs::MetricFilter``: moto keeps an earlier filter of the same name."""

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Put the filter in place of the one before."""
        self.delete(made)
        return self.create(replace(wanted, name=made.known["name"]))


def _parameter(properties: Properties, wanted: Wanted) -> Properties:
    """Return the parameters of PutParameter; the tags of this type are a mapping."""
    tags = [{"Key": key, "Value": value} for key, value in (properties.get("Tags") or {}).items()]
    return {**properties, "Tags": tags or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _ParameterKind(ApiKind):
    """``AWS::SSM::Parameter``: a parameter that is overwritten takes no tags."""

    def update(self, made: Made, wanted: Wanted) -> Made:
        """Overwrite the parameter, or make another one."""
        if made.wanted.properties.get("Name") != wanted.properties.get("Name"):
            return self.create(wanted)
        name = made.physical_id
        params = {**wanted.properties, "Name": name, "Tags": None, "Overwrite": True}
        wanted.place.call("ssm", "PutParameter", params)
        return self._made(wanted, {**made.known, **wanted.properties, "Name": name})


_TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "AWS::CloudWatch::Alarm": _AlarmKind(
            service="cloudwatch",
            creates="PutMetricAlarm",
            updates="PutMetricAlarm",
            deletes="DeleteAlarms",
            physical_id="{AlarmName}",
            identity={},
            attributes={"Arn": "arn:{place.partition}:cloudwatch:{place.region}:{place.account_id}:alarm:{AlarmName}"},
            named="AlarmName",
            fixed=("AlarmName",),
        ),
        "AWS::Cognito::UserPool": ApiKind(
            service="cognito-idp",
            creates="CreateUserPool",
            deletes="DeleteUserPool",
            updates="UpdateUserPool",
            physical_id="{UserPool[Id]}",
            identity={"UserPoolId": "{UserPool[Id]}"},
            attributes={
                "Arn": "{UserPool[Arn]}",
                "ProviderName": "cognito-idp.{place.region}.amazonaws.com/{UserPool[Id]}",
                "ProviderURL": "https://cognito-idp.{place.region}.amazonaws.com/{UserPool[Id]}",
                "UserPoolId": "{UserPool[Id]}",
            },
            prepare=_user_pool,
        ),
        "AWS::Cognito::UserPoolClient": ApiKind(
            service="cognito-idp",
            creates="CreateUserPoolClient",
            deletes="DeleteUserPoolClient",
            updates="UpdateUserPoolClient",
            physical_id="{UserPoolClient[ClientId]}",
            identity={"UserPoolId": "{UserPoolId}", "ClientId": "{UserPoolClient[ClientId]}"},
            attributes={"ClientId": "{UserPoolClient[ClientId]}", "Name": "{ClientName}"},
            named="ClientName",
            fixed=("UserPoolId",),
        ),
        "AWS::EC2::RouteTable": _RouteTableKind(
            service="ec2",
            creates="CreateRouteTable",
            deletes="DeleteRouteTable",
            physical_id="{RouteTable[RouteTableId]}",
            identity={"RouteTableId": "{RouteTable[RouteTableId]}"},
            attributes={"RouteTableId": "{RouteTable[RouteTableId]}"},
            prepare=_tagged,
        ),
        "AWS::Events::ApiDestination": ApiKind(
            service="events",
            creates="CreateApiDestination",
            updates="UpdateApiDestination",
            deletes="DeleteApiDestination",
            physical_id="{Name}",
            identity={"Name": "{Name}"},
            attributes={"Arn": "{ApiDestinationArn}"},
            named="Name",
            fixed=("Name",),
        ),
        "AWS::Events::Connection": ApiKind(
            service="events",
            creates="CreateConnection",
            updates="UpdateConnection",
            deletes="DeleteConnection",
            physical_id="{Name}",
            identity={"Name": "{Name}"},
            attributes={"Arn": "{ConnectionArn}"},
            named="Name",
            fixed=("Name",),
        ),
        "AWS::KinesisFirehose::DeliveryStream": ApiKind(
            service="firehose",
            creates="CreateDeliveryStream",
            deletes="DeleteDeliveryStream",
            physical_id="{DeliveryStreamName}",
            identity={"DeliveryStreamName": "{DeliveryStreamName}"},
            attributes={"Arn": "{DeliveryStreamARN}"},
            named="DeliveryStreamName",
        ),
        "AWS::Logs::LogStream": ApiKind(
            service="logs",
            creates="CreateLogStream",
            deletes="DeleteLogStream",
            physical_id="{LogStreamName}",
            identity={"logGroupName": "{LogGroupName}", "logStreamName": "{LogStreamName}"},
            named="LogStreamName",
        ),
        "AWS::Logs::MetricFilter": _MetricFilterKind(
            service="logs",
            creates="PutMetricFilter",
            deletes="DeleteMetricFilter",
            physical_id="{FilterName}",
            identity={"logGroupName": "{LogGroupName}", "filterName": "{FilterName}"},
            named="FilterName",
        ),
        "AWS::SSM::Parameter": _ParameterKind(
            service="ssm",
            creates="PutParameter",
            deletes="DeleteParameter",
            physical_id="{Name}",
            identity={"Name": "{Name}"},
            attributes={"Type": "{Type}", "Value": "{Value}"},
            named="Name",
            prepare=_parameter,
        ),
    }
)
