"""Properties of templates, converted to the input of an operation."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.model import ShapeResolver

from pytest_lambda_esm.aws_model.template_properties import converted

SHAPES = ShapeResolver(
    {
        "Input": {
            "type": "structure",
            "members": {
                "KMSKeyArn": {"shape": "Text"},
                "Count": {"shape": "Number"},
                "Open": {"shape": "Flag"},
                "At": {"shape": "Moment"},
                "Tags": {"shape": "Tags"},
                "Names": {"shape": "Names"},
            },
        },
        "Text": {"type": "string"},
        "Number": {"type": "integer"},
        "Flag": {"type": "boolean"},
        "Moment": {"type": "timestamp"},
        "Tags": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
        "Names": {"type": "list", "member": {"shape": "Text"}},
    }
)
INPUT = SHAPES.get_shape_by_name("Input")


@pytest.mark.parametrize(
    ("properties", "params"),
    [
        ({"KmsKeyArn": "key"}, {"KMSKeyArn": "key"}),
        ({"KMSKeyArn": 5}, {"KMSKeyArn": "5"}),
        ({"Count": "7", "Open": "True"}, {"Count": 7, "Open": True}),
        ({"Count": None}, {}),
        ({"At": "2026-01-01T00:00:10Z"}, {"At": 1767225610.0}),
        ({"At": "2026-01-01T00:00:10"}, {"At": 1767225610.0}),
        ({"At": "1767225610"}, {"At": 1767225610.0}),
        ({"Tags": [{"Key": "a", "Value": 1}]}, {"Tags": {"a": "1"}}),
        ({"Tags": {"a": True}}, {"Tags": {"a": "True"}}),
        ({"Names": ["a", 2]}, {"Names": ["a", "2"]}),
    ],
)
def test_converted(properties: Any, params: Any) -> None:
    assert converted(INPUT, properties) == params


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({"Colour": "red"}, "Encountered unsupported property Colour"),
        ({"Count": "many"}, "Property /Count must be of type Number"),
        ({"At": "tomorrow"}, "Property /At must be of type Number"),
        ({"Names": "a"}, "Property /Names must be of type List"),
        ({"Tags": "a"}, "Property /Tags must be an object"),
        ({"KmsKeyArn": ["key"]}, "Property /KmsKeyArn must be of type string"),
    ],
)
def test_refused(properties: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        converted(INPUT, properties)
