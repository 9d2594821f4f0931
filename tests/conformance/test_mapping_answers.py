"""What AWS answers to requests about mappings that it accepts: members, defaults, states, and what updates do."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from helpers.conformance import (
    ACCOUNT,
    CREATES,
    FIFO,
    FUNCTION,
    MSK,
    QUEUE,
    REGION,
    SECRET,
    SERVERS,
    STREAM,
    TABLE,
    Fact,
    Facts,
    Lab,
    client,
)

FACTS = Facts("Mappings: answers, states and updates")
FAILURES = {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failures"}}
FILTERS = {"Filters": [{"Pattern": '{ "a" : ["b"] }'}]}
ALWAYS = {"EventSourceMappingArn", "FunctionArn", "LastModified", "State", "StateTransitionReason", "UUID"}
QUEUE_DEFAULTS: dict[str, Any] = {"BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}
STREAM_DEFAULTS: dict[str, Any] = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "StartingPosition": "TRIM_HORIZON",
    "TumblingWindowInSeconds": 0,
}
NOTHING_YET = {"BatchSize": 100, "LastProcessingResult": "No records processed"}

ANSWERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sqs": ("recorded", "USER_INITIATED", {**QUEUE_DEFAULTS, "EventSourceArn": QUEUE}),
    "fifo": ("recorded", "USER_INITIATED", {**QUEUE_DEFAULTS, "EventSourceArn": FIFO}),
    "kinesis": ("recorded", "User action", {**STREAM_DEFAULTS, "EventSourceArn": STREAM}),
    "dynamodb": ("recorded", "User action", {**STREAM_DEFAULTS, "EventSourceArn": TABLE}),
    "self-managed": (
        "recorded",
        "USER_INITIATED",
        {
            **NOTHING_YET,
            "SelfManagedEventSource": SERVERS,
            "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "{UUID}"},
            "SourceAccessConfigurations": [SECRET],
            "StartingPosition": "TRIM_HORIZON",
            "Topics": ["topic"],
        },
    ),
    "msk": (
        "chosen",
        "USER_INITIATED",
        {
            **NOTHING_YET,
            "AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "{UUID}"},
            "EventSourceArn": MSK,
            "StartingPosition": "LATEST",
            "Topics": ["topic"],
        },
    ),
    "mq": ("documented", "USER_INITIATED", {**NOTHING_YET, **CREATES["mq"]}),
    "documentdb": (
        "documented",
        "User action",
        {
            **NOTHING_YET,
            **CREATES["documentdb"],
            "DocumentDBEventSourceConfig": {"DatabaseName": "shop", "FullDocument": "Default"},
            "MaximumBatchingWindowInSeconds": 0,
        },
    ),
}


def _answers(source: str, evidence: str, reason: str, members: dict[str, Any]) -> None:
    @FACTS(f"a3-{source}", evidence, f"The members of a new mapping of {source}, with their defaults, and no others.")
    def _(lab: Lab) -> None:
        created = lab.create(source)
        expected = {
            name: {"ConsumerGroupId": created["UUID"]} if value == {"ConsumerGroupId": "{UUID}"} else value
            for name, value in members.items()
        }
        if (
            "EventSourceMappingArn"
            not in lab.aws_lambda.meta.service_model.shape_for("EventSourceMappingConfiguration").members
        ):
            created["EventSourceMappingArn"] = ""
        assert {name: value for name, value in created.items() if name not in ALWAYS} == expected
        assert set(created) == {*expected, *ALWAYS}
        assert (created["State"], created["StateTransitionReason"]) == ("Creating", reason)
        lab.settle()
        read = lab.get(created["UUID"])
        assert {**read, "State": "Creating", "LastModified": created["LastModified"]} == created
        (listed,) = lab.call("ListEventSourceMappings", {})["EventSourceMappings"]
        assert listed == read
        deleted = lab.delete(created["UUID"])
        assert {**deleted, "State": "Enabled", "LastModified": read["LastModified"]} == read


for source, (evidence, reason, members) in ANSWERS.items():
    _answers(source, evidence, reason, members)


@FACTS("a3-arn", "recorded", "A mapping's ARN ends in its UUID.")
def _(lab: Lab) -> None:
    created = lab.create()
    assert created["EventSourceMappingArn"] == (
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{created['UUID']}"
    )


@FACTS("a3-partition", "documented", "In regions of another partition, ARNs name that partition.")
def _(lab: Lab) -> None:
    region = "cn-north-1"
    lab.fake.function("fn", lambda event, context: None, region=region)
    queue = lab.fake.client("sqs", region=region).create_queue(QueueName="orders")["QueueUrl"]
    assert queue
    created = lab.fake.client("lambda", region=region).create_event_source_mapping(
        FunctionName="fn", EventSourceArn=f"arn:aws-cn:sqs:{region}:{ACCOUNT}:orders"
    )
    assert created["FunctionArn"] == f"arn:aws-cn:lambda:{region}:{ACCOUNT}:function:fn"
    assert created["EventSourceMappingArn"].startswith(f"arn:aws-cn:lambda:{region}:{ACCOUNT}:")


@FACTS("a3-function-names", "recorded", "FunctionArn shows the function with the qualifier that the request gave.")
def _(lab: Lab) -> None:
    lab.call("PublishVersion", {"FunctionName": "fn"})
    lab.call("CreateAlias", {"FunctionName": "fn", "Name": "live", "FunctionVersion": "1"})
    for given, shown in (
        ("fn", FUNCTION),
        (FUNCTION, FUNCTION),
        (f"{ACCOUNT}:function:fn", FUNCTION),
        (f"{ACCOUNT}:fn", FUNCTION),
        ("function:fn", FUNCTION),
        ("fn:$LATEST", f"{FUNCTION}:$LATEST"),
        (f"{FUNCTION}:$LATEST", f"{FUNCTION}:$LATEST"),
        ("fn:1", f"{FUNCTION}:1"),
        (f"{FUNCTION}:1", f"{FUNCTION}:1"),
        ("fn:live", f"{FUNCTION}:live"),
        (f"{ACCOUNT}:function:fn:live", f"{FUNCTION}:live"),
    ):
        created = lab.create(FunctionName=given)
        assert created["FunctionArn"] == shown
        lab.settle()
        lab.delete(created["UUID"])
        lab.settle()


@FACTS("a3-destination", "recorded", "DestinationConfig shows the destination for failures, and none for successes.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis", DestinationConfig=FAILURES)["DestinationConfig"] == FAILURES
    assert lab.create("dynamodb", DestinationConfig={**FAILURES, "OnSuccess": {}})["DestinationConfig"] == FAILURES


@FACTS("a3-no-filters", "recorded", "Filter criteria that are empty are not shown.")
def _(lab: Lab) -> None:
    for number, empty in enumerate(({}, {"Filters": []})):
        name = f"fn{number}"
        lab.function(name)
        assert "FilterCriteria" not in lab.create(FunctionName=name, FilterCriteria=empty)


@FACTS("a3-filters", "recorded", "Patterns are shown as they were given, blanks and all.")
def _(lab: Lab) -> None:
    uuid = lab.settled(FilterCriteria=FILTERS)
    assert lab.get(uuid)["FilterCriteria"] == FILTERS


@FACTS(
    "a3-encrypted-filters",
    "documented",
    "With a key of the customer, lists do not show filter criteria; reads do.",
)
def _(lab: Lab) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    uuid = lab.settled(FilterCriteria=FILTERS, KMSKeyArn=key)
    assert lab.get(uuid)["FilterCriteria"] == FILTERS
    (listed,) = lab.call("ListEventSourceMappings", {})["EventSourceMappings"]
    assert "FilterCriteria" not in listed
    assert listed["KMSKeyArn"] == key


@FACTS("a3-key-out-of-use", "documented", "Where the key cannot be used, a read shows FilterCriteriaError instead.")
def _(lab: Lab) -> None:
    key = client("kms").create_key()["KeyMetadata"]
    uuid = lab.settled(FilterCriteria=FILTERS, KMSKeyArn=key["Arn"])
    assert lab.get(uuid)["FilterCriteria"] == FILTERS
    client("kms").disable_key(KeyId=key["KeyId"])
    answer = lab.get(uuid)
    assert "FilterCriteria" not in answer
    assert answer["FilterCriteriaError"]["ErrorCode"] == "KMSDisabledException"
    client("kms").enable_key(KeyId=key["KeyId"])
    assert lab.get(uuid)["FilterCriteria"] == FILTERS


@FACTS("a3-last-modified", "documented", "LastModified moves with each change of state.")
def _(lab: Lab) -> None:
    created = lab.create()
    lab.fake.clock.advance(5)
    enabled = lab.get(created["UUID"])
    assert (enabled["LastModified"] - created["LastModified"]).total_seconds() == 5
    lab.fake.clock.advance(100)
    assert lab.get(created["UUID"])["LastModified"] == enabled["LastModified"]


@FACTS("a2-queue-batches", "recorded", "A queue's batch has up to 10,000 messages, with a batching window.")
def _(lab: Lab) -> None:
    created = lab.create(BatchSize=10_000, MaximumBatchingWindowInSeconds=1)
    assert (created["BatchSize"], created["MaximumBatchingWindowInSeconds"]) == (10_000, 1)


@FACTS("a2-stream-batches", "recorded", "A batch of a stream needs no window, however large it is.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis", BatchSize=10_000)["BatchSize"] == 10_000
    assert lab.create("dynamodb", BatchSize=10_000)["BatchSize"] == 10_000


@FACTS("a2-kafka-starts", "documented", "Kafka may be read from a time on.")
def _(lab: Lab) -> None:
    for source in ("msk", "self-managed"):
        created = lab.create(source, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1_700_000_000)
        assert created["StartingPositionTimestamp"].timestamp() == 1_700_000_000


@FACTS("a2-kinesis-timestamp", "recorded", "The time of AT_TIMESTAMP is shown.")
def _(lab: Lab) -> None:
    created = lab.create("kinesis", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1_700_000_000)
    assert created["StartingPosition"] == "AT_TIMESTAMP"
    assert created["StartingPositionTimestamp"].timestamp() == 1_700_000_000


@FACTS(
    "a2-provisioned",
    "chosen",
    "Of provisioned pollers, a number that is not given shows its default.",
)
def _(lab: Lab) -> None:
    for source, given, shown in (
        ("sqs", {"MinimumPollers": 3}, {"MinimumPollers": 3, "MaximumPollers": 200}),
        ("msk", {"MaximumPollers": 7}, {"MinimumPollers": 1, "MaximumPollers": 7}),
    ):
        assert lab.create(source, ProvisionedPollerConfig=given)["ProvisionedPollerConfig"] == shown


@FACTS("a2-provisioned-equal", "documented", "The least and the largest number of provisioned pollers may be equal.")
def _(lab: Lab) -> None:
    for number, (source, stated) in enumerate(
        (
            ("sqs", {"MinimumPollers": 2, "MaximumPollers": 2}),
            ("fifo", {"MinimumPollers": 200, "MaximumPollers": 200}),
            ("msk", {"MaximumPollers": 1}),
            ("self-managed", {"MinimumPollers": 200}),
        )
    ):
        lab.function(f"fn{number}")
        answer = lab.create(source, FunctionName=f"fn{number}", ProvisionedPollerConfig=stated)
        pollers = answer["ProvisionedPollerConfig"]
        assert {**pollers, **stated} == pollers
        assert pollers["MinimumPollers"] == pollers["MaximumPollers"]


# --- states ----------------------------------------------------------------------------------------------


@FACTS("a4-create", "recorded", "A mapping is Creating, and then Enabled.")
def _(lab: Lab) -> None:
    created = lab.create()
    assert created["State"] == "Creating"
    lab.settle()
    assert lab.get(created["UUID"])["State"] == "Enabled"


@FACTS("a4-create-disabled", "recorded", "A mapping that is created disabled is Disabled in the answer.")
def _(lab: Lab) -> None:
    assert lab.create(Enabled=False)["State"] == "Disabled"
    assert lab.create("dynamodb", Enabled=False)["State"] == "Disabled"


@FACTS("a4-disable", "recorded", "An update with Enabled=False shows Disabling and the last result, and then Disabled.")
def _(lab: Lab) -> None:
    uuid = lab.settled("kinesis")
    answer = lab.update(uuid, Enabled=False)
    assert (answer["State"], answer["LastProcessingResult"]) == ("Disabling", "No records processed")
    lab.settle()
    assert lab.get(uuid)["State"] == "Disabled"


@FACTS("a4-enable", "recorded", "An update with Enabled=True of a disabled mapping shows Enabling, and then Enabled.")
def _(lab: Lab) -> None:
    uuid = lab.settled(Enabled=False)
    assert lab.update(uuid, Enabled=True)["State"] == "Enabling"
    lab.settle()
    assert lab.get(uuid)["State"] == "Enabled"


@FACTS("a4-update", "recorded", "Any other update shows Updating, and then Enabled; the new values are shown at once.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    uuid = lab.settled()
    answer = lab.update(uuid, FunctionName="fn2", BatchSize=7)
    assert (answer["State"], answer["BatchSize"], answer["FunctionArn"]) == ("Updating", 7, f"{FUNCTION}2")
    lab.settle()
    assert lab.get(uuid)["State"] == "Enabled"


@FACTS("a4-update-disabled", "chosen", "An update of a disabled mapping shows Updating, and then Disabled.")
def _(lab: Lab) -> None:
    uuid = lab.settled(Enabled=False)
    assert lab.update(uuid, BatchSize=7)["State"] == "Updating"
    lab.settle()
    assert lab.get(uuid)["State"] == "Disabled"


@FACTS("a4-empty-update", "chosen", "An update of nothing shows Updating as well.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    assert lab.update(uuid)["State"] == "Updating"
    lab.settle()
    assert lab.update(uuid, Enabled=True)["State"] == "Updating"


@FACTS("a4-delete", "recorded", "A deletion answers 202 with the mapping, Deleting; then it is unknown.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    assert lab.delete(uuid)["State"] == "Deleting"
    assert lab.get(uuid)["State"] == "Deleting"
    lab.settle()
    assert lab.refusal("GetEventSourceMapping", {"UUID": uuid}).status == 404


@FACTS("a4-delete-twice", "chosen", "A deletion while the mapping is Deleting is answered like the first.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    assert lab.delete(uuid) == lab.delete(uuid)


@FACTS("a4-function-deleted", "recorded", "Deleting the function leaves the mapping as it is, Enabled.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    before = lab.get(uuid)
    lab.call("DeleteFunction", {"FunctionName": "fn"})
    lab.settle()
    assert lab.get(uuid) == before


@FACTS("a4-function-deleted-and-made-again", "reported", "A deleted function's mapping conflicts with a new one's.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    lab.call("DeleteFunction", {"FunctionName": "fn"})
    lab.function("fn")
    refusal = lab.refusal("CreateEventSourceMapping", {"FunctionName": "fn", **CREATES["sqs"]})
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
    assert refusal.message.endswith(uuid)


@FACTS("a4-service-made", "documented", "A change that the service made shows its code as StateTransitionReason.")
def _(lab: Lab) -> None:
    uuid = lab.settled("msk")
    lab.fake.mapping(uuid).force(
        "Disabled", reason="EVENT_SOURCE_AUTHZ_ERROR", result="PROBLEM: Cluster failed to authorize Lambda"
    )
    answer = lab.get(uuid)
    assert (answer["State"], answer["StateTransitionReason"]) == ("Disabled", "EVENT_SOURCE_AUTHZ_ERROR")
    assert answer["LastProcessingResult"] == "PROBLEM: Cluster failed to authorize Lambda"
    assert lab.update(uuid, Enabled=True)["StateTransitionReason"] == "USER_INITIATED"


# --- updates ---------------------------------------------------------------------------------------------


@FACTS("a6-omitted", "documented", "What an update leaves out stays as it is.")
def _(lab: Lab) -> None:
    given = {"BatchSize": 7, "FilterCriteria": FILTERS, "DestinationConfig": FAILURES, "MaximumRetryAttempts": 2}
    uuid = lab.settled("kinesis", **given)
    lab.update(uuid, ParallelizationFactor=3)
    lab.settle()
    answer = lab.get(uuid)
    assert {name: answer[name] for name in given} == given
    assert answer["ParallelizationFactor"] == 3


KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ACCESS = [{"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET["URI"]}]
# Member, source, what it was, what the update says, what shows then (None: nothing), evidence.
RESETS: tuple[tuple[str, str, Any, Any, Any, str], ...] = (
    ("FilterCriteria", "sqs", FILTERS, {}, None, "documented"),
    ("FilterCriteria", "kinesis", FILTERS, {"Filters": []}, None, "documented"),
    ("ScalingConfig", "sqs", {"MaximumConcurrency": 5}, {}, None, "documented"),
    ("ProvisionedPollerConfig", "sqs", {"MinimumPollers": 5}, {}, None, "documented"),
    ("ProvisionedPollerConfig", "msk", {"MinimumPollers": 5}, {}, None, "documented"),
    ("DestinationConfig", "kinesis", FAILURES, {"OnFailure": {"Destination": ""}}, {"OnFailure": {}}, "documented"),
    ("DestinationConfig", "dynamodb", FAILURES, {}, {"OnFailure": {}}, "reported"),
    ("DestinationConfig", "msk", FAILURES, {"OnFailure": {"Destination": ""}}, None, "documented"),
    ("FunctionResponseTypes", "sqs", ["ReportBatchItemFailures"], [], [], "documented"),
    ("FunctionResponseTypes", "kinesis", ["ReportBatchItemFailures"], [], [], "documented"),
    ("MetricsConfig", "sqs", {"Metrics": ["EventCount"]}, {"Metrics": []}, None, "reported"),
    ("KMSKeyArn", "sqs", KEY, "", None, "documented"),
    ("SourceAccessConfigurations", "msk", ACCESS, [], None, "reported"),
    ("MaximumRecordAgeInSeconds", "kinesis", 60, -1, -1, "reported"),
    ("MaximumRetryAttempts", "kinesis", 5, -1, -1, "reported"),
    ("ParallelizationFactor", "dynamodb", 5, 1, 1, "reported"),
    ("TumblingWindowInSeconds", "dynamodb", 5, 0, 0, "reported"),
    ("BisectBatchOnFunctionError", "dynamodb", True, False, False, "reported"),
    ("MaximumBatchingWindowInSeconds", "sqs", 5, 0, 0, "documented"),
)


def _reset(member: str, source: str, before: Any, said: Any, after: Any, evidence: str) -> None:
    @FACTS(f"a6-reset-{source}-{member}-{len(repr(said))}", evidence, f"An update with {member}={said!r} undoes it.")
    def _(lab: Lab) -> None:
        uuid = lab.settled(source, **{member: before})
        assert member in lab.get(uuid)
        answer = lab.update(uuid, **{member: said})
        lab.settle()
        assert answer.get(member) == lab.get(uuid).get(member) == after
        assert (member in answer) is (after is not None)


for row in RESETS:
    _reset(*row)


@FACTS("a6-poller-group", "documented", "An empty PollerGroupName leaves the group, and keeps the pollers.")
def _(lab: Lab) -> None:
    lab.needs("ProvisionedPollerConfig", "PollerGroupName")
    uuid = lab.settled("msk", ProvisionedPollerConfig={"MinimumPollers": 5, "PollerGroupName": "group"})
    answer = lab.update(uuid, ProvisionedPollerConfig={"PollerGroupName": ""})
    assert answer["ProvisionedPollerConfig"] == {"MinimumPollers": 5, "MaximumPollers": 200}


@FACTS("a6-schema-registry", "reported", "An empty SchemaRegistryConfig removes the registry; one left out stays.")
def _(lab: Lab) -> None:
    block = "AmazonManagedKafkaEventSourceConfig"
    lab.needs(block, "SchemaRegistryConfig")
    registry = {
        "SchemaRegistryURI": f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/main",
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
    }
    uuid = lab.settled(
        "msk", ProvisionedPollerConfig={"MinimumPollers": 1}, **{block: {"SchemaRegistryConfig": registry}}
    )
    lab.update(uuid, BatchSize=7)
    lab.settle()
    assert lab.get(uuid)[block] == {"ConsumerGroupId": uuid, "SchemaRegistryConfig": registry}
    assert lab.update(uuid, **{block: {"SchemaRegistryConfig": {}}})[block] == {"ConsumerGroupId": uuid}


@FACTS("a6-nothing-in-a-group", "documented", "An empty Kafka or DocumentDB configuration changes nothing.")
def _(lab: Lab) -> None:
    for source, block, stated in (
        ("msk", "AmazonManagedKafkaEventSourceConfig", {"ConsumerGroupId": "a"}),
        ("self-managed", "SelfManagedKafkaEventSourceConfig", {"ConsumerGroupId": "b"}),
        ("documentdb", "DocumentDBEventSourceConfig", {"DatabaseName": "shop", "FullDocument": "UpdateLookup"}),
    ):
        lab.needs("UpdateEventSourceMappingRequest", block)
        uuid = lab.settled(source, **{block: stated})
        assert lab.update(uuid, **{block: {}})[block] == stated
        lab.settle()
        assert lab.get(uuid)[block] == stated


@FACTS("a6-queue-mode", "documented", "The consumption mode of self-managed Kafka cannot be changed.")
def _(lab: Lab) -> None:
    block = "SelfManagedKafkaEventSourceConfig"
    lab.needs(block, "ConsumptionMode")
    uuid = lab.settled("self-managed", **{block: {"ConsumptionMode": "Queue"}})
    before = lab.get(uuid)
    assert "StartingPosition" not in before
    lab.update(uuid, **{block: {}})
    lab.settle()
    assert {**lab.get(uuid), "LastModified": before["LastModified"]} == before
    refusal = lab.refusal("UpdateEventSourceMapping", {"UUID": uuid, block: {"ConsumptionMode": "Stream"}})
    assert refusal.message == (
        "Unsupported 'selfManagedKafkaEventSourceConfig.consumptionMode' parameter for given event source mapping type."
    )


@FACTS("a6-virtual-host", "chosen", "An update of a broker's secrets keeps the virtual host, which it cannot state.")
def _(lab: Lab) -> None:
    host = {"Type": "VIRTUAL_HOST", "URI": "/orders"}
    uuid = lab.settled("mq", SourceAccessConfigurations=[SECRET, host])
    other = {**SECRET, "URI": f"{SECRET['URI']}-2"}
    assert lab.update(uuid, SourceAccessConfigurations=[other])["SourceAccessConfigurations"] == [other, host]


@FACTS("a6-provisioned-members-stay-behind", "chosen", "Pollers cannot go while members stay that need them.")
def _(lab: Lab) -> None:
    uuid = lab.settled("msk", ProvisionedPollerConfig={"MinimumPollers": 1}, MaximumRetryAttempts=3)
    for more in ({}, {"MaximumRetryAttempts": 2}, {"BisectBatchOnFunctionError": False}):
        refusal = lab.refusal("UpdateEventSourceMapping", {"UUID": uuid, "ProvisionedPollerConfig": {}, **more})
        assert refusal.message == "Unsupported 'maximumRetryAttempts' parameter for given event source mapping type."


NEEDS_POLLERS: tuple[tuple[str, Any, Any], ...] = (
    ("BisectBatchOnFunctionError", True, False),
    ("FunctionResponseTypes", ["ReportBatchItemFailures"], []),
    ("LoggingConfig", {"SystemLogLevel": "INFO"}, {}),
    ("MaximumRecordAgeInSeconds", 60, -1),
    ("MaximumRetryAttempts", 3, -1),
)


def _leaves_provisioned_mode(member: str, before: Any, said: Any) -> None:
    @FACTS(
        f"a6-provisioned-members-go-{member}",
        "chosen",
        f"Pollers go along with {member}, or once an update has said {member}={said!r}.",
    )
    def _(lab: Lab) -> None:
        lab.needs("UpdateEventSourceMappingRequest", member)
        pollers = {"MinimumPollers": 1}
        for source, earlier in (("msk", False), ("self-managed", True)):
            uuid = lab.settled(source, ProvisionedPollerConfig=pollers, **{member: before})
            if earlier:
                lab.update(uuid, **{member: said})
                lab.settle()
            lab.update(uuid, ProvisionedPollerConfig={}, **({} if earlier else {member: said}))
            lab.settle()
            assert not {member, "ProvisionedPollerConfig"} & lab.get(uuid).keys()
            refusal = lab.refusal("UpdateEventSourceMapping", {"UUID": uuid, member: said})
            assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")


for one in NEEDS_POLLERS:
    _leaves_provisioned_mode(*one)


@FACTS("a6-settles", "documented", "A setting is in force when the update settles.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    lab.update(uuid, BatchSize=7)
    mapping = lab.fake.mapping(uuid)
    assert mapping.settings["BatchSize"] == 10
    lab.settle()
    assert mapping.settings["BatchSize"] == 7


@FACTS("a6-function-of-a-deleted-one", "chosen", "A mapping whose function is gone may be updated.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    lab.call("DeleteFunction", {"FunctionName": "fn"})
    assert lab.update(uuid, BatchSize=7)["State"] == "Updating"
    lab.settle()
    lab.function("fn2")
    assert lab.update(uuid, FunctionName="fn2")["FunctionArn"] == f"{FUNCTION}2"


@FACTS("a6-update-to-a-duplicate", "chosen", "An update to another mapping's function is a conflict.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    other = lab.settled(FunctionName="fn2")
    uuid = lab.settled()
    refusal = lab.refusal("UpdateEventSourceMapping", {"UUID": uuid, "FunctionName": "fn2"})
    assert (refusal.status, refusal.message[-36:]) == (409, other)


# --- tags and lists --------------------------------------------------------------------------------------

MALFORMED = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{'0' * 8}:alias"
ABSENT = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:00000000-0000-4000-8000-000000000000"


@FACTS("a7-tags", "recorded", "Tags are set at creation, listed, changed and removed; mappings do not show them.")
def _(lab: Lab) -> None:
    created = lab.create(Tags={"team": "shop"})
    arn = created["EventSourceMappingArn"]
    assert "Tags" not in created
    assert "Tags" not in lab.get(created["UUID"])
    assert lab.call("ListTags", {"Resource": arn}) == {"Tags": {"team": "shop"}}
    assert lab.call("TagResource", {"Resource": arn, "Tags": {"stage": "test", "team": "web"}}) == {}
    assert lab.call("ListTags", {"Resource": arn})["Tags"] == {"team": "web", "stage": "test"}
    assert lab.call("UntagResource", {"Resource": arn, "TagKeys": ["team", "unknown"]}) == {}
    assert lab.call("ListTags", {"Resource": arn})["Tags"] == {"stage": "test"}


@FACTS("a7-unknown", "recorded", "The tags of an unknown mapping are 404.")
def _(lab: Lab) -> None:
    for operation, more in (
        ("ListTags", {}),
        ("TagResource", {"Tags": {"a": "b"}}),
        ("UntagResource", {"TagKeys": ["a"]}),
    ):
        refusal = lab.refusal(operation, {"Resource": ABSENT, **more})
        assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")
        assert refusal.message == f"Event source mapping not found: {ABSENT}"


@FACTS("a7-another-place", "documented", "A mapping has no tags under an ARN of another account or region.")
def _(lab: Lab) -> None:
    arn = lab.create(Tags={"team": "shop"})["EventSourceMappingArn"]
    for wrong in (arn.replace(ACCOUNT, "999999999999"), arn.replace(REGION, "eu-west-1")):
        for operation, more in (
            ("ListTags", {}),
            ("TagResource", {"Tags": {"team": "web"}}),
            ("UntagResource", {"TagKeys": ["team"]}),
        ):
            refusal = lab.refusal(operation, {"Resource": wrong, **more})
            assert (refusal.status, refusal.message) == (404, f"Event source mapping not found: {wrong}")
    assert lab.call("ListTags", {"Resource": arn})["Tags"] == {"team": "shop"}


@FACTS(
    "a7-malformed",
    "recorded",
    "A malformed ARN is a ValidationException that quotes a pattern; which one is the installed botocore's matter.",
)
def _(lab: Lab) -> None:
    pattern = lab.aws_lambda.meta.service_model.shape_for("TaggableResource").metadata["pattern"]
    for arn in (MALFORMED, MALFORMED.replace("event-source-mapping", "something")):
        refusal = lab.refusal("ListTags", {"Resource": arn})
        assert (refusal.status, refusal.code) == (400, "ValidationException")
        assert refusal.message == (
            f"1 validation error detected: Value '{arn}' at 'resource' failed to satisfy constraint: Member must"
            f" satisfy regular expression pattern: {pattern}"
        )


@FACTS("a7-nothing", "recorded", "No tags to set, and no keys to remove, are two different errors.")
def _(lab: Lab) -> None:
    arn = lab.create()["EventSourceMappingArn"]
    refusal = lab.refusal("TagResource", {"Resource": arn, "Tags": {}})
    assert (refusal.code, refusal.message) == (
        "InvalidParameterValueException",
        "An error occurred and the request cannot be processed.",
    )
    refusal = lab.refusal("UntagResource", {"Resource": arn, "TagKeys": []})
    assert (refusal.code, refusal.message) == (
        "ValidationException",
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
    )


@FACTS("a7-fifty", "recorded", "A mapping has at most 50 tags.")
def _(lab: Lab) -> None:
    arn = lab.create(Tags={f"tag-{number}": "" for number in range(50)})["EventSourceMappingArn"]
    lab.call("TagResource", {"Resource": arn, "Tags": {"tag-1": "other"}})
    refusal = lab.refusal("TagResource", {"Resource": arn, "Tags": {"one-more": ""}})
    assert (refusal.code, refusal.message) == (
        "InvalidParameterValueException",
        "Number of tags exceeds resource tag limit.",
    )
    assert len(lab.call("ListTags", {"Resource": arn})["Tags"]) == 50
    too_many = {"FunctionName": "fn", **CREATES["kinesis"], "Tags": {f"tag-{number}": "" for number in range(51)}}
    assert lab.refusal("CreateEventSourceMapping", too_many).message == refusal.message
    assert lab.call("ListEventSourceMappings", {"EventSourceArn": STREAM}) == {"EventSourceMappings": []}


@FACTS("a7-functions", "chosen", "The tags of functions are moto's.")
def _(lab: Lab) -> None:
    lab.call("TagResource", {"Resource": FUNCTION, "Tags": {"team": "shop"}})
    assert lab.call("ListTags", {"Resource": FUNCTION})["Tags"] == {"team": "shop"}


@FACTS("a8-pages", "documented", "MaxItems is the length of a page, and NextMarker leads to the next.")
def _(lab: Lab) -> None:
    uuids = []
    for number in range(5):
        lab.function(f"fn{number}")
        uuids.append(lab.create(FunctionName=f"fn{number}")["UUID"])
    pages = lab.aws_lambda.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 2})
    found = [[mapping["UUID"] for mapping in page["EventSourceMappings"]] for page in pages]
    assert found == [uuids[:2], uuids[2:4], uuids[4:]]


@FACTS("a8-full-last-page", "documented", "A last page that is exactly full has no NextMarker.")
def _(lab: Lab) -> None:
    for number in range(4):
        lab.function(f"fn{number}")
        lab.create(FunctionName=f"fn{number}")
    first = lab.call("ListEventSourceMappings", {"MaxItems": 2})
    last = lab.call("ListEventSourceMappings", {"MaxItems": 2, "Marker": first["NextMarker"]})
    assert (len(last["EventSourceMappings"]), "NextMarker" in last) == (2, False)
    assert "NextMarker" not in lab.call("ListEventSourceMappings", {"MaxItems": 4})


@FACTS("a8-hundred", "documented", "A page has at most 100 mappings, whatever MaxItems says.")
def _(lab: Lab) -> None:
    for number in range(101):
        servers = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [f"kafka:{number + 1}"]}}
        lab.create("self-managed", SelfManagedEventSource=servers)
    page = lab.call("ListEventSourceMappings", {"MaxItems": 10_000})
    assert len(page["EventSourceMappings"]) == 100
    rest = lab.call("ListEventSourceMappings", {"Marker": page["NextMarker"]})
    assert (len(rest["EventSourceMappings"]), "NextMarker" in rest) == (1, False)


@FACTS("a8-filters", "documented", "A list may be that of a source, or of a function in any form of its name.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    queue, stream, other = lab.create(), lab.create("kinesis"), lab.create(FunctionName="fn2")
    for wanted, expected in (
        ({"EventSourceArn": QUEUE}, [queue, other]),
        ({"FunctionName": "fn"}, [queue, stream]),
        ({"FunctionName": FUNCTION}, [queue, stream]),
        ({"FunctionName": f"{ACCOUNT}:function:fn2"}, [other]),
        ({"FunctionName": "fn", "EventSourceArn": STREAM}, [stream]),
    ):
        found = lab.call("ListEventSourceMappings", wanted)["EventSourceMappings"]
        assert [mapping["UUID"] for mapping in found] == [mapping["UUID"] for mapping in expected]


@FACTS("a8-during-an-update", "chosen", "A list shows a mapping for the function to which an update moves it.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    uuid = lab.settled()
    lab.update(uuid, FunctionName="fn2")
    assert lab.call("ListEventSourceMappings", {"FunctionName": "fn"}) == {"EventSourceMappings": []}
    (found,) = lab.call("ListEventSourceMappings", {"FunctionName": "fn2"})["EventSourceMappings"]
    assert (found["UUID"], found["State"]) == (uuid, "Updating")


@FACTS("a8-qualified", "chosen", "A list for a function shows the mappings of exactly the qualifier that it names.")
def _(lab: Lab) -> None:
    plain, latest = lab.create(), lab.create(FunctionName="fn:$LATEST")
    for name, expected in (("fn", plain), ("fn:$LATEST", latest)):
        (found,) = lab.call("ListEventSourceMappings", {"FunctionName": name})["EventSourceMappings"]
        assert found["UUID"] == expected["UUID"]


@FACTS("a8-marker", "chosen", "A marker that no list has given out is an InvalidParameterValueException.")
def _(lab: Lab) -> None:
    too_long = base64.b64encode(b"9" * 5_000).decode()
    for marker in ("nonsense", "AAAA", "LTE=", "", "é", "MQ", "MQ==\n", too_long):
        refusal = lab.refusal("ListEventSourceMappings", {"Marker": marker})
        assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")


@FACTS.parametrize()
def test_fact(fact: Fact, lab: Lab) -> None:
    fact.check(lab)


def test_a_raised_quota_allows_ten_filters(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(maximum_filters=10)
    filters = {"Filters": [{"Pattern": '{"body": ["a"]}'}] * 10}
    assert lab.create(FilterCriteria=filters)["FilterCriteria"] == filters
    eleven = {"Filters": filters["Filters"] + filters["Filters"][:1]}
    refusal = lab.refusal(
        "CreateEventSourceMapping", {"FunctionName": "fn", **CREATES["sqs"], "FilterCriteria": eleven}
    )
    assert refusal.message == "Filter criteria may have at most 10 filters, 11 were given."


def test_a_repeated_deletion_may_be_refused(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(repeated_delete="refused")
    uuid = lab.settled()
    lab.delete(uuid)
    refusal = lab.refusal("DeleteEventSourceMapping", {"UUID": uuid})
    assert (refusal.status, refusal.code) == (400, "ResourceInUseException")
    lab.settle()
    assert lab.refusal("DeleteEventSourceMapping", {"UUID": uuid}).status == 404


@pytest.mark.parametrize(("first", "second"), [("fn", "fn:$LATEST"), ("fn:$LATEST", "fn")])
def test_latest_may_be_the_same_function(new_lab: Callable[..., Lab], first: str, second: str) -> None:
    lab = new_lab(distinguish_latest=False)
    lab.call("PublishVersion", {"FunctionName": "fn"})
    uuid = lab.settled(FunctionName=first)
    refusal = lab.refusal("CreateEventSourceMapping", {"FunctionName": second, **CREATES["sqs"]})
    assert (refusal.status, refusal.code, refusal.message[-36:]) == (409, "ResourceConflictException", uuid)
    assert lab.create(FunctionName="fn:1")["State"] == "Creating"


def test_updates_may_show_the_old_values_until_they_settle(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(update_answers="old")
    uuid = lab.settled("kinesis", BatchSize=5)
    assert lab.update(uuid, BatchSize=7)["BatchSize"] == 5
    assert lab.get(uuid)["BatchSize"] == 5
    lab.settle()
    assert lab.get(uuid)["BatchSize"] == 7
