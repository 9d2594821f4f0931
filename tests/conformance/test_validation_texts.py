"""The exact texts of AWS for requests that break the constraints of the model.

``evidence`` is one of the kinds in ``helpers.evidence``. Where a text quotes a pattern, the pattern is the one in the
installed botocore's model, just as AWS quotes its own current one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.java import hash_order
from pytest_lambda_esm.aws_model.model import LambdaModel

ESM_ARN = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:01234567-89ab-cdef-0123-456789abcdef"
FUNCTION = {"FunctionName": "orders"}
NULL = "Member must not be null"
SET = "Member must satisfy enum value set:"
PATTERN = "Member must satisfy regular expression pattern:"
LONG, SHORT = (
    "Member must have length less than or equal to",
    "Member must have length greater than or equal to",
)
MOST, LEAST = (
    "Member must have value less than or equal to",
    "Member must have value greater than or equal to",
)


@dataclass(frozen=True)
class Row:
    """``clauses`` alternate between value and constraint; ``{pattern of a.b}`` is a member's pattern in the model."""

    id: str
    evidence: str
    operation: str
    params: dict[str, Any]
    clauses: tuple[str, ...]

    @property
    def text(self) -> str:
        """The fact in a sentence, for the documentation."""
        shown = " and ".join(clause.removeprefix("Value ")[:60] for clause in self.clauses[::2])
        return f"The answer of {self.operation} to {shown}."


FACT_TITLE = "Texts of broken constraints"
ROWS = (
    Row(
        "a5-06-starting-position",
        "recorded",
        "CreateEventSourceMapping",
        {**FUNCTION, "StartingPosition": "invalid"},
        ("Value 'invalid' at 'startingPosition'", f"{SET} [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"),
    ),
    Row(
        "a5-24-function-response-types",
        "recorded",  # the form, for the architectures of functions
        "CreateEventSourceMapping",
        {**FUNCTION, "FunctionResponseTypes": ["X"]},
        (
            "Value '[X]' at 'functionResponseTypes'",
            f"Member must satisfy constraint: [{SET} [ReportBatchItemFailures], {NULL}]",
        ),
    ),
    Row(
        "a5-25-batch-size",
        "recorded",  # the form, for the retries of invoke configs
        "CreateEventSourceMapping",
        {**FUNCTION, "BatchSize": 20000},
        ("Value '20000' at 'batchSize'", f"{MOST} 10000"),
    ),
    Row(
        "a5-25-batch-size-zero",
        "framework",
        "CreateEventSourceMapping",
        {**FUNCTION, "BatchSize": 0},
        ("Value '0' at 'batchSize'", f"{LEAST} 1"),
    ),
    Row(
        "a5-27-long-uuid",
        "framework",
        "UpdateEventSourceMapping",
        {"UUID": "u" * 40},
        (f"Value '{'u' * 40}' at 'uUID'", f"{LONG} {{max of UUID}}"),
    ),
    Row(
        "a7-malformed-resource",
        "recorded",
        "ListTags",
        {"Resource": "arn:aws:lambda:us-east-1:123456789012:function:f:a:b"},
        (
            "Value 'arn:aws:lambda:us-east-1:123456789012:function:f:a:b' at 'resource'",
            f"{PATTERN} {{pattern of Resource}}",
        ),
    ),
    Row(
        "a7-no-tag-keys",
        "recorded",
        "UntagResource",
        {"Resource": ESM_ARN},
        ("Value null at 'tagKeys'", NULL),
    ),
    Row(
        "a7-bad-tag-value",
        "recorded",  # in 2018 without the last constraint, which other maps of functions have had since 2023
        "TagResource",
        {"Resource": ESM_ARN, "Tags": {"Creator": "a,b"}},
        (
            "Value '{Creator=a,b}' at 'tags'",
            f"Map value must satisfy constraint: [{LONG} 256, {SHORT} 0, {PATTERN} {{pattern of Tags.value}}, {NULL}]",
        ),
    ),
    Row(
        "d1-bad-destination",
        "recorded",
        "PutFunctionEventInvokeConfig",
        {**FUNCTION, "DestinationConfig": {"OnFailure": {"Destination": "nonsense"}}},
        (
            "Value 'nonsense' at 'destinationConfig.onFailure.destination'",
            f"{PATTERN} {{pattern of DestinationConfig.OnFailure.Destination}}",
        ),
    ),
    Row(
        "e3-illegal-name",
        "recorded",
        "Invoke",
        {"FunctionName": "my-function!"},
        ("Value 'my-function!' at 'functionName'", f"{PATTERN} {{pattern of FunctionName}}"),
    ),
    Row(
        "e3-illegal-qualifier",
        "recorded",
        "Invoke",
        {**FUNCTION, "Qualifier": "invalid!"},
        ("Value 'invalid!' at 'qualifier'", f"{PATTERN} {{pattern of Qualifier}}"),
    ),
    Row(
        "e3-long-qualifier",
        "recorded",
        "Invoke",
        {**FUNCTION, "Qualifier": "a" * 129},
        (f"Value '{'a' * 129}' at 'qualifier'", f"{LONG} 128"),
    ),
    Row(
        "e3-name-and-qualifier",
        "recorded",  # that one message reports both; their order is chosen
        "GetFunctionEventInvokeConfig",
        {"FunctionName": "f!", "Qualifier": "a" * 129},
        (
            "Value 'f!' at 'functionName'",
            f"{PATTERN} {{pattern of FunctionName}}",
            f"Value '{'a' * 129}' at 'qualifier'",
            f"{LONG} 128",
        ),
    ),
    Row(
        "functions-kms-key",
        "recorded",  # the spelling kMSKeyArn, for CreateFunction
        "CreateEventSourceMapping",
        {**FUNCTION, "KMSKeyArn": '"quoted"'},
        ("Value '\"quoted\"' at 'kMSKeyArn'", f"{PATTERN} {{pattern of KMSKeyArn}}"),
    ),
    Row(
        "functions-architectures",
        "recorded",
        "UpdateFunctionCode",
        {**FUNCTION, "Architectures": ["aarch64"]},
        (
            "Value '[aarch64]' at 'architectures'",
            f"Member must satisfy constraint: [{SET} [x86_64, arm64], {NULL}]",
        ),
    ),
    Row(
        "functions-two-architectures",
        "recorded",
        "UpdateFunctionCode",
        {**FUNCTION, "Architectures": ["x86_64", "arm64"]},
        ("Value '[x86_64, arm64]' at 'architectures'", f"{LONG} 1"),
    ),
    Row(
        "functions-cors-methods",
        "recorded",
        "CreateFunctionUrlConfig",
        {**FUNCTION, "AuthType": "NONE", "Cors": {"AllowMethods": ["POST", "OPTIONS"]}},
        (
            "Value '[POST, OPTIONS]' at 'cors.allowMethods'",
            f"Member must satisfy constraint: [{LONG} 6, {SHORT} 0, {PATTERN} .*, {NULL}]",
        ),
    ),
    Row(
        "functions-version-weights",
        "recorded",
        "UpdateAlias",
        {**FUNCTION, "Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}}},
        (
            "Value '{2=1.5}' at 'routingConfig.additionalVersionWeights'",
            f"Map value must satisfy constraint: [{MOST} 1.0, {LEAST} 0.0, {NULL}]",
        ),
    ),
    Row(
        "functions-version-keys",
        "recorded",
        "UpdateAlias",
        {**FUNCTION, "Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {"x": 0.5}}},
        (
            "Value '{x=0.5}' at 'routingConfig.additionalVersionWeights'",
            f"Map keys must satisfy constraint: [{LONG} 1024, {SHORT} 1, {PATTERN} [0-9]+, {NULL}]",
        ),
    ),
    Row(
        "structure-in-a-list",
        "framework",
        "CreateEventSourceMapping",
        {**FUNCTION, "SourceAccessConfigurations": [{"URI": "ok"}, {"URI": "!"}]},
        (
            "Value '!' at 'sourceAccessConfigurations.2.member.uRI'",
            f"{PATTERN} {{pattern of SourceAccessConfigurations.member.URI}}",
        ),
    ),
    Row(
        "sensitive-value",
        "framework",
        "UpdateFunctionConfiguration",
        {**FUNCTION, "Environment": {"Variables": {"1": "secret"}}},
        (
            "Value at 'environment.variables'",
            f"Map keys must satisfy constraint: [{PATTERN} [a-zA-Z]([a-zA-Z0-9_])+, {NULL}]",
        ),
    ),
    Row(
        "pattern-before-length",
        "framework",
        "Invoke",
        {**FUNCTION, "Qualifier": "!" * 129},
        (
            f"Value '{'!' * 129}' at 'qualifier'",
            f"{PATTERN} {{pattern of Qualifier}}",
            f"Value '{'!' * 129}' at 'qualifier'",
            f"{LONG} 128",
        ),
    ),
    Row(
        "list-in-a-map",
        "chosen",
        "CreateEventSourceMapping",
        {**FUNCTION, "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": []}}},
        (
            "Value '{KAFKA_BOOTSTRAP_SERVERS=[]}' at 'selfManagedEventSource.endpoints'",
            f"Map value must satisfy constraint: [{LONG} 10, {SHORT} 1, "
            f"Member must satisfy constraint: [{LONG} 300, {SHORT} 1, "
            f"{PATTERN} {{pattern of SelfManagedEventSource.Endpoints.value.member}}, {NULL}], {NULL}]",
        ),
    ),
    Row(
        "map-key-of-a-value-set",
        "chosen",
        "CreateEventSourceMapping",
        {**FUNCTION, "SelfManagedEventSource": {"Endpoints": {"X": ["host:9092"]}}},
        (
            "Value '{X=[host:9092]}' at 'selfManagedEventSource.endpoints'",
            f"Map keys must satisfy constraint: [{SET} [KAFKA_BOOTSTRAP_SERVERS], {NULL}]",
        ),
    ),
    Row(
        "null-in-a-list",
        "chosen",
        "CreateEventSourceMapping",
        {**FUNCTION, "FilterCriteria": {"Filters": [None, {"Pattern": "{}"}]}},
        (
            "Value '[null, Filter(pattern={})]' at 'filterCriteria.filters'",
            f"Member must satisfy constraint: [{NULL}]",
        ),
    ),
    Row(
        "members-in-the-order-of-the-model",
        "chosen",
        "CreateEventSourceMapping",
        {"Topics": ["one", "two"], "BatchSize": 0},
        (
            "Value null at 'functionName'",
            NULL,
            "Value '0' at 'batchSize'",
            f"{LEAST} 1",
            "Value '[one, two]' at 'topics'",
            f"{LONG} 1",
        ),
    ),
)


@pytest.fixture(scope="module")
def model() -> LambdaModel:
    return LambdaModel.load()


def shape_at(model: LambdaModel, operation: str, path: str) -> Any:
    shape = model.operation(operation).input_shape
    for name in path.split("."):
        shape = getattr(shape, name) if name in ("member", "value") else shape.members[name]
    return shape


def filled(model: LambdaModel, row: Row, text: str) -> str:
    def trait(match: re.Match[str]) -> str:
        traits = shape_at(model, row.operation, match["path"]).metadata
        if match["trait"] not in traits:
            pytest.skip(f"the installed botocore states no {match['trait']} of {match['path']}")
        return str(traits[match["trait"]])

    return re.sub(r"\{(?P<trait>pattern|max) of (?P<path>[\w.]+)\}", trait, text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id}-{row.evidence}")
def test_text(model: LambdaModel, row: Row) -> None:
    parts = [filled(model, row, text) for text in row.clauses]
    clauses = [
        f"{value} failed to satisfy constraint: {demand}" for value, demand in zip(parts[::2], parts[1::2], strict=True)
    ]

    with pytest.raises(ApiError) as refused:
        model.validate(model.operation(row.operation), row.params)

    count = f"{len(clauses)} validation error{'s' if len(clauses) > 1 else ''} detected: "
    assert refused.value.message == count + "; ".join(clauses)
    assert (refused.value.code, refused.value.status) == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("operation", "path", "listed"),
    [
        ("CreateEventSourceMapping", "StartingPosition", "LATEST, AT_TIMESTAMP, TRIM_HORIZON"),
        ("UpdateFunctionCode", "Architectures.member", "x86_64, arm64"),
    ],
    ids=["a5-06-recorded", "functions-architectures-recorded"],
)
def test_order_of_a_value_set_is_not_that_of_the_model(
    model: LambdaModel, operation: str, path: str, listed: str
) -> None:
    values = shape_at(model, operation, path).metadata["enum"]
    assert hash_order(values) == hash_order(reversed(values)) == listed.split(", ")


@pytest.mark.parametrize(
    "listed",
    [
        "AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON",
        "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES",
        "ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW",
        "IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS",
        "INDEXES, TOTAL, NONE",
    ],
    ids=[
        "kinesis-iterators",
        "dynamodb-select",
        "dynamodb-return-values",
        "dynamodb-comparisons",
        "dynamodb-capacity",
    ],
)
def test_order_of_value_sets_recorded_from_other_services(listed: str) -> None:
    assert hash_order(sorted(listed.split(", "))) == listed.split(", ")
