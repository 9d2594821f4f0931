"""Any input of the model's types arrives unchanged, and is accepted or refused in AWS's words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from helpers.trials import trials
from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.model import LambdaModel

SERVICE = ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")
MODEL = LambdaModel(SERVICE)
OPERATIONS = sorted(
    name for name in SERVICE.operation_names if "EventSourceMapping" in name or "EventInvokeConfig" in name
)
CLAUSE = re.compile(r"Value (null|'|at )")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Valid and invalid values of a shape's type."""
    if shape.type_name == "structure":
        required = {name: values(shape.members[name]) for name in shape.required_members}
        others = {name: values(member) for name, member in shape.members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=others)
    if shape.type_name == "list":
        return st.lists(values(shape.member), max_size=3)
    if shape.type_name == "map":
        return st.dictionaries(values(shape.key), values(shape.value), max_size=3)
    if shape.type_name == "string":
        return texts(shape)
    if shape.type_name == "boolean":
        return st.booleans()
    least, most = shape.metadata.get("min", -5), shape.metadata.get("max", 5)
    return st.integers(least - 2, most + 2) if shape.type_name == "integer" else st.integers(0, 2**32)


def texts(shape: Shape) -> st.SearchStrategy[str]:
    traits = shape.metadata
    choices = [TEXT, st.just("x" * (traits.get("max", 5) + 1))]
    if "enum" in traits:
        choices.append(st.sampled_from(traits["enum"]))
    if "pattern" in traits and "\\p" not in traits["pattern"]:
        choices.append(st.from_regex(re.compile(traits["pattern"], re.ASCII), fullmatch=True))
    text = st.one_of(choices)
    # An empty string in the path makes a different path, which no client sends.
    return text.filter(bool) if shape.serialization.get("location") == "uri" else text


def inputs(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return values(SERVICE.operation_model(name).input_shape)


def sent(name: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Serialise as botocore does, without its checks; return the operation's name and the parsed input."""
    serializer = create_serializer("rest-json", include_validation=False)
    request = serializer.serialize_to_request(params, SERVICE.operation_model(name))
    match = MODEL.match(request["method"], request["url_path"])
    assert match is not None
    query = {key: value if isinstance(value, list) else [str(value)] for key, value in request["query_string"].items()}
    body = request["body"]
    return match.operation.name, MODEL.parse(
        match.operation,
        uri=match.uri,
        query=query,
        headers=request["headers"],
        body=body if isinstance(body, bytes) else body.encode(),
    )


@pytest.mark.parametrize("name", OPERATIONS)
@trials(25)
@given(data=st.data())
def test_any_input_arrives_and_is_judged(name: str, data: st.DataObject) -> None:
    params = data.draw(inputs(name))

    assert sent(name, params) == (name, params)

    refused = refusal(lambda: MODEL.validate(SERVICE.operation_model(name), params))
    if refused is not None:
        assert refused.code == "ValidationException"
        count, _, clauses = refused.message.partition(" detected: ")
        stated = clauses.count("' failed to satisfy constraint: ")
        assert count == f"{stated} validation error{'s' if stated > 1 else ''}"
        assert CLAUSE.match(clauses)
        assert json.loads(MODEL.render_error(refused).body) == {"message": refused.message}


def refusal(action: Callable[[], Any]) -> ApiError | None:
    try:
        action()
    except ApiError as refused:
        return refused
    return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@trials(100)
@given(data=st.data())
def test_any_json_is_read_or_refused(data: st.DataObject) -> None:
    operation = SERVICE.operation_model("CreateEventSourceMapping")
    names = st.sampled_from(sorted(operation.input_shape.members))
    body = data.draw(st.dictionaries(names, JSON, max_size=4) | JSON)

    def read_and_check() -> None:
        params = MODEL.parse(operation, uri={}, query={}, headers={}, body=json.dumps(body).encode())
        MODEL.validate(operation, params)

    refused = refusal(read_and_check)
    assert refused is None or refused.code in {"SerializationException", "ValidationException"}


@given(body=st.binary(max_size=30))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    operation = SERVICE.operation_model("CreateEventSourceMapping")
    refused = refusal(lambda: MODEL.parse(operation, uri={}, query={}, headers={}, body=body))
    assert refused is None or refused.code == "SerializationException"


@given(path=st.text(max_size=30))
def test_any_path_is_matched_or_not(path: str) -> None:
    assert MODEL.match("GET", path) is None
    match = MODEL.match("GET", f"/2015-03-31/event-source-mappings/{path.replace('/', '').replace('?', '')}x")
    assert match is not None
    assert match.operation.name == "GetEventSourceMapping"
