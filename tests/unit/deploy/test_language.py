from pathlib import Path

import pytest

pytest.importorskip("yaml")

from pytest_lambda_esm.deploy.language import Language
from pytest_lambda_esm.deploy.template import Template
from pytest_lambda_esm.errors import DeployError

VALUES = {"Stage": "prod", "Names": ["a-1", "b"], "Count": "2", "AWS::Region": "eu-west-1"}


def language(conditions=None, mappings=None):
    body = {"Conditions": conditions or {}, "Mappings": mappings or {}}
    return Language(Template(body, Path()), VALUES)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Fn::Equals": [{"Ref": "Stage"}, "prod"]}, True),
        ({"Fn::Equals": [{"Ref": "Count"}, 2]}, True),
        ({"Fn::Equals": ["true", True]}, True),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}, False),
        ({"Fn::Equals": [{"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-prod"]}, True),
        ({"Fn::Equals": [{"Fn::Select": [0, {"Fn::Split": ["-", "x-y"]}]}, "x"]}, True),
        ({"Fn::Equals": [{"Fn::Sub": "${Stage}/${AWS::Region}"}, "prod/eu-west-1"]}, True),
        ({"Fn::Equals": [{"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Big"]}, "yes"]}, True),
        ({"Fn::Not": [{"Condition": "Other"}]}, True),
        ({"Fn::And": [{"Condition": "Other"}, {"Fn::Equals": [1, 1]}]}, False),
        ({"Fn::Or": [{"Condition": "Other"}, {"Fn::Equals": [1, 1]}]}, True),
    ],
)
def test_a_condition_is_decided(condition, holds):
    conditions = {"It": condition, "Other": {"Fn::Equals": ["a", "b"]}}
    assert language(conditions, {"Sizes": {"prod": {"Big": "yes"}}}).holds("It") is holds


def test_what_a_false_condition_leaves_out_is_gone():
    decide = language({"Never": {"Fn::Equals": [1, 2]}})
    value = {
        "A": {"Fn::If": ["Never", 1, {"Ref": "AWS::NoValue"}]},
        "B": [{"Fn::If": ["Never", 1, {"Fn::If": ["Never", 1, 2]}]}, {"Ref": "AWS::NoValue"}],
    }
    assert decide.decided(value) == {"B": [2]}
    resources = {"X": {"Type": "T", "Condition": "Never"}, "Y": {"Type": "T"}}
    assert decide.kept(resources) == {"Y": {"Type": "T"}}


def test_loops_are_written_out_also_inside_of_each_other():
    body = {
        "Fn::ForEach::Outer": [
            "Name",
            {"Ref": "Names"},
            {
                "Queue&{Name}": {
                    "Value": {"Ref": "Name"},
                    "Fn::ForEach::Inner": ["Key", ["x", "y"], {"${Key}": "${Name}-${Key}-${Other}"}],
                }
            },
        ]
    }
    assert language().expanded(body) == {
        "Queuea1": {"Value": "a-1", "x": "a-1-x-${Other}", "y": "a-1-y-${Other}"},
        "Queueb": {"Value": "b", "x": "b-x-${Other}", "y": "b-y-${Other}"},
    }


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: language().expanded({"Fn::ForEach::X": ["N", {}]}), "takes a list of an identifier"),
        (lambda: language().expanded({"Fn::ForEach::X": ["N", {"Ref": "No"}, {}]}), "where a list of texts is needed"),
        (lambda: language().holds("No"), "no condition 'No'. It has no Conditions"),
        (lambda: language({"A": {"Fn::Maybe": []}}).holds("A"), "not made of Fn::Equals"),
        (lambda: language().decided({"Fn::If": ["A"]}), "Fn::If takes a condition and two values"),
        (lambda: language().value({"Fn::FindInMap": ["A", "b", "c"]}), "no mapping A / b / c"),
    ],
    ids=["loop", "collection", "condition", "function", "if", "mapping"],
)
def test_a_mistake_is_an_error(call, message):
    with pytest.raises(DeployError, match=message):
        call()


def test_a_mapping_may_have_a_default():
    found = language().value({"Fn::FindInMap": ["A", "b", "c", {"DefaultValue": {"Ref": "Stage"}}]})
    assert found == "prod"
