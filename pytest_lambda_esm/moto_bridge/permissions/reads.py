"""What Lambda does with a function's role to read an event source, and what it says where the role may not.

Follows the pages on each event source, "Execution role permissions". Recorded: the texts for SQS, Kinesis and DynamoDB.
Chosen: those for other services, which have the form of SQS's; and that a stream is readable without ListStreams,
ListShards and DescribeStreamSummary, since users have deployed mappings whose role lacked these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_lambda_esm.moto_bridge.permissions.places import Access
from pytest_lambda_esm.sources.stream_ports import stream_arn

_NOT_PERMITTED: Final = "The function execution role does not have permissions to call {operation} on {service}"
_STREAM: Final = (
    "Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream,"
    " and ListStreams Actions on your stream in IAM."
)
_NETWORK: Final = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
)
_SERVICES: Final = {
    "sqs": "SQS",
    "kafka": "Kafka",
    "ec2": "EC2",
    "mq": "MQ",
    "rds": "RDS",
    "secretsmanager": "Secrets Manager",
}
"""How the texts spell services."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the pollers of one kind of source do: with the source, and with no resource in particular.

    ``others`` are actions on resources of other kinds in the source's account, by the kind.
    """

    actions: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    text: str = _NOT_PERMITTED

    def refusal(self, access: Access, source_arn: str) -> str:
        """Return AWS's text where the role may not do one of them."""
        service, _, operation = access.action.partition(":")
        return self.text.format(operation=operation, service=_SERVICES.get(service, service), arn=source_arn)


_SQS: Final = Reading(("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"))
_FAN_OUT: Final = Reading(("kinesis:SubscribeToShard",), text=_STREAM)
_READINGS: Final[Mapping[str, Reading]] = {
    "sqs": _SQS,
    "fifo": _SQS,
    "kinesis": Reading(("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"), text=_STREAM),
    "dynamodb": Reading(("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"), text=_STREAM),
    "kafka": Reading(("kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"), _NETWORK),
    "self-managed": Reading(),
    "mq": Reading(("mq:DescribeBroker",), _NETWORK),
    "rds": Reading(
        ("rds:DescribeDBClusters",),
        _NETWORK,
        (("rds:DescribeDBClusterParameters", "cluster-pg"), ("rds:DescribeDBSubnetGroups", "subgrp")),
    ),
}
"""By the service of an event source."""


def reading_of(service: str, settings: Mapping[str, Any]) -> Reading:
    """Return what a poller does; ``service`` is that of the EventSource."""
    return _FAN_OUT if "/consumer/" in settings.get("EventSourceArn", "") else _READINGS[service]


def accesses(reading: Reading, settings: Mapping[str, Any]) -> Iterator[Access]:
    """Yield each access of a mapping's poller, those to secrets included."""
    source = settings.get("EventSourceArn", "")
    for action in reading.actions:
        yield Access(action, source if action == "kinesis:SubscribeToShard" else stream_arn(source))
    for action, kind in reading.others:
        yield Access(action, f"{source.partition(':cluster:')[0]}:{kind}:*")
    for action in reading.anywhere:
        yield Access(action, "*")
    for access in settings.get("SourceAccessConfigurations") or ():
        if access["URI"].startswith("arn:") and ":secretsmanager:" in access["URI"]:
            yield Access("secretsmanager:GetSecretValue", access["URI"])
