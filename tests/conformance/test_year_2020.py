"""The API as its reference stated it in 2018 to 2020, with the setting ``limits="2020"``.

Each row is one statement: S0 is CreateEventSourceMapping (2020), S1 UpdateEventSourceMapping (2018) and S2
GetFunctionEventInvokeConfig. Statements about polling and permissions do not concern these operations and are not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from helpers.conformance import (
    CREATES,
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
    client,
)
from pytest_lambda_esm.sources.catalogue import SHOWN_IN_2020

FACTS = Facts("The years 2018 to 2020", limits="2020")
CREATE, UPDATE = "CreateEventSourceMapping", "UpdateEventSourceMapping"
SOURCES = ("sqs", "kinesis", "dynamodb", "msk")
FAILURES = f"arn:aws:sqs:{REGION}:123456789012:failures"
DOCUMENTED = "documented"


def create(source: str, **members: Any) -> dict[str, Any]:
    wanted = {"FunctionName": "fn", **CREATES[source], **members}
    return {name: value for name, value in wanted.items() if value is not None}


def constraint(lab: Lab, params: dict[str, Any], clause: str, operation: str = CREATE) -> None:
    """The request breaks one constraint, and the text ends with that constraint."""
    refusal = lab.refusal(operation, params)
    assert (refusal.status, refusal.code) == (400, "ValidationException")
    assert refusal.message.startswith("1 validation error detected: ")
    assert refusal.message.endswith(clause)


def at_most(source: str, most: int) -> Callable[[Lab], None]:
    def check(lab: Lab) -> None:
        assert lab.create(source, BatchSize=most)["BatchSize"] == most
        lab.function("fn2")
        refusal = lab.refusal(CREATE, create(source, FunctionName="fn2", BatchSize=most + 1))
        assert refusal.status == 400
        assert str(most) in refusal.message

    return check


@FACTS("S0-01", DOCUMENTED, "A mapping joins a source and a function.")
def _(lab: Lab) -> None:
    created = lab.create()
    assert (created["EventSourceArn"], created["FunctionArn"]) == (QUEUE, FUNCTION)


@FACTS("S0-02", DOCUMENTED, "The sources are DynamoDB, Kinesis, SQS and MSK.")
def _(lab: Lab) -> None:
    for source in SOURCES:
        assert lab.create(source)["State"] == "Creating"
    for source in ("mq", "documentdb"):
        assert lab.refusal(CREATE, create(source)).message == "Unrecognized event source."


@FACTS("S0-03", DOCUMENTED, "Bisecting, destinations, record age, retries and parallelization are for streams.")
def _(lab: Lab) -> None:
    members: dict[str, Any] = {
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {"OnFailure": {"Destination": FAILURES}},
        "MaximumRecordAgeInSeconds": 60,
        "MaximumRetryAttempts": 1,
        "ParallelizationFactor": 2,
    }
    for source in ("kinesis", "dynamodb"):
        created = lab.create(source, **members)
        assert {name: created[name] for name in members} == members
    for source in ("sqs", "msk"):
        for name, value in members.items():
            assert lab.refusal(CREATE, create(source, **{name: value})).message.startswith("Unsupported ")


@FACTS("S0-05", DOCUMENTED, "Discarded records go to a queue or a topic.")
def _(lab: Lab) -> None:
    for service, accepted in (("sqs", True), ("sns", True), ("s3", False)):
        params = create("kinesis", DestinationConfig={"OnFailure": {"Destination": FAILURES.replace("sqs", service)}})
        if accepted:
            uuid = lab.call(CREATE, params)["UUID"]
            lab.settle()
            lab.delete(uuid)
            lab.settle()
        else:
            assert "is invalid" in lab.refusal(CREATE, params).message


@FACTS("S0-06", DOCUMENTED, "The maximum record age is -1 by default.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis")["MaximumRecordAgeInSeconds"] == -1


@FACTS("S0-07", DOCUMENTED, "Retries are -1 by default.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis")["MaximumRetryAttempts"] == -1


@FACTS("S0-09", DOCUMENTED, "Create is a POST, with a slash at the end of its path.")
def _(lab: Lab) -> None:
    import requests

    lab.create("kinesis")
    answer = requests.post(
        f"https://lambda.{REGION}.amazonaws.com/2015-03-31/event-source-mappings/",
        json={"FunctionName": "fn", "EventSourceArn": f"{QUEUE}-unknown"},
        headers={"Authorization": f"AWS4-HMAC-SHA256 Credential=key/20260101/{REGION}/lambda/aws4_request"},
        timeout=5,
    )
    assert answer.status_code == 400
    assert "NonExistentQueue" in answer.text


@FACTS("S0-10", DOCUMENTED, "BatchSize is 1 to 10,000.")
def _(lab: Lab) -> None:
    constraint(lab, create("kinesis", BatchSize=10_001), "Member must have value less than or equal to 10000")


FACTS("S0-11", DOCUMENTED, "A batch of Kinesis has up to 10,000 records, 100 by default.")(
    lambda lab: (
        constraint(lab, create("kinesis", BatchSize=10_001), "10000"),
        _is(lab.create("kinesis")["BatchSize"], 100),
    )[-1]
)
FACTS("S0-12", DOCUMENTED, "A batch of DynamoDB has up to 1,000 records.")(at_most("dynamodb", 1_000))
FACTS("S0-13", DOCUMENTED, "A batch of SQS has up to 10 messages.")(at_most("sqs", 10))
FACTS("S0-14", DOCUMENTED, "A batch of MSK has up to 10,000 records, 100 by default.")(
    lambda lab: (
        constraint(lab, create("msk", BatchSize=10_001), "10000"),
        _is(lab.create("msk")["BatchSize"], 100),
    )[-1]
)


def _is(value: Any, expected: Any) -> None:
    assert value == expected


@FACTS("S0-12-default", DOCUMENTED, "A batch of DynamoDB has 100 records by default.")
def _(lab: Lab) -> None:
    assert lab.create("dynamodb")["BatchSize"] == 100


@FACTS("S0-13-default", DOCUMENTED, "A batch of SQS has 10 messages by default.")
def _(lab: Lab) -> None:
    assert lab.create("sqs")["BatchSize"] == 10


@FACTS("S0-15", DOCUMENTED, "Batches are not bisected by default.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis")["BisectBatchOnFunctionError"] is False


@FACTS("S0-16", DOCUMENTED, "DestinationConfig has OnFailure with a destination.")
def _(lab: Lab) -> None:
    config = {"OnFailure": {"Destination": FAILURES}}
    assert lab.create("kinesis", DestinationConfig=config)["DestinationConfig"] == config


@FACTS("S0-17", DOCUMENTED, "Enabled=False creates a mapping that does not poll.")
def _(lab: Lab) -> None:
    assert lab.create(Enabled=False)["State"] == "Disabled"


@FACTS("S0-18", DOCUMENTED, "EventSourceArn is required.")
def _(lab: Lab) -> None:
    constraint(
        lab,
        {"FunctionName": "fn"},
        "Value null at 'eventSourceArn' failed to satisfy constraint: Member must not be null",
    )


@FACTS(
    "S0-18-kinds", DOCUMENTED, "EventSourceArn names a stream, a consumer, a stream of a table, a queue or a cluster."
)
def _(lab: Lab) -> None:
    for source in ("kinesis", "consumer", "dynamodb", "sqs", "msk"):
        assert lab.create(source)["EventSourceArn"] == CREATES[source]["EventSourceArn"]


@FACTS("S0-19", DOCUMENTED, "EventSourceArn has a pattern, with regions of that time.")
def _(lab: Lab) -> None:
    for arn in ("nonsense", QUEUE.replace(REGION, "us-iso-east-1"), QUEUE.replace(REGION, "eusc-de-east-1")):
        pattern = r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)"
        constraint(lab, create("sqs", EventSourceArn=arn), f"Member must satisfy regular expression pattern: {pattern}")


@FACTS("S0-20", DOCUMENTED, "FunctionName is a name, an ARN, one of a version or alias, or a partial ARN.")
def _(lab: Lab) -> None:
    lab.call("PublishVersion", {"FunctionName": "fn"})
    for given, shown in (
        ("fn", FUNCTION),
        (FUNCTION, FUNCTION),
        (f"{FUNCTION}:1", f"{FUNCTION}:1"),
        ("123456789012:function:fn", FUNCTION),
    ):
        created = lab.create(FunctionName=given)
        assert created["FunctionArn"] == shown
        lab.settle()
        lab.delete(created["UUID"])
        lab.settle()


@FACTS("S0-21", DOCUMENTED, "FunctionName has up to 140 characters.")
def _(lab: Lab) -> None:
    name = "f" * 141
    constraint(lab, create("sqs", FunctionName=name), "Member must have length less than or equal to 140")
    assert lab.refusal(CREATE, create("sqs", FunctionName=name[1:])).message == "Function does not exist"


@FACTS("S0-22", DOCUMENTED, "FunctionName has a pattern, without dots.")
def _(lab: Lab) -> None:
    constraint(
        lab,
        create("sqs", FunctionName="my.function"),
        r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)"
        r"(:(\$LATEST|[a-zA-Z0-9-_]+))?",
    )


@FACTS("S0-23", DOCUMENTED, "The batching window is for streams, 0 to 300 seconds, 0 by default.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis")["MaximumBatchingWindowInSeconds"] == 0
    assert lab.create("dynamodb", MaximumBatchingWindowInSeconds=300)["MaximumBatchingWindowInSeconds"] == 300
    constraint(lab, create("kinesis", MaximumBatchingWindowInSeconds=301), "less than or equal to 300")
    for source in ("sqs", "msk"):
        refusal = lab.refusal(CREATE, create(source, MaximumBatchingWindowInSeconds=1))
        assert refusal.message.startswith("Unsupported 'maximumBatchingWindowInSeconds'")


@FACTS("S0-24", DOCUMENTED, "MaximumRecordAgeInSeconds is 60 to 604,800.")
def _(lab: Lab) -> None:
    constraint(lab, create("kinesis", MaximumRecordAgeInSeconds=59), "greater than or equal to 60")
    constraint(lab, create("kinesis", MaximumRecordAgeInSeconds=604_801), "less than or equal to 604800")
    assert lab.create("kinesis", MaximumRecordAgeInSeconds=60)["MaximumRecordAgeInSeconds"] == 60


@FACTS("S0-25", DOCUMENTED, "MaximumRetryAttempts is 0 to 10,000.")
def _(lab: Lab) -> None:
    constraint(lab, create("kinesis", MaximumRetryAttempts=-1), "greater than or equal to 0")
    constraint(lab, create("kinesis", MaximumRetryAttempts=10_001), "less than or equal to 10000")
    assert lab.create("kinesis", MaximumRetryAttempts=0)["MaximumRetryAttempts"] == 0


@FACTS("S0-26", DOCUMENTED, "ParallelizationFactor is 1 to 10, 1 by default.")
def _(lab: Lab) -> None:
    constraint(lab, create("kinesis", ParallelizationFactor=11), "less than or equal to 10")
    assert lab.create("kinesis")["ParallelizationFactor"] == 1


@FACTS("S0-27", DOCUMENTED, "StartingPosition is TRIM_HORIZON, LATEST or AT_TIMESTAMP.")
def _(lab: Lab) -> None:
    constraint(lab, create("kinesis", StartingPosition="FIRST"), "[LATEST, AT_TIMESTAMP, TRIM_HORIZON]")


@FACTS("S0-28", DOCUMENTED, "StartingPosition is required for Kinesis, DynamoDB and MSK.")
def _(lab: Lab) -> None:
    for source in ("kinesis", "dynamodb", "msk"):
        assert "'startingPosition'" in lab.refusal(CREATE, create(source, StartingPosition=None)).message


@FACTS("S0-29", DOCUMENTED, "AT_TIMESTAMP is for Kinesis only.")
def _(lab: Lab) -> None:
    when = {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1_590_000_000}
    assert lab.create("kinesis", **when)["State"] == "Creating"
    for source, arn in (("dynamodb", TABLE), ("msk", MSK)):
        refusal = lab.refusal(CREATE, create(source, **when))
        assert refusal.message == f"Unsupported starting position for arn type: {arn}"


@FACTS("S0-30", DOCUMENTED, "StartingPositionTimestamp goes with AT_TIMESTAMP.")
def _(lab: Lab) -> None:
    assert lab.refusal(CREATE, create("kinesis", StartingPosition="AT_TIMESTAMP")).status == 400
    assert lab.refusal(CREATE, create("kinesis", StartingPositionTimestamp=1_590_000_000)).status == 400


@FACTS("S0-31", DOCUMENTED, "Topics is one topic of MSK, with a pattern, and optional.")
def _(lab: Lab) -> None:
    assert lab.create("msk")["Topics"] == ["topic"]
    assert "Topics" not in lab.create("msk", Topics=None)
    constraint(lab, create("msk", Topics=["one", "two"]), "Member must have length less than or equal to 1")
    assert lab.refusal(CREATE, create("msk", Topics=[".dot"])).code == "ValidationException"
    assert lab.refusal(CREATE, create("sqs", Topics=["topic"])).message.startswith("Unsupported 'topics'")


@FACTS("S0-32", DOCUMENTED, "Create answers 202.")
def _(lab: Lab) -> None:
    lab.create("kinesis")
    answer = lab.aws_lambda.create_event_source_mapping(FunctionName="fn", **CREATES["msk"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202


@FACTS("S0-33", DOCUMENTED, "Answers have the members of that time, and no others.")
def _(lab: Lab) -> None:
    shown: set[str] = set()
    for source in SOURCES:
        created = lab.create(source)
        assert set(created) <= SHOWN_IN_2020
        shown |= set(created)
    assert shown == SHOWN_IN_2020


@FACTS("S0-34", DOCUMENTED, "FunctionArn is an ARN, qualified or not.")
def _(lab: Lab) -> None:
    assert lab.create(FunctionName="fn:$LATEST")["FunctionArn"] == f"{FUNCTION}:$LATEST"


@FACTS("S0-35", DOCUMENTED, "LastModified changes when the state changes.")
def _(lab: Lab) -> None:
    created = lab.create()
    lab.settle()
    assert lab.get(created["UUID"])["LastModified"] > created["LastModified"]


@FACTS("S0-36", DOCUMENTED, "LastProcessingResult is a string.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis")["LastProcessingResult"] == "No records processed"


@FACTS("S0-37", DOCUMENTED, "There are seven states.")
def _(lab: Lab) -> None:
    uuid = lab.create()["UUID"]
    for act in (
        lab.settle,
        lambda: lab.update(uuid),
        lab.settle,
        lambda: lab.update(uuid, Enabled=False),
        lab.settle,
        lambda: lab.update(uuid, Enabled=True),
        lab.settle,
        lambda: lab.delete(uuid),
    ):
        act()
    assert {transition.state for transition in lab.fake.mapping(uuid).history} == {
        "Creating",
        "Enabling",
        "Enabled",
        "Disabling",
        "Disabled",
        "Updating",
        "Deleting",
    }


@FACTS("S0-38", DOCUMENTED, "StateTransitionReason says whether the user or the service made the last change.")
def _(lab: Lab) -> None:
    assert lab.create("kinesis")["StateTransitionReason"] == "User action"
    uuid = lab.settled()
    lab.fake.mapping(uuid).force("Disabled", reason="EVENT_SOURCE_AUTHN_ERROR")
    assert lab.get(uuid)["StateTransitionReason"] == "EVENT_SOURCE_AUTHN_ERROR"


@FACTS("S0-39", DOCUMENTED, "UUID is a string.")
def _(lab: Lab) -> None:
    assert len(lab.create()["UUID"]) == 36


@FACTS("S0-40", DOCUMENTED, "A parameter that is invalid is InvalidParameterValueException, 400.")
def _(lab: Lab) -> None:
    refusal = lab.refusal(CREATE, create("sqs", BatchSize=11))
    assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")


@FACTS("S0-41", DOCUMENTED, "A mapping that exists is ResourceConflictException, 409.")
def _(lab: Lab) -> None:
    lab.create()
    refusal = lab.refusal(CREATE, create("sqs"))
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")


@FACTS("S0-42", DOCUMENTED, "A mapping that does not exist is ResourceNotFoundException, 404.")
def _(lab: Lab) -> None:
    refusal = lab.refusal("GetEventSourceMapping", {"UUID": "00000000-0000-4000-8000-000000000000"})
    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


def _modelled(id: str, operation: str, code: str, status: int) -> None:
    @FACTS(id, DOCUMENTED, f"{operation} may answer {code}, {status}.")
    def _(lab: Lab) -> None:
        errors = client("lambda").meta.service_model.operation_model(operation).error_shapes
        assert {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in errors}[code] == status


_modelled("S0-43", CREATE, "ServiceException", 500)
_modelled("S0-44", CREATE, "TooManyRequestsException", 429)
_modelled("S1-26", UPDATE, "ServiceException", 500)
_modelled("S1-27", UPDATE, "TooManyRequestsException", 429)

# --- UpdateEventSourceMapping ----------------------------------------------------------------------------


@FACTS("S1-02", DOCUMENTED, "The function can be changed, and the source cannot.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    uuid = lab.settled("kinesis")
    answer = lab.update(uuid, FunctionName="fn2")
    assert (answer["FunctionArn"], answer["EventSourceArn"]) == (f"{FUNCTION}2", STREAM)


@FACTS("S1-03", DOCUMENTED, "A mapping may point to a version or an alias.")
def _(lab: Lab) -> None:
    lab.call("PublishVersion", {"FunctionName": "fn"})
    assert lab.update(lab.settled(), FunctionName="fn:1")["FunctionArn"] == f"{FUNCTION}:1"


@FACTS("S1-07", DOCUMENTED, "Update is a PUT that answers 202.")
def _(lab: Lab) -> None:
    answer = lab.aws_lambda.update_event_source_mapping(UUID=lab.settled(), BatchSize=5)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202


@FACTS("S1-09", DOCUMENTED, "BatchSize, Enabled and FunctionName are optional.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    for changes in ({"BatchSize": 5}, {"Enabled": False}, {"FunctionName": "fn"}, {}):
        lab.update(uuid, **changes)
        lab.settle()
    assert lab.get(uuid)["BatchSize"] == 5


@FACTS("S1-10", DOCUMENTED, "BatchSize is 1 to 10,000, and what the source allows.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    constraint(lab, {"UUID": uuid, "BatchSize": 10_001}, "less than or equal to 10000", UPDATE)
    assert lab.refusal(UPDATE, {"UUID": uuid, "BatchSize": 11}).status == 400


@FACTS("S1-11", DOCUMENTED, "Enabled=False disables the mapping.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    lab.update(uuid, Enabled=False)
    lab.settle()
    assert lab.get(uuid)["State"] == "Disabled"


@FACTS("S1-12", DOCUMENTED, "FunctionName is a name, an ARN, or account and name; up to 140 characters.")
def _(lab: Lab) -> None:
    uuid = lab.settled()
    for given in ("fn", FUNCTION, "123456789012:fn", f"{FUNCTION}:$LATEST"):
        assert lab.update(uuid, FunctionName=given)["State"] == "Updating"
        lab.settle()
    constraint(lab, {"UUID": uuid, "FunctionName": "f" * 141}, "less than or equal to 140", UPDATE)


@FACTS("S1-13", DOCUMENTED, "An answer has at least the eight members of 2018; of a queue without a result.")
def _(lab: Lab) -> None:
    eight = {
        "BatchSize",
        "EventSourceArn",
        "FunctionArn",
        "LastModified",
        "LastProcessingResult",
        "State",
        "StateTransitionReason",
        "UUID",
    }
    assert eight <= set(lab.update(lab.settled("kinesis")))
    assert eight - set(lab.update(lab.settled("sqs"))) == {"LastProcessingResult"}


@FACTS("S1-18", DOCUMENTED, "LastProcessingResult is null for a queue.")
def _(lab: Lab) -> None:
    assert lab.get(lab.settled()).get("LastProcessingResult") is None


@FACTS("S1-22", DOCUMENTED, "A parameter that is invalid is InvalidParameterValueException, 400.")
def _(lab: Lab) -> None:
    refusal = lab.refusal(UPDATE, {"UUID": lab.settled(), "FunctionName": "unknown"})
    assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")


@FACTS("S1-23", DOCUMENTED, "A mapping that exists already is ResourceConflictException, 409.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    lab.settled(FunctionName="fn2")
    refusal = lab.refusal(UPDATE, {"UUID": lab.settled(), "FunctionName": "fn2"})
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")


@FACTS("S1-24", DOCUMENTED, "Update while Creating, and Delete while Updating, are ResourceInUseException, 400.")
def _(lab: Lab) -> None:
    uuid = lab.create()["UUID"]
    assert lab.refusal(UPDATE, {"UUID": uuid}).code == "ResourceInUseException"
    lab.settle()
    lab.update(uuid)
    refusal = lab.refusal("DeleteEventSourceMapping", {"UUID": uuid})
    assert (refusal.status, refusal.code) == (400, "ResourceInUseException")


@FACTS("S1-25", DOCUMENTED, "A mapping that does not exist is ResourceNotFoundException, 404.")
def _(lab: Lab) -> None:
    refusal = lab.refusal(UPDATE, {"UUID": "00000000-0000-4000-8000-000000000000"})
    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


# --- GetFunctionEventInvokeConfig ------------------------------------------------------------------------

PUT, GET = "PutFunctionEventInvokeConfig", "GetFunctionEventInvokeConfig"


@FACTS("S2-01", DOCUMENTED, "Get returns what Put set, for a function, a version or an alias.")
def _(lab: Lab) -> None:
    lab.call("PublishVersion", {"FunctionName": "fn"})
    lab.call("CreateAlias", {"FunctionName": "fn", "Name": "live", "FunctionVersion": "1"})
    for qualifier in ("$LATEST", "1", "live"):
        stated = lab.call(PUT, {"FunctionName": "fn", "Qualifier": qualifier, "MaximumRetryAttempts": 1})
        assert lab.call(GET, {"FunctionName": "fn", "Qualifier": qualifier}) == stated


@FACTS("S2-03", DOCUMENTED, "FunctionName takes a qualifier in each of its forms, and has up to 140 characters.")
def _(lab: Lab) -> None:
    lab.call("PublishVersion", {"FunctionName": "fn"})
    lab.call(PUT, {"FunctionName": "fn:1", "MaximumRetryAttempts": 1})
    for given in ("fn:1", f"{FUNCTION}:1", "123456789012:function:fn:1"):
        assert lab.call(GET, {"FunctionName": given})["FunctionArn"] == f"{FUNCTION}:1"
    constraint(lab, {"FunctionName": "f" * 141}, "less than or equal to 140", GET)


@FACTS("S2-04", DOCUMENTED, "Qualifier has 1 to 128 characters, and a pattern.")
def _(lab: Lab) -> None:
    constraint(lab, {"FunctionName": "fn", "Qualifier": "q" * 129}, "less than or equal to 128", GET)
    constraint(lab, {"FunctionName": "fn", "Qualifier": "a.b"}, "pattern: (|[a-zA-Z0-9$_-]+)", GET)


@FACTS("S2-05", DOCUMENTED, "An answer has the two kinds of destination, the ARN, the time, the age and the retries.")
def _(lab: Lab) -> None:
    stated = {"FunctionName": "fn", "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60}
    assert set(lab.call(PUT, stated)) == {
        "DestinationConfig",
        "FunctionArn",
        "LastModified",
        "MaximumEventAgeInSeconds",
        "MaximumRetryAttempts",
    }


@FACTS("S2-06", DOCUMENTED, "Destinations are functions, standard queues and topics, buckets and event buses.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    client("sqs").create_queue(QueueName="done")
    client("sns").create_topic(Name="done")
    client("s3").create_bucket(Bucket="failures")
    for arn in (
        f"{FUNCTION}2",
        f"arn:aws:sqs:{REGION}:123456789012:done",
        f"arn:aws:sns:{REGION}:123456789012:done",
        "arn:aws:s3:::failures",
        f"arn:aws:events:{REGION}:123456789012:event-bus/default",
    ):
        config = {"OnFailure": {"Destination": arn}}
        answer = lab.call(PUT, {"FunctionName": "fn", "DestinationConfig": config})
        assert answer["DestinationConfig"] == {**config, "OnSuccess": {}}


@FACTS("S2-07", DOCUMENTED, "A bucket is a destination for failures only.")
def _(lab: Lab) -> None:
    client("s3").create_bucket(Bucket="done")
    config = {"OnSuccess": {"Destination": "arn:aws:s3:::done"}}
    assert lab.refusal(PUT, {"FunctionName": "fn", "DestinationConfig": config}).status == 400


@FACTS("S2-10", DOCUMENTED, "MaximumEventAgeInSeconds is 60 to 21,600.")
def _(lab: Lab) -> None:
    constraint(lab, {"FunctionName": "fn", "MaximumEventAgeInSeconds": 21_601}, "less than or equal to 21600", PUT)
    for age in (60, 21_600):
        answer = lab.call(PUT, {"FunctionName": "fn", "MaximumEventAgeInSeconds": age})
        assert answer["MaximumEventAgeInSeconds"] == age


@FACTS("S2-11", DOCUMENTED, "MaximumRetryAttempts is 0 to 2.")
def _(lab: Lab) -> None:
    constraint(lab, {"FunctionName": "fn", "MaximumRetryAttempts": 3}, "less than or equal to 2", PUT)
    for attempts in (0, 2):
        answer = lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": attempts})
        assert answer["MaximumRetryAttempts"] == attempts


@FACTS("S2-12", DOCUMENTED, "A config that does not exist is ResourceNotFoundException, 404.")
def _(lab: Lab) -> None:
    refusal = lab.refusal(GET, {"FunctionName": "fn"})
    assert (refusal.status, refusal.code) == (404, "ResourceNotFoundException")


NEW_SINCE: dict[str, Any] = {
    "FilterCriteria": {"Filters": [{"Pattern": '{"body": ["a"]}'}]},
    "ScalingConfig": {"MaximumConcurrency": 2},
    "Tags": {"team": "shop"},
    "TumblingWindowInSeconds": 1,
    "Queues": ["queue"],
    "SourceAccessConfigurations": [SECRET],
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}


@FACTS("S0-33-new", "chosen", "A request with a member that is newer than 2020 is refused as unsupported.")
def _(lab: Lab) -> None:
    for source in SOURCES:
        for name, value in NEW_SINCE.items():
            assert "is not allowed" in (text := lab.refusal(CREATE, create(source, **{name: value})).message) or (
                text.startswith(f"Unsupported '{name[0].lower()}{name[1:]}'")
            )


# --- Invoke, and the polling of queues -------------------------------------------------------------------


@FACTS("S3-20-event", DOCUMENTED, "An asynchronous event has up to 256 KB.")
def _(lab: Lab) -> None:
    def event(size: int) -> dict[str, Any]:
        return {"FunctionName": "fn", "InvocationType": "Event", "Payload": b'"%s"' % (b"a" * (size - 2))}

    assert lab.call("Invoke", event(262_144))["StatusCode"] == 202
    refusal = lab.refusal("Invoke", event(262_145))
    assert refusal.status == 413
    assert refusal.message.endswith("for the Event invocation type (limit 262144 bytes)")


def flood(lab: Lab, messages: int) -> None:
    """A mapped queue with many messages, each of which keeps its function busy for a long time."""
    lab.fake.function("slow", lambda event, context: None, region=REGION, timeout=900, duration=900)
    url = client("sqs").create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "43200"})["QueueUrl"]
    for first in range(0, messages, 10):
        entries = [{"Id": str(number), "MessageBody": "m"} for number in range(first, min(first + 10, messages))]
        client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    params = {"FunctionName": "slow", "EventSourceArn": QUEUE, "BatchSize": 1}
    lab.aws_lambda.create_event_source_mapping(**params)
    lab.fake.clock.advance(5)


@FACTS("scaling-2020", DOCUMENTED, "A queue's mapping begins with 5 batches, and adds up to 60 a minute.")
def _(lab: Lab) -> None:
    flood(lab, 150)
    assert len(lab.fake.invocations) == 5
    lab.fake.clock.advance(minutes=2)
    assert len(lab.fake.invocations) == 125


@FACTS.parametrize()
def test_fact(fact: Fact, new_lab: Callable[..., Lab]) -> None:
    fact.check(new_lab(limits=fact.limits))


def test_a_growth_of_ones_own_is_that_of_no_year(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(limits="2020", concurrency_growth=300)
    flood(lab, 400)
    lab.fake.clock.advance(minutes=1)
    assert len(lab.fake.invocations) == 305
