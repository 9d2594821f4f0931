"""What the model language can say and Lambda's model does not say (yet), with our own small model."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.model import ServiceModel

from pytest_lambda_esm.aws_model.errors import ApiError
from pytest_lambda_esm.aws_model.model import LambdaModel


def at(location: str, shape: str, name: str | None = None) -> dict[str, str]:
    return {"shape": shape, "location": location, **({"locationName": name} if name else {})}


SHAPES: dict[str, Any] = {
    "Text": {"type": "string"},
    "Flag": {"type": "boolean"},
    "Number": {"type": "double", "min": 0.5},
    "Time": {"type": "timestamp"},
    "Bytes": {"type": "blob", "max": 2},
    "Trees": {"type": "list", "member": {"shape": "Tree"}},
    "TreeMap": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Tree"}},
    "Tree": {
        "type": "structure",
        "required": ["Height"],
        "members": {
            "Height": {"shape": "Number", "locationName": "height"},
            "Alive": {"shape": "Flag"},
            "Seed": {"shape": "Bytes"},
            "Children": {"shape": "Trees"},
            "Grafts": {"shape": "TreeMap"},
        },
    },
    "PlantIn": {
        "type": "structure",
        "payload": "Tree",
        "members": {
            "Place": at("uri", "Text", "Place"),
            "Wet": at("querystring", "Flag", "wet"),
            "Depth": at("querystring", "Number", "depth"),
            "Since": at("header", "Time", "X-Since"),
            "Tree": {"shape": "Tree"},
        },
    },
    "PlantOut": {
        "type": "structure",
        "payload": "Tree",
        "members": {
            "Wet": at("header", "Flag", "X-Wet"),
            "Since": at("header", "Time", "X-Since"),
            "Tree": {"shape": "Tree"},
        },
    },
}


@pytest.fixture(scope="module")
def model() -> LambdaModel:
    operation = {
        "name": "Plant",
        "http": {"method": "PUT", "requestUri": "/garden/{Place+}/trees"},
        "input": {"shape": "PlantIn"},
        "output": {"shape": "PlantOut"},
    }
    metadata = {"protocol": "rest-json", "apiVersion": "1", "endpointPrefix": "g", "serviceId": "G"}
    data = {"metadata": metadata, "operations": {"Plant": operation}, "shapes": SHAPES}
    return LambdaModel(ServiceModel(data, "garden"))


def parse(model: LambdaModel, query: dict[str, list[str]], body: Any = None, **headers: str) -> dict[str, Any]:
    match = model.match("PUT", "/garden/north/west/trees/")
    assert match is not None
    content = b"" if body is None else json.dumps(body).encode()
    return model.parse(match.operation, uri=match.uri, query=query, headers=headers, body=content)


def test_request(model: LambdaModel) -> None:
    tree = {"height": 2, "Children": [{"height": 1.5, "Seed": "AAE="}], "Grafts": {"a": {"Alive": True}}}
    assert parse(model, {"wet": ["TRUE"], "depth": ["0.25"]}, tree, **{"X-Since": "10"}) == {
        "Place": "north/west",
        "Wet": True,
        "Depth": 0.25,
        "Since": 10.0,
        "Tree": {
            "Height": 2.0,
            "Children": [{"Height": 1.5, "Seed": b"\x00\x01"}],
            "Grafts": {"a": {"Alive": True}},
        },
    }


@pytest.mark.parametrize(
    ("query", "headers", "text"),
    [
        ({"wet": ["yes"]}, {}, "STRING_VALUE can not be converted to a Boolean"),
        ({"depth": ["deep"]}, {}, "STRING_VALUE can not be converted to a Double"),
        ({"depth": ["nan"]}, {}, "NUMBER_VALUE can not be converted to a Double"),
        ({}, {"x-since": "yesterday"}, "STRING_VALUE can not be converted to a Date"),
    ],
)
def test_wrong_text(model: LambdaModel, query: dict[str, list[str]], headers: dict[str, str], text: str) -> None:
    with pytest.raises(ApiError, match=text):
        parse(model, query, **headers)


def test_constraints_deep_inside(model: LambdaModel) -> None:
    tree = {
        "Height": 1.0,
        "Children": [{"Height": 0.25}, {"Height": 1, "Seed": b"abc"}],
        "Grafts": {"a": {"Alive": True}},
    }
    with pytest.raises(ApiError) as refused:
        model.validate(model.operation("Plant"), {"Depth": 0.5, "Tree": tree})
    assert refused.value.message == (
        "3 validation errors detected: "
        "Value '0.25' at 'tree.children.1.member.height' failed to satisfy constraint: "
        "Member must have value greater than or equal to 0.5; "
        "Value 'java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]' at 'tree.children.2.member.seed' failed to satisfy "
        "constraint: Member must have length less than or equal to 2; "
        "Value null at 'tree.grafts.a.member.height' failed to satisfy constraint: Member must not be null"
    )


def test_structure_with_a_null_and_a_flag_in_a_text(model: LambdaModel) -> None:
    tree = {"Height": 1.0, "Children": [None, {"Height": 2.0, "Alive": False}]}
    with pytest.raises(ApiError) as refused:
        model.validate(model.operation("Plant"), {"Tree": tree})
    assert refused.value.message == (
        "1 validation error detected: Value '[null, Tree(height=2.0, alive=false, seed=null, children=null, "
        "grafts=null)]' at 'tree.children' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must not be null]"
    )


def test_response(model: LambdaModel) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    tree = {"Height": 2.0, "Seed": b"\x00\x01", "Children": [{"Height": 1.0}], "Grafts": {"a": None}}
    reply = model.render(model.operation("Plant"), {"Wet": True, "Since": moment, "Tree": tree})
    assert reply.status == 200
    assert reply.headers == {
        "content-type": "application/json",
        "X-Wet": "true",
        "X-Since": "Tue, 02 Jan 2024 03:04:05 GMT",
    }
    assert json.loads(reply.body) == {"height": 2.0, "Seed": "AAE=", "Children": [{"height": 1.0}], "Grafts": {}}
    assert model.render(model.operation("Plant"), {}).body == b""
