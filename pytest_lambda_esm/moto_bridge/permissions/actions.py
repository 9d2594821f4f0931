"""Which IAM actions, on which resources, a call of a boto3 client needs: tables, and what reads them.

Follows the pages "Actions, resources, and condition keys" of AWS's Service Authorization Reference. An operation that
no table has, or whose resource its parameters do not name, is :class:`Unresolved`: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pytest_lambda_esm.moto_bridge.permissions.places import Access, Place, Unresolved

Params: TypeAlias = Mapping[str, Any]
Special: TypeAlias = Callable[[Params, Place], list[Access]]
ANYWHERE: Final = "*"
"""The resource of actions that cannot be limited to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The actions of one service of boto3.

    ``prefix`` begins its actions. ``members`` are parameters that name the resource, each with the resource part of the
    ARN that a plain name stands for; the first one that a call has counts. ``actions`` are the operations whose action
    has another name than they have, and ``anywhere`` those that have no resource. ``special`` operations compute what
    they need. ``only`` are the operations that the table answers for, None for all but those in ``unresolved``.
    """

    prefix: str
    members: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    anywhere: frozenset[str] = frozenset()
    special: Mapping[str, Special] = field(default_factory=dict)
    only: frozenset[str] | None = None
    unresolved: frozenset[str] = frozenset()

    def needed(self, operation: str, params: Params, place: Place) -> list[Access]:
        """Return what a call needs. Raises Unresolved."""
        if operation in self.special:
            return self.special[operation](params, place)
        action = f"{self.prefix}:{self.actions.get(operation, operation)}"
        if operation in self.anywhere:
            return [Access(action, ANYWHERE)]
        if operation in self.unresolved or (self.only is not None and operation not in self.only):
            raise Unresolved("its IAM action or its resource is not in the fake's tables")
        for member, resource in self.members.items():
            if params.get(member):
                return [Access(action, place.arn(self.prefix, resource, str(params[member])))]
        raise Unresolved("its parameters do not name the resource")


def needed(service: str, operation: str, params: Params, place: Place) -> list[Access]:
    """Return what a call needs; nothing for the calls that everybody may make. Raises Unresolved."""
    table = _SERVICES.get(service)
    if table is None:
        raise Unresolved(f"the fake has no table of the IAM actions of {service}")
    return table.needed(operation, params, place)


# --- the tables' special operations ---------------------------------------------------------------------------


def _nothing(params: Params, place: Place) -> list[Access]:
    return []


def _table(place: Place, name: Any, index: Any = None) -> str:
    arn = place.arn("dynamodb", "table/{name}", str(name))
    return f"{arn}/index/{index}" if index else arn


def _indexed(action: str) -> Special:
    """Return the special of an operation that reads a table or one of its indexes."""
    return lambda params, place: [Access(action, _table(place, params["TableName"], params.get("IndexName")))]


def _tables(action: str) -> Special:
    """Return the special of an operation on several tables, which are the keys of RequestItems."""
    return lambda params, place: [Access(action, _table(place, name)) for name in params["RequestItems"]]


_TRANSACTION: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


def _transaction(params: Params, place: Place) -> list[Access]:
    steps = [(kind, step) for item in params["TransactItems"] for kind, step in item.items()]
    return _distinct(Access(f"dynamodb:{_TRANSACTION[kind]}", _table(place, step["TableName"])) for kind, step in steps)


def _publish(params: Params, place: Place) -> list[Access]:
    target = params.get("TopicArn") or params.get("TargetArn")
    if target is None:
        return [Access("sns:Publish", ANYWHERE)]  # A text message to a phone.
    return [Access("sns:Publish", str(target))]


def _put_events(params: Params, place: Place) -> list[Access]:
    buses = [str(entry.get("EventBusName") or "default") for entry in params["Entries"]]
    return _distinct(Access("events:PutEvents", place.arn("events", "event-bus/{name}", bus)) for bus in buses)


def _rule(member: str, action: str) -> Special:
    """Return the special of an operation on a rule, which lies on an event bus."""

    def rule(params: Params, place: Place) -> list[Access]:
        bus = str(params.get("EventBusName") or "default").rpartition("/")[2]
        name = str(params[member]) if bus == "default" else f"{bus}/{params[member]}"
        return [Access(f"events:{action}", place.arn("events", "rule/{name}", name))]

    return rule


def _parameters(params: Params, place: Place) -> list[Access]:
    return [Access("ssm:GetParameters", _parameter(place, name)) for name in params["Names"]]


def _parameter(place: Place, name: Any) -> str:
    text = str(name)
    if text.startswith("arn:"):
        return text
    return place.arn("ssm", "parameter/{name}", text.partition(":")[0].lstrip("/"))


def _one_parameter(member: str, action: str) -> Special:
    return lambda params, place: [Access(f"ssm:{action}", _parameter(place, params[member]))]


def _function(action: str) -> Special:
    return lambda params, place: [
        Access(f"lambda:{action}", place.function(str(params["FunctionName"]), params.get("Qualifier")))
    ]


def _log_stream(action: str) -> Special:
    """Return the special of an operation on a log stream, or on a group, which is a stream without a name."""

    def log_stream(params: Params, place: Place) -> list[Access]:
        name = f"{params['logGroupName']}:log-stream:{params.get('logStreamName', '')}"
        return [Access(f"logs:{action}", place.arn("logs", "log-group:{name}", name))]

    return log_stream


def _secret(action: str) -> Special:
    return lambda params, place: [
        Access(f"secretsmanager:{action}", place.secret(str(params["SecretId"])), shown=str(params["SecretId"]))
    ]


def _key(action: str) -> Special:
    def key(params: Params, place: Place) -> list[Access]:
        if not params.get("KeyId"):
            raise Unresolved("its parameters do not name the key")
        return [Access(f"kms:{action}", place.key(str(params["KeyId"])))]

    return key


def _object(action: str, versioned: str = "") -> Special:
    """Return the special of an operation on an object; ``versioned`` is the action where it names a version."""

    def on_object(params: Params, place: Place) -> list[Access]:
        name = versioned if versioned and params.get("VersionId") else action
        return [Access(f"s3:{name}", place.object(params["Bucket"], params["Key"]))]

    return on_object


def _bucket(action: str) -> Special:
    return lambda params, place: [Access(f"s3:{action}", place.object(params["Bucket"]))]


def _put_object(params: Params, place: Place) -> list[Access]:
    arn = place.object(params["Bucket"], params["Key"])
    actions = ["s3:PutObject"]
    actions += ["s3:PutObjectAcl"] if params.get("ACL") else []
    actions += ["s3:PutObjectTagging"] if params.get("Tagging") else []
    return [Access(action, arn) for action in actions]


def _copy_object(params: Params, place: Place) -> list[Access]:
    source = params["CopySource"]
    if isinstance(source, str):
        path, _, version = source.lstrip("/").partition("?versionId=")
        bucket, _, key = path.partition("/")
    else:
        bucket, key, version = source["Bucket"], source["Key"], source.get("VersionId", "")
    read = "s3:GetObjectVersion" if version else "s3:GetObject"
    return [Access(read, place.object(bucket, key)), *_put_object(params, place)]


def _delete_objects(params: Params, place: Place) -> list[Access]:
    entries = params["Delete"]["Objects"]
    return [
        Access(
            "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject",
            place.object(params["Bucket"], entry["Key"]),
        )
        for entry in entries
    ]


def _distinct(accesses: Iterable[Access]) -> list[Access]:
    return list(dict.fromkeys(accesses))


# --- the tables -----------------------------------------------------------------------------------------------

_OBJECTS: Final[Mapping[str, Special]] = {
    "GetObject": _object("GetObject", "GetObjectVersion"),
    "HeadObject": _object("GetObject", "GetObjectVersion"),
    "GetObjectAttributes": _object("GetObjectAttributes", "GetObjectVersionAttributes"),
    "DeleteObject": _object("DeleteObject", "DeleteObjectVersion"),
    "DeleteObjects": _delete_objects,
    "PutObject": _put_object,
    "CopyObject": _copy_object,
    "CreateMultipartUpload": _put_object,
    "UploadPart": _object("PutObject"),
    "UploadPartCopy": _copy_object,
    "CompleteMultipartUpload": _object("PutObject"),
    "AbortMultipartUpload": _object("AbortMultipartUpload"),
    "ListParts": _object("ListMultipartUploadParts"),
    "GetObjectTagging": _object("GetObjectTagging", "GetObjectVersionTagging"),
    "PutObjectTagging": _object("PutObjectTagging", "PutObjectVersionTagging"),
    "DeleteObjectTagging": _object("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    "GetObjectAcl": _object("GetObjectAcl", "GetObjectVersionAcl"),
    "PutObjectAcl": _object("PutObjectAcl", "PutObjectVersionAcl"),
    "SelectObjectContent": _object("GetObject"),
    "ListObjects": _bucket("ListBucket"),
    "ListObjectsV2": _bucket("ListBucket"),
    "HeadBucket": _bucket("ListBucket"),
    "ListObjectVersions": _bucket("ListBucketVersions"),
    "ListMultipartUploads": _bucket("ListBucketMultipartUploads"),
    "GetBucketLocation": _bucket("GetBucketLocation"),
    "CreateBucket": _bucket("CreateBucket"),
    "DeleteBucket": _bucket("DeleteBucket"),
    "GetBucketNotificationConfiguration": _bucket("GetBucketNotification"),
    "PutBucketNotificationConfiguration": _bucket("PutBucketNotification"),
}
_SECRETS: Final = ("GetSecretValue", "PutSecretValue", "DescribeSecret", "UpdateSecret", "DeleteSecret")
_KEYS: Final = (
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "DescribeKey",
    "Sign",
    "Verify",
)
_INVOKES: Final = ("Invoke", "InvokeAsync", "InvokeWithResponseStream")
_FUNCTIONS: Final = (
    "GetFunction",
    "GetFunctionConfiguration",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
    "PublishVersion",
    "PutFunctionConcurrency",
    "DeleteFunctionConcurrency",
)
_RULES: Final = {
    "PutRule": "Name",
    "DeleteRule": "Name",
    "DescribeRule": "Name",
    "EnableRule": "Name",
    "DisableRule": "Name",
    "PutTargets": "Rule",
    "RemoveTargets": "Rule",
    "ListTargetsByRule": "Rule",
}

_SERVICES: Final[Mapping[str, Service]] = {
    "sqs": Service(
        prefix="sqs",
        members={"QueueUrl": "{queue}", "QueueName": "{name}", "SourceArn": "{name}"},
        actions={
            "SendMessageBatch": "SendMessage",
            "DeleteMessageBatch": "DeleteMessage",
            "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
        },
        anywhere=frozenset({"ListQueues"}),
    ),
    "dynamodb": Service(
        prefix="dynamodb",
        members={"TableName": "table/{name}", "ResourceArn": "{name}", "TableArn": "{name}"},
        anywhere=frozenset({"ListTables", "DescribeLimits", "DescribeEndpoints"}),
        special={
            "Query": _indexed("dynamodb:Query"),
            "Scan": _indexed("dynamodb:Scan"),
            "BatchGetItem": _tables("dynamodb:BatchGetItem"),
            "BatchWriteItem": _tables("dynamodb:BatchWriteItem"),
            "TransactGetItems": _transaction,
            "TransactWriteItems": _transaction,
        },
    ),
    "dynamodbstreams": Service(
        prefix="dynamodb", members={"StreamArn": "{name}"}, only=frozenset({"DescribeStream", "GetShardIterator"})
    ),
    "kinesis": Service(
        prefix="kinesis",
        members={"StreamARN": "{name}", "StreamName": "stream/{name}", "ConsumerARN": "{name}"},
        anywhere=frozenset({"ListStreams", "DescribeLimits"}),
        unresolved=frozenset({"ListTagsForResource", "TagResource", "UntagResource"})
        | {"DescribeStreamConsumer", "DeregisterStreamConsumer"},
    ),
    "sns": Service(
        prefix="sns",
        members={"TopicArn": "{name}", "Name": "{name}"},
        actions={"PublishBatch": "Publish"},
        anywhere=frozenset({"ListTopics", "ListSubscriptions"}),
        special={"Publish": _publish},
        unresolved=frozenset({"CreatePlatformApplication"}),
    ),
    "s3": Service(
        prefix="s3",
        anywhere=frozenset(),
        special={**_OBJECTS, "ListBuckets": lambda params, place: [Access("s3:ListAllMyBuckets", ANYWHERE)]},
        only=frozenset(),
    ),
    "events": Service(
        prefix="events",
        special={
            "PutEvents": _put_events,
            **{operation: _rule(member, operation) for operation, member in _RULES.items()},
        },
        only=frozenset(),
    ),
    "secretsmanager": Service(
        prefix="secretsmanager",
        anywhere=frozenset({"ListSecrets", "GetRandomPassword"}),
        special={operation: _secret(operation) for operation in _SECRETS},
        only=frozenset(),
    ),
    "ssm": Service(
        prefix="ssm",
        special={
            "GetParameter": _one_parameter("Name", "GetParameter"),
            "GetParameterHistory": _one_parameter("Name", "GetParameterHistory"),
            "PutParameter": _one_parameter("Name", "PutParameter"),
            "DeleteParameter": _one_parameter("Name", "DeleteParameter"),
            "GetParametersByPath": _one_parameter("Path", "GetParametersByPath"),
            "GetParameters": _parameters,
        },
        only=frozenset(),
    ),
    "kms": Service(
        prefix="kms",
        anywhere=frozenset({"ListKeys", "ListAliases", "GenerateRandom", "CreateKey"}),
        special={operation: _key(operation) for operation in _KEYS},
        only=frozenset(),
    ),
    "lambda": Service(
        prefix="lambda",
        anywhere=frozenset({"ListFunctions", "ListLayers", "GetAccountSettings", "ListEventSourceMappings"}),
        special={
            **{operation: _function("InvokeFunction") for operation in _INVOKES},
            **{operation: _function(operation) for operation in _FUNCTIONS},
        },
        only=frozenset(),
    ),
    "stepfunctions": Service(
        prefix="states",
        members={"stateMachineArn": "{name}", "executionArn": "{name}"},
        anywhere=frozenset({"ListStateMachines"}),
        only=frozenset({"StartExecution", "StartSyncExecution", "DescribeStateMachine", "ListExecutions"})
        | {"DescribeExecution", "StopExecution", "GetExecutionHistory"},
    ),
    "logs": Service(
        prefix="logs",
        special={name: _log_stream(name) for name in ("CreateLogGroup", "CreateLogStream", "PutLogEvents")},
        only=frozenset(),
    ),
    "cloudwatch": Service(
        prefix="cloudwatch",
        anywhere=frozenset({"PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"}),
        only=frozenset(),
    ),
    "firehose": Service(
        prefix="firehose",
        members={"DeliveryStreamName": "deliverystream/{name}"},
        anywhere=frozenset({"ListDeliveryStreams"}),
    ),
    "sts": Service(
        prefix="sts",
        members={"RoleArn": "{name}"},
        special={"GetCallerIdentity": _nothing, "GetSessionToken": _nothing},
        only=frozenset({"AssumeRole"}),
    ),
    "xray": Service(prefix="xray", anywhere=frozenset({"PutTraceSegments", "PutTelemetryRecords"}), only=frozenset()),
}
"""By the name of the service in boto3."""
