"""AWS's answers to refused requests about mappings: codes, statuses and texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from helpers.conformance import (
    ACCOUNT,
    BROKER,
    CREATES,
    DOCUMENTS,
    FIFO,
    FUNCTION,
    MSK,
    QUEUE,
    REGION,
    SECRET,
    STREAM,
    TABLE,
    Fact,
    Facts,
    Lab,
)

FACTS = Facts("Refused requests about mappings")
CREATE, UPDATE = "CreateEventSourceMapping", "UpdateEventSourceMapping"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
FAILURES = "arn:aws:sqs:us-east-1:123456789012:failures"
NO_POSITION = (
    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint:"
    " Member must not be null."
)
NO_DESTINATION = "Unsupported DestinationConfig parameter for given event source mapping type."
NO_FILTER = "Invalid filter pattern definition."
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
    " SQS Error Message: The specified queue does not exist."
)


def create(source: str | None = None, **members: Any) -> dict[str, Any]:
    wanted = {"FunctionName": "fn", **(CREATES[source] if source else {}), **members}
    return {name: value for name, value in wanted.items() if value is not None}


def unsupported(member: str) -> str:
    return f"Unsupported '{member}' parameter for given event source mapping type."


for verb in ("Get", "Update", "Delete"):
    FACTS.refused(
        f"a5-01-{verb.lower()}-unknown",
        "recorded",
        f"{verb} of an unknown UUID returns 404 ResourceNotFoundException.",
        f"{verb}EventSourceMapping",
        {"UUID": UNKNOWN},
        "The resource you requested does not exist.",
        "ResourceNotFoundException",
        404,
    )

FACTS.refused(
    "a5-02-no-source",
    "recorded",
    "Create without a source is refused before the function is looked up.",
    CREATE,
    {"FunctionName": "unknown"},
    "Unrecognized event source.",
)
FACTS.refused(
    "a5-02-other-service",
    "chosen",
    "Create with the ARN of a service that is not an event source is refused in the same words.",
    CREATE,
    create(EventSourceArn="arn:aws:sns:us-east-1:123456789012:topic"),
    "Unrecognized event source.",
)
FACTS.refused(
    "a5-03-unknown-function",
    "recorded",
    "Create for an unknown function is 400, not 404.",
    CREATE,
    {"FunctionName": "unknown", "EventSourceArn": QUEUE},
    "Function does not exist",
)
FACTS.refused(
    "a5-04-destination-of-a-queue",
    "recorded",
    "A destination on a queue is refused before the function is looked up.",
    CREATE,
    {
        "FunctionName": "unknown",
        "EventSourceArn": QUEUE,
        "DestinationConfig": {"OnSuccess": {"Destination": FAILURES}},
    },
    NO_DESTINATION,
)
FACTS.refused(
    "a5-04-failure-destination-of-a-queue",
    "recorded",
    "A destination for failures on a queue is also refused.",
    CREATE,
    create("sqs", DestinationConfig={"OnFailure": {"Destination": FAILURES}}),
    NO_DESTINATION,
)
FACTS.refused(
    "a5-04-success-destination-of-a-stream",
    "documented",
    "No mapping has a destination for successes.",
    CREATE,
    create("kinesis", DestinationConfig={"OnSuccess": {"Destination": FAILURES}}),
    NO_DESTINATION,
)
for source, evidence in (
    ("kinesis", "recorded"),
    ("dynamodb", "recorded"),
    ("msk", "documented"),
    ("documentdb", "documented"),
):
    FACTS.refused(
        f"a5-05-no-position-{source}",
        evidence,
        f"A mapping of {source} needs a starting position; the code is InvalidParameterValueException.",
        CREATE,
        create(source, StartingPosition=None),
        NO_POSITION,
    )
FACTS.refused(
    "a5-06-wrong-position",
    "recorded",
    "A starting position that does not exist is a ValidationException.",
    CREATE,
    create("kinesis", StartingPosition="invalid"),
    "1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy constraint: Member must"
    " satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
    "ValidationException",
)
FACTS.refused(
    "a5-07-dynamodb-at-timestamp",
    "recorded",
    "A DynamoDB stream cannot be read from a point in time.",
    CREATE,
    create("dynamodb", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1_700_000_000),
    f"Unsupported starting position for arn type: {TABLE}",
)
FACTS.refused(
    "a5-08-unknown-queue",
    "recorded",
    "Create for a queue that does not exist quotes SQS.",
    CREATE,
    create(EventSourceArn=f"{QUEUE}-unknown"),
    NO_QUEUE,
)
for source, arn, message in (
    ("queue", QUEUE, NO_QUEUE),
    ("stream", STREAM, f"Stream not found: {STREAM}"),
    ("msk", MSK, f"Cluster not found: {MSK}"),
    ("mq", BROKER, f"Broker not found: {BROKER}"),
    ("documentdb", DOCUMENTS, f"Cluster not found: {DOCUMENTS}"),
):
    request = next(params for params in CREATES.values() if params.get("EventSourceArn") == arn)
    for elsewhere, here, there in (("region", "us-east-1", "eu-west-1"), ("partition", "arn:aws:", "arn:aws-cn:")):
        FACTS.refused(
            f"a5-09-{source}-of-another-{elsewhere}",
            "chosen",
            f"The source {source} of another {elsewhere} is treated like one that does not exist.",
            CREATE,
            {"FunctionName": "fn", **request, "EventSourceArn": arn.replace(here, there)},
            message.replace(arn, arn.replace(here, there)),
        )
for resource in ("junk", "cluster", "replicator/main/0123-4567", "topic/main/0123-4567/orders"):
    FACTS.refused(
        f"a5-02-msk-{resource.split('/')[0]}",
        "chosen",
        f"{resource} of Amazon MSK is not an event source: clusters and VPC connections are.",
        CREATE,
        create("msk", EventSourceArn=MSK.replace("cluster/main/0123-4567", resource)),
        "Unrecognized event source.",
    )
for source, arn in (("kinesis", f"{STREAM}-unknown"), ("dynamodb", TABLE.replace("users", "unknown"))):
    FACTS.refused(
        f"a5-09-unknown-stream-{source}",
        "recorded",
        f"Create for a stream of {source} that does not exist names it.",
        CREATE,
        create(source, EventSourceArn=arn),
        f"Stream not found: {arn}",
    )
FACTS.refused(
    "a5-09-unknown-consumer",
    "chosen",
    "A consumer that is not registered is treated like a stream that does not exist.",
    CREATE,
    create("consumer", EventSourceArn=f"{STREAM}/consumer/unknown"),
    f"Stream not found: {STREAM}/consumer/unknown",
)
WINDOW = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
FACTS.refused(
    "a5-10-large-batch-without-window",
    "recorded",
    "A batch of more than ten messages needs a batching window.",
    CREATE,
    create("sqs", BatchSize=11),
    WINDOW,
)


@FACTS("a5-10-large-batch-by-update", "recorded", "The same applies to an update.")
def _(lab: Lab) -> None:
    refusal = lab.refusal(UPDATE, {"UUID": lab.settled("sqs"), "BatchSize": 11})
    assert (refusal.status, refusal.code, refusal.message) == (400, "InvalidParameterValueException", WINDOW)


@FACTS("a5-11-duplicate-queue", "recorded", "A second mapping from the same queue to the same function returns 409.")
def _(lab: Lab) -> None:
    uuid = lab.settled("sqs")
    refusal = lab.refusal(CREATE, create("sqs"))
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
    assert refusal.message == (
        f'An event source mapping with SQS arn (" {QUEUE} ") and function (" fn ") already exists.'
        f" Please update or delete the existing mapping with UUID {uuid}"
    )


@FACTS(
    "a5-12-duplicate-stream",
    "recorded",
    "A second mapping from the same stream to the same function returns a different text.",
)
def _(lab: Lab) -> None:
    for source, arn in (("dynamodb", TABLE), ("kinesis", STREAM)):
        uuid = lab.settled(source)
        refusal = lab.refusal(CREATE, create(source))
        assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
        assert refusal.message == (
            f'The event source arn (" {arn} ") and function (" fn ") provided mapping already exists.'
            f" Please update or delete the existing mapping with UUID {uuid}"
        )


@FACTS(
    "a5-13-duplicate-kafka",
    "recorded",
    "Two mappings of self-managed Kafka conflict if they share a server and the topic.",
)
def _(lab: Lab) -> None:
    uuid = lab.settled("self-managed")
    servers = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000", "kafka:2000"]}}
    refusal = lab.refusal(CREATE, create("self-managed", SelfManagedEventSource=servers))
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
    assert refusal.message == (
        f'An event source mapping with event source ("kafka:1000,kafka:2000"), function ("{FUNCTION}"),'
        f' topics ("topic") already exists. Please update or delete the existing mapping with UUID {uuid}'
    )
    others = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:3000"]}}
    assert lab.create("self-managed", SelfManagedEventSource=others)["State"] == "Creating"
    assert lab.create("self-managed", Topics=["other"])["State"] == "Creating"


@FACTS(
    "a5-13-duplicate-broker",
    "chosen",
    "A broker's queue can have only one mapping to a function; the text is the one for streams.",
)
def _(lab: Lab) -> None:
    _check_conflict(lab, "mq", BROKER)
    for other in ({"Queues": ["other"]}, {"EventSourceArn": BROKER.replace("0123", "9876")}):
        assert lab.create("mq", **other)["State"] == "Creating"


@FACTS(
    "a5-13-duplicate-collection",
    "chosen",
    "A DocumentDB collection can have only one mapping to a function; the text is the one for streams.",
)
def _(lab: Lab) -> None:
    _check_conflict(lab, "documentdb", DOCUMENTS)
    for config in (
        {"DatabaseName": "other"},
        {"DatabaseName": "shop", "CollectionName": "orders"},
        {"DatabaseName": "shop", "CollectionName": "users"},
    ):
        assert lab.create("documentdb", DocumentDBEventSourceConfig=config)["State"] == "Creating"
    assert lab.create("documentdb", EventSourceArn=f"{DOCUMENTS}-2")["State"] == "Creating"
    for changes in (
        {"DocumentDBEventSourceConfig": {"DatabaseName": "shop", "CollectionName": "orders"}},
        {"DocumentDBEventSourceConfig": {"DatabaseName": "shop", "FullDocument": "UpdateLookup"}, "BatchSize": 1},
    ):
        assert lab.refusal(CREATE, create("documentdb", **changes)).status == 409


def _check_conflict(lab: Lab, source: str, arn: str) -> None:
    uuid = lab.settled(source)
    refusal = lab.refusal(CREATE, create(source))
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
    assert refusal.message == (
        f'The event source arn (" {arn} ") and function (" fn ") provided mapping already exists.'
        f" Please update or delete the existing mapping with UUID {uuid}"
    )


@FACTS("a5-02-msk-vpc-connection", "documented", "A VPC connection to a cluster of Amazon MSK is an event source.")
def _(lab: Lab) -> None:
    arn = MSK.replace("cluster/main", "vpc-connection/123456789012/main")
    assert lab.create("msk", EventSourceArn=arn)["EventSourceArn"] == arn


@FACTS("a5-13-two-qualifiers", "chosen", "fn and fn:$LATEST on one queue are two mappings.")
def _(lab: Lab) -> None:
    lab.settled("sqs")
    assert lab.create("sqs", FunctionName="fn:$LATEST")["FunctionArn"] == f"{FUNCTION}:$LATEST"


@FACTS("a5-13-two-functions", "recorded", "Two functions may read one source.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    for source in CREATES:
        lab.create(source)
        assert lab.create(source, FunctionName="fn2")["State"] == "Creating"


FACTS.refused(
    "a5-14-no-access-configuration",
    "recorded",
    "Self-managed Kafka needs access configurations.",
    CREATE,
    create("self-managed", SourceAccessConfigurations=None),
    "Required 'sourceAccessConfigurations' parameter is missing.",
)
for source, member, wire_name in (
    ("self-managed", "Topics", "topics"),
    ("msk", "Topics", "topics"),
    ("mq", "Queues", "queues"),
    ("mq", "SourceAccessConfigurations", "sourceAccessConfigurations"),
    ("documentdb", "SourceAccessConfigurations", "sourceAccessConfigurations"),
    ("documentdb", "DocumentDBEventSourceConfig", "documentDBEventSourceConfig"),
):
    FACTS.refused(
        f"a5-14-{source}-needs-{wire_name}",
        "chosen",
        f"A mapping of {source} needs {member} (documented); the text is the one for access configurations.",
        CREATE,
        create(source, **{member: None}),
        f"Required '{wire_name}' parameter is missing.",
    )
for number, pattern in enumerate(
    ("null", "simple string", '{"eventSource": "aws:sqs"}', '{"eventSource": []}', '[{"eventName": ["INSERT"=123}]')
):
    FACTS.refused(
        f"a5-15-filter-{number}",
        "recorded",
        f"The filter pattern {pattern} is refused without a reason.",
        CREATE,
        create("dynamodb" if "eventName" in pattern else "sqs", FilterCriteria={"Filters": [{"Pattern": pattern}]}),
        NO_FILTER,
    )
FACTS.refused(
    "a5-15-filter-without-pattern",
    "chosen",
    "A filter without a pattern is refused in the same words.",
    CREATE,
    create("sqs", FilterCriteria={"Filters": [{}]}),
    NO_FILTER,
)
FACTS.refused(
    "a5-15-six-filters",
    "chosen",
    "A mapping has at most five filters (documented); the text is ours.",
    CREATE,
    create("sqs", FilterCriteria={"Filters": [{"Pattern": '{"body": ["a"]}'}] * 6}),
    "Filter criteria may have at most 5 filters, 6 were given.",
)


def _in_use(verb: str, operation: str, state: str, begin: Callable[[Lab], str]) -> None:
    @FACTS(
        f"a5-{'16' if verb == 'update' else '17'}-{verb}-while-{state.lower()}",
        "reported",
        f"{operation} of a mapping that is {state} returns ResourceInUseException, 400.",
    )
    def _(lab: Lab) -> None:
        uuid = begin(lab)
        assert lab.get(uuid)["State"] == state
        refusal = lab.refusal(operation, {"UUID": uuid})
        assert (refusal.status, refusal.code) == (400, "ResourceInUseException")
        assert refusal.message == f"Cannot {verb} the event source mapping because it is in use."
        assert lab.get(uuid)["State"] == state


def _begin(state: str) -> Callable[[Lab], str]:
    def begin(lab: Lab) -> str:
        if state == "Creating":
            return str(lab.create("sqs")["UUID"])
        uuid = lab.settled("sqs", Enabled=state != "Enabling")
        changes: dict[str, dict[str, Any]] = {
            "Updating": {},
            "Disabling": {"Enabled": False},
            "Enabling": {"Enabled": True},
        }
        lab.delete(uuid) if state == "Deleting" else lab.update(uuid, **changes[state])
        return uuid

    return begin


for state in ("Creating", "Updating", "Disabling", "Enabling", "Deleting"):
    _in_use("update", UPDATE, state, _begin(state))
    if state != "Deleting":
        _in_use("delete", "DeleteEventSourceMapping", state, _begin(state))


@FACTS("a5-18-visibility-timeout", "reported", "A queue's visibility timeout must be at least the function's timeout.")
def _(lab: Lab) -> None:
    lab.function("slow", timeout=60)
    text = "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    refusal = lab.refusal(CREATE, create("sqs", FunctionName="slow"))
    assert (refusal.status, refusal.code, refusal.message) == (400, "InvalidParameterValueException", text)
    uuid = lab.settled("sqs")
    assert lab.refusal(UPDATE, {"UUID": uuid, "FunctionName": "slow"}).message == text


FACTS.refused(
    "a5-19-fifo-window",
    "reported",
    "A FIFO queue has no batching window.",
    CREATE,
    create("fifo", MaximumBatchingWindowInSeconds=1),
    "Batching window is not supported for FIFO queues",
)
FACTS.refused(
    "a5-19-fifo-batch",
    "chosen",
    "A batch of a FIFO queue has at most ten messages (documented); the text is that of 2018.",
    CREATE,
    create("fifo", BatchSize=11),
    "Maximum batch size must be between 1 and 10 inclusive",
)

# Parameter, a value for it, and the sources that have it (the guide's pages on each source).
EVERY = frozenset(CREATES)
STREAMS = frozenset({"kinesis", "consumer", "dynamodb"})
KAFKA = frozenset({"msk", "self-managed"})
SUPPORT: dict[str, tuple[Any, frozenset[str]]] = {
    "StartingPosition": ("TRIM_HORIZON", STREAMS | KAFKA | {"documentdb"}),
    "ParallelizationFactor": (2, STREAMS),
    "BisectBatchOnFunctionError": (True, STREAMS),
    "MaximumRetryAttempts": (1, STREAMS),
    "MaximumRecordAgeInSeconds": (60, STREAMS),
    "TumblingWindowInSeconds": (1, STREAMS),
    "DestinationConfig": ({"OnFailure": {"Destination": FAILURES}}, STREAMS | KAFKA),
    "FunctionResponseTypes": (["ReportBatchItemFailures"], STREAMS | {"sqs", "fifo"}),
    "FilterCriteria": ({"Filters": [{"Pattern": '{"a": ["b"]}'}]}, EVERY - {"documentdb"}),
    "ScalingConfig": ({"MaximumConcurrency": 2}, frozenset({"sqs", "fifo"})),
    "ProvisionedPollerConfig": ({"MinimumPollers": 2}, KAFKA | {"sqs", "fifo"}),
    "SourceAccessConfigurations": ([SECRET], frozenset({"self-managed", "mq", "documentdb"})),  # msk: see below
    "Topics": (["topic"], KAFKA),
    "Queues": (["queue"], frozenset({"mq"})),
    "DocumentDBEventSourceConfig": ({"DatabaseName": "shop"}, frozenset({"documentdb"})),
    "MetricsConfig": ({"Metrics": ["EventCount"]}, EVERY - {"mq", "documentdb"}),
    "LoggingConfig": ({"SystemLogLevel": "INFO"}, frozenset()),
    "AmazonManagedKafkaEventSourceConfig": ({"ConsumerGroupId": "group"}, frozenset({"msk"})),
    "SelfManagedKafkaEventSourceConfig": ({"ConsumerGroupId": "group"}, frozenset({"self-managed"})),
    "MaximumBatchingWindowInSeconds": (1, EVERY - {"fifo"}),
}
OWN_TEXTS = {
    "DestinationConfig": NO_DESTINATION,
    "StartingPosition": "StartingPosition is not valid for SQS event sources.",
    "MaximumBatchingWindowInSeconds": "Batching window is not supported for FIFO queues",
}
RESPONSE_TYPES = "FunctionResponseTypes is not allowed for this event source"


def _support(member: str, source: str, value: Any, supported: bool) -> None:
    wire_name = member[0].lower() + member[1:]
    text = f"A mapping of {source} {'has' if supported else 'refuses'} {member}."

    @FACTS(f"a5-22-{source}-{wire_name}", "documented" if supported else "reported", text)
    def _(lab: Lab) -> None:
        lab.needs("CreateEventSourceMappingRequest", member)
        if supported:
            answer = lab.create(source, **{member: value})
            shown = {**answer[member], **value} if isinstance(value, dict) else value
            assert answer[member] == shown
            return
        refusal = lab.refusal(CREATE, create(source, **{member: value}))
        expected = OWN_TEXTS.get(member, unsupported(wire_name))
        if member == "StartingPosition" and source == "mq":
            expected = unsupported(wire_name)
        if member == "FunctionResponseTypes":
            expected = RESPONSE_TYPES
        assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")
        assert refusal.message == expected


for member, (value, sources) in SUPPORT.items():
    for source in CREATES:
        if (member, source) != ("SourceAccessConfigurations", "msk"):
            _support(member, source, value, source in sources)
_support("SourceAccessConfigurations", "msk", [{**SECRET, "Type": "SASL_SCRAM_512_AUTH"}], True)


def _provisioned(member: str, value: Any) -> None:
    @FACTS(
        f"a5-22-provisioned-{member[0].lower()}{member[1:]}",
        "documented",
        f"A mapping of Kafka can have {member} only with provisioned pollers.",
    )
    def _(lab: Lab) -> None:
        if member == "DestinationConfig":
            lab.needs("DestinationArn", "kafka")
        pollers = {"MinimumPollers": 1}
        for source in ("msk", "self-managed"):
            assert lab.create(source, ProvisionedPollerConfig=pollers, **{member: value})[member] == value


for member, value in (
    ("BisectBatchOnFunctionError", True),
    ("MaximumRetryAttempts", 1),
    ("MaximumRecordAgeInSeconds", 60),
    ("FunctionResponseTypes", ["ReportBatchItemFailures"]),
    ("DestinationConfig", {"OnFailure": {"Destination": "kafka://failures"}}),
):
    _provisioned(member, value)


@FACTS("a5-23-consumer-group", "reported", "A consumer group cannot be changed, not even to the same value.")
def _(lab: Lab) -> None:
    lab.needs("UpdateEventSourceMappingRequest", "SelfManagedKafkaEventSourceConfig")
    for source, block in (
        ("msk", "AmazonManagedKafkaEventSourceConfig"),
        ("self-managed", "SelfManagedKafkaEventSourceConfig"),
    ):
        uuid = lab.settled(source, **{block: {"ConsumerGroupId": source}})
        refusal = lab.refusal(UPDATE, {"UUID": uuid, block: {"ConsumerGroupId": source}})
        assert refusal.message == unsupported(f"{block[0].lower()}{block[1:]}.consumerGroupId")


@FACTS("a5-13-consumer-group", "chosen", "A consumer group has one Kafka mapping (documented); the text is ours.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    msk, self_managed = "AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"
    uuid = lab.settled("msk", **{msk: {"ConsumerGroupId": "group"}})
    for source, block in (("msk", msk), ("self-managed", self_managed)):
        params = create(source, FunctionName="fn2", Topics=["other"], **{block: {"ConsumerGroupId": "group"}})
        refusal = lab.refusal(CREATE, params)
        assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
        assert refusal.message == (
            "The consumer group ID group must be unique among all Kafka event sources, and the event source mapping"
            f" with UUID {uuid} uses it already."
        )
    assert lab.create("msk", Topics=["other"], **{msk: {"ConsumerGroupId": "group-2"}})["State"] == "Creating"
    lab.delete(uuid)
    lab.settle()
    assert lab.create("msk", **{msk: {"ConsumerGroupId": "group"}})["State"] == "Creating"


@FACTS("a5-23-virtual-host", "chosen", "An update cannot state a virtual host (documented); the text is ours.")
def _(lab: Lab) -> None:
    host = {"Type": "VIRTUAL_HOST", "URI": "/orders"}
    uuid = lab.settled("mq", SourceAccessConfigurations=[SECRET, host])
    for stated in ([SECRET, host], [SECRET, {**host, "URI": "/others"}], [host]):
        refusal = lab.refusal(UPDATE, {"UUID": uuid, "SourceAccessConfigurations": stated})
        assert refusal.message == "Unsupported source access configuration type for an update: VIRTUAL_HOST"


FACTS.refused(
    "a5-25-batch-size",
    "recorded",
    "A number out of range causes a ValidationException, whatever else is wrong (recorded for other members).",
    CREATE,
    {"FunctionName": "unknown", "BatchSize": 20000},
    "1 validation error detected: Value '20000' at 'batchSize' failed to satisfy constraint: Member must have value"
    " less than or equal to 10000",
    "ValidationException",
)


@FACTS("a5-26-lists-are-empty", "recorded", "A list for an unknown function or queue is empty, not an error.")
def _(lab: Lab) -> None:
    for wanted in ({"FunctionName": "unknown"}, {"EventSourceArn": f"{QUEUE}-unknown"}):
        assert lab.call("ListEventSourceMappings", wanted) == {"EventSourceMappings": []}


FACTS.refused(
    "a5-27-long-uuid",
    "chosen",
    "A UUID that is too long causes a ValidationException (modelled; the text is the framework's).",
    "GetEventSourceMapping",
    {"UUID": "u" * 40},
    f"1 validation error detected: Value '{'u' * 40}' at 'uUID' failed to satisfy constraint: Member must have"
    " length less than or equal to 36",
    "ValidationException",
    needs=("UUIDString", "'max': 36"),
)

NEEDS = {
    "metrics-of-kafka-on-a-queue": ("EventSourceMappingMetric", "KafkaMetrics"),
    "destination-topic-on-demand": ("DestinationArn", "kafka"),
    "registry-on-demand": ("AmazonManagedKafkaEventSourceConfig", "SchemaRegistryConfig"),
}
for id, evidence, text, params, message in (
    (
        "record-age-below-a-minute",
        "reported",
        "A record's maximum age is -1, or at least 60.",
        create("kinesis", MaximumRecordAgeInSeconds=59),
        "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)",
    ),
    (
        "timestamp-missing",
        "reported",
        "AT_TIMESTAMP needs a time.",
        create("kinesis", StartingPosition="AT_TIMESTAMP"),
        "Need to specify a timestamp",
    ),
    (
        "timestamp-in-the-future",
        "chosen",
        "The time of AT_TIMESTAMP must not be in the future (documented); the text is ours.",
        create("kinesis", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=4_000_000_000),
        "StartingPositionTimestamp cannot be in the future",
    ),
    (
        "timestamp-alone",
        "chosen",
        "A time without AT_TIMESTAMP is refused.",
        create("kinesis", StartingPositionTimestamp=1_700_000_000),
        "StartingPositionTimestamp is only supported with StartingPosition AT_TIMESTAMP",
    ),
    (
        "pollers-of-a-queue",
        "reported",
        "A queue has at least two provisioned pollers.",
        create("sqs", ProvisionedPollerConfig={"MinimumPollers": 1}),
        "MinimumPollers should be between [2, 200] and MaximumPollers should be between [MinimumPollers, 10000]",
    ),
    (
        "pollers-of-kafka",
        "chosen",
        "Kafka has up to 2,000 provisioned pollers (documented); the text is the one for queues.",
        create("msk", ProvisionedPollerConfig={"MinimumPollers": 5, "MaximumPollers": 4}),
        "MinimumPollers should be between [1, 200] and MaximumPollers should be between [MinimumPollers, 2000]",
    ),
    (
        "pollers-and-concurrency",
        "reported",
        "Provisioned pollers and a maximum concurrency exclude each other.",
        create("sqs", ProvisionedPollerConfig={"MinimumPollers": 2}, ScalingConfig={"MaximumConcurrency": 2}),
        "Provisioned mode for SQS ESM does not support maximum concurrency feature. Use MaximumPollers as the control"
        " mechanism and remove maximum concurrency.",
    ),
    (
        "pollers-of-neither-kind",
        "reported",
        "Provisioned pollers need a minimum or a maximum.",
        create("sqs", ProvisionedPollerConfig={}),
        "Either MinimumPollers or MaximumPollers are required if ProvisionedPollerConfig is provided.",
    ),
    (
        "metrics-of-kafka-on-a-queue",
        "chosen",
        "A queue has only one group of metrics (documented); the text is ours.",
        create("sqs", MetricsConfig={"Metrics": ["KafkaMetrics"]}),
        "Unsupported metric for given event source mapping type: KafkaMetrics",
    ),
    (
        "destination-topic-on-demand",
        "chosen",
        "A topic as a destination needs provisioned pollers (documented); the text is the one of invoke configs.",
        create("msk", DestinationConfig={"OnFailure": {"Destination": "kafka://failures"}}),
        "The provided destination config DestinationConfig(onSuccess=null,"
        " onFailure=OnFailure(destination=kafka://failures)) is invalid.",
    ),
    (
        "destination-fifo",
        "chosen",
        "A FIFO queue cannot be a destination (documented); the text is the one of invoke configs.",
        create("kinesis", DestinationConfig={"OnFailure": {"Destination": FIFO}}),
        f"The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination={FIFO}))"
        " is invalid.",
    ),
    (
        "registry-on-demand",
        "documented",
        "A schema registry needs provisioned pollers.",
        create("msk", AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": {"EventRecordFormat": "JSON"}}),
        "SchemaRegistryConfig is only available for Provisioned Mode. To configure Schema Registry, please enable"
        " Provisioned Mode by specifying MinimumPollers in ProvisionedPollerConfig.",
    ),
    (
        "region-of-the-function",
        "chosen",
        "A function of another region cannot be reached (recorded for invoke configs).",
        create("sqs", FunctionName=FUNCTION.replace("us-east-1", "eu-west-1")),
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    ),
    (
        "account-of-the-function",
        "chosen",
        "A function of another account is treated like one that does not exist.",
        create("sqs", FunctionName=FUNCTION.replace("123456789012", "210987654321")),
        "Function does not exist",
    ),
    (
        "partition-of-the-function",
        "chosen",
        "A function of a partition other than the region's is treated like one that does not exist.",
        create("sqs", FunctionName=FUNCTION.replace("arn:aws:", "arn:aws-cn:")),
        "Function does not exist",
    ),
    (
        "qualifier-of-the-function",
        "recorded",
        "A qualifier that is neither a version nor an alias does not name a function (recorded for Invoke).",
        create("sqs", FunctionName="fn:latest"),
        "Function does not exist",
    ),
    (
        "success-destination-beside-failure",
        "documented",
        "Kafka has no destination for successes either.",
        create("msk", DestinationConfig={"OnSuccess": {"Destination": FAILURES}}),
        NO_DESTINATION,
    ),
    (
        "mq-without-login",
        "chosen",
        "A broker needs the access configuration BASIC_AUTH (documented); the text is ours.",
        create("mq", SourceAccessConfigurations=[{"Type": "VIRTUAL_HOST", "URI": "/orders"}]),
        "Required source access configuration type is missing for given event source: BASIC_AUTH",
    ),
    (
        "unknown-access-type",
        "chosen",
        "Access configurations must be of kinds that the source supports; the text is ours.",
        create("documentdb", SourceAccessConfigurations=[{"Type": "VIRTUAL_HOST", "URI": "/"}]),
        "Unsupported source access configuration type for given event source: VIRTUAL_HOST",
    ),
):
    status, code = (
        (404, "ResourceNotFoundException") if "not reachable" in message else (400, "InvalidParameterValueException")
    )
    FACTS.refused(f"rule-{id}", evidence, text, CREATE, params, message, code, status, NEEDS.get(id))

REGISTRY = {
    "SchemaRegistryURI": "https://registry.example.com:8081",
    "EventRecordFormat": "JSON",
    "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
}
GLUE = {"SchemaRegistryURI": f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/main"}
for id, changes, message in (
    (
        "uri",
        {"SchemaRegistryURI": "registry.example.com"},
        "Malformed SchemaRegistryURI provided. Please provide a valid URI or ARN. For example,"
        " https://schema-registry.example.com:8081 or arn:aws:glue:us-east-1:123456789012:registry/ExampleRegistry.",
    ),
    (
        "format",
        {"EventRecordFormat": None},
        "EventRecordFormat is a required field for SchemaRegistryConfig. Please provide one of supported format types:"
        " SOURCE, JSON.",
    ),
    (
        "validation",
        {"SchemaValidationConfigs": None},
        "SchemaValidationConfigs is a required field for SchemaRegistryConfig.",
    ),
    (
        "attribute-twice",
        {"SchemaValidationConfigs": [{"Attribute": "KEY"}, {"Attribute": "KEY"}]},
        "Duplicate KEY/VALUE Attribute in SchemaValidationConfigs. SchemaValidationConfigs must contain at most one"
        " KEY/VALUE Attribute.",
    ),
    ("access", {**GLUE, "AccessConfigs": [SECRET]}, "AccessConfigs are not supported for AWS Glue Schema Registry."),
    (
        "other-account",
        {"SchemaRegistryURI": GLUE["SchemaRegistryURI"].replace(ACCOUNT, "999999999999")},
        "Cross-account Glue Schema Registry access is not supported.",
    ),
    (
        "other-region",
        {"SchemaRegistryURI": GLUE["SchemaRegistryURI"].replace(REGION, "eu-west-1")},
        "Cross-region Glue Schema Registry access is not supported.",
    ),
    (
        "schema-arn",
        {"SchemaRegistryURI": f"arn:aws:glue:{REGION}:{ACCOUNT}:schema/main/orders"},
        "Malformed SchemaRegistryURI provided. Please provide a valid URI or ARN. For example,"
        " https://schema-registry.example.com:8081 or arn:aws:glue:us-east-1:123456789012:registry/ExampleRegistry.",
    ),
):
    registry = {name: value for name, value in {**REGISTRY, **changes}.items() if value is not None}

    def _registry(registry: dict[str, Any], message: str) -> Callable[[Lab], None]:
        def check(lab: Lab) -> None:
            lab.needs("AmazonManagedKafkaEventSourceConfig", "SchemaRegistryConfig")
            params = create(
                "msk",
                ProvisionedPollerConfig={"MinimumPollers": 1},
                AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": registry},
            )
            assert lab.refusal(CREATE, params).message == message

        return check

    if id in ("access", "other-account", "other-region"):
        evidence, text = "chosen", f"Glue does not support this (documented), and the text is ours: {id}."
    else:
        evidence, text = "documented", f"A schema registry must be stated in full: {id}."
    FACTS(f"rule-registry-{id}", evidence, text)(_registry(registry, message))


@FACTS("rule-registry-pollers", "documented", "Provisioned pollers stay as long as a registry does.")
def _(lab: Lab) -> None:
    lab.needs("AmazonManagedKafkaEventSourceConfig", "SchemaRegistryConfig")
    block = {"AmazonManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": REGISTRY}}
    uuid = lab.settled("msk", ProvisionedPollerConfig={"MinimumPollers": 1}, **block)
    refusal = lab.refusal(UPDATE, {"UUID": uuid, "ProvisionedPollerConfig": {}})
    assert refusal.message.startswith("SchemaRegistryConfig is only available for Provisioned Mode.")


@FACTS("rule-registry-update", "documented", "An update of a registry states all of its members.")
def _(lab: Lab) -> None:
    lab.needs("AmazonManagedKafkaEventSourceConfig", "SchemaRegistryConfig")
    name = "AmazonManagedKafkaEventSourceConfig"
    pollers = {"ProvisionedPollerConfig": {"MinimumPollers": 1}}
    uuid = lab.settled("msk", **pollers, **{name: {"SchemaRegistryConfig": REGISTRY}})
    for member in REGISTRY:
        partial = {key: value for key, value in REGISTRY.items() if key != member}
        refusal = lab.refusal(UPDATE, {"UUID": uuid, name: {"SchemaRegistryConfig": partial}})
        assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")


for id, params, message in (
    ("position", {"StartingPosition": "LATEST"}, unsupported("startingPosition")),
    ("window", {"MaximumBatchingWindowInSeconds": 1}, unsupported("maximumBatchingWindowInSeconds")),
    (
        "endless-retries",
        {"ProvisionedPollerConfig": {"MinimumPollers": 1}, "MaximumRetryAttempts": -1},
        "MaximumRetryAttempts of -1 is not supported in Queue consumption mode",
    ),
):

    def _queue_mode(params: dict[str, Any], message: str) -> Callable[[Lab], None]:
        def check(lab: Lab) -> None:
            lab.needs("SelfManagedKafkaEventSourceConfig", "ConsumptionMode")
            mode = {"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}}
            assert lab.refusal(CREATE, create("self-managed", **mode, **params)).message == message

        return check

    text = f"In queue mode there is nothing like this (documented); the text is ours or another source's: {id}."
    FACTS(f"rule-queue-mode-{id}", "chosen", text)(_queue_mode(params, message))


@FACTS("a5-envelope-404", "recorded", "A 404 has its text in the member Message, and Type User.")
def _(lab: Lab) -> None:
    response = lab.refusal("GetEventSourceMapping", {"UUID": UNKNOWN}).response
    text = "The resource you requested does not exist."
    assert response == {
        "Error": {"Message": text, "Code": "ResourceNotFoundException"},
        "Message": text,
        "Type": "User",
    }


@FACTS("a5-envelope-400", "recorded", "A 400 of the service has its text in the member message, and Type User.")
def _(lab: Lab) -> None:
    response = lab.refusal(CREATE, {"FunctionName": "fn"}).response
    text = "Unrecognized event source."
    assert response == {
        "Error": {"Message": text, "Code": "InvalidParameterValueException"},
        "message": text,
        "Type": "User",
    }


@FACTS("a5-envelope-validation", "recorded", "A ValidationException has neither Type nor message.")
def _(lab: Lab) -> None:
    response = lab.refusal(CREATE, {"FunctionName": "fn", "BatchSize": 20000}).response
    assert set(response) == {"Error"}


@FACTS(
    "a5-order",
    "chosen",
    "Errors are reported in this order: constraints, source, parameter, function, rules, existence, duplicate.",
)
def _(lab: Lab) -> None:
    lab.settled("sqs")
    request: dict[str, Any] = {"FunctionName": "unknown", "BatchSize": 20000}
    told = []
    for better in (
        {"BatchSize": 11},
        {"EventSourceArn": f"{QUEUE}-unknown", "Topics": ["topic"]},
        {"Topics": None},
        {"FunctionName": "fn"},
        {"BatchSize": None},
        {"EventSourceArn": QUEUE},
    ):
        told.append(lab.refusal(CREATE, request).message)
        request = {name: value for name, value in {**request, **better}.items() if value is not None}
    told.append(lab.refusal(CREATE, request).message)
    assert [text.split(":")[0][:30] for text in told] == [
        "1 validation error detected",
        "Unrecognized event source.",
        "Unsupported 'topics' parameter",
        "Function does not exist",
        "Maximum batch window in second",
        "Error occurred while ReceiveMe",
        "An event source mapping with S",
    ]


@FACTS.parametrize()
def test_fact(fact: Fact, lab: Lab) -> None:
    fact.check(lab)


def test_no_refusal_changes_anything(lab: Lab) -> None:
    refused = [CREATES[source] for source in ("kinesis", "msk", "self-managed", "mq", "documentdb")]
    for params in refused:
        lab.refusal(CREATE, {"FunctionName": "unknown", **params})
    assert lab.call("ListEventSourceMappings", {}) == {"EventSourceMappings": []}
    assert not lab.fake.mappings
