"""Event invoke configs: what AWS answers, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from helpers.conformance import ACCOUNT, FUNCTION, REGION, Fact, Facts, Lab, client

FACTS = Facts("Event invoke configs")
PUT, UPDATE, GET, DELETE, LIST = (
    "PutFunctionEventInvokeConfig",
    "UpdateFunctionEventInvokeConfig",
    "GetFunctionEventInvokeConfig",
    "DeleteFunctionEventInvokeConfig",
    "ListFunctionEventInvokeConfigs",
)
NO_FUNCTION = "The function doesn't exist."
NO_SETTING = "You must specify at least one of error handling or destination setting."
NO_DESTINATIONS: dict[str, Any] = {"OnFailure": {}, "OnSuccess": {}}
OTHER = f"{FUNCTION}2"
NOT_FOUND = ("ResourceNotFoundException", 404)


def no_config(name: str, qualifier: str = "$LATEST") -> str:
    return f"The function {FUNCTION.removesuffix('fn')}{name}:{qualifier} doesn't have an EventInvokeConfig"


def versions(lab: Lab) -> None:
    lab.call("PublishVersion", {"FunctionName": "fn"})
    lab.call("CreateAlias", {"FunctionName": "fn", "Name": "live", "FunctionVersion": "1"})


def without_time(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "LastModified"}


@FACTS("d1-members", "recorded", "An answer has both kinds of destination, and of the numbers those that are set.")
def _(lab: Lab) -> None:
    answer = lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 0})
    assert without_time(answer) == {
        "DestinationConfig": NO_DESTINATIONS,
        "FunctionArn": f"{FUNCTION}:$LATEST",
        "MaximumRetryAttempts": 0,
    }
    assert lab.call(GET, {"FunctionName": "fn"}) == answer
    assert answer["LastModified"] == lab.fake.clock.now


@FACTS("d1-put", "recorded", "Put states everything: what it leaves out is not set any more.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60})
    destination = {"OnSuccess": {"Destination": OTHER}}
    answer = lab.call(PUT, {"FunctionName": "fn", "DestinationConfig": destination})
    assert without_time(answer) == {
        "DestinationConfig": {**NO_DESTINATIONS, **destination},
        "FunctionArn": f"{FUNCTION}:$LATEST",
    }


@FACTS("d1-update", "recorded", "Update changes what it states, and leaves the rest; LastModified moves.")
def _(lab: Lab) -> None:
    first = lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 0})
    lab.settle()
    answer = lab.call(UPDATE, {"FunctionName": "fn", "MaximumEventAgeInSeconds": 60})
    assert (answer["MaximumRetryAttempts"], answer["MaximumEventAgeInSeconds"]) == (0, 60)
    assert answer["LastModified"] > first["LastModified"]


@FACTS("d1-update-destinations", "chosen", "Update leaves the kind of destination that it does not state.")
def _(lab: Lab) -> None:
    lab.function("fn2")
    both = {"OnSuccess": {"Destination": OTHER}, "OnFailure": {"Destination": OTHER}}
    lab.call(PUT, {"FunctionName": "fn", "DestinationConfig": both})
    answer = lab.call(UPDATE, {"FunctionName": "fn", "DestinationConfig": {"OnFailure": {"Destination": ""}}})
    assert answer["DestinationConfig"] == {**NO_DESTINATIONS, "OnSuccess": {"Destination": OTHER}}


@FACTS("d1-only-an-empty-destination", "recorded", "A kind of destination without a destination counts as a setting.")
def _(lab: Lab) -> None:
    answer = lab.call(PUT, {"FunctionName": "fn", "DestinationConfig": {"OnSuccess": {}}})
    assert answer["DestinationConfig"] == NO_DESTINATIONS


@FACTS(
    "d1-qualifiers", "recorded", "A qualifier is in the name or beside it; the ARN in the answer is always qualified."
)
def _(lab: Lab) -> None:
    versions(lab)
    for params, qualifier in (
        ({"FunctionName": "fn"}, "$LATEST"),
        ({"FunctionName": "fn:1"}, "1"),
        ({"FunctionName": "fn:live"}, "live"),
        ({"FunctionName": "fn", "Qualifier": "live"}, "live"),
        ({"FunctionName": "fn:live", "Qualifier": "live"}, "live"),
        ({"FunctionName": f"{FUNCTION}:live"}, "live"),
        ({"FunctionName": FUNCTION, "Qualifier": "1"}, "1"),
        ({"FunctionName": f"{ACCOUNT}:function:fn", "Qualifier": "$LATEST"}, "$LATEST"),
    ):
        answer = lab.call(PUT, {**params, "MaximumRetryAttempts": 1})
        assert answer["FunctionArn"] == f"{FUNCTION}:{qualifier}"
        assert lab.call(GET, params) == answer


@FACTS("d1-new-version", "recorded", "A published version has no config of its own.")
def _(lab: Lab) -> None:
    lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 1})
    versions(lab)
    assert lab.refusal(GET, {"FunctionName": "fn", "Qualifier": "1"}).message == no_config("fn", "1")


@FACTS("d1-list", "recorded", "A list shows $LATEST, then versions, then aliases.")
def _(lab: Lab) -> None:
    versions(lab)
    for qualifier in ("live", "1", "$LATEST"):
        lab.call(PUT, {"FunctionName": "fn", "Qualifier": qualifier, "MaximumRetryAttempts": 1})
    found = lab.call(LIST, {"FunctionName": "fn"})
    assert [config["FunctionArn"].rpartition(":")[2] for config in found["FunctionEventInvokeConfigs"]] == [
        "$LATEST",
        "1",
        "live",
    ]
    assert "NextMarker" not in found


@FACTS("d1-pages", "documented", "MaxItems is the length of a page, and NextMarker leads to the next.")
def _(lab: Lab) -> None:
    versions(lab)
    for qualifier in ("live", "1", "$LATEST"):
        lab.call(PUT, {"FunctionName": "fn", "Qualifier": qualifier, "MaximumRetryAttempts": 1})
    pages = lab.aws_lambda.get_paginator("list_function_event_invoke_configs").paginate(
        FunctionName="fn", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["FunctionEventInvokeConfigs"]) for page in pages] == [2, 1]


@FACTS("d1-fifty", "documented", "A page has at most 50 configs.")
def _(lab: Lab) -> None:
    versions(lab)
    for number in range(50):
        lab.call("CreateAlias", {"FunctionName": "fn", "Name": f"alias-{number}", "FunctionVersion": "1"})
        lab.call(PUT, {"FunctionName": "fn", "Qualifier": f"alias-{number}", "MaximumRetryAttempts": 1})
    assert "NextMarker" not in lab.call(LIST, {"FunctionName": "fn"})
    lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 1})
    page = lab.call(LIST, {"FunctionName": "fn"})
    rest = lab.call(LIST, {"FunctionName": "fn", "Marker": page["NextMarker"]})
    assert [len(found["FunctionEventInvokeConfigs"]) for found in (page, rest)] == [50, 1]


@FACTS("d1-full-last-page", "documented", "A last page that is exactly full has no NextMarker.")
def _(lab: Lab) -> None:
    versions(lab)
    for qualifier in ("live", "$LATEST"):
        lab.call(PUT, {"FunctionName": "fn", "Qualifier": qualifier, "MaximumRetryAttempts": 1})
    assert "NextMarker" not in lab.call(LIST, {"FunctionName": "fn", "MaxItems": 2})
    first = lab.call(LIST, {"FunctionName": "fn", "MaxItems": 1})
    last = lab.call(LIST, {"FunctionName": "fn", "MaxItems": 1, "Marker": first["NextMarker"]})
    assert (len(last["FunctionEventInvokeConfigs"]), "NextMarker" in last) == (1, False)


@FACTS("d1-no-configs", "recorded", "A list of a function without configs is empty.")
def _(lab: Lab) -> None:
    assert lab.call(LIST, {"FunctionName": "fn"}) == {"FunctionEventInvokeConfigs": []}


@FACTS("d1-delete", "recorded", "After a deletion there is no config, and a second deletion is 404.")
def _(lab: Lab) -> None:
    lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 1})
    assert lab.call(DELETE, {"FunctionName": "fn"}) == {}
    for operation in (GET, DELETE):
        assert lab.refusal(operation, {"FunctionName": "fn"}).message == no_config("fn")


@FACTS("d1-function-deleted", "documented", "A deleted function's configs are gone; one of its name begins without.")
def _(lab: Lab) -> None:
    versions(lab)
    for qualifier in ("$LATEST", "live"):
        lab.call(PUT, {"FunctionName": "fn", "Qualifier": qualifier, "MaximumRetryAttempts": 1})
    lab.call("DeleteAlias", {"FunctionName": "fn", "Name": "live"})
    assert lab.refusal(GET, {"FunctionName": "fn:live"}).status == 404
    lab.call("DeleteFunction", {"FunctionName": "fn"})
    lab.function("fn")
    assert lab.call(LIST, {"FunctionName": "fn"}) == {"FunctionEventInvokeConfigs": []}


# --- destinations ----------------------------------------------------------------------------------------


def _accepted(kind: str, make: Callable[[], Any], arn: str, sides: tuple[str, ...]) -> None:
    @FACTS(f"d1-destination-{kind}", "documented", f"A destination of {kind} is taken for {' and '.join(sides)}.")
    def _(lab: Lab) -> None:
        lab.function("fn2")
        make()
        for side in ("OnSuccess", "OnFailure"):
            params = {"FunctionName": "fn", "DestinationConfig": {side: {"Destination": arn}}}
            if side in sides:
                assert lab.call(PUT, params)["DestinationConfig"] == {**NO_DESTINATIONS, side: {"Destination": arn}}
            else:
                assert "is invalid." in lab.refusal(PUT, params).message


BOTH = ("OnSuccess", "OnFailure")
_accepted("lambda", lambda: None, OTHER, BOTH)
_accepted("sqs", lambda: client("sqs").create_queue(QueueName="done"), f"arn:aws:sqs:{REGION}:{ACCOUNT}:done", BOTH)
_accepted("sns", lambda: client("sns").create_topic(Name="done"), f"arn:aws:sns:{REGION}:{ACCOUNT}:done", BOTH)
_accepted("events", lambda: None, f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default", BOTH)
_accepted("s3", lambda: client("s3").create_bucket(Bucket="failures"), "arn:aws:s3:::failures", ("OnFailure",))


def _absent(kind: str, arn: str, evidence: str) -> None:
    FACTS.refused(
        f"d1-absent-{kind}",
        evidence,
        f"A destination of {kind} that does not exist is refused.",
        PUT,
        {"FunctionName": "fn", "DestinationConfig": {"OnFailure": {"Destination": arn}}},
        f"The destination ARN {arn} is invalid.",
    )


_absent("lambda", f"{FUNCTION.removesuffix('fn')}unknown", "recorded")
_absent("sqs", f"arn:aws:sqs:{REGION}:{ACCOUNT}:unknown", "chosen")
_absent("sns", f"arn:aws:sns:{REGION}:{ACCOUNT}:unknown", "chosen")
_absent("events", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/unknown", "chosen")
_absent("s3", "arn:aws:s3:::unknown", "chosen")

FACTS.refused(
    "d1-itself",
    "recorded",
    "A function is no destination for itself.",
    PUT,
    {"FunctionName": "fn", "DestinationConfig": {"OnSuccess": {"Destination": FUNCTION}}},
    "You can't specify the function as a destination for itself.",
)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fn"
FACTS.refused(
    "d1-unsupported-service",
    "recorded",
    "A destination of another service is refused, with the whole config quoted.",
    PUT,
    {"FunctionName": "fn", "DestinationConfig": {"OnSuccess": {"Destination": ROLE}}},
    f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={ROLE}), onFailure=null) is"
    " invalid.",
)


@FACTS("d1-fifo", "documented", "A FIFO queue is taken as a destination; what goes there is a delivery that fails.")
def _(lab: Lab) -> None:
    lab.fake.client("sqs").create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})
    destination = {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders.fifo"}}
    answer = lab.call(PUT, {"FunctionName": "fn", "DestinationConfig": destination})
    assert answer["DestinationConfig"] == {**NO_DESTINATIONS, **destination}


# --- refusals --------------------------------------------------------------------------------------------

for operation in (PUT, UPDATE):
    name = operation.partition("Function")[0].lower()
    for function in ("fn", "unknown"):
        FACTS.refused(
            f"d1-no-setting-{name}-{function}",
            "recorded",
            f"{operation} without a setting is refused, even for an unknown function.",
            operation,
            {"FunctionName": function},
            NO_SETTING,
        )
    FACTS.refused(
        f"d1-unknown-function-{name}",
        "recorded",
        f"{operation} for an unknown function is 404.",
        operation,
        {"FunctionName": "unknown", "MaximumRetryAttempts": 1},
        NO_FUNCTION,
        *NOT_FOUND,
    )
    FACTS.refused(
        f"d1-unknown-qualifier-{name}",
        "recorded",
        f"{operation} for an unknown qualifier is 404, in the same words.",
        operation,
        {"FunctionName": "fn", "Qualifier": "unknown", "MaximumRetryAttempts": 1},
        NO_FUNCTION,
        *NOT_FOUND,
    )
FACTS.refused(
    "d1-no-setting-but-braces",
    "chosen",
    "An empty DestinationConfig is no setting.",
    PUT,
    {"FunctionName": "fn", "DestinationConfig": {}},
    NO_SETTING,
)
FACTS.refused(
    "d1-unknown-function-list",
    "recorded",
    "A list of an unknown function is 404.",
    LIST,
    {"FunctionName": "unknown"},
    NO_FUNCTION,
    *NOT_FOUND,
)
for operation in (GET, DELETE):
    name = operation.partition("Function")[0].lower()
    for function, qualifier in (("fn", "$LATEST"), ("fn", "unknown"), ("unknown", "$LATEST")):
        FACTS.refused(
            f"d1-no-config-{name}-{function}-{qualifier.lower()}",
            "recorded",
            f"{operation} without a config is 404, whether or not the function and the qualifier exist.",
            operation,
            {"FunctionName": function, **({} if qualifier == "$LATEST" else {"Qualifier": qualifier})},
            no_config(function, qualifier),
            *NOT_FOUND,
        )
FACTS.refused(
    "d1-no-config-update",
    "recorded",
    "Update of a function without a config is 404.",
    UPDATE,
    {"FunctionName": "fn", "MaximumRetryAttempts": 1},
    no_config("fn"),
    *NOT_FOUND,
)
for operation, more in (
    (PUT, {"MaximumRetryAttempts": 1}),
    (UPDATE, {"MaximumRetryAttempts": 1}),
    (GET, {}),
    (DELETE, {}),
):
    name = operation.partition("Function")[0].lower()
    FACTS.refused(
        f"d1-two-qualifiers-{name}",
        "recorded",
        f"{operation} refuses a qualifier that is not the one in the name.",
        operation,
        {"FunctionName": "fn:live", "Qualifier": "1", **more},
        "The derived qualifier from the function name does not match the specified qualifier.",
    )
    FACTS.refused(
        f"d1-other-region-{name}",
        "recorded",
        f"{operation} refuses the ARN of a function of another region.",
        operation,
        {"FunctionName": FUNCTION.replace(REGION, "eu-west-1"), **more},
        f"Functions from 'eu-west-1' are not reachable in this region ('{REGION}')",
        *NOT_FOUND,
    )


@FACTS("d1-other-partition", "chosen", "A function of another partition than the region's does not exist.")
def _(lab: Lab) -> None:
    lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 1})
    foreign = FUNCTION.replace("arn:aws:", "arn:aws-cn:")
    refusal = lab.refusal(PUT, {"FunctionName": foreign, "MaximumRetryAttempts": 1})
    assert refusal.message == "The function doesn't exist."
    refusal = lab.refusal("GetFunctionEventInvokeConfig", {"FunctionName": foreign})
    assert refusal.message == f"The function {foreign}:$LATEST doesn't have an EventInvokeConfig"


@FACTS("d1-pattern", "recorded", "A destination that is no ARN is a ValidationException.")
def _(lab: Lab) -> None:
    params = {"FunctionName": "fn", "DestinationConfig": {"OnFailure": {"Destination": "nonsense"}}}
    refusal = lab.refusal(PUT, params)
    assert (refusal.status, refusal.code) == (400, "ValidationException")
    assert refusal.message.startswith(
        "1 validation error detected: Value 'nonsense' at 'destinationConfig.onFailure.destination' failed to satisfy"
        " constraint: Member must satisfy regular expression pattern: "
    )


for member, value, limit in (
    ("MaximumRetryAttempts", 3, "less than or equal to 2"),
    ("MaximumEventAgeInSeconds", 21_601, "less than or equal to 21600"),
):
    FACTS.refused(
        f"d1-range-{member}",
        "recorded",
        f"{member} has its greatest value.",
        PUT,
        {"FunctionName": "fn", member: value},
        f"1 validation error detected: Value '{value}' at '{member[0].lower()}{member[1:]}' failed to satisfy"
        f" constraint: Member must have value {limit}",
        "ValidationException",
    )


@FACTS("d1-refused-changes-nothing", "documented", "A request that is refused leaves the config as it was.")
def _(lab: Lab) -> None:
    before = lab.call(PUT, {"FunctionName": "fn", "MaximumRetryAttempts": 1})
    lab.settle()
    for operation in (PUT, UPDATE):
        for more in ({}, {"DestinationConfig": {"OnSuccess": {"Destination": FUNCTION}}}, {"MaximumRetryAttempts": 3}):
            lab.refusal(operation, {"FunctionName": "fn", **more})
    assert lab.call(GET, {"FunctionName": "fn"}) == before


@FACTS.parametrize()
def test_fact(fact: Fact, lab: Lab) -> None:
    fact.check(lab)
